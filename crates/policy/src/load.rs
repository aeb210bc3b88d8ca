//! Reading rule files: TOML that people edit, so every complaint names its file and line.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::codes::{
    Country, DataClass, Identifiability, Place, Region, Safeguards, UnknownCode, Verdict,
};
use crate::table::{Law, Parts, Provision, Rule, RuleKey, RuleTable};

/// What is wrong with a rule file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {problem}")]
pub struct RuleError {
    /// The file's name as it was given.
    pub file: String,
    /// The line, from 1 on.
    pub line: usize,
    /// What is wrong there.
    pub problem: RuleProblem,
}

/// What can be wrong with a rule file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleProblem {
    /// Not TOML, or a field that is unknown, missing or of the wrong type.
    #[error("{0}")]
    Syntax(String),
    /// A word that means nothing here.
    #[error(transparent)]
    Code(#[from] UnknownCode),
    /// A list without entries.
    #[error("\"{0}\" is empty: it must name at least one")]
    EmptyList(&'static str),
    /// A country or region that no `[[regions]]` lists.
    #[error("{0} is not listed: add it to a [[regions]] entry first")]
    Unlisted(Place),
    /// A country listed in two regions, or twice.
    #[error("{0} is listed already: a country belongs to one region")]
    ListedTwice(Country),
    /// A code that would be a country of one region and itself a region of others.
    #[error("{0} cannot be a region and a country of another region: use another code")]
    RegionAndCountry(Region),
    /// More regions than consent bitmaps have bits.
    #[error("there can be at most 255 regions: join some")]
    TooManyRegions,
    /// More laws than a row can point to.
    #[error("there can be at most 65,536 names of laws: join some")]
    TooManyLaws,
    /// A name of a law that says nothing.
    #[error("a rule must name its law: a refused person reads it")]
    NoLaw,
    /// Safeguards where none count, or none where one does.
    #[error(
        "safeguards belong to the verdict \"allow_with\", and to no other: it must name at least one"
    )]
    Safeguards,
    /// A denial that states conditions.
    #[error("a denial has no minimum_k or maximum_epsilon_milli: take them out")]
    ConditionalDenial,
    /// Protection of no strength.
    #[error("minimum_k and maximum_epsilon_milli must be at least 1")]
    ZeroLevel,
    /// No protection stated anywhere.
    #[error("state minimum_k and maximum_epsilon_milli here, or once for all in [[levels]]")]
    NoLevel,
    /// Two levels for one class.
    #[error("this class has a level already: keep one of them")]
    SecondLevel,
    /// A rule for protected records alone.
    #[error(
        "a rule that names no identifiability speaks of protected records, and of all others that no rule names: leave it out"
    )]
    OrdinaryLevel,
    /// A rule for protected records that permits a use abroad alone.
    #[error(
        "the ledger has no word for \"abroad\": a rule for every identifiability that is for abroad alone must deny"
    )]
    OffLedger,
    /// Two rows for the same key.
    #[error("{0} has a rule for exactly this already: keep one of them")]
    Duplicate(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    regions: Vec<RegionEntry>,
    #[serde(default)]
    levels: Vec<Spanned<LevelEntry>>,
    #[serde(default)]
    rules: Vec<Spanned<RuleEntry>>,
    #[serde(default)]
    provisions: Vec<Spanned<ProvisionEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegionEntry {
    code: Spanned<String>,
    countries: Spanned<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LevelEntry {
    class: Option<Spanned<String>>,
    minimum_k: u16,
    maximum_epsilon_milli: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    from: Spanned<Vec<Spanned<String>>>,
    to: Spanned<Vec<Spanned<String>>>,
    class: Option<Spanned<Vec<Spanned<String>>>>,
    purpose: Option<Spanned<Vec<Spanned<String>>>>,
    identifiability: Option<Spanned<Vec<Spanned<String>>>>,
    verdict: Spanned<String>,
    #[serde(default)]
    safeguards: Vec<Spanned<String>>,
    minimum_k: Option<u16>,
    maximum_epsilon_milli: Option<u32>,
    #[serde(default)]
    localized: bool,
    #[serde(default)]
    abroad: bool,
    law: Spanned<String>,
    #[serde(default)]
    article: String,
    #[serde(default)]
    note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProvisionEntry {
    from: Spanned<Vec<Spanned<String>>>,
    to: Option<Spanned<Vec<Spanned<String>>>>,
    class: Option<Spanned<String>>,
    purpose: Option<Spanned<String>>,
    safeguard: Option<Spanned<String>>,
    #[serde(default)]
    abroad: bool,
    law: Spanned<String>,
    article: String,
    note: String,
}

impl RuleEntry {
    /// Whether the ledger's table has it: it knows protected records only, and no "abroad".
    fn on_ledger(&self) -> bool {
        self.identifiability.is_none() && !self.abroad
    }
}

/// How well a class must be protected where a rule does not say.
#[derive(Clone, Copy)]
struct Level {
    minimum_k: u16,
    maximum_epsilon_milli: u32,
}

/// Where in which file, for complaints.
struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..span.start).unwrap_or(self.text.as_bytes());
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    fn error(&self, span: &Range<usize>, problem: impl Into<RuleProblem>) -> RuleError {
        RuleError { file: self.name.to_owned(), line: self.line(span), problem: problem.into() }
    }

    fn parse(&self) -> Result<File, RuleError> {
        toml::from_str(self.text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            self.error(&span, RuleProblem::Syntax(error.message().to_owned()))
        })
    }

    /// Reads a word where it stands.
    fn code<T: std::str::FromStr<Err = UnknownCode>>(
        &self,
        word: &Spanned<String>,
    ) -> Result<T, RuleError> {
        word.get_ref().parse().map_err(|error: UnknownCode| self.error(&word.span(), error))
    }

    fn codes<T: std::str::FromStr<Err = UnknownCode>>(
        &self,
        field: &'static str,
        words: &Spanned<Vec<Spanned<String>>>,
    ) -> Result<Vec<T>, RuleError> {
        if words.get_ref().is_empty() {
            return Err(self.error(&words.span(), RuleProblem::EmptyList(field)));
        }
        words.get_ref().iter().map(|word| self.code(word)).collect()
    }

    /// As `codes`, where leaving the field out stands for every value.
    fn optional<T: std::str::FromStr<Err = UnknownCode>>(
        &self,
        field: &'static str,
        words: Option<&Spanned<Vec<Spanned<String>>>>,
    ) -> Result<Vec<Option<T>>, RuleError> {
        match words {
            None => Ok(vec![None]),
            Some(words) => Ok(self.codes(field, words)?.into_iter().map(Some).collect()),
        }
    }
}

#[derive(Default)]
struct Loader {
    countries: Vec<(Country, Region)>,
    region_index: HashMap<Region, u8>,
    levels: HashMap<Option<DataClass>, Level>,
    laws: Vec<Law>,
    /// How many of them, from the first on, the ledger has.
    ledger_laws: usize,
    law_ids: HashMap<Law, u16>,
    rules: Vec<(RuleKey, Rule)>,
    sources: HashMap<RuleKey, String>,
    /// Rows for a class that has its own level, made from a rule for every class; a rule that names the class goes first.
    derived: Vec<(RuleKey, Rule)>,
    particular: HashMap<(RuleKey, Identifiability), Rule>,
    derived_particular: HashMap<(RuleKey, Identifiability), Rule>,
    provisions: Vec<Provision>,
}

/// Where a row belongs.
#[derive(Clone, Copy)]
struct Belongs {
    key: RuleKey,
    identifiability: Option<Identifiability>,
    derived: bool,
}

/// Reads all files; regions and levels of every file count before the rules of any.
pub(crate) fn load(files: &[(&str, &str)]) -> Result<RuleTable, RuleError> {
    let mut loader = Loader::default();
    let mut parsed = Vec::with_capacity(files.len());
    for (name, text) in files {
        let source = Source { name, text };
        let file = source.parse()?;
        parsed.push((source, file));
    }
    for (source, file) in &parsed {
        for region in &file.regions {
            loader.region(source, region)?;
        }
        for level in &file.levels {
            loader.level(source, level)?;
        }
    }
    // Laws are numbered as they are met: those of the ledger first, so that no other rule moves a number there.
    for on_ledger in [true, false] {
        for (source, file) in &parsed {
            for rule in file.rules.iter().filter(|rule| rule.get_ref().on_ledger() == on_ledger) {
                loader.rule(source, rule)?;
            }
        }
        loader.ledger_laws = if on_ledger { loader.laws.len() } else { loader.ledger_laws };
    }
    for (source, file) in &parsed {
        for provision in &file.provisions {
            loader.provision(source, provision)?;
        }
    }
    Ok(loader.finish())
}

impl Loader {
    fn region(&mut self, source: &Source<'_>, entry: &RegionEntry) -> Result<(), RuleError> {
        let region: Region = source.code(&entry.code)?;
        let at_region = |problem| source.error(&entry.code.span(), problem);
        let next = u8::try_from(self.region_index.len() + 1);
        if let Entry::Vacant(vacant) = self.region_index.entry(region) {
            vacant.insert(next.map_err(|_| at_region(RuleProblem::TooManyRegions))?);
        }
        let countries: Vec<Country> = source.codes("countries", &entry.countries)?;
        for (country, word) in countries.into_iter().zip(entry.countries.get_ref()) {
            if self.countries.iter().any(|(listed, _)| *listed == country) {
                return Err(source.error(&word.span(), RuleProblem::ListedTwice(country)));
            }
            self.countries.push((country, region));
        }
        let regions = &self.region_index;
        let both = self.countries.iter().find_map(|(country, of)| {
            let own = Region::from_bytes(country.to_bytes())?;
            (own != *of && regions.contains_key(&own)).then_some(own)
        });
        both.map_or(Ok(()), |region| Err(at_region(RuleProblem::RegionAndCountry(region))))
    }

    fn level(&mut self, source: &Source<'_>, entry: &Spanned<LevelEntry>) -> Result<(), RuleError> {
        let LevelEntry { class, minimum_k, maximum_epsilon_milli } = entry.get_ref();
        let class = class.as_ref().map(|word| source.code(word)).transpose()?;
        let (minimum_k, maximum_epsilon_milli) = (*minimum_k, *maximum_epsilon_milli);
        if minimum_k == 0 || maximum_epsilon_milli == 0 {
            return Err(source.error(&entry.span(), RuleProblem::ZeroLevel));
        }
        let former = self.levels.insert(class, Level { minimum_k, maximum_epsilon_milli });
        match former {
            Some(_) => Err(source.error(&entry.span(), RuleProblem::SecondLevel)),
            None => Ok(()),
        }
    }

    fn rule(&mut self, source: &Source<'_>, entry: &Spanned<RuleEntry>) -> Result<(), RuleError> {
        let rule = entry.get_ref();
        let span = entry.span();
        let verdict: Verdict = source.code(&rule.verdict)?;
        let safeguards = self.safeguards(source, rule, verdict)?;
        let classes = source.optional("class", rule.class.as_ref())?;
        let purposes = source.optional("purpose", rule.purpose.as_ref())?;
        let mut levels = source.optional("identifiability", rule.identifiability.as_ref())?;
        if levels.contains(&Some(Identifiability::Protected)) {
            return Err(source.error(&span, RuleProblem::OrdinaryLevel));
        }
        if rule.abroad && rule.identifiability.is_none() {
            if verdict != Verdict::Deny {
                return Err(source.error(&rule.verdict.span(), RuleProblem::OffLedger));
            }
            levels = Identifiability::ALL.iter().copied().map(Some).collect();
        }
        let froms = self.places(source, "from", &rule.from)?;
        let tos = self.places(source, "to", &rule.to)?;
        let row = Rule {
            verdict,
            safeguards,
            minimum_k: 0,
            maximum_epsilon_milli: 0,
            localized: rule.localized,
            abroad: rule.abroad,
            identifiability: None,
            law_id: self.law(source, rule)?,
            note: rule.note.clone(),
            source: format!("{}, line {}", source.name, source.line(&span)),
        };
        for class in classes {
            for (class, row, derived) in self.leveled(source, entry, class, &row)? {
                for &from in &froms {
                    for &to in &tos {
                        for &purpose in &purposes {
                            for &identifiability in &levels {
                                let key = RuleKey { class, from, to, purpose };
                                let belongs = Belongs { key, identifiability, derived };
                                self.add(source, &span, belongs, row.clone())?;
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The row with its protection, and, for a rule for every class, a row for each class that has its own level.
    fn leveled(
        &self,
        source: &Source<'_>,
        entry: &Spanned<RuleEntry>,
        class: Option<DataClass>,
        row: &Rule,
    ) -> Result<Vec<(Option<DataClass>, Rule, bool)>, RuleError> {
        let RuleEntry { minimum_k, maximum_epsilon_milli, .. } = entry.get_ref();
        let fail = |problem| source.error(&entry.span(), problem);
        if row.verdict == Verdict::Deny {
            if minimum_k.is_some() || maximum_epsilon_milli.is_some() {
                return Err(fail(RuleProblem::ConditionalDenial));
            }
            return Ok(vec![(class, row.clone(), false)]);
        }
        if *minimum_k == Some(0) || *maximum_epsilon_milli == Some(0) {
            return Err(fail(RuleProblem::ZeroLevel));
        }
        let at = |class: Option<DataClass>, derived| {
            let level = self.levels.get(&class).or_else(|| self.levels.get(&None));
            let k = minimum_k.or(level.map(|level| level.minimum_k));
            let epsilon = maximum_epsilon_milli.or(level.map(|level| level.maximum_epsilon_milli));
            let (Some(minimum_k), Some(maximum_epsilon_milli)) = (k, epsilon) else {
                return Err(fail(RuleProblem::NoLevel));
            };
            Ok((class, Rule { minimum_k, maximum_epsilon_milli, ..row.clone() }, derived))
        };
        let own_levels = DataClass::ALL
            .iter()
            .filter(|own| class.is_none() && self.levels.contains_key(&Some(**own)));
        std::iter::once(at(class, false))
            .chain(own_levels.map(|own| at(Some(*own), true)))
            .collect()
    }

    fn add(
        &mut self,
        source: &Source<'_>,
        span: &Range<usize>,
        belongs: Belongs,
        row: Rule,
    ) -> Result<(), RuleError> {
        let Belongs { key, identifiability, derived } = belongs;
        if let Some(level) = identifiability {
            let rows = match derived {
                true => &mut self.derived_particular,
                false => &mut self.particular,
            };
            let row = Rule { identifiability, ..row };
            return match rows.insert((key, level), row) {
                None => Ok(()),
                Some(former) => Err(source.error(span, RuleProblem::Duplicate(former.source))),
            };
        }
        if derived {
            // Two rules for every class of one key are refused by their own rows, so these are distinct.
            self.derived.push((key, row));
            return Ok(());
        }
        if let Some(former) = self.sources.insert(key, row.source.clone()) {
            return Err(source.error(span, RuleProblem::Duplicate(former)));
        }
        self.rules.push((key, row));
        Ok(())
    }

    fn provision(
        &mut self,
        source: &Source<'_>,
        entry: &Spanned<ProvisionEntry>,
    ) -> Result<(), RuleError> {
        let span = entry.span();
        let entry = entry.get_ref();
        if entry.law.get_ref().trim().is_empty() || entry.article.trim().is_empty() {
            return Err(source.error(&entry.law.span(), RuleProblem::NoLaw));
        }
        let tos = match &entry.to {
            None => vec![Place::Any],
            Some(words) => self.places(source, "to", words)?,
        };
        let class = entry.class.as_ref().map(|word| source.code(word)).transpose()?;
        let purpose = entry.purpose.as_ref().map(|word| source.code(word)).transpose()?;
        let safeguard = entry.safeguard.as_ref().map(|word| source.code(word)).transpose()?;
        for from in self.places(source, "from", &entry.from)? {
            self.provisions.push(Provision {
                from,
                to: tos.clone(),
                class,
                purpose,
                safeguard: safeguard.unwrap_or_default(),
                abroad: entry.abroad,
                law: Law { name: entry.law.get_ref().clone(), article: entry.article.clone() },
                note: entry.note.clone(),
                source: format!("{}, line {}", source.name, source.line(&span)),
            });
        }
        Ok(())
    }

    fn safeguards(
        &self,
        source: &Source<'_>,
        rule: &RuleEntry,
        verdict: Verdict,
    ) -> Result<Safeguards, RuleError> {
        let mut set = Safeguards::NONE;
        for word in &rule.safeguards {
            set = set.with(source.code(word)?);
        }
        if (verdict == Verdict::AllowWith) == set.is_empty() {
            return Err(source.error(&rule.verdict.span(), RuleProblem::Safeguards));
        }
        Ok(set)
    }

    fn places(
        &self,
        source: &Source<'_>,
        field: &'static str,
        words: &Spanned<Vec<Spanned<String>>>,
    ) -> Result<Vec<Place>, RuleError> {
        let places: Vec<Place> = source.codes(field, words)?;
        let countries: HashSet<_> = self.countries.iter().map(|(c, _)| c.to_bytes()).collect();
        for (place, word) in places.iter().zip(words.get_ref()) {
            let listed = match place {
                Place::Any => true,
                Place::Code(code) => {
                    countries.contains(code)
                        || Region::from_bytes(*code)
                            .is_some_and(|region| self.region_index.contains_key(&region))
                }
            };
            if !listed {
                return Err(source.error(&word.span(), RuleProblem::Unlisted(*place)));
            }
        }
        Ok(places)
    }

    fn law(&mut self, source: &Source<'_>, rule: &RuleEntry) -> Result<u16, RuleError> {
        if rule.law.get_ref().trim().is_empty() {
            return Err(source.error(&rule.law.span(), RuleProblem::NoLaw));
        }
        let law = Law { name: rule.law.get_ref().clone(), article: rule.article.clone() };
        if let Some(id) = self.law_ids.get(&law) {
            return Ok(*id);
        }
        let id = u16::try_from(self.laws.len())
            .map_err(|_| source.error(&rule.law.span(), RuleProblem::TooManyLaws))?;
        self.laws.push(law.clone());
        self.law_ids.insert(law, id);
        Ok(id)
    }

    fn finish(mut self) -> RuleTable {
        let named = &self.sources;
        let derived = self.derived.into_iter().filter(|(key, _)| !named.contains_key(key));
        self.rules.extend(derived);
        // A rule that names the class goes before one for every class.
        let mut particular = self.derived_particular;
        particular.extend(self.particular);
        RuleTable::new(Parts {
            countries: self.countries,
            region_index: self.region_index,
            laws: self.laws,
            ledger_laws: self.ledger_laws,
            rules: self.rules,
            particular,
            provisions: self.provisions,
        })
    }
}
