//! What votes weigh.

use alloy::primitives::aliases::U48;
use alloy::primitives::{Address, B256, U256};
use caduceus_contracts as c;
use caduceus_economics::{
    Counting, Gov, LONGEST_LOCK, Lock, Voter, Votes, WEEK, all_lock_votes, lock_votes, quorum,
    vote_weight,
};

use crate::evm::{
    CASES, Evm, SOMEBODY, START, dice, mapped, no_permit, number, small, up_to, wide,
};

#[test]
fn locked_gov_weighs_what_the_escrow_says() {
    let (mut evm, mut dice) = (Evm::new(), dice(31));
    let token = evm.create("TestUSDC", &c::TestUSDC::constructorCall { owner: SOMEBODY });
    let at = evm.create("VoteEscrow", &c::VoteEscrow::constructorCall { gov: token });
    let mut locks: Vec<(Address, Lock)> = Vec::new();
    let mut compared = 0;
    while compared < CASES {
        let now = evm.now() + 1 + up_to(&mut dice, 3 * WEEK);
        evm.set_time(now);
        let account = Address::from_word(B256::from(U256::from(1_000_000 + locks.len())));
        let amount = U256::from(wide(&mut dice, 100).max(1));
        let end = now + WEEK + small(&mut dice, 27).min(LONGEST_LOCK - WEEK);
        evm.must(SOMEBODY, token, &c::TestUSDC::mintCall { to: account, amount });
        evm.must(account, token, &c::TestUSDC::approveCall { spender: at, value: U256::MAX });
        let permit = no_permit!(VoteEscrow);
        evm.must(account, at, &c::VoteEscrow::lockCall { amount, end: U48::from(end), permit });
        let lock = Lock { amount: Gov::from_units(amount), end: end - end % WEEK };
        locks.push((account, lock));
        let then = now + up_to(&mut dice, LONGEST_LOCK);
        evm.set_time(then + 1);
        let newest = &locks[locks.len().saturating_sub(100)..];
        for (account, lock) in newest {
            let timepoint = U256::from(then);
            let ask = c::VoteEscrow::getPastVotesCall { account: *account, timepoint };
            let here = lock_votes(lock, then).unwrap();
            assert_eq!(evm.ask(at, &ask), Some(here.units()), "{lock:?} {then}");
            compared += 1;
        }
        let all: Vec<Lock> = locks.iter().map(|(_, lock)| *lock).collect();
        let here = all_lock_votes(&all, then).unwrap();
        let ask = c::VoteEscrow::getPastTotalSupplyCall { timepoint: U256::from(then) };
        assert_eq!(evm.ask(at, &ask), Some(here.units()), "{} locks at {then}", locks.len());
        evm.set_time(now);
    }
}

#[test]
fn a_vote_weighs_what_the_governor_says_under_each_counting() {
    let (mut evm, mut dice) = (Evm::new(), dice(32));
    let puppets = [1, 2, 3].map(|number| evm.puppet(number));
    let [membership, gov, escrow] = puppets;
    // The governor's history begins when its clock, which is the membership's, stands at nought.
    evm.answers::<c::VoteEscrow::clockCall>(membership, &[U256::ZERO]);
    let setup = c::CooperativeGovernor::Setup {
        membership,
        gov,
        escrow,
        timelock: membership,
        votingDelay: U48::from(1),
        votingPeriod: 1,
        quorumPercent: U256::from(20),
        minimums: c::CooperativeGovernor::Minimums { gov: 0, escrow: 0 },
    };
    let constructor = c::CooperativeGovernor::constructorCall { setup, rows: Vec::new() };
    let at = evm.create("CooperativeGovernor", &constructor);
    // `proposalKind`, the fourteenth member of the governor's storage; some before it share slots.
    let kinds = (0..32_u64)
        .map(U256::from)
        .find(|slot| {
            evm.store(at, mapped(*slot, U256::from(77)), U256::from(3));
            let ask = c::CooperativeGovernor::proposalKindCall { proposalId: U256::from(77) };
            evm.ask(at, &ask) == Some(3)
        })
        .unwrap();
    for case in 0..CASES {
        let kind = case % 3 + 1;
        evm.store(at, mapped(kinds, U256::from(1)), U256::from(kind));
        let members = if case % 5 == 0 { 0 } else { small(&mut dice, 32) };
        let lock = Lock {
            amount: Gov::from_units(number(&mut dice, 128)),
            end: START + up_to(&mut dice, LONGEST_LOCK),
        };
        let voter = Voter { members, gov: Gov::from_units(number(&mut dice, 208)), lock };
        let locked = lock_votes(&lock, START).unwrap();
        for (puppet, votes) in
            [(membership, U256::from(members)), (gov, voter.gov.units()), (escrow, locked.units())]
        {
            evm.answers::<c::VoteEscrow::getPastVotesCall>(puppet, &[votes]);
        }
        let counting = [Counting::Members, Counting::Quadratic, Counting::Escrow][kind - 1];
        let here = vote_weight(counting, &voter, START).unwrap();
        let ask =
            c::CooperativeGovernor::weightOfCall { proposalId: U256::from(1), account: SOMEBODY };
        assert_eq!(evm.ask(at, &ask), Some(here.units()), "{counting:?} {voter:?}");

        let all = Votes::from_units(number(&mut dice, 200));
        for puppet in [membership, escrow] {
            evm.answers::<c::VoteEscrow::getPastTotalSupplyCall>(puppet, &[all.units()]);
        }
        let here = quorum(all, 20).unwrap();
        let ask = c::CooperativeGovernor::participationCall { proposalId: U256::from(1) };
        let there = evm.ask(at, &ask).unwrap();
        assert_eq!(there.needed, here.units(), "{all}");
    }
}
