//! What the tests of the vault share.

use sha2::{Digest, Sha256};

/// Bytes that look random and are the same for the same seed.
pub fn seeded(seed: u64) -> impl FnMut(&mut [u8]) {
    let mut count = 0_u64;
    move |bytes: &mut [u8]| {
        for chunk in bytes.chunks_mut(32) {
            count += 1;
            let block = Sha256::digest([seed.to_le_bytes(), count.to_le_bytes()].concat());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}
