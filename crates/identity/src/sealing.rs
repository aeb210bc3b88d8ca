//! What only one party can read: hybrid public key encryption (RFC 9180).
//!
//! Base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20Poly1305. A result is sealed to the key that the
//! researcher published in the participant registry; `info` says what kind of message it is, `aad` which one.

use std::convert::Infallible;
use std::fmt;

use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{
    Deserializable, Kem as _, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305,
    kdf::HkdfSha256, kem::X25519HkdfSha256,
};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::keys::KeyError;

type Kem = X25519HkdfSha256;

/// Why something cannot be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The recipient's public key is not usable (an all-zero or low-order point).
    #[error("the recipient's encryption key is not usable: ask them to publish a new one")]
    BadRecipient,
    /// The ciphertext was altered, is about something else, or was sealed to another key.
    #[error(
        "this message does not open with this key: it was sealed for someone else or was altered"
    )]
    DoesNotOpen,
}

/// The public half: what is published, and sealed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EncryptionPublicKey([u8; 32]);

impl EncryptionPublicKey {
    /// Takes the 32 bytes as published. Whether they are a usable point shows when something is sealed.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes as the participant registry holds them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The secret half. Wiped from memory when dropped, and never printed.
pub struct EncryptionKey {
    secret: <Kem as hpke::Kem>::PrivateKey,
    public: EncryptionPublicKey,
}

impl EncryptionKey {
    /// RFC 9180 `DeriveKeyPair` over 32 secret bytes.
    #[must_use]
    pub fn from_key_material(material: &[u8; 32]) -> Self {
        let (secret, public) = Kem::derive_keypair(material);
        Self { secret, public: EncryptionPublicKey(public.to_bytes().into()) }
    }

    /// The key with exactly these secret bytes.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] where they are not an X25519 key.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let secret = <Kem as hpke::Kem>::PrivateKey::from_bytes(bytes)
            .map_err(|_| KeyError::Malformed("X25519"))?;
        let public = EncryptionPublicKey(Kem::sk_to_pk(&secret).to_bytes().into());
        Ok(Self { secret, public })
    }

    /// What to publish.
    #[must_use]
    pub fn public(&self) -> EncryptionPublicKey {
        self.public
    }

    /// Opens what [`seal_to`] sealed to this key, under the same `info` and `aad`.
    ///
    /// # Errors
    /// [`SealError::DoesNotOpen`] where anything differs.
    pub fn open(&self, info: &[u8], aad: &[u8], sealed: &Sealed) -> Result<Vec<u8>, SealError> {
        let enc = <Kem as hpke::Kem>::EncappedKey::from_bytes(&sealed.enc)
            .map_err(|_| SealError::DoesNotOpen)?;
        hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
            &OpModeR::Base,
            &self.secret,
            &enc,
            info,
            &sealed.ciphertext,
            aad,
        )
        .map_err(|_| SealError::DoesNotOpen)
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey(secret)")
    }
}

/// 32 fresh random bytes for one message. Using the same bytes for two messages would reveal both, so a value serves
/// once and cannot be copied.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Entropy([u8; 32]);

impl Entropy {
    /// Takes bytes from the system's random generator, or from a seeded one in tests.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// A message for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The encapsulated key (RFC 9180 `enc`).
    pub enc: [u8; 32],
    /// The ciphertext, with its 16-byte tag at the end.
    pub ciphertext: Vec<u8>,
}

impl Sealed {
    /// `enc` followed by the ciphertext: how a message is stored and hashed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.enc.as_slice(), &self.ciphertext].concat()
    }

    /// Reads what [`Sealed::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`SealError::DoesNotOpen`] where there are fewer bytes than an empty message has.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        match bytes.split_first_chunk::<32>() {
            Some((enc, ciphertext)) if ciphertext.len() >= 16 => {
                Ok(Self { enc: *enc, ciphertext: ciphertext.to_vec() })
            }
            _ => Err(SealError::DoesNotOpen),
        }
    }
}

/// Seals `plaintext` to `recipient`. `info` names the kind of message, `aad` the message that it belongs to; both
/// must be the same when it is opened, and neither is hidden.
///
/// # Errors
/// [`SealError::BadRecipient`] where the public key is not usable.
pub fn seal_to(
    recipient: &EncryptionPublicKey,
    info: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    entropy: Entropy,
) -> Result<Sealed, SealError> {
    let public = <Kem as hpke::Kem>::PublicKey::from_bytes(recipient.as_bytes())
        .map_err(|_| SealError::BadRecipient)?;
    let (enc, ciphertext) = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Kem>(
        &OpModeS::Base,
        &public,
        info,
        plaintext,
        aad,
        &mut Once { entropy, used: false },
    )
    .map_err(|_| SealError::BadRecipient)?;
    Ok(Sealed { enc: enc.to_bytes().into(), ciphertext })
}

/// Hands the caller's bytes to the library, which draws exactly once: the 32 bytes of the ephemeral key.
struct Once {
    entropy: Entropy,
    used: bool,
}

impl TryRng for Once {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        // A change of the library that drew otherwise would weaken every message in silence; better to stop.
        assert!(!self.used && out.len() == 32, "the ephemeral key is one draw of 32 bytes");
        self.used = true;
        out.copy_from_slice(&self.entropy.0);
        Ok(())
    }
}

impl TryCryptoRng for Once {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    // RFC 9180, appendix A.2.1.
    #[test]
    fn sealing_and_opening_equal_the_vector_of_rfc_9180() {
        let key = EncryptionKey::from_key_material(&bytes(
            "1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df",
        ));
        let public: [u8; 32] =
            bytes("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a");
        assert_eq!(key.public().as_bytes(), &public);
        let stored = EncryptionKey::from_bytes(&bytes(
            "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb",
        ))
        .unwrap();
        assert_eq!(stored.public(), key.public());

        let info = hex::decode("4f6465206f6e2061204772656369616e2055726e").unwrap();
        let entropy =
            Entropy::new(bytes("909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b"));
        let plaintext = b"Beauty is truth, truth beauty";
        let sealed = seal_to(&key.public(), &info, b"Count-0", plaintext, entropy).unwrap();
        assert_eq!(
            hex::encode(sealed.enc),
            "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"
        );
        assert_eq!(
            hex::encode(&sealed.ciphertext),
            "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"
        );
        assert_eq!(stored.open(&info, b"Count-0", &sealed).unwrap(), plaintext);
    }

    #[test]
    fn a_key_that_is_no_point_is_refused() {
        let zero = EncryptionPublicKey::new([0; 32]);
        let sealed = seal_to(&zero, b"", b"", b"x", Entropy::new([1; 32]));
        assert_eq!(sealed, Err(SealError::BadRecipient));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn only_the_right_key_context_and_bytes_open(
            message in prop::collection::vec(any::<u8>(), 0..200),
            entropy: [u8; 32],
            at: prop::sample::Index,
            bit in 0u8..8,
        ) {
            let key = EncryptionKey::from_key_material(&[1; 32]);
            let other = EncryptionKey::from_key_material(&[2; 32]);
            let sealed =
                seal_to(&key.public(), b"info", b"aad", &message, Entropy::new(entropy)).unwrap();
            let stored = sealed.to_bytes();
            prop_assert_eq!(Sealed::from_bytes(&stored).unwrap(), sealed.clone());
            prop_assert_eq!(key.open(b"info", b"aad", &sealed).unwrap(), message);
            prop_assert_eq!(key.open(b"other", b"aad", &sealed), Err(SealError::DoesNotOpen));
            prop_assert_eq!(key.open(b"info", b"other", &sealed), Err(SealError::DoesNotOpen));
            prop_assert_eq!(other.open(b"info", b"aad", &sealed), Err(SealError::DoesNotOpen));

            let mut altered = stored;
            let position = at.index(altered.len());
            altered[position] ^= 1 << bit;
            let altered = Sealed::from_bytes(&altered).unwrap();
            prop_assert_eq!(key.open(b"info", b"aad", &altered), Err(SealError::DoesNotOpen));
        }
    }

    #[test]
    fn too_few_bytes_are_no_message() {
        assert_eq!(Sealed::from_bytes(&[0; 47]), Err(SealError::DoesNotOpen));
        assert!(Sealed::from_bytes(&[0; 48]).is_ok());
    }
}
