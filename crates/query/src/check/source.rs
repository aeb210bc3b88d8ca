//! The tables of a question, and which column each name means.

use caduceus_records::schema::{ColumnSchema, DatasetSchema, Domain, TableSchema};
use datafusion::{
    common::{Column, JoinType, NullEquality, TableReference},
    logical_expr::{Expr, Join, LogicalPlan, Operator},
};

use crate::{
    Refusal,
    plan::{ColumnRef, ColumnType, Side, Source, TableRef},
    refusal::list,
};

/// The tables of a question by the names that it gives them, and the columns that it has used so far.
pub(super) struct Scope<'a> {
    tables: Vec<Named<'a>>,
    pub source: Source,
    pub columns: Vec<ColumnRef>,
    /// The WHERE, as the planner left it.
    pub filter: Option<Expr>,
}

/// A table under the name that the question gives it.
struct Named<'a> {
    qualifier: TableReference,
    schema: &'a TableSchema,
    side: Side,
}

impl<'a> Scope<'a> {
    /// Reads FROM, JOIN and WHERE.
    pub fn new(input: &LogicalPlan, schema: &'a DatasetSchema) -> Result<Self, Refusal> {
        let (node, filter) = match input {
            LogicalPlan::Filter(filter) => (filter.input.as_ref(), Some(filter.predicate.clone())),
            other => (other, None),
        };
        let (tables, source) = match node {
            LogicalPlan::Join(join) => joined(join, schema)?,
            other => {
                let rows = table(other, schema, None)?;
                let source = source(rows.schema, None)?;
                (vec![rows], source)
            }
        };
        Ok(Self { tables, source, columns: Vec::new(), filter })
    }

    /// What a name in the question means.
    pub fn resolve(&self, column: &Column) -> Result<(Side, &'a ColumnSchema), Refusal> {
        let named = self.tables.iter().filter(|table| {
            column.relation.as_ref().is_none_or(|relation| *relation == table.qualifier)
        });
        let mut found = named
            .filter_map(|table| Some((table.side, table.schema.column(&column.name)?)))
            .collect::<Vec<_>>();
        match (found.pop(), found.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Err(Refusal::UnknownColumn {
                name: column.name.clone(),
                known: list(self.tables.iter().flat_map(|table| {
                    table.schema.columns.iter().map(|column| column.name.as_str())
                })),
            }),
        }
    }

    /// The index of a column among those that the question reads.
    pub fn read(&mut self, side: Side, column: &ColumnSchema) -> usize {
        let column_type = match column.domain {
            Domain::Person | Domain::Category { .. } | Domain::Text => ColumnType::Text,
            Domain::Integer { .. } => ColumnType::Integer,
            Domain::Decimal { .. } => ColumnType::Decimal,
            Domain::Flag => ColumnType::Flag,
        };
        let column = ColumnRef { side, name: column.name.clone(), column_type };
        self.columns.iter().position(|known| *known == column).unwrap_or_else(|| {
            self.columns.push(column);
            self.columns.len() - 1
        })
    }
}

/// A table as the question names it.
fn table<'a>(
    node: &LogicalPlan,
    schema: &'a DatasetSchema,
    alias: Option<&TableReference>,
) -> Result<Named<'a>, Refusal> {
    match node {
        LogicalPlan::SubqueryAlias(named) if alias.is_none() => {
            table(&named.input, schema, Some(&named.alias))
        }
        LogicalPlan::TableScan(scan) if scan.filters.is_empty() && scan.fetch.is_none() => {
            let name = scan.table_name.table();
            let schema = schema.table(name).ok_or_else(|| Refusal::UnknownTable {
                name: name.to_owned(),
                known: list(schema.tables.iter().map(|table| table.name.as_str())),
            })?;
            let qualifier = alias.unwrap_or(&scan.table_name).clone();
            Ok(Named { qualifier, schema, side: Side::Rows })
        }
        LogicalPlan::Join(_) => Err(Refusal::unsupported(
            "A join of more than two tables",
            "join one table with the table of patients",
        )),
        LogicalPlan::EmptyRelation(_) | LogicalPlan::Values(_) => {
            Err(Refusal::unsupported("A question without a table", "name a table after FROM"))
        }
        LogicalPlan::Unnest(_) => Err(Refusal::unsupported("UNNEST", super::AGGREGATES)),
        _ => Err(super::subquery()),
    }
}

/// Two tables joined on the patient, one of them with one row a patient.
fn joined<'a>(join: &Join, schema: &'a DatasetSchema) -> Result<(Vec<Named<'a>>, Source), Refusal> {
    let mut left = table(&join.left, schema, None)?;
    let mut right = table(&join.right, schema, None)?;
    let on_patient = join.join_type == JoinType::Inner
        && join.null_equality == NullEquality::NullEqualsNothing
        && joins_on_patient(join, &left, &right);
    if !on_patient {
        return Err(Refusal::unsupported(
            "A join other than an inner join on the patient",
            format!(
                "write {} JOIN {} USING ({})",
                left.schema.name, right.schema.name, left.schema.person
            ),
        ));
    }
    let different = left.schema.name != right.schema.name;
    if different && right.schema.max_rows_per_person == 1 {
        right.side = Side::Person;
    } else if different && left.schema.max_rows_per_person == 1 {
        left.side = Side::Person;
    } else {
        return Err(Refusal::unsupported(
            "A join of two tables with several rows a patient",
            "join one table with the table of patients",
        ));
    }
    let (rows, person) = if left.side == Side::Rows { (&left, &right) } else { (&right, &left) };
    let source = source(rows.schema, Some(person.schema))?;
    Ok((vec![left, right], source))
}

/// Whether the one condition of a join is that both patients are equal.
fn joins_on_patient(join: &Join, left: &Named<'_>, right: &Named<'_>) -> bool {
    let (one, other) = match (join.on.as_slice(), &join.filter) {
        ([(one, other)], None) => (one, other),
        ([], Some(Expr::BinaryExpr(equal))) if equal.op == Operator::Eq => {
            (equal.left.as_ref(), equal.right.as_ref())
        }
        _ => return false,
    };
    let is = |expr: &Expr, table: &Named<'_>| {
        matches!(expr, Expr::Column(column)
            if column.name == table.schema.person
                && column.relation.as_ref() == Some(&table.qualifier))
    };
    (is(one, left) && is(other, right)) || (is(one, right) && is(other, left))
}

/// The source of a question over these tables, with the published bound of the rows.
fn source(rows: &TableSchema, person: Option<&TableSchema>) -> Result<Source, Refusal> {
    if rows.max_rows_per_person == 0 {
        let what = format!("the rows of one patient in `{}`", rows.name);
        return Err(Refusal::MissingBound { what });
    }
    let table =
        |table: &TableSchema| TableRef { name: table.name.clone(), person: table.person.clone() };
    Ok(Source {
        rows: table(rows),
        person: person.map(table),
        max_rows_per_person: rows.max_rows_per_person,
    })
}
