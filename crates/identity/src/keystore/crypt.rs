//! The three primitives of the format.

use aes::Aes128;
use alloy::primitives::Keccak256;
use ctr::cipher::{KeyIvInit as _, StreamCipher as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::KeystoreError;
use super::envelope::ScryptParams;

type Derived = Zeroizing<[u8; 32]>;

/// RFC 7914.
pub(super) fn scrypt(
    password: &[u8],
    salt: &[u8],
    params: &ScryptParams,
) -> Result<Derived, KeystoreError> {
    let absurd = || KeystoreError::Absurd("a cost that scrypt does not have".into());
    let log_n = u8::try_from(params.n.ilog2()).map_err(|_| absurd())?;
    let cost = scrypt::Params::new(log_n, params.r, params.p).map_err(|_| absurd())?;
    let mut derived = Zeroizing::new([0; 32]);
    scrypt::scrypt(password, salt, &cost, derived.as_mut_slice()).map_err(|_| absurd())?;
    Ok(derived)
}

/// RFC 8018 with HMAC-SHA-256.
pub(super) fn pbkdf2(password: &[u8], salt: &[u8], rounds: u32) -> Derived {
    let mut derived = Zeroizing::new([0; 32]);
    pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, rounds, derived.as_mut_slice());
    derived
}

/// The same call encrypts and decrypts.
pub(super) fn aes_128_ctr(derived: &Derived, iv: [u8; 16], text: &mut [u8; 32]) {
    let mut key = Zeroizing::new([0; 16]);
    key.copy_from_slice(&derived[..16]);
    ctr::Ctr128BE::<Aes128>::new((&*key).into(), (&iv).into()).apply_keystream(text);
}

/// keccak-256 over the second half of the derived key, the ciphertext and, where the key is no account's, its type.
pub(super) fn mac(derived: &Derived, ciphertext: &[u8; 32], kind: Option<&str>) -> [u8; 32] {
    let mut hash = Keccak256::new();
    hash.update(&derived[16..]);
    hash.update(ciphertext);
    hash.update(kind.unwrap_or_default());
    hash.finalize().0
}
