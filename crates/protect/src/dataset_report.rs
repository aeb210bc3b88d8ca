//! The report of one dataset: what came in, what was done, what risk and what utility remain.
//!
//! It is a page that needs nothing else (no script, no font, no picture from anywhere) and the same as JSON. It holds
//! counts, shares and names of columns, and no value of any row. The same inputs give the same bytes, so that a hash of
//! the page can be written where nobody changes it.

mod chart;
mod records;

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::release::{Account, ClassSizes};
use chart::{Bar, bars};
pub use records::records_html;

/// Everything that the report shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetReport {
    /// What the dataset is called.
    pub title: String,
    /// The day of the report, `YYYY-MM-DD`.
    pub date: String,
    /// SHA-256 of the policy's file, in hex.
    pub policy: String,
    /// SHA-256 of the released file, in hex.
    pub release: Option<String>,
    /// The account of what was done.
    pub account: Account,
    /// Sizes of classes before and after.
    pub classes: ClassSizes,
}

/// SHA-256 in hex, as the report names files and as it is named itself.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b2430;--paper:#fff;--line:#d5dbe3;--before:#9aa7b8;--after:#1f7a5c}\
@media(prefers-color-scheme:dark){:root{--ink:#e8edf3;--paper:#141a21;--line:#36414e;--after:#4cc29a}}\
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:56rem;margin:2rem auto;\
padding:0 1rem}h1{margin-bottom:0}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line)}td.n{text-align:right}\
figure{margin:1rem 0}svg{max-width:100%;height:auto}svg text{fill:var(--ink);font:12px system-ui,sans-serif}\
.before{fill:var(--before)}.after{fill:var(--after)}code{word-break:break-all}";

/// The report as a page.
pub fn report_html(report: &DatasetReport) -> String {
    let account = &report.account;
    let mut page = begin(&report.title, &report.date);
    page += &summary(account);
    page += &came_in(account);
    page += &done(account);
    page += &risk(account, &report.classes);
    page += &utility(account);
    page += &origin(report);
    page + "</body></html>\n"
}

/// The head of a page, up to its title.
fn begin(title: &str, date: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{0}: protection report</title>\
         <style>{STYLE}</style></head>\n<body><h1>{0}</h1><p>Protection report of {1}</p>\n",
        escape(title),
        escape(date)
    )
}

fn summary(account: &Account) -> String {
    let attack = &account.risk.linkage;
    format!(
        "<p><strong>{} of {} rows are released</strong>, {} are left out. Every released row is shown by at least {} \
         rows. An attacker who knew the quasi-identifiers of all {} people was let loose on the release and found the \
         row of {} of them ({}); on the table as it came, of {}.</p>\n",
        account.released,
        account.rows,
        account.suppressed,
        account.k,
        attack.targets,
        attack.correct,
        percent(attack.success_rate),
        percent(attack.success_rate_before)
    )
}

fn came_in(account: &Account) -> String {
    let rows = account.columns.iter().map(|(name, role)| {
        let role = role.as_deref().unwrap_or("not named in the policy: not released");
        format!("<tr><td>{}</td><td>{}</td></tr>", escape(name), escape(role))
    });
    format!(
        "<h2>What came in</h2><p>{} rows with {} columns.</p><table><tr><th>column</th><th>role</th></tr>{}</table>\n",
        account.rows,
        account.columns.len(),
        rows.collect::<String>()
    )
}

fn done(account: &Account) -> String {
    let levels: Vec<Bar> = account
        .generalization
        .iter()
        .map(|(column, &level)| {
            let top =
                account.levels.get(column).map_or(1, |levels| levels.saturating_sub(1)).max(1);
            let share = level as f64 / top as f64;
            Bar {
                label: column.clone(),
                value: share,
                told: format!("{level} of {top}"),
                after: true,
            }
        })
        .collect();
    let mut text = format!(
        "<h2>What was done</h2><p>Values were made coarser until at least {} rows agree in all quasi-identifiers; of \
         {} ways to do so {}. Rows that would still stand out were left out: {} ({}).</p>{}\n",
        account.k_required,
        account.candidates,
        if account.optimal {
            format!(
                "this one loses least by {} (proven, {} counted)",
                account.utility, account.counted
            )
        } else {
            format!("this one is the best of {} that were counted", account.counted)
        },
        account.suppressed,
        percent(account.suppressed as f64 / account.rows.max(1) as f64),
        bars("Level of each quasi-identifier, of its highest", &levels)
    );
    if !account.removed.is_empty() {
        text += "<table><tr><th>column</th><th>identifiers removed or reduced (Safe Harbor), by kind</th></tr>";
        for (column, kinds) in &account.removed {
            let kinds: Vec<String> =
                kinds.iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
            let _ = write!(
                text,
                "<tr><td>{}</td><td>{}</td></tr>",
                escape(column),
                escape(&kinds.join(", "))
            );
        }
        text += "</table>\n";
    }
    if !account.sensitive.is_empty() {
        text += "<table><tr><th>sensitive column</th><th>fewest values in a class</th><th>as by entropy</th>\
                 <th>most frequent value at most</th><th>distance at most</th></tr>";
        for (column, reached) in &account.sensitive {
            let _ = write!(
                text,
                "<tr><td>{}</td><td class=n>{}</td><td class=n>{:.2}</td><td class=n>{}</td><td class=n>{:.3}</td></tr>",
                escape(column),
                reached.distinct,
                reached.entropy,
                percent(reached.most_frequent),
                reached.distance
            );
        }
        text += "</table>\n";
    }
    text
}

fn risk(account: &Account, classes: &ClassSizes) -> String {
    let risk = &account.risk;
    let compare = [
        ("unique rows, before", risk.uniqueness.before_share, false),
        ("unique rows, after", risk.uniqueness.after_share, true),
        ("attack succeeds, before", risk.linkage.success_rate_before, false),
        ("attack succeeds, after", risk.linkage.success_rate, true),
    ];
    let compare: Vec<Bar> = compare
        .into_iter()
        .map(|(label, value, after)| Bar {
            label: label.into(),
            value,
            told: percent(value),
            after,
        })
        .collect();
    let mut text = format!(
        "<h2>What risk remains</h2>{}<table><tr><th>attacker</th><th>looks for</th><th>chance at most</th>\
         <th>on average</th><th>rows above {}</th></tr>",
        bars("Share of the rows", &compare),
        percent(risk.prosecutor.threshold)
    );
    for (who, what, risk) in [
        ("prosecutor", "a person known to be in the table", &risk.prosecutor),
        ("journalist", "anybody of the population", &risk.journalist),
    ] {
        let _ = write!(
            text,
            "<tr><td>{who}</td><td>{what}</td><td class=n>{}</td><td class=n>{}</td><td class=n>{}</td></tr>",
            percent(risk.highest),
            percent(risk.average),
            percent(risk.at_risk)
        );
    }
    let _ = writeln!(
        text,
        "<tr><td>marketer</td><td>as many as possible</td><td></td><td class=n>{}</td><td></td></tr></table>",
        percent(risk.marketer.rate)
    );
    for (column, inference) in &risk.linkage.sensitive {
        let _ = writeln!(
            text,
            "<p>Guessing <em>{}</em> of everybody by their class is right for {}; guessing the most frequent value of \
             all, for {}.</p>",
            escape(column),
            percent(inference.success_rate),
            percent(inference.baseline)
        );
    }
    let sizes = |label: &str, sizes: &std::collections::BTreeMap<u64, u64>, after: bool| {
        bars(label, &chart::histogram(sizes, after))
    };
    text += &sizes("Rows by the size of their class, before", &classes.before, false);
    text + &sizes("Rows by the size of their class, after", &classes.after, true)
}

fn utility(account: &Account) -> String {
    let measures = &account.measures;
    format!(
        "<h2>What utility remains</h2><table>\
         <tr><td>loss (Iyengar), 0 to 1</td><td class=n>{:.5}</td></tr>\
         <tr><td>information lost (entropy), 0 to 1</td><td class=n>{:.5}</td></tr>\
         <tr><td>discernibility</td><td class=n>{:.0}</td></tr>\
         <tr><td>rows for each class</td><td class=n>{:.2}</td></tr></table>\n",
        measures.loss, measures.entropy, measures.discernibility, measures.average_class_size
    )
}

fn origin(report: &DatasetReport) -> String {
    let mut text =
        format!("<h2>Proof</h2><p>Policy: <code>sha256 {}</code></p>", escape(&report.policy));
    if let Some(release) = &report.release {
        let _ = write!(text, "<p>Released file: <code>sha256 {}</code></p>", escape(release));
    }
    text + "\n"
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
