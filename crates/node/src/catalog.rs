//! What the contracts say of themselves, by name.

use caduceus_contracts::catalog::{CompilerInput, contract, contracts};

use crate::error::{NodeError, Result};

/// The standard-JSON input that compiles a contract.
///
/// # Errors
/// [`NodeError::Unknown`].
pub fn explorer_input(name: &str) -> Result<CompilerInput> {
    let known = contracts().iter().map(|one| one.name.as_str());
    let found = contract(name).ok_or_else(|| NodeError::unknown("contract", name, known))?;
    Ok(found.compiler_input())
}
