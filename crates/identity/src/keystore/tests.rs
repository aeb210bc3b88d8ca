#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// The secret of both vectors of the Web3 Secret Storage definition. Their password is `testpassword`.
const SECRET: &str = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";

fn scrypt_vector() -> Value {
    json!({
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": "83dbcc02d8ccb40e466191a123791e0e" },
            "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
            "kdf": "scrypt",
            "kdfparams": {
                "dklen": 32, "n": 262_144, "r": 1, "p": 8,
                "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"
            },
            "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3
    })
}

fn pbkdf2_vector() -> Value {
    json!({
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": "6087dab2f9fdbbfaddc31a909735c1e6" },
            "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
            "kdf": "pbkdf2",
            "kdfparams": {
                "c": 262_144, "dklen": 32, "prf": "hmac-sha256",
                "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"
            },
            "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3
    })
}

fn light(kind: KeyKind) -> (SecretKey, Value) {
    let key = SecretKey::from_bytes(kind, &[7; 32]).unwrap();
    let cost = Cost { log_n: 1, r: 1, p: 1 };
    let file = Keystore::seal(&key, b"correct horse", cost, &Freshness::new([5; 64]));
    (key, serde_json::from_str(&file.to_json()).unwrap())
}

fn open(file: &Value, password: &[u8]) -> Result<SecretKey, KeystoreError> {
    Keystore::read(&file.to_string())?.open(password)
}

#[test]
fn the_vectors_of_the_definition_open_and_another_password_does_not() {
    for vector in [scrypt_vector(), pbkdf2_vector()] {
        let key = open(&vector, b"testpassword").unwrap();
        assert_eq!(hex::encode(*key.expose()), SECRET);
        assert_eq!(key.kind(), KeyKind::Secp256k1);
    }
    let refused = open(&pbkdf2_vector(), b"Testpassword").unwrap_err();
    assert_eq!(refused, KeystoreError::DoesNotOpen);
}

#[test]
fn a_sealed_key_opens_again_and_the_file_names_it() {
    for kind in [KeyKind::Ed25519, KeyKind::Secp256k1] {
        let (key, file) = light(kind);
        let read = Keystore::read(&file.to_string()).unwrap();
        let opened = read.open(b"correct horse").unwrap();
        assert_eq!(opened.expose(), key.expose());
        assert_eq!(read.kind(), kind);
        assert_eq!(read.claimed_account(), key.account().map(|account| account.address()));
        assert!(kind == KeyKind::Secp256k1 || read.claimed_did() == Some(key.did()));
        assert_eq!(read.open(b"incorrect horse").unwrap_err(), KeystoreError::DoesNotOpen);
        assert!(!file.to_string().contains(&hex::encode([7; 32])));
    }
    assert!(format!("{:?}", light(KeyKind::Ed25519).0).contains("secret"));
}

#[test]
fn the_usual_cost_is_within_the_bounds_of_a_reader() {
    let key = SecretKey::from_bytes(KeyKind::Secp256k1, &[1; 32]).unwrap();
    let file = Keystore::seal(&key, b"x", Cost::LIGHT, &Freshness::new([2; 64]));
    assert!(Keystore::read(&file.to_json()).unwrap().open(b"x").is_ok());
    let mut usual: Value = serde_json::from_str(&file.to_json()).unwrap();
    usual["crypto"]["kdfparams"]["n"] = json!(1 << Cost::STANDARD.log_n);
    usual["crypto"]["kdfparams"]["p"] = json!(Cost::STANDARD.p);
    assert!(Keystore::read(&usual.to_string()).is_ok());
}

#[test]
fn an_ed25519_key_is_not_taken_for_an_account_nor_an_account_for_one() {
    let (_, mut file) = light(KeyKind::Ed25519);
    file.as_object_mut().unwrap().retain(|name, _| name != "type" && name != "did");
    assert_eq!(open(&file, b"correct horse").unwrap_err(), KeystoreError::DoesNotOpen);
    let (_, mut file) = light(KeyKind::Secp256k1);
    file["type"] = json!("ed25519");
    assert_eq!(open(&file, b"correct horse").unwrap_err(), KeystoreError::DoesNotOpen);
}

#[test]
fn a_file_that_names_another_key_is_refused() {
    let (_, mut file) = light(KeyKind::Secp256k1);
    file["address"] = json!("5aaeb6053f3e94c9b9a09f33669435e7ef1beaed");
    assert_eq!(open(&file, b"correct horse").unwrap_err(), KeystoreError::OtherKey);
    let (_, mut file) = light(KeyKind::Ed25519);
    file["did"] = json!("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp");
    assert_eq!(open(&file, b"correct horse").unwrap_err(), KeystoreError::OtherKey);
}

/// Sets the member at `path` and gives what reading says.
fn reading_with(mut file: Value, path: &str, value: Value) -> KeystoreError {
    *file.pointer_mut(path).unwrap() = value;
    Keystore::read(&file.to_string()).unwrap_err()
}

#[test]
fn what_would_exhaust_the_reader_is_refused_before_any_work() {
    let cases = [
        ("/crypto/kdfparams/n", json!(1u64 << 40)),
        ("/crypto/kdfparams/n", json!(u64::MAX)),
        ("/crypto/kdfparams/n", json!(262_143)),
        ("/crypto/kdfparams/n", json!(0)),
        ("/crypto/kdfparams/n", json!(1)),
        ("/crypto/kdfparams/r", json!(0)),
        ("/crypto/kdfparams/r", json!(u32::MAX)),
        ("/crypto/kdfparams/p", json!(0)),
        ("/crypto/kdfparams/p", json!(u32::MAX)),
    ];
    for (path, value) in cases {
        let refused = reading_with(scrypt_vector(), path, value.clone());
        assert!(matches!(refused, KeystoreError::Absurd(_)), "{path} {value}: {refused}");
    }
    // Few and long, many and short, and one block over: the memory of scrypt is not that of `N` blocks alone.
    for (n, r, p, fits) in [
        (2u64, 2_097_152u32, 2u32, false),
        (2, 1_048_576, 4, false),
        (2, 1, 4_194_304, false),
        (2, 1, 2_097_152, true),
        (1 << 19, 8, 2, false),
        (1 << 18, 8, 4, true),
        (1 << 15, 64, 1, true),
        (1 << 14, 65, 1, false),
    ] {
        let mut file = scrypt_vector();
        let params = &mut file["crypto"]["kdfparams"];
        (params["n"], params["r"], params["p"]) = (json!(n), json!(r), json!(p));
        let read = Keystore::read(&file.to_string()).map(drop);
        let refused = matches!(read, Err(KeystoreError::Absurd(_)));
        assert_eq!((refused, read.is_ok()), (!fits, fits), "{n} {r} {p}");
    }
    for rounds in [0, MAX_ROUNDS + 1, u32::MAX] {
        let refused = reading_with(pbkdf2_vector(), "/crypto/kdfparams/c", json!(rounds));
        assert!(matches!(refused, KeystoreError::Absurd(_)), "{rounds}");
    }
}

#[test]
fn what_is_not_such_a_file_is_refused_with_its_reason() {
    let malformed = [
        ("/version", json!(4)),
        ("/crypto/mac", json!("00")),
        ("/crypto/ciphertext", json!("zz")),
        ("/crypto/cipherparams/iv", json!("")),
        ("/crypto/kdf", json!("argon2id")),
        ("/crypto/kdfparams/salt", json!("")),
        ("/crypto/kdfparams/n", json!(-1)),
    ];
    for (path, value) in malformed {
        let refused = reading_with(scrypt_vector(), path, value);
        assert!(matches!(refused, KeystoreError::Malformed(_)), "{path}: {refused}");
    }
    for (path, value) in
        [("/crypto/cipher", json!("aes-128-cbc")), ("/crypto/kdfparams/dklen", json!(16))]
    {
        let refused = reading_with(scrypt_vector(), path, value);
        assert!(matches!(refused, KeystoreError::Unsupported(_)), "{path}: {refused}");
    }
    let text = scrypt_vector().to_string();
    let twice = text.replace("\"version\":3", "\"version\":3,\"version\":3");
    let long = format!("{text}{}", " ".repeat(MAX_BYTES));
    for bad in ["", "{}", "[]", "null", &text[..text.len() - 1], &twice, &long] {
        let refused = Keystore::read(bad).unwrap_err();
        assert!(matches!(refused, KeystoreError::Malformed(_)), "{refused}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_key_survives_its_file(
        secret: [u8; 32],
        password in prop::collection::vec(any::<u8>(), 0..80),
        low: [u8; 32],
        high: [u8; 32],
        ed25519: bool,
    ) {
        let kind = if ed25519 { KeyKind::Ed25519 } else { KeyKind::Secp256k1 };
        let Ok(key) = SecretKey::from_bytes(kind, &secret) else { return Ok(()) };
        let mut fresh = [0; 64];
        fresh[..32].copy_from_slice(&low);
        fresh[32..].copy_from_slice(&high);
        let cost = Cost { log_n: 2, r: 1, p: 1 };
        let file = Keystore::seal(&key, &password, cost, &Freshness::new(fresh));
        let opened = Keystore::read(&file.to_json()).unwrap().open(&password).unwrap();
        prop_assert_eq!(opened.expose(), key.expose());
        prop_assert_eq!(opened.did(), key.did());
    }

    #[test]
    fn an_altered_cipher_text_iv_salt_or_mac_does_not_open(which in 0usize..4, byte: u8) {
        let (_, mut file) = light(KeyKind::Ed25519);
        let path = ["/crypto/ciphertext", "/crypto/mac", "/crypto/kdfparams/salt", "/crypto/cipherparams/iv"][which];
        let member = file.pointer_mut(path).unwrap();
        let mut bytes = hex::decode(member.as_str().unwrap()).unwrap();
        let at = usize::from(byte) % bytes.len();
        bytes[at] ^= 1 + (byte >> 6);
        *member = json!(hex::encode(bytes));
        // The MAC does not cover the IV; the name beside the key does.
        let expected = if which == 3 { KeystoreError::OtherKey } else { KeystoreError::DoesNotOpen };
        prop_assert_eq!(open(&file, b"correct horse").unwrap_err(), expected);
    }

    #[test]
    fn no_text_makes_reading_panic(text in ".{0,200}") {
        let _ = Keystore::read(&text);
    }
}
