//! A table of a TOML file, read key by key, so that every mistake can be told with the key's whole name.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use toml::{Table, Value};

use super::TablePolicyError;

/// A table, and which of its keys were asked for.
pub(crate) struct Section<'a> {
    path: String,
    table: &'a Table,
    known: BTreeSet<String>,
}

impl<'a> Section<'a> {
    pub(crate) fn new(path: &str, table: &'a Table) -> Section<'a> {
        Section { path: path.to_owned(), table, known: BTreeSet::new() }
    }

    fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The error of a key that is there and wrong.
    pub(crate) fn wrong(&self, key: &str, what: &str) -> TablePolicyError {
        TablePolicyError::new(self.name(key), what)
    }

    /// The error of a key that is not there.
    pub(crate) fn missing(&self, key: &str, what: &str) -> TablePolicyError {
        TablePolicyError::new(self.name(key), format!("the key is missing; {what}"))
    }

    fn get(&mut self, key: &str) -> Option<&'a Value> {
        self.known.insert(key.to_owned());
        self.table.get(key)
    }

    /// Whether the key is there and a table itself.
    pub(crate) fn is_section(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(Value::is_table)
    }

    pub(crate) fn section(&mut self, key: &str) -> Result<Option<Section<'a>>, TablePolicyError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(Section::new(&self.name(key), table))),
            Some(_) => Err(self.wrong(key, "it must be a table, as in [name] or { key = value }")),
        }
    }

    /// All tables in this one, by their keys.
    pub(crate) fn sections(&self) -> Result<Vec<(String, Section<'a>)>, TablePolicyError> {
        let section = |(key, value): (&String, &'a Value)| match value {
            Value::Table(table) => Ok((key.clone(), Section::new(&self.name(key), table))),
            _ => Err(self.wrong(key, "it must be a table, such as { role = \"insensitive\" }")),
        };
        self.table.iter().map(section).collect()
    }

    pub(crate) fn text(&mut self, key: &str) -> Result<Option<String>, TablePolicyError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.wrong(key, "it must be a text in quotes")),
        }
    }

    pub(crate) fn flag(&mut self, key: &str) -> Result<Option<bool>, TablePolicyError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Boolean(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.wrong(key, "it must be true or false")),
        }
    }

    pub(crate) fn number(&mut self, key: &str) -> Result<Option<f64>, TablePolicyError> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match number(value) {
                Some(number) => Ok(Some(number)),
                None => Err(self.wrong(key, "it must be a number")),
            },
        }
    }

    pub(crate) fn texts(&mut self, key: &str) -> Result<Option<Vec<String>>, TablePolicyError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match value.as_array().and_then(|list| list.iter().map(text).collect()) {
            Some(list) => Ok(Some(list)),
            None => Err(self.wrong(key, "it must be a list of texts, such as [\"yes\", \"no\"]")),
        }
    }

    pub(crate) fn numbers(&mut self, key: &str) -> Result<Option<Vec<f64>>, TablePolicyError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let list = value.as_array().map(|list| list.iter().map(number).collect());
        match list.flatten() {
            Some(list) => Ok(Some(list)),
            None => Err(self.wrong(key, "it must be a list of numbers, such as [5, 10]")),
        }
    }

    pub(crate) fn whole(
        &mut self,
        key: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, TablePolicyError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let whole = value.as_integer().and_then(|whole| u64::try_from(whole).ok());
        match whole.filter(|whole| range.contains(whole)) {
            Some(whole) => Ok(Some(whole)),
            None => {
                let what = format!("it must be a whole number from {} on", range.start());
                Err(self.wrong(key, &what))
            }
        }
    }

    /// A number from 0 to 1.
    pub(crate) fn share(&mut self, key: &str) -> Result<Option<f64>, TablePolicyError> {
        match self.number(key)? {
            Some(share) if !(0.0..=1.0).contains(&share) => {
                Err(self.wrong(key, "it is a share and must be from 0 to 1, such as 0.02"))
            }
            share => Ok(share),
        }
    }

    pub(crate) fn choice<T: Copy>(
        &mut self,
        key: &str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, TablePolicyError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        self.one_of(key, value, choices).map(Some)
    }

    pub(crate) fn choices<T: Copy>(
        &mut self,
        key: &str,
        choices: &[(&str, T)],
    ) -> Result<Option<Vec<T>>, TablePolicyError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let Some(list) = value.as_array() else {
            return Err(self.wrong(key, "it must be a list"));
        };
        list.iter()
            .map(|value| self.one_of(key, value, choices))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn one_of<T: Copy>(
        &self,
        key: &str,
        value: &Value,
        choices: &[(&str, T)],
    ) -> Result<T, TablePolicyError> {
        let found = choices.iter().find(|(name, _)| value.as_str() == Some(name));
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.wrong(key, &format!("it must be one of {}", names.join(", ")))
        })
    }

    /// Refuses keys that nobody asked for.
    pub(crate) fn finish(self) -> Result<(), TablePolicyError> {
        match self.table.keys().find(|key| !self.known.contains(*key)) {
            None => Ok(()),
            Some(key) => {
                let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
                let what = format!("there is no such key; those here are {}", known.join(", "));
                Err(self.wrong(key, &what))
            }
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(whole) => Some(*whole as f64),
        Value::Float(number) if number.is_finite() => Some(*number),
        _ => None,
    }
}
