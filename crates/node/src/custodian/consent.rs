//! Consent on paper: what a FHIR Consent lets a custodian do, as the receipt that its vault keeps.

use std::collections::BTreeMap;

use alloy::primitives::keccak256;
use caduceus_policy::consent::fhir::{self, Held, UNNAMED_CLASSES, UNNAMED_PURPOSES};
use caduceus_policy::consent::{
    ClassSet, Grant, Party as Account, PurposeSet, RegionSet, Use, permits, strict,
};
use caduceus_policy::{DataClass, RuleTable};
use caduceus_records::ConsentRecord;
use caduceus_vault::{Decided, Receipt};
use serde::{Deserialize, Serialize};

/// A part of Consents that was not carried over, and permits nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotCarried {
    /// Where it stands, as a FHIRPath.
    pub path: String,
    /// What it is, and what became of it.
    pub why: String,
    /// In how many Consents.
    pub consents: u64,
}

/// Reads the Consents of a custodian's patients.
pub(super) struct Reader<'a> {
    pub(super) rules: &'a RuleTable,
    pub(super) custodian: Account,
    pub(super) chain_id: u64,
    /// When they are read, in unix seconds.
    now: u64,
    not_carried: BTreeMap<(String, String), u64>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        rules: &'a RuleTable,
        custodian: Account,
        chain_id: u64,
        now: u64,
    ) -> Reader<'a> {
        Reader { rules, custodian, chain_id, now, not_carried: BTreeMap::new() }
    }

    /// The receipt of one patient, from all documents of theirs. Without one it permits only where the custodian vouches, and no
    /// more than a document did. Of what the `known` receipt was made stands beside them where it is not read again: a refusal
    /// goes on unless a permission was given later for certain, and a permission is not widened by an older one. Who withdrew
    /// is let in again only by a document that was given later for certain.
    pub(super) fn receipt(
        &mut self,
        pseudonym: String,
        consents: &[&ConsentRecord],
        vouch: bool,
        known: Option<&Receipt>,
    ) -> Receipt {
        let mut read: Vec<Document> =
            consents.iter().map(|consent| self.read(&pseudonym, consent)).collect();
        if let Some(before) = known.and_then(|known| carried(known, &read)) {
            let newer = !read.is_empty() && read.iter().all(|one| one.is_before(&before));
            if newer || before.grants.is_empty() {
                read.push(before);
            }
        }
        let latest = self.latest(read);
        let given = latest.as_ref().and_then(|document| document.given);
        let mut receipt = match (latest, known) {
            (Some(latest), _) => self.of_document(pseudonym, latest),
            (None, Some(known)) if vouch && known.permit && known.decided.is_some() => {
                known.clone()
            }
            (None, _) => self.vouched(pseudonym, vouch),
        };
        if let Some(withdrawn) = known.and_then(|known| self.withdrawn(known)) {
            let later = given.is_some_and(|(first, _)| {
                u64::try_from(first).is_ok_and(|first| first > withdrawn)
            });
            receipt.permit &= later;
            receipt.withdrawn = Some(withdrawn).filter(|_| !receipt.permit);
        }
        receipt
    }

    /// When a person withdrew, at the latest: registers of earlier versions do not say when, only that what is permitted by a
    /// document no longer is.
    fn withdrawn(&self, known: &Receipt) -> Option<u64> {
        let untold = !known.permit && !known.grants.is_empty();
        known.withdrawn.or(untold.then_some(self.now))
    }

    /// The document that counts: the latest that decides on research. Where the order of several cannot be told, and they do
    /// not say the same, nothing is permitted.
    fn latest(&mut self, mut read: Vec<Document>) -> Option<Document> {
        if read.iter().any(|document| document.decides) {
            read.retain(|document| document.decides);
        }
        let replaced: Vec<bool> =
            read.iter().map(|one| read.iter().any(|other| one.is_before(other))).collect();
        let mut replaced = replaced.into_iter();
        read.retain(|_| replaced.next() == Some(false));
        // The same copy whatever the order of the files.
        read.sort_by(|one, other| one.dated.cmp(&other.dated));
        let mut last = read.pop()?;
        if read.iter().any(|other| (&other.grants, other.begins) != (&last.grants, last.begins)) {
            let why = "several Consents of one patient whose order cannot be told: refused";
            self.note("Consent.dateTime", why);
            last.grants.clear();
            for other in read {
                last.given = last
                    .given
                    .zip(other.given)
                    .map(|((first, last), (other, end))| (first.min(other), last.max(end)));
                last.documents.extend(other.documents);
            }
        }
        Some(last)
    }

    /// What could not be carried over so far.
    pub(super) fn not_carried(self) -> Vec<NotCarried> {
        let one = |((path, why), consents)| NotCarried { path, why, consents };
        self.not_carried.into_iter().map(one).collect()
    }

    fn vouched(&self, pseudonym: String, vouch: bool) -> Receipt {
        let word = ["vouched for by the custodian", if vouch { "yes" } else { "no" }];
        let document_hash = hash(&pseudonym, &word);
        let grant = Grant {
            custodian: self.custodian,
            grantee: None,
            classes: ClassSet::of(&UNNAMED_CLASSES),
            purposes: PurposeSet::of(&UNNAMED_PURPOSES),
            jurisdictions: RegionSet::anywhere(),
            expiry: u64::MAX,
            document_hash,
        };
        let grants = if vouch { vec![grant] } else { Vec::new() };
        Receipt {
            pseudonym,
            permit: vouch,
            grants,
            begins: None,
            document_hash,
            decided: None,
            withdrawn: None,
            erased: false,
        }
    }

    /// The receipt of a document.
    fn of_document(&self, pseudonym: String, document: Document) -> Receipt {
        let Document { mut grants, begins, given, decides, dated, documents } = document;
        let permit = !grants.is_empty();
        let terms = serde_json::to_string(&grants).expect("numbers in lists are JSON");
        let begun = begins.map(|begins| begins.to_string()).unwrap_or_default();
        let verdict = if permit { "permit" } else { "deny" };
        let document_hash = hash(&pseudonym, &[verdict, &terms, &begun, &dated]);
        grants.iter_mut().for_each(|grant| grant.document_hash = document_hash);
        let now = i64::try_from(self.now).unwrap_or(i64::MAX);
        let (first, last) = given.unwrap_or((i64::MIN, now));
        let decided = Decided { first, last: last.min(now), documents };
        Receipt {
            pseudonym,
            permit,
            grants,
            begins,
            document_hash,
            decided: decides.then_some(decided),
            withdrawn: None,
            erased: false,
        }
    }

    /// Reads one document. What it says beyond what can be carried over is noted.
    fn read(&mut self, pseudonym: &str, consent: &ConsentRecord) -> Document {
        let dated = consent.given.clone().unwrap_or_default();
        let Ok(document) = strict::parse(consent.text.as_bytes()) else {
            self.note("Consent", "a key is named twice, or it is nested too deep: refused");
            return Document {
                grants: Vec::new(),
                begins: None,
                given: None,
                decides: true,
                dated,
                documents: Vec::new(),
            };
        };
        let id = document["id"].as_str().unwrap_or_default();
        let documents = vec![hash(pseudonym, &[id, &dated])];
        let Held { reading, begins, given, decides } =
            fhir::read_held(self.rules, self.custodian, self.chain_id, &document, self.now);
        for part in &reading.unmapped {
            self.note(&part.path, &part.why);
        }
        let mut grants = reading.grants;
        if !consent.ours && !grants.is_empty() {
            self.note("Consent.patient", "it is about a patient of another server: refused");
            grants.clear();
        }
        // The terms and not the bytes: a copy that a server marks anew is no new decision.
        grants.iter_mut().for_each(|grant| grant.document_hash = [0; 32]);
        Document { grants, begins, given, decides, dated, documents }
    }

    fn note(&mut self, path: &str, why: &str) {
        *self.not_carried.entry((path.to_owned(), why.to_owned())).or_default() += 1;
    }
}

/// What one document says.
struct Document {
    /// What it permits, without its hash.
    grants: Vec<Grant>,
    /// From when on, in unix seconds.
    begins: Option<u64>,
    /// The first and the last second at which it may have been given.
    given: Option<(i64, i64)>,
    /// Whether it decides on research.
    decides: bool,
    /// The date as it is written.
    dated: String,
    /// Hashes by which it is known again: of several where these could not be put in order.
    documents: Vec<[u8; 32]>,
}

impl Document {
    /// Whether it was given before another one for certain.
    fn is_before(&self, other: &Document) -> bool {
        let spans = self.given.zip(other.given);
        spans.is_some_and(|((_, last), (first, _))| last < first)
    }
}

/// What decided before, as far as it is not among the documents that were `read` now.
fn carried(known: &Receipt, read: &[Document]) -> Option<Document> {
    let Decided { first, last, documents } = known.decided.clone()?;
    let again = |one: &[u8; 32]| read.iter().any(|document| document.documents.contains(one));
    if !documents.is_empty() && documents.iter().all(again) {
        return None;
    }
    let mut grants = if known.permit { known.grants.clone() } else { Vec::new() };
    grants.iter_mut().for_each(|grant| grant.document_hash = [0; 32]);
    Some(Document {
        grants,
        begins: known.begins,
        given: Some((first, last)),
        decides: true,
        dated: String::new(),
        documents,
    })
}

/// Whether a receipt covers a use at `now`.
pub(super) fn covers(rules: &RuleTable, receipt: &Receipt, asked: &Use, now: u64) -> bool {
    in_force(receipt, now) && permits(rules, &receipt.grants, asked, now).is_ok()
}

/// Whether a receipt permits any use of data of this `class` at `now`.
pub(super) fn covers_class(receipt: &Receipt, class: DataClass, now: u64) -> bool {
    let stands = |grant: &Grant| now < grant.expiry && grant.classes.contains(class);
    in_force(receipt, now) && receipt.grants.iter().any(stands)
}

/// Whether a receipt permits anything at `now`.
pub(super) fn stands(receipt: &Receipt, now: u64) -> bool {
    in_force(receipt, now) && receipt.grants.iter().any(|grant| now < grant.expiry)
}

fn in_force(receipt: &Receipt, now: u64) -> bool {
    receipt.permit && receipt.begins.is_none_or(|begins| begins <= now)
}

fn hash(pseudonym: &str, parts: &[&str]) -> [u8; 32] {
    let mut text = pseudonym.to_owned();
    for part in parts {
        text.push('\n');
        text.push_str(part);
    }
    keccak256(text).0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use caduceus_policy::{Purpose, default_rules};
    use serde_json::{Value, json};

    use super::*;

    const CUSTODIAN: Account = Account([0xc0; 20]);
    /// 2026-11-27.
    const NOW: u64 = 1_795_737_600;
    const SCOPES: &str = "http://terminology.hl7.org/CodeSystem/consentscope";
    const RULES: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    const REASONS: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";

    fn consent(provision: Value) -> Value {
        json!({
            "resourceType": "Consent",
            "status": "active",
            "scope": { "coding": [{ "system": SCOPES, "code": "research" }] },
            "patient": { "reference": "Patient/p" },
            "dateTime": "2025-01-02",
            "provision": provision,
        })
    }

    fn record(text: &str) -> ConsentRecord {
        let given = Some("2025-01-02".to_owned());
        ConsentRecord { patient: "p".into(), ours: true, given, text: text.into() }
    }

    fn read(record: &ConsentRecord) -> (Receipt, Vec<NotCarried>) {
        let mut reader = Reader::new(default_rules(), CUSTODIAN, 31_337, NOW);
        let receipt = reader.receipt("pseudonym".into(), &[record], false, None);
        (receipt, reader.not_carried())
    }

    /// What comes of several documents, in this order and in the other one.
    fn of_all(documents: &[Value]) -> bool {
        let records: Vec<ConsentRecord> = documents
            .iter()
            .map(|document| {
                let given = document["dateTime"].as_str().map(str::to_owned);
                ConsentRecord { given, ..record(&document.to_string()) }
            })
            .collect();
        let permits = |records: &[&ConsentRecord]| {
            let mut reader = Reader::new(default_rules(), CUSTODIAN, 31_337, NOW);
            reader.receipt("pseudonym".into(), records, true, None).permit
        };
        let forth: Vec<_> = records.iter().collect();
        let back: Vec<_> = records.iter().rev().collect();
        assert_eq!(permits(&forth), permits(&back), "the order of the files decides");
        permits(&forth)
    }

    fn of(document: &Value) -> (Receipt, Vec<NotCarried>) {
        read(&record(&document.to_string()))
    }

    fn asked(purpose: Purpose) -> Use {
        Use {
            custodian: CUSTODIAN,
            grantee: Account([1; 20]),
            in_good_standing: true,
            class: DataClass::Clinical,
            purpose,
            country: "JP".parse().unwrap(),
        }
    }

    fn covered(receipt: &Receipt, purpose: Purpose, now: u64) -> bool {
        covers(default_rules(), receipt, &asked(purpose), now)
    }

    #[test]
    fn a_hospitals_document_covers_what_it_names_while_it_lasts_and_nothing_else() {
        let period = json!({ "start": "2027-01-01T00:00:00Z", "end": "2027-03-01" });
        let purpose = json!([{ "system": REASONS, "code": "HRESCH" }]);
        let (receipt, left_out) =
            of(&consent(json!({ "type": "permit", "period": period, "purpose": purpose })));
        assert_eq!(left_out, []);
        // `date -u -d 2027-03-01 +%s`, and of New Year.
        let (begins, ends) = (1_798_761_600, 1_803_859_200);
        for (now, expected) in
            [(begins - 1, false), (begins, true), (ends - 1, true), (ends, false)]
        {
            assert_eq!(covered(&receipt, Purpose::HealthResearch, now), expected, "{now}");
            assert_eq!(stands(&receipt, now), expected);
            assert_eq!(covers_class(&receipt, DataClass::Clinical, now), expected);
            assert!(!covers_class(&receipt, DataClass::Imaging, now));
        }
        assert!(!covered(&receipt, Purpose::Commercial, begins));
        assert!(!covered(&receipt, Purpose::GeneralResearch, begins));
        let genomic = Use { class: DataClass::Genomic, ..asked(Purpose::HealthResearch) };
        assert!(!covers(default_rules(), &receipt, &genomic, begins));
    }

    #[test]
    fn where_no_purpose_is_named_research_and_public_health_are_meant() {
        let (receipt, _) = of(&consent(json!({ "type": "permit" })));
        for purpose in Purpose::ALL {
            assert_eq!(
                covered(&receipt, *purpose, 0),
                UNNAMED_PURPOSES.contains(purpose),
                "{purpose}"
            );
        }
        // An exception of a refusal says itself what it is for.
        let commercial = json!([{ "system": "urn:caduceus:purpose", "code": "COM" }]);
        let below = json!([{ "type": "permit", "purpose": commercial }]);
        let (receipt, _) = of(&consent(json!({ "type": "deny", "provision": below })));
        assert!(covered(&receipt, Purpose::Commercial, 0));
        assert!(!covered(&receipt, Purpose::HealthResearch, 0));
    }

    #[test]
    fn what_is_no_plain_permission_permits_nothing_and_is_named() {
        let good = consent(json!({ "type": "permit" }));
        let changed = |pointer: &str, value: Value| {
            let mut document = good.clone();
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            document.pointer_mut(parent).unwrap()[key] = value;
            document
        };
        let with = |provision: Value| consent(provision);
        let foreign = json!([{ "identifier": { "system": "urn:ietf:rfc:3986",
            "value": "did:pkh:eip155:31337:0x0101010101010101010101010101010101010101" } }]);
        for (document, path) in [
            (changed("/status", json!("inactive")), "Consent.status"),
            (changed("/scope", json!({ "coding": [{ "code": "treatment" }] })), "Consent.scope"),
            (changed("/organization", foreign), "Consent.organization"),
            (changed("/implicitRules", json!("urn:x")), "Consent.implicitRules"),
            (with(json!({ "type": "permit", "data": [] })), "Consent.provision.data"),
            (
                with(json!({ "type": "permit", "period": { "end": 2030 } })),
                "Consent.provision.period",
            ),
            (
                with(json!({ "type": "permit", "period": { "start": "soon" } })),
                "Consent.provision.period",
            ),
            (
                with(json!({ "type": "permit", "purpose": [{ "code": "HRESCH" }] })),
                "Consent.provision.purpose[0]",
            ),
            (with(json!({ "type": "permit", "actor": [{}] })), "Consent.provision.actor[0]"),
        ] {
            let (receipt, left_out) = of(&document);
            assert!(!receipt.permit && receipt.grants.is_empty(), "{path}");
            assert!(left_out.iter().any(|part| part.path == path), "{path}: {left_out:?}");
        }
        let (receipt, left_out) = of(&consent(json!({ "type": "deny" })));
        assert!(!receipt.permit && left_out.is_empty(), "a plain refusal leaves nothing out");
        let twice = good.to_string().replace("\"permit\"", "\"deny\",\"type\":\"permit\"");
        assert_eq!(read(&record(&twice)).1[0].path, "Consent");
        let elsewhere = ConsentRecord { ours: false, ..record(&good.to_string()) };
        let (receipt, left_out) = read(&elsewhere);
        assert!(!receipt.permit);
        assert_eq!(left_out[0].path, "Consent.patient");
        assert!(of(&good).0.permit);
    }

    #[test]
    fn a_copy_that_is_marked_anew_is_the_same_decision_and_other_terms_are_another() {
        let document = consent(json!({ "type": "permit" }));
        let mut copy = document.clone();
        copy["meta"] = json!({ "lastUpdated": "2026-01-01T00:00:00Z" });
        let first = of(&document).0.document_hash;
        assert_eq!(of(&copy).0.document_hash, first);
        let shorter = consent(json!({ "type": "permit", "period": { "end": "2030" } }));
        assert_ne!(of(&shorter).0.document_hash, first);
        assert_ne!(of(&consent(json!({ "type": "deny" }))).0.document_hash, first);
    }

    #[test]
    fn a_refusal_counts_unless_a_permission_is_later_for_certain() {
        let dated = |kind: &str, date: Value| {
            let mut document = consent(json!({ "type": kind }));
            match date {
                Value::Null => drop(document.as_object_mut().unwrap().remove("dateTime")),
                date => document["dateTime"] = date,
            }
            document
        };
        let permit = |date: &str| dated("permit", json!(date));
        let deny = |date: &str| dated("deny", json!(date));
        let undated = |kind: &str| dated(kind, Value::Null);
        assert!(of_all(&[deny("2020"), permit("2022")]));
        assert!(of_all(&[permit("2020-01-01"), permit("2020-01-01")]), "copies of one another");
        assert!(of_all(&[undated("permit")]));
        assert!(of_all(&[deny("2025-03-27T23:00:00Z"), permit("2025-03-27T23:00:01Z")]));
        for refused in [
            [permit("2020"), undated("deny")],
            [deny("2020"), undated("permit")],
            // Half past ten the day before, by UTC.
            [permit("2025-03-28T00:30:00+14:00"), deny("2025-03-27T23:00:00Z")],
            [permit("2025-01-01"), deny("2025")],
            [permit("2099-01-01"), deny("2026")],
            [permit("yesterday"), deny("2026")],
            [permit("2025-01-01"), deny("2025-01-01")],
            // A day is over last where it began last.
            [deny("2025-01-01"), permit("2025-01-02")],
        ] {
            assert!(!of_all(&refused), "{refused:?}");
        }
        // A general permission to use data neither takes back a refusal of research nor a permission.
        let mut general = permit("2025");
        general["scope"]["coding"][0]["code"] = json!("patient-privacy");
        assert!(!of_all(&[deny("2020"), general.clone()]));
        assert!(of_all(&[permit("2020"), general.clone()]));
        assert!(!of_all(&[general]), "nor does it permit any");
        for (key, value) in [
            ("status", json!("rejected")),
            ("status", json!("inactive")),
            ("policyRule", json!({ "coding": [{ "system": RULES, "code": "OPTOUT" }] })),
            ("policyRule", json!({ "coding": [{ "system": RULES, "code": "EMRGONLY" }] })),
        ] {
            let mut no = permit("2025");
            no["scope"]["coding"][0]["code"] = json!("patient-privacy");
            no[key] = value;
            assert!(!of_all(&[permit("2020"), no.clone()]), "{no}");
        }
        let mut refusal = deny("2025");
        refusal["scope"]["coding"][0]["code"] = json!("patient-privacy");
        assert!(!of_all(&[permit("2020"), refusal]));
    }

    #[test]
    fn what_decided_last_decides_until_something_later_does_though_it_is_not_read_again() {
        let document = |id: &str, date: &str, provision: Value| {
            let mut document = consent(provision);
            document["id"] = json!(id);
            document["dateTime"] = json!(date);
            ConsentRecord { given: Some(date.to_owned()), ..record(&document.to_string()) }
        };
        let permit = |id: &str, date: &str| document(id, date, json!({ "type": "permit" }));
        let deny = |id: &str, date: &str| document(id, date, json!({ "type": "deny" }));
        let read = |known: Option<&Receipt>, documents: &[ConsentRecord]| {
            let mut reader = Reader::new(default_rules(), CUSTODIAN, 31_337, NOW);
            let documents: Vec<&ConsentRecord> = documents.iter().collect();
            reader.receipt("pseudonym".into(), &documents, true, known)
        };
        let refused = read(None, &[permit("a", "2024-03"), deny("b", "2025-06")]);
        let unordered = read(None, &[permit("a", "2025"), deny("b", "2025-06")]);
        for known in [&refused, &unordered] {
            assert!(!known.permit);
            assert!(!read(Some(known), &[]).permit, "nobody vouches for who refused");
            assert!(!read(Some(known), &[permit("a", "2024-03")]).permit, "an older one");
            assert!(!read(Some(known), &[permit("c", "2025-03")]).permit, "perhaps an older one");
            let again = read(Some(known), &[permit("a", "2024-03")]);
            assert!(!read(Some(&again), &[permit("a", "2024-03")]).permit, "however often");
            assert!(read(Some(known), &[permit("c", "2026-02-01")]).permit, "a later one");
        }
        // The document that refused may be put right.
        assert!(read(Some(&refused), &[permit("b", "2025-06")]).permit);
        assert!(!read(Some(&unordered), &[permit("b", "2025-06")]).permit, "the other stands");

        let narrow = json!({ "type": "permit", "period": { "end": "2030" } });
        let narrow = read(None, &[permit("a", "2024-03"), document("b", "2025-06", narrow)]);
        assert_eq!(
            read(Some(&narrow), &[permit("a", "2024-03")]).grants[0].expiry,
            narrow.grants[0].expiry
        );
        assert_eq!(read(Some(&narrow), &[]).grants, narrow.grants, "a word widens nothing");
        let wide = read(Some(&narrow), &[permit("c", "2026-02")]);
        assert_eq!(wide.grants[0].expiry, u64::MAX);
    }

    #[test]
    fn who_withdrew_comes_back_by_a_later_document_only() {
        let dated = |date: &str| {
            let mut document = consent(json!({ "type": "permit" }));
            document["dateTime"] = json!(date);
            ConsentRecord { given: Some(date.to_owned()), ..record(&document.to_string()) }
        };
        let register = |known: &Receipt, date: &str| {
            let mut reader = Reader::new(default_rules(), CUSTODIAN, 31_337, NOW);
            reader.receipt("pseudonym".into(), &[&dated(date)], true, Some(known))
        };
        let (permitted, _) = read(&dated("2025-03-27"));
        assert!(register(&permitted, "2025-03-27").permit, "who did not withdraw");
        // 2026-06-01T00:00:00Z
        let at = 1_780_272_000;
        let gone = Receipt { permit: false, withdrawn: Some(at), ..permitted.clone() };
        for before in [
            "2025-03-27",
            "2025-03-27T00:00:00Z",
            "2024",
            "2026-06-01",
            "2026",
            "2026-06-01T00:00:00Z",
        ] {
            let still = register(&gone, before);
            assert!(!still.permit && still.withdrawn == Some(at), "{before}");
        }
        let back = register(&gone, "2026-06-03");
        assert!(back.permit && back.withdrawn.is_none());
        let mut reader = Reader::new(default_rules(), CUSTODIAN, 31_337, NOW);
        let vouched = reader.receipt("pseudonym".into(), &[], true, Some(&gone));
        assert!(!vouched.permit, "nobody else's word brings them back");
        // Of an earlier version, which did not keep when.
        let untold = Receipt { permit: false, ..permitted };
        let still = register(&untold, "2026-06-03");
        assert!(!still.permit && still.withdrawn == Some(NOW));
    }
}
