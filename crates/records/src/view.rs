//! SQL on FHIR v2: a ViewDefinition is checked and compiled once, then run over any number of resources.
//!
//! Rows come as the specification's processing model orders them: the columns of a selection, then its nested
//! selections, then its union, combined as a product; earlier parts vary slowest.

mod choices;
mod compat;
mod decimal;
mod definition;
mod elements;
mod eval;
mod names;
mod path;
mod reads;
mod resources;
mod table;
mod temporal;
mod types;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;

use crate::error::RecordsError;
use bumpalo::Bump;

use crate::json::{Json, Keep, parse};
use definition::{Column, Filter, Focus, Select};
use eval::{EvalError, Item, Scope};
pub(crate) use eval::{FullUrls, reference_key};
use path::Expr;
pub(crate) use table::{Cell, Rows, TableBuilder};
use table::{Cells, cell};

pub use compat::{Change, ChangeKind, compare_views};
pub use definition::{ViewError, ViewWarning};
pub(crate) use temporal::parse_date;

/// A ViewDefinition that was found valid and is ready to run.
#[derive(Clone, Debug)]
pub struct CompiledView {
    name: String,
    resource: String,
    root: Select,
    filters: Vec<Filter>,
    columns: Vec<Column>,
    /// The definition without its columns and prose: what decides which rows there are.
    shape: String,
    schema: SchemaRef,
    warnings: Vec<ViewWarning>,
}

/// What went wrong with one resource: where in the definition, in which column, if in one, and what. Says nothing of the
/// resource's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowError {
    /// JSON pointer to the part of the definition that could not take the resource.
    pub(crate) pointer: String,
    pub(crate) column: Option<String>,
    pub(crate) what: &'static str,
    /// What to do about it where the view asks for what resources may well not have (one value where several are
    /// allowed), rather than the resource having what it should not have.
    pub(crate) advice: Option<&'static str>,
    /// Whether it may as well be the record that is wrong: the advice counts only where no record fits.
    pub(crate) doubtful: bool,
}

/// A column as readers of the table see it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ColumnInfo {
    /// Its name.
    pub name: String,
    /// The FHIR type that the view names or the path gives away; `string` where neither does.
    #[serde(rename = "type")]
    pub of: String,
    /// Whether one row may hold several values.
    pub collection: bool,
}

/// What a bundle knows of a resource beyond the resource itself.
#[derive(Clone, Copy, Default)]
pub(crate) struct Surroundings<'a> {
    pub(crate) key: Option<&'a str>,
    pub(crate) full_urls: Option<&'a FullUrls>,
}

impl CompiledView {
    /// Checks and compiles the JSON of a ViewDefinition.
    ///
    /// # Errors
    /// [`RecordsError::View`] with a JSON pointer to the place that is wrong.
    pub fn parse(text: &str) -> Result<CompiledView, RecordsError> {
        let definition = definition::read(text).map_err(RecordsError::View)?;
        let columns = definition.root.columns();
        let fields: Vec<_> = columns.iter().map(Column::field).collect();
        Ok(CompiledView {
            name: definition.name,
            resource: definition.resource,
            root: definition.root,
            filters: definition.filters,
            columns,
            shape: definition.shape,
            schema: Schema::new(fields).into(),
            warnings: definition.warnings,
        })
    }

    /// The name of the table that the view makes: the view's own, or the resource's in small letters.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of resource that the view reads.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The columns in the view's order. Text, code and date types are Utf8, whole numbers Int64, decimals Float64;
    /// columns marked `collection` are lists of these.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The columns in the view's order, with their FHIR types.
    pub fn columns(&self) -> Vec<ColumnInfo> {
        let info = |column: &Column| ColumnInfo {
            name: column.name.clone(),
            of: column.of.clone(),
            collection: column.collection,
        };
        self.columns.iter().map(info).collect()
    }

    /// What is odd about the view although it is valid: elements that its resources do not have in FHIR R4 or R5, from
    /// which it gets nothing. Where a type is not known (extensions, resources within others), nothing is said.
    pub fn warnings(&self) -> &[ViewWarning] {
        &self.warnings
    }

    /// Runs the view over resources, one JSON text each; those of another type are passed over.
    ///
    /// # Errors
    /// [`RecordsError::Record`] at the first resource that cannot be read. To set such resources aside and go on, read
    /// through [`crate::read_fhir`].
    pub fn run<'t>(
        &self,
        resources: impl IntoIterator<Item = &'t str>,
    ) -> Result<RecordBatch, RecordsError> {
        let mut keep = Keep::nothing();
        self.reads(&mut keep);
        keep.settle();
        let mut builder = TableBuilder::new(self);
        for (index, text) in resources.into_iter().enumerate() {
            let fail = |reason: String| RecordsError::Record { index, reason };
            let arena = Bump::new();
            let json = parse(text, &keep, &arena).map_err(|error| fail(error.what.to_owned()))?;
            if json.as_object().and_then(|object| object.text("resourceType"))
                != Some(&self.resource)
            {
                continue;
            }
            let rows = self
                .rows(&json, Surroundings::default(), &arena)
                .map_err(|error| fail(error.to_string()))?;
            builder.append(&rows)?;
        }
        builder.finish()
    }

    /// The place of a column in the view's order.
    pub(crate) fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known.name == column)
    }

    /// The rows that one resource gives: none where the view's filters leave it out.
    pub(crate) fn rows<'a>(
        &'a self,
        resource: &'a Json<'a>,
        around: Surroundings<'a>,
        arena: &'a Bump,
    ) -> Result<Rows<'a>, RowError> {
        let scope = Scope::new(resource, around.key, around.full_urls);
        let this = Item::Node(resource, None);
        for filter in &self.filters {
            let passes = scope
                .passes(&filter.path, &this)
                .map_err(|error| RowError::new(&filter.pointer, None, error))?;
            if !passes {
                return Ok(Rows::new(Cells::new_in(arena), self.root.width));
            }
        }
        let mut cells = Cells::with_capacity_in(self.root.width, arena);
        selected(&self.root, &scope, &this, &mut cells)?;
        Ok(Rows::new(cells, self.root.width))
    }
}

impl RowError {
    /// The part of the definition as people write it, `select[0].column[2]`.
    pub(crate) fn place(&self) -> String {
        definition::place(&self.pointer)
    }

    fn new(pointer: &str, column: Option<&str>, error: EvalError) -> RowError {
        RowError {
            pointer: pointer.to_owned(),
            column: column.map(str::to_owned),
            what: error.what(),
            advice: error.advice(),
            doubtful: matches!(error, EvalError::Kinds(_)),
        }
    }
}

impl std::fmt::Display for RowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.column {
            Some(column) => write!(f, "column {column}: {}", self.what),
            None => write!(f, "{}", self.what),
        }
    }
}

/// Appends the rows of one selection, seen from `this`; returns how many they are.
fn selected<'a>(
    select: &'a Select,
    scope: &Scope<'a>,
    this: &Item<'a>,
    out: &mut Cells<'a>,
) -> Result<usize, RowError> {
    let fail = |error| RowError::new(&select.pointer, None, error);
    let items = match &select.focus {
        Focus::Here => return product(select, scope, this, out),
        Focus::Each(path) | Focus::EachOrNull(path) => scope.eval(path, this).map_err(fail)?,
        Focus::Repeat(paths) => scope.descend(paths, this).map_err(fail)?,
    };
    if items.is_empty() && matches!(select.focus, Focus::EachOrNull(_)) {
        nothing(select, &Scope { row: 0, ..*scope }, out);
        return Ok(1);
    }
    let mut rows = 0;
    for (index, item) in items.iter().enumerate() {
        rows += product(select, &Scope { row: index as i64, ..*scope }, item, out)?;
    }
    Ok(rows)
}

/// The row that forEachOrNull makes of nothing: null in every column but those of the row's index, which is 0.
fn nothing<'a>(select: &'a Select, scope: &Scope<'a>, row: &mut Cells<'a>) {
    row.extend(select.columns.iter().map(|column| match of_the_index(&column.path) {
        Some(true) => index_of_nothing(column, scope).unwrap_or(Cell::Null),
        _ => Cell::Null,
    }));
    let nested = select.selects.iter().chain(select.unions.first());
    nested.for_each(|nested| nothing(nested, scope, row));
}

/// What a column makes of the row's index where there is nothing else.
fn index_of_nothing<'a>(column: &'a Column, scope: &Scope<'a>) -> Option<Cell<'a>> {
    let item = scope.one(&column.path, &eval::NOTHING).ok()??;
    let cell = cell(&item, column.kind).ok()?;
    Some(if column.collection { Cell::List(vec![cell]) } else { cell })
}

/// Whether the value of a path is made of the row's index: `None` where it takes something else to know it.
fn of_the_index(path: &Expr) -> Option<bool> {
    match path {
        Expr::RowIndex => Some(true),
        Expr::Literal(_) => Some(false),
        Expr::Binary(_, left, right) => Some(of_the_index(left)? | of_the_index(right)?),
        Expr::Negate(inner) => of_the_index(inner),
        _ => None,
    }
}

/// Appends the product of a selection's columns, nested selections and union for one focus; returns how many rows it has.
fn product<'a>(
    select: &'a Select,
    scope: &Scope<'a>,
    this: &Item<'a>,
    out: &mut Cells<'a>,
) -> Result<usize, RowError> {
    let start = out.len();
    for column in &select.columns {
        out.push(value(column, scope, this)?);
    }
    let mut rows = 1;
    for nested in &select.selects {
        let middle = out.len();
        let more = selected(nested, scope, this, out)?;
        rows = combine(out, (start, rows), (middle, more));
    }
    if !select.unions.is_empty() {
        let (middle, mut more) = (out.len(), 0);
        for branch in &select.unions {
            more += selected(branch, scope, this, out)?;
        }
        rows = combine(out, (start, rows), (middle, more));
    }
    Ok(rows)
}

/// Makes the rows that begin at `start` and those that begin behind them into their product; each comes with how many
/// they are. Returns how many it has.
fn combine(
    out: &mut Cells<'_>,
    (start, left): (usize, usize),
    (middle, right): (usize, usize),
) -> usize {
    // One row and one more stand behind each other already, and no columns at all add nothing.
    if left == 1 && (right == 1 || start == middle) {
        return right;
    }
    let more = out.split_off(middle);
    let rows = out.split_off(start);
    if left == 0 || right == 0 {
        return 0;
    }
    for row in rows.chunks_exact(rows.len() / left) {
        for more in more.chunks_exact(more.len() / right) {
            out.extend(row.iter().chain(more).cloned());
        }
    }
    left * right
}

#[inline]
fn value<'a>(column: &'a Column, scope: &Scope<'a>, this: &Item<'a>) -> Result<Cell<'a>, RowError> {
    let fail = |error| RowError::new(&column.pointer, Some(&column.name), error);
    let unfit = |what| match column.sure {
        true => fail(EvalError::Value(what)),
        false => fail(EvalError::Type(what)),
    };
    if column.collection {
        let items = scope.eval(&column.path, this).map_err(fail)?;
        let values = items.iter().filter(|item| item.has_value());
        let cells: Result<Vec<_>, _> = values.map(|item| cell(item, column.kind)).collect();
        return cells.map(Cell::List).map_err(unfit);
    }
    match scope.one(&column.path, this).map_err(fail)? {
        None => Ok(Cell::Null),
        Some(item) => cell(&item, column.kind).map_err(unfit),
    }
}
