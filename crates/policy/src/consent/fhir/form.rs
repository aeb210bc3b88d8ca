//! Whether a Consent has the form of one: what is not known to be without effect on what is permitted is named.
//!
//! A reader of FHIR may ignore an `extension`, which never changes what an element means, and may not ignore a
//! `modifierExtension`. An element that R4 does not have may be a condition of a later version, or a word misspelt.

use serde_json::Value;

use super::{OPT_IN, OPT_OUT, PERSON, Parties, RULES, SCOPES, Unmapped, is};

/// The elements of a Consent that say who, when and by which paper, and those that are read.
const CONSENT: &[&str] = &[
    "resourceType",
    "id",
    "_id",
    "meta",
    "language",
    "_language",
    "text",
    "contained",
    "extension",
    "identifier",
    "status",
    "scope",
    "category",
    "patient",
    "dateTime",
    "_dateTime",
    "performer",
    "organization",
    "sourceAttachment",
    "sourceReference",
    "policy",
    "policyRule",
    "verification",
    "provision",
];
const POLICY: &[&str] = &["id", "extension", "authority", "_authority", "uri", "_uri"];
const VERIFICATION: &[&str] =
    &["id", "extension", "verified", "verifiedWith", "verificationDate", "_verificationDate"];
const CONCEPT: &[&str] = &["id", "extension", "coding", "text", "_text"];
const ACTOR: &[&str] = &["id", "extension", "role", "reference"];
const PROVISION: &[&str] = &[
    "id",
    "extension",
    "modifierExtension",
    "type",
    "period",
    "actor",
    "action",
    "purpose",
    "class",
    "provision",
];
/// What narrows a provision in a way that grants cannot.
const CONDITIONS: [&str; 4] = ["securityLabel", "code", "dataPeriod", "data"];

const MODIFIED: &str = "it changes what the document means: what it stands in is refused";

type Checked = Result<(), Unmapped>;

fn check(holds: bool, path: &str, why: &str) -> Checked {
    match holds {
        true => Ok(()),
        false => Err(Unmapped { path: path.to_owned(), why: why.to_owned() }),
    }
}

/// Whether `consent` is a permission of this member to this custodian at all. What a custodian keeps itself
/// (`held`) does not name the member by the ledger's identifiers.
pub(super) fn consent(consent: &Value, parties: &Parties<'_>, held: bool) -> Checked {
    check(consent["resourceType"] == "Consent", "Consent", "it is no FHIR Consent")?;
    check(consent["status"] == "active", "Consent.status", "it is not active")?;
    members(consent, "Consent", CONSENT)?;
    let mut tags = consent["meta"]["tag"].as_array().into_iter().flatten();
    let part = tags.any(|tag| tag["code"] == "SUBSETTED");
    check(!part, "Consent.meta.tag", "it is only a part of the document")?;
    let mut labels = consent["meta"]["security"].as_array().into_iter().flatten();
    check(
        !labels.any(|label| label["code"] == "HTEST"),
        "Consent.meta.security",
        "it is test data",
    )?;
    let general = |scope: &Value| is(scope, SCOPES, "patient-privacy");
    let scoped = to_research(consent) || codings(&consent["scope"]).iter().any(general);
    check(scoped, "Consent.scope", "its scope is neither research nor patient-privacy")?;
    between(consent, parties, held)?;
    for (key, value) in consent.as_object().into_iter().flatten() {
        // A provision is looked at by itself: one that cannot be read takes nothing away from another.
        if key != "provision" {
            unmodified(value, &format!("Consent.{key}"))?;
        }
    }
    policies(consent)?;
    each(consent, "verification", VERIFICATION, |one, path| {
        check(one["verified"] == true, path, "it was not verified")
    })
}

/// Whether its scope is research.
pub(super) fn to_research(consent: &Value) -> bool {
    codings(&consent["scope"]).iter().any(|scope| is(scope, SCOPES, "research"))
}

/// Whether it is about this member and with this custodian.
fn between(consent: &Value, parties: &Parties<'_>, held: bool) -> Checked {
    let holders = consent["organization"].as_array().map_or(&[][..], Vec::as_slice);
    let named = holders.iter().any(|one| parties.party(one) == Some(parties.custodian));
    if held {
        let account = |one: &Value| {
            let did = one["identifier"]["value"].as_str();
            did.is_some_and(|did| did.starts_with("did:pkh:"))
        };
        let elsewhere = holders.iter().any(account) && !named;
        return check(!elsewhere, "Consent.organization", "it names another custodian");
    }
    let patient = &consent["patient"]["identifier"];
    let own = patient["system"] == PERSON && patient["value"] == parties.person;
    check(own, "Consent.patient", "it is about somebody else")?;
    check(named, "Consent.organization", "it names another custodian, or none")
}

fn policies(consent: &Value) -> Checked {
    each(consent, "policy", POLICY, |_, _| Ok(()))?;
    let Some(rule) = consent.get("policyRule") else { return Ok(()) };
    let path = "Consent.policyRule";
    members(rule, path, CONCEPT)?;
    let out = |coding: &Value| OPT_OUT.iter().any(|code| coding["code"] == *code);
    check(!codings(rule).iter().any(out), path, "its policy is that of opting out")?;
    let known = |coding: &Value| {
        coding["system"] != RULES || OPT_IN.iter().any(|code| coding["code"] == *code)
    };
    let why = "a policy that is none of opting in: it may permit less than the provisions say";
    check(codings(rule).iter().all(known), path, why)
}

/// Whether the policy of a Consent is that what the person agrees to is permitted.
pub(super) fn opted_in(consent: &Value) -> bool {
    let opted = |coding: &Value| OPT_IN.iter().any(|code| is(coding, RULES, code));
    codings(&consent["policyRule"]).iter().any(opted)
}

/// Whether all that a provision says of itself is known, but for what is said below it and for its own
/// `modifierExtension`.
pub(super) fn provision(provision: &Value, path: &str) -> Checked {
    for key in CONDITIONS {
        let why = "a condition that a grant does not have: the permit is refused";
        check(provision.get(key).is_none(), &format!("{path}.{key}"), why)?;
    }
    members(provision, path, PROVISION)?;
    for (number, actor) in provision["actor"].as_array().into_iter().flatten().enumerate() {
        members(actor, &format!("{path}.actor[{number}]"), ACTOR)?;
    }
    for (key, value) in provision.as_object().into_iter().flatten() {
        if key != "provision" && key != "modifierExtension" {
            unmodified(value, &format!("{path}.{key}"))?;
        }
    }
    Ok(())
}

/// What a provision names that makes a denial of these classes and purposes in these places smaller, or is not known.
pub(super) fn beside_denial(provision: &Value) -> impl Iterator<Item = &str> {
    let read = ["id", "extension", "modifierExtension", "type", "purpose", "class"];
    let keys = provision.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    keys.filter(move |key| !read.contains(key))
}

/// The codes of a concept; none where it is no concept.
pub(super) fn codings(concept: &Value) -> &[Value] {
    concept["coding"].as_array().map_or(&[], Vec::as_slice)
}

/// Whether it is an object with no other members than these.
fn members(value: &Value, path: &str, known: &[&str]) -> Checked {
    let Some(parts) = value.as_object() else {
        return check(false, path, "it is no object: refused");
    };
    // What changes the meaning is told as that.
    if parts.contains_key("modifierExtension") && !known.contains(&"modifierExtension") {
        return check(false, &format!("{path}.modifierExtension"), MODIFIED);
    }
    match parts.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => {
            let why = "no element of FHIR R4 that is known here: what it stands in is refused";
            check(false, &format!("{path}.{key}"), why)
        }
        None => Ok(()),
    }
}

/// Checks each element of a list of the Consent, if there is one.
fn each(
    consent: &Value,
    key: &str,
    known: &[&str],
    holds: impl Fn(&Value, &str) -> Checked,
) -> Checked {
    let Some(list) = consent.get(key) else { return Ok(()) };
    let path = format!("Consent.{key}");
    let Some(list) = list.as_array() else {
        return check(false, &path, "it is no list: refused");
    };
    for (number, one) in list.iter().enumerate() {
        let path = format!("{path}[{number}]");
        members(one, &path, known)?;
        holds(one, &path)?;
    }
    Ok(())
}

/// Whether no `modifierExtension` stands in it, however deep.
fn unmodified(value: &Value, path: &str) -> Checked {
    match value {
        Value::Object(parts) => parts.iter().try_for_each(|(key, value)| {
            let path = format!("{path}.{key}");
            check(key != "modifierExtension", &path, MODIFIED)?;
            unmodified(value, &path)
        }),
        Value::Array(list) => {
            let mut list = list.iter().enumerate();
            list.try_for_each(|(number, value)| unmodified(value, &format!("{path}[{number}]")))
        }
        _ => Ok(()),
    }
}
