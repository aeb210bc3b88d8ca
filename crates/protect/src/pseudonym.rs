//! Pseudonyms: who a patient is to everybody but their custodian.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The custodian's secret from which pseudonyms are made. Wiped when dropped, never shown.
#[derive(Clone)]
pub struct PseudonymKey(Zeroizing<[u8; 32]>);

impl PseudonymKey {
    /// Takes the key's bytes.
    pub fn new(bytes: [u8; 32]) -> PseudonymKey {
        PseudonymKey(Zeroizing::new(bytes))
    }

    /// The pseudonym of a patient by resource id, given as `ID` or as `Patient/ID`: 32 lower-case hex digits, the first
    /// half of HMAC-SHA256 over `Patient/ID`. Without the key it tells nothing about the id, guessable ids included.
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    pub fn pseudonym(&self, patient: &str) -> String {
        let id = patient.strip_prefix("Patient/").unwrap_or(patient);
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice())
            .expect("HMAC takes keys of any length");
        mac.update(b"Patient/");
        mac.update(id.as_bytes());
        mac.finalize().into_bytes()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_the_first_half_of_the_hmac() {
        // Computed with Python's hmac module: hmac.new(bytes(range(32)), b"Patient/example", "sha256").hexdigest()[:32]
        let key = PseudonymKey::new(std::array::from_fn(|byte| byte as u8));
        assert_eq!(key.pseudonym("example"), EXPECTED);
        assert_eq!(key.pseudonym("Patient/example"), EXPECTED);
        assert_ne!(PseudonymKey::new([0; 32]).pseudonym("example"), EXPECTED);
    }

    const EXPECTED: &str = "e8954bbab42dbd4e20196a9d367ffa63";
}
