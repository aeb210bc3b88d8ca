//! Bar charts as tables: each row has its label, a bar as inline SVG, and its number as text, so that a screen reader
//! reads them too and a narrow screen folds nothing.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{escape, percent};

/// One bar.
pub(super) struct Bar {
    pub(super) label: String,
    /// Its length, as a share of the longest possible.
    pub(super) value: f64,
    /// What is written beside it.
    pub(super) told: String,
    /// Whether it shows what came out, not what came in.
    pub(super) after: bool,
}

impl Bar {
    /// A bar that shows a share.
    pub(super) fn share(label: &str, value: f64, after: bool) -> Bar {
        Bar { label: label.to_owned(), value, told: percent(value), after }
    }
}

/// Bars under each other, with a title.
pub(super) fn bars(title: &str, bars: &[Bar]) -> String {
    let mut table = format!("<table class=\"chart\"><caption>{}</caption>", escape(title));
    for bar in bars {
        let class = if bar.after { "after" } else { "before" };
        let _ = write!(
            table,
            "<tr><th scope=\"row\">{}</th><td><svg aria-hidden=\"true\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\">\
             <rect class=\"track\" width=\"100\" height=\"10\"/><rect class=\"{class}\" width=\"{:.2}\" height=\"10\"/></svg></td>\
             <td class=\"n\">{}</td></tr>",
            escape(&bar.label),
            bar.value.clamp(0.0, 1.0) * 100.0,
            escape(&bar.told)
        );
    }
    table + "</table>\n"
}

/// Rows by the size of their class, sizes gathered into powers of two above four.
pub(super) fn histogram(sizes: &BTreeMap<u64, u64>, after: bool) -> Vec<Bar> {
    let all: u64 = sizes.values().sum();
    let mut ranges: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    for (&size, &rows) in sizes {
        let range = if size <= 4 {
            (size, size)
        } else {
            let from = (size - 1).ilog2();
            ((1 << from) + 1, 1 << (from + 1))
        };
        *ranges.entry(range).or_default() += rows;
    }
    let bar = |((from, to), rows): ((u64, u64), u64)| {
        let value = rows as f64 / all.max(1) as f64;
        let label = if from == to { from.to_string() } else { format!("{from} to {to}") };
        Bar { label, value, told: format!("{rows} ({})", percent(value)), after }
    };
    ranges.into_iter().map(bar).collect()
}
