//! A mistake in a rule file is named with its file and line.

#![allow(clippy::unwrap_used, reason = "tests")]

use caduceus_policy::{
    DataClass, Identifiability, Purpose, RULE_FILES, Request, RuleTable, Verdict, decide, decide_as,
};
use proptest::prelude::*;

const HEAD: &str = r#"[[regions]]
code = "EU"
countries = ["DE", "FR"]
[[levels]]
minimum_k = 2
maximum_epsilon_milli = 4000
[[levels]]
class = "genomic"
minimum_k = 10
maximum_epsilon_milli = 1000
"#;

fn load(rules: &str) -> Result<RuleTable, String> {
    let text = format!("{HEAD}{rules}");
    RuleTable::load(&[("x.toml", &text)]).map_err(|error| error.to_string())
}

fn rule(lines: &str) -> String {
    format!("[[rules]]\nfrom = [\"EU\"]\nto = [\"EU\"]\nlaw = \"a law\"\n{lines}\n")
}

#[test]
fn each_mistake_is_named_with_its_line() {
    let cases = [
        (
            rule("verdict = \"maybe\""),
            "x.toml, line 15: \"maybe\" is no verdict: write allow, allow_with, deny",
        ),
        (rule("verdict = \"allow\"\nlaws = 1"), "x.toml, line 16: unknown field `laws`"),
        (
            rule("verdict = \"allow\"\nclass = [\"genome\"]"),
            "x.toml, line 16: \"genome\" is no data class",
        ),
        (rule("verdict = \"allow\"\npurpose = []"), "x.toml, line 16: \"purpose\" is empty"),
        (
            rule("verdict = \"allow_with\""),
            "x.toml, line 15: safeguards belong to the verdict \"allow_with\"",
        ),
        (rule("verdict = \"allow\"\nsafeguards = [\"SCC\"]"), "x.toml, line 15: safeguards belong"),
        (
            rule("verdict = \"allow_with\"\nsafeguards = [\"NDA\"]"),
            "x.toml, line 16: \"NDA\" is no safeguard",
        ),
        (rule("verdict = \"deny\"\nminimum_k = 2"), "x.toml, line 11: a denial has no minimum_k"),
        (
            rule("verdict = \"allow\"\nminimum_k = 0"),
            "x.toml, line 11: minimum_k and maximum_epsilon_milli must",
        ),
        (rule("verdict = \"allow\"\nminimum_k = -1"), "x.toml, line 16: invalid value"),
        (
            rule("verdict = \"allow\"") + &rule("verdict = \"deny\""),
            "x.toml, line 16: x.toml, line 11 has a rule for exactly this already",
        ),
        (
            "[[rules]]\nfrom = [\"US\"]\nto = [\"EU\"]\nlaw = \"a\"\nverdict = \"deny\"".into(),
            "x.toml, line 12: US is not listed",
        ),
        (
            "[[rules]]\nfrom = [\"EU\"]\nto = [\"Europe\"]\nlaw = \"a\"\nverdict = \"deny\"".into(),
            "x.toml, line 13: \"Europe\" is no place",
        ),
        (
            "[[rules]]\nfrom = [\"EU\"]\nto = [\"EU\"]\nlaw = \" \"\nverdict = \"deny\"".into(),
            "x.toml, line 14: a rule must name its law",
        ),
        (
            "[[rules]]\nfrom = [\"EU\"]\nverdict = \"deny\"".into(),
            "x.toml, line 11: missing field `to`",
        ),
        (
            "[[regions]]\ncode = \"US\"\ncountries = [\"DE\"]".into(),
            "x.toml, line 13: DE is listed already",
        ),
        (
            "[[regions]]\ncode = \"DE\"\ncountries = [\"AT\"]".into(),
            "x.toml, line 12: DE cannot be a region and a country of another region",
        ),
        (
            "[[regions]]\ncode = \"US\"\ncountries = []".into(),
            "x.toml, line 13: \"countries\" is empty",
        ),
        (
            "[[levels]]\nclass = \"genomic\"\nminimum_k = 3\nmaximum_epsilon_milli = 1".into(),
            "x.toml, line 11: this class has a level already",
        ),
        ("x = = 1".into(), "x.toml, line 11: "),
        (
            rule("verdict = \"allow\"\nabroad = true"),
            "x.toml, line 15: the ledger has no word for \"abroad\"",
        ),
    ];
    for (text, expected) in cases {
        let message = load(&text).unwrap_err();
        assert!(message.starts_with(expected), "{message:?} should start with {expected:?}");
    }
}

#[test]
fn a_rule_without_numbers_and_without_levels_is_refused() {
    let text = format!(
        "[[regions]]\ncode = \"EU\"\ncountries = [\"DE\"]\n{}",
        rule("verdict = \"allow\"")
    );
    let error = RuleTable::load(&[("x.toml", &text)]).unwrap_err();
    assert!(error.to_string().starts_with("x.toml, line 4: state minimum_k"), "{error}");
}

#[test]
fn a_rule_for_every_class_takes_the_level_of_each_unless_another_names_the_class() {
    let asked = |class| Request {
        class,
        from: "DE".parse().unwrap(),
        to: "FR".parse().unwrap(),
        purpose: Purpose::GeneralResearch,
    };
    let open = rule("verdict = \"allow\"");
    let table = load(&open).unwrap();
    assert_eq!(decide(&table, &asked(DataClass::Clinical)).minimum_k, 2);
    assert_eq!(decide(&table, &asked(DataClass::Genomic)).minimum_k, 10);

    let named = rule("verdict = \"allow\"\nclass = [\"genomic\"]\nminimum_k = 50");
    for text in [format!("{open}{named}"), format!("{named}{open}")] {
        let decision = decide(&load(&text).unwrap(), &asked(DataClass::Genomic));
        assert_eq!((decision.minimum_k, decision.maximum_epsilon_milli), (50, 1000));
    }
}

#[test]
fn a_rule_for_abroad_alone_speaks_of_no_use_at_home() {
    let denies = |to: &str, level| {
        let rules = format!(
            "{}[[rules]]\nfrom = [\"EU\"]\nto = [\"any\"]\nabroad = true\nverdict = \"deny\"\nlaw = \"stay\"\n",
            rule("verdict = \"allow\"")
        );
        let (class, purpose) = (DataClass::Clinical, Purpose::GeneralResearch);
        let (from, to) = ("DE".parse().unwrap(), to.parse().unwrap());
        let decision =
            decide_as(&load(&rules).unwrap(), &Request { class, from, to, purpose }, level);
        (decision.verdict, decision.law)
    };
    for &level in Identifiability::ALL {
        assert_eq!(denies("DE", level), (Verdict::Allow, "a law".into()));
        assert_eq!(denies("FR", level), (Verdict::Allow, "a law".into()));
        assert_eq!(denies("ZA", level), (Verdict::Deny, "stay".into()));
    }
}

#[test]
fn no_rule_for_other_records_moves_anything_on_the_ledger() {
    let ordinary = rule("verdict = \"deny\"\nclass = [\"claims\"]\narticle = \"2\"");
    let plain = load(&format!("{}{ordinary}", rule("verdict = \"allow\""))).unwrap();
    let other = "identifiability = [\"identified\"]\nverdict = \"deny\"\narticle = \"1\"";
    let abroad = "purpose = [\"COM\"]\nabroad = true\nverdict = \"deny\"\narticle = \"3\"";
    let more = format!("{}{}{}", rule("verdict = \"allow\""), rule(other), rule(abroad));
    let more = load(&format!("{more}{ordinary}")).unwrap();
    assert_eq!(more.chain_rows(), plain.chain_rows());
    assert_eq!(plain.chain_rows().laws, ["a law", "a law 2"]);
}

#[test]
fn the_files_of_a_release_are_all_read() {
    RuleTable::load(RULE_FILES).unwrap();
}

proptest! {
    #[test]
    fn no_damage_to_a_file_makes_reading_panic(
        file in 0..RULE_FILES.len(),
        at: prop::sample::Index,
        with in "[ -~\n]{0,3}",
    ) {
        let mut files = RULE_FILES.to_vec();
        let text = files[file].1;
        let position = at.index(text.len());
        let damaged = text.get(..position).zip(text.get(position + 1..));
        let damaged = damaged.map_or(String::new(), |(left, right)| format!("{left}{with}{right}"));
        files[file].1 = &damaged;
        if let Err(error) = RuleTable::load(&files) {
            prop_assert!(error.line >= 1);
        }
    }
}
