//! Values that a policy's domain does not hold. They cannot be in the synthetic table, so that many of them would leave it
//! empty; and where they only counted as missing, on both sides, an empty table would look perfect.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Coded, ColumnDomain};
use crate::table_policy::TablePolicyError;

/// How many values of a column its domain does not hold. Counted from the source: for the custodian alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Outside {
    /// Rows with such a value.
    pub rows: u64,
    /// Rows with any value.
    pub values: u64,
    /// The former of the latter, 0 to 1.
    pub share: f64,
}

/// The rows whose value is outside, which are taken for missing from then on.
///
/// # Errors
/// [`TablePolicyError`] where they are more than half of those with a value.
pub(super) fn take_out(
    name: &str,
    domain: &ColumnDomain,
    codes: &mut [u32],
) -> Result<Vec<u32>, TablePolicyError> {
    let beyond = domain.size() as u32;
    let missing = beyond - 1;
    let values = codes.iter().filter(|code| **code != missing).count();
    let mut outside = Vec::new();
    for (row, code) in codes.iter_mut().enumerate().filter(|(_, code)| **code == beyond) {
        outside.push(row as u32);
        *code = missing;
    }
    if outside.len() * 2 <= values {
        return Ok(outside);
    }
    let what = format!(
        "{} of {values} values of the column are not among those that the policy names: {}; name the values that the column can \
         have",
        outside.len(),
        domain.kinds()
    );
    Err(TablePolicyError::new(format!("synthesis.columns.{name}"), what))
}

impl Coded<'_> {
    /// Of each column that has any, how many of its values its domain does not hold.
    pub fn outside(&self) -> BTreeMap<String, Outside> {
        let of = |(place, (name, _)): (usize, &(String, ColumnDomain))| {
            let missing = self.sizes[place] as u32 - 1;
            let inside = self.columns[place].iter().filter(|code| **code != missing).count() as u64;
            let rows = self.outside[place].len() as u64;
            let (values, share) = (inside + rows, rows as f64 / (inside + rows) as f64);
            (rows > 0).then(|| (name.clone(), Outside { rows, values, share }))
        };
        self.policy.columns.iter().enumerate().filter_map(of).collect()
    }

    /// The same with a value more for each column, which those have that are outside.
    pub(super) fn with_outside(&self) -> Self {
        let mut coded = self.clone();
        for ((size, column), outside) in
            coded.sizes.iter_mut().zip(&mut coded.columns).zip(&self.outside)
        {
            outside.iter().for_each(|&row| column[row as usize] = *size as u32);
            *size += 1;
        }
        coded
    }
}
