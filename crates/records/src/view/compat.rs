//! Two versions of a view: what changed, who can still read what, and tables of the older one made into the newer's.

use std::sync::Arc;

use arrow::array::{ArrayRef, new_null_array};
use arrow::compute::cast;
use arrow::record_batch::RecordBatch;
use serde::Serialize;

use super::CompiledView;
use super::definition::{Column, ColumnKind};
use crate::error::RecordsError;

/// What happened to a column or to the view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "change")]
#[non_exhaustive]
pub enum ChangeKind {
    /// The column is new; tables that lack it have no value in it.
    Added,
    /// The column is gone.
    Removed,
    /// The column has the same path under another name.
    Renamed {
        /// What it is called now.
        to: String,
    },
    /// Every value of the old type is one of the new type.
    Widened {
        /// The old type.
        from: String,
        /// The new type.
        to: String,
    },
    /// Values of the old type may be none of the new type.
    Narrowed {
        /// The old type.
        from: String,
        /// The new type.
        to: String,
    },
    /// One value has become several, or the other way round.
    Collection,
    /// The column's values come from elsewhere in the resource.
    Redefined,
    /// The column stands in another place; readers by name do not notice.
    Moved,
    /// The view reads resources of another type.
    Resource,
    /// The view lets other resources in, or makes other rows of them.
    Rows,
}

/// One difference between two versions of a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The column; none where the view as a whole changed.
    pub column: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub kind: ChangeKind,
    /// Whether a program that reads the old tables can read the new ones.
    pub old_readers_survive: bool,
    /// Whether the new view can take over tables of the old one.
    pub reads_old: bool,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.column.as_deref().unwrap_or_default();
        match &self.kind {
            ChangeKind::Added => write!(f, "{name} is new"),
            ChangeKind::Removed => write!(f, "{name} is gone"),
            ChangeKind::Renamed { to } => write!(f, "{name} is named {to} now"),
            ChangeKind::Widened { from, to } => {
                write!(f, "{name} is {to} now, which holds every {from}")
            }
            ChangeKind::Narrowed { from, to } => {
                write!(f, "{name} is {to} now, which does not hold every {from}")
            }
            ChangeKind::Collection => {
                write!(f, "{name} has changed between one value and several")
            }
            ChangeKind::Redefined => write!(f, "{name} comes from another path now"),
            ChangeKind::Moved => write!(f, "{name} stands in another place now"),
            ChangeKind::Resource => write!(f, "the view reads another type of resource"),
            ChangeKind::Rows => write!(f, "the view makes other rows"),
        }
    }
}

/// Every difference between an older and a newer version of a view, in the order of the columns.
pub fn compare_views(old: &CompiledView, new: &CompiledView) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut note = |column: Option<&str>, kind: ChangeKind| {
        let (old_readers_survive, reads_old) = consequences(&kind);
        let column = column.map(str::to_owned);
        changes.push(Change { column, kind, old_readers_survive, reads_old });
    };
    if old.resource != new.resource {
        note(None, ChangeKind::Resource);
    }
    let renamed = |before: &Column| {
        let same = |after: &&Column| after.source == before.source && after.of == before.of;
        let free = |after: &&Column| old.column(&after.name).is_none();
        new.columns.iter().find(|after| same(after) && free(after)).map(|after| &after.name)
    };
    let taken: Vec<&String> = old
        .columns
        .iter()
        .filter(|before| new.column(&before.name).is_none())
        .filter_map(renamed)
        .collect();
    for before in &old.columns {
        match (new.column(&before.name), renamed(before)) {
            (None, Some(to)) => note(Some(&before.name), ChangeKind::Renamed { to: to.clone() }),
            (None, None) => note(Some(&before.name), ChangeKind::Removed),
            (Some(after), _) => compare_columns(before, after, &mut note),
        }
    }
    for after in &new.columns {
        if old.column(&after.name).is_none() && !taken.contains(&&after.name) {
            note(Some(&after.name), ChangeKind::Added);
        }
    }
    let order = |view: &CompiledView, other: &CompiledView| -> Vec<String> {
        let shared = view.columns.iter().filter(|column| other.column(&column.name).is_some());
        shared.map(|column| column.name.clone()).collect()
    };
    for (before, after) in order(old, new).iter().zip(order(new, old)) {
        if *before != after {
            note(Some(&after), ChangeKind::Moved);
        }
    }
    if old.shape != new.shape {
        note(None, ChangeKind::Rows);
    }
    changes
}

fn compare_columns(
    before: &Column,
    after: &Column,
    note: &mut impl FnMut(Option<&str>, ChangeKind),
) {
    let name = Some(before.name.as_str());
    if before.collection != after.collection {
        note(name, ChangeKind::Collection);
    }
    if before.of != after.of {
        let (from, to) = (before.of.clone(), after.of.clone());
        note(
            name,
            match holds(&to, &from) {
                true => ChangeKind::Widened { from, to },
                false => ChangeKind::Narrowed { from, to },
            },
        );
    }
    if before.source != after.source {
        note(name, ChangeKind::Redefined);
    }
}

/// Whether old readers survive a change, and whether the new view can take over old tables.
fn consequences(kind: &ChangeKind) -> (bool, bool) {
    match kind {
        ChangeKind::Added | ChangeKind::Moved => (true, true),
        // The table is read as before, though it says something else.
        ChangeKind::Redefined | ChangeKind::Rows => (true, true),
        ChangeKind::Removed => (false, true),
        ChangeKind::Widened { from, to } => {
            (ColumnKind::of_type(from) == ColumnKind::of_type(to), true)
        }
        ChangeKind::Renamed { .. }
        | ChangeKind::Narrowed { .. }
        | ChangeKind::Collection
        | ChangeKind::Resource => (false, false),
    }
}

/// Whether every value of one primitive type is one of the other, as FHIR R4 defines them (datatypes, 2.24).
fn holds(wide: &str, narrow: &str) -> bool {
    const HELD: [(&str, &[&str]); 6] = [
        ("string", &["code", "id", "markdown"]),
        ("uri", &["url", "canonical", "uuid", "oid"]),
        ("unsignedInt", &["positiveInt"]),
        ("integer", &["positiveInt", "unsignedInt"]),
        ("decimal", &["integer", "positiveInt", "unsignedInt"]),
        ("dateTime", &["date", "instant"]),
    ];
    wide == narrow || HELD.iter().any(|(of, held)| *of == wide && held.contains(&narrow))
}

impl CompiledView {
    fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Makes rows that an older version of this view wrote into rows of this one: columns that are new have no value,
    /// those that are gone are left out, whole numbers become decimals where that is the column's type now.
    ///
    /// # Errors
    /// [`RecordsError::Older`] where a column's values cannot be taken over.
    pub fn adopt(&self, older: &RecordBatch) -> Result<RecordBatch, RecordsError> {
        let schema = self.schema();
        let column = |field: &Arc<arrow::datatypes::Field>| -> Result<ArrayRef, RecordsError> {
            let Some(values) = older.column_by_name(field.name()) else {
                return Ok(new_null_array(field.data_type(), older.num_rows()));
            };
            let column = self.column(field.name());
            let (from, to) = (values.data_type(), field.data_type());
            let widens = column.is_some_and(|column| column.kind == ColumnKind::Decimal)
                && *from == ColumnKind::Integer.data_type();
            match from == to {
                true => Ok(values.clone()),
                false if widens => Ok(cast(values, to)?),
                false => Err(RecordsError::Older {
                    column: field.name().clone(),
                    from: from.to_string(),
                    to: to.to_string(),
                }),
            }
        };
        let columns: Result<Vec<_>, _> = schema.fields().iter().map(column).collect();
        Ok(RecordBatch::try_new(schema, columns?)?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Float64Type;
    use serde_json::{Value, json};

    use super::*;

    fn view(columns: Value) -> CompiledView {
        let view = json!({ "resource": "Patient", "select": [{ "column": columns }] });
        CompiledView::parse(&view.to_string()).unwrap()
    }

    fn column(name: &str, path: &str, of: &str) -> Value {
        json!({ "name": name, "path": path, "type": of })
    }

    /// The changes between two views in one line each.
    fn changes(old: Value, new: Value) -> Vec<String> {
        let line = |change: &Change| {
            let kind = serde_json::to_value(&change.kind).unwrap();
            let column = change.column.as_deref().unwrap_or("-");
            format!(
                "{column} {} {} {}",
                kind["change"].as_str().unwrap(),
                change.old_readers_survive,
                change.reads_old
            )
        };
        compare_views(&view(old), &view(new)).iter().map(line).collect()
    }

    #[test]
    fn each_change_says_who_can_still_read() {
        let base = || vec![column("id", "id", "id"), column("n", "x", "positiveInt")];
        let with = |more: Value| Value::Array([base(), vec![more]].concat());
        let plain = || Value::Array(base());
        assert_eq!(changes(plain(), plain()), [""; 0]);
        assert_eq!(changes(plain(), with(column("more", "y", "string"))), ["more added true true"]);
        assert_eq!(
            changes(with(column("more", "y", "string")), plain()),
            ["more removed false true"]
        );
        assert_eq!(
            changes(with(column("a", "y", "string")), with(column("b", "y", "string"))),
            ["a renamed false false"]
        );
        for (from, to, expected) in [
            ("positiveInt", "integer", "c widened true true"),
            ("integer", "decimal", "c widened false true"),
            ("code", "string", "c widened true true"),
            ("decimal", "integer", "c narrowed false false"),
            ("string", "code", "c narrowed false false"),
            ("dateTime", "date", "c narrowed false false"),
        ] {
            let found = changes(with(column("c", "y", from)), with(column("c", "y", to)));
            assert_eq!(found, [expected], "{from} to {to}");
        }
        let several = json!({ "name": "c", "path": "y", "type": "string", "collection": true });
        assert_eq!(
            changes(with(column("c", "y", "string")), with(several)),
            ["c collection false false"]
        );
        assert_eq!(
            changes(with(column("c", "y", "string")), with(column("c", "z", "string"))),
            ["c redefined true true"]
        );
        let mut turned = base();
        turned.reverse();
        let found = changes(plain(), Value::Array(turned));
        assert_eq!(found, ["n moved true true", "id moved true true"]);
    }

    #[test]
    fn filters_and_resources_that_change_are_noticed() {
        let with = |resource: &str, path: &str| {
            let view = json!({ "resource": resource, "where": [{ "path": path }], "select": [{ "column": [column("id", "id", "id")] }] });
            CompiledView::parse(&view.to_string()).unwrap()
        };
        let kinds = |old: &CompiledView, new: &CompiledView| -> Vec<ChangeKind> {
            compare_views(old, new).into_iter().map(|change| change.kind).collect()
        };
        let base = with("Patient", "active");
        assert_eq!(kinds(&base, &with("Patient", "active.not()")), [ChangeKind::Rows]);
        assert_eq!(kinds(&base, &with("Person", "active")), [ChangeKind::Resource]);
    }

    #[test]
    fn a_newer_view_reads_what_an_older_one_wrote() {
        let old = view(json!([
            column("id", "id", "id"),
            column("gone", "y", "string"),
            column("n", "n", "integer")
        ]));
        let new = view(json!([
            column("n", "n", "decimal"),
            column("id", "id", "id"),
            column("more", "z", "string")
        ]));
        let rows = old.run([r#"{"resourceType":"Patient","id":"a","y":"x","n":7}"#]).unwrap();
        let adopted = new.adopt(&rows).unwrap();
        assert_eq!(adopted.schema(), new.schema());
        assert_eq!(adopted.column(0).as_primitive::<Float64Type>().value(0), 7.0);
        assert_eq!(adopted.column(1).as_string::<i32>().value(0), "a");
        assert!(adopted.column(2).is_null(0));
        let error = old.adopt(&adopted).unwrap_err();
        assert!(error.to_string().contains("column n"), "{error}");
    }
}
