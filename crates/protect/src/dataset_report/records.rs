//! The report of a dataset of several tables: what came in, what was done, how good it is.

use std::fmt::Write;

use super::chart::{Bar, bars};
use super::{begin, escape, percent};
use crate::quality::Quality;
use crate::report::ProtectionReport;

/// The report as a page. `title` names the dataset, `content` what it is known by on the ledger.
pub fn records_html(
    title: &str,
    content: &str,
    report: &ProtectionReport,
    quality: &Quality,
) -> String {
    let mut page = begin(title, &report.reference_date);
    let _ = writeln!(
        page,
        "<p><strong>{} of {} patients are in</strong>, each like at least {} others in sex, age and region; {} were left \
         out because they would stand out.</p>",
        report.patients_out,
        report.patients_in,
        report.k_reached.saturating_sub(1),
        report.patients_suppressed
    );
    page += "<h2>What came in, and what is in it</h2><table><tr><th>table</th><th>rows in</th><th>rows out</th>\
             <th>left out with their patient</th><th>set aside</th></tr>";
    for (table, rows) in &report.tables {
        let _ = write!(
            page,
            "<tr><td>{}</td><td class=n>{}</td><td class=n>{}</td><td class=n>{}</td><td class=n>{}</td></tr>",
            escape(table),
            rows.rows_in,
            rows.rows_out,
            rows.suppressed,
            rows.set_aside
        );
    }
    let _ = write!(page, "</table>\n<h2>What was done</h2><p>{}.</p>", escape(&report.method));
    let levels: Vec<Bar> = report
        .quasi_identifiers
        .iter()
        .map(|chosen| {
            let top = chosen.levels.saturating_sub(1).max(1);
            Bar {
                label: chosen.column.clone(),
                value: f64::from(chosen.level) / f64::from(top),
                told: format!("{} of {top}: {}", chosen.level, chosen.meaning),
                after: true,
            }
        })
        .collect();
    page += &bars("Level of each quasi-identifier, of its highest", &levels);
    page += "<table><tr><th>field of the records</th><th>values removed</th><th>values made coarser</th></tr>";
    for (field, done) in &report.fields {
        let _ = write!(
            page,
            "<tr><td>{}</td><td class=n>{}</td><td class=n>{}</td></tr>",
            escape(field),
            done.removed,
            done.generalized
        );
    }
    let chance = 1.0 / f64::from(report.k_reached.max(1));
    let _ = write!(
        page,
        "</table>\n<h2>What risk and what utility remain</h2><p>Somebody who knows a patient's sex, age and region finds \
         their row with a chance of at most {}. {} of the information in these three was lost. In every class there are \
         at least {} different conditions.</p>",
        percent(chance),
        percent(f64::from(report.loss) / 1e6),
        report.l_reached
    );
    let score = |label: &str, points: u16| Bar {
        label: label.to_owned(),
        value: f64::from(points) / 10_000.0,
        told: percent(f64::from(points) / 10_000.0),
        after: true,
    };
    page += &bars(
        "Quality",
        &[
            score("completeness", quality.completeness),
            score("validity", quality.validity),
            score("freshness", quality.freshness),
            score("patients with a rare condition", quality.rarity.saturating_sub(10_000)),
        ],
    );
    let _ = writeln!(page, "<h2>Proof</h2><p>Content: <code>{}</code></p>", escape(content));
    page + "</body></html>\n"
}
