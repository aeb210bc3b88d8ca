//! The report of one dataset: what came in, what was done, what risk and what utility remain.
//!
//! It is a page that needs nothing else (no script, no font, no picture from anywhere) and the same as JSON. It holds
//! counts, shares and names of columns, and no value of any row. The same inputs give the same bytes, so that a hash of
//! the page can be written where nobody changes it. A table and a custodian's records of several tables have one report;
//! [`Records`] is what only the latter have.

mod chart;

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::quality::Quality;
use crate::release::{Account, ClassSizes};
use crate::report::{FieldReport, ProtectionReport, TableReport};
use chart::{Bar, bars};

/// Everything that the report shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetReport {
    /// What the dataset is called.
    pub title: String,
    /// The day of the report, `YYYY-MM-DD`.
    pub date: String,
    /// SHA-256 of the policy's file, in hex.
    pub policy: String,
    /// What was released is known by this: SHA-256 of the file in hex, or the content identifier (CID) of sealed records.
    pub release: Option<String>,
    /// The account of what was done; its rows are people.
    pub account: Account,
    /// Sizes of classes before and after.
    pub classes: ClassSizes,
    /// What records of several tables have besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<Records>,
}

/// What came in before anything was protected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameIn {
    /// People in the export.
    pub patients: u64,
    /// Of these, whose consent permits some use: the others are left out.
    pub consenting: u64,
    /// Of these, for whom no document came and the custodian gave its word.
    pub vouched: u64,
    /// People who were erased before, and were left out.
    pub erased: u64,
    /// Records that could not be read and were set aside.
    pub set_aside: u64,
    /// Parts of consent documents that were not understood, and permit nothing.
    pub consents_not_carried: u64,
    /// Files that are not FHIR.
    pub ignored_files: u64,
}

/// What the report of records of several tables shows besides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Records {
    /// What the chosen level of each quasi-identifier shows, in words.
    pub meanings: BTreeMap<String, String>,
    /// Fewest different conditions in any class; told, not enforced.
    pub conditions: u32,
    /// Rows of the patient table without a key, or with one that an earlier row has.
    pub set_aside: u64,
    /// Rows by table.
    pub tables: BTreeMap<String, TableReport>,
    /// What was taken out of each raw column, by `table.column`.
    pub fields: BTreeMap<String, FieldReport>,
    /// How good the dataset is.
    pub quality: Quality,
    /// What came in before; none where an earlier version did not keep it.
    #[serde(default)]
    pub intake: Option<CameIn>,
}

impl DatasetReport {
    /// The report of a custodian's records, of this `day`. `policy` is the text of the protection policy, `release` what they
    /// are known by once they are sealed.
    pub fn of_records(
        title: &str,
        day: &str,
        policy: &str,
        release: Option<&str>,
        report: &ProtectionReport,
        quality: Quality,
        intake: Option<CameIn>,
    ) -> DatasetReport {
        DatasetReport {
            title: title.to_owned(),
            date: day.to_owned(),
            policy: digest(policy.as_bytes()),
            release: release.map(str::to_owned),
            account: report.account.clone(),
            classes: report.classes.clone(),
            records: Some(Records {
                meanings: report.meanings.clone(),
                conditions: report.l_reached,
                set_aside: report.patients_set_aside,
                tables: report.tables.clone(),
                fields: report.fields.clone(),
                quality,
                intake,
            }),
        }
    }

    /// What a row of the account is called.
    fn rows(&self) -> &'static str {
        if self.records.is_some() { "patients" } else { "rows" }
    }
}

/// SHA-256 in hex, as the report names files and as it is named itself.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b2430;--quiet:#5a6675;--paper:#fff;--line:#d5dbe3;--track:#eef1f5;\
--before:#8793a3;--after:#1f7a5c}\
@media(prefers-color-scheme:dark){:root{--ink:#e8edf3;--quiet:#a3b0bf;--paper:#141a21;--line:#36414e;--track:#222b35;\
--before:#8a97a8;--after:#4cc29a}}\
*{box-sizing:border-box}\
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:56rem;margin:2rem auto;\
padding:0 1rem}\
h1{margin:0;line-height:1.2;overflow-wrap:anywhere}h2{margin:2.5rem 0 .5rem;border-bottom:1px solid var(--line)}\
.quiet,caption{color:var(--quiet)}\
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.75rem;margin:1.5rem 0}\
dl div{border:1px solid var(--line);border-radius:.5rem;padding:.6rem .8rem}\
dt{color:var(--quiet);font-size:.875rem}dd{margin:0;font-size:1.5rem;font-variant-numeric:tabular-nums}\
dd small{display:block;font-size:.875rem;line-height:1.3;color:var(--quiet)}\
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;margin:1rem 0}caption{text-align:left;padding:.3rem 0}\
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}\
th{font-weight:600}.n{text-align:right;font-variant-numeric:tabular-nums}\
.chart th{font-weight:400;width:30%;overflow-wrap:anywhere}.chart th,.chart td{border:0}.chart .n{width:32%}\
.chart svg{display:block;width:100%;height:1rem;margin-top:.25rem}.track{fill:var(--track)}\
.before{fill:var(--before)}.after{fill:var(--after)}code{overflow-wrap:anywhere}\
@media print{body{margin:0;max-width:none}h2{break-after:avoid}tr{break-inside:avoid}}";

/// The report as a page.
pub fn report_html(report: &DatasetReport) -> String {
    let account = &report.account;
    let rows = report.rows();
    let mut page = begin(&report.title, &report.date);
    page += &summary(account, rows);
    page += &match &report.records {
        Some(records) => tables_came_in(account, records),
        None => columns_came_in(account),
    };
    page += &done(account, rows, report.records.as_ref());
    let reduced = report.records.is_some() || !account.removed.is_empty();
    page += &risk(account, &report.classes, rows, reduced);
    if let Some(records) = &report.records {
        let told = match records.conditions {
            0 => "In some class nobody has a condition with a published code.".to_owned(),
            1 => "In some class everybody with a condition has the same one: who is known to be in it is known to have it.".to_owned(),
            least => format!("In every class there are at least {least} different conditions."),
        };
        let _ = writeln!(
            page,
            "<p>{told}</p><p>These figures are about the columns that k counts. Who knows more of somebody, such as their height \
             or several of their diagnoses, may still single out their rows. So the rows stay in the vault, and what leaves are \
             answers with noise.</p>"
        );
    }
    page += &utility(account, rows);
    if let Some(records) = &report.records {
        page += &quality(&records.quality);
    }
    page += &origin(report);
    page + "</main></body></html>\n"
}

/// The head of a page, up to its title.
fn begin(title: &str, date: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{0}: protection report</title>\
         <style>{STYLE}</style></head>\n<body><main><h1>{0}</h1><p class=\"quiet\">Protection report of {1}</p>\n",
        escape(title),
        escape(date)
    )
}

fn summary(account: &Account, rows: &str) -> String {
    let attack = &account.risk.linkage;
    let came = percent(attack.success_rate_before);
    let figure = |what: &str, told: String, more: &str| {
        format!("<div><dt>{what}</dt><dd>{told} <small>{more}</small></dd></div>")
    };
    let figures = [
        figure(
            &format!("{rows} released"),
            account.released.to_string(),
            &format!("of {}", account.rows),
        ),
        figure(
            "left out, since they stand out",
            account.suppressed.to_string(),
            &percent(share(account.suppressed, account.rows)),
        ),
        figure(
            &format!(
                "{} in the smallest class",
                if account.persons.is_some() { "persons" } else { rows }
            ),
            account.k.to_string(),
            &format!("at least {} asked for", account.k_required),
        ),
        figure(
            "found by an attack that was run",
            percent(attack.success_rate),
            &match attack.expected_rate {
                Some(expected) => format!("{} expected; {came} as they came", percent(expected)),
                None => format!("{came} as they came"),
            },
        ),
    ];
    let expected = attack.expected_rate.map_or(String::new(), |expected| {
        format!(
            " That is {}, of one attack that was run; over all of its chances {} is expected.",
            percent(attack.success_rate),
            percent(expected)
        )
    });
    format!(
        "<dl>{}</dl>\n<p>What others may know of a person, the quasi-identifiers, is here {}. Everybody who is released shows \
         the same of it as at least {} others. The attacker knew it of all {} {rows} as they came, took one of the released \
         {rows} that fit, and was right for {} of them.{expected}</p>\n",
        figures.concat(),
        escape(&account.generalization.keys().map(String::as_str).collect::<Vec<_>>().join(", ")),
        account.k.saturating_sub(1),
        attack.targets,
        attack.correct,
    )
}

fn columns_came_in(account: &Account) -> String {
    let rows = account.columns.iter().map(|(name, role)| {
        let shown = shown(account, name, role.as_deref());
        let role = role.as_deref().unwrap_or("not named in the policy");
        format!("<tr><td>{}</td><td>{}</td><td>{}</td></tr>", escape(name), role, escape(&shown))
    });
    format!(
        "<h2>What came in</h2><p>{} rows{} with {} columns.</p><div class=\"wide\"><table><tr><th>column</th><th>role</th>\
         <th>what is released of it</th></tr>{}</table></div>\n",
        account.rows,
        escape(&of_persons(account)),
        account.columns.len(),
        rows.collect::<String>()
    )
}

/// What is released of a column, in words.
fn shown(account: &Account, name: &str, role: Option<&str>) -> String {
    let done = account.reductions.get(name);
    match role {
        None | Some("identifying") => "nothing".to_owned(),
        Some("quasi-identifier") => {
            let level = account.meanings.get(name).cloned().unwrap_or_default();
            match done.filter(|_| level != "not shown") {
                Some(done) => format!("{level} (reduced first to {done})"),
                None => level,
            }
        }
        Some(_) => match done {
            Some(done) => done.clone(),
            None if account.removed.contains_key(name) => {
                "its values, without the identifiers that were found in them".to_owned()
            }
            None => "its values as they came".to_owned(),
        },
    }
}

/// Whose rows came in, where the policy names a column that tells.
fn of_persons(account: &Account) -> String {
    let Some(person) = account.asked.as_ref().and_then(|asked| asked.person.as_ref()) else {
        return String::new();
    };
    match (account.persons, account.persons_released) {
        (Some(persons), Some(released)) => {
            format!(" of {persons} persons ({person}), {released} of whom are released,")
        }
        (Some(persons), None) => format!(" of {persons} persons ({person})"),
        _ => format!(", each of another person ({person}),"),
    }
}

/// What came in, a line for each number that is not zero.
fn came_in(intake: &CameIn) -> String {
    let left_out = intake.patients - intake.consenting.min(intake.patients);
    let lines = [
        (intake.patients, "patients in the export"),
        (left_out, "of them are left out: no consent of theirs permits any use"),
        (
            intake.vouched,
            "of the others are in by the custodian's word alone: no document of theirs came",
        ),
        (intake.erased, "people were erased before and are left out"),
        (intake.set_aside, "records could not be read and are set aside"),
        (intake.consents_not_carried, "parts of consents were not understood, and permit nothing"),
        (intake.ignored_files, "files are not FHIR or are empty and were not read"),
    ];
    let lines = lines.iter().filter(|(count, _)| *count > 0);
    let lines = lines.map(|(count, what)| format!("<li>{count} {what}</li>"));
    format!("<ul>{}</ul>", lines.collect::<String>())
}

fn tables_came_in(account: &Account, records: &Records) -> String {
    let intake = records.intake.as_ref().map(came_in).unwrap_or_default();
    let mut text = format!(
        "<h2>What came in</h2>{intake}<p>{} patients are protected here; {} more rows of the patient table had no key, or one that was there \
         before.</p><div class=\"wide\"><table><tr><th>table</th><th class=\"n\">rows in</th><th class=\"n\">rows out</th>\
         <th class=\"n\">left out with their patient</th><th class=\"n\">of nobody</th></tr>",
        account.rows, records.set_aside
    );
    for (table, rows) in &records.tables {
        let cells = [rows.rows_in, rows.rows_out, rows.suppressed, rows.set_aside];
        text += &row(table, cells.iter().map(u64::to_string));
    }
    text + "</table></div>\n"
}

/// A line of a table: a name and numbers.
fn row(name: &str, numbers: impl IntoIterator<Item = String>) -> String {
    let cells = numbers.into_iter().map(|number| format!("<td class=\"n\">{number}</td>"));
    format!("<tr><td>{}</td>{}</tr>", escape(name), cells.collect::<String>())
}

fn done(account: &Account, rows: &str, records: Option<&Records>) -> String {
    let bar = |(column, &level): (&String, &usize)| {
        let top = account.levels.get(column).map_or(1, |levels| levels.saturating_sub(1)).max(1);
        let meanings = records.map_or(&account.meanings, |records| &records.meanings);
        let meaning = meanings.get(column);
        let meaning = meaning.map_or(String::new(), |meaning| format!(": {meaning}"));
        let (label, value) = (column.clone(), level as f64 / top as f64);
        Bar { label, value, told: format!("{level} of {top}{meaning}"), after: true }
    };
    let levels: Vec<Bar> = account.generalization.iter().map(bar).collect();
    let chosen = match account.optimal {
        true => format!("this one was taken ({} were counted)", account.counted),
        false => "this one was taken".to_owned(),
    };
    let limit = account.asked.as_ref().map_or(String::new(), |asked| {
        format!(", where at most {} may be", percent(asked.suppression))
    });
    let mut text = format!(
        "<h2>What was done</h2><p>{}. Values were made coarser until at least {} {} agree in all \
         quasi-identifiers; of {} ways to do so {chosen}: {}. Who would still stand out was left out: {} {rows} \
         ({}{limit}).</p>{}\n",
        escape(&account.method),
        account.k_required,
        if account.persons.is_some() { "persons" } else { rows },
        account.candidates,
        account.optimum(),
        account.suppressed,
        percent(share(account.suppressed, account.rows)),
        bars("Level of each quasi-identifier, 0 showing the most", &levels)
    );
    if !account.not_safe_harbor.is_empty() {
        text += "<p>This is no release by Safe Harbor (45 CFR 164.514(b)(2)). What keeps it from being one:</p>\
                 <table><tr><th>column</th><th>why</th></tr>";
        for (column, why) in &account.not_safe_harbor {
            let _ = write!(text, "<tr><td>{}</td><td>{}</td></tr>", escape(column), escape(why));
        }
        text += "</table>\n";
    }
    if !account.may_be_ages.is_empty() {
        let _ = writeln!(
            text,
            "<p>Numbers from 0 to 120, some over 89, of which neither the policy nor the name of the column says what they are: {}. \
             If they are ages, this is no release by Safe Harbor.</p>",
            escape(&account.may_be_ages.join(", "))
        );
    }
    if !account.removed.is_empty() {
        text += "<table><tr><th>column</th><th>identifiers removed or reduced by the rules of Safe Harbor, by kind</th></tr>";
        for (column, kinds) in &account.removed {
            let kinds: Vec<String> =
                kinds.iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
            let (column, kinds) = (escape(column), escape(&kinds.join(", ")));
            let _ = write!(text, "<tr><td>{column}</td><td>{kinds}</td></tr>");
        }
        text += "</table>\n";
    }
    if let Some(records) = records {
        text += "<div class=\"wide\"><table><tr><th>field of the records</th><th class=\"n\">values removed</th>\
                 <th class=\"n\">values made coarser</th></tr>";
        let touched = |done: &FieldReport| done.removed + done.generalized > 0;
        for (field, done) in records.fields.iter().filter(|(_, done)| touched(done)) {
            text += &row(field, [done.removed, done.generalized].iter().map(u64::to_string));
        }
        let kept = records.fields.iter().filter(|(_, done)| !touched(done));
        let kept: Vec<&str> = kept.map(|(field, _)| field.as_str()).collect();
        let _ = writeln!(
            text,
            "</table></div><p>Shown as they came, or empty: {}.</p>",
            escape(if kept.is_empty() { "none".into() } else { kept.join(", ") }.as_str())
        );
    }
    text
}

fn risk(account: &Account, classes: &ClassSizes, rows: &str, reduced: bool) -> String {
    let risk = &account.risk;
    let compare = [
        Bar::share("unique, as they came", risk.uniqueness.before_share, false),
        Bar::share("unique, as released", risk.uniqueness.after_share, true),
        Bar::share("found by the attack, as they came", risk.linkage.success_rate_before, false),
        Bar::share("found by the attack, as released", risk.linkage.success_rate, true),
    ];
    let mut text = format!(
        "<h2>What risk remains</h2>{}<div class=\"wide\"><table><tr><th>attacker</th><th>looks for</th>\
         <th class=\"n\">chance at most</th><th class=\"n\">on average</th><th class=\"n\">{rows} above {}</th></tr>",
        bars(&format!("Share of the {rows}"), &compare),
        percent(risk.prosecutor.threshold)
    );
    let anybody = match account.delta {
        Some(_) => "anybody of the population",
        None => "anybody of the population; none was given, so the table is taken for it",
    };
    for (who, what, risk) in [
        ("prosecutor", "a person known to be in the table", &risk.prosecutor),
        ("journalist", anybody, &risk.journalist),
    ] {
        let chances = [risk.highest, risk.average, risk.at_risk].map(percent);
        text += &row(who, chances).replacen("</td>", &format!("</td><td>{what}</td>"), 1);
    }
    let _ = writeln!(
        text,
        "<tr><td>marketer</td><td>as many as possible</td><td></td><td class=\"n\">{}</td><td></td></tr></table></div>",
        percent(risk.marketer.rate)
    );
    text += &sensitive(account);
    let sizes = |when: &str, sizes: &BTreeMap<u64, u64>, after: bool| {
        let title = format!("How many {rows} are in a class of so many who look alike, {when}");
        bars(&title, &chart::histogram(sizes, after))
    };
    // What is unique as it came is less so once it is reduced: the bars above tell the former.
    let before = match reduced {
        true => "once identifiers were removed or reduced, before values were made coarser",
        false => "before values were made coarser",
    };
    text += &sizes(before, &classes.before, false);
    text + &sizes("as released", &classes.after, true)
}

/// How sure one may be that somebody of a population is in the release.
fn presence(account: &Account) -> String {
    let Some((low, high)) = account.delta else { return String::new() };
    let asked = account.asked.as_ref().and_then(|asked| asked.delta);
    let asked = asked.map_or(String::new(), |(min, max)| {
        format!(", where from {} to {} was asked for", percent(min), percent(max))
    });
    format!(
        "<p>Who knows what others may know of somebody of the population, knows that they are in the release with a chance \
         from {} to {}{asked}.</p>\n",
        percent(low),
        percent(high)
    )
}

/// What is learnt of sensitive columns by somebody who finds no row.
fn sensitive(account: &Account) -> String {
    let presence = presence(account);
    if account.sensitive.is_empty() {
        return presence;
    }
    let mut text = String::from(
        "<div class=\"wide\"><table><tr><th>sensitive column</th><th>asked for in each class</th><th class=\"n\">fewest values in a class</th>\
         <th class=\"n\">as by entropy</th><th class=\"n\">most frequent value at most</th>\
         <th class=\"n\">distance at most</th></tr>",
    );
    for (column, reached) in &account.sensitive {
        let cells = [
            reached.distinct.to_string(),
            format!("{:.2}", reached.entropy),
            percent(reached.most_frequent),
            format!("{:.3}", reached.distance),
        ];
        let asked = account.asked.as_ref().map(|asked| {
            [asked.l.get(column), asked.t.get(column)].into_iter().flatten().cloned().collect()
        });
        let asked: Vec<String> = asked.unwrap_or_default();
        let asked = if asked.is_empty() { "nothing".to_owned() } else { asked.join("; ") };
        let asked = format!("</td><td>{}</td>", escape(&asked));
        text += &row(column, cells).replacen("</td>", &asked, 1);
    }
    text += "</table></div>\n";
    text += &presence;
    for (column, inference) in &account.risk.linkage.sensitive {
        let _ = writeln!(
            text,
            "<p>Guessing <em>{}</em> of everybody by their class is right for {}; guessing the most frequent value of \
             all, for {}.</p>",
            escape(column),
            percent(inference.success_rate),
            percent(inference.baseline)
        );
    }
    text
}

fn utility(account: &Account, rows: &str) -> String {
    let measures = &account.measures;
    let average = format!("released {rows} for each released class");
    let mut lines = vec![
        ("loss", "loss (Iyengar), 0 to 1", format!("{:.5}", measures.loss)),
        ("entropy", "information lost (entropy), 0 to 1", format!("{:.5}", measures.entropy)),
        ("discernibility", "discernibility", format!("{:.0}", measures.discernibility)),
        ("average_class_size", &average, format!("{:.2}", measures.average_class_size)),
    ];
    if let Some(weighted) = account.optimized.filter(|_| account.utility == "weighted loss") {
        let what = "loss by the policy's weights, 0 to 1";
        lines.insert(0, ("weighted loss", what, format!("{weighted:.5}")));
    }
    let least =
        if account.optimal { ": the least there is, proven" } else { ": what was to be least" };
    let lines = lines.into_iter().map(|(name, what, value)| {
        row(&format!("{what}{}", if account.utility == name { least } else { "" }), [value])
    });
    format!("<h2>What utility remains</h2><table>{}</table>\n", lines.collect::<String>())
}

fn quality(quality: &Quality) -> String {
    let score = |label: &str, points: u16| Bar::share(label, f64::from(points) / 10_000.0, true);
    bars(
        "Quality of what is released",
        &[
            score("completeness", quality.completeness),
            score("validity", quality.validity),
            score("freshness", quality.freshness),
            score("patients with a rare condition", quality.rarity.saturating_sub(10_000)),
        ],
    )
}

fn origin(report: &DatasetReport) -> String {
    let mut text =
        format!("<h2>Proof</h2><p>Policy: <code>sha256 {}</code></p>", escape(&report.policy));
    if let Some(release) = &report.release {
        let (what, how) = match report.records {
            Some(_) => ("Sealed records", "ipfs://"),
            None => ("Released file", "sha256 "),
        };
        let _ = write!(text, "<p>{what}: <code>{how}{}</code></p>", escape(release));
    }
    text + "\n"
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn percent(share: f64) -> String {
    // A space that breaks no line.
    format!("{:.2}\u{a0}%", share * 100.0)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
