//! Who may issue what: a list that people decide on and can read.

use serde::Deserialize;

use super::claims::Kind;
use super::time::parse_time;

/// Why a list is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// A list of countries that names none.
    #[error(
        "a list of countries of an issuer is empty: name them, or leave the list out for every country"
    )]
    NoCountry,
    /// Not TOML, or members that are missing or unknown.
    #[error("the trust list cannot be read: {0}")]
    Malformed(String),
    /// A kind that does not exist.
    #[error("the trust list names an unknown kind: {0}")]
    Kind(String),
    /// A time that is none.
    #[error("the trust list has an `until` that is no time such as 2028-01-01T00:00:00Z")]
    Time,
    /// An issuer that stands in it twice.
    #[error("the trust list names one issuer twice: write one entry with all its kinds")]
    Twice,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    issuer: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    did: String,
    kinds: Vec<String>,
    countries: Option<Vec<String>>,
    until: Option<String>,
}

/// One issuer, and what its word counts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedIssuer {
    /// Its identifier.
    pub did: String,
    /// What it may issue.
    pub kinds: Vec<Kind>,
    /// For which countries; for all where there are none.
    pub countries: Vec<String>,
    /// The first moment at which it is not trusted any more, in seconds since 1970.
    pub until: Option<i64>,
}

/// The issuers that are trusted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrustList(Vec<TrustedIssuer>);

impl TrustList {
    /// Reads the list from TOML.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn read(text: &str) -> Result<Self, TrustError> {
        let file: File = toml::from_str(text)
            .map_err(|error| TrustError::Malformed(error.message().to_owned()))?;
        let mut all: Vec<TrustedIssuer> = Vec::new();
        for entry in file.issuer {
            if all.iter().any(|known| known.did == entry.did) {
                return Err(TrustError::Twice);
            }
            if entry.countries.as_ref().is_some_and(Vec::is_empty) {
                return Err(TrustError::NoCountry);
            }
            let kinds = entry.kinds.iter().map(|kind| kind.parse().map_err(TrustError::Kind));
            let until = entry.until.map(|until| parse_time(&until).ok_or(TrustError::Time));
            all.push(TrustedIssuer {
                did: entry.did,
                kinds: kinds.collect::<Result<_, _>>()?,
                countries: entry.countries.unwrap_or_default(),
                until: until.transpose()?,
            });
        }
        Ok(Self(all))
    }

    /// The list of these issuers.
    #[must_use]
    pub fn of(issuers: Vec<TrustedIssuer>) -> Self {
        Self(issuers)
    }

    /// Whether `did` may issue a `kind` about `country` at `now`.
    #[must_use]
    pub fn trusts(&self, did: &str, kind: Kind, country: Option<&str>, now: i64) -> bool {
        self.0.iter().any(|issuer| {
            let there = issuer.countries.is_empty()
                || country.is_some_and(|country| issuer.countries.iter().any(|c| c == country));
            issuer.did == did
                && issuer.kinds.contains(&kind)
                && there
                && issuer.until.is_none_or(|until| now < until)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const LIST: &str = r#"
        [[issuer]]
        did = "did:web:ministry.example"
        kinds = ["custodian-accreditation"]
        countries = ["DE"]
        until = "2028-01-01T00:00:00Z"

        [[issuer]]
        did = "did:web:council.example"
        kinds = ["researcher-accreditation", "ethics-approval"]
    "#;

    #[test]
    fn an_issuer_is_trusted_for_its_kinds_countries_and_time() {
        let list = TrustList::read(LIST).unwrap();
        let (ministry, council) = ("did:web:ministry.example", "did:web:council.example");
        let end = parse_time("2028-01-01T00:00:00Z").unwrap();
        let custodian = Kind::CustodianAccreditation;
        assert!(list.trusts(ministry, custodian, Some("DE"), end - 1));
        assert!(!list.trusts(ministry, custodian, Some("DE"), end));
        assert!(!list.trusts(ministry, custodian, Some("FR"), 0));
        assert!(!list.trusts(ministry, custodian, None, 0));
        assert!(!list.trusts(ministry, Kind::EthicsApproval, Some("DE"), 0));
        assert!(list.trusts(council, Kind::EthicsApproval, Some("JP"), end));
        assert!(!list.trusts("did:web:other.example", custodian, Some("DE"), 0));
        assert!(!TrustList::default().trusts(ministry, custodian, Some("DE"), 0));
    }

    #[test]
    fn a_list_that_could_be_misread_is_refused() {
        let twice = format!("{LIST}\n[[issuer]]\ndid = \"did:web:council.example\"\nkinds = []");
        assert_eq!(TrustList::read(&twice), Err(TrustError::Twice));
        let kind = LIST.replace("ethics-approval", "ethics");
        assert!(matches!(TrustList::read(&kind), Err(TrustError::Kind(_))));
        let time = LIST.replace("2028-01-01T00:00:00Z", "next year");
        assert_eq!(TrustList::read(&time), Err(TrustError::Time));
        for bad in ["issuer = 1", "[[issuer]]\ndid = \"a\"", "[[issuer]]\nkindz = []", "["] {
            assert!(matches!(TrustList::read(bad), Err(TrustError::Malformed(_))), "{bad}");
        }
    }
}
