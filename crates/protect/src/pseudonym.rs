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
    pub fn pseudonym(&self, patient: &str) -> String {
        let id = patient.strip_prefix("Patient/").unwrap_or(patient);
        self.code("Patient/", id)[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// By how many days a person's dates are moved: from -`most` to `most`, never 0, evenly but for a part in 2^40.
    pub fn shift(&self, person: &str, most: u32) -> i64 {
        let code = self.code("Shift/", person.strip_prefix("Patient/").unwrap_or(person));
        let number = code[..8].iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        let most = i64::from(most.max(1));
        let days = (number % (2 * most as u64)) as i64 - most;
        if days >= 0 { days + 1 } else { days }
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    fn code(&self, purpose: &str, id: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice())
            .expect("HMAC takes keys of any length");
        mac.update(purpose.as_bytes());
        mac.update(id.as_bytes());
        mac.finalize().into_bytes().into()
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
