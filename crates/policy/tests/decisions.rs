//! The table decides as the rule says it does, in every case there is.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashSet;
use std::sync::LazyLock;

use caduceus_policy::{
    Country, DataClass, Decision, Identifiability, Place, Purpose, Reason, ReasonKind, Region,
    Request, Rule, RuleTable, Safeguards, Shortfall, Verdict, decide, decide_as, default_rules,
};
use proptest::prelude::*;

/// The order of the 36 shapes as `JurisdictionRules.sol` states it: `from * 12 + to * 4 + class * 2 + purpose`.
const ORDER: &str = "2322211f17201e1d1b1615130b1c1a191412110f0a090718100e0d080605030c04020100";

/// The place of each shape in the contract's list.
fn order() -> &'static [usize] {
    static PLACES: LazyLock<Vec<usize>> = LazyLock::new(|| {
        let place = |shape| (0..36).position(|i| ORDER[2 * i..2 * i + 2] == format!("{shape:02x}"));
        (0..36).map(|shape| place(shape).unwrap()).collect()
    });
    &PLACES
}

/// The decision made another way: look at every row, and take the first shape of the contract's list.
fn naive<'a>(table: &'a RuleTable, request: &Request) -> Option<&'a Rule> {
    let (from_region, to_region) = (table.region_of(request.from), table.region_of(request.to));
    let level = |place: Place, country: Country, region: Option<Region>| match place {
        Place::Any => Some(0),
        Place::Code(code) if Some(code) == region.map(|_| country.to_bytes()) => Some(2),
        Place::Code(code) if Some(code) == region.map(Region::to_bytes) => Some(1),
        Place::Code(_) => None,
    };
    let mut matching = Vec::new();
    for (key, rule) in table.rules() {
        let other_class = key.class.is_some_and(|class| class != request.class);
        let other_purpose = key.purpose.is_some_and(|purpose| purpose != request.purpose);
        if other_class || other_purpose {
            continue;
        }
        let from = level(key.from, request.from, from_region);
        let to = level(key.to, request.to, to_region);
        if let Some((from, to)) = from.zip(to) {
            let named = 2 * usize::from(key.class.is_some()) + usize::from(key.purpose.is_some());
            matching.push((order()[from * 12 + to * 4 + named], rule));
        }
    }
    let first = |rules: &[(usize, &'a Rule)]| rules.iter().min_by_key(|(p, _)| *p).map(|(_, r)| *r);
    let denials: Vec<_> =
        matching.iter().copied().filter(|(_, rule)| rule.verdict == Verdict::Deny).collect();
    first(&denials).or_else(|| first(&matching))
}

fn assert_same(table: &RuleTable, request: &Request) {
    let laws = &table.chain_rows().laws;
    assert_same_with(table, laws, request);
}

fn assert_same_with(table: &RuleTable, laws: &[String], request: &Request) {
    let decision = decide(table, request);
    let Some(rule) = naive(table, request) else {
        // The ledger denies this by "no rule"; a row for abroad may say by which law.
        assert_eq!(decision.verdict, Verdict::Deny, "{request:?}");
        let named = decision.reasons.iter().find(|reason| reason.kind != ReasonKind::Duty);
        let law = named.map_or("no rule".into(), |row| format!("{} {}", row.law, row.article));
        assert_eq!(decision.law, law, "{request:?}");
        return;
    };
    assert_eq!(decision.verdict, rule.verdict, "{request:?}");
    assert_eq!(decision.safeguards, rule.safeguards, "{request:?}");
    assert_eq!(decision.minimum_k, rule.minimum_k, "{request:?}");
    assert_eq!(decision.maximum_epsilon_milli, rule.maximum_epsilon_milli, "{request:?}");
    assert_eq!(decision.localized, rule.localized, "{request:?}");
    assert_eq!(decision.law, laws[usize::from(rule.law_id)], "{request:?}");
    assert_eq!(decision.reasons[0].source, rule.source, "{request:?}");
}

fn request(class: DataClass, from: &str, to: &str, purpose: Purpose) -> Request {
    Request { class, from: from.parse().unwrap(), to: to.parse().unwrap(), purpose }
}

#[test]
fn every_case_there_is_has_the_same_answer_by_another_way() {
    let table = default_rules();
    let laws = table.chain_rows().laws;
    let mut countries: Vec<Country> = table.countries().map(|(country, _)| country).collect();
    countries.push("ZZ".parse().unwrap());
    for &from in &countries {
        for &to in &countries {
            for &class in DataClass::ALL {
                for &purpose in Purpose::ALL {
                    let request = Request { class, from, to, purpose };
                    assert_same_with(table, &laws, &request);
                }
            }
        }
    }
}

#[test]
fn the_same_files_give_the_same_table() {
    let again = RuleTable::load(caduceus_policy::RULE_FILES).unwrap();
    assert_eq!(&again, default_rules());
    assert_eq!(again.chain_rows(), default_rules().chain_rows());
}

/// The words of a line of `cases.txt`; none of a remark.
fn case(line: &str) -> Option<Vec<&str>> {
    (!line.starts_with('#') && !line.is_empty()).then(|| line.split(" | ").collect())
}

#[test]
fn the_laws_decide_as_reviewed() {
    let mut pairs = HashSet::new();
    let mut decided = 0;
    for words in include_str!("cases.txt").lines().filter_map(case) {
        let [from, to, class, purpose, identifiability, verdict, safeguards, stays, law] =
            words[..]
        else {
            panic!("a case has nine parts: {words:?}");
        };
        let asked = request(class.parse().unwrap(), from, to, purpose.parse().unwrap());
        let decision = decide_as(default_rules(), &asked, identifiability.parse().unwrap());
        let safeguards: Safeguards = safeguards.trim_matches('-').parse().unwrap();
        let found = (decision.verdict, decision.safeguards, decision.localized, &*decision.law);
        let expected = (verdict.parse().unwrap(), safeguards, stays == "stays", law);
        assert_eq!(found, expected, "{words:?}");
        decided += 1;
        if (class, purpose, identifiability) == ("clinical", "GRU", "protected") {
            pairs.insert((from.replace("DE", "FR"), to.to_owned()));
        }
    }
    assert!(decided >= 120, "{decided} cases");
    let places = ["FR", "GB", "CH", "US", "CA", "BR", "JP", "CN", "KE"];
    for from in places {
        for to in places {
            assert!(pairs.contains(&(from.to_owned(), to.to_owned())), "{from} to {to}");
        }
    }
}

#[test]
fn protection_is_as_strict_as_the_class_asks() {
    use DataClass::{Clinical, Genomic, MentalHealth};
    for (class, from, to, k, epsilon) in [
        (Clinical, "DE", "FR", 2, 4000),
        (Genomic, "DE", "NO", 10, 1000),
        (Genomic, "DE", "IN", 10, 1000),
        (MentalHealth, "ES", "GB", 5, 2000),
        (Genomic, "US", "DE", 10, 1000),
        (Clinical, "US", "CN", 0, 0),
    ] {
        let decision = decide(default_rules(), &request(class, from, to, Purpose::GeneralResearch));
        let found = (decision.minimum_k, decision.maximum_epsilon_milli);
        assert_eq!(found, (k, epsilon), "{class} {from} {to}");
    }
}

#[test]
fn every_safeguard_of_a_rule_is_explained_by_the_provision_that_makes_it_one() {
    let table = default_rules();
    let unlisted = "TZ".parse().unwrap();
    let mut countries: Vec<Country> = table.countries().map(|(country, _)| country).collect();
    countries.push(unlisted);
    for &from in &countries {
        for &to in &countries {
            for &class in DataClass::ALL {
                for &identifiability in Identifiability::ALL {
                    let purpose = Purpose::Commercial;
                    let asked = Request { class, from, to, purpose };
                    let decision = decide_as(table, &asked, identifiability);
                    let explained = decision.reasons.iter().map(|reason| reason.safeguard);
                    let explained = explained.fold(Safeguards::NONE, Safeguards::with);
                    assert_eq!(explained, decision.safeguards, "{asked:?} {identifiability}");
                }
            }
        }
    }
}

#[test]
fn a_use_rests_on_consent_where_nothing_else_that_is_held_permits_it() {
    let of = |from, to, class| {
        decide(default_rules(), &request(class, from, to, Purpose::HealthResearch))
    };
    let (consent, both) =
        (Safeguards::EXPLICIT_CONSENT, Safeguards::EXPLICIT_CONSENT.with(Safeguards::SCC));
    let transfer = of("DE", "US", DataClass::Clinical);
    assert!(transfer.rests_on_consent(consent) && !transfer.rests_on_consent(both));
    assert_eq!(transfer.basis(consent), "GDPR Art. 9(2)(a), 49(1)(a)");
    assert_eq!(transfer.basis(both), "GDPR Art. 46(2)(c)");
    let kenya = of("KE", "US", DataClass::Clinical);
    assert!(kenya.rests_on_consent(both), "clauses do not do in Kenya");
    assert_eq!(kenya.basis(both), "Data Protection Act 2019 (Kenya) s. 49(1)");
    let home = of("DE", "FR", DataClass::Clinical);
    assert!(!home.rests_on_consent(consent));
    assert_eq!(home.basis(consent), home.law);
}

#[test]
fn what_no_rule_tells_apart_is_decided_alike() {
    let table = default_rules();
    let rows = table.chain_rows().rows;
    let named = |code: [u8; 2]| rows.iter().any(|row| row.from == code || row.to == code);
    let purposes = Purpose::ALL.iter().copied();
    let unnamed: Vec<Purpose> =
        purposes.filter(|purpose| rows.iter().all(|row| row.purpose != purpose.number())).collect();
    let plain: Vec<Country> = table
        .countries()
        .filter(|(country, region)| region.to_string() == "EU" && !named(country.to_bytes()))
        .map(|(country, _)| country)
        .collect();
    assert!(unnamed.len() > 2 && plain.len() > 20);
    let (other, decided) = ("US".parse().unwrap(), |asked: Request| {
        let Decision { verdict, safeguards, law, .. } = decide(table, &asked);
        (verdict, safeguards, law)
    });
    for &class in DataClass::ALL {
        for &country in &plain {
            for &purpose in &unnamed {
                let out = Request { class, from: country, to: other, purpose };
                let first = Request { from: plain[0], purpose: unnamed[0], ..out };
                assert_eq!(decided(out), decided(first));
                let (back, back_first) = (
                    Request { class, from: other, to: country, purpose },
                    Request { class, from: other, to: plain[0], purpose: unnamed[0] },
                );
                assert_eq!(decided(back), decided(back_first));
            }
        }
    }
}

#[test]
fn every_reason_names_its_law_and_the_article_and_the_first_is_the_one_that_decides() {
    let table = default_rules();
    for (from, _) in table.countries() {
        for (to, _) in table.countries() {
            for &class in DataClass::ALL {
                let purpose = Purpose::GeneralResearch;
                let decision = decide(table, &Request { class, from, to, purpose });
                for reason in &decision.reasons {
                    assert!(!reason.law.is_empty() && !reason.article.is_empty(), "{reason:?}");
                }
                if let Some(first) = decision.reasons.first() {
                    assert_eq!(decision.law, format!("{} {}", first.law, first.article));
                }
            }
        }
    }
}

#[test]
fn a_row_that_another_takes_the_place_of_is_marked_and_is_none_that_denies() {
    let table = default_rules();
    let mut marked = 0;
    for (from, _) in table.countries() {
        for (to, _) in table.countries() {
            for &class in DataClass::ALL {
                for &identifiability in Identifiability::ALL {
                    let asked = Request { class, from, to, purpose: Purpose::Commercial };
                    let decision = decide_as(table, &asked, identifiability);
                    let rows = decision.reasons.iter();
                    let counting = rows.clone().filter(|one| one.kind == ReasonKind::Rule);
                    let others = counting.skip(1).filter(|one| one.verdict != Verdict::Deny);
                    assert_eq!(others.count(), 0, "{asked:?} {identifiability}");
                    for one in rows.filter(|one| one.kind == ReasonKind::Overridden) {
                        assert_ne!(one.verdict, Verdict::Deny, "{asked:?} {identifiability}");
                        marked += 1;
                    }
                }
            }
        }
    }
    assert!(marked > 0);
}

#[test]
fn a_refusal_for_want_of_a_rule_names_the_law_of_the_data() {
    let asked = request(DataClass::Genomic, "CN", "ZA", Purpose::GeneralResearch);
    let decision = decide(default_rules(), &asked);
    let law = "HGR Regulations (State Council No. 717) Art. 28";
    assert_eq!((decision.verdict, &*decision.law), (Verdict::Deny, law));
    assert_eq!(decision.reasons[0].kind, ReasonKind::Rule);
    // It speaks of no use at home.
    let home = decide(default_rules(), &request(asked.class, "CN", "CN", asked.purpose));
    assert_eq!(home.verdict, Verdict::Allow);
    // Data of a country that no file speaks of are under no law that is known here.
    let unknown = decide(default_rules(), &request(asked.class, "ZA", "CN", asked.purpose));
    assert_eq!((unknown.verdict, &*unknown.law), (Verdict::Deny, "no rule"));
}

#[test]
fn what_a_transfer_needs_is_no_reason_of_a_use_at_home() {
    let table = default_rules();
    for (from, region) in table.countries() {
        let home = table.countries().filter(|(_, of)| *of == region);
        for (to, _) in home.take(2) {
            for &class in DataClass::ALL {
                for &purpose in Purpose::ALL {
                    for &level in Identifiability::ALL {
                        let asked = Request { class, from, to, purpose };
                        let reasons = decide_as(table, &asked, level).reasons;
                        let transfer = |reason: &&Reason| {
                            let decided = reason.kind != ReasonKind::Overridden;
                            let articles = ["49(1)", "33(VIII)", "28(1) and (2)", "17(1)(a)"];
                            decided && articles.iter().any(|part| reason.article.contains(part))
                        };
                        let found = reasons.iter().find(transfer);
                        assert_eq!(found, None, "{asked:?} {level}");
                    }
                }
            }
        }
    }
}

#[test]
fn records_that_are_not_made_safe_leave_no_more_easily_than_they_are_used_at_home() {
    let table = default_rules();
    let mut governed: Vec<Region> = table
        .countries()
        .filter(|(country, region)| {
            let codes = [country.to_bytes(), region.to_bytes()];
            table.rules().any(|(key, _)| codes.iter().any(|code| key.from.to_bytes() == *code))
        })
        .map(|(_, region)| region)
        .collect();
    governed.dedup();
    assert_eq!(governed.len(), 10, "the data of one region a file, California's being American");
    let unlisted = ["TZ", "ZA"].map(|code| code.parse::<Country>().unwrap());
    let countries: Vec<(Country, Option<Region>)> = table
        .countries()
        .map(|(country, region)| (country, Some(region)))
        .chain(unlisted.map(|country| (country, None)))
        .collect();
    for &region in &governed {
        // Two countries of the region, or one twice where it has no other.
        let mut members = table.countries().filter(|(_, of)| *of == region).map(|(home, _)| home);
        let home = members.next().unwrap();
        let other = members.next().unwrap_or(home);
        for &(to, of) in &countries {
            for &class in DataClass::ALL {
                for &purpose in Purpose::ALL {
                    for level in [Identifiability::Identified, Identifiability::Limited] {
                        let at_home = Request { class, from: home, to: other, purpose };
                        let abroad = Request { to, ..at_home };
                        let here = decide_as(table, &at_home, level);
                        let there = decide_as(table, &abroad, level);
                        // Swiss law knows coded data, which a limited data set is.
                        let coded = region.to_string() == "CH" && level == Identifiability::Limited;
                        let plain = there.verdict == Verdict::Allow;
                        assert!(coded || !plain, "{abroad:?} {level}: {there:?}");
                        if of == Some(region) {
                            let found = (there.verdict, there.safeguards);
                            assert_eq!(found, (here.verdict, here.safeguards), "{abroad:?}");
                        }
                        // What stays when it is protected stays.
                        let stays = decide(table, &abroad).localized;
                        assert!(!stays || there.localized, "{abroad:?} {level}");
                        // What suffices abroad suffices at home.
                        let suffices = match (here.verdict, there.verdict) {
                            (_, Verdict::Deny) | (Verdict::Allow, _) => true,
                            (Verdict::AllowWith, Verdict::AllowWith) => {
                                let both = here.safeguards.with(there.safeguards);
                                both == here.safeguards
                            }
                            _ => false,
                        };
                        assert!(suffices, "{abroad:?} {level}: {there:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn safer_records_and_less_telling_ones_are_treated_no_worse() {
    let table = default_rules();
    let strict = |asked: &Request, level| match decide_as(table, asked, level).verdict {
        Verdict::Allow => 0,
        Verdict::AllowWith => 1,
        Verdict::Deny => 2,
    };
    for from in ["DE", "NO", "GB", "CH", "US", "CA", "BR", "JP", "CN", "IN", "KE"] {
        for to in ["FR", "NO", "GB", "CH", "US", "CA", "BR", "JP", "CN", "IN", "KE", "KR", "TZ"] {
            for &purpose in Purpose::ALL {
                let clinical = request(DataClass::Clinical, from, to, purpose);
                for &class in DataClass::ALL {
                    let asked = Request { class, ..clinical };
                    let levels = [
                        Identifiability::Anonymous,
                        Identifiability::Protected,
                        Identifiability::Limited,
                        Identifiability::Identified,
                    ];
                    let found = levels.map(|level| strict(&asked, level));
                    assert!(found.is_sorted(), "{asked:?}: {found:?}");
                    let genomic = Request { class: DataClass::Genomic, ..clinical };
                    for level in levels {
                        let (genes, others) = (strict(&genomic, level), strict(&asked, level));
                        assert!(genes >= others, "{asked:?} {level}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_a_foreign_recipient_of_american_data_must_agree_to_is_shown_whatever_else_is_asked() {
    let onward = |reason: &Reason| reason.law == "28 CFR" && reason.article.starts_with("202.302");
    for &class in DataClass::ALL {
        for &level in Identifiability::ALL {
            let asked = request(class, "US", "DE", Purpose::HealthResearch);
            let decision = decide_as(default_rules(), &asked, level);
            let shown = decision.reasons.iter().filter(|one| one.kind != ReasonKind::Overridden);
            assert!(shown.into_iter().any(onward), "{class} {level}");
        }
    }
}

#[test]
fn reasons_that_count_do_not_contradict_the_decision() {
    let research = Purpose::GeneralResearch;
    let rules = |class, from, to| -> Vec<String> {
        let reasons = decide(default_rules(), &request(class, from, to, research)).reasons;
        let counting = reasons.into_iter().filter(|reason| reason.kind == ReasonKind::Rule);
        counting.map(|reason| format!("{} {}", reason.article, reason.note)).collect()
    };
    for (class, from, to, contradiction) in [
        (DataClass::Clinical, "DE", "GB", "No adequacy decision"),
        (DataClass::Clinical, "DE", "FR", "Art. 44"),
        (DataClass::Genomic, "DE", "US", "Genetic data stay"),
    ] {
        let rules = rules(class, from, to);
        assert_eq!(rules.len(), 1, "{rules:?}");
        assert!(!rules[0].contains(contradiction), "{rules:?}");
    }
    // A denial that is less specific than another stays one.
    let rules = rules(DataClass::Genomic, "US", "CN");
    assert!(rules[0].starts_with("202.303") && rules[1].starts_with("202.301"), "{rules:?}");
    assert_eq!(rules.len(), 2);
}

#[test]
fn each_condition_of_a_decision_refuses_what_falls_short_and_names_the_law() {
    let research = Purpose::GeneralResearch;
    let decision = decide(default_rules(), &request(DataClass::Clinical, "DE", "IN", research));
    let refused = |held, k, epsilon| {
        let refusal = decision.permits(held, k, epsilon).unwrap_err();
        assert_eq!(refusal.to_string(), "GDPR Art. 44, 46(2)(c)");
        refusal.because
    };
    assert_eq!(refused(Safeguards::NONE, 10, 1000), Shortfall::Safeguard(decision.safeguards));
    assert!(matches!(refused(Safeguards::EHDS_PERMIT, 10, 1000), Shortfall::Safeguard(_)));
    assert_eq!(refused(Safeguards::SCC, 1, 1000), Shortfall::Anonymity(2));
    assert_eq!(refused(Safeguards::SCC, 2, 4001), Shortfall::Epsilon(4000));
    assert_eq!(decision.permits(Safeguards::SCC, 2, 4000), Ok(()));

    let denied = decide(default_rules(), &request(DataClass::Clinical, "US", "CN", research));
    let all = Safeguards::ALL;
    assert_eq!(denied.permits(all, u16::MAX, 0).unwrap_err().because, Shortfall::Denied);
}

#[test]
fn what_goes_to_the_ledger_meets_the_contracts_conditions() {
    let table = default_rules().chain_rows();
    let codes: HashSet<[u8; 2]> =
        table.countries.iter().flat_map(|(country, region)| [*country, *region]).collect();
    let mut keys = HashSet::new();
    for row in &table.rows {
        assert!(keys.insert((row.data_class, row.from, row.to, row.purpose)));
        assert!(row.from == [0; 2] || codes.contains(&row.from));
        assert!(row.to == [0; 2] || codes.contains(&row.to));
        assert!(usize::from(row.law_id) < table.laws.len());
        assert_eq!(row.verdict == 2, row.safeguards != 0);
        assert!((1..=3).contains(&row.verdict) && row.data_class <= 6 && row.purpose <= 8);
    }
    assert!(table.laws.iter().all(|law| law.len() <= 80), "a law is a short string");
    assert_eq!(table.laws.iter().collect::<HashSet<_>>().len(), table.laws.len());

    // Regions are numbered on the ledger as they are first met.
    let mut met: Vec<[u8; 2]> = Vec::new();
    for (_, region) in &table.countries {
        if !met.contains(region) {
            met.push(*region);
        }
    }
    for (country, region) in default_rules().countries() {
        assert_eq!(default_rules().region_of(country), Some(region));
        let index = usize::from(default_rules().region_index(region).unwrap());
        assert_eq!(met[index - 1], region.to_bytes());
    }
}

#[test]
fn the_thirty_states_of_the_eea_and_their_territories_are_one_region() {
    let eea = default_rules().countries().filter(|(_, region)| region.to_string() == "EU").count();
    assert_eq!(eea, 30 + 7);
    for territory in ["AX", "GF", "GP", "MF", "MQ", "RE", "YT"] {
        for (from, to) in [(territory, "DE"), ("DE", territory), (territory, "JP")] {
            let asked = request(DataClass::Genomic, from, to, Purpose::HealthResearch);
            let as_of_france = Request {
                from: if from == territory { "FR".parse().unwrap() } else { asked.from },
                to: if to == territory { "FR".parse().unwrap() } else { asked.to },
                ..asked
            };
            assert_eq!(decide(default_rules(), &asked), decide(default_rules(), &as_of_france));
        }
    }
}

#[test]
fn anonymous_information_needs_no_safeguard_where_the_law_says_that_it_is_no_personal_data() {
    let table = default_rules();
    let unlisted = "TZ".parse().unwrap();
    let tos = || table.countries().map(|(to, _)| to).chain([unlisted]);
    for from in ["DE", "NO", "IS", "LI", "RE", "GB", "CH", "BR", "CN"] {
        for to in tos() {
            for &class in DataClass::ALL {
                for &purpose in Purpose::ALL {
                    let from = from.parse().unwrap();
                    let asked = Request { class, from, to, purpose };
                    let decision = decide_as(table, &asked, Identifiability::Anonymous);
                    // Chinese genetic data are under another law, and no other data leave.
                    let china = "CN".parse() == Ok(from) && from != to;
                    let denied = china && class == DataClass::Genomic;
                    let expected = if denied { Verdict::Deny } else { Verdict::Allow };
                    assert_eq!(
                        (decision.verdict, decision.localized),
                        (expected, china),
                        "{asked:?}"
                    );
                    let personal = ["Art. 9(2)", "Art. 11", "Art. 28 and 29", "Art. 46", "6(7)"];
                    // A law that ends at anonymous information lays no duty on it.
                    let (first, others) = decision.reasons.split_first().unwrap();
                    let duties = others.iter().filter(|one| one.kind == ReasonKind::Duty);
                    let same = duties.filter(|duty| !denied && duty.law == first.law);
                    assert_eq!(same.count(), 0, "{asked:?}");
                    let named = personal.iter().any(|article| decision.law.contains(article));
                    assert!(!named, "{asked:?}: {}", decision.law);
                }
            }
        }
    }
}

/// Three regions: XX with two countries, YY of itself with one more, ZZ of itself.
const COUNTRIES: &str = r#"
[[regions]]
code = "XX"
countries = ["XA", "XB"]
[[regions]]
code = "YY"
countries = ["YY", "YB"]
[[regions]]
code = "ZZ"
countries = ["ZZ"]
"#;

fn random_rules() -> impl Strategy<Value = String> {
    let place = || prop::sample::select(vec!["any", "XX", "XA", "XB", "YY", "YB", "ZZ"]);
    let class = prop::option::of(prop::sample::select(vec!["clinical", "genomic"]));
    let purpose = prop::option::of(prop::sample::select(vec!["GRU", "COM"]));
    let verdict = prop::sample::select(vec!["allow", "allow", "allow_with", "deny"]);
    prop::collection::hash_map((place(), place(), class, purpose), verdict, 0..25).prop_map(|rows| {
        let mut text = COUNTRIES.to_owned();
        for (number, ((from, to, class, purpose), verdict)) in rows.into_iter().enumerate() {
            let list = |field: &str, value: Option<&str>| {
                value.map_or(String::new(), |value| format!("{field} = [\"{value}\"]\n"))
            };
            let conditions = match verdict {
                "deny" => String::new(),
                _ => format!("minimum_k = {}\nmaximum_epsilon_milli = 7\n", number + 1),
            };
            let safeguards = if verdict == "allow_with" { "safeguards = [\"SCC\"]\n" } else { "" };
            text += &format!(
                "[[rules]]\nfrom = [\"{from}\"]\nto = [\"{to}\"]\n{}{}verdict = \"{verdict}\"\n{conditions}{safeguards}law = \"law {number}\"\n",
                list("class", class),
                list("purpose", purpose),
            );
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_table_decides_as_the_contract_does(text in random_rules()) {
        let table = RuleTable::load(&[("random.toml", &text)]).unwrap();
        for from in ["XA", "XB", "YY", "YB", "ZZ", "QQ"] {
            for to in ["XA", "XB", "YY", "YB", "ZZ", "QQ"] {
                for class in [DataClass::Clinical, DataClass::Genomic, DataClass::Claims] {
                    for purpose in [Purpose::GeneralResearch, Purpose::Commercial] {
                        assert_same(&table, &request(class, from, to, purpose));
                    }
                }
            }
        }
    }

    #[test]
    fn a_further_denial_never_permits_anything(text in random_rules()) {
        let table = RuleTable::load(&[("random.toml", &text)]).unwrap();
        let denial = "[[rules]]\nfrom = [\"XX\"]\nto = [\"any\"]\nclass = [\"claims\"]\nverdict = \"deny\"\nlaw = \"new\"\n";
        let stricter = RuleTable::load(&[("random.toml", &format!("{text}{denial}"))]).unwrap();
        for class in [DataClass::Clinical, DataClass::Claims] {
            for from in ["XA", "YY"] {
                let asked = request(class, from, "ZZ", Purpose::GeneralResearch);
                let (before, after) = (decide(&table, &asked), decide(&stricter, &asked));
                if before.verdict == Verdict::Deny {
                    prop_assert_eq!(after.verdict, Verdict::Deny);
                }
                if class == DataClass::Claims && from == "XA" {
                    prop_assert_eq!(after.verdict, Verdict::Deny);
                }
            }
        }
    }
}
