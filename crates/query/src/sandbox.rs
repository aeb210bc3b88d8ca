//! Algorithms that nobody trusts: a WebAssembly module is given one patient at a time and returns a vector; the host clips the vector,
//! adds up over patients, adds noise, and releases the sum.
//!
//! **Guarantee.** Two databases that differ by one patient's being there give any answer with probabilities that differ by at most a
//! factor exp(epsilon), but with probability delta where the noise is Gaussian, *whatever the module does*. It rests on four things:
//!
//! 1. A patient's vector is a function of the patient's record and the job alone. Each run has an instance of its own, nothing is imported,
//!    and every limit is counted, none is timed ([`Module`]).
//! 2. A vector counts only within the declared radius, checked in integers; a trap, a run without end, another length, NaN or
//!    infinity count as the zero vector. Both look the same from outside.
//! 3. Sums are integers: what one patient adds is what the sum moves by.
//! 4. Only the noisy sums leave. How long a run took, how much fuel it used, what went wrong, and how many runs went wrong are
//!    not told.
//!
//! Not covered is time: how long a job takes depends on what its module does with each record, within its fuel. Who watches the
//! clock of the machine learns from it.

mod declaration;
mod fixed;
mod inspect;
mod limits;
mod module;
mod records;
mod run;

pub use self::{
    declaration::{
        Declaration, DeclarationRefusal, MAX_LENGTH, MAX_RELEASED, MAX_ROUNDS, Selection, inputs,
    },
    fixed::{MAX_WHOLE_CLIP, Norm, Values},
    inspect::{ExportSeen, Inspection, ModuleRefusal},
    limits::{Limits, PAGE_FUEL},
    module::Module,
    records::{
        Cell, DEFAULT_ROWS, InputColumn, InputTable, LAYOUT_VERSION, MISSING_CODE, MISSING_INTEGER,
        text_code,
    },
    run::{AlgorithmAnswer, Progress, SandboxError, run, run_watched},
};
