//! Keys and how they seal: HKDF-SHA256 for derived keys, XChaCha20-Poly1305 for everything that is sealed.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of a nonce.
const NONCE: usize = 24;
/// Bytes that sealing adds: the nonce before, the tag behind.
pub(crate) const OVERHEAD: usize = NONCE + 16;
/// Bytes of a sealed key.
pub(crate) const WRAPPED: usize = 32 + OVERHEAD;

/// Where random bytes come from. Keys and nonces are made of them, so outside of tests they must come from the operating
/// system. A closure that fills a slice is one.
pub trait Entropy {
    /// Fills all of `bytes` with fresh random bytes.
    fn fill(&mut self, bytes: &mut [u8]);
}

impl<F: FnMut(&mut [u8])> Entropy for F {
    fn fill(&mut self, bytes: &mut [u8]) {
        self(bytes);
    }
}

/// The one secret of a custodian, from which the keys of a vault come. Wiped when dropped, never shown.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// Takes the key's bytes.
    pub fn new(bytes: [u8; 32]) -> MasterKey {
        MasterKey(Zeroizing::new(bytes))
    }

    /// The key for one use. Uses are told apart by `label`, a constant of this crate.
    pub(crate) fn derive(&self, label: &str) -> SecretKey {
        let mut key = SecretKey::zero();
        self.expand(&[b"caduceus vault v1 ", label.as_bytes()], key.0.as_mut_slice());
        key
    }

    /// A value that shows, without telling the key, that the key is the one and that nobody altered the settings.
    pub(crate) fn check(&self, settings: &[u8]) -> [u8; 32] {
        let mut check = [0; 32];
        self.expand(&[b"caduceus vault v1 check ", settings], &mut check);
        check
    }

    #[expect(clippy::expect_used, reason = "32 bytes are within what HKDF-SHA256 gives")]
    fn expand(&self, info: &[&[u8]], out: &mut [u8]) {
        let hkdf = Hkdf::<Sha256>::new(None, self.0.as_slice());
        hkdf.expand_multi_info(info, out).expect("32 bytes are within what HKDF-SHA256 gives");
    }
}

/// A symmetric key. Wiped when dropped, never shown.
pub(crate) struct SecretKey(Zeroizing<[u8; 32]>);

impl SecretKey {
    fn zero() -> SecretKey {
        SecretKey(Zeroizing::new([0; 32]))
    }

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> SecretKey {
        SecretKey(Zeroizing::new(bytes))
    }

    pub(crate) fn random(entropy: &mut dyn Entropy) -> SecretKey {
        let mut key = SecretKey::zero();
        entropy.fill(key.0.as_mut_slice());
        key
    }

    pub(crate) fn bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.clone()
    }

    /// Seals a text: a random nonce, then the ciphertext with its tag. `bound` is not stored; opening needs the same.
    #[expect(
        clippy::expect_used,
        reason = "the cipher takes texts up to 256 GiB, more than memory holds"
    )]
    pub(crate) fn seal(&self, bound: &[&[u8]], text: &[u8], entropy: &mut dyn Entropy) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce);
        let aad = join(bound);
        let payload = Payload { msg: text, aad: &aad };
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .expect("texts are shorter than 256 GiB");
        let mut out = nonce.to_vec();
        out.extend_from_slice(&sealed);
        out
    }

    /// Opens what [`SecretKey::seal`] made; `None` if key, bytes or `bound` are not the ones it was made with.
    pub(crate) fn open(&self, bound: &[&[u8]], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: sealed, aad: &join(bound) };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).ok().map(Zeroizing::new)
    }

    pub(crate) fn wrap(
        &self,
        bound: &[&[u8]],
        key: &SecretKey,
        entropy: &mut dyn Entropy,
    ) -> Vec<u8> {
        self.seal(bound, key.0.as_slice(), entropy)
    }

    pub(crate) fn unwrap_key(&self, bound: &[&[u8]], wrapped: &[u8]) -> Option<SecretKey> {
        let bytes = self.open(bound, wrapped)?;
        Some(SecretKey(Zeroizing::new(bytes.as_slice().try_into().ok()?)))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.0))
    }
}

/// The parts, each with its length before it, so that different parts never give the same whole.
fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts
        .iter()
        .flat_map(|part| (part.len() as u64).to_le_bytes().into_iter().chain(part.iter().copied()))
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Bytes that look random and are the same for the same seed.
    pub(crate) fn seeded(seed: u64) -> impl FnMut(&mut [u8]) {
        use sha2::Digest;
        let mut count = 0_u64;
        move |bytes: &mut [u8]| {
            for chunk in bytes.chunks_mut(32) {
                count += 1;
                let block = Sha256::digest([seed.to_le_bytes(), count.to_le_bytes()].concat());
                chunk.copy_from_slice(&block[..chunk.len()]);
            }
        }
    }

    #[test]
    fn only_the_same_key_and_binding_open_what_was_sealed() {
        let key = SecretKey::random(&mut seeded(1));
        let sealed = key.seal(&[b"slot", b"1"], b"text", &mut seeded(2));
        assert_eq!(sealed.len(), 4 + OVERHEAD);
        assert_eq!(key.open(&[b"slot", b"1"], &sealed).unwrap().as_slice(), b"text");
        assert!(key.open(&[b"slot1", b""], &sealed).is_none());
        assert!(SecretKey::random(&mut seeded(3)).open(&[b"slot", b"1"], &sealed).is_none());
        for position in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[position] ^= 1;
            assert!(key.open(&[b"slot", b"1"], &altered).is_none());
            assert!(key.open(&[b"slot", b"1"], &sealed[..position]).is_none());
        }
    }

    #[test]
    fn keys_for_different_uses_differ() {
        let master = MasterKey::new([5; 32]);
        assert_ne!(*master.derive("pseudonyms").bytes(), *master.derive("key wrapping").bytes());
        assert_eq!(
            *master.derive("pseudonyms").bytes(),
            *MasterKey::new([5; 32]).derive("pseudonyms").bytes()
        );
        assert_ne!(master.check(b"a"), master.check(b"b"));
    }
}
