//! The rule table and its decision.
//!
//! A row matches a request when each part of its key names the request's part or leaves it open. If one of the matching
//! rows denies, the most specific denial is the answer; else the most specific row is; with no row the answer is no.
//! Specificity is a sum: 2 for a country and 1 for a region on either side, 1 for a named class, 1 for a named purpose;
//! ties go by from, to, class, purpose, in that order. `JurisdictionRules` decides the same, and a test holds the two
//! equal. Some rows it does not have: those for records that are not protected, and those that say which law denies a use
//! abroad where it has no row, which it denies by "no rule".

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::codes::{
    Country, DataClass, Identifiability, Place, Purpose, Region, Safeguards, Verdict,
};
use crate::load::{self, RuleError};

/// The law that is named where no row matches, here and on the ledger.
pub const NO_RULE: &str = "no rule";

/// What a row applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RuleKey {
    /// None stands for every class.
    pub class: Option<DataClass>,
    /// Where the data lie.
    pub from: Place,
    /// Where they are used from.
    pub to: Place,
    /// None stands for every purpose.
    pub purpose: Option<Purpose>,
}

/// A law and the place in it that a row stands on. Its text is both, as it is named on the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Law {
    /// The law, such as "GDPR".
    pub name: String,
    /// Where in it, such as "Art. 44, 46(2)(c)"; may be empty in tables that are not released.
    pub article: String,
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gap = if self.article.is_empty() { "" } else { " " };
        write!(f, "{}{gap}{}", self.name, self.article)
    }
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What it says.
    pub verdict: Verdict,
    /// Any one of these suffices; empty unless the verdict is [`Verdict::AllowWith`].
    pub safeguards: Safeguards,
    /// The dataset must be at least this k-anonymous.
    pub minimum_k: u16,
    /// The most privacy loss a question may cost, epsilon x 1000; zero for no bound.
    pub maximum_epsilon_milli: u32,
    /// The records must stay in their territory.
    pub localized: bool,
    /// Whether it speaks only of uses from outside the region in which the data lie; no such row is on the ledger.
    pub abroad: bool,
    /// Of which records alone it speaks; none of rows of the ledger.
    pub identifiability: Option<Identifiability>,
    /// The law's name: an index into [`ChainTable::laws`] where the ledger has the row.
    pub law_id: u16,
    /// What a lawyer should know about it.
    pub note: String,
    /// File and line in which it stands.
    pub source: String,
}

/// A provision of law that bears on a use without deciding it: a duty that goes with every use of a territory's data, or
/// what makes a safeguard one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provision {
    /// Where the data lie.
    pub from: Place,
    /// Where they are used from: any of these.
    pub to: Vec<Place>,
    /// The purpose it speaks of; none for every one.
    pub purpose: Option<Purpose>,
    /// The class it speaks of; none for every one.
    pub class: Option<DataClass>,
    /// The safeguard that it makes one, if it does.
    pub safeguard: Safeguards,
    /// Whether it speaks only of uses from outside the region in which the data lie.
    pub abroad: bool,
    /// The law and the place in it.
    pub law: Law,
    /// What it asks.
    pub note: String,
    /// File and line in which it stands.
    pub source: String,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Request {
    /// What kind of data.
    pub class: DataClass,
    /// The country in which the data lie.
    pub from: Country,
    /// The country from which they are used.
    pub to: Country,
    /// What for.
    pub purpose: Purpose,
}

/// The answer of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The answer.
    pub verdict: Verdict,
    /// With [`Verdict::AllowWith`], the user must hold one of these.
    pub safeguards: Safeguards,
    /// The dataset must be at least this k-anonymous.
    pub minimum_k: u16,
    /// The most privacy loss a question may cost, epsilon x 1000; zero for no bound.
    pub maximum_epsilon_milli: u32,
    /// The records must stay in their territory.
    pub localized: bool,
    /// The law that gives the answer; "no rule" where none was found.
    pub law: String,
    /// Every row that matched, the one that decided first, further denials next, and then those whose place these take; and
    /// then every provision that bears on the use. Where no row matched, the provisions alone.
    pub reasons: Vec<Reason>,
}

/// What a reason is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// The row that decided, or a further one that denies.
    Rule,
    /// A row that matched and does not count: a denial or a more specific row takes its place.
    Overridden,
    /// A provision that makes a safeguard one.
    Safeguard,
    /// A provision that goes with the use whatever the rows say.
    Duty,
}

/// A row that matched, or a provision that bears on the use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What it is.
    pub kind: ReasonKind,
    /// What it says; of a provision, what was decided.
    pub verdict: Verdict,
    /// The safeguard that a provision makes one; empty for others.
    pub safeguard: Safeguards,
    /// The law it stands on.
    pub law: String,
    /// Where in that law.
    pub article: String,
    /// What a lawyer should know about it; may be empty.
    pub note: String,
    /// File and line in which it stands.
    pub source: String,
}

/// Why a use is refused: the law, and what is missing. The text is the law alone, as on the ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{law}")]
pub struct Refusal {
    /// The law that refuses.
    pub law: String,
    /// What it refuses.
    pub because: Shortfall,
}

/// What is missing for a use that the table does not permit as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Shortfall {
    /// The use is forbidden whatever the parties do.
    #[error("this use is not permitted")]
    Denied,
    /// The user holds none of the safeguards asked for.
    #[error("one of these safeguards is needed: {0}")]
    Safeguard(Safeguards),
    /// The dataset is not anonymous enough.
    #[error("the dataset must be at least {0}-anonymous")]
    Anonymity(u16),
    /// The question costs too much privacy (epsilon x 1000).
    #[error("a question may cost at most {0} thousandths of epsilon")]
    Epsilon(u32),
}

impl Decision {
    /// Whether a user who holds `held` may use a `k`-anonymous dataset at this privacy cost (epsilon x 1000), checked in
    /// the order of `ComplianceOracle.checkAccess`.
    ///
    /// # Errors
    /// [`Refusal`], with the law of the row that decided.
    pub fn permits(&self, held: Safeguards, k: u16, epsilon_milli: u32) -> Result<(), Refusal> {
        let because = if self.verdict == Verdict::Deny {
            Shortfall::Denied
        } else if self.verdict == Verdict::AllowWith && !self.safeguards.meets(held) {
            Shortfall::Safeguard(self.safeguards)
        } else if k < self.minimum_k {
            Shortfall::Anonymity(self.minimum_k)
        } else if self.maximum_epsilon_milli != 0 && epsilon_milli > self.maximum_epsilon_milli {
            Shortfall::Epsilon(self.maximum_epsilon_milli)
        } else {
            return Ok(());
        };
        Err(Refusal { law: self.law.clone(), because })
    }

    /// Whether the use is permitted to who holds `held` by the persons' explicit consent alone. It is their own act then: who
    /// did not consent explicitly is not to be counted, whatever the registry says of the user.
    #[must_use]
    pub fn rests_on_consent(&self, held: Safeguards) -> bool {
        let others = self.safeguards.without(Safeguards::EXPLICIT_CONSENT);
        self.verdict == Verdict::AllowWith
            && self.safeguards.meets(Safeguards::EXPLICIT_CONSENT)
            && !others.meets(held)
    }

    /// The law that permits the use to who holds `held`: of the provision that makes their safeguard one, or the row's own.
    #[must_use]
    pub fn basis(&self, held: Safeguards) -> String {
        let held = match self.rests_on_consent(held) {
            true => Safeguards::EXPLICIT_CONSENT,
            false => held.without(Safeguards::EXPLICIT_CONSENT),
        };
        let made =
            |reason: &&Reason| reason.kind == ReasonKind::Safeguard && reason.safeguard.meets(held);
        let provision = self.reasons.iter().find(made);
        provision.map_or(self.law.clone(), |reason| format!("{} {}", reason.law, reason.article))
    }
}

/// All rules of law that are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTable {
    countries: Vec<(Country, Region)>,
    region_of: HashMap<Country, Region>,
    region_index: HashMap<Region, u8>,
    laws: Vec<Law>,
    ledger_laws: usize,
    rules: Vec<(RuleKey, Rule)>,
    by_key: HashMap<RuleKey, usize>,
    /// Rows for one identifiability, which replace the row of the same key.
    particular: HashMap<(RuleKey, Identifiability), Rule>,
    provisions: Vec<Provision>,
}

/// What a table is made of; rows have distinct keys, regions are numbered from 1 on.
pub(crate) struct Parts {
    pub(crate) countries: Vec<(Country, Region)>,
    pub(crate) region_index: HashMap<Region, u8>,
    pub(crate) laws: Vec<Law>,
    pub(crate) ledger_laws: usize,
    pub(crate) rules: Vec<(RuleKey, Rule)>,
    pub(crate) particular: HashMap<(RuleKey, Identifiability), Rule>,
    pub(crate) provisions: Vec<Provision>,
}

impl RuleTable {
    /// Reads rule files, given as name and text. What a file may hold stands in `rules/README.md`.
    ///
    /// # Errors
    /// [`RuleError`], with the file and line of the first thing that is wrong.
    pub fn load(files: &[(&str, &str)]) -> Result<Self, RuleError> {
        load::load(files)
    }

    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { countries, region_index, laws, ledger_laws, rules, particular, provisions } =
            parts;
        let region_of = countries.iter().copied().collect();
        let by_key = rules.iter().enumerate().map(|(index, (key, _))| (*key, index)).collect();
        Self {
            countries,
            region_of,
            region_index,
            laws,
            ledger_laws,
            rules,
            by_key,
            particular,
            provisions,
        }
    }

    /// Every country that is listed, with its region, in the order of the file.
    pub fn countries(&self) -> impl Iterator<Item = (Country, Region)> {
        self.countries.iter().copied()
    }

    /// A country's region; none when it is not listed.
    #[must_use]
    pub fn region_of(&self, country: Country) -> Option<Region> {
        self.region_of.get(&country).copied()
    }

    /// A region's bit in consent bitmaps, 1 to 255; none when it is not listed.
    #[must_use]
    pub fn region_index(&self, region: Region) -> Option<u8> {
        self.region_index.get(&region).copied()
    }

    /// Every row that counts for protected records, in the order of the files.
    pub fn rules(&self) -> impl Iterator<Item = (&RuleKey, &Rule)> {
        self.rules.iter().map(|(key, rule)| (key, rule))
    }

    /// The smallest k with which any row permits any use of a class; none where no row permits one. What is less
    /// anonymous cannot be used at all.
    #[must_use]
    pub fn least_k(&self, class: DataClass) -> Option<u16> {
        let permits = |(key, rule): &(&RuleKey, &Rule)| {
            key.class.is_none_or(|of| of == class) && rule.verdict != Verdict::Deny
        };
        self.rules().filter(permits).map(|(_, rule)| rule.minimum_k).min()
    }

    /// What the ledger's table is filled with.
    #[must_use]
    pub fn chain_rows(&self) -> ChainTable {
        ChainTable {
            laws: self.laws.iter().take(self.ledger_laws).map(Law::to_string).collect(),
            countries: self
                .countries()
                .map(|(country, region)| (country.to_bytes(), region.to_bytes()))
                .collect(),
            rows: self.rules().map(|(key, rule)| ChainRow::new(key, rule)).collect(),
        }
    }

    fn law(&self, rule: &Rule) -> &Law {
        &self.laws[usize::from(rule.law_id)]
    }

    fn reason(&self, rule: &Rule, counts: bool) -> Reason {
        let law = self.law(rule).clone();
        Reason {
            kind: if counts { ReasonKind::Rule } else { ReasonKind::Overridden },
            verdict: rule.verdict,
            safeguard: Safeguards::NONE,
            law: law.name,
            article: law.article,
            note: rule.note.clone(),
            source: rule.source.clone(),
        }
    }

    /// The provisions that bear on a use of this verdict, with these safeguards; none of a law that does not reach the data.
    fn bearing(
        &self,
        request: &Request,
        verdict: Verdict,
        safeguards: Safeguards,
        beyond: Option<&str>,
    ) -> impl Iterator<Item = Reason> {
        let (froms, tos) = (self.places(request.from), self.places(request.to));
        let abroad = self.is_abroad(request);
        let at = |places: &[(u8, Place)], place| places.iter().any(|(_, known)| *known == place);
        let bears = move |provision: &&Provision| {
            at(&froms, provision.from)
                && (abroad || !provision.abroad)
                && beyond.is_none_or(|law| law != provision.law.name)
                && provision.to.iter().any(|to| at(&tos, *to))
                && provision.purpose.is_none_or(|purpose| purpose == request.purpose)
                && provision.class.is_none_or(|class| class == request.class)
                && (provision.safeguard.is_empty() || provision.safeguard.meets(safeguards))
        };
        self.provisions.iter().filter(bears).map(move |provision| Reason {
            kind: match provision.safeguard.is_empty() {
                true => ReasonKind::Duty,
                false => ReasonKind::Safeguard,
            },
            verdict,
            safeguard: provision.safeguard,
            law: provision.law.name.clone(),
            article: provision.law.article.clone(),
            note: provision.note.clone(),
            source: provision.source.clone(),
        })
    }

    /// The places by which a country is found, each with what it counts. A country that is not listed is met only by
    /// rows for anywhere.
    fn places(&self, country: Country) -> Vec<(u8, Place)> {
        let mut places = vec![(0, Place::Any)];
        if let Some(region) = self.region_of(country) {
            places.push((2, Place::Code(country.to_bytes())));
            if region.to_bytes() != country.to_bytes() {
                places.push((1, Place::Code(region.to_bytes())));
            }
        }
        places
    }

    /// Whether data are used from outside the region in which they lie.
    fn is_abroad(&self, request: &Request) -> bool {
        let region = self.region_of(request.from);
        request.from != request.to && (region.is_none() || region != self.region_of(request.to))
    }

    /// The row of exactly this key.
    fn row(&self, key: &RuleKey, as_they_are: Identifiability, abroad: bool) -> Option<&Rule> {
        let particular = self.particular.get(&(*key, as_they_are));
        let particular = particular.filter(|rule| abroad || !rule.abroad);
        particular.or_else(|| self.by_key.get(key).map(|&index| &self.rules[index].1))
    }

    /// Every row that matches, the most specific first.
    fn matching(&self, request: &Request, as_they_are: Identifiability) -> Vec<&Rule> {
        let classes = [(0, None), (1, Some(request.class))];
        let purposes = [(0, None), (1, Some(request.purpose))];
        let tos = self.places(request.to);
        let abroad = self.is_abroad(request);
        let mut found = Vec::new();
        for (from_level, from) in self.places(request.from) {
            for &(to_level, to) in &tos {
                for (class_level, class) in classes {
                    for (purpose_level, purpose) in purposes {
                        let key = RuleKey { class, from, to, purpose };
                        if let Some(rule) = self.row(&key, as_they_are, abroad) {
                            let sum = from_level + to_level + class_level + purpose_level;
                            let rank = [sum, from_level, to_level, class_level, purpose_level];
                            found.push((Reverse(rank), rule));
                        }
                    }
                }
            }
        }
        found.sort_unstable_by_key(|(rank, _)| *rank);
        found.into_iter().map(|(_, rule)| rule).collect()
    }
}

/// Decides a use of records as they are published: protected. The contract decides the same; where it says "no rule", the
/// law may be named here.
#[must_use]
pub fn decide(table: &RuleTable, request: &Request) -> Decision {
    decide_as(table, request, Identifiability::Protected)
}

/// Decides a use of records that are as identifiable as is said, and gives every reason.
#[must_use]
pub fn decide_as(table: &RuleTable, request: &Request, as_they_are: Identifiability) -> Decision {
    let mut matching = table.matching(request, as_they_are);
    // Denials first; the sort is stable, so that each part keeps its order.
    matching.sort_by_key(|rule| rule.verdict != Verdict::Deny);
    let Some(&rule) = matching.first() else {
        return Decision {
            verdict: Verdict::Deny,
            safeguards: Safeguards::NONE,
            minimum_k: 0,
            maximum_epsilon_milli: 0,
            localized: false,
            law: NO_RULE.to_owned(),
            reasons: table.bearing(request, Verdict::Deny, Safeguards::NONE, None).collect(),
        };
    };
    // What permits anonymous information as such says that its law ends there.
    let anonymous = rule.identifiability == Some(Identifiability::Anonymous);
    let permitted = anonymous && rule.verdict == Verdict::Allow;
    let beyond = permitted.then(|| table.law(rule).name.as_str());
    Decision {
        verdict: rule.verdict,
        safeguards: rule.safeguards,
        minimum_k: rule.minimum_k,
        maximum_epsilon_milli: rule.maximum_epsilon_milli,
        localized: rule.localized,
        law: table.law(rule).to_string(),
        reasons: matching
            .iter()
            .enumerate()
            .map(|(place, rule)| table.reason(rule, place == 0 || rule.verdict == Verdict::Deny))
            .chain(table.bearing(request, rule.verdict, rule.safeguards, beyond))
            .collect(),
    }
}

/// The table as it is sent to `JurisdictionRules`: laws first, then countries, then rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainTable {
    /// Names of laws; a law's identifier is its position, from 0 on (`setLaws`).
    pub laws: Vec<String>,
    /// Country and region (`setCountries`, in this order, so that regions get the same numbers as here).
    pub countries: Vec<([u8; 2], [u8; 2])>,
    /// The rows (`setRules`).
    pub rows: Vec<ChainRow>,
}

/// A row with the numbers of `RuleRow` in `IJurisdictionRules.sol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainRow {
    /// Zero for any.
    pub data_class: u8,
    /// Zero for any.
    pub from: [u8; 2],
    /// Zero for any.
    pub to: [u8; 2],
    /// Zero for any.
    pub purpose: u8,
    /// 1 allow, 2 allow with a safeguard, 3 deny.
    pub verdict: u8,
    /// Bitmap.
    pub safeguards: u32,
    /// k-anonymity.
    pub minimum_k: u16,
    /// Epsilon x 1000; zero for no bound.
    pub maximum_epsilon_milli: u32,
    /// The records must stay.
    pub localized: bool,
    /// Position in [`ChainTable::laws`].
    pub law_id: u16,
}

impl ChainRow {
    fn new(key: &RuleKey, rule: &Rule) -> Self {
        Self {
            data_class: key.class.map_or(0, DataClass::number),
            from: key.from.to_bytes(),
            to: key.to.to_bytes(),
            purpose: key.purpose.map_or(0, Purpose::number),
            verdict: rule.verdict.number(),
            safeguards: rule.safeguards.bits(),
            minimum_k: rule.minimum_k,
            maximum_epsilon_milli: rule.maximum_epsilon_milli,
            localized: rule.localized,
            law_id: rule.law_id,
        }
    }
}
