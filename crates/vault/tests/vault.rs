//! What must hold of a vault, whatever is put into it.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::record_batch::RecordBatch;
use caduceus_records::Tables;
use caduceus_records::schema::{ColumnSchema, DatasetSchema, Domain, TableSchema};
use caduceus_vault::{Erasure, MasterKey, Receipt, Vault, VaultConfig, VaultError};
use proptest::prelude::*;

mod support;
use support::seeded;

const REPORT: &[u8] = br#"{"k":10}"#;

fn column(name: &str, domain: Domain) -> ColumnSchema {
    ColumnSchema { name: name.to_owned(), domain, unit: String::new() }
}

fn schema() -> DatasetSchema {
    let person = || column("patient", Domain::Person);
    let patient = vec![person(), column("deceased", Domain::Flag)];
    let observation = vec![
        column("value", Domain::Decimal { lower: 0.0, upper: 300.0 }),
        person(),
        column("year", Domain::Integer { lower: 1900, upper: 2100 }),
        column("code", Domain::Text),
    ];
    let table = |name: &str, columns| TableSchema {
        name: name.to_owned(),
        person: "patient".to_owned(),
        max_rows_per_person: 4,
        columns,
    };
    let tables = vec![table("patient", patient), table("observation", observation)];
    DatasetSchema { id: "test".to_owned(), version: 1, max_fuel_per_person: 1, tables }
}

type Observation = (u8, Option<f64>, Option<i64>, Option<String>);

fn tables(deceased: &[(u8, Option<bool>)], observed: &[Observation]) -> Tables {
    let name = |person: u8| format!("{person:032x}");
    let texts = |values: Vec<Option<String>>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    let flags: ArrayRef = Arc::new(deceased.iter().map(|p| p.1).collect::<BooleanArray>());
    let patient = RecordBatch::try_from_iter_with_nullable([
        ("patient", texts(deceased.iter().map(|p| Some(name(p.0))).collect()), false),
        ("deceased", flags, true),
    ]);
    let values: ArrayRef = Arc::new(observed.iter().map(|o| o.1).collect::<Float64Array>());
    let years: ArrayRef = Arc::new(observed.iter().map(|o| o.2).collect::<Int64Array>());
    let observation = RecordBatch::try_from_iter_with_nullable([
        ("value", values, true),
        ("patient", texts(observed.iter().map(|o| Some(name(o.0))).collect()), false),
        ("year", years, true),
        ("code", texts(observed.iter().map(|o| o.3.clone()).collect()), true),
    ]);
    Tables(
        [
            ("patient".to_owned(), patient.unwrap()),
            ("observation".to_owned(), observation.unwrap()),
        ]
        .into(),
    )
}

/// Sixty people with five observations each.
fn sixty() -> Tables {
    let people: Vec<_> = (0..60).map(|p| (p, Some(p % 7 == 0))).collect();
    let observe = |n: u32| {
        (
            (n % 60) as u8,
            Some(f64::from(n)),
            Some(2000 + i64::from(n % 20)),
            Some(format!("code-{n}")),
        )
    };
    tables(&people, &(0..300).map(observe).collect::<Vec<_>>())
}

fn people(batch: &RecordBatch) -> &StringArray {
    batch.column_by_name("patient").unwrap().as_any().downcast_ref().unwrap()
}

/// What opening should give: rows of these people, ordered by person, the order within a person kept.
fn expected(tables: &Tables, eligible: &dyn Fn(&str) -> bool) -> Vec<RecordBatch> {
    let of = |batch: &RecordBatch| {
        let everybody: BTreeSet<&str> =
            people(batch).iter().flatten().filter(|p| eligible(p)).collect();
        let rows = |person: &str| {
            let theirs: BooleanArray =
                people(batch).iter().map(|owner| Some(owner == Some(person))).collect();
            filter_record_batch(batch, &theirs).unwrap()
        };
        let parts: Vec<RecordBatch> = everybody.into_iter().map(rows).collect();
        concat_batches(&batch.schema(), &parts).unwrap()
    };
    ["patient", "observation"].map(|name| of(tables.get(name).unwrap())).to_vec()
}

fn columns(batches: Vec<RecordBatch>) -> Vec<Vec<ArrayRef>> {
    batches.into_iter().map(|batch| batch.columns().to_vec()).collect()
}

fn master() -> MasterKey {
    MasterKey::new([9; 32])
}

fn new_vault() -> (tempfile::TempDir, Vault) {
    let dir = tempfile::tempdir().unwrap();
    let config = VaultConfig { custodian: "Charité".to_owned(), jurisdiction: "DE".to_owned() };
    let vault =
        Vault::create(&dir.path().join("vault"), &config, master(), &mut seeded(99)).unwrap();
    (dir, vault)
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn receipt(pseudonym: &str, permit: bool) -> Receipt {
    Receipt {
        pseudonym: pseudonym.to_owned(),
        permit,
        grants: Vec::new(),
        begins: Some(1_700_000_000),
        document_hash: [1; 32],
        decided: None,
        withdrawn: None,
        erased: false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_sealed_opens_to_the_rows_of_those_who_are_eligible(
        deceased in prop::collection::vec((any::<u8>(), any::<Option<bool>>()), 1..40),
        observed in prop::collection::vec(
            (any::<u8>(), any::<Option<f64>>(), any::<Option<i64>>(), any::<Option<String>>()),
            0..80,
        ),
        eligible in any::<[bool; 16]>(),
        seed in any::<u64>(),
    ) {
        let (_dir, vault) = new_vault();
        let tables = tables(&deceased, &observed);
        let sealed = vault.seal(&tables, &schema(), REPORT, &mut seeded(seed)).unwrap();
        let may = |person: &str| eligible[usize::from(u8::from_str_radix(&person[30..], 16).unwrap() % 16)];
        let opened = vault.open_dataset(&sealed.cid, &may).unwrap();
        let found = ["patient", "observation"].map(|name| opened.tables.get(name).unwrap().clone()).to_vec();
        // Arrow's own equality takes NaN for unequal: compare as shown.
        prop_assert_eq!(format!("{:?}", columns(found)), format!("{:?}", columns(expected(&tables, &may))));
        prop_assert!(opened.persons.iter().all(|person| may(person)));
        prop_assert_eq!(opened.persons.len() as u64 + opened.ineligible, sealed.persons);
        prop_assert_eq!(&opened.schema, &schema());
        let verified = vault.verify(&sealed.cid).unwrap();
        prop_assert_eq!((verified.persons, verified.rows), (sealed.persons, sealed.rows));
        prop_assert_eq!(verified.table_commitment, sealed.table_commitment);
        prop_assert_eq!(vault.facts(&sealed.cid).unwrap(), sealed);
    }
}

#[test]
fn sealing_again_with_the_same_entropy_gives_the_same_dataset_and_with_other_entropy_another() {
    let (_one, vault) = new_vault();
    let (_two, other) = new_vault();
    let first = vault.seal(&sixty(), &schema(), REPORT, &mut seeded(1)).unwrap();
    assert_eq!(vault.seal(&sixty(), &schema(), REPORT, &mut seeded(1)).unwrap(), first);
    assert_eq!(other.seal(&sixty(), &schema(), REPORT, &mut seeded(1)).unwrap(), first);
    let second = vault.seal(&sixty(), &schema(), REPORT, &mut seeded(2)).unwrap();
    assert_ne!(second.cid, first.cid);
    assert_ne!(second.table_commitment, first.table_commitment);
    assert_eq!(vault.datasets().unwrap().len(), 2);
    assert_eq!(vault.report(&first.cid).unwrap(), REPORT);
    assert_eq!(vault.contributions(&first.cid).unwrap()[0], (format!("{:032x}", 0), 6));
}

#[test]
fn a_dataset_of_many_chunks_is_read_as_one() {
    let (dir, vault) = new_vault();
    let observed: Vec<Observation> =
        (0..400_u32).map(|n| (n as u8, None, None, Some("x".repeat(20_000)))).collect();
    let tables = tables(&[], &observed);
    let sealed = vault.seal(&tables, &schema(), REPORT, &mut seeded(1)).unwrap();
    let chunks = vault.verify(&sealed.cid).unwrap().chunks;
    assert!(chunks >= 8, "{chunks}");
    assert_eq!(files_of(&dir.path().join("vault/objects")).len() as u64, chunks + 2);
    let opened = vault.open_dataset(&sealed.cid, &|_| true).unwrap();
    assert_eq!(opened.tables.get("observation").unwrap().num_rows(), 400);
}

#[test]
fn altering_any_byte_of_any_object_or_key_is_found() {
    let (dir, vault) = new_vault();
    let two = tables(&[(1, None), (2, Some(true))], &[]);
    let sealed = vault.seal(&two, &schema(), REPORT, &mut seeded(1)).unwrap();
    let root = dir.path().join("vault");
    let objects = files_of(&root.join("objects"));
    assert_eq!(objects.len(), 3);
    for path in objects.iter().chain(&files_of(&root.join("keys"))) {
        let good = fs::read(path).unwrap();
        for position in 0..good.len() {
            let mut bad = good.clone();
            bad[position] ^= 1;
            fs::write(path, &bad).unwrap();
            let error = vault.verify(&sealed.cid).unwrap_err();
            assert!(
                matches!(&error, VaultError::Damaged { path: found, .. } if found == path),
                "{error}"
            );
        }
        for short in [0, 7, good.len() / 2, good.len() - 1] {
            fs::write(path, &good[..short]).unwrap();
            assert!(vault.verify(&sealed.cid).is_err());
        }
        fs::remove_file(path).unwrap();
        assert!(vault.verify(&sealed.cid).is_err());
        fs::write(path, &good).unwrap();
    }
    vault.verify(&sealed.cid).unwrap();
}

#[test]
fn an_erased_persons_rows_are_gone_from_every_dataset_the_stage_and_the_register() {
    let (dir, vault) = new_vault();
    let seal = |seed| vault.seal(&sixty(), &schema(), REPORT, &mut seeded(seed)).unwrap().cid;
    let cids = [seal(1), seal(2)];
    let name = format!("{:032x}", 7);
    let ids: ArrayRef =
        Arc::new(StringArray::from(vec![Some("id-7"), None, Some("id-8"), Some("id-7")]));
    let raw = RecordBatch::try_from_iter_with_nullable([("patient", ids, true)]).unwrap();
    vault
        .put_staging("raw", &Tables([("patient".to_owned(), raw)].into()), &mut seeded(8))
        .unwrap();
    vault.put_staging("protected", &sixty(), &mut seeded(9)).unwrap();
    let other = receipt(&format!("{:032x}", 8), true);
    vault.set_consents(&[other.clone(), receipt(&name, true)], &mut seeded(10)).unwrap();
    let before = cids.map(|cid| vault.verify(&cid).unwrap());
    let bytes = |folder: &str| -> Vec<Vec<u8>> {
        files_of(&dir.path().join(folder)).iter().map(|path| fs::read(path).unwrap()).collect()
    };
    let objects = bytes("vault/objects");

    let pseudonym_of =
        |id: &str| id.strip_prefix("id-").map_or_else(String::new, |n| format!("{n:0>32}"));
    let erasure = vault.erase_person(&name, &pseudonym_of, &mut seeded(11)).unwrap();
    assert_eq!(erasure, Erasure { datasets: 2, staged_rows: 2 + 6, receipts: 1 });
    assert_eq!(
        vault.erase_person(&name, &pseudonym_of, &mut seeded(12)).unwrap(),
        Erasure::default()
    );
    assert!(vault.unfinished_erasures().unwrap().is_empty());

    for (cid, before) in cids.iter().zip(before) {
        let opened = vault.open_dataset(cid, &|_| true).unwrap();
        assert_eq!((opened.persons.len(), opened.erased), (59, 1));
        assert!(
            opened
                .tables
                .0
                .values()
                .all(|batch| people(batch).iter().all(|owner| owner != Some(&name)))
        );
        assert!(!vault.persons(cid).unwrap().contains(&name));
        let after = vault.verify(cid).unwrap();
        assert_eq!((after.persons, after.erased, after.rows), (59, 1, before.rows - 6));
        assert_eq!(after.table_commitment, before.table_commitment);
        // The slot is zeros: head, dataset's key, then 72 bytes for each person.
        let keys = fs::read(dir.path().join("vault/keys").join(cid.to_string())).unwrap();
        assert_eq!(keys[8 + 72 * 8..8 + 72 * 9], [0; 72]);
    }
    assert_eq!(bytes("vault/objects"), objects);
    assert_eq!(vault.staging("raw").unwrap().unwrap().rows(), 2);
    assert_eq!(vault.staging("protected").unwrap().unwrap().rows(), 354);
    let erased = Receipt::erasure(&name);
    assert_eq!(vault.consents().unwrap(), [erased.clone(), other.clone()]);

    // No later document brings the person back, and no register that leaves them out forgets them.
    for register in [vec![receipt(&name, true), other.clone()], vec![other.clone()]] {
        vault.set_consents(&register, &mut seeded(13)).unwrap();
        assert_eq!(vault.consents().unwrap(), [erased.clone(), other.clone()]);
    }

    // Sealing the same once more with the same entropy does not bring the person back.
    assert_eq!(seal(1), cids[0]);
    assert_eq!(vault.open_dataset(&cids[0], &|_| true).unwrap().erased, 1);
}

#[test]
fn consent_is_withdrawn_once_and_stays_withdrawn() {
    let (dir, vault) = new_vault();
    assert!(vault.consents().unwrap().is_empty());
    vault.set_consents(&[receipt("b", true), receipt("a", true)], &mut seeded(1)).unwrap();
    assert!(vault.withdraw("b", 20, &mut seeded(2)).unwrap());
    assert!(vault.withdraw("b", 10, &mut seeded(3)).unwrap());
    assert!(!vault.withdraw("c", 20, &mut seeded(4)).unwrap());
    drop(vault);
    let vault = Vault::open(&dir.path().join("vault"), master()).unwrap();
    let withdrawn = Receipt { withdrawn: Some(20), ..receipt("b", false) };
    assert_eq!(vault.consents().unwrap(), [receipt("a", true), withdrawn]);
    let twice = [receipt("a", true), receipt("a", false)];
    assert!(matches!(vault.set_consents(&twice, &mut seeded(5)), Err(VaultError::Argument(_))));
    fs::remove_file(dir.path().join("vault/consents")).unwrap();
    assert!(
        matches!(vault.consents(), Err(VaultError::Damaged { .. })),
        "a lost register is no empty one"
    );
}

#[test]
fn staged_tables_and_documents_come_back_as_they_were_and_are_nowhere_in_the_clear() {
    let (dir, vault) = new_vault();
    vault.put_staging("raw", &sixty(), &mut seeded(1)).unwrap();
    vault.put_document("schema", b"code-1 is a secret", &mut seeded(2)).unwrap();
    assert_eq!(vault.staging("raw").unwrap().unwrap().0, sixty().0);
    assert!(vault.staging("none").unwrap().is_none());
    assert_eq!(vault.document("schema").unwrap().unwrap(), b"code-1 is a secret");
    assert_eq!(vault.staged().unwrap(), ["raw"]);
    vault.seal(&sixty(), &schema(), REPORT, &mut seeded(3)).unwrap();
    for folder in ["staging", "documents", "objects", "keys"] {
        for path in files_of(&dir.path().join("vault").join(folder)) {
            let bytes = fs::read(&path).unwrap();
            assert!(!bytes.windows(5).any(|window| window == b"code-"), "{}", path.display());
            assert!(!bytes.windows(16).any(|window| window == [b'0'; 16]), "{}", path.display());
        }
    }
    let staging = dir.path().join("vault/staging");
    fs::copy(staging.join("raw"), staging.join("copy")).unwrap();
    assert!(matches!(vault.staging("copy"), Err(VaultError::Damaged { .. })));
    assert!(vault.remove_staging("raw").unwrap());
    assert!(!vault.remove_staging("raw").unwrap());
    assert!(matches!(vault.staging("../keys"), Err(VaultError::Argument(_))));
}

#[test]
fn a_vault_is_opened_by_its_own_key_and_by_one_process_only() {
    let (dir, vault) = new_vault();
    let path = dir.path().join("vault");
    assert!(matches!(Vault::open(&path, master()), Err(VaultError::InUse(_))));
    let pseudonyms = vault.pseudonym_key();
    drop(vault);
    assert!(matches!(Vault::open(&path, MasterKey::new([8; 32])), Err(VaultError::WrongKey(_))));
    let config = VaultConfig { custodian: "Other".to_owned(), jurisdiction: "US".to_owned() };
    assert!(matches!(
        Vault::create(&path, &config, master(), &mut seeded(99)),
        Err(VaultError::AlreadyThere(_))
    ));
    let vault = Vault::open(&path, master()).unwrap();
    assert_eq!((vault.custodian(), vault.jurisdiction()), ("Charité", "DE"));
    assert_eq!(*vault.pseudonym_key(), *pseudonyms);
    drop(vault);
    let settings = path.join("vault.json");
    let moved = fs::read_to_string(&settings).unwrap().replace("\"DE\"", "\"US\"");
    fs::write(&settings, moved).unwrap();
    assert!(matches!(Vault::open(&path, master()), Err(VaultError::WrongKey(_))));
    assert!(matches!(Vault::open(dir.path(), master()), Err(VaultError::NotAVault(_))));
    let nowhere = VaultConfig { custodian: "X".to_owned(), jurisdiction: "Germany".to_owned() };
    let refused = Vault::create(&dir.path().join("x"), &nowhere, master(), &mut seeded(99))
        .err()
        .unwrap()
        .to_string();
    assert_eq!(refused, "the jurisdiction must be two capital letters, such as DE");
}

#[test]
fn tables_that_do_not_follow_their_schema_are_refused_with_the_reason() {
    let (_dir, vault) = new_vault();
    let refused = |tables: &Tables| {
        vault.seal(tables, &schema(), REPORT, &mut seeded(1)).unwrap_err().to_string()
    };
    let with = |name: &str, batch: RecordBatch| {
        let mut tables = sixty();
        tables.0.insert(name.to_owned(), batch);
        tables
    };
    let patient = sixty().get("patient").unwrap().clone();
    let short = sixty().get("observation").unwrap().project(&[0, 1, 2]).unwrap();
    assert!(refused(&with("names", patient.clone())).contains("the schema has no such table"));
    assert!(refused(&with("observation", short)).contains("it has 3 columns and should have 4"));
    assert!(refused(&with("observation", patient)).contains("'observation'"));
    assert!(refused(&Tables::default()).contains("at least one person"));
    assert!(vault.datasets().unwrap().is_empty());
    let other = vault.seal(&sixty(), &schema(), REPORT, &mut seeded(1)).unwrap().cid;
    let (_dir, empty) = new_vault();
    assert!(matches!(empty.schema(&other), Err(VaultError::NoDataset(_))));
}

#[test]
fn a_dataset_that_is_handed_over_is_checked_by_the_names_of_its_bytes() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let config = VaultConfig { custodian: "clinic".to_owned(), jurisdiction: "DE".to_owned() };
    let vault =
        Vault::create(dir.path(), &config, MasterKey::new([1; 32]), &mut seeded(99)).unwrap();
    let content = tables(&[(1, Some(true)), (2, None), (3, Some(false))], &[]);
    let cid = vault.seal(&content, &schema(), REPORT, &mut seeded(1)).unwrap().cid;
    let whole = vault.disclose(&cid).unwrap();
    let receiver =
        Vault::create(other.path(), &config, MasterKey::new([2; 32]), &mut seeded(99)).unwrap();
    assert_eq!(receiver.receive(&whole, &mut seeded(2)).unwrap(), cid);
    assert_eq!(receiver.verify(&cid).unwrap(), vault.verify(&cid).unwrap());
    assert_eq!(receiver.report(&cid).unwrap(), REPORT);

    // Whatever byte of an object is altered, the dataset is not whole: its name is another then.
    let text = serde_json::to_value(&whole).unwrap();
    for object in 0..text["objects"].as_array().unwrap().len() {
        let mut altered = text.clone();
        let bytes = altered["objects"][object].as_str().unwrap();
        let flipped = if bytes.starts_with('0') { "1" } else { "0" };
        altered["objects"][object] = format!("{flipped}{}", &bytes[1..]).into();
        let folder = tempfile::tempdir().unwrap();
        let receiver =
            Vault::create(folder.path(), &config, MasterKey::new([3; 32]), &mut seeded(99))
                .unwrap();
        let altered = serde_json::from_value(altered).unwrap();
        let received = receiver.receive(&altered, &mut seeded(3)).unwrap();
        assert!(receiver.verify(&received).is_err(), "object {object}");
    }
    assert!(format!("{whole:?}").len() < 120, "no key is shown");
}

#[test]
fn who_was_erased_stays_unreadable_for_those_to_whom_a_dataset_is_handed() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let config = VaultConfig { custodian: "clinic".to_owned(), jurisdiction: "DE".to_owned() };
    let vault =
        Vault::create(dir.path(), &config, MasterKey::new([1; 32]), &mut seeded(99)).unwrap();
    let content = tables(&[(1, Some(true)), (2, None)], &[]);
    let cid = vault.seal(&content, &schema(), REPORT, &mut seeded(1)).unwrap().cid;
    let person = vault.persons(&cid).unwrap().remove(0);
    vault.erase_person(&person, &|id| id.to_owned(), &mut seeded(4)).unwrap();
    let receiver =
        Vault::create(other.path(), &config, MasterKey::new([2; 32]), &mut seeded(99)).unwrap();
    receiver.receive(&vault.disclose(&cid).unwrap(), &mut seeded(2)).unwrap();
    let verified = receiver.verify(&cid).unwrap();
    assert_eq!((verified.persons, verified.erased), (1, 1));
    assert!(!receiver.persons(&cid).unwrap().contains(&person));
}
