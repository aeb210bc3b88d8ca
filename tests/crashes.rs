//! Killed at any moment with its state kept, the story goes on and ends as if nothing had happened.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::story::holds;
use crate::support::{Server, caduceus, folder, json, text};

/// `Anchored(address,uint64,bytes32)`: a vault that was cut off may note a step twice, and then anchors its log once more.
const ANCHORED: &str = "0x0cd48d2f0de2b26babeaa563bc19f67e7b14bb998edeaabe4592e8b4472dda6b";

fn events(home: &std::path::Path) -> Vec<(Value, Value)> {
    let logs = Server::ledger(home).logs();
    let lasting = logs.iter().filter(|log| log["topics"][0] != ANCHORED);
    lasting.map(|log| (log["address"].clone(), log["topics"][0].clone())).collect()
}

/// Starts the story and kills it without warning once it has said `lines` lines; says whether it came to its end first.
fn kill_after(lines: usize, arguments: &[&str]) -> bool {
    let mut child =
        caduceus(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let said = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .take(lines)
        .map_while(Result::ok)
        .count();
    let _ = child.kill();
    child.wait().unwrap();
    said < lines
}

#[test]
fn a_story_killed_after_every_few_lines_ends_with_the_events_of_one_that_was_not() {
    let (broken, whole) = (folder(), folder());
    let of_broken = ["demo", "--patients", "40", "--seed", "9", "--dir", text(broken.path())];
    let of_whole = ["demo", "--patients", "40", "--seed", "9", "--dir", text(whole.path())];
    let mut kills = 0;
    for lines in 1.. {
        // Each run says what was done before in one line a step, so every kill comes a little later than the last.
        if kill_after(lines, &of_broken) || lines > 80 {
            break;
        }
        kills += 1;
    }
    assert!(kills > 10, "the story was killed only {kills} times");
    holds(&json(&of_broken));
    holds(&json(&of_whole));
    assert_eq!(events(broken.path()), events(whole.path()));
    let audit = json(&["audit", "verify", "--dir", text(broken.path())]);
    assert_eq!(audit["verified"], true);
}
