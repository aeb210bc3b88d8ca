//! ViewDefinition: JSON to a checked tree of selections, with errors that point into the definition.

mod constant;

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::{DataType, Field};
use serde_json::{Map, Value};

use super::path::{self, Constants, Expr, Known, Literal, common};
use super::resources;
use super::table::list_field;

/// Why a ViewDefinition is not valid, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the view is wrong at {}: {reason}", self.place())]
pub struct ViewError {
    /// JSON pointer (RFC 6901) to the wrong element; empty for the view as a whole.
    pub pointer: String,
    /// Where in a FHIRPath expression the mistake is: characters before it. `None` where it is not in one.
    pub offset: Option<usize>,
    /// What is wrong with it and what would be right.
    pub reason: String,
}

/// What is odd about a ViewDefinition that is valid, and where.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ViewWarning {
    /// JSON pointer (RFC 6901) to the odd element.
    pub pointer: String,
    /// Where in a FHIRPath expression it is: characters before it. `None` where it is at several places of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<usize>,
    /// What is odd about it and what was probably meant.
    pub message: String,
}

impl std::fmt::Display for ViewWarning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = place(&self.pointer);
        match self.offset {
            Some(offset) => {
                write!(f, "{place}, at character {} of the path: {}", offset + 1, self.message)
            }
            None => write!(f, "{place}: {}", self.message),
        }
    }
}

impl ViewError {
    /// The wrong element as people write it, `select[0].column[2].path`.
    pub fn place(&self) -> String {
        match self.pointer.is_empty() {
            true => "its root".to_owned(),
            false => place(&self.pointer),
        }
    }
}

/// A JSON pointer as people write paths, `select[0].column[2].path`.
pub(crate) fn place(pointer: &str) -> String {
    let mut place = String::new();
    for step in pointer.split('/').skip(1) {
        if !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()) {
            place.push_str(&format!("[{step}]"));
            continue;
        }
        if !place.is_empty() {
            place.push('.');
        }
        place.push_str(&step.replace("~1", "/").replace("~0", "~"));
    }
    place
}

type Result<T> = std::result::Result<T, ViewError>;

/// A ViewDefinition whose parts fit together.
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) resource: String,
    pub(crate) root: Select,
    pub(crate) filters: Vec<Filter>,
    pub(crate) shape: String,
    pub(crate) warnings: Vec<ViewWarning>,
}

/// One selection: where it looks, and what it takes there.
#[derive(Clone, Debug)]
pub(crate) struct Select {
    pub(crate) focus: Focus,
    pub(crate) columns: Vec<Column>,
    pub(crate) selects: Vec<Select>,
    pub(crate) unions: Vec<Select>,
    /// Columns of this selection, the nested ones included.
    pub(crate) width: usize,
    /// Where it stands in the definition.
    pub(crate) pointer: String,
    /// What is odd about its own paths and those of its columns.
    warnings: Vec<ViewWarning>,
}

/// What a selection is applied to.
#[derive(Clone, Debug)]
pub(crate) enum Focus {
    Here,
    Each(Expr),
    EachOrNull(Expr),
    /// Every element that the paths find, at any depth.
    Repeat(Vec<Expr>),
}

/// One column of the result.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) path: Expr,
    pub(crate) kind: ColumnKind,
    /// The FHIR type that the view names, or that the path gives away.
    pub(crate) of: String,
    /// Whether the view names the type.
    pub(crate) declared: bool,
    /// The primitive type that the path gives away.
    pub(crate) found: Option<Box<str>>,
    pub(crate) collection: bool,
    /// Whether FHIR says that the path's values are stored like the column's.
    pub(crate) sure: bool,
    /// Where the column stands in the definition.
    pub(crate) pointer: String,
    /// The path as it is written.
    pub(crate) source: String,
}

/// A filter over resources.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub(crate) path: Expr,
    /// Where it stands in the definition.
    pub(crate) pointer: String,
}

/// How a column's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    Text,
    Bool,
    Integer,
    Decimal,
}

impl ColumnKind {
    /// The storage of a primitive FHIR type.
    pub(crate) fn of_type(of: &str) -> Option<ColumnKind> {
        kind_of(of)
    }
}

impl Column {
    pub(crate) fn field(&self) -> Field {
        match self.collection {
            true => Field::new(&self.name, DataType::List(list_field(self.kind)), true),
            false => Field::new(&self.name, self.kind.data_type(), true),
        }
    }
}

impl Select {
    /// The columns in the order of the result.
    pub(crate) fn columns(&self) -> Vec<Column> {
        let nested = self.selects.iter().chain(self.unions.first());
        self.columns.iter().cloned().chain(nested.flat_map(Select::columns)).collect()
    }

    /// What is odd about this selection and those within it, in the order of the definition.
    fn warnings(&self) -> Vec<ViewWarning> {
        let within = self.selects.iter().chain(&self.unions);
        self.warnings.iter().cloned().chain(within.flat_map(Select::warnings)).collect()
    }

    /// Gives the columns, in the order of the result, these types with their storage.
    fn give_types(&mut self, types: &[(ColumnKind, String)]) {
        let (own, mut nested) = types.split_at(self.columns.len());
        for (column, (kind, of)) in self.columns.iter_mut().zip(own) {
            column.sure &= column.kind == *kind;
            (column.kind, column.of) = (*kind, of.clone());
        }
        for select in &mut self.selects {
            let (own, further) = nested.split_at(select.width);
            select.give_types(own);
            nested = further;
        }
        self.unions.iter_mut().for_each(|branch| branch.give_types(nested));
    }
}

/// Checks a ViewDefinition and compiles its paths.
pub(crate) fn read(text: &str) -> Result<Definition> {
    let value: Value = serde_json::from_str(text).map_err(|error| ViewError {
        pointer: String::new(),
        offset: None,
        reason: format!("it is not JSON (line {}, column {})", error.line(), error.column()),
    })?;
    let root = Node { value: &value, pointer: String::new() };
    let object = root.object()?;
    root.no_misspelt_keys(&["resource", "constant", "select", "where"])?;
    if let Some(Value::String(kind)) = object.get("resourceType")
        && !kind.ends_with("ViewDefinition")
    {
        return Err(root.child("resourceType").error("this is not a ViewDefinition"));
    }
    let resource =
        root.required_text("resource", "name the type of resource that the view reads")?;
    if !resources::is_known(&resource) {
        let meant = resources::meant_by(&resource);
        let meant = meant.map_or(String::new(), |meant| format!("; {meant} is probably meant"));
        let reason = format!("FHIR knows no type of resource of this name{meant}");
        return Err(root.child("resource").error(reason));
    }
    let name = match object.get("name") {
        Some(_) => root.identifier("name")?,
        None => resource.to_lowercase(),
    };
    let focus = Known::resource(&resource);
    let constants = Constants { values: constants(&root)?, resource: focus.clone() };
    let selects = root.list("select", |node| select(node, &constants, &focus))?;
    if selects.is_empty() {
        return Err(root.error("a view needs a select with at least one column"));
    }
    let (filters, odd): (Vec<_>, Vec<_>) =
        root.list("where", |node| filter(node, &constants, &focus))?.into_iter().unzip();
    let width = selects.iter().map(|select| select.width).sum();
    let root_select = Select {
        focus: Focus::Here,
        columns: Vec::new(),
        selects,
        unions: Vec::new(),
        width,
        pointer: "/select".to_owned(),
        warnings: Vec::new(),
    };
    unique_names(&root_select)?;
    let warnings = [root_select.warnings(), odd.concat()].concat();
    Ok(Definition { name, resource, root: root_select, filters, shape: shape(&value), warnings })
}

/// The filters and iterations of a definition as a text: what decides which rows there are.
fn shape(value: &Value) -> String {
    const ROWS: [&str; 8] =
        ["constant", "where", "path", "select", "forEach", "forEachOrNull", "repeat", "unionAll"];
    let member = |(key, value): (&String, &Value)| {
        let inner = match value {
            // A selection that has columns only makes neither more rows nor fewer.
            Value::Array(items) if key == "select" => {
                let items: Vec<String> =
                    items.iter().map(shape).filter(|item| item != "{}").collect();
                if items.is_empty() {
                    return None;
                }
                items.join(",")
            }
            other => shape(other),
        };
        (ROWS.contains(&key.as_str()) || key.starts_with("value")).then(|| format!("{key}:{inner}"))
    };
    match value {
        Value::Object(members) => {
            format!("{{{}}}", members.iter().filter_map(member).collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => items.iter().map(shape).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn unique_names(root: &Select) -> Result<()> {
    let mut seen = BTreeSet::new();
    for column in root.columns() {
        if !seen.insert(column.name.clone()) {
            let reason = format!("two columns are named {}; rename one", column.name);
            return Err(ViewError { pointer: column.pointer + "/name", offset: None, reason });
        }
    }
    Ok(())
}

/// A filter, and what is odd about it.
fn filter(
    node: &Node<'_>,
    constants: &Constants,
    focus: &Known,
) -> Result<(Filter, Vec<ViewWarning>)> {
    let path = node.path("path", constants, focus)?;
    match path.known.of.as_deref() {
        None | Some("boolean") => {
            Ok((Filter { path: path.expr, pointer: node.pointer.clone() }, path.warnings))
        }
        Some(of) => Err(node.child("path").error(format!(
            "a filter must be true or false, and this is a value of type {of}; compare it with something, or ask whether it exists()"
        ))),
    }
}

const SELECT_KEYS: [&str; 9] = [
    "id",
    "extension",
    "modifierExtension",
    "column",
    "select",
    "forEach",
    "forEachOrNull",
    "repeat",
    "unionAll",
];
const COLUMN_KEYS: [&str; 10] = [
    "id",
    "extension",
    "modifierExtension",
    "path",
    "name",
    "description",
    "collection",
    "type",
    "tag",
    "tags",
];

fn select(node: &Node<'_>, constants: &Constants, focus: &Known) -> Result<Select> {
    node.only_keys(&SELECT_KEYS)?;
    let (at, focus, odd) = iteration(node, constants, focus)?;
    let (columns, more): (Vec<_>, Vec<_>) =
        node.list("column", |node| column(node, constants, &focus))?.into_iter().unzip();
    let selects = node.list("select", |node| select(node, constants, &focus))?;
    let mut unions = node.list("unionAll", |node| select(node, constants, &focus))?;
    if columns.is_empty() && selects.is_empty() && unions.is_empty() {
        return Err(node.error("a select needs a column, a nested select or a unionAll"));
    }
    same_columns(node, &mut unions)?;
    let nested = selects.iter().chain(unions.first()).map(|select| select.width);
    let width = columns.len() + nested.sum::<usize>();
    let (pointer, warnings) = (node.pointer.clone(), [odd, more.concat()].concat());
    Ok(Select { focus: at, columns, selects, unions, width, pointer, warnings })
}

/// What a selection is applied to, what is known of it, and what is odd about it.
fn iteration(
    node: &Node<'_>,
    constants: &Constants,
    focus: &Known,
) -> Result<(Focus, Known, Vec<ViewWarning>)> {
    let object = node.object()?;
    let mut given =
        ["forEach", "forEachOrNull", "repeat"].into_iter().filter(|key| object.contains_key(*key));
    let (first, second) = (given.next(), given.next());
    if second.is_some() {
        return Err(node.error("choose one of forEach, forEachOrNull and repeat"));
    }
    match first {
        Some("repeat") => {
            let compile =
                |focus: &Known| node.list("repeat", |node| node.expression(constants, focus));
            let known = |paths: &[Checked]| {
                let mut known = paths.iter().map(|path| path.known.clone());
                let first = known.next().unwrap_or_default();
                known.fold(first, Known::either)
            };
            let paths = compile(focus)?;
            if paths.is_empty() {
                return Err(node.child("repeat").error("name at least one path to go down"));
            }
            // The paths are applied to what they find as well, which stands in other places than the start, until that is
            // of no further types: those of FHIR are nested a few deep.
            let mut below = known(&paths);
            let paths = loop {
                let paths = compile(&focus.clone().either(below.clone()))?;
                let further = known(&paths);
                let all = below.has_types_of(&further);
                below = below.either(further);
                if all {
                    break paths;
                }
            };
            let (paths, odd): (Vec<_>, Vec<_>) =
                paths.into_iter().map(|path| (path.expr, path.warnings)).unzip();
            Ok((Focus::Repeat(paths), below, odd.concat()))
        }
        Some(key) => {
            let path = node.path(key, constants, focus)?;
            let at = if key == "forEach" { Focus::Each } else { Focus::EachOrNull };
            Ok((at(path.expr), path.known, path.warnings))
        }
        None => Ok((Focus::Here, focus.clone(), Vec::new())),
    }
}

/// The branches of a union must have the same columns in the same order. Types that they declare must agree; what they
/// leave open gets a type that holds the values of all branches.
fn same_columns(node: &Node<'_>, unions: &mut [Select]) -> Result<()> {
    let branches: Vec<Vec<Column>> = unions.iter().map(Select::columns).collect();
    let Some((first, others)) = branches.split_first() else { return Ok(()) };
    let mut joined: Vec<Joined> = first.iter().map(Joined::new).collect();
    for (index, other) in others.iter().enumerate() {
        let same = |(one, other): (&Column, &Column)| {
            (&one.name, one.collection) == (&other.name, other.collection)
        };
        let mut agree = first.len() == other.len() && first.iter().zip(other).all(same);
        for (known, own) in joined.iter_mut().zip(other) {
            agree &= known.join(Joined::new(own));
        }
        if !agree {
            let branch = node.child("unionAll").child(&(index + 1).to_string());
            return Err(branch.error(
                "its columns differ from those of the first branch in name, order or type",
            ));
        }
    }
    let types: Vec<_> = joined.into_iter().map(Joined::of).collect();
    unions.iter_mut().for_each(|branch| branch.give_types(&types));
    Ok(())
}

/// What the branches of a union make of a column's type.
struct Joined {
    declared: Option<String>,
    found: Option<Box<str>>,
}

impl Joined {
    fn new(column: &Column) -> Joined {
        let declared = column.declared.then(|| column.of.clone());
        Joined { found: column.found.clone().filter(|_| !column.declared), declared }
    }

    /// Adds another branch; says whether the two can be one column.
    fn join(&mut self, other: Joined) -> bool {
        let agree = match (&self.declared, &other.declared) {
            (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
            _ => true,
        };
        self.declared = self.declared.take().or(other.declared);
        self.found = match (self.found.take(), other.found) {
            (Some(one), Some(other)) => common(one, other).or(Some("string".into())),
            (one, other) => one.or(other),
        };
        let kind = |of: Option<&str>| of.and_then(kind_of);
        agree
            && match (kind(self.declared.as_deref()), kind(self.found.as_deref())) {
                (Some(ColumnKind::Text), _) | (None, _) | (_, None) => true,
                (Some(ColumnKind::Decimal), Some(ColumnKind::Integer)) => true,
                (Some(declared), Some(found)) => declared == found,
            }
    }

    /// The type, and its storage.
    fn of(self) -> (ColumnKind, String) {
        let found = || self.found.map_or("string".to_owned(), String::from);
        let of = self.declared.unwrap_or_else(found);
        (kind_of(&of).unwrap_or(ColumnKind::Text), of)
    }
}

/// A column, and what is odd about it.
fn column(
    node: &Node<'_>,
    constants: &Constants,
    focus: &Known,
) -> Result<(Column, Vec<ViewWarning>)> {
    node.only_keys(&COLUMN_KEYS)?;
    let object = node.object()?;
    let name = node.identifier("name")?;
    let path = node.path("path", constants, focus)?;
    let collection = match object.get("collection") {
        None => false,
        Some(Value::Bool(flag)) => *flag,
        Some(_) => return Err(node.child("collection").error("this must be true or false")),
    };
    let (kind, of) = match object.get("type") {
        // A column without a type takes that of its path, as far as the path alone tells.
        None => {
            let of = path.known.of.as_deref().unwrap_or("string");
            (kind_of(of).unwrap_or(ColumnKind::Text), of.to_owned())
        }
        Some(_) => declared(node)?,
    };
    let source = node.required_text("path", "give a FHIRPath expression")?;
    let pointer = node.pointer.clone();
    let sure = path.known.of.as_deref().and_then(kind_of) == Some(kind);
    let declared = object.contains_key("type");
    let found = path.known.of.or(path.known.exact.filter(|exact| kind_of(exact).is_some()));
    let (path, odd) = (path.expr, path.warnings);
    Ok((Column { name, path, kind, of, declared, found, collection, sure, pointer, source }, odd))
}

/// The type that a column names, plainly or by URI, with its storage.
fn declared(node: &Node<'_>) -> Result<(ColumnKind, String)> {
    let text = node.required_text("type", "name a FHIR type")?;
    let plain = text.rsplit(['/', '.']).next().unwrap_or_default();
    match kind_of(plain) {
        Some(kind) => Ok((kind, plain.to_owned())),
        None => Err(node.child("type").error("only primitive FHIR types can be columns")),
    }
}

/// The storage for a primitive FHIR type, whatever its capital letters.
fn kind_of(of: &str) -> Option<ColumnKind> {
    Some(match of.to_ascii_lowercase().as_str() {
        "boolean" => ColumnKind::Bool,
        "integer" | "integer64" | "positiveint" | "unsignedint" => ColumnKind::Integer,
        "decimal" => ColumnKind::Decimal,
        "string" | "code" | "id" | "uri" | "url" | "uuid" | "oid" | "canonical" | "markdown"
        | "base64binary" | "date" | "datetime" | "instant" | "time" | "xhtml" => ColumnKind::Text,
        _ => return None,
    })
}

fn constants(root: &Node<'_>) -> Result<BTreeMap<String, Literal>> {
    let mut constants = BTreeMap::new();
    let read = root.list("constant", |node| {
        let name = node.identifier("name")?;
        let mut values = node.object()?.iter().filter(|(key, _)| key.starts_with("value"));
        let (Some((key, value)), None) = (values.next(), values.next()) else {
            return Err(node.error("a constant needs exactly one value, such as valueString"));
        };
        if name == "rowIndex" {
            let taken = "rowIndex is set by the processing itself; name the constant differently";
            return Err(node.child("name").error(taken));
        }
        let literal = constant::literal(&key["value".len()..], value);
        Ok((name, literal.map_err(|wrong| node.child(key).error(wrong))?))
    })?;
    for (index, (name, literal)) in read.into_iter().enumerate() {
        if constants.insert(name, literal).is_some() {
            let twice = root.child("constant").child(&index.to_string());
            return Err(twice.error("a constant of this name is there already"));
        }
    }
    Ok(constants)
}

/// A letter, then letters, digits and underscores: what every SQL system takes as a name.
fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A path of the definition that compiles.
struct Checked {
    expr: Expr,
    known: Known,
    warnings: Vec<ViewWarning>,
}

/// An element of the definition and where it stands.
struct Node<'v> {
    value: &'v Value,
    pointer: String,
}

impl<'v> Node<'v> {
    fn error(&self, reason: impl Into<String>) -> ViewError {
        ViewError { pointer: self.pointer.clone(), offset: None, reason: reason.into() }
    }

    /// The place of a member or element below this one, which need not exist.
    fn child(&self, key: &str) -> Node<'v> {
        let escaped = key.replace('~', "~0").replace('/', "~1");
        let value = match self.value {
            Value::Array(items) => key.parse::<usize>().ok().and_then(|index| items.get(index)),
            other => other.get(key),
        };
        Node {
            value: value.unwrap_or(&Value::Null),
            pointer: format!("{}/{escaped}", self.pointer),
        }
    }

    fn object(&self) -> Result<&'v Map<String, Value>> {
        self.value.as_object().ok_or_else(|| self.error("an object was expected"))
    }

    fn only_keys(&self, known: &[&str]) -> Result<()> {
        // What stands beside a primitive, its id and its extensions, is of no meaning here.
        let plain = |key: &str| key.strip_prefix('_').unwrap_or(key).to_owned();
        match self.object()?.keys().find(|key| !known.contains(&plain(key).as_str())) {
            Some(key) => {
                Err(self.child(key).error("this element is not known or not supported here"))
            }
            None => Ok(()),
        }
    }

    fn required_text(&self, key: &str, missing: &str) -> Result<String> {
        match self.object()?.get(key) {
            None => Err(self.error(format!("{key} is missing: {missing}"))),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(self.child(key).error("a text was expected")),
        }
    }

    fn identifier(&self, key: &str) -> Result<String> {
        let text = self.required_text(key, "give it a name")?;
        match is_name(&text) {
            true => Ok(text),
            false => Err(self
                .child(key)
                .error("a name begins with a letter and has letters, digits and underscores only")),
        }
    }

    /// Keys that are almost one of those that decide what comes out, so that `Where` does not lose a filter.
    fn no_misspelt_keys(&self, known: &[&str]) -> Result<()> {
        let plain = |key: &str| key.to_ascii_lowercase().trim_end_matches('s').to_owned();
        for key in self.object()?.keys() {
            let meant = known.iter().find(|known| plain(known) == plain(key) && *known != key);
            if let Some(meant) = meant {
                return Err(self.child(key).error(format!("this is written {meant}")));
            }
        }
        Ok(())
    }

    fn path(&self, key: &str, constants: &Constants, focus: &Known) -> Result<Checked> {
        self.required_text(key, "give a FHIRPath expression")?;
        self.child(key).expression(constants, focus)
    }

    /// Compiles the text that this node is.
    fn expression(&self, constants: &Constants, focus: &Known) -> Result<Checked> {
        let Value::String(text) = self.value else {
            return Err(self.error("a text was expected"));
        };
        let characters = |at: usize| text[..at].chars().count();
        let path = path::compile(text, constants, focus).map_err(|error| {
            let offset = error.at.map(characters);
            let what = match offset {
                Some(offset) => format!("at character {} of the path: {}", offset + 1, error.what),
                None => error.what,
            };
            ViewError { offset, ..self.error(what) }
        })?;
        let odd = |odd: path::PathError| ViewWarning {
            pointer: self.pointer.clone(),
            offset: odd.at.map(characters),
            message: odd.what,
        };
        let warnings = path.unheard.into_iter().map(odd).collect();
        Ok(Checked { expr: path.expr, known: path.known, warnings })
    }

    /// Reads each element of the array `key`; no array is an empty one.
    fn list<T>(&self, key: &str, mut read: impl FnMut(&Node<'v>) -> Result<T>) -> Result<Vec<T>> {
        let items = match self.object()?.get(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(self.child(key).error("an array was expected")),
        };
        let list = self.child(key);
        (0..items.len()).map(|index| read(&list.child(&index.to_string()))).collect()
    }
}
