//! Two threads make patients, one writes them, in the patients' order.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};

use super::dice::Dice;
use super::patient::Person;
use super::render::{FILES, Lines};
use super::{CohortOptions, CohortSummary, care, places};
use crate::error::RecordsError;
use crate::parquet_files::{finish, partial_name};

/// Patients that are made at a time; two or three such chunks are held by each thread.
const CHUNK: usize = 500;
const THREADS: usize = 2;
/// Streams that spoil records, and those of treatments, lie behind those of the patients.
const DAMAGE: u64 = 1 << 63;
const CARE: u64 = 1 << 62;

struct Output {
    path: PathBuf,
    partial: PathBuf,
    file: BufWriter<File>,
}

pub(crate) fn cohort(
    options: &CohortOptions,
    folder: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<CohortSummary, RecordsError> {
    fs::create_dir_all(folder).map_err(RecordsError::io("make", folder))?;
    let paths = FILES.map(|name| folder.join(name));
    if let Some(there) = paths.iter().find(|path| !options.replace && path.exists()) {
        return Err(RecordsError::Exists(there.clone()));
    }
    let written = write_all(options, &paths, progress);
    if written.is_err() {
        for path in &paths {
            // Nothing more can be done if this fails too; the first error is the one to tell.
            let _ = fs::remove_file(partial_name(path));
        }
    }
    written
}

fn write_all(
    options: &CohortOptions,
    paths: &[PathBuf],
    progress: &mut dyn FnMut(u64),
) -> Result<CohortSummary, RecordsError> {
    let open = |path: &PathBuf| {
        let partial = partial_name(path);
        let file = File::create(&partial).map_err(RecordsError::io("write", path))?;
        Ok(Output { path: path.clone(), partial, file: BufWriter::with_capacity(1 << 18, file) })
    };
    let mut outputs = paths.iter().map(open).collect::<Result<Vec<Output>, RecordsError>>()?;
    let summary = write_chunks(options, &mut outputs, progress)?;
    // All files are brought to the disk before the first gets its name.
    for output in &mut outputs {
        output.file.flush().map_err(RecordsError::io("write", &output.path))?;
        output.file.get_ref().sync_all().map_err(RecordsError::io("write", &output.path))?;
    }
    for output in &outputs {
        finish(output.file.get_ref(), &output.partial, &output.path)?;
    }
    Ok(summary)
}

fn write_chunks(
    options: &CohortOptions,
    outputs: &mut [Output],
    progress: &mut dyn FnMut(u64),
) -> Result<CohortSummary, RecordsError> {
    let chunks = options.patients.div_ceil(CHUNK);
    let mut summary = CohortSummary::default();
    std::thread::scope(|scope| {
        let receivers: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (sender, receiver) = sync_channel(2);
                scope.spawn(move || make(options, thread, &sender));
                receiver
            })
            .collect();
        for chunk in 0..chunks {
            // A thread ends early only by a panic, which the scope passes on when it ends.
            let Ok(lines) = receivers[chunk % THREADS].recv() else { break };
            append(&lines, outputs, &mut summary)?;
            progress(summary.patients);
        }
        Ok(summary)
    })
}

/// Makes every chunk of one thread.
fn make(options: &CohortOptions, thread: usize, sender: &SyncSender<Lines>) {
    let starts = (0..options.patients).step_by(CHUNK).skip(thread).step_by(THREADS);
    for start in starts {
        let mut lines = Lines { share: options.damaged, ..Lines::default() };
        for number in start..options.patients.min(start + CHUNK) {
            add(options, number as u64, &mut lines);
        }
        // The writer is gone where writing failed: there is nothing left to make.
        if sender.send(lines).is_err() {
            return;
        }
    }
}

fn add(options: &CohortOptions, number: u64, lines: &mut Lines) {
    // Cohorts of two countries share no patient even where their seeds are the same.
    let seed = options.seed ^ (options.country as u64 + 1) << 56;
    let mut dice = Dice::new(seed, number);
    let mut person = Person::new(places::of(options.country), options.reference_date, &mut dice);
    care::add(&mut person, options.reference_date, &mut Dice::new(seed, CARE | number));
    let mut damage = (options.damaged > 0).then(|| Dice::new(seed, DAMAGE | number));
    lines.add(&person, options.country.code(), damage.as_mut());
}

fn append(
    lines: &Lines,
    outputs: &mut [Output],
    summary: &mut CohortSummary,
) -> Result<(), RecordsError> {
    for (output, text) in outputs.iter_mut().zip(&lines.text) {
        output.file.write_all(text.as_bytes()).map_err(RecordsError::io("write", &output.path))?;
        summary.bytes += text.len() as u64;
    }
    let [patients, conditions, encounters, observations, consents, medications, procedures] =
        lines.counts;
    summary.patients += patients;
    summary.conditions += conditions;
    summary.encounters += encounters;
    summary.observations += observations;
    summary.consents += consents;
    summary.medications += medications;
    summary.procedures += procedures;
    summary.refusals += lines.refusals;
    summary.damaged += lines.damaged;
    Ok(())
}
