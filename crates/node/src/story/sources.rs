//! What the story is told with: the options that it was begun with, and where its records come from.

use std::path::{Path, PathBuf};

use caduceus_records::cohort;
use serde::{Deserialize, Serialize};

use super::CUSTODIANS;
use crate::custodian::Intake;
use crate::error::{NodeError, Result};
use crate::node::Node;

/// Where the home keeps what the story was begun with.
const OPTIONS: &str = "story/options";
/// Patients of each generated cohort, and the cohorts' seed, where nobody says otherwise.
const PATIENTS: usize = 1_000;
const COHORT_SEED: u64 = 1;

/// How the story is told. What is left out is as it was when the story was begun, or as usual.
#[derive(Clone, Debug, Default)]
pub struct StoryOptions {
    /// Patients of each custodian's generated cohort.
    pub patients: Option<usize>,
    /// Real FHIR folders in place of the generated cohorts.
    pub data: Option<PathBuf>,
    /// Seed of the home's keys and of the generated cohorts.
    pub seed: Option<u64>,
}

/// What a story was begun with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    patients: Option<usize>,
    data: Option<String>,
    seed: Option<u64>,
}

impl Told {
    /// As a part of a sentence.
    fn in_words(&self) -> String {
        let records = match &self.data {
            Some(data) => format!("--data {data}"),
            None => format!("--patients {}", self.patients.unwrap_or(PATIENTS)),
        };
        match self.seed {
            Some(seed) => format!("{records} --seed {seed}"),
            None => format!("{records} and no --seed"),
        }
    }
}

/// The folder that a custodian's records were read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderOf {
    /// Who read it.
    pub custodian: String,
    /// The folder.
    pub folder: String,
}

/// Which folders were read, and what was left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceReport {
    /// The folder of each custodian.
    pub used: Vec<FolderOf>,
    /// Whether they share one folder, whose patients are divided between them.
    pub divided: bool,
    /// Folders and FHIR files that nobody read.
    pub unused: Vec<String>,
}

impl SourceReport {
    /// As sentences.
    pub fn in_words(&self) -> Vec<String> {
        let mut lines: Vec<String> = match self.divided {
            true => vec![format!(
                "one folder of records, {}: its patients are divided between the two hospitals",
                self.used.first().map_or("", |of| &of.folder)
            )],
            false => {
                self.used.iter().map(|of| format!("{} reads {}", of.custodian, of.folder)).collect()
            }
        };
        if !self.unused.is_empty() {
            lines.push(format!("not used: {}", self.unused.join(", ")));
        }
        lines
    }
}

/// Refuses options that cannot be followed, before anything is made.
pub fn check_options(options: &StoryOptions) -> Result<()> {
    options.data.as_deref().map_or(Ok(()), |data| layout(data).map(|_| ()))
}

/// What the story is told with: what was asked for when it was begun, and refused where this asks for something else.
pub(super) fn agreed(node: &Node, options: &StoryOptions) -> Result<Told> {
    let data = options.data.as_deref().map(whole_path).transpose()?;
    let asked = Told { patients: options.patients, data, seed: options.seed };
    let Some(told) = node.home.recall::<Told>(OPTIONS)? else {
        node.home.record(OPTIONS, &asked)?;
        return Ok(asked);
    };
    let before = Told { patients: told.patients.or(Some(PATIENTS)), ..told.clone() };
    let other = (asked.patients.is_some() && asked.patients != before.patients)
        || (asked.data.is_some() && asked.data != before.data)
        || (asked.seed.is_some() && asked.seed != before.seed);
    match other {
        false => Ok(told),
        true => Err(NodeError::not_ready(
            format!(
                "the story in {} was begun with {} and can only go on with that",
                node.home.dir().display(),
                told.in_words()
            ),
            "leave the options out to go on with it, or name another folder with --dir",
        )),
    }
}

/// Where each custodian's records come from: a generated cohort, a folder each, or one folder shared by patient.
pub(super) fn sources(node: &Node, told: &Told) -> Result<(Vec<Intake>, Option<SourceReport>)> {
    let Some(data) = &told.data else {
        let cohorts = CUSTODIANS.iter().zip(0..);
        let intakes =
            cohorts.map(|((name, country), place)| generated(node, told, name, country, place));
        return Ok((intakes.collect::<Result<_>>()?, None));
    };
    if let Some(patients) = told.patients {
        node.report
            .fact(format!("--patients {patients} is not used: the records come from {data}"));
    }
    let (folders, unused) = layout(Path::new(data))?;
    let divided = folders.len() < CUSTODIANS.len();
    let of = |place: usize| folders.get(place).unwrap_or(&folders[0]).clone();
    let intakes = (0..CUSTODIANS.len()).map(|place| Intake {
        input: vec![of(place)],
        part: divided.then_some((place, CUSTODIANS.len())),
        vouch: true,
    });
    let used = CUSTODIANS.iter().enumerate().map(|(place, (name, _))| FolderOf {
        custodian: (*name).to_owned(),
        folder: of(place).display().to_string(),
    });
    let report = SourceReport {
        used: used.collect(),
        divided,
        unused: unused.iter().map(|path| path.display().to_string()).collect(),
    };
    Ok((intakes.collect(), Some(report)))
}

/// The folders to read, one a custodian or one for all, and what beside them is left alone.
///
/// Two folders with FHIR files in `data` go first, in the order of their names; else the files in `data` itself count,
/// else those of its only folder that has some.
fn layout(data: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    const LAYOUTS: &str = "name a folder with --data that holds FHIR R4 as .ndjson or .json files, or two such folders";
    if !data.is_dir() {
        return Err(NodeError::not_ready(format!("{} is no folder", data.display()), LAYOUTS));
    }
    let files = fhir_files(data)?;
    let folders = caduceus_records::subfolders(data)?;
    let mut full = Vec::new();
    for folder in &folders {
        if !fhir_files(folder)?.is_empty() {
            full.push(folder.clone());
        }
    }
    let used: Vec<PathBuf> = if full.len() >= CUSTODIANS.len() {
        full.into_iter().take(CUSTODIANS.len()).collect()
    } else if !files.is_empty() {
        vec![data.to_owned()]
    } else {
        full
    };
    let here = used.contains(&data.to_owned());
    let mut unused: Vec<PathBuf> =
        folders.into_iter().filter(|folder| !used.contains(folder)).collect();
    unused.extend(files.into_iter().filter(|_| !here));
    match used.is_empty() {
        true => {
            Err(NodeError::not_ready(format!("{} holds no FHIR files", data.display()), LAYOUTS))
        }
        false => Ok((used, unused)),
    }
}

/// The files of a folder that can hold FHIR, by the ends of their names, in their order.
fn fhir_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| NodeError::file("list", folder, error))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| NodeError::file("list", folder, error))?.path();
        let end = path.extension().map(|end| end.to_ascii_lowercase());
        if end.is_some_and(|end| end == "ndjson" || end == "json") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The path of a folder from the root on, so that it is the same wherever the story is told again from.
fn whole_path(folder: &Path) -> Result<String> {
    let whole = folder.canonicalize().map_err(|error| NodeError::file("read", folder, error))?;
    Ok(whole.display().to_string())
}

fn generated(node: &Node, told: &Told, name: &str, country: &str, place: u64) -> Result<Intake> {
    let folder = node.home.dir().join("cohorts").join(name);
    let country = country.parse().expect("the story names countries by their codes");
    let seed = told.seed.unwrap_or(COHORT_SEED).wrapping_mul(2).wrapping_add(place);
    let patients = told.patients.unwrap_or(PATIENTS);
    let options = cohort::CohortOptions { patients, country, seed, ..Default::default() };
    cohort::generate(&options, &folder)?;
    Ok(Intake { input: vec![folder], part: None, vouch: false })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs;

    use super::*;

    /// A folder with these files, each with what could be FHIR.
    fn data(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        dir
    }

    fn names(dir: &Path, paths: &[PathBuf]) -> Vec<String> {
        let name = |path: &PathBuf| path.strip_prefix(dir).unwrap().display().to_string();
        paths.iter().map(name).collect()
    }

    #[test]
    fn each_layout_is_read_as_it_says_and_what_is_left_is_named() {
        let cases: [(&[&str], &[&str], &[&str]); 6] = [
            (&["a/x.ndjson", "b/x.ndjson"], &["a", "b"], &[]),
            (&["a/x.ndjson", "b/x.ndjson", "c/x.json", "y.json"], &["a", "b"], &["c", "y.json"]),
            (&["Patient.ndjson", "Condition.ndjson"], &[""], &[]),
            (&["one.json", "two.json"], &[""], &[]),
            (&["one.json", "a/x.ndjson"], &[""], &["a"]),
            (&["a/letter.txt", "b/x.ndjson"], &["b"], &["a"]),
        ];
        for (files, used, unused) in cases {
            let dir = data(files);
            let found = layout(dir.path()).unwrap();
            assert_eq!(names(dir.path(), &found.0), used, "{files:?}");
            assert_eq!(names(dir.path(), &found.1), unused, "{files:?}");
        }
    }

    #[test]
    fn a_folder_without_fhir_is_refused_before_anything_is_made() {
        let dir = data(&["letter.txt"]);
        let options = StoryOptions { data: Some(dir.path().to_owned()), ..Default::default() };
        assert!(check_options(&options).unwrap_err().to_string().contains("--data"));
        let options = StoryOptions { data: Some(dir.path().join("no")), ..Default::default() };
        assert!(check_options(&options).unwrap_err().to_string().contains("is no folder"));
    }
}
