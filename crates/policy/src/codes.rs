//! The words in which law and consent are spoken here, with the numbers that the contracts use for them
//! (`contracts/src/common/Codes.sol`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that names nothing known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no {what}: write {expected}")]
pub struct UnknownCode {
    /// What was written.
    pub text: String,
    /// What was to be named.
    pub what: &'static str,
    /// What can be written.
    pub expected: String,
}

impl UnknownCode {
    pub(crate) fn new(text: &str, what: &'static str, expected: impl Into<String>) -> Self {
        Self { text: text.to_owned(), what, expected: expected.into() }
    }
}

macro_rules! numbered {
    (
        $(#[$doc:meta])* $name:ident, $what:literal;
        $($(#[$variant_doc:meta])* $variant:ident = $number:literal, $text:literal $(| $alias:literal)*;)*
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[repr(u8)]
        pub enum $name {
            $($(#[$variant_doc])* $variant = $number,)*
        }

        impl $name {
            /// Every value, in the order of its number.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The number that the contracts use.
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// The value with this number.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The standard code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.code())
            }
        }

        impl FromStr for $name {
            type Err = UnknownCode;

            fn from_str(text: &str) -> Result<Self, UnknownCode> {
                match text {
                    $($text $(| $alias)* => Ok(Self::$variant),)*
                    _ => Err(UnknownCode::new(text, $what, [$($text),*].join(", "))),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = UnknownCode;

            fn try_from(text: String) -> Result<Self, UnknownCode> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.code().to_owned()
            }
        }
    };
}

numbered! {
    /// What kind of health data a dataset holds.
    DataClass, "data class";
    /// Diagnoses, encounters, observations, medication.
    Clinical = 1, "clinical";
    /// Genomes and what is derived from them.
    Genomic = 2, "genomic";
    /// Radiology and other images.
    Imaging = 3, "imaging";
    /// Measurements of devices that people wear.
    Wearable = 4, "wearable";
    /// Bills and insurance claims.
    Claims = 5, "claims";
    /// Psychiatry and psychotherapy.
    MentalHealth = 6, "mental_health";
}

numbered! {
    /// What data is used for: GA4GH Data Use Ontology (DUO) and HL7 v3 PurposeOfUse. Terms of DUO are read by their
    /// identifiers too.
    Purpose, "purpose";
    /// General research use (DUO:0000042).
    GeneralResearch = 1, "GRU" | "DUO:0000042";
    /// Health, medical or biomedical research (DUO:0000006).
    HealthResearch = 2, "HMB" | "DUO:0000006";
    /// Disease-specific research (DUO:0000007).
    DiseaseSpecific = 3, "DS" | "DUO:0000007";
    /// Population origins or ancestry research (DUO:0000011).
    Ancestry = 4, "POA" | "DUO:0000011";
    /// Not-for-profit use (DUO:0000045).
    NotForProfit = 5, "NPU" | "DUO:0000045";
    /// Commercial use: what DUO:0000046 (non-commercial use only) withholds.
    Commercial = 6, "COM";
    /// Public health (HL7).
    PublicHealth = 7, "PUBHLTH";
    /// Quality improvement in health care (HL7).
    Quality = 8, "HQUALIMP";
}

numbered! {
    /// How far the records have been taken away from the persons. The contracts know [`Identifiability::Protected`] only,
    /// because nothing else is ever published.
    Identifiability, "identifiability";
    /// As the hospital keeps them, with direct identifiers.
    Identified = 1, "identified";
    /// Without direct identifiers, with dates and places (a limited data set of 45 CFR 164.514(e)).
    Limited = 2, "limited";
    /// As this project publishes: Safe Harbor (45 CFR 164.514(b)(2)), a keyed pseudonym, k-anonymous. De-identified for
    /// HIPAA, pseudonymous and so personal data for the GDPR (Art. 4(5)).
    Protected = 3, "protected";
    /// Nobody can be told apart by means reasonably likely to be used (GDPR, Recital 26).
    Anonymous = 4, "anonymous";
}

numbered! {
    /// What a rule says.
    Verdict, "verdict";
    /// It may be done.
    Allow = 1, "allow";
    /// It may be done by a party that holds one of the safeguards named.
    AllowWith = 2, "allow_with";
    /// It may not be done.
    Deny = 3, "deny";
}

/// A set of safeguards: those that a rule asks for (any one of them suffices), or those that a party holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Safeguards(u32);

impl Safeguards {
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// Standard contractual clauses.
    pub const SCC: Self = Self(1);
    /// Binding corporate rules.
    pub const BCR: Self = Self(2);
    /// Explicit consent of the persons.
    pub const EXPLICIT_CONSENT: Self = Self(4);
    /// An authorization by HIPAA (45 CFR 164.508).
    pub const HIPAA_AUTHORIZATION: Self = Self(8);
    /// A data use agreement: any contract that binds the recipient to comparable protection.
    pub const DATA_USE_AGREEMENT: Self = Self(16);
    /// A data permit by the European Health Data Space (Regulation (EU) 2025/327).
    pub const EHDS_PERMIT: Self = Self(32);
    /// The recipient is one of those that a partial adequacy decision reaches: certified under the EU-US Data Privacy
    /// Framework or its Swiss and British counterparts, or bound by PIPEDA.
    pub const ADEQUACY: Self = Self(64);
    /// A data use agreement for a limited data set (45 CFR 164.514(e)).
    pub const LIMITED_DATA_SET: Self = Self(128);
    /// Every safeguard.
    pub const ALL: Self = Self(255);

    const NAMES: [(Self, &'static str); 8] = [
        (Self::SCC, "SCC"),
        (Self::BCR, "BCR"),
        (Self::EXPLICIT_CONSENT, "EXPLICIT_CONSENT"),
        (Self::HIPAA_AUTHORIZATION, "HIPAA_AUTHORIZATION"),
        (Self::DATA_USE_AGREEMENT, "DATA_USE_AGREEMENT"),
        (Self::EHDS_PERMIT, "EHDS_PERMIT"),
        (Self::ADEQUACY, "ADEQUACY"),
        (Self::LIMITED_DATA_SET, "LIMITED_DATA_SET"),
    ];

    /// The bitmap that the contracts use.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The set of a bitmap; none where a bit is not known.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits <= Self::ALL.0 { Some(Self(bits)) } else { None }
    }

    /// What is in either set.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether some safeguard is in both sets.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is none in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names, in the order of their bits.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(one, _)| self.meets(*one)).map(|(_, name)| name)
    }
}

impl fmt::Display for Safeguards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.names().collect::<Vec<_>>().join(", "))
    }
}

impl FromStr for Safeguards {
    type Err = UnknownCode;

    /// Names with commas between them, in any order.
    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).try_fold(
            Self::NONE,
            |set, name| {
                let known = Self::NAMES.into_iter().find(|(_, known)| *known == name);
                let (one, _) = known.ok_or_else(|| {
                    let names: Vec<_> = Self::NAMES.iter().map(|(_, name)| *name).collect();
                    UnknownCode::new(name, "safeguard", names.join(", "))
                })?;
                Ok(set.with(one))
            },
        )
    }
}

impl TryFrom<Vec<String>> for Safeguards {
    type Error = UnknownCode;

    fn try_from(names: Vec<String>) -> Result<Self, UnknownCode> {
        names.join(",").parse()
    }
}

impl From<Safeguards> for Vec<String> {
    fn from(set: Safeguards) -> Self {
        set.names().map(str::to_owned).collect()
    }
}

macro_rules! two_letters {
    ($(#[$doc:meta])* $name:ident, $what:literal, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; 2]);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl $name {
            /// The code as the contracts hold it (`bytes2`).
            #[must_use]
            pub const fn to_bytes(self) -> [u8; 2] {
                self.0
            }

            /// The code in these bytes, if they are two capital letters.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 2]) -> Option<Self> {
                if bytes[0].is_ascii_uppercase() && bytes[1].is_ascii_uppercase() {
                    Some(Self(bytes))
                } else {
                    None
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(std::str::from_utf8(&self.0).expect("two capital letters"))
            }
        }

        impl FromStr for $name {
            type Err = UnknownCode;

            fn from_str(text: &str) -> Result<Self, UnknownCode> {
                let bytes: Option<[u8; 2]> = text.as_bytes().try_into().ok();
                bytes
                    .and_then(Self::from_bytes)
                    .ok_or_else(|| UnknownCode::new(text, $what, $expected))
            }
        }

        impl TryFrom<String> for $name {
            type Error = UnknownCode;

            fn try_from(text: String) -> Result<Self, UnknownCode> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(code: $name) -> Self {
                code.to_string()
            }
        }
    };
}

two_letters! {
    /// A country by ISO 3166-1 alpha-2. Any two capital letters: whether there are rules for it is the table's matter.
    Country, "country", "two capital letters as in ISO 3166-1, for example DE"
}

two_letters! {
    /// A region of law: "EU" for the European Union and the EEA, otherwise the country itself.
    Region, "region", "two capital letters, for example EU"
}

/// One side of a row: where data lie, or where they are used from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Anywhere, listed or not.
    Any,
    /// A country or a region, by its code.
    Code([u8; 2]),
}

impl Place {
    /// The code as the contracts hold it (`bytes2`), zero for any.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 2] {
        match self {
            Self::Any => [0; 2],
            Self::Code(code) => code,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.pad("any"),
            Self::Code(code) => f.pad(std::str::from_utf8(code).unwrap_or("??")),
        }
    }
}

impl FromStr for Place {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        if text == "any" {
            return Ok(Self::Any);
        }
        let expected = "any, or a country or region that is listed, for example DE or EU";
        text.parse()
            .map(|region: Region| Self::Code(region.to_bytes()))
            .map_err(|_| UnknownCode::new(text, "place", expected))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn every_code_survives_text_number_and_json() {
        for class in DataClass::ALL {
            assert_eq!(class.to_string().parse(), Ok(*class));
            assert_eq!(DataClass::from_number(class.number()), Some(*class));
            let json = serde_json::to_string(class).unwrap();
            assert_eq!(serde_json::from_str::<DataClass>(&json).unwrap(), *class);
        }
        for purpose in Purpose::ALL {
            assert_eq!(purpose.to_string().parse(), Ok(*purpose));
            assert_eq!(Purpose::from_number(purpose.number()), Some(*purpose));
        }
        assert_eq!("DUO:0000042".parse(), Ok(Purpose::GeneralResearch));
        assert!("DUO:0000046".parse::<Purpose>().is_err(), "a condition is no purpose");
        for bits in 0..=Safeguards::ALL.bits() {
            let set = Safeguards::from_bits(bits).unwrap();
            assert_eq!(set.to_string().parse(), Ok(set));
            let json = serde_json::to_string(&set).unwrap();
            assert_eq!(serde_json::from_str::<Safeguards>(&json).unwrap(), set);
        }
    }

    #[test]
    fn zero_and_what_is_past_the_last_have_no_meaning() {
        assert_eq!(DataClass::from_number(0), None);
        assert_eq!(DataClass::from_number(7), None);
        assert_eq!(Purpose::from_number(0), None);
        assert_eq!(Purpose::from_number(9), None);
        assert_eq!(Safeguards::from_bits(256), None);
    }

    #[test]
    fn a_wrong_code_is_told_what_is_right() {
        let error = "Genomic".parse::<DataClass>().unwrap_err().to_string();
        assert_eq!(
            error,
            "\"Genomic\" is no data class: write clinical, genomic, imaging, wearable, claims, mental_health"
        );
        for text in ["", "D", "DEU", "de", "Ä"] {
            assert!(text.parse::<Country>().is_err(), "{text}");
        }
        assert!("SCC, NDA".parse::<Safeguards>().is_err());
    }
}
