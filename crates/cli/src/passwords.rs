//! Passwords: from a file or typed, never an argument, which every user of the machine could read.

use std::io::{IsTerminal as _, stdin};
use std::path::Path;

use caduceus_node::keystore::Password;
use caduceus_node::{NodeError, Result};
use zeroize::Zeroizing;

/// The password in `file`, without the end of its line, or the one that is typed.
pub fn ask(file: Option<&Path>, option: &str, what: &str) -> Result<Password> {
    match file {
        Some(path) => from_file(path),
        None if stdin().is_terminal() => typed(what),
        None => Err(NodeError::Usage(format!(
            "there is nobody to type the password of {what}; put it into a file and name it with {option}"
        ))),
    }
}

/// As [`ask`], typed twice where it is typed.
pub fn choose(file: Option<&Path>, option: &str, what: &str) -> Result<Password> {
    let first = ask(file, option, what)?;
    if file.is_none() && *typed(&format!("{what}, once more"))? != *first {
        return Err(NodeError::Usage("the two passwords differ; try again".into()));
    }
    Ok(first)
}

fn from_file(path: &Path) -> Result<Password> {
    let mut bytes = Zeroizing::new(std::fs::read(path).map_err(|source| NodeError::File {
        verb: "read",
        path: path.to_owned(),
        source,
    })?);
    // Editors end a file with a line break that nobody means.
    while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        bytes.pop();
    }
    Ok(bytes)
}

fn typed(what: &str) -> Result<Password> {
    let text = rpassword::prompt_password(format!("Password of {what}: "));
    let text = text.map_err(|error| NodeError::Usage(format!("no password was typed: {error}")))?;
    Ok(Zeroizing::new(text.into_bytes()))
}
