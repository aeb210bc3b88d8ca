#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

const DATASET: DatasetKey = DatasetKey([1; 32]);
const RESEARCHER: ResearcherKey = ResearcherKey([2; 20]);

fn question(index: u8) -> QuestionKey {
    QuestionKey([index; 32])
}

fn milli(milli: u32) -> Loss {
    Loss::pure(Epsilon::from_milli(milli), Delta::ZERO)
}

fn ledger(dataset: u64, researcher: u64) -> (tempfile::TempDir, BudgetLedger) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = BudgetLedger::open(&folder.path().join("budget")).unwrap();
    let limits = Limits {
        dataset: Allowance::pure(EpsilonTotal::from_milli(dataset)),
        researcher: Allowance::pure(EpsilonTotal::from_milli(researcher)),
    };
    ledger.set_limits(DATASET, limits).unwrap();
    (folder, ledger)
}

fn fresh(charge: Charge) -> ChargeToken {
    match charge {
        Charge::Fresh(token) => token,
        other => panic!("expected a fresh charge, found {other:?}"),
    }
}

#[test]
fn a_repeated_question_costs_nothing_and_answers_the_same() {
    let (_folder, ledger) = ledger(1000, 1000);
    let token = fresh(ledger.charge(DATASET, RESEARCHER, question(1), milli(400)).unwrap());
    assert_eq!(ledger.record(token, b"42").unwrap(), b"42");
    match ledger.charge(DATASET, RESEARCHER, question(1), milli(400)).unwrap() {
        Charge::Answered(answer) => assert_eq!(answer, b"42"),
        other => panic!("{other:?}"),
    }
    assert_eq!(ledger.spent(DATASET).unwrap().milli(), 400);
    let other = ledger.charge(DATASET, RESEARCHER, question(1), milli(500));
    assert!(matches!(other, Err(BudgetError::KeyReused { .. })));
    ledger.verify().unwrap();
}

#[test]
fn a_charge_without_an_answer_is_resumed_and_two_computations_release_one_answer() {
    let (folder, ledger) = ledger(1000, 1000);
    let first = fresh(ledger.charge(DATASET, RESEARCHER, question(1), milli(400)).unwrap());
    drop(ledger);
    let ledger = BudgetLedger::open(&folder.path().join("budget")).unwrap();
    let Charge::Resumed(second) =
        ledger.charge(DATASET, RESEARCHER, question(1), milli(400)).unwrap()
    else {
        panic!("the charge was lost");
    };
    assert_eq!(ledger.spent(DATASET).unwrap().milli(), 400);
    assert_eq!(ledger.record(second, b"one").unwrap(), b"one");
    assert_eq!(ledger.record(first, b"two").unwrap(), b"one");
    ledger.verify().unwrap();
}

#[test]
fn a_budget_that_does_not_reach_names_what_is_left_and_charges_nothing() {
    let (_folder, ledger) = ledger(1000, 600);
    let _ = ledger.charge(DATASET, RESEARCHER, question(1), milli(500)).unwrap();
    let refused = ledger.charge(DATASET, RESEARCHER, question(2), milli(101)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "The privacy budget of this researcher on this dataset has 0.1 left and the question asks for 0.101: ask with a smaller epsilon, or repeat an earlier question, which is free."
    );
    let _ = ledger.charge(DATASET, ResearcherKey([3; 20]), question(2), milli(500)).unwrap();
    let refused = ledger.charge(DATASET, RESEARCHER, question(3), milli(1)).unwrap_err();
    let BudgetError::Exhausted { scope: BudgetScope::Dataset, left, .. } = refused else {
        panic!("{refused}");
    };
    assert_eq!(left.milli(), 0);
    assert_eq!(ledger.spent_by(DATASET, RESEARCHER).unwrap().milli(), 500);
    assert_eq!(ledger.remaining(DATASET, RESEARCHER).unwrap().milli(), 0);
    ledger.verify().unwrap();
}

#[test]
fn a_dataset_without_limits_and_a_question_without_cost_are_refused() {
    let (_folder, ledger) = ledger(1000, 1000);
    let unknown = ledger.charge(DatasetKey([9; 32]), RESEARCHER, question(1), milli(1));
    assert!(matches!(unknown, Err(BudgetError::NoLimit)));
    let free = ledger.charge(DATASET, RESEARCHER, question(1), milli(0));
    assert!(matches!(free, Err(BudgetError::Free)));
}

#[test]
fn one_process_holds_the_budget_at_a_time() {
    let (folder, _ledger) = ledger(1, 1);
    let second = BudgetLedger::open(&folder.path().join("budget"));
    assert!(matches!(second, Err(BudgetError::InUse(_))));
}

#[test]
fn a_file_that_is_no_budget_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("budget");
    std::fs::write(&path, vec![7_u8; 10_000]).unwrap();
    assert!(matches!(BudgetLedger::open(&path), Err(BudgetError::Open { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), vec![7_u8; 10_000]);
    std::fs::write(&path, "").unwrap();
    assert!(
        matches!(BudgetLedger::open(&path), Err(BudgetError::Damaged(_))),
        "it lost all charges"
    );
    let missing = BudgetLedger::open(&folder.path().join("no/such/folder/budget"));
    assert!(missing.unwrap_err().to_string().contains("no/such/folder/budget"));
}

#[test]
fn a_file_of_the_first_layout_is_taken_over_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("budget");
    let key = (DATASET.0, RESEARCHER.0, question(1).0);
    {
        let file = Database::create(&path).unwrap();
        let write = file.begin_write().unwrap();
        write.open_table(first::LIMITS).unwrap().insert(DATASET.0, (1000, 600)).unwrap();
        write.open_table(first::SPENT).unwrap().insert(DATASET.0, 400).unwrap();
        write.open_table(first::SPENT_BY).unwrap().insert((DATASET.0, RESEARCHER.0), 400).unwrap();
        write.open_table(first::CHARGES).unwrap().insert(key, 400).unwrap();
        write.open_table(ANSWERS).unwrap().insert(key, b"42".as_slice()).unwrap();
        write.commit().unwrap();
    }
    for _ in 0..2 {
        let ledger = BudgetLedger::open(&path).unwrap();
        ledger.verify().unwrap();
        assert_eq!(ledger.remaining(DATASET, RESEARCHER).unwrap().milli(), 200);
        let found = ledger.charge(DATASET, RESEARCHER, question(1), milli(400)).unwrap();
        assert!(matches!(found, Charge::Answered(answer) if answer == b"42"));
    }
}

#[test]
fn many_small_questions_fit_where_a_delta_is_allowed() {
    let (_folder, ledger) = ledger(1000, 1000);
    let limit = Allowance {
        epsilon: EpsilonTotal::from_milli(1000),
        delta: Delta::from_number(1e-6).unwrap(),
    };
    ledger.set_limits(DATASET, Limits { dataset: limit, researcher: limit }).unwrap();
    let asked = (0..=u8::MAX).take_while(|index| {
        ledger.charge(DATASET, RESEARCHER, question(*index), milli(10)).is_ok()
    });
    let asked = asked.count();
    // One hundred by plain addition.
    assert!(asked > 250, "{asked}");
    ledger.verify().unwrap();
}

#[test]
fn a_question_that_needs_delta_is_refused_by_a_budget_without() {
    let (_folder, ledger) = ledger(1000, 1000);
    let delta = Delta::from_number(1e-9).unwrap();
    let loss = Loss::pure(Epsilon::from_milli(10), delta);
    let refused = ledger.charge(DATASET, RESEARCHER, question(1), loss).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "The privacy budget of this dataset has delta 0 left and the question needs 1e-9: ask with a smaller delta, or with Laplace noise over published groups, which needs none."
    );
    assert_eq!(ledger.spent(DATASET).unwrap().milli(), 0);
}

#[test]
fn no_question_has_more_than_half_of_the_delta_of_a_budget() {
    let limit = |delta: f64| Allowance {
        epsilon: EpsilonTotal::from_milli(10_000),
        delta: Delta::from_number(delta).unwrap(),
    };
    // A small epsilon and a large delta make a rho that takes nearly all noise away.
    let gaussian = |delta: f64| {
        let (epsilon, delta) = (Epsilon::from_milli(1), Delta::from_number(delta).unwrap());
        Loss { epsilon, delta, rho: Rho::within(epsilon, delta).unwrap(), slack: Delta::ZERO }
    };
    for (all, each, scope) in
        [(1e-6, 1e-3, BudgetScope::Dataset), (1e-3, 1e-6, BudgetScope::Researcher)]
    {
        let (_folder, ledger) = ledger(0, 0);
        let limits = Limits { dataset: limit(all), researcher: limit(each) };
        ledger.set_limits(DATASET, limits).unwrap();
        for delta in [4e-4, 1e-6, 5.1e-7] {
            assert!(!ledger.allows(DATASET, RESEARCHER, gaussian(delta)).unwrap());
            let refused = ledger.charge(DATASET, RESEARCHER, question(1), gaussian(delta));
            let Err(BudgetError::ExhaustedDelta { scope: whose, left, .. }) = refused else {
                panic!("{refused:?}")
            };
            assert_eq!((whose, left), (scope, Delta::from_number(5e-7).unwrap()));
        }
        // Half of it is allowed, and leaves to others what a plain sum leaves.
        assert!(ledger.allows(DATASET, RESEARCHER, gaussian(5e-7)).unwrap());
        let _charged = ledger.charge(DATASET, RESEARCHER, question(1), gaussian(5e-7)).unwrap();
        assert_eq!(ledger.remaining(DATASET, RESEARCHER).unwrap().milli(), 9_999);
        ledger.verify().unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_sequence_of_charges_passes_a_limit(
        dataset in 0_u64..3_000,
        researcher in 0_u64..2_000,
        charges in prop::collection::vec((0_u8..3, 0_u8..6, 1_u32..1_500), 1..20),
    ) {
        let (_folder, ledger) = ledger(dataset, researcher);
        for (who, what, cost) in charges {
            let who = ResearcherKey([who; 20]);
            let before = ledger.spent(DATASET).unwrap().milli();
            let left = ledger.remaining(DATASET, who).unwrap().milli();
            let charged = match ledger.charge(DATASET, who, question(what), milli(cost)) {
                Ok(Charge::Fresh(_)) => {
                    prop_assert!(u64::from(cost) <= left);
                    u64::from(cost)
                }
                Ok(_) | Err(BudgetError::KeyReused { .. }) => 0,
                Err(BudgetError::Exhausted { .. }) => {
                    prop_assert!(u64::from(cost) > left);
                    0
                }
                Err(error) => panic!("{error}"),
            };
            prop_assert_eq!(ledger.spent(DATASET).unwrap().milli(), before + charged);
            prop_assert!(ledger.spent(DATASET).unwrap().milli() <= dataset);
            prop_assert!(ledger.spent_by(DATASET, who).unwrap().milli() <= researcher);
        }
        ledger.verify().unwrap();
    }
}

#[test]
fn a_damaged_file_is_refused_or_has_lost_nothing() {
    let (folder, file) = ledger(1_000_000, 1_000_000);
    for index in 0..100 {
        let token = fresh(file.charge(DATASET, RESEARCHER, question(index), milli(10)).unwrap());
        file.record(token, &[index; 300]).unwrap();
    }
    drop(file);
    let whole = std::fs::read(folder.path().join("budget")).unwrap();
    let path = folder.path().join("damaged");
    let mut refused = 0;
    for at in (0..whole.len()).step_by(whole.len() / 150) {
        for length in [1, 512] {
            let mut bytes = whole.clone();
            let end = bytes.len().min(at + length);
            bytes[at..end].iter_mut().for_each(|byte| *byte = !*byte);
            std::fs::write(&path, &bytes).unwrap();
            match BudgetLedger::open(&path) {
                Ok(file) => {
                    file.verify().unwrap();
                    assert_eq!(file.spent(DATASET).unwrap().milli(), 1000, "{at} {length}");
                    for index in [0, 42, 99] {
                        let found = file.charge(DATASET, RESEARCHER, question(index), milli(10));
                        let Charge::Answered(answer) = found.unwrap() else { panic!("{at}") };
                        assert_eq!(answer, [index; 300], "{at} {length}");
                    }
                    let _charged =
                        fresh(file.charge(DATASET, RESEARCHER, question(200), milli(10)).unwrap());
                }
                Err(BudgetError::Damaged(_) | BudgetError::Open { .. }) => refused += 1,
                Err(other) => panic!("{at} {length}: {other}"),
            }
        }
    }
    assert!(refused > 50, "{refused}");
}
