//! Running other programs, with failures that name the program and what to do.

use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// Why a command of xtask ended early, in a sentence.
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The root of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// A call of the cargo that runs this program, in the workspace's root.
pub fn cargo(arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let mut command = Command::new(program);
    command.current_dir(root()).args(arguments);
    command
}

/// Runs a command under a heading.
pub fn step(name: &str, mut command: Command) -> Result<(), Failure> {
    eprintln!("== {name}");
    run(&mut command)
}

/// A call of this program.
pub fn own(arguments: &[&str]) -> Result<Command, Failure> {
    let program = std::env::current_exe();
    let program = program.map_err(|error| cannot_start("xtask", &error))?;
    let mut command = Command::new(program);
    command.args(arguments);
    Ok(command)
}

/// Runs a command while `work` goes on, and shows what it printed when both have ended, also where `work` failed.
pub fn beside(
    mut command: Command,
    work: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let name = display(&command);
    let lost = |error: io::Error| Failure(format!("what `{name}` printed was lost: {error}"));
    let (mut printed, output) = io::pipe().map_err(lost)?;
    command.stdin(Stdio::null()).stdout(output.try_clone().map_err(lost)?).stderr(output);
    let mut child = command.spawn().map_err(|error| cannot_start(&name, &error))?;
    // Its ends of the pipe are the command's: what is read ends with them.
    drop(command);
    // Read while it runs: a full pipe would hold it up.
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        printed.read_to_end(&mut text).map(|_| text)
    });
    let worked = work();
    let text = reader.join().expect("reading a pipe cannot panic").map_err(lost)?;
    io::stdout().write_all(&text).map_err(lost)?;
    worked?;
    ended(&name, child.wait().map_err(lost)?)
}

/// Runs a command with this process's own input and output.
pub fn run(command: &mut Command) -> Result<(), Failure> {
    let name = display(command);
    let status = command.status().map_err(|error| cannot_start(&name, &error))?;
    ended(&name, status)
}

fn ended(name: &str, status: ExitStatus) -> Result<(), Failure> {
    if status.success() { Ok(()) } else { Err(Failure(format!("`{name}` failed ({status})"))) }
}

/// Runs a command and gives what it printed on stdout.
pub fn output(command: &mut Command) -> Result<String, Failure> {
    let name = display(command);
    let output = command.output().map_err(|error| cannot_start(&name, &error))?;
    if !output.status.success() {
        let printed = String::from_utf8_lossy(&output.stderr);
        return Err(Failure(format!("`{name}` failed ({}): {}", output.status, printed.trim())));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| Failure(format!("`{name}` printed no valid UTF-8")))
}

/// The names of the measurements, one program each.
pub fn measurements() -> Result<Vec<String>, Failure> {
    let folder = root().join("benches/src/bin");
    let list = std::fs::read_dir(&folder)
        .map_err(|error| Failure(format!("cannot list {}: {error}", folder.display())))?;
    let files = list.filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()));
    let mut names: Vec<String> = files.collect();
    names.sort();
    Ok(names)
}

fn cannot_start(name: &str, error: &io::Error) -> Failure {
    let program = name.split(' ').next().unwrap_or(name);
    Failure(format!(
        "cannot start `{program}`: {error}. Install it, or put it on the PATH, and try again."
    ))
}

fn display(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut words =
        vec![program.file_name().unwrap_or(command.get_program()).to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}
