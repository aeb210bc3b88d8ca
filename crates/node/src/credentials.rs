//! Issuing, presenting, verifying and taking back credentials: files in, files out.
//!
//! What a credential says is checked in `caduceus-identity`, as a function of what is known. This module finds out what
//! is known: it reads files, asks web servers for documents and status lists, and takes the time.

mod given;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use caduceus_identity::credential::{
    Audience, Bitstring, Credential, Draft, Evidence, Finding, Kind, Lists, MIN_ENTRIES,
    Presentation, Reason, Signer, StatusEntry, StatusPurpose, TrustList, issue as issue_credential,
    list_credential, parse_time, present as present_credentials, read_list, time_text, verify,
    verify_presentation, web_identifiers,
};
use caduceus_identity::did::{Directory, Keys, WebDid};
use caduceus_identity::json::{Limits, MAX_BYTES, read};
use caduceus_identity::sd_jwt::{self, Salts, SdJwt};
use caduceus_identity::{Did, SecretKey, uuid_v4};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::{NodeError, Result};
use crate::home::random;
use crate::keystore::{read_limited, replace, write_new};
use crate::web::{LIST_BYTES, Web};

/// Seconds since 1970 by this machine's clock.
#[must_use]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A time as the caller wrote it.
pub fn time(text: &str) -> Result<i64> {
    parse_time(text).ok_or_else(|| {
        NodeError::Malformed(format!("`{text}` is no time; write one such as 2027-01-31T00:00:00Z"))
    })
}

/// A kind of credential by its name.
pub fn kind(text: &str) -> Result<Kind> {
    text.parse().map_err(NodeError::Malformed)
}

/// The form in which a credential is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON with a Data Integrity proof; shown whole.
    DataIntegrity,
    /// SD-JWT VC; the holder shows parts.
    SdJwt,
}

/// A credential to be issued.
#[derive(Debug, Clone)]
pub struct NewCredential {
    /// What kind.
    pub kind: Kind,
    /// The holder's DID: a `did:key` where it is an SD-JWT.
    pub subject: String,
    /// A file with the claims as one JSON object.
    pub claims: PathBuf,
    /// From when on it holds.
    pub valid_from: i64,
    /// The first moment at which it does not hold any more.
    pub valid_until: Option<i64>,
    /// Files of status lists of the issuer, in each of which it gets an entry.
    pub status_lists: Vec<PathBuf>,
    /// The entry's number; a random one if left out.
    pub status_index: Option<u32>,
    /// The form.
    pub form: Form,
    /// Claims that the holder may keep back, in an SD-JWT.
    pub concealed: Vec<String>,
}

/// What was issued.
#[derive(Debug, Clone, Serialize)]
pub struct Issued {
    /// Who issued.
    pub issuer: String,
    /// About whom.
    pub subject: String,
    /// What kind.
    pub kind: String,
    /// Its entry in each status list.
    pub status_index: Option<u32>,
    /// The end, where there is one.
    pub valid_until: Option<String>,
}

/// Issues a credential into the new file `out`, signed with `key` as its `did:key` or as `issuer`.
pub fn issue(
    new: &NewCredential,
    key: &SecretKey,
    issuer: Option<&str>,
    out: &Path,
    now: i64,
) -> Result<Issued> {
    let signer = signer(key, issuer)?;
    let mut claims = object(&new.claims)?;
    claims.insert("id".into(), new.subject.clone().into());
    let index = match (new.status_index, new.status_lists.is_empty()) {
        (_, true) => None,
        (Some(index), _) => Some(index),
        (None, _) => Some(given::free(&new.status_lists)?),
    };
    let status = match index {
        None => Vec::new(),
        Some(index) => entries(&new.status_lists, index, &signer.did)?,
    };
    match new.form {
        Form::DataIntegrity => {
            if !new.concealed.is_empty() {
                return Err(NodeError::Usage(
                    "claims can be kept back in an SD-JWT alone; add --format sd-jwt".into(),
                ));
            }
            let draft = Draft {
                kind: new.kind,
                id: Some(format!("urn:uuid:{}", uuid_v4(random()?))),
                subject: claims,
                valid_from: new.valid_from,
                valid_until: new.valid_until,
                status,
            };
            let credential =
                issue_credential(&draft, &signer, now).map_err(NodeError::malformed)?;
            give(new, index)?;
            write_new(out, &credential)?;
        }
        Form::SdJwt => {
            let holder: Did = new.subject.parse().map_err(NodeError::malformed)?;
            let draft = sd_jwt::Draft {
                kind: new.kind,
                claims,
                concealed: new.concealed.clone(),
                holder: holder.key().ok_or_else(|| {
                    NodeError::malformed(
                        "the subject of an SD-JWT is a did:key, whose key binds it",
                    )
                })?,
                issued: now,
                valid_from: new.valid_from,
                valid_until: new.valid_until.ok_or_else(|| {
                    NodeError::malformed("an SD-JWT has an end; give --valid-until or --days")
                })?,
                status,
            };
            let salts = (0..=new.concealed.len()).map(|_| random()).collect::<Result<_>>()?;
            let text =
                sd_jwt::issue(&draft, &signer.did, &signer.method, key, &mut Salts::new(salts));
            let text = text.map_err(NodeError::malformed)?;
            give(new, index)?;
            write_text(out, &text)?;
        }
    }
    Ok(Issued {
        issuer: signer.did,
        subject: new.subject.clone(),
        kind: new.kind.to_string(),
        status_index: index,
        valid_until: new.valid_until.map(time_text),
    })
}

/// Before the credential is written: an entry that is lost with it does no harm.
fn give(new: &NewCredential, index: Option<u32>) -> Result<()> {
    index.map_or(Ok(()), |index| given::give(&new.status_lists, index))
}

fn entries(lists: &[PathBuf], index: u32, issuer: &str) -> Result<Vec<StatusEntry>> {
    let entry = |path: &PathBuf| {
        let (credential, value) = list_file(path)?;
        let (purpose, bits) = read_list(&credential).map_err(NodeError::malformed)?;
        if credential.issuer != issuer {
            let what = format!("{} is the list of another issuer", path.display());
            return Err(NodeError::Malformed(what));
        }
        // A number that is set already would be born revoked.
        match bits.get(index).map_err(NodeError::malformed)? {
            true => Err(NodeError::Usage(format!(
                "entry {index} of {} is taken back already; name another with --status-index",
                path.display()
            ))),
            false => Ok(StatusEntry { purpose, index, list: list_url(path, &value)? }),
        }
    };
    lists.iter().map(entry).collect()
}

fn list_url(path: &Path, value: &Value) -> Result<String> {
    let url = value.get("id").and_then(Value::as_str).map(str::to_owned);
    url.ok_or_else(|| NodeError::Malformed(format!("{} names no URL as its id", path.display())))
}

/// Presents the credentials in `inputs` to one audience, into the new file `out`.
///
/// Credentials with Data Integrity go into one presentation; an SD-JWT is presented alone, with the claims named. Only their
/// subject can present them: what another signs would not verify, and is not written.
pub fn present(
    inputs: &[PathBuf],
    disclose: &[String],
    audience: &Audience,
    key: &SecretKey,
    holder: Option<&str>,
    out: &Path,
    now: i64,
) -> Result<()> {
    let read: Vec<Input> = inputs.iter().map(|path| Input::read(path)).collect::<Result<_>>()?;
    let signer = signer(key, holder)?;
    if let ([Input::SdJwt(credential)], [path]) = (read.as_slice(), inputs) {
        if !credential.is_bound_to(&key.public()) {
            return Err(not_its_subject(path));
        }
        let shown = sd_jwt::present(credential, disclose, audience, key, now);
        return write_text(out, &shown.map_err(NodeError::malformed)?);
    }
    if !disclose.is_empty() {
        return Err(NodeError::Usage(
            "only an SD-JWT can be shown in part; leave --disclose out".into(),
        ));
    }
    let values = read.into_iter().zip(inputs).map(|(input, path)| match input {
        Input::Credential(_, credential) if credential.subject_id() != Some(&signer.did) => {
            Err(not_its_subject(path))
        }
        Input::Credential(value, _) => Ok(value),
        Input::Presentation(..) => Err(NodeError::malformed("this is a presentation already")),
        Input::SdJwt(_) => Err(NodeError::malformed("an SD-JWT is presented alone")),
    });
    let values = values.collect::<Result<Vec<_>>>()?;
    let presentation = present_credentials(&values, audience, &signer, now);
    write_new(out, &presentation.map_err(NodeError::malformed)?)
}

fn not_its_subject(path: &Path) -> NodeError {
    NodeError::not_ready(
        format!("{} is about another than the one who signs", path.display()),
        "sign with its subject's key, or name the subject's did:web with --as",
    )
}

/// What verifying may use.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A trust list; without one an issuer is who it says and no more.
    pub trust: Option<TrustList>,
    /// Status lists as files.
    pub status_lists: Vec<PathBuf>,
    /// DID documents as files.
    pub documents: Vec<PathBuf>,
    /// Ask no server.
    pub offline: bool,
    /// Servers on this machine may be asked.
    pub loopback: bool,
}

/// What verifying found.
#[derive(Debug, Clone, Serialize)]
pub struct Verification {
    /// Whether nothing speaks against it.
    pub verified: bool,
    /// `credential`, `presentation` or `sd-jwt`.
    pub what: &'static str,
    /// Who presents, in a presentation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Each credential in it.
    pub credentials: Vec<About>,
    /// All that speaks against it.
    pub reasons: Vec<Finding>,
}

/// One credential that was verified.
#[derive(Debug, Clone, Serialize)]
pub struct About {
    /// Who says it.
    pub issuer: String,
    /// What kind, where it is known here.
    pub kind: Option<String>,
    /// What it says.
    pub claims: Map<String, Value>,
    /// When it ends.
    pub valid_until: Option<String>,
}

/// A trust list in a file.
pub fn trust_list(path: &Path) -> Result<TrustList> {
    TrustList::read(&read_limited(path, 1 << 20)?)
        .map_err(|error| NodeError::Malformed(format!("{}: {error}", path.display())))
}

/// Verifies what is in `input`. A presentation needs the audience that it was asked for; with an audience, a credential or
/// SD-JWT by itself does not verify, since its holder must have presented it.
pub async fn check(
    input: &Path,
    audience: Option<&Audience>,
    sources: &Sources,
    now: i64,
) -> Result<Verification> {
    judge(Input::read(input)?, audience, sources, now).await
}

/// As [`check`], of a text.
pub(crate) async fn check_text(
    text: &str,
    audience: &Audience,
    sources: &Sources,
    now: i64,
) -> Result<Verification> {
    judge(Input::parse(text, "what is presented")?, Some(audience), sources, now).await
}

/// Every issuer that a text names.
pub(crate) fn issuers(text: &str) -> Result<BTreeSet<String>> {
    Ok(match Input::parse(text, "what is presented")? {
        Input::Credential(_, credential) => [credential.issuer].into(),
        Input::Presentation(_, presentation) => {
            presentation.credentials.into_iter().map(|credential| credential.issuer).collect()
        }
        Input::SdJwt(sd_jwt) => sd_jwt.issuer().map(str::to_owned).into_iter().collect(),
    })
}

async fn judge(
    input: Input,
    audience: Option<&Audience>,
    sources: &Sources,
    now: i64,
) -> Result<Verification> {
    let (directory, lists) = gather(&input, sources).await?;
    let evidence =
        Evidence { now, directory: &directory, lists: &lists, trust: sources.trust.as_ref() };
    let about = |what: &str, reasons: Vec<Reason>| -> Vec<Finding> {
        reasons.into_iter().map(|reason| Finding { about: what.to_owned(), reason }).collect()
    };
    let (what, holder, credentials, reasons) = match &input {
        Input::Credential(_, credential) => {
            let reasons = about("credential", verify(credential, audience, &evidence));
            ("credential", None, vec![About::of(credential)], reasons)
        }
        Input::Presentation(_, presentation) => {
            let audience = audience.ok_or_else(|| {
                NodeError::Usage(
                    "a presentation answers a challenge for a domain; give both with --challenge and --domain".into(),
                )
            })?;
            let reasons = verify_presentation(presentation, audience, &evidence);
            let all = presentation.credentials.iter().map(About::of).collect();
            ("presentation", Some(presentation.holder.clone()), all, reasons)
        }
        Input::SdJwt(sd_jwt) => {
            let shown = sd_jwt::verify(sd_jwt, audience, &evidence);
            let vct = shown.claims.get("vct").and_then(Value::as_str);
            let kind = Kind::ALL.into_iter().find(|kind| vct == Some(&kind.vct()));
            let until = shown.claims.get("exp").and_then(Value::as_i64).map(time_text);
            let credential = About {
                issuer: sd_jwt.issuer().unwrap_or_default().to_owned(),
                kind: kind.map(|kind| kind.to_string()),
                claims: shown.claims,
                valid_until: until,
            };
            ("sd-jwt", None, vec![credential], about("credential", shown.reasons))
        }
    };
    Ok(Verification { verified: reasons.is_empty(), what, holder, credentials, reasons })
}

impl About {
    fn of(credential: &Credential) -> About {
        About {
            issuer: credential.issuer.clone(),
            kind: Kind::of(&credential.types).map(|kind| kind.to_string()),
            claims: credential.subject.clone(),
            valid_until: credential.valid_until.map(time_text),
        }
    }
}

/// Makes an empty status list of the issuer, to be published at `url`, in the new file `out`.
pub fn new_status_list(
    purpose: StatusPurpose,
    url: &str,
    key: &SecretKey,
    issuer: Option<&str>,
    out: &Path,
    now: i64,
) -> Result<()> {
    let bits = Bitstring::new(MIN_ENTRIES).map_err(NodeError::malformed)?;
    let list = list_credential(&bits, purpose, url, &signer(key, issuer)?, now);
    write_new(out, &list.map_err(NodeError::malformed)?)
}

/// Where a credential stands in a status list.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    /// `revocation` or `suspension`.
    pub purpose: &'static str,
    /// Its entry.
    pub index: u32,
    /// Whether the entry is set.
    pub set: bool,
}

/// Where the credential in `input` stands in the list in the file `list`.
pub fn standing(input: &Path, list: &Path) -> Result<Standing> {
    let (credential, value) = list_file(list)?;
    let (purpose, bits) = read_list(&credential).map_err(NodeError::malformed)?;
    let index = entry_in(input, &list_url(list, &value)?, purpose)?;
    let set = bits.get(index).map_err(NodeError::malformed)?;
    Ok(Standing { purpose: purpose.name(), index, set })
}

/// Sets the entry of the credential in `input` in the list in the file `list`, or clears it, and signs the list anew.
///
/// A revocation is for good and is not cleared.
pub fn take_back(
    input: &Path,
    list: &Path,
    key: &SecretKey,
    issuer: Option<&str>,
    undo: bool,
    now: i64,
) -> Result<Standing> {
    let (credential, value) = list_file(list)?;
    let (purpose, mut bits) = read_list(&credential).map_err(NodeError::malformed)?;
    let signer = own_list(list, &credential, key, issuer)?;
    if undo && purpose == StatusPurpose::Revocation {
        return Err(NodeError::Usage(
            "a revocation is for good; issue a new credential, or use a list for suspension".into(),
        ));
    }
    let url = list_url(list, &value)?;
    let index = entry_in(input, &url, purpose)?;
    bits.set(index, !undo).map_err(NodeError::malformed)?;
    let signed =
        list_credential(&bits, purpose, &url, &signer, now).map_err(NodeError::malformed)?;
    replace(list, &signed)?;
    Ok(Standing { purpose: purpose.name(), index, set: !undo })
}

/// Signs the list in the file `list` anew as it is, so that it counts for as long again.
pub fn renew(list: &Path, key: &SecretKey, issuer: Option<&str>, now: i64) -> Result<()> {
    let (credential, value) = list_file(list)?;
    let (purpose, bits) = read_list(&credential).map_err(NodeError::malformed)?;
    let signer = own_list(list, &credential, key, issuer)?;
    let url = list_url(list, &value)?;
    let signed =
        list_credential(&bits, purpose, &url, &signer, now).map_err(NodeError::malformed)?;
    replace(list, &signed)
}

/// The signer of a list that is the issuer's own.
fn own_list<'k>(
    list: &Path,
    credential: &Credential,
    key: &'k SecretKey,
    issuer: Option<&str>,
) -> Result<Signer<'k>> {
    let signer = signer(key, issuer)?;
    if credential.issuer != signer.did {
        let what = format!("{} is the list of {}", list.display(), credential.issuer);
        return Err(NodeError::not_ready(
            what,
            "sign with that issuer's key, or name its did:web with --as",
        ));
    }
    Ok(signer)
}

fn entry_in(input: &Path, url: &str, purpose: StatusPurpose) -> Result<u32> {
    let status = match Input::read(input)? {
        Input::Credential(_, credential) => credential.status,
        Input::SdJwt(sd_jwt) => sd_jwt.status().unwrap_or_default(),
        Input::Presentation(..) => {
            return Err(NodeError::malformed("this is a presentation; name the credential itself"));
        }
    };
    let entry = status.iter().find(|entry| entry.list == url && entry.purpose == purpose);
    entry.map(|entry| entry.index).ok_or_else(|| {
        NodeError::Malformed(format!("the credential has no entry for {} in {url}", purpose.name()))
    })
}

/// What a file holds.
enum Input {
    Credential(Value, Credential),
    Presentation(Value, Presentation),
    SdJwt(SdJwt),
}

impl Input {
    fn read(path: &Path) -> Result<Input> {
        Input::parse(&read_limited(path, MAX_BYTES)?, &path.display().to_string())
    }

    fn parse(text: &str, name: &str) -> Result<Input> {
        let named = |why: String| NodeError::Malformed(format!("{name}: {why}"));
        if !text.trim_start().starts_with('{') {
            return SdJwt::read(text.trim()).map(Input::SdJwt).map_err(|e| named(e.to_string()));
        }
        let value = read(text, Limits::default()).map_err(|error| named(error.to_string()))?;
        let presents = value.get("verifiableCredential").is_some();
        if presents {
            let read = Presentation::read(&value).map_err(|error| named(error.to_string()))?;
            return Ok(Input::Presentation(value, read));
        }
        let read = Credential::read(&value).map_err(|error| named(error.to_string()))?;
        Ok(Input::Credential(value, read))
    }

    fn status(&self) -> Vec<StatusEntry> {
        match self {
            Input::Credential(_, credential) => credential.status.clone(),
            Input::Presentation(_, presentation) => {
                presentation.credentials.iter().flat_map(|one| one.status.clone()).collect()
            }
            Input::SdJwt(sd_jwt) => sd_jwt.status().unwrap_or_default(),
        }
    }
}

/// Fetches what verifying `input` will ask for.
async fn gather(input: &Input, sources: &Sources) -> Result<(Directory, Lists)> {
    let web = Web::new(sources.loopback);
    let mut directory = Directory::default();
    let mut lists = Lists::new();
    let mut wanted: Vec<WebDid> = match input {
        Input::Credential(value, _) | Input::Presentation(value, _) => {
            web_identifiers(value).into_iter().collect()
        }
        Input::SdJwt(sd_jwt) => {
            sd_jwt.issuer().and_then(|did| did.parse().ok()).into_iter().collect()
        }
    };
    for path in &sources.status_lists {
        let (credential, value) = list_file(path)?;
        wanted.extend(web_identifiers(&value));
        let url = list_url(path, &value)?;
        // Of several copies the newest counts, in whatever order they are named.
        let known = lists.get(&url).and_then(|known| known.as_ref().ok());
        if known.is_none_or(|known| known.valid_from <= credential.valid_from) {
            lists.insert(url, Ok(credential));
        }
    }
    for entry in input.status() {
        if lists.contains_key(&entry.list) {
            continue;
        }
        let answer = if sources.offline {
            Err("no server was asked (--offline)".to_owned())
        } else {
            web.list(&entry.list).await
        };
        if let Ok(value) = &answer {
            wanted.extend(web_identifiers(value));
        }
        let list = answer.and_then(|value| Credential::read(&value).map_err(|e| e.to_string()));
        lists.insert(entry.list, list);
    }
    for path in &sources.documents {
        let (did, keys) = document_file(path)?;
        wanted.retain(|other| *other != did);
        directory.note(did, Ok(keys));
    }
    wanted.sort();
    wanted.dedup();
    for did in wanted {
        let keys = if sources.offline {
            Err(format!("the document of {did} was not given, and no server was asked (--offline)"))
        } else {
            web.keys(&did).await
        };
        directory.note(did, keys);
    }
    Ok((directory, lists))
}

fn document_file(path: &Path) -> Result<(WebDid, Keys)> {
    let named = |why: String| NodeError::Malformed(format!("{}: {why}", path.display()));
    let text = read_limited(path, MAX_BYTES)?;
    let value = read(&text, Limits::default()).map_err(|error| named(error.to_string()))?;
    let id = value.get("id").and_then(Value::as_str).unwrap_or_default();
    let did: WebDid = id.parse().map_err(|error| named(format!("{error}")))?;
    let keys = Keys::read(id, &value).map_err(|error| named(error.to_string()))?;
    Ok((did, keys))
}

fn list_file(path: &Path) -> Result<(Credential, Value)> {
    let named = |why: String| NodeError::Malformed(format!("{}: {why}", path.display()));
    let text = read_limited(path, LIST_BYTES)?;
    let limits = Limits { bytes: LIST_BYTES, ..Limits::default() };
    let value = read(&text, limits).map_err(|error| named(error.to_string()))?;
    let credential = Credential::read(&value).map_err(|error| named(error.to_string()))?;
    Ok((credential, value))
}

fn object(path: &Path) -> Result<Map<String, Value>> {
    let text = read_limited(path, MAX_BYTES)?;
    match read(&text, Limits::default()) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(NodeError::Malformed(format!("{} holds no JSON object", path.display()))),
        Err(error) => Err(NodeError::Malformed(format!("{}: {error}", path.display()))),
    }
}

fn signer<'a>(key: &'a SecretKey, did: Option<&str>) -> Result<Signer<'a>> {
    let web: Option<WebDid> =
        did.map(|did| did.parse().map_err(NodeError::malformed)).transpose()?;
    Ok(Signer::new(key, web.map(|web| web.to_string())))
}

fn write_text(path: &Path, text: &str) -> Result<()> {
    crate::keystore::write_new_bytes(path, format!("{text}\n").as_bytes())
}
