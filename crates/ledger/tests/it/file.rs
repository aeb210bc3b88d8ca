//! Files that cannot be opened, and what is said about them.

use caduceus_ledger::{Chain, Config, LedgerError};
use redb::{Database, TableDefinition};

use crate::support::{Tx, account, check_whole, config};

fn refusal(path: &std::path::Path, config: Config) -> LedgerError {
    let error = Chain::open(path, config).unwrap_err();
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error} names the file");
    error
}

#[test]
fn a_second_handle_is_told_that_the_file_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    let _first = Chain::open(&path, config()).unwrap();
    assert!(matches!(refusal(&path, config()), LedgerError::InUse { .. }));
}

#[test]
fn a_missing_folder_is_an_error_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none").join("ledger.redb");
    assert!(matches!(refusal(&path, config()), LedgerError::File { .. }));
}

#[test]
fn a_file_of_something_else_is_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [("text", b"resourceType".repeat(10_000)), ("short", b"{}".to_vec())] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(refusal(&path, config()), LedgerError::Damaged { .. }), "{name}");
    }
}

#[test]
fn a_file_cut_short_is_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    let chain = Chain::open(&path, config()).unwrap();
    chain.submit(&Tx::default().raw(&account(0))).unwrap();
    drop(chain);
    let whole = std::fs::read(&path).unwrap();
    for part in 1..8 {
        std::fs::write(&path, &whole[..whole.len() * part / 8]).unwrap();
        assert!(matches!(refusal(&path, config()), LedgerError::Damaged { .. }), "{part}/8");
    }
}

#[test]
fn a_flipped_byte_is_found_or_harmless_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    let chain = Chain::open(&path, config()).unwrap();
    chain.submit(&Tx::default().raw(&account(0))).unwrap();
    drop(chain);
    let whole = std::fs::read(&path).unwrap();
    for at in (0..4096).step_by(97).chain((4096..whole.len()).step_by(whole.len() / 40)) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x5a;
        std::fs::write(&path, &bytes).unwrap();
        match Chain::open(&path, config()) {
            Ok(chain) => assert!(chain.head().number <= 1),
            Err(error) => assert!(error.to_string().contains("ledger.redb"), "{error}"),
        }
    }
}

#[test]
fn another_format_and_another_chain_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    drop(Chain::open(&path, config()).unwrap());
    let other = Config { chain_id: 5, ..config() };
    assert!(matches!(
        refusal(&path, other),
        LedgerError::OtherChain { found: 31337, wanted: 5, .. }
    ));
    let database = Database::open(&path).unwrap();
    let write = database.begin_write().unwrap();
    let meta = TableDefinition::<&str, u64>::new("meta");
    write.open_table(meta).unwrap().insert("format", 2).unwrap();
    write.commit().unwrap();
    drop(database);
    assert!(matches!(refusal(&path, config()), LedgerError::Version { .. }));
}

#[test]
fn a_chain_opened_for_reading_answers_refuses_to_change_and_leaves_its_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    let chain = Chain::open(&path, config()).unwrap();
    chain.submit(&Tx::default().raw(&account(0))).unwrap();
    let head = chain.head();
    assert!(matches!(
        Chain::open_read_only(&path, config()).unwrap_err(),
        LedgerError::InUse { .. }
    ));
    drop(chain);
    let bytes = std::fs::read(&path).unwrap();
    let chain = Chain::open_read_only(&path, config()).unwrap();
    let _second = Chain::open_read_only(&path, config()).unwrap();
    assert_eq!(chain.head(), head);
    check_whole(&chain);
    for refused in [
        chain.mine().map(drop),
        chain.increase_time(5).map(drop),
        chain.set_balance(account(0).address(), Default::default()),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("reading only") && error.contains("ledger.redb"), "{error}");
        assert_eq!(chain.head(), head);
    }
    drop((chain, _second));
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    let missing = folder.path().join("missing.redb");
    Chain::open_read_only(&missing, config()).unwrap_err();
    assert!(!missing.exists());
}
