//! A grant in the words of the person who gave it, in five languages from one source (`words.toml`).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{Grant, RegionSet};
use crate::codes::{DataClass, Purpose, UnknownCode};
use crate::table::RuleTable;

/// A language in which grants are told, by its code (ISO 639-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the codes say it")]
pub enum Language {
    En,
    De,
    Fr,
    Es,
    Ja,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 5] = [Self::En, Self::De, Self::Fr, Self::Es, Self::Ja];

    /// The code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Fr => "fr",
            Self::Es => "es",
            Self::Ja => "ja",
        }
    }
}

impl std::str::FromStr for Language {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let known = Self::ALL.into_iter().find(|language| language.code() == text);
        known.ok_or_else(|| {
            let codes = Self::ALL.map(Self::code).join(", ");
            UnknownCode::new(text, "language", codes)
        })
    }
}

/// The phrases of one language. `{...}` stands for what is put in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Phrases {
    title: String,
    keeper: String,
    anyone: String,
    only: String,
    classes: String,
    purposes: String,
    anywhere: String,
    places: String,
    until: String,
    no_end: String,
    revoke: String,
    nothing: String,
    separator: String,
    class: BTreeMap<DataClass, String>,
    purpose: BTreeMap<Purpose, String>,
    region: BTreeMap<String, String>,
}

fn phrases(language: Language) -> &'static Phrases {
    static ALL: LazyLock<BTreeMap<Language, Phrases>> = LazyLock::new(|| {
        toml::from_str(include_str!("words.toml")).expect("a test reads the phrases of a release")
    });
    &ALL[&language]
}

/// Names of the parties of a grant, as its member knows them.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// Who holds the data.
    pub custodian: &'a str,
    /// Who may use it, where the grant names one.
    pub grantee: Option<&'a str>,
}

/// What a grant says, a sentence a line.
#[must_use]
pub fn tell(table: &RuleTable, grant: &Grant, names: Names<'_>, language: Language) -> String {
    let words = phrases(language);
    let join = |items: Vec<&str>| items.join(&words.separator);
    let classes = DataClass::ALL.iter().filter(|class| grant.classes.contains(**class));
    let classes: Vec<&str> = classes.map(|class| words.class[class].as_str()).collect();
    let purposes = Purpose::ALL.iter().filter(|purpose| grant.purposes.contains(**purpose));
    let purposes: Vec<&str> = purposes.map(|purpose| words.purpose[purpose].as_str()).collect();
    let places = places(table, grant.jurisdictions, words);
    if classes.is_empty() || purposes.is_empty() || places.as_ref().is_some_and(Vec::is_empty) {
        return format!("{}\n{}", words.title, words.nothing);
    }
    let who = match (grant.grantee, names.grantee) {
        (None, _) => words.anyone.clone(),
        (Some(party), None) => {
            words.only.replace("{party}", &format!("0x{}", hex::encode(party.0)))
        }
        (Some(_), Some(name)) => words.only.replace("{party}", name),
    };
    let until = match end(grant.expiry) {
        Some(end) => words.until.replace("{end}", &end),
        None => words.no_end.clone(),
    };
    let places = match places {
        None => words.anywhere.clone(),
        Some(places) => words.places.replace("{places}", &join(places)),
    };
    [
        words.title.clone(),
        words.keeper.replace("{custodian}", names.custodian),
        who,
        words.classes.replace("{classes}", &join(classes)),
        words.purposes.replace("{purposes}", &join(purposes)),
        places,
        until,
        words.revoke.clone(),
    ]
    .join("\n")
}

/// The regions by name; none where every place is meant.
fn places<'w>(table: &RuleTable, set: RegionSet, words: &'w Phrases) -> Option<Vec<&'w str>> {
    if set.has_bit(0) {
        return None;
    }
    let mut names: Vec<&str> = Vec::new();
    for (_, region) in table.countries() {
        let index = table.region_index(region);
        if index.is_some_and(|index| set.has_bit(index)) {
            let name = words.region[&region.to_string()].as_str();
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    Some(names)
}

/// The first moment at which a grant no longer counts, in UTC; none where it is past the calendar.
fn end(expiry: u64) -> Option<String> {
    let moment = DateTime::<Utc>::from_timestamp(i64::try_from(expiry).ok()?, 0)?;
    (expiry < 253_402_300_800).then(|| moment.format("%Y-%m-%d %H:%M UTC").to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::consent::{ClassSet, Party, PurposeSet};
    use crate::default_rules;

    #[test]
    fn every_language_has_a_word_for_everything_that_a_grant_can_say() {
        let table = default_rules();
        for language in Language::ALL {
            let words = phrases(language);
            for class in DataClass::ALL {
                assert!(words.class.contains_key(class), "{language:?} {class}");
            }
            for purpose in Purpose::ALL {
                assert!(words.purpose.contains_key(purpose), "{language:?} {purpose}");
            }
            for (_, region) in table.countries() {
                assert!(words.region.contains_key(&region.to_string()), "{language:?} {region}");
            }
            for (phrase, part) in [
                (&words.keeper, "{custodian}"),
                (&words.only, "{party}"),
                (&words.classes, "{classes}"),
                (&words.purposes, "{purposes}"),
                (&words.places, "{places}"),
                (&words.until, "{end}"),
            ] {
                assert!(phrase.contains(part), "{language:?}: {phrase}");
            }
        }
    }

    #[test]
    fn two_grants_that_differ_are_told_differently_in_every_language() {
        let table = default_rules();
        let grant = |grantee, classes: &[DataClass], purposes: &[Purpose], places, expiry| Grant {
            custodian: Party([1; 20]),
            grantee,
            classes: ClassSet::of(classes),
            purposes: PurposeSet::of(purposes),
            jurisdictions: places,
            expiry,
            document_hash: [0; 32],
        };
        let eu = RegionSet::of(table, &["EU".parse().unwrap()]).unwrap();
        let jp = RegionSet::of(table, &["JP".parse().unwrap()]).unwrap();
        let mut grants = Vec::new();
        for grantee in [None, Some(Party([2; 20])), Some(Party([3; 20]))] {
            for place in [RegionSet::anywhere(), eu, jp] {
                for expiry in [1_900_000_000, 1_900_000_060, u64::MAX] {
                    for class in DataClass::ALL {
                        for purpose in Purpose::ALL {
                            grants.push(grant(grantee, &[*class], &[*purpose], place, expiry));
                        }
                    }
                }
            }
        }
        for language in Language::ALL {
            let names = Names { custodian: "klinikum-nord", grantee: None };
            let told: std::collections::HashSet<String> =
                grants.iter().map(|grant| tell(table, grant, names, language)).collect();
            assert_eq!(told.len(), grants.len(), "{language:?}");
            assert!(told.iter().all(|text| !text.contains(['{', '}'])), "{language:?}");
        }
    }

    #[test]
    fn what_is_told_is_no_narrower_than_what_is_given() {
        for (language, examiners, diseases, not_for_profit) in [
            (
                Language::En,
                "shown to independent examiners",
                "research about particular diseases, whichever they are",
                "use that is not for profit, whoever makes it",
            ),
            (
                Language::De,
                "unabhängigen Prüfstellen gezeigt",
                "Forschung zu einzelnen Krankheiten, gleich zu welchen",
                "nicht gewinnorientierte Nutzung, gleich durch wen",
            ),
            (
                Language::Fr,
                "montrées à des examinateurs indépendants",
                "recherche sur des maladies particulières, quelles qu'elles soient",
                "utilisation sans but lucratif, par qui que ce soit",
            ),
            (
                Language::Es,
                "a examinadores independientes",
                "investigación sobre enfermedades concretas, cualesquiera que sean",
                "uso sin ánimo de lucro, lo haga quien lo haga",
            ),
            (
                Language::Ja,
                "独立した検査者に示される",
                "個々の病気の研究（どの病気であるかを問わない）",
                "営利を目的としない利用（利用者を問わない）",
            ),
        ] {
            let told = |purpose| {
                let grant = Grant {
                    custodian: Party([1; 20]),
                    grantee: None,
                    classes: ClassSet::of(&[DataClass::Clinical]),
                    purposes: PurposeSet::of(&[purpose]),
                    jurisdictions: RegionSet::anywhere(),
                    expiry: u64::MAX,
                    document_hash: [0; 32],
                };
                let names = Names { custodian: "klinikum-nord", grantee: None };
                tell(default_rules(), &grant, names, language)
            };
            let (of_diseases, of_profit) =
                (told(Purpose::DiseaseSpecific), told(Purpose::NotForProfit));
            assert!(of_diseases.contains(diseases), "{of_diseases}");
            assert!(of_profit.contains(not_for_profit), "{of_profit}");
            assert!(of_diseases.contains(examiners), "{of_diseases}");
        }
    }

    #[test]
    fn a_grant_is_told_in_plain_words() {
        let grant = Grant {
            custodian: Party([1; 20]),
            grantee: None,
            classes: ClassSet::of(&[DataClass::Clinical]),
            purposes: PurposeSet::of(&[Purpose::HealthResearch, Purpose::PublicHealth]),
            jurisdictions: RegionSet::anywhere(),
            expiry: 1_900_000_000,
            document_hash: [0; 32],
        };
        let names = Names { custodian: "klinikum-nord", grantee: None };
        let told = tell(default_rules(), &grant, names, Language::En);
        assert_eq!(
            told,
            "What you agreed to\n\
             Your records stay with klinikum-nord. Researchers get numbers, never records. Protected copies of your \
             records may be shown to independent examiners, who check them.\n\
             Who may ask: every researcher who is registered and in good standing.\n\
             About: diagnoses, visits, measurements and medication.\n\
             For: research about health; public health.\n\
             From: any country, where the law allows it.\n\
             Until: 2030-03-17 17:46 UTC.\n\
             You can take this back at any time, without giving a reason. From the next answer on, your data is not counted."
        );
    }
}
