//! What a dataset consists of: the object whose CID is the dataset's name.

use std::collections::BTreeMap;

use caduceus_records::schema::DatasetSchema;
use cid::Cid;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Multicodec "raw": the bytes are what they are.
const RAW: u64 = 0x55;
/// Multihash "sha2-256".
const SHA2_256: u64 = 0x12;

/// The manifest. Written as JSON with these fields in this order and no spaces, then sealed with the dataset's key.
#[derive(Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) version: u32,
    pub(crate) custodian: String,
    pub(crate) jurisdiction: String,
    pub(crate) schema: DatasetSchema,
    /// SHA-256 of the report as it was given, in hex.
    pub(crate) report_hash: String,
    /// CID of the sealed report.
    pub(crate) report: String,
    /// CIDs of the sealed chunks.
    pub(crate) chunks: Vec<String>,
    /// Rows by table.
    pub(crate) rows: BTreeMap<String, u64>,
    /// Merkle root over the persons' leaves, in hex.
    pub(crate) table_commitment: String,
    /// Sorted by pseudonym.
    pub(crate) persons: Vec<PersonEntry>,
}

/// Where a person's sealed record is.
#[derive(Serialize, Deserialize)]
pub(crate) struct PersonEntry {
    pub(crate) pseudonym: String,
    /// Index into the manifest's chunks.
    pub(crate) chunk: u32,
    /// First byte in the opened chunk.
    pub(crate) offset: u32,
    pub(crate) length: u32,
    /// Rows of all tables.
    pub(crate) rows: u64,
    /// Leaf in the table commitment, in hex.
    pub(crate) leaf: String,
}

/// The name of some bytes: CIDv1, raw, SHA-256.
#[expect(clippy::expect_used, reason = "a multihash holds up to 64 bytes of digest")]
pub(crate) fn name(bytes: &[u8]) -> Cid {
    let digest = Sha256::digest(bytes);
    let hash = cid::multihash::Multihash::wrap(SHA2_256, &digest)
        .expect("a multihash holds up to 64 bytes of digest");
    Cid::new_v1(RAW, hash)
}

/// The SHA-256 that a name of ours carries; `None` for other kinds of CIDs.
pub(crate) fn digest(cid: &Cid) -> Option<[u8; 32]> {
    let ours = cid.codec() == RAW && cid.hash().code() == SHA2_256;
    cid.hash().digest().try_into().ok().filter(|_| ours)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// RFC 4648 base 32, lower case, without padding, written from the standard.
    fn base32(bytes: &[u8]) -> String {
        let bits: Vec<u8> =
            bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
        let letter = |five: &[u8]| {
            let value =
                (0..5).fold(0_u8, |value, bit| value << 1 | five.get(bit).copied().unwrap_or(0));
            char::from(b"abcdefghijklmnopqrstuvwxyz234567"[value as usize])
        };
        bits.chunks(5).map(letter).collect()
    }

    #[test]
    fn a_name_is_version_codec_and_hash_in_base32() {
        for text in ["", "hello world", "caduceus"] {
            let mut bytes = vec![0x01, 0x55, 0x12, 0x20];
            bytes.extend(Sha256::digest(text.as_bytes()));
            assert_eq!(name(text.as_bytes()).to_string(), format!("b{}", base32(&bytes)));
            assert_eq!(
                digest(&name(text.as_bytes())).unwrap().as_slice(),
                Sha256::digest(text.as_bytes()).as_slice()
            );
        }
        // The name under which IPFS serves a raw block that holds "hello world", as its gateways and libraries publish it.
        let known = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
        assert_eq!(name(b"hello world").to_string(), known);
    }

    #[test]
    fn names_of_other_kinds_are_not_ours() {
        let digest_bytes = Sha256::digest(b"x");
        let other = cid::multihash::Multihash::wrap(SHA2_256, &digest_bytes).unwrap();
        assert!(digest(&Cid::new_v1(0x70, other)).is_none());
        assert!(digest(&Cid::new_v0(other).unwrap()).is_none());
    }
}
