//! The tables of one cohort: named Arrow record batches.

use std::collections::BTreeMap;

use arrow::record_batch::RecordBatch;

/// Tables by name, one record batch each. Rows of identifiable or protected patients: shown by size only.
#[derive(Clone, Default)]
pub struct Tables(pub BTreeMap<String, RecordBatch>);

impl Tables {
    /// The table of this name.
    pub fn get(&self, name: &str) -> Option<&RecordBatch> {
        self.0.get(name)
    }

    /// Rows in all tables together.
    pub fn rows(&self) -> usize {
        self.0.values().map(RecordBatch::num_rows).sum()
    }
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, batch)| (name, batch.num_rows()))).finish()
    }
}
