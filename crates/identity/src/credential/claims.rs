//! The kinds of credential that the cooperative knows, and what each must say.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::reason::Reason;

/// What a credential is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A person's identity was checked once: `country`, `personHash`. It names nobody.
    PatientIdentity,
    /// A hospital or vendor may hold records: `legalName`, `country`, `registrationNumber`.
    CustodianAccreditation,
    /// An organization may ask questions: `organization`, `country`, `purposes`.
    ResearcherAccreditation,
    /// A committee approved a study: `committee`, `protocol`, `country`, `purposes`.
    EthicsApproval,
    /// A key says which key follows it: `replaces`.
    KeyRotation,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 5] = [
        Kind::PatientIdentity,
        Kind::CustodianAccreditation,
        Kind::ResearcherAccreditation,
        Kind::EthicsApproval,
        Kind::KeyRotation,
    ];

    /// The name in a credential's `type`.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self {
            Self::PatientIdentity => "PatientIdentity",
            Self::CustodianAccreditation => "CustodianAccreditation",
            Self::ResearcherAccreditation => "ResearcherAccreditation",
            Self::EthicsApproval => "EthicsApproval",
            Self::KeyRotation => "KeyRotation",
        }
    }

    /// The name in commands and trust lists.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PatientIdentity => "patient-identity",
            Self::CustodianAccreditation => "custodian-accreditation",
            Self::ResearcherAccreditation => "researcher-accreditation",
            Self::EthicsApproval => "ethics-approval",
            Self::KeyRotation => "key-rotation",
        }
    }

    /// The `vct` of a credential of this kind as an SD-JWT VC.
    #[must_use]
    pub fn vct(self) -> String {
        format!("urn:caduceus:{}:1", self.name())
    }

    /// The one kind that `types` name.
    #[must_use]
    pub fn of(types: &[String]) -> Option<Self> {
        let mut named =
            Self::ALL.into_iter().filter(|kind| types.iter().any(|t| t == kind.type_name()));
        named.next().filter(|_| named.next().is_none())
    }

    /// Whether it must end: what a body vouches for about an organization has to be looked at again.
    fn must_end(self) -> bool {
        !matches!(self, Self::PatientIdentity | Self::KeyRotation)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            format!("there is no kind of credential `{text}`; there are: {known}")
        })
    }
}

/// What a credential of a known kind says. `country` is ISO 3166-1 alpha-2, `purposes` are the protocol's codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claims {
    /// Of a person.
    PatientIdentity {
        /// Where they live.
        country: String,
        /// A keyed hash of what identifies them, the same for each credential of this person by this issuer.
        person: [u8; 32],
    },
    /// Of a custodian.
    CustodianAccreditation {
        /// As the register has it.
        legal_name: String,
        /// Where it is established.
        country: String,
        /// Its number in the register of the issuer.
        registration_number: String,
    },
    /// Of a researcher.
    ResearcherAccreditation {
        /// Its name.
        organization: String,
        /// Where it is established.
        country: String,
        /// What it may use data for.
        purposes: Vec<String>,
    },
    /// Of a study.
    EthicsApproval {
        /// Who approved.
        committee: String,
        /// Which protocol.
        protocol: String,
        /// Where the committee sits.
        country: String,
        /// What was approved.
        purposes: Vec<String>,
    },
    /// Of a key.
    KeyRotation {
        /// The identifier that the subject follows.
        replaces: String,
    },
}

impl Claims {
    /// Reads the subject of a credential of `kind`. `ends` says whether the credential has an end.
    ///
    /// # Errors
    /// Every [`Reason::Claim`] against it.
    pub fn read(kind: Kind, subject: &Map<String, Value>, ends: bool) -> Result<Self, Vec<Reason>> {
        let (claims, reasons) = Reader::read(kind, subject, ends, 0);
        if reasons.is_empty() { Ok(claims) } else { Err(reasons) }
    }

    /// Every reason against what is shown of a credential of which `kept_back` claims, or elements of lists, may not be
    /// shown. The `id` always is.
    pub(crate) fn check_shown(
        kind: Kind,
        shown: &Map<String, Value>,
        ends: bool,
        kept_back: usize,
    ) -> Vec<Reason> {
        Reader::read(kind, shown, ends, kept_back).1
    }

    /// The country that it is about, where there is one.
    #[must_use]
    pub fn country(&self) -> Option<&str> {
        match self {
            Self::PatientIdentity { country, .. }
            | Self::CustodianAccreditation { country, .. }
            | Self::ResearcherAccreditation { country, .. }
            | Self::EthicsApproval { country, .. } => Some(country),
            Self::KeyRotation { .. } => None,
        }
    }
}

/// Takes one claim after the other and notes what does not fit.
struct Reader<'a> {
    subject: &'a Map<String, Value>,
    reasons: Vec<Reason>,
    /// How many claims may still be missing.
    kept_back: usize,
}

impl<'a> Reader<'a> {
    fn read(
        kind: Kind,
        subject: &'a Map<String, Value>,
        ends: bool,
        kept_back: usize,
    ) -> (Claims, Vec<Reason>) {
        let mut reader = Reader { subject, reasons: Vec::new(), kept_back: 0 };
        if kind.must_end() && !ends {
            let refusal =
                "a credential of this kind must have an end: `validUntil`, or `exp` in an SD-JWT";
            reader.reasons.push(Reason::Claim(refusal));
        }
        reader.text("id", 1..=512, "the subject must have an `id`, the holder's DID");
        reader.kept_back = kept_back;
        (reader.claims(kind), reader.reasons)
    }

    /// Refuses a claim, unless it `is_missing` and can be among those that were kept back.
    fn refuse(&mut self, is_missing: bool, refusal: &'static str) {
        match self.kept_back.checked_sub(usize::from(is_missing)) {
            Some(left) if is_missing => self.kept_back = left,
            _ => self.reasons.push(Reason::Claim(refusal)),
        }
    }

    fn claims(&mut self, kind: Kind) -> Claims {
        const NAME: std::ops::RangeInclusive<usize> = 1..=200;
        match kind {
            Kind::PatientIdentity => {
                Claims::PatientIdentity { country: self.country(), person: self.person() }
            }
            Kind::CustodianAccreditation => Claims::CustodianAccreditation {
                legal_name: self.text(
                    "legalName",
                    NAME,
                    "`legalName` must be a text of 1 to 200 bytes",
                ),
                country: self.country(),
                registration_number: self.text(
                    "registrationNumber",
                    1..=64,
                    "`registrationNumber` must be a text of 1 to 64 bytes",
                ),
            },
            Kind::ResearcherAccreditation => Claims::ResearcherAccreditation {
                organization: self.text(
                    "organization",
                    NAME,
                    "`organization` must be a text of 1 to 200 bytes",
                ),
                country: self.country(),
                purposes: self.purposes(),
            },
            Kind::EthicsApproval => Claims::EthicsApproval {
                committee: self.text(
                    "committee",
                    NAME,
                    "`committee` must be a text of 1 to 200 bytes",
                ),
                protocol: self.text(
                    "protocol",
                    NAME,
                    "`protocol` must be a text of 1 to 200 bytes",
                ),
                country: self.country(),
                purposes: self.purposes(),
            },
            Kind::KeyRotation => Claims::KeyRotation {
                replaces: self.text(
                    "replaces",
                    1..=512,
                    "`replaces` must be the earlier key's DID",
                ),
            },
        }
    }

    fn text(
        &mut self,
        name: &str,
        length: std::ops::RangeInclusive<usize>,
        refusal: &'static str,
    ) -> String {
        let claim = self.subject.get(name);
        let text = claim.and_then(Value::as_str);
        match text.filter(|text| length.contains(&text.len()) && !text.trim().is_empty()) {
            Some(text) => text.to_owned(),
            None => {
                self.refuse(claim.is_none(), refusal);
                String::new()
            }
        }
    }

    fn country(&mut self) -> String {
        let refusal =
            "`country` must be a country's code of two capital letters (ISO 3166-1 alpha-2)";
        let country = self.text("country", 0..=2, refusal);
        if !country.is_empty() && rust_iso3166::from_alpha2(&country).is_none() {
            self.reasons.push(Reason::Claim(refusal));
        }
        country
    }

    fn person(&mut self) -> [u8; 32] {
        let refusal = "`personHash` must be 64 hexadecimal digits, a keyed hash and never a name";
        let claim = self.subject.get("personHash");
        let text = claim.and_then(Value::as_str);
        let hash = text.and_then(|text| hex::decode(text).ok()?.try_into().ok());
        hash.unwrap_or_else(|| {
            self.refuse(claim.is_none(), refusal);
            [0; 32]
        })
    }

    fn purposes(&mut self) -> Vec<String> {
        let claim = self.subject.get("purposes");
        let codes = claim.and_then(Value::as_array);
        let is_code = |code: &&str| {
            (2..=8).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_uppercase())
        };
        let read = codes.and_then(|codes| {
            let codes = codes.iter().map(|code| code.as_str().filter(is_code).map(str::to_owned));
            codes.collect::<Option<Vec<_>>>().filter(|codes| (1..=16).contains(&codes.len()))
        });
        read.unwrap_or_else(|| {
            let refusal = "`purposes` must be a list of 1 to 16 codes such as HMB or GRU";
            // Every element of the list can be kept back, too.
            let is_missing = claim.is_none() || codes.is_some_and(Vec::is_empty);
            self.refuse(is_missing, refusal);
            Vec::new()
        })
    }
}
