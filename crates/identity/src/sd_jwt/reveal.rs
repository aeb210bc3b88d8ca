//! Putting claims back in the places of their hashes (RFC 9901, section 7.1), and choosing which to show.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{ALWAYS_SHOWN, Disclosure, SdJwt, SdJwtError};
use crate::credential::Reason;

/// What a payload and its disclosures say together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Revealed {
    pub(super) claims: Map<String, Value>,
    /// How many hashes stay without a disclosure: each may hide a claim or an element of a list, or nothing.
    pub(super) kept_back: usize,
}

/// The claims of `payload` with what was disclosed. What every verifier must see stands in `payload` whole.
pub(super) fn reveal(
    payload: &Map<String, Value>,
    disclosures: &[Disclosure],
) -> Result<Revealed, Reason> {
    if payload.get("_sd_alg").is_some_and(|algorithm| algorithm != "sha-256") {
        return Err(Reason::UnknownCryptosuite);
    }
    let mut by_hash = BTreeMap::new();
    for disclosure in disclosures {
        if by_hash.insert(disclosure.digest(), disclosure).is_some() {
            return Err(Reason::ForeignDisclosure);
        }
    }
    let mut state = State { by_hash, seen: BTreeSet::new(), used: 0 };
    let mut claims = state.object(payload)?;
    claims.remove("_sd_alg");
    // A holder who could keep the end, the status or a part of them back would decide what holds.
    let hidden = ALWAYS_SHOWN.iter().any(|name| claims.get(*name) != payload.get(*name));
    if hidden || state.used != disclosures.len() {
        return Err(Reason::ForeignDisclosure);
    }
    Ok(Revealed { claims, kept_back: state.seen.len() - state.used })
}

struct State<'a> {
    by_hash: BTreeMap<String, &'a Disclosure>,
    /// Hashes that stood somewhere: each may stand once.
    seen: BTreeSet<String>,
    used: usize,
}

impl<'a> State<'a> {
    fn value(&mut self, value: &Value) -> Result<Value, Reason> {
        match value {
            Value::Object(members) => Ok(Value::Object(self.object(members)?)),
            Value::Array(items) => {
                let mut shown = Vec::new();
                for item in items {
                    shown.extend(self.item(item)?);
                }
                Ok(Value::Array(shown))
            }
            other => Ok(other.clone()),
        }
    }

    fn object(&mut self, members: &Map<String, Value>) -> Result<Map<String, Value>, Reason> {
        let mut shown = Map::new();
        for (name, value) in members {
            if name != "_sd" {
                shown.insert(name.clone(), self.value(value)?);
            }
        }
        let hashes = match members.get("_sd") {
            None => return Ok(shown),
            Some(hashes) => hashes.as_array().ok_or(Reason::ForeignDisclosure)?,
        };
        for hash in hashes {
            let Some(disclosure) = self.take(hash)? else { continue };
            let name = disclosure.name.as_deref().ok_or(Reason::ForeignDisclosure)?;
            // A name that is there already, or that steers this very procedure, would change what was signed.
            if matches!(name, "_sd" | "...") || shown.contains_key(name) {
                return Err(Reason::ForeignDisclosure);
            }
            let value = self.value(&disclosure.value)?;
            shown.insert(name.to_owned(), value);
        }
        Ok(shown)
    }

    /// An element of a list, or nothing where it is kept back.
    fn item(&mut self, item: &Value) -> Result<Option<Value>, Reason> {
        let Some(hash) = item.as_object().and_then(|members| members.get("...")) else {
            return self.value(item).map(Some);
        };
        if item.as_object().is_some_and(|members| members.len() > 1) {
            return Err(Reason::ForeignDisclosure);
        }
        match self.take(hash)? {
            Some(Disclosure { name: None, value, .. }) => self.value(value).map(Some),
            Some(_) => Err(Reason::ForeignDisclosure),
            None => Ok(None),
        }
    }

    /// The disclosure behind a hash, where it was passed on.
    fn take(&mut self, hash: &Value) -> Result<Option<&'a Disclosure>, Reason> {
        let hash = hash.as_str().ok_or(Reason::ForeignDisclosure)?;
        if !self.seen.insert(hash.to_owned()) {
            return Err(Reason::ForeignDisclosure);
        }
        let found = self.by_hash.get(hash).copied();
        self.used += usize::from(found.is_some());
        Ok(found)
    }
}

/// The disclosures of the claims named, and of everything that they lie in or that lies in them.
pub(super) fn select(credential: &SdJwt, names: &[String]) -> Result<Vec<Disclosure>, SdJwtError> {
    let all = &credential.disclosures;
    let named = |one: &Disclosure| one.name.as_ref().is_some_and(|name| names.contains(name));
    if names.iter().any(|name| !all.iter().any(|one| one.name.as_ref() == Some(name))) {
        return Err(SdJwtError::Malformed("it has no claim of that name that can be disclosed"));
    }
    let mut kept: BTreeSet<usize> = (0..all.len()).filter(|at| named(&all[*at])).collect();
    // Elements of lists that are shown, and what stands inside of what is kept; then what that stands in.
    loop {
        let before = kept.len();
        for (at, one) in all.iter().enumerate() {
            let hash = one.digest();
            let inside = kept.iter().any(|outer| holds(&all[*outer].value, &hash));
            let around = kept.iter().any(|inner| holds(&one.value, &all[*inner].digest()));
            if inside || around {
                kept.insert(at);
            }
        }
        if kept.len() == before {
            break;
        }
    }
    Ok(kept.into_iter().map(|at| all[at].clone()).collect())
}

fn holds(value: &Value, hash: &str) -> bool {
    match value {
        Value::String(text) => text == hash,
        Value::Array(items) => items.iter().any(|item| holds(item, hash)),
        Value::Object(members) => members.values().any(|member| holds(member, hash)),
        _ => false,
    }
}
