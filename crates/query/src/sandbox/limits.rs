//! What an algorithm may use. None of it depends on data, and none of it is measured in time: a limit in time would let one patient's
//! run decide about another's, on a busy machine.

use serde::Serialize;

/// Bytes of a page of WebAssembly memory.
pub(crate) const PAGE_BYTES: usize = 64 * 1024;

/// Fuel that a page of memory counts for: what the system takes to give it and to take it back, written to everywhere.
pub const PAGE_FUEL: u64 = 100_000;

/// The limits of one algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Fuel for each patient, start function included: one unit for most instructions, one more for each byte that a bulk instruction
    /// moves.
    pub fuel: u64,
    /// Fuel for each step between two rounds, which sees no patient.
    pub step_fuel: u64,
    /// Pages of 64 KiB that the memory can have, at the start or later; it grows by no more than a page for each [`PAGE_FUEL`].
    pub memory_pages: u32,
    /// Entries that the table can have.
    pub table_entries: u32,
    /// Bytes of the module in its binary form.
    pub module_bytes: usize,
    /// Bytes of the module as text.
    pub text_bytes: usize,
    /// Functions, and likewise types, globals, exports, data and element segments.
    pub items: u32,
    /// Bytes of the code of one function: what bounds the time to compile it.
    pub function_bytes: usize,
    /// Parameters and local variables of one function.
    pub locals: u32,
    /// Blocks within blocks of one function.
    pub depth: u32,
    /// Branches of all the tables of branches of one function together.
    pub branches: u32,
    /// Local variables and values on the stack, added up over all branches of the module: what compilers carry from block to block,
    /// and what bounds their time and memory.
    pub carried: u64,
    /// Elements of segments and operators of constant expressions, which are compiled as one function.
    pub constants: u32,
    /// Bytes of stack.
    pub stack_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 1_000_000,
            step_fuel: 100_000_000,
            memory_pages: 256,
            table_entries: 4_096,
            module_bytes: 1 << 20,
            text_bytes: 1 << 20,
            items: 4_096,
            function_bytes: 64 << 10,
            locals: 2_048,
            depth: 256,
            branches: 4_096,
            carried: 2_000_000,
            constants: 8_192,
            stack_bytes: 256 << 10,
        }
    }
}

impl Limits {
    /// Bytes that any memory can have.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_pages as usize * PAGE_BYTES
    }

    /// Bytes that a memory which begins with `pages` can have in a run with this fuel.
    pub(crate) fn memory_within(&self, pages: u64, fuel: u64) -> usize {
        let pages = pages.saturating_add(fuel / PAGE_FUEL).min(self.memory_pages.into());
        pages as usize * PAGE_BYTES
    }
}
