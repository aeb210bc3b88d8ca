//! Public keys as credentials name them: Multikey (W3C Controlled Identifiers 1.0, section 2.2.2) and JWK (RFC 7517,
//! RFC 8037, RFC 8812).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use k256::ecdsa::signature::Verifier as _;
use serde_json::{Value, json};

/// Multicodec names as unsigned varints: `ed25519-pub` (0xed), `secp256k1-pub` (0xe7), `p256-pub` (0x1200).
const ED25519: [u8; 2] = [0xed, 0x01];
const SECP256K1: [u8; 2] = [0xe7, 0x01];
const P256: [u8; 2] = [0x80, 0x24];

/// A key that something can be verified with. Points of the two ECDSA curves are compressed (SEC 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PublicKey {
    /// RFC 8032.
    Ed25519([u8; 32]),
    /// The curve of accounts.
    Secp256k1([u8; 33]),
    /// NIST P-256, the curve of many national wallets.
    P256([u8; 33]),
}

impl PublicKey {
    /// The key as Multikey text: base58btc with its prefix `z`.
    #[must_use]
    pub fn to_multibase(&self) -> String {
        let bytes = match self {
            Self::Ed25519(key) => [ED25519.as_slice(), key].concat(),
            Self::Secp256k1(key) => [SECP256K1.as_slice(), key].concat(),
            Self::P256(key) => [P256.as_slice(), key].concat(),
        };
        format!("z{}", bs58::encode(bytes).into_string())
    }

    /// Reads Multikey text; nothing where it holds no key of the three kinds.
    #[must_use]
    pub fn from_multibase(text: &str) -> Option<Self> {
        // The longest key known here takes 50 characters; decoding base58 is quadratic.
        let encoded = text.strip_prefix('z').filter(|key| key.len() <= 64)?;
        let bytes = bs58::decode(encoded).into_vec().ok()?;
        let (codec, key) = bytes.split_first_chunk::<2>()?;
        match *codec {
            ED25519 => key.try_into().ok().map(Self::Ed25519),
            SECP256K1 => compressed(key).map(Self::Secp256k1),
            P256 => compressed(key).map(Self::P256),
            _ => None,
        }
    }

    /// The key as a JWK with its required members alone.
    ///
    /// Nothing where the bytes are no point of their curve.
    #[must_use]
    pub fn to_jwk(&self) -> Option<Value> {
        let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Some(match self {
            Self::Ed25519(key) => json!({ "kty": "OKP", "crv": "Ed25519", "x": base64(key) }),
            Self::Secp256k1(key) => {
                let point = k256::PublicKey::from_sec1_bytes(key).ok()?;
                let point =
                    k256::elliptic_curve::sec1::ToEncodedPoint::to_encoded_point(&point, false);
                json!({ "kty": "EC", "crv": "secp256k1", "x": base64(point.x()?), "y": base64(point.y()?) })
            }
            Self::P256(key) => {
                let point = p256::PublicKey::from_sec1_bytes(key).ok()?;
                let point =
                    p256::elliptic_curve::sec1::ToEncodedPoint::to_encoded_point(&point, false);
                json!({ "kty": "EC", "crv": "P-256", "x": base64(point.x()?), "y": base64(point.y()?) })
            }
        })
    }

    /// Reads a JWK; nothing where it is none of the three kinds, or its point is not on its curve.
    #[must_use]
    pub fn from_jwk(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let part = |name: &str| -> Option<[u8; 32]> {
            URL_SAFE_NO_PAD.decode(text(name)?).ok()?.try_into().ok()
        };
        let uncompressed = || Some([[4].as_slice(), &part("x")?, &part("y")?].concat());
        match (text("kty")?, text("crv")?) {
            ("OKP", "Ed25519") => part("x").map(Self::Ed25519),
            ("EC", "secp256k1") => {
                let point = k256::PublicKey::from_sec1_bytes(&uncompressed()?).ok()?;
                let point =
                    k256::elliptic_curve::sec1::ToEncodedPoint::to_encoded_point(&point, true);
                compressed(point.as_bytes()).map(Self::Secp256k1)
            }
            ("EC", "P-256") => {
                let point = p256::PublicKey::from_sec1_bytes(&uncompressed()?).ok()?;
                let point =
                    p256::elliptic_curve::sec1::ToEncodedPoint::to_encoded_point(&point, true);
                compressed(point.as_bytes()).map(Self::P256)
            }
            _ => None,
        }
    }

    /// The JWS algorithm that goes with the key (RFC 8037, RFC 8812, RFC 7518).
    #[must_use]
    pub fn jws_algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "EdDSA",
            Self::Secp256k1(_) => "ES256K",
            Self::P256(_) => "ES256",
        }
    }

    /// Whether `signature` is this key's over `message`.
    ///
    /// Ed25519 is checked strictly: neither a key of small order nor a second form of a signature passes. ECDSA is over
    /// SHA-256, as 64 bytes `r ‖ s`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = <[u8; 64]>::try_from(signature) else { return false };
        match self {
            Self::Ed25519(key) => ed25519_dalek::VerifyingKey::from_bytes(key).is_ok_and(|key| {
                let signature = ed25519_dalek::Signature::from_bytes(&signature);
                key.verify_strict(message, &signature).is_ok()
            }),
            Self::Secp256k1(key) => {
                let signature = k256::ecdsa::Signature::from_slice(&signature);
                let key = k256::ecdsa::VerifyingKey::from_sec1_bytes(key);
                // The library takes only the lower of the two possible `s`, which is what ledgers take too.
                matches!((key, signature), (Ok(key), Ok(signature)) if key.verify(message, &signature).is_ok())
            }
            Self::P256(key) => {
                let signature = p256::ecdsa::Signature::from_slice(&signature);
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(key);
                matches!((key, signature), (Ok(key), Ok(signature)) if key.verify(message, &signature).is_ok())
            }
        }
    }
}

fn compressed(bytes: &[u8]) -> Option<[u8; 33]> {
    bytes.try_into().ok().filter(|key: &[u8; 33]| matches!(key[0], 2 | 3))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::signing::{KeyKind, SecretKey};

    // RFC 8037, appendix A: the key, its JWK and a JWS of "Example of Ed25519 signing".
    #[test]
    fn an_ed25519_key_equals_the_example_of_rfc_8037() {
        let secret =
            hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let key =
            SecretKey::from_bytes(KeyKind::Ed25519, &secret.unwrap().try_into().unwrap()).unwrap();
        let public = key.public();
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        assert_eq!(public.to_jwk().unwrap(), jwk);
        assert_eq!(PublicKey::from_jwk(&jwk), Some(public));
        let signed = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let expected = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        assert_eq!(URL_SAFE_NO_PAD.encode(key.sign(signed)), expected);
        assert!(public.verifies(signed, &URL_SAFE_NO_PAD.decode(expected).unwrap()));
    }

    // RFC 7515, appendix A.3: ES256.
    #[test]
    fn a_p_256_key_verifies_the_example_of_rfc_7515() {
        let jwk = json!({
            "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
        });
        let key = PublicKey::from_jwk(&jwk).unwrap();
        assert_eq!(key.to_jwk().unwrap(), jwk);
        let signed = concat!(
            "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt",
            "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        );
        let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(key.verifies(signed.as_bytes(), &signature));
        assert!(!key.verifies(&signed.as_bytes()[1..], &signature));
    }

    #[test]
    fn only_the_key_that_signed_verifies_and_only_what_it_signed() {
        for kind in [KeyKind::Ed25519, KeyKind::Secp256k1] {
            let [key, other] = [7, 8].map(|byte| SecretKey::from_bytes(kind, &[byte; 32]).unwrap());
            let signature = key.sign(b"message");
            assert!(key.public().verifies(b"message", &signature));
            assert!(!other.public().verifies(b"message", &signature));
            assert!(!key.public().verifies(b"massage", &signature));
            assert!(!key.public().verifies(b"message", &signature[..63]));
            for at in 0..64 {
                let mut altered = signature;
                altered[at] ^= 1;
                assert!(!key.public().verifies(b"message", &altered), "{kind} {at}");
            }
            let public = key.public();
            assert_eq!(PublicKey::from_multibase(&public.to_multibase()), Some(public));
            assert_eq!(PublicKey::from_jwk(&public.to_jwk().unwrap()), Some(public));
        }
    }

    #[test]
    fn a_key_of_small_order_verifies_nothing() {
        let identity = PublicKey::Ed25519({
            let mut key = [0; 32];
            key[0] = 1;
            key
        });
        let mut signature = [0; 64];
        signature[0] = 1;
        assert!(!identity.verifies(b"anything", &signature));
    }

    #[test]
    fn a_point_off_its_curve_is_no_key() {
        let jwk = json!({ "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1" });
        assert_eq!(PublicKey::from_jwk(&jwk), None);
        for bad in [json!({}), json!(null), json!({ "kty": "RSA", "crv": "Ed25519", "x": "" })] {
            assert_eq!(PublicKey::from_jwk(&bad), None);
        }
    }
}
