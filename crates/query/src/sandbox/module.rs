//! A module that was admitted and compiled, and one run of it.
//!
//! Every run gets a new instance in a slot of a pool: memory, table and globals are as the module declares them, whatever ran in the slot
//! before. Nothing is imported. What a run can do depends on its record and on nothing else: fuel is counted in instructions, the
//! stack is counted in bytes from where the run begins, NaNs have one pattern, and no limit is a time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};
use wasmtime::{
    Config, Engine, Extern, InstanceAllocationStrategy, InstancePre, Linker, ModuleExport,
    OperatorCost, PoolingAllocationConfig, Store, StoreLimits, StoreLimitsBuilder, Trap,
};

use super::{
    SandboxError,
    inspect::{self, Inspection, ModuleRefusal},
    limits::{Limits, PAGE_BYTES, PAGE_FUEL},
};

/// An algorithm, ready to run.
pub struct Module {
    limits: Limits,
    inspection: Inspection,
    hash: [u8; 32],
    engine: Engine,
    ready: InstancePre<StoreLimits>,
    exports: Exports,
    /// Held by the job that has the pool's slots.
    busy: Mutex<()>,
}

/// Where the exports are, looked up once.
struct Exports {
    memory: ModuleExport,
    input: ModuleExport,
    run: ModuleExport,
    step: Option<ModuleExport>,
}

/// Which function of a module to run.
#[derive(Clone, Copy)]
pub(super) enum Entry {
    /// For a patient.
    Run,
    /// Between rounds.
    Step,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// With a vector of the wanted length.
    Well,
    /// With a trap, without fuel, or with something else than a vector of the wanted length within its memory.
    Badly,
}

impl Module {
    /// Admits and compiles a module, given in text or in binary form, under the usual limits.
    ///
    /// # Errors
    /// [`ModuleRefusal`] says what to change.
    pub fn load(source: &[u8]) -> Result<Self, ModuleRefusal> {
        Self::load_within(source, Limits::default())
    }

    /// [`Module::load`] under limits of one's own.
    ///
    /// # Errors
    /// [`ModuleRefusal`] says what to change.
    pub fn load_within(source: &[u8], limits: Limits) -> Result<Self, ModuleRefusal> {
        let binary = inspect::binary(source, &limits)?;
        let inspection = inspect::inspect(&binary, &limits)?;
        let engine = Engine::new(&config(&limits)).map_err(|_| ModuleRefusal::Room)?;
        let module = wasmtime::Module::from_binary(&engine, &binary)
            .map_err(|error| ModuleRefusal::Compiler(error.root_cause().to_string()))?;
        let export =
            |what, name| module.get_export_index(name).ok_or(ModuleRefusal::Missing { what, name });
        let exports = Exports {
            memory: export("memory", "memory")?,
            input: export("function", "input")?,
            run: export("function", "run")?,
            step: module.get_export_index("step"),
        };
        // An empty linker: there is nothing that could be imported.
        let ready = Linker::new(&engine)
            .instantiate_pre(&module)
            .map_err(|error| ModuleRefusal::Compiler(error.root_cause().to_string()))?;
        Ok(Self {
            limits,
            inspection,
            hash: Sha256::digest(&binary).into(),
            engine,
            ready,
            exports,
            busy: Mutex::new(()),
        })
    }

    /// What is in it.
    pub fn inspection(&self) -> &Inspection {
        &self.inspection
    }

    /// What each of its runs may use.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Fuel that the work for one patient in one round is worth at most: what the module may use, and the pages that it begins with.
    pub fn fuel_of_a_round(&self) -> u64 {
        self.limits.fuel.saturating_add(self.inspection.memory_pages.saturating_mul(PAGE_FUEL))
    }

    /// SHA-256 of its binary form: text and binary of the same module have the same.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// Waits until no other job runs the module.
    pub(super) fn alone(&self) -> MutexGuard<'_, ()> {
        // What a panicking job left is nothing that another could see.
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs it on a record in a new instance and takes `length` words of eight bytes from it.
    ///
    /// # Errors
    /// [`SandboxError::Engine`] where the machine failed, never because of what the module did.
    pub(super) fn call(
        &self,
        entry: Entry,
        fuel: u64,
        record: &[u8],
        length: usize,
        words: &mut Vec<u8>,
    ) -> Result<Ended, SandboxError> {
        words.clear();
        match self.attempt(entry, fuel, record, length, words) {
            Ok(ended) => Ok(ended),
            // A trap is the module's doing, in its start function and its segments too.
            Err(error) if error.downcast_ref::<Trap>().is_some() => Ok(Ended::Badly),
            Err(_) => Err(SandboxError::Engine),
        }
    }

    fn attempt(
        &self,
        entry: Entry,
        fuel: u64,
        record: &[u8],
        length: usize,
        words: &mut Vec<u8>,
    ) -> wasmtime::Result<Ended> {
        let mut store = Store::new(&self.engine, self.store_limits(fuel));
        store.limiter(|limits| limits);
        store.set_fuel(fuel)?;
        let instance = self.ready.instantiate(&mut store)?;
        let entry = match entry {
            Entry::Run => Some(&self.exports.run),
            Entry::Step => self.exports.step.as_ref(),
        };
        let mut function = |export: Option<&ModuleExport>| {
            let found = export.and_then(|export| instance.get_module_export(&mut store, export));
            found.and_then(Extern::into_func)
        };
        let (Some(input), Some(run)) = (function(Some(&self.exports.input)), function(entry))
        else {
            return Ok(Ended::Badly);
        };
        let Some(Extern::Memory(memory)) =
            instance.get_module_export(&mut store, &self.exports.memory)
        else {
            return Ok(Ended::Badly);
        };
        let input = input.typed::<u32, u32>(&store)?;
        let run = run.typed::<(u32, u32), u64>(&store)?;
        let room = record.len() as u32;
        let place = input.call(&mut store, room)?;
        let Some(target) =
            part(place, record.len()).and_then(|part| memory.data_mut(&mut store).get_mut(part))
        else {
            return Ok(Ended::Badly);
        };
        target.copy_from_slice(record);
        let result = run.call(&mut store, (place, room))?;
        let (place, count) = (result as u32, (result >> 32) as usize);
        let found = part(place, length * 8).and_then(|part| memory.data(&store).get(part));
        match found {
            Some(found) if count == length => {
                words.extend_from_slice(found);
                Ok(Ended::Well)
            }
            _ => Ok(Ended::Badly),
        }
    }

    fn store_limits(&self, fuel: u64) -> StoreLimits {
        StoreLimitsBuilder::new()
            .memory_size(self.limits.memory_within(self.inspection.memory_pages, fuel))
            .table_elements(self.limits.table_entries as usize)
            .instances(1)
            .memories(1)
            .tables(1)
            .build()
    }
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Module").field("inspection", &self.inspection).finish_non_exhaustive()
    }
}

/// Bytes of the guest's memory from `place` on.
fn part(place: u32, length: usize) -> Option<std::ops::Range<usize>> {
    let place = place as usize;
    place.checked_add(length).map(|end| place..end)
}

/// Threads that run at the same time, and one step.
fn slots() -> u32 {
    std::thread::available_parallelism().map_or(1, |threads| threads.get() as u32) + 1
}

fn config(limits: &Limits) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(slots())
        .total_memories(slots())
        .total_tables(slots())
        .max_memories_per_module(1)
        .max_tables_per_module(1)
        .max_memory_size(limits.memory_bytes())
        .table_elements(limits.table_entries as usize)
        // The first page is put back by copying, which is faster than by asking the system; most modules write little else. A scan
        // for written pages (`pagemap_scan`) would be faster for many pages, but passes over those that were swapped out meanwhile.
        .linear_memory_keep_resident(PAGE_BYTES)
        .table_keep_resident(limits.table_entries as usize * size_of::<usize>());
    // Instructions that leave the compiled code cost what their way there takes, about half a nanosecond a unit.
    let mut cost = OperatorCost::new();
    (cost.MemoryGrow, cost.TableGrow, cost.RefFunc) = (200, 200, 255);
    (cost.MemoryFill, cost.MemoryCopy, cost.MemoryInit) = (30, 30, 30);
    (cost.TableFill, cost.TableCopy, cost.TableInit) = (30, 30, 30);
    (cost.DataDrop, cost.ElemDrop) = (60, 60);
    // So do those over which a processor stays long.
    (cost.I32DivS, cost.I32DivU, cost.I32RemS, cost.I32RemU) = (8, 8, 8, 8);
    (cost.I64DivS, cost.I64DivU, cost.I64RemS, cost.I64RemU) = (12, 12, 12, 12);
    (cost.F32Div, cost.F64Div, cost.F32Sqrt, cost.F64Sqrt) = (8, 8, 12, 12);
    cost.variable.memory_grow_per_page = 255;
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .operator_cost(cost)
        .cranelift_nan_canonicalization(true)
        .max_wasm_stack(limits.stack_bytes)
        .wasm_backtrace_max_frames(None)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}
