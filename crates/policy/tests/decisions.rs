//! The table decides as the rule says it does, in every case there is.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashSet;
use std::sync::LazyLock;

use caduceus_policy::{
    Country, DataClass, Place, Purpose, Region, Request, Rule, RuleTable, Safeguards, Shortfall,
    Verdict, decide, default_rules,
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
        assert_eq!((decision.verdict, decision.law.as_str()), (Verdict::Deny, "no rule"));
        assert!(decision.reasons.is_empty());
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

#[test]
fn the_laws_decide_as_reviewed() {
    use DataClass::{Clinical, Genomic, MentalHealth};
    use Purpose::{GeneralResearch, PublicHealth, Quality};
    use Verdict::{Allow, AllowWith, Deny};
    let cases = [
        (Clinical, "DE", "FR", GeneralResearch, Allow, "GDPR Art. 9(2)(j) and 89(1)", 2, 4000),
        (Clinical, "DE", "DE", PublicHealth, Allow, "GDPR Art. 9(2)(i)", 2, 4000),
        (Genomic, "DE", "NO", Quality, Allow, "GDPR Art. 9(2)(h)", 10, 1000),
        (
            Clinical,
            "DE",
            "JP",
            GeneralResearch,
            Allow,
            "GDPR Art. 45 (adequacy: Japan, Decision (EU) 2019/419)",
            2,
            4000,
        ),
        (
            Clinical,
            "FR",
            "CH",
            GeneralResearch,
            Allow,
            "GDPR Art. 45 (adequacy: Switzerland, Decision 2000/518/EC)",
            2,
            4000,
        ),
        (
            MentalHealth,
            "ES",
            "GB",
            GeneralResearch,
            Allow,
            "GDPR Art. 45 (adequacy: United Kingdom, Decision (EU) 2021/1772)",
            5,
            2000,
        ),
        (
            Clinical,
            "PT",
            "BR",
            GeneralResearch,
            Allow,
            "GDPR Art. 45 (adequacy: Brazil, Decision (EU) 2026/179)",
            2,
            4000,
        ),
        (Clinical, "NO", "BR", GeneralResearch, AllowWith, "GDPR Art. 44, 46(2)(c)", 2, 4000),
        (Genomic, "IS", "BR", GeneralResearch, AllowWith, "GDPR Art. 44, 46(2)(c)", 10, 1000),
        (Clinical, "DE", "US", GeneralResearch, AllowWith, "GDPR Art. 44, 46(2)(c)", 2, 4000),
        (Clinical, "DE", "IN", GeneralResearch, AllowWith, "GDPR Art. 44, 46(2)(c)", 2, 4000),
        (Genomic, "DE", "IN", GeneralResearch, AllowWith, "GDPR Art. 9(4), 44, 49(1)(a)", 10, 1000),
        (Clinical, "DE", "RU", GeneralResearch, Deny, "no rule", 0, 0),
        (
            Clinical,
            "GB",
            "DE",
            GeneralResearch,
            Allow,
            "UK GDPR Art. 45A (approved: EEA, DPA 2018 Sch. 21)",
            2,
            4000,
        ),
        (Clinical, "GB", "US", GeneralResearch, AllowWith, "UK GDPR Art. 44A, 46", 2, 4000),
        (Clinical, "CH", "DE", GeneralResearch, Allow, "FADP Art. 16(1) (DPO Annex 1)", 2, 4000),
        (Genomic, "CH", "DE", GeneralResearch, AllowWith, "HRA Art. 42(1)", 10, 1000),
        (Clinical, "CH", "JP", GeneralResearch, AllowWith, "FADP Art. 16(2)", 2, 4000),
        (Clinical, "US", "US", GeneralResearch, Allow, "HIPAA 45 CFR 164.514(a)-(b)", 2, 4000),
        (Genomic, "US", "DE", GeneralResearch, Allow, "HIPAA 45 CFR 164.514(a)-(b)", 10, 1000),
        (
            Clinical,
            "US",
            "CN",
            GeneralResearch,
            Deny,
            "28 CFR 202.301 (bulk sensitive personal data, countries of concern)",
            0,
            0,
        ),
        (
            Genomic,
            "US",
            "RU",
            GeneralResearch,
            Deny,
            "28 CFR 202.303 (human 'omic data, countries of concern)",
            0,
            0,
        ),
        (
            Clinical,
            "JP",
            "IT",
            GeneralResearch,
            Allow,
            "APPI Art. 28(1) (designated: EU/EEA and United Kingdom)",
            2,
            4000,
        ),
        (Clinical, "JP", "US", GeneralResearch, AllowWith, "APPI Art. 28(1) and (3)", 2, 4000),
        (
            Clinical,
            "BR",
            "LI",
            GeneralResearch,
            Allow,
            "LGPD Art. 33(I) (Resolution CD/ANPD 32/2026)",
            2,
            4000,
        ),
        (Clinical, "BR", "US", GeneralResearch, AllowWith, "LGPD Art. 33(II) and (VIII)", 2, 4000),
        (
            Clinical,
            "IN",
            "DE",
            GeneralResearch,
            AllowWith,
            "DPDP Act 2023 s. 16, SPDI Rules 2011 r. 7",
            2,
            4000,
        ),
        (Clinical, "CA", "US", GeneralResearch, AllowWith, "PIPEDA Sch. 1 cl. 4.1.3", 2, 4000),
        (Clinical, "CN", "DE", GeneralResearch, AllowWith, "PIPL Art. 38, 39 and 40", 2, 4000),
        (
            Genomic,
            "CN",
            "DE",
            GeneralResearch,
            Deny,
            "HGR Regulations (State Council No. 717) Art. 28",
            0,
            0,
        ),
        (Clinical, "ZZ", "DE", GeneralResearch, Deny, "no rule", 0, 0),
    ];
    for (class, from, to, purpose, verdict, law, k, epsilon) in cases {
        let decision = decide(default_rules(), &request(class, from, to, purpose));
        let found = (decision.verdict, decision.law.as_str());
        assert_eq!(found, (verdict, law), "{class} {from} {to} {purpose}");
        let found = (decision.minimum_k, decision.maximum_epsilon_milli);
        assert_eq!(found, (k, epsilon), "{class} {from} {to} {purpose}");
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
    let all = Safeguards::from_bits(63).unwrap();
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
fn the_thirty_states_of_the_eea_are_one_region() {
    let eea = default_rules().countries().filter(|(_, region)| region.to_string() == "EU").count();
    assert_eq!(eea, 30);
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
