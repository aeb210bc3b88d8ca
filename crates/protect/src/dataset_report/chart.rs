//! Bar charts as inline SVG, with their numbers as text beside the bars, so that a screen reader reads them too.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::escape;

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

const HEIGHT: usize = 22;
const LABELS: usize = 190;
const LENGTH: f64 = 380.0;

/// Bars under each other, with a title.
pub(super) fn bars(title: &str, bars: &[Bar]) -> String {
    let height = bars.len() * HEIGHT + 4;
    let width = LABELS + LENGTH as usize + 110;
    let mut svg = format!(
        "<figure><figcaption>{0}</figcaption><svg role=\"img\" aria-label=\"{0}\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">",
        escape(title)
    );
    for (row, bar) in bars.iter().enumerate() {
        let top = row * HEIGHT + 2;
        let length = bar.value.clamp(0.0, 1.0) * LENGTH;
        let class = if bar.after { "after" } else { "before" };
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><rect class=\"{class}\" x=\"{LABELS}\" y=\"{}\" width=\"{length:.1}\" height=\"{}\"/><text x=\"{:.1}\" y=\"{}\">{}</text>",
            LABELS - 8,
            top + 14,
            escape(&bar.label),
            top + 2,
            HEIGHT - 6,
            LABELS as f64 + length + 6.0,
            top + 14,
            escape(&bar.told)
        );
    }
    svg + "</svg></figure>\n"
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
        Bar { label, value, told: format!("{rows} rows, {}", super::percent(value)), after }
    };
    ranges.into_iter().map(bar).collect()
}
