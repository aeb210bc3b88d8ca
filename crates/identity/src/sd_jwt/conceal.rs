//! Putting hashes in the place of claims (RFC 9901, sections 4.2 and 5).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::{ALWAYS_SHOWN, sha256};
use crate::credential::Reason;

/// Why claims cannot be kept back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConcealError {
    /// There is nothing at the path.
    #[error("there is no claim `{0}` that could be kept back")]
    NoClaim(String),
    /// A claim that everybody must see.
    #[error("the claim `{0}` is needed by every verifier and cannot be kept back")]
    Needed(String),
    /// A claim that is not the issuer's to name.
    #[error(
        "`{0}` has a meaning of its own in an SD-JWT VC, which it gets by itself: leave it out of the claims"
    )]
    Reserved(String),
    /// The claims do not fit their kind.
    #[error("the claims do not fit: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Claims(Vec<Reason>),
    /// The holder's key is no point of its curve.
    #[error("the holder's key is no key of its curve")]
    Holder,
    /// Every salt was used.
    #[error("there are more claims to keep back than salts")]
    Salts,
}

/// Fresh random salts of 128 bits, one for each claim (section 9.3). A salt serves once.
pub struct Salts(Vec<[u8; 16]>);

impl Salts {
    /// Takes salts from the system's random generator.
    #[must_use]
    pub fn new(salts: Vec<[u8; 16]>) -> Self {
        Self(salts)
    }

    fn next(&mut self) -> Result<String, ConcealError> {
        self.0.pop().map(|salt| URL_SAFE_NO_PAD.encode(salt)).ok_or(ConcealError::Salts)
    }
}

/// The claims with hashes in the places of those at `paths`, and the disclosures.
pub(super) fn conceal(
    claims: Map<String, Value>,
    paths: &[String],
    salts: &mut Salts,
) -> Result<(Map<String, Value>, Vec<String>), ConcealError> {
    let mut root = Value::Object(claims);
    let mut paths: Vec<Vec<&str>> = paths.iter().map(|path| path.split('/').collect()).collect();
    // What lies deeper first, so that its hash is part of what is hidden above it.
    paths.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
    paths.dedup();
    let mut disclosures = Vec::new();
    for path in &paths {
        disclosures.push(hide(&mut root, path, salts)?);
    }
    match root {
        Value::Object(claims) => Ok((claims, disclosures)),
        _ => Err(ConcealError::NoClaim(String::new())),
    }
}

fn hide(root: &mut Value, path: &[&str], salts: &mut Salts) -> Result<String, ConcealError> {
    let missing = || ConcealError::NoClaim(path.join("/"));
    let (last, above) = path.split_last().ok_or_else(missing)?;
    if above.is_empty() && ALWAYS_SHOWN.contains(last) {
        return Err(ConcealError::Needed((*last).to_owned()));
    }
    let parent = above.iter().try_fold(root, |value, segment| match value {
        Value::Object(members) => members.get_mut(*segment),
        Value::Array(items) => items.get_mut(segment.parse::<usize>().ok()?),
        _ => None,
    });
    let encode = |parts: Value| URL_SAFE_NO_PAD.encode(parts.to_string());
    match parent.ok_or_else(missing)? {
        Value::Object(members) => {
            let value = members.remove(*last).filter(|_| !last.starts_with('_'));
            let disclosure = encode(json!([salts.next()?, last, value.ok_or_else(missing)?]));
            let hashes = members.entry("_sd").or_insert_with(|| json!([]));
            let hashes = hashes.as_array_mut().ok_or_else(missing)?;
            hashes.push(json!(sha256(&disclosure)));
            // In the order of the hashes, which tells nothing of the order of the claims.
            hashes.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            Ok(disclosure)
        }
        Value::Array(items) => {
            let item = last.parse::<usize>().ok().and_then(|index| items.get_mut(index));
            let item = item.ok_or_else(missing)?;
            let disclosure = encode(json!([salts.next()?, item]));
            *item = json!({ "...": sha256(&disclosure) });
            Ok(disclosure)
        }
        _ => Err(missing()),
    }
}
