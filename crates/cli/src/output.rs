//! stdout is the result; everything else goes to stderr.

use std::borrow::Cow;
use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use caduceus_node::folder::{self, Refused};
use caduceus_node::{News, NodeError, Reporter};
use serde::Serialize;
use serde_json::{Value, json};

/// How often a progress line is drawn anew.
const FRAME: Duration = Duration::from_millis(100);

/// What a command has to say: for a program, and for a person.
pub struct Outcome {
    json: Option<Value>,
    text: String,
    /// Whether the command found something that its caller must not overlook, such as a failed verification.
    pub good: bool,
    /// What the process exits with where it is not good: 1, or 2 where what the caller wrote is at fault.
    pub code: u8,
}

impl Outcome {
    /// A result as one JSON object and as sentences.
    pub fn new(value: &impl Serialize, text: impl Into<String>) -> Outcome {
        let json = serde_json::to_value(value).expect("results have only string keys");
        debug_assert!(json.is_object(), "a result is one JSON object: {json}");
        Outcome { json: Some(json), text: text.into(), good: true, code: 1 }
    }

    /// A result that is a list: an object with the list under `name`, and a line for each, or `none` where it is empty.
    pub fn list<T: Serialize>(name: &str, all: &[T], lines: &[String], none: &str) -> Outcome {
        let text = if all.is_empty() { none.to_owned() } else { lines.join("\n") };
        Outcome::new(&json!({ name: all }), text)
    }

    /// The same result, but the process exits with `code` unless it is good.
    pub fn unless(self, good: bool, code: u8) -> Outcome {
        Outcome { good, code, ..self }
    }

    /// Nothing more to say.
    pub fn said() -> Outcome {
        Outcome { json: None, text: String::new(), good: true, code: 1 }
    }
}

/// Rows with their columns below each other. The last column is as wide as it needs.
pub fn columns<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let widths: Vec<usize> = (0..N)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default())
        .collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// A text with its control characters escaped, but for line ends and tabs, and so with what turns the direction of writing: what
/// others wrote must not move the cursor, or show as other words than it has.
pub fn plain(text: &str) -> Cow<'_, str> {
    let acts = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match acts(c) {
            true => escaped.extend(c.escape_unicode()),
            false => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// Prints a result. A closed pipe is no error: its reader has seen enough. Anything else that keeps it from being read is.
pub fn print(outcome: &Outcome, json: bool) -> ExitCode {
    let text = match &outcome.json {
        Some(value) if json => value.to_string(),
        None if json => String::new(),
        _ => plain(outcome.text.trim_end()).into_owned(),
    };
    // A line of progress may still be there.
    if io::stderr().is_terminal() {
        let _ = write!(io::stderr(), "\r\x1b[2K");
    }
    match write_out(&text) {
        Err(failure) => failure,
        Ok(()) if outcome.good => ExitCode::SUCCESS,
        Ok(()) => ExitCode::from(outcome.code),
    }
}

fn write_out(text: &str) -> Result<(), ExitCode> {
    if text.is_empty() {
        return Ok(());
    }
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            cannot_print(&error);
            Err(ExitCode::FAILURE)
        }
        _ => Ok(()),
    }
}

/// Says something beside the result, on stderr.
pub fn aside(line: &str) {
    // If stderr is gone there is nobody to tell.
    let _ = writeln!(io::stderr(), "{}", plain(line));
}

/// Says that stdout takes no more.
pub fn cannot_print(error: &io::Error) {
    let _ = writeln!(
        io::stderr(),
        "error: the result cannot be written to stdout: {error}; make room and ask again"
    );
}

/// Says that the store met pages that it cannot follow. Whoever opened the file says which, and what to do.
pub fn damaged_pages() {
    let _ = writeln!(io::stderr(), "a file holds pages that are not what was written");
}

/// Prints an error with its causes on stderr, and as one JSON object on stdout where that was asked for.
pub fn failure(error: &dyn Error, json: bool) -> ExitCode {
    failure_with(error, json, 1, None)
}

/// The same for an error of the product: its exit code, and what a program may want to know of a refused question.
pub fn failed(error: &NodeError, json: bool) -> ExitCode {
    failure_with(error, json, error.exit_code(), folder::refusal(error))
}

fn failure_with(error: &dyn Error, json: bool, code: u8, refusal: Option<Refused>) -> ExitCode {
    refuse(error_said(error), refusal, json);
    ExitCode::from(code)
}

/// Says an error with its causes on stderr, and gives it as JSON.
pub fn error_said(error: &dyn Error) -> Value {
    let message = error.to_string();
    let mut said = message.clone();
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !said.contains(&text) {
            said.push_str(&text);
            causes.push(text);
        }
        cause = inner.source();
    }
    let _ = writeln!(io::stderr(), "error: {}", plain(&message));
    for cause in &causes {
        let _ = writeln!(io::stderr(), "  because: {}", plain(cause));
    }
    json!({ "message": message, "causes": causes })
}

/// Prints why the arguments cannot be understood, or the help or version that was asked for.
pub fn misunderstood(refusal: &clap::Error) -> ExitCode {
    let _ = refusal.print();
    if refusal.use_stderr() {
        let text = refusal.to_string();
        let first = text.split("\n\n").next().unwrap_or_default();
        let message = first.trim_start_matches("error: ").trim();
        // What clap could not read is read here only to know how to answer.
        let error = json!({ "message": message, "causes": [] });
        refuse(error, None, std::env::args_os().any(|argument| argument == "--json"));
    }
    ExitCode::from(u8::try_from(refusal.exit_code()).unwrap_or(2))
}

/// The error as JSON. It has been said on stderr, so that a stdout that cannot be written to changes nothing.
fn refuse(error: Value, refusal: Option<Refused>, json: bool) {
    if json {
        let mut error = json!({ "error": error });
        if let Some(Refused { construct, suggestion }) = refusal {
            error["refused"] = json!({ "construct": construct, "suggestion": suggestion });
        }
        let _ = writeln!(io::stdout(), "{error}");
    }
}

/// Shows news while a command runs: the story's sentences on stdout, progress on stderr where somebody looks.
pub fn reporter(story: bool, json: bool) -> Reporter {
    let drawn: Drawn = Mutex::new(None);
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
    let line = plain(line);
    let _ = if story {
        writeln!(io::stdout(), "{line}")
    } else {
        writeln!(io::stderr(), "{}", line.trim_start())
    };
}

/// When progress was last shown, and of what.
type Drawn = Mutex<Option<(Instant, String)>>;

fn progress(drawn: &Drawn, what: &str, done: u64, of: Option<u64>) {
    let Ok(mut last) = drawn.lock() else { return };
    let finished = of == Some(done);
    // Another piece of work is shown at once: it may take long before it has more to tell.
    let shown = |(at, shown): &(Instant, String)| at.elapsed() < FRAME && shown == what;
    if last.as_ref().is_some_and(shown) && !finished {
        return;
    }
    *last = Some((Instant::now(), what.to_owned()));
    let of = of.map_or(String::new(), |of| format!(" of {of}"));
    let _ = write!(io::stderr(), "\r\x1b[2K     {}: {done}{of}", plain(what));
}

fn clear(drawn: &Drawn, watched: bool) {
    if watched && drawn.lock().is_ok_and(|mut last| last.take().is_some()) {
        let _ = write!(io::stderr(), "\r\x1b[2K");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_shown_and_not_done() {
        let calm = "M\u{fc}nster \u{5317}\u{4eac}\n\ta; b";
        assert!(matches!(plain(calm), Cow::Borrowed(same) if same == calm));
        for code in (0..=0x9f_u32).chain(0x2000..=0x2070) {
            let c = char::from_u32(code).expect("no surrogate");
            let shown = plain(&format!("a{c}b")).into_owned();
            assert!(shown.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'), "{code:x}");
        }
        assert_eq!(plain("\u{1b}[2J\r\u{9b}1m\u{202e}"), "\\u{1b}[2J\\u{d}\\u{9b}1m\\u{202e}");
    }

    #[test]
    fn columns_stand_below_each_other_and_lines_end_where_their_words_do() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        let lines = columns(&[row(["a", "M\u{fc}nster", "x"]), row(["long", "b", ""])]);
        assert_eq!(lines, ["a     M\u{fc}nster  x", "long  b"]);
    }
}
