//! What a FHIR Consent permits beyond doubt, as grants.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::form::{self, codings};
use super::moment::{Bound, instant, span};
use super::sets::{split, within};
use super::{
    ACTIONS, CLASSES, COUNTRIES, DISEASE, DOCUMENT, DUO, FROM, NOT_FOR_PROFIT, Parties, ROLES,
    UNNAMED_CLASSES, UNNAMED_PURPOSES, Unmapped, bytes, denied_with, is, of_duo, purpose_of,
    regions,
};
use crate::codes::{DataClass, Purpose, Region};
use crate::consent::{ClassSet, Grant, Party, PurposeSet, RegionSet};
use crate::table::RuleTable;

/// Where the root provision stands.
const ROOT: &str = "Consent.provision";
/// Provisions below provisions go no deeper.
const DEEPEST: usize = 8;
/// A Consent has no more provisions.
const MOST_PROVISIONS: usize = 64;
/// A member has no more grants with one custodian (`ConsentRegistry`).
const MOST_GRANTS: usize = 32;

/// What a Consent permits beyond doubt, and what was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Grants that permit no more than the document does. Empty where nothing could be mapped.
    pub grants: Vec<Grant>,
    /// What could not be mapped.
    pub unmapped: Vec<Unmapped>,
}

/// Reads what `consent` permits at `now` (unix seconds), between the `parties` that are expected.
#[must_use]
pub fn read(table: &RuleTable, parties: &Parties<'_>, consent: &Value, now: u64) -> Reading {
    let mut reader = Reader::new(table, parties, Sight { seen: now, held: false }, consent);
    let grants = reader.consent(consent);
    Reading { grants, unmapped: reader.unmapped }
}

/// What a Consent that its custodian keeps permits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// As in [`Reading`].
    pub reading: Reading,
    /// The first moment at which all of it has begun for certain, in unix seconds; from the beginning if absent.
    pub begins: Option<u64>,
    /// The first and the last second at which it may have been given; none where its date does not tell.
    pub given: Option<(i64, i64)>,
    /// Whether it decides on research at all: a general permission to use data that names no purpose does not, if it is active
    /// and no policy takes it back.
    pub decides: bool,
}

/// Reads what a `consent` permits that `custodian` keeps in its own system, about a patient of its own.
///
/// Whose document it is, that system knows: unlike [`read`] this does not look for the identifiers of a ledger in it. A
/// document that names another account as its custodian is refused all the same. What has not begun when it is `seen` (unix
/// seconds) is not refused: when it begins is told beside. One that was given later than that is no document yet.
#[must_use]
pub fn read_held(
    table: &RuleTable,
    custodian: Party,
    chain_id: u64,
    consent: &Value,
    seen: u64,
) -> Held {
    let parties = Parties { person: "", custodian, chain_id };
    let mut reader = Reader::new(table, &parties, Sight { seen, held: true }, consent);
    let grants = reader.consent(consent);
    let begins = (reader.begins > 0).then_some(reader.begins);
    let root = &consent["provision"];
    let general = !reader.research && root["type"] == "permit" && root.get("purpose").is_none();
    let permits = consent["status"] == "active"
        && (consent.get("policyRule").is_none() || form::opted_in(consent));
    let decides = !(general && permits && root.get("provision").is_none());
    let given = reader.given;
    Held { reading: Reading { grants, unmapped: reader.unmapped }, begins, given, decides }
}

/// How a document is looked at.
#[derive(Clone, Copy)]
struct Sight {
    /// When, in unix seconds.
    seen: u64,
    /// Whether its custodian keeps it, so that what has not begun may begin.
    held: bool,
}

/// What a provision means that names no purpose, or no class of data.
#[derive(Clone, Copy)]
struct Unnamed<'a> {
    purposes: &'a [Purpose],
    classes: &'a [DataClass],
}

struct Reader<'a> {
    table: &'a RuleTable,
    parties: &'a Parties<'a>,
    sight: Sight,
    document_hash: [u8; 32],
    unmapped: Vec<Unmapped>,
    provisions: usize,
    /// The latest beginning of a period, in unix seconds.
    begins: u64,
    /// Whether it is a Consent to research.
    research: bool,
    /// As in [`Held`].
    given: Option<(i64, i64)>,
}

const EVERYTHING: Unnamed<'static> = Unnamed { purposes: Purpose::ALL, classes: DataClass::ALL };

impl<'a> Reader<'a> {
    fn new(
        table: &'a RuleTable,
        parties: &'a Parties<'a>,
        sight: Sight,
        consent: &Value,
    ) -> Reader<'a> {
        Reader {
            table,
            parties,
            sight,
            document_hash: Sha256::digest(consent.to_string()).into(),
            unmapped: Vec::new(),
            provisions: 0,
            begins: 0,
            research: form::to_research(consent),
            given: None,
        }
    }
}

impl Reader<'_> {
    fn note(&mut self, path: &str, why: &str) {
        self.unmapped.push(Unmapped { path: path.to_owned(), why: why.to_owned() });
    }

    fn consent(&mut self, consent: &Value) -> Vec<Grant> {
        if let Err(part) = form::consent(consent, self.parties, self.sight.held) {
            self.unmapped.push(part);
            return Vec::new();
        }
        if !self.dated(consent) {
            return Vec::new();
        }
        let Some(root) = consent.get("provision") else {
            self.note(ROOT, "missing: it names no use that is permitted");
            return Vec::new();
        };
        let grants = match self.root(consent, root) {
            Some(true) => self.permit(root, ROOT, 0),
            Some(false) => self.below_denial(root, ROOT, 0),
            None => Vec::new(),
        };
        if grants.len() > MOST_GRANTS {
            self.note(ROOT, "more than 32 grants would be needed: refused");
            return Vec::new();
        }
        grants
    }

    /// Whether its date, if it has one, is one that has been.
    fn dated(&mut self, consent: &Value) -> bool {
        let Some(date) = consent.get("dateTime") else { return true };
        let seen = i64::try_from(self.sight.seen).unwrap_or(i64::MAX);
        self.given = date.as_str().and_then(span).filter(|(first, _)| *first <= seen);
        if self.given.is_none() {
            self.note("Consent.dateTime", "no date that has been: refused");
        }
        self.given.is_some()
    }

    /// What a permit of this document means that names no purpose or no class.
    fn unnamed(&self) -> Unnamed<'static> {
        let purposes = if self.research { &UNNAMED_PURPOSES[..] } else { &[] };
        Unnamed { purposes, classes: &UNNAMED_CLASSES }
    }

    /// Whether the root provision permits; false where it denies but for exceptions, none where that cannot be told.
    ///
    /// FHIR R4 leaves the root without a type and lets the policy speak. A policy of opting in says that something is
    /// permitted, but not what: only a root that names a purpose permits by it.
    fn root(&mut self, consent: &Value, root: &Value) -> Option<bool> {
        if root.as_object().is_none_or(serde_json::Map::is_empty) {
            self.note(ROOT, "it is no object, or an empty one: refused");
            return None;
        }
        let opted_in = form::opted_in(consent);
        let named = root["purpose"].as_array().is_some_and(|purposes| !purposes.is_empty());
        let (part, why) = match root.get("type") {
            Some(kind) if kind == "permit" => return Some(true),
            Some(kind) if kind == "deny" => return Some(false),
            Some(_) => ("type", "neither permit nor deny: refused"),
            None if root.get("provision").is_some() => return Some(false),
            None if opted_in && named => return Some(true),
            None if opted_in => ("purpose", "missing, as the type is: it permits nothing"),
            None => ("type", "missing, and no policy says that it permits: refused"),
        };
        self.note(&format!("{ROOT}.{part}"), why);
        None
    }

    /// Counts provisions and their depth; false where there are too many.
    fn within_limits(&mut self, path: &str, depth: usize) -> bool {
        self.provisions += 1;
        let within = depth <= DEEPEST && self.provisions <= MOST_PROVISIONS;
        if !within {
            self.note(path, "too many provisions, or too deep: refused");
        }
        within
    }

    fn children<'v>(
        &mut self,
        provision: &'v Value,
        path: &str,
    ) -> Option<Vec<(&'v Value, String)>> {
        let below = match provision.get("provision") {
            None => return Some(Vec::new()),
            Some(Value::Array(below)) => below,
            Some(_) => {
                self.note(path, "its provisions are no list: refused");
                return None;
            }
        };
        let place = |(number, child)| (child, format!("{path}.provision[{number}]"));
        Some(below.iter().enumerate().map(place).collect())
    }

    /// What a permit gives: what it names, without what is denied below it.
    fn permit(&mut self, provision: &Value, path: &str, depth: usize) -> Vec<Grant> {
        if !self.within_limits(path, depth) {
            return Vec::new();
        }
        let Some(children) = self.children(provision, path) else { return Vec::new() };
        let mut grants = self.named(provision, path, self.unnamed());
        for (child, path) in children {
            match child.get("type").and_then(Value::as_str) {
                Some("permit") => {
                    self.note(&path, "a permit within a permit adds nothing: left out");
                }
                Some("deny") => grants = self.without(grants, child, &path, depth + 1),
                _ => {
                    self.note(&path, "neither permit nor deny: taken as a denial of everything");
                    grants.clear();
                }
            }
        }
        grants
    }

    /// What the permits below a denial give: its exceptions, within its own conditions.
    fn below_denial(&mut self, provision: &Value, path: &str, depth: usize) -> Vec<Grant> {
        if !self.within_limits(path, depth) {
            return Vec::new();
        }
        let Some(children) = self.children(provision, path) else { return Vec::new() };
        let mut grants = Vec::new();
        let mut denials = Vec::new();
        let frame = self.frame(provision, path);
        for (child, path) in children {
            match child.get("type").and_then(Value::as_str) {
                Some("permit") => grants.extend(self.permit(child, &path, depth + 1)),
                Some("deny") => denials.push((child, path)),
                _ => {
                    self.note(&path, "neither permit nor deny: refuses everything beside it");
                    return Vec::new();
                }
            }
        }
        let mut grants = match frame {
            Some(frames) => within(&grants, &frames),
            None => Vec::new(),
        };
        for (child, path) in denials {
            grants = self.without(grants, child, &path, depth + 1);
        }
        grants
    }

    /// The conditions of a denial, within which its exceptions stand.
    fn frame(&mut self, provision: &Value, path: &str) -> Option<Vec<Grant>> {
        let frame = self.named(provision, path, EVERYTHING);
        (!frame.is_empty()).then_some(frame)
    }

    /// The grants that a provision names by itself, one for each recipient; none where it has conditions that grants lack.
    fn named(&mut self, provision: &Value, path: &str, unnamed: Unnamed<'_>) -> Vec<Grant> {
        if let Err(part) = form::provision(provision, path) {
            self.unmapped.push(part);
            return Vec::new();
        }
        let parts = (
            self.usable(provision, path),
            self.places(provision, path),
            self.expiry(provision, path),
            self.recipients(provision, path),
            self.purposes(provision, path, unnamed.purposes),
            self.list(provision, path, "class", class_of, unnamed.classes),
        );
        let (true, Some(jurisdictions), Some(expiry), Some(grantees), purposes, classes) = parts
        else {
            return Vec::new();
        };
        if purposes.is_empty() || classes.is_empty() {
            return Vec::new();
        }
        let document_hash = document_hash(provision).unwrap_or(self.document_hash);
        let grant = |grantee| Grant {
            custodian: self.parties.custodian,
            grantee,
            classes: ClassSet::of(&classes),
            purposes: PurposeSet::of(&purposes),
            jurisdictions,
            expiry,
            document_hash,
        };
        grantees.into_iter().map(grant).collect()
    }

    /// Whether a provision speaks of use: its actions name `use` or `access`, or it names none.
    fn usable(&mut self, provision: &Value, path: &str) -> bool {
        let Some(actions) = provision.get("action") else { return true };
        let usable = |coding: &Value| is(coding, ACTIONS, "use") || is(coding, ACTIONS, "access");
        let usable =
            actions.as_array().is_some_and(|actions| actions.iter().flat_map(codings).any(usable));
        if !usable {
            self.note(&format!("{path}.action"), "it permits neither use nor access: refused");
        }
        usable
    }

    /// What for. Of DUO only the permissions are purposes: its other codes are conditions of all of them and not one more
    /// alternative, so that an unknown one refuses the permit.
    fn purposes(&mut self, provision: &Value, path: &str, all: &[Purpose]) -> Vec<Purpose> {
        if all.is_empty() && provision.get("purpose").is_none() {
            let why = "missing, and the Consent is to no research: the permit is left out";
            self.note(&format!("{path}.purpose"), why);
        }
        let codings = provision["purpose"].as_array().map_or(&[][..], Vec::as_slice);
        let disease = codings.iter().any(|coding| is(coding, DUO, DISEASE));
        let condition =
            |coding: &Value| purpose_of(coding).is_none() && (disease || of_duo(coding));
        if let Some(number) = codings.iter().position(condition) {
            let path = format!("{path}.purpose[{number}]");
            self.note(&path, "a restriction that a grant does not have: the permit is refused");
            return Vec::new();
        }
        let found = self.list(provision, path, "purpose", purpose_of, all);
        let restricted = codings.iter().position(|coding| is(coding, DUO, NOT_FOR_PROFIT));
        let others = found.iter().any(|purpose| *purpose != Purpose::NotForProfit);
        let Some(number) = restricted.filter(|_| others) else { return found };
        let path = format!("{path}.purpose[{number}]");
        if found.contains(&Purpose::GeneralResearch) {
            self.note(&path, "what is not for profit is all that it leaves of the permit");
            return vec![Purpose::NotForProfit];
        }
        self.note(&path, "a grant cannot say it of a narrower purpose: the permit is refused");
        Vec::new()
    }

    /// The known codes of a list; `all` where there is no list. An unknown one is named and left out.
    fn list<T: Copy>(
        &mut self,
        provision: &Value,
        path: &str,
        key: &str,
        known: fn(&Value) -> Option<T>,
        all: &[T],
    ) -> Vec<T> {
        let (path, codings) = match self.items(provision, path, key) {
            None => return Vec::new(),
            Some((_, None)) => return all.to_vec(),
            Some((path, Some(codings))) => (path, codings),
        };
        let mut found = Vec::new();
        for (number, coding) in codings.iter().enumerate() {
            match known(coding) {
                Some(code) => found.push(code),
                None => self.note(
                    &format!("{path}[{number}]"),
                    "a code that is not known here: left out of what is permitted",
                ),
            }
        }
        found
    }

    /// What stands under a key, with its path: its items, or none where there is no such key. None of both where it is no list,
    /// which refuses the permit.
    fn items<'v>(
        &mut self,
        provision: &'v Value,
        path: &str,
        key: &str,
    ) -> Option<(String, Option<&'v Vec<Value>>)> {
        let path = format!("{path}.{key}");
        let items = match provision.get(key) {
            None => None,
            Some(Value::Array(items)) => Some(items),
            Some(_) => {
                self.note(&path, "it is no list: the permit is refused");
                return None;
            }
        };
        Some((path, items))
    }

    fn places(&mut self, provision: &Value, path: &str) -> Option<RegionSet> {
        let (path, extensions) = match self.items(provision, path, "modifierExtension")? {
            (_, None) => return Some(RegionSet::anywhere()),
            (path, Some(extensions)) => (path, extensions),
        };
        let mut places = RegionSet::default();
        for (number, extension) in extensions.iter().enumerate() {
            let path = format!("{path}[{number}]");
            if !is_place(extension) {
                self.note(&path, "it changes what the provision means: the permit is refused");
                return None;
            }
            match self.place(extension) {
                Some(index) => places = places.with_bit(index),
                None => self.note(&path, "a place that is no region of the rules: left out"),
            }
        }
        if extensions.is_empty() {
            self.note(&path, "it names no place: the permit is refused");
        }
        (places != RegionSet::default()).then_some(places)
    }

    /// The region that an extension names.
    fn place(&self, extension: &Value) -> Option<u8> {
        let coding = &extension["valueCoding"];
        let code = coding["code"].as_str().filter(|code| is(coding, COUNTRIES, code))?;
        let region = code.parse::<Region>().ok().filter(|_| is_place(extension))?;
        self.table.region_index(region)
    }

    /// The first second at which a provision no longer counts. A date without a time ends with its first second, so that
    /// no time zone makes it last longer. A period that has not begun for certain is refused.
    fn expiry(&mut self, provision: &Value, path: &str) -> Option<u64> {
        let Some(period) = provision.get("period") else { return Some(u64::MAX) };
        let path = format!("{path}.period");
        let bounds = period.as_object().filter(|period| {
            period.keys().all(|key| key == "start" || key == "end")
                && period.values().all(Value::is_string)
        });
        let text = |key: &str| period.get(key).and_then(Value::as_str);
        let end = text("end").map(|text| instant(text, Bound::End));
        let start = text("start").map(|text| instant(text, Bound::Start));
        let Sight { seen, held } = self.sight;
        let begun = match start {
            None => true,
            Some(start) if held => {
                self.begins = self.begins.max(start.unwrap_or_default());
                start.is_some()
            }
            Some(start) => start.is_some_and(|start| start <= seen),
        };
        let over = |end: u64| !held && end <= seen;
        match (bounds, end) {
            (Some(_), Some(Some(end))) if over(end) => {
                self.note(&path, "it has ended: the permit is left out");
                None
            }
            (Some(_), None) if begun => Some(u64::MAX),
            (Some(_), Some(Some(end))) if begun => Some(end),
            (Some(_), _) if !begun => {
                self.note(&path, "it has not begun for certain: give consent when it begins");
                None
            }
            _ => {
                self.note(&path, "it cannot be read: the permit is refused");
                None
            }
        }
    }

    /// To whom: every researcher where no actor is named. An actor who is not an account on this chain is left out.
    fn recipients(&mut self, provision: &Value, path: &str) -> Option<Vec<Option<Party>>> {
        let (path, actors) = match self.items(provision, path, "actor")? {
            (_, None) => return Some(vec![None]),
            (path, Some(actors)) => (path, actors),
        };
        let mut grantees = Vec::new();
        for (number, actor) in actors.iter().enumerate() {
            // A resource that it names beside the account may be somebody else.
            let recipient = actor["reference"].get("reference").is_none()
                && codings(&actor["role"]).iter().any(|coding| is(coding, ROLES, "IRCP"));
            match self.parties.party(&actor["reference"]).filter(|_| recipient) {
                Some(party) if !grantees.contains(&Some(party)) => grantees.push(Some(party)),
                Some(_) => {}
                None => self.note(
                    &format!("{path}[{number}]"),
                    "no recipient (IRCP) who is told by an account on this chain alone: left out",
                ),
            }
        }
        Some(grantees)
    }

    /// Takes away what a provision denies, and more where it cannot be told exactly: its recipients, period and other
    /// conditions do not make it smaller, and what is permitted below it is not given back.
    fn without(
        &mut self,
        grants: Vec<Grant>,
        denial: &Value,
        path: &str,
        depth: usize,
    ) -> Vec<Grant> {
        if !self.within_limits(path, depth) {
            return Vec::new();
        }
        for key in form::beside_denial(denial) {
            let path = format!("{path}.{key}");
            self.note(&path, "the denial is taken without it, so that it reaches further");
        }
        let named = denied(denial, "purpose", purpose_of, Purpose::ALL);
        let purposes: Vec<_> = named.into_iter().flat_map(denied_with).copied().collect();
        let classes = denied(denial, "class", class_of, DataClass::ALL);
        let (purposes, classes) = (PurposeSet::of(&purposes), ClassSet::of(&classes));
        let places = self.denied_places(denial, path);
        let all: Vec<u8> = regions(self.table).map(|(_, index)| index).collect();
        grants
            .into_iter()
            .flat_map(|grant| split(grant, classes, purposes, places.as_deref(), &all))
            .collect()
    }

    /// The regions that a denial names; none where it denies everywhere, or where that cannot be told.
    fn denied_places(&mut self, denial: &Value, path: &str) -> Option<Vec<u8>> {
        let extensions = denial.get("modifierExtension")?.as_array()?;
        let places: Option<Vec<u8>> =
            extensions.iter().map(|extension| self.place(extension)).collect();
        if places.is_none() {
            let path = format!("{path}.modifierExtension");
            self.note(&path, "not known here: the denial is taken to hold everywhere");
        }
        places.filter(|places| !places.is_empty())
    }
}

/// Whether an extension says from where, and nothing else.
fn is_place(extension: &Value) -> bool {
    let known = ["id", "url", "valueCoding"];
    extension["url"] == FROM
        && extension
            .as_object()
            .is_some_and(|parts| parts.keys().all(|key| known.contains(&&**key)))
}

fn class_of(coding: &Value) -> Option<DataClass> {
    DataClass::ALL.iter().copied().find(|class| is(coding, CLASSES, class.code()))
}

/// The codes of a denial's list, every one where a part of it is not known.
fn denied<T: Copy>(denial: &Value, key: &str, known: fn(&Value) -> Option<T>, all: &[T]) -> Vec<T> {
    let codings = denial.get(key).and_then(Value::as_array);
    let known = codings.and_then(|codings| codings.iter().map(known).collect::<Option<Vec<T>>>());
    known.filter(|found| !found.is_empty()).unwrap_or_else(|| all.to_vec())
}

fn document_hash(provision: &Value) -> Option<[u8; 32]> {
    let extensions = provision.get("extension")?.as_array()?;
    let own = extensions.iter().find(|extension| extension["url"] == DOCUMENT)?;
    bytes(own["valueString"].as_str()?.strip_prefix("0x")?)
}
