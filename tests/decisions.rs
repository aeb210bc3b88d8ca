//! Deciding by vote, where time passes on request and no vote is lost by it in silence.

use std::path::Path;

use serde_json::json as object;

use crate::support::{Server, at, folder, json, refused, said, text};

/// A home with three members, two of whom were there before the first proposal.
fn cooperative(dir: &Path) -> String {
    let (home, cohort) = (dir.join("home"), dir.join("cohort"));
    let (home, cohort) = (text(&home).to_owned(), text(&cohort).to_owned());
    json(&at(&home, "init --seed 21"));
    json(&at(&home, "party register --name clinic --role custodian --country DE"));
    json(&["cohort", "generate", "--patients", "30", "--country", "DE", "--out", &cohort]);
    json(&at(&home, &format!("ingest --custodian clinic --input {cohort}")));
    json(&at(&home, "protect --custodian clinic"));
    json(&at(&home, "publish --custodian clinic"));
    json(&at(&home, "member join --custodian clinic --count 3"));
    home
}

const SPLIT: &str =
    "governance propose --member clinic/1 --contributors 9000 --treasury 600 --buyback 400";
const OTHER: &str =
    "governance propose --member clinic/2 --contributors 8000 --treasury 1500 --buyback 500";

#[test]
fn a_proposal_says_what_it_does_and_is_executed_only_once_it_has_won() {
    let dir = folder();
    let home = &cooperative(dir.path());
    assert!(refused(&at(home, "governance show")).contains("governance propose"));
    assert!(said(&at(home, "governance list")).contains("no proposals yet"));

    let made = json(&at(home, SPLIT));
    assert_eq!(
        made["actions"][0],
        object!({ "kind": "split", "contributors": 9000, "treasury": 600, "buyback": 400, "pool_yield": 3000 })
    );
    assert_eq!((&made["state"], &made["members"]), (&"pending".into(), &3.into()));
    let shown = said(&at(home, "governance show"));
    assert!(shown.contains("90.00 % to contributors, 6.00 % to the treasury"), "{shown}");

    for _ in 0..2 {
        let error = refused(&at(home, "governance execute"));
        assert!(error.contains("proposal 1 has not won yet"), "{error}");
        assert!(error.contains("caduceus governance vote --proposal 1"), "{error}");
    }
    let voted = json(&at(home, "governance vote --member clinic/1"));
    assert_eq!((&voted["state"], &voted["votes_for"]), (&"active".into(), &1.into()));
    assert!(
        refused(&at(home, "governance execute")).contains("1 for"),
        "two who have not voted could still turn it"
    );
    json(&at(home, "governance vote --member clinic/2"));
    assert_eq!(
        json(&at(home, "governance execute"))["state"],
        "executed",
        "two of three cannot be outvoted"
    );

    let again = said(&at(home, "governance execute"));
    assert!(again.contains("executed before; nothing changed"), "{again}");
    let late = refused(&at(home, "governance vote --member clinic/3"));
    assert!(late.contains("voting on proposal 1 ended on 20"), "{late}");
}

#[test]
fn a_payment_names_who_is_paid_what_and_waits_for_the_treasury_to_hold_it() {
    let dir = folder();
    let home = &cooperative(dir.path());
    let made =
        json(&at(home, "governance pay --member clinic/1 --token data --amount 12 --to clinic/2"));
    let action = &made["actions"][0];
    assert_eq!(action["kind"], "payment");
    assert_eq!((&action["token"], &action["amount"]), (&"DATA".into(), &"12.00".into()));
    assert_eq!(action["name"], "clinic/2");

    json(&at(home, "governance pay --member clinic/1 --token usdc --amount 5 --to clinic/3"));
    json(&at(home, "governance vote"));
    let error = refused(&at(home, "governance execute"));
    assert!(error.contains("the treasury holds 0.00 USDC, and proposal 2 pays 5.00"), "{error}");
    assert_eq!(json(&at(home, "governance show"))["state"], "active", "no time passed for it");
}

#[test]
fn a_vote_that_ends_while_time_passes_for_another_is_said_and_a_lost_one_is_an_error() {
    let dir = folder();
    let home = &cooperative(dir.path());
    json(&at(home, SPLIT));
    json(&at(home, OTHER));
    assert_eq!(json(&at(home, "status"))["proposals"].as_array().unwrap().len(), 2);
    json(&at(home, "member join --custodian clinic --count 4"));
    let voted = json(&at(home, "governance vote"));
    assert_eq!((&voted["number"], &voted["votes_for"]), (&2.into(), &4.into()), "{voted}");

    let executed = json(&at(home, "governance execute --proposal 2"));
    assert_eq!(executed["state"], "executed");
    let note = executed["notes"][0].as_str().unwrap();
    assert!(note.contains("ends the vote on proposal 1") && note.contains("it is lost"), "{note}");

    for command in ["governance execute --proposal 1", "governance vote --proposal 1"] {
        let error = refused(&at(home, command));
        assert!(error.contains("proposal 1") && error.contains("defeated"), "{error}");
    }
    assert_eq!(json(&at(home, "governance show --proposal 1"))["state"], "defeated");
    assert!(refused(&at(home, "governance show --proposal 7")).contains("from 1 to 2"));
    let all = json(&at(home, "governance list"));
    assert_eq!(all["proposals"].as_array().unwrap().len(), 2);
}

#[test]
fn a_vote_without_votes_is_lost_by_time_alone_and_execute_fails_by_it() {
    let dir = folder();
    let home = &cooperative(dir.path());
    json(&at(home, SPLIT));
    let ledger = Server::ledger(Path::new(home));
    ledger.rpc("evm_increaseTime", object!([4 * 24 * 3_600]));
    drop(ledger);
    let error = refused(&at(home, "governance execute"));
    assert!(error.contains("proposal 1 is defeated: 0 for"), "{error}");
}

#[test]
fn a_pause_says_until_when_and_lifting_what_was_never_paused_says_so() {
    let dir = folder();
    let home = &cooperative(dir.path());
    let never = said(&at(home, "guardian lift --scopes trading,jobs"));
    assert!(never.contains("trading was not paused; nothing changed"), "{never}");
    let paused = said(&at(home, "guardian pause --scopes trading --hours 24"));
    assert!(paused.contains("trading is paused until 20"), "{paused}");
    let again = refused(&at(home, "guardian pause --scopes trading --hours 24"));
    assert!(again.contains("trading is paused or was paused lately"), "{again}");
    assert!(again.contains("Z only"), "a date, not a number of seconds: {again}");
    let lifted = json(&at(home, "guardian lift --scopes trading,jobs"));
    assert_eq!(
        (&lifted["lifted"], &lifted["not_paused"]),
        (&object!(["trading"]), &object!(["jobs"]))
    );
}
