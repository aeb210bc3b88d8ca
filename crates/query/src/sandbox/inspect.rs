//! Looks at a module before anything is compiled: is it valid, is it within the limits, has it what a patient's run needs.
//!
//! Everything is decided by counting, so that the same module is admitted or refused on every machine, and what is left takes a
//! compiler a bounded time.

use serde::Serialize;
use wasmparser::{
    BinaryReaderError, ConstExpr, ElementItems, ElementKind, ExternalKind, FuncToValidate,
    FuncValidatorAllocations, FunctionBody, MemoryType, Operator, Parser, Payload, TableType,
    TypeRef, ValidPayload, Validator, ValidatorResources, WasmFeatures,
    types::{EntityType, Types},
};

use super::limits::Limits;

/// A module cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleRefusal {
    /// Not text that could be turned into a module.
    #[error(
        "The module is no WebAssembly text: {0}. Mend the text, or give the module in its binary form."
    )]
    Text(String),
    /// A component, not a core module.
    #[error(
        "The file is a WebAssembly component: build a core module instead (for Rust, target wasm32-unknown-unknown)."
    )]
    Component,
    /// Not valid with the features that are on.
    #[error(
        "The module is not valid here: {reason} (at byte {offset}). Build it as plain WebAssembly: one memory, no threads, vectors, exceptions, garbage collection, tail calls or 64-bit memory."
    )]
    Invalid {
        /// What the validator said.
        reason: String,
        /// Where in the binary form.
        offset: usize,
    },
    /// Something would come from outside.
    #[error(
        "The module imports `{module}.{name}`: an algorithm gets nothing but its patient's record, so build it without imports."
    )]
    Import {
        /// The module that is imported from.
        module: String,
        /// What is imported.
        name: String,
    },
    /// Larger than allowed.
    #[error("The module has {found} {what}, and {limit} are allowed: make it smaller.")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much of it there is.
        found: u64,
        /// How much of it there may be.
        limit: u64,
    },
    /// An export is missing.
    #[error("The module exports no {what} `{name}`: export it as docs/algorithms.md describes.")]
    Missing {
        /// Memory or function.
        what: &'static str,
        /// Its name.
        name: &'static str,
    },
    /// An export has another type.
    #[error("The module's `{name}` is not of type {expected}: see docs/algorithms.md.")]
    WrongType {
        /// The export.
        name: &'static str,
        /// The type that it must have.
        expected: &'static str,
    },
    /// The compiler does not take it.
    #[error("The module cannot be compiled: {0}. Make its functions smaller.")]
    Compiler(String),
    /// The machine cannot give the room for it.
    #[error(
        "This machine cannot make room for the algorithm: allow the process more address space."
    )]
    Room,
}

impl ModuleRefusal {
    /// What in the module it is about, in a few words.
    pub fn construct(&self) -> &'static str {
        match self {
            Self::Text(_) => "the module's text",
            Self::Component => "a component",
            Self::Invalid { .. } => "the module's code",
            Self::Import { .. } => "an import",
            Self::TooLarge { what, .. } => what,
            Self::Missing { name, .. } | Self::WrongType { name, .. } => name,
            Self::Compiler(_) => "the module's functions",
            Self::Room => "the machine",
        }
    }

    /// What would work.
    pub fn suggestion(&self) -> &'static str {
        match self {
            Self::Text(_) => "mend the text, or give the module in its binary form",
            Self::Component => "build a core module",
            Self::Invalid { .. } => "build it as plain WebAssembly with one memory",
            Self::Import { .. } => {
                "build it without imports: all that it gets is its patient's record"
            }
            Self::TooLarge { .. } | Self::Compiler(_) => "make it smaller",
            Self::Missing { .. } | Self::WrongType { .. } => {
                "export `memory`, `input` (i32) -> i32 and `run` (i32, i32) -> i64, as docs/algorithms.md describes"
            }
            Self::Room => "allow the process more address space",
        }
    }
}

impl From<BinaryReaderError> for ModuleRefusal {
    fn from(error: BinaryReaderError) -> Self {
        Self::Invalid { reason: error.message().to_owned(), offset: error.offset() }
    }
}

/// What is in a module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Bytes in binary form.
    pub bytes: usize,
    /// Functions.
    pub functions: u32,
    /// Exports: names and kinds.
    pub exports: Vec<ExportSeen>,
    /// Pages of memory at the start.
    pub memory_pages: u64,
    /// Entries of the table at the start.
    pub table_entries: u64,
    /// Whether a start function runs before each patient.
    pub start: bool,
    /// Whether it can do more than one round: exports `step`.
    pub step: bool,
}

/// An export of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExportSeen {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: &'static str,
}

/// Plain WebAssembly: what LLVM emits for wasm32 without being asked, and no more. All of it gives the same result on every machine.
fn features() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::FLOATS
}

/// The module in its binary form; text is translated.
pub(super) fn binary(source: &[u8], limits: &Limits) -> Result<Vec<u8>, ModuleRefusal> {
    if source.starts_with(b"\0asm") {
        within("bytes", source.len() as u64, limits.module_bytes as u64)?;
        return Ok(source.to_vec());
    }
    within("bytes of text", source.len() as u64, limits.text_bytes as u64)?;
    let text = std::str::from_utf8(source)
        .map_err(|_| ModuleRefusal::Text("it is neither a binary module nor UTF-8".to_owned()))?;
    let binary =
        wat::parse_str(text).map_err(|error| ModuleRefusal::Text(one_line(&error.to_string())))?;
    within("bytes", binary.len() as u64, limits.module_bytes as u64)?;
    Ok(binary)
}

/// The first lines of an error with a drawing of the place, as one line.
fn one_line(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
}

fn within(what: &'static str, found: u64, limit: u64) -> Result<(), ModuleRefusal> {
    if found > limit { Err(ModuleRefusal::TooLarge { what, found, limit }) } else { Ok(()) }
}

/// Admits a module or says why not.
pub(super) fn inspect(binary: &[u8], limits: &Limits) -> Result<Inspection, ModuleRefusal> {
    let mut seen = Inspection { bytes: binary.len(), ..Inspection::default() };
    let mut validator = Validator::new_with_features(features());
    let mut parser = Parser::new(0);
    parser.set_features(features());
    let mut allocations = FuncValidatorAllocations::default();
    let (mut types, mut carried, mut constants) = (None, 0, 0);
    for payload in parser.parse_all(binary) {
        let payload = payload?;
        if matches!(&payload, Payload::Version { encoding: wasmparser::Encoding::Component, .. }) {
            return Err(ModuleRefusal::Component);
        }
        // Counted before it is validated: what is too large is not looked at.
        count(&payload, limits, &mut seen)?;
        constants += constants_of(&payload)?;
        within("elements and operators of constants", constants, u64::from(limits.constants))?;
        match validator.payload(&payload)? {
            ValidPayload::Func(function, body) => {
                allocations = validate(function, &body, allocations, limits, &mut carried)?;
            }
            ValidPayload::End(end) => types = Some(end),
            ValidPayload::Ok | ValidPayload::Parser(_) => {}
        }
    }
    let types = types.ok_or(ModuleRefusal::Component)?;
    needed(&types)?;
    seen.step = optional(&types, "step", ENTRY)?;
    Ok(seen)
}

/// Holds what a section holds against the limits.
fn count(
    payload: &Payload<'_>,
    limits: &Limits,
    seen: &mut Inspection,
) -> Result<(), ModuleRefusal> {
    let items = |what, found: u32| within(what, u64::from(found), u64::from(limits.items));
    match payload {
        Payload::TypeSection(section) => items("types", section.count())?,
        Payload::ImportSection(section) => {
            if let Some(import) = section.clone().into_imports().next() {
                let import = import?;
                return Err(ModuleRefusal::Import {
                    module: import.module.to_owned(),
                    name: named(import.name, import.ty),
                });
            }
        }
        Payload::FunctionSection(section) => {
            items("functions", section.count())?;
            seen.functions = section.count();
        }
        Payload::TableSection(section) => {
            within("tables", u64::from(section.count()), 1)?;
            for table in section.clone() {
                seen.table_entries = table_entries(&table?.ty, limits)?;
            }
        }
        Payload::MemorySection(section) => {
            within("memories", u64::from(section.count()), 1)?;
            for memory in section.clone() {
                seen.memory_pages = memory_pages(&memory?, limits)?;
            }
        }
        Payload::GlobalSection(section) => items("globals", section.count())?,
        Payload::ExportSection(section) => {
            items("exports", section.count())?;
            for export in section.clone() {
                let export = export?;
                seen.exports
                    .push(ExportSeen { name: export.name.to_owned(), kind: kind(export.kind) });
            }
        }
        Payload::StartSection { .. } => seen.start = true,
        Payload::ElementSection(section) => items("element segments", section.count())?,
        Payload::DataCountSection { count, .. } => items("data segments", *count)?,
        Payload::DataSection(section) => items("data segments", section.count())?,
        _ => {}
    }
    Ok(())
}

fn named(name: &str, ty: TypeRef) -> String {
    match ty {
        TypeRef::Func(_) | TypeRef::FuncExact(_) => format!("{name}()"),
        _ => name.to_owned(),
    }
}

fn kind(kind: ExternalKind) -> &'static str {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => "function",
        ExternalKind::Table => "table",
        ExternalKind::Memory => "memory",
        ExternalKind::Global => "global",
        ExternalKind::Tag => "tag",
    }
}

/// A declared maximum may be above the limit, as compilers write it: growing stops at the limit.
fn memory_pages(memory: &MemoryType, limits: &Limits) -> Result<u64, ModuleRefusal> {
    within("pages of memory", memory.initial, u64::from(limits.memory_pages))?;
    Ok(memory.initial)
}

fn table_entries(table: &TableType, limits: &Limits) -> Result<u64, ModuleRefusal> {
    within("entries of its table", table.initial, u64::from(limits.table_entries))?;
    Ok(table.initial)
}

/// Validates one function, as long as it is small.
fn validate(
    function: FuncToValidate<ValidatorResources>,
    body: &FunctionBody<'_>,
    allocations: FuncValidatorAllocations,
    limits: &Limits,
    carried: &mut u64,
) -> Result<FuncValidatorAllocations, ModuleRefusal> {
    let length = body.range().end - body.range().start;
    within("bytes in one function", length as u64, limits.function_bytes as u64)?;
    few_locals(body, limits)?;
    let mut validator = function.into_validator(allocations);
    validator.read_locals(&mut body.get_binary_reader())?;
    // Parameters are local variables too.
    let locals = u64::from(validator.len_locals());
    within("local variables in one function", locals, u64::from(limits.locals))?;
    // What makes compilers slow is counted as it comes.
    let (mut operators, mut targets) = (body.get_operators_reader()?, 0);
    while !operators.eof() {
        let (operator, offset) = operators.read_with_offset()?;
        if let Operator::BrTable { targets: more } = &operator {
            targets += u64::from(more.len());
            within("branches in tables of one function", targets, u64::from(limits.branches))?;
        }
        validator.op(offset, &operator)?;
        // The function itself is the outermost block.
        let depth = u64::from(validator.control_stack_height().saturating_sub(1));
        within("blocks within blocks", depth, u64::from(limits.depth))?;
        let values = locals + u64::from(validator.operand_stack_height());
        *carried = carried.saturating_add(branches(&operator).saturating_mul(values));
        within("values carried over branches", *carried, limits.carried)?;
    }
    operators.finish()?;
    Ok(validator.into_allocations())
}

/// The ways by which an operator goes from one block to another.
fn branches(operator: &Operator<'_>) -> u64 {
    match operator {
        Operator::BrTable { targets } => u64::from(targets.len()) + 1,
        Operator::Block { .. }
        | Operator::Loop { .. }
        | Operator::If { .. }
        | Operator::Else
        | Operator::End
        | Operator::Br { .. }
        | Operator::BrIf { .. } => 1,
        _ => 0,
    }
}

/// Elements and operators of constant expressions in a section.
fn constants_of(payload: &Payload<'_>) -> Result<u64, ModuleRefusal> {
    let operators =
        |constant: ConstExpr<'_>| constant.get_operators_reader().into_iter().count() as u64;
    let mut found = 0;
    match payload {
        Payload::GlobalSection(section) => {
            for global in section.clone() {
                found += operators(global?.init_expr);
            }
        }
        Payload::DataSection(section) => {
            for segment in section.clone() {
                if let wasmparser::DataKind::Active { offset_expr, .. } = segment?.kind {
                    found += operators(offset_expr);
                }
            }
        }
        Payload::ElementSection(section) => {
            for segment in section.clone() {
                let segment = segment?;
                if let ElementKind::Active { offset_expr, .. } = segment.kind {
                    found += operators(offset_expr);
                }
                match segment.items {
                    ElementItems::Functions(functions) => found += u64::from(functions.count()),
                    ElementItems::Expressions(_, expressions) => {
                        for expression in expressions {
                            found += operators(expression?);
                        }
                    }
                }
            }
        }
        _ => {}
    }
    Ok(found)
}

/// Counts local variables before any of them is kept.
fn few_locals(body: &FunctionBody<'_>, limits: &Limits) -> Result<(), ModuleRefusal> {
    let mut locals = 0_u64;
    for local in body.get_locals_reader()? {
        locals += u64::from(local?.0);
        within("local variables in one function", locals, u64::from(limits.locals))?;
    }
    Ok(())
}

/// Type of `input`.
const ROOM: (&str, usize, usize) = ("(i32) -> i32", 1, 0);
/// Type of `run` and `step`.
const ENTRY: (&str, usize, usize) = ("(i32, i32) -> i64", 2, 1);

/// What every algorithm exports.
fn needed(types: &Types) -> Result<(), ModuleRefusal> {
    match export(types, "memory") {
        Some(EntityType::Memory(_)) => {}
        Some(_) => return Err(ModuleRefusal::WrongType { name: "memory", expected: "memory" }),
        None => return Err(ModuleRefusal::Missing { what: "memory", name: "memory" }),
    }
    for (name, ty) in [("input", ROOM), ("run", ENTRY)] {
        if !optional(types, name, ty)? {
            return Err(ModuleRefusal::Missing { what: "function", name });
        }
    }
    Ok(())
}

/// Whether a function of this name and type is exported.
fn optional(
    types: &Types,
    name: &'static str,
    ty: (&'static str, usize, usize),
) -> Result<bool, ModuleRefusal> {
    use wasmparser::ValType::{I32, I64};
    let (expected, parameters, result) = ty;
    let Some(found) = export(types, name) else { return Ok(false) };
    let fits = match found {
        EntityType::Func(id) | EntityType::FuncExact(id) => {
            let function = types.as_ref().get(id).map(|ty| ty.unwrap_func());
            function.is_some_and(|function| {
                function.params().len() == parameters
                    && function.params().iter().all(|parameter| *parameter == I32)
                    && function.results() == [[I32, I64][result]]
            })
        }
        _ => false,
    };
    if fits { Ok(true) } else { Err(ModuleRefusal::WrongType { name, expected }) }
}

fn export(types: &Types, name: &str) -> Option<EntityType> {
    types.as_ref().core_exports()?.find(|(exported, _)| *exported == name).map(|(_, ty)| ty)
}
