//! stdout is the result; everything else goes to stderr.

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use caduceus_node::{News, Reporter};
use serde::Serialize;
use serde_json::Value;

/// How often a progress line is drawn anew.
const FRAME: Duration = Duration::from_millis(100);

/// What a command has to say: for a program, and for a person.
pub struct Outcome {
    json: Value,
    text: String,
    /// Whether the command found something that its caller must not overlook, such as a failed verification.
    pub good: bool,
    /// What the process ends with, where it is neither success nor failure.
    code: Option<u8>,
}

impl Outcome {
    /// A result as its JSON and as sentences.
    pub fn new(value: &impl Serialize, text: impl Into<String>) -> Outcome {
        let json = serde_json::to_value(value).expect("results have only string keys");
        Outcome { json, text: text.into(), good: true, code: None }
    }

    /// The same, with another exit code.
    pub fn with_code(self, code: u8) -> Outcome {
        Outcome { code: Some(code), ..self }
    }
}

/// Prints a result. A closed pipe is no error: its reader has seen enough. Anything else that keeps it from being read is.
pub fn print(outcome: &Outcome, json: bool) -> ExitCode {
    let text = if json { outcome.json.to_string() } else { outcome.text.trim_end().to_owned() };
    if !text.is_empty() {
        let mut stdout = io::stdout().lock();
        match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                let _ = writeln!(
                    io::stderr(),
                    "error: the result cannot be written to stdout: {error}; make room and ask again"
                );
                return ExitCode::FAILURE;
            }
            _ => {}
        }
    }
    match outcome.code {
        Some(code) => ExitCode::from(code),
        None if outcome.good => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}

/// Prints an error with its causes.
pub fn failure(error: &dyn Error) -> ExitCode {
    failure_with(error, 1)
}

/// Prints an error with its causes, and ends with this code.
pub fn failure_with(error: &dyn Error, code: u8) -> ExitCode {
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(&format!("\n  because: {inner_text}"));
        }
        cause = inner.source();
    }
    let _ = writeln!(io::stderr(), "{text}");
    ExitCode::from(code)
}

/// Shows news while a command runs: the story's sentences on stdout, progress on stderr where somebody looks.
pub fn reporter(story: bool, json: bool) -> Reporter {
    let drawn: Mutex<Option<Instant>> = Mutex::new(None);
    let watched = io::stderr().is_terminal() && !json;
    Reporter::new(move |news| match news {
        News::Progress { what, done, of } if watched => progress(&drawn, &what, done, of),
        News::Progress { .. } => {}
        _ if json => {}
        News::Step { number, of, title } => {
            clear(&drawn, watched);
            say(story, &format!("\n{number}/{of}  {title}"));
        }
        News::Fact(sentence) => {
            clear(&drawn, watched);
            say(story, &format!("     {}", sentence.replace('\n', "\n     ")));
        }
    })
}

fn say(story: bool, line: &str) {
    let _ = if story {
        writeln!(io::stdout(), "{line}")
    } else {
        writeln!(io::stderr(), "{}", line.trim_start())
    };
}

fn progress(drawn: &Mutex<Option<Instant>>, what: &str, done: u64, of: Option<u64>) {
    let Ok(mut last) = drawn.lock() else { return };
    let finished = of == Some(done);
    if last.is_some_and(|last| last.elapsed() < FRAME) && !finished {
        return;
    }
    *last = Some(Instant::now());
    let of = of.map_or(String::new(), |of| format!(" of {of}"));
    let _ = write!(io::stderr(), "\r\x1b[2K     {what}: {done}{of}");
}

fn clear(drawn: &Mutex<Option<Instant>>, watched: bool) {
    if watched && drawn.lock().is_ok_and(|mut last| last.take().is_some()) {
        let _ = write!(io::stderr(), "\r\x1b[2K");
    }
}
