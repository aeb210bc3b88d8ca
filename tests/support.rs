//! Running the binary, reading what it says, and asking a ledger.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The binary, with nothing of the caller's environment that would change what it does.
pub fn caduceus(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_caduceus"));
    command.args(arguments).stdin(Stdio::null());
    for name in ["CADUCEUS_DIR", "CADUCEUS_FUNDER_KEY_FILE", "RUST_LOG"] {
        command.env_remove(name);
    }
    command
}

/// Runs the binary to its end.
pub fn run(arguments: &[&str]) -> Output {
    caduceus(arguments).output().unwrap()
}

/// Runs a command that must succeed, and reads the one JSON object that it prints.
pub fn json(arguments: &[&str]) -> Value {
    let output = run(&[arguments, &["--json"]].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?} failed: {stderr}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    object(arguments, &stdout)
}

/// The one JSON object on stdout.
fn object(arguments: &[&str], stdout: &str) -> Value {
    assert_eq!(stdout.lines().count(), 1, "more than one object on stdout: {stdout}");
    let value: Value = serde_json::from_str(stdout)
        .unwrap_or_else(|error| panic!("{arguments:?} printed no JSON ({error}): {stdout}"));
    assert!(value.is_object(), "{arguments:?} printed no object: {value}");
    value
}

/// Runs a command that must fail, and reads its error as JSON: the same sentence as on stderr, with this exit code.
pub fn refused_json(arguments: &[&str], code: i32) -> String {
    let output = run(&[arguments, &["--json"]].concat());
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    let value = object(arguments, &stdout);
    let message = value["error"]["message"].as_str().unwrap().to_owned();
    assert!(value["error"]["causes"].is_array(), "{value}");
    assert!(stderr.contains(message.lines().next().unwrap()), "{message} and {stderr}");
    message
}

/// The words of a command line without quotes, and the home that it is for.
pub fn at<'a>(home: &'a str, line: &'a str) -> Vec<&'a str> {
    line.split_whitespace().chain(["--dir", home]).collect()
}

/// What a command that must succeed says to a person.
pub fn said(arguments: &[&str]) -> String {
    let output = run(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?} failed: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that must fail with a sentence on stderr, nothing on stdout, and no panic.
pub fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{arguments:?} succeeded");
    assert!(!stderr.contains("panicked"), "{arguments:?} panicked: {stderr}");
    assert!(stderr.contains("error: "), "{arguments:?} says no sentence: {stderr}");
    assert!(output.stdout.is_empty(), "{arguments:?} printed a result with its error");
    stderr
}

/// A folder for a home that goes away with the test.
pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Third-party data beside the workspace, or a sentence that the test was skipped.
pub fn shared(part: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let path = root.parent().unwrap().join("shared/data").join(part);
    if !path.exists() {
        eprintln!("skipped: shared/data/{part} is not beside this workspace");
        return None;
    }
    Some(path)
}

/// A server that a test started and that stops with the test.
pub struct Server {
    child: Child,
    pub url: String,
}

impl Server {
    /// Starts `command` and waits for the first line, on stdout or stderr, that ends in an address on loopback.
    pub fn start(mut command: Command, on_stdout: bool) -> Server {
        let (out, err) = if on_stdout {
            (Stdio::piped(), Stdio::null())
        } else {
            (Stdio::null(), Stdio::piped())
        };
        let mut child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().unwrap();
        let pipe: Box<dyn Read + Send> = match on_stdout {
            true => Box::new(child.stdout.take().unwrap()),
            false => Box::new(child.stderr.take().unwrap()),
        };
        let mut lines = BufReader::new(pipe).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let at = line.find("127.0.0.1:")?;
            Some(line[at..].split([';', ' ']).next().unwrap().to_owned())
        });
        let server = Server {
            child,
            url: format!("http://{}", address.expect("the server says where it listens")),
        };
        std::thread::spawn(move || lines.for_each(drop)); // a full pipe must not stop the server
        server
    }

    /// Stops the server without ending it: connections are accepted for it and nothing is answered.
    pub fn pause(&self) {
        signal(self.child.id(), "-STOP");
    }

    /// Lets a paused server go on.
    pub fn go_on(&self) {
        signal(self.child.id(), "-CONT");
    }

    /// Anvil on a free port, from the npm package that the contracts' tests install.
    pub fn anvil() -> Option<Server> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let modules = root.join("contracts/node_modules/@foundry-rs");
        let packages = std::fs::read_dir(&modules).into_iter().flatten().flatten();
        let executable = packages
            .filter(|package| package.file_name().to_string_lossy().starts_with("anvil-"))
            .map(|package| package.path().join("bin/anvil"))
            .find(|path| path.is_file());
        let Some(executable) = executable else {
            assert!(
                std::env::var_os("CI").is_none(),
                "Anvil is missing: run the tests by `cargo xtask test`"
            );
            eprintln!("skipped: Anvil is not installed; `cargo xtask test` installs it");
            return None;
        };
        let mut command = Command::new(executable);
        command.args(["--port", "0", "--host", "127.0.0.1"]);
        Some(Server::start(command, true))
    }

    /// The embedded ledger of a home, served by the binary.
    pub fn ledger(home: &Path) -> Server {
        Server::start(caduceus(&["ledger", "serve", "--port", "0", "--dir", text(home)]), false)
    }

    /// One JSON-RPC call.
    pub fn rpc(&self, method: &str, params: Value) -> Value {
        rpc(&self.url, method, params)
    }

    /// Every log of the chain, oldest first.
    pub fn logs(&self) -> Vec<Value> {
        let logs = self.rpc("eth_getLogs", json!([{ "fromBlock": "0x0", "toBlock": "latest" }]));
        logs.as_array().unwrap().clone()
    }
}

/// Sends a process a signal, such as `-STOP`.
pub fn signal(process: u32, name: &str) {
    let id = process.to_string();
    assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
}

/// One JSON-RPC call to a ledger.
pub fn rpc(url: &str, method: &str, params: Value) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    let response = String::from_utf8(response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let body = match head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        true => unchunk(body),
        false => body.to_owned(),
    };
    let answer: Value =
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{method}: {error}: {body}"));
    assert!(answer.get("error").is_none(), "{method}: {answer}");
    answer["result"].clone()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn unchunk(body: &str) -> String {
    let mut rest = body;
    let mut whole = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        whole.push_str(&after[..size]);
        if size == 0 {
            break;
        }
        rest = after[size..].trim_start_matches("\r\n");
    }
    whole
}
