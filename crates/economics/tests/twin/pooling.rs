//! Shares, boosts, and yield over any sequence of what can happen to them.

use alloy::primitives::{Address, U256};
use alloy::sol_types::SolConstructor;
use caduceus_contracts as c;
use caduceus_economics::{Data, Factor, Score, Shares, Usdc, YieldPool, effective_shares, shares};
use rand::Rng;

use crate::evm::{
    CASES, Evm, SOMEBODY, dice, mapped, no_permit, number, proof, small, up_to, wide,
};

#[test]
fn staked_data_raises_what_is_effective_as_the_boost_says() {
    let (mut evm, mut dice) = (Evm::new(), dice(41));
    let puppet = evm.puppet(1);
    let constructor =
        c::ProviderBoost::constructorCall { data: puppet, pool: puppet, share: puppet };
    let at = evm.create("ProviderBoost", &constructor);
    // `totalStake`, `owed`, `_stakes`; a stake's active part is in the lower half of its slot.
    let stake_slot = mapped(U256::from(2), U256::from_be_slice(SOMEBODY.as_slice()));
    for _ in 0..CASES {
        let all = number(&mut dice, 130);
        let stake = U256::from(wide(&mut dice, 128)).min(all);
        evm.store(at, U256::ZERO, all);
        evm.store(at, stake_slot, stake);
        let supply = number(&mut dice, 256);
        let held = number(&mut dice, 256).min(supply);
        let ask =
            c::ProviderBoost::effectiveSharesCall { provider: SOMEBODY, shares: held, supply };
        let (held, supply) = (Shares::from_units(held), Shares::from_units(supply));
        let (stake, all) = (Data::from_units(stake), Data::from_units(all));
        let here = effective_shares(held, supply, stake, all).ok();
        assert_eq!(here.map(Shares::units), evm.ask(at, &ask), "{held} {supply} {stake} {all}");
    }
}

/// The pool, its shares and its boost, connected to each other as in a deployment.
struct Pool {
    pool: Address,
    boost: Address,
}

const PROVIDERS: [Address; 4] = [
    Address::repeat_byte(0xd1),
    Address::repeat_byte(0xd2),
    Address::repeat_byte(0xd3),
    Address::repeat_byte(0xd4),
];

fn pool(evm: &mut Evm, puppet: Address) -> Pool {
    let token = c::DataToken::constructorCall {
        authority_: puppet,
        timelock: SOMEBODY,
        genesis: U256::from(1) << 250,
    };
    let token = evm.create("DataToken", &token);
    let usdc = evm.create("TestUSDC", &c::TestUSDC::constructorCall { owner: SOMEBODY });
    // By their nonces: share and boost, the pool's code, its proxy.
    let next = |evm: &mut Evm, ahead: u64| SOMEBODY.create(evm.nonce() + ahead);
    let (boost, pool) = (next(evm, 1), next(evm, 3));
    let share = c::PoolShare::constructorCall { pool, registry: puppet, membership: puppet };
    let share = evm.create("PoolShare", &share);
    let constructor = c::ProviderBoost::constructorCall { data: token, pool, share };
    assert_eq!(evm.create("ProviderBoost", &constructor), boost);
    let peers = c::HealthDataPool::Peers {
        usdc,
        share,
        datasets: puppet,
        registry: puppet,
        attestations: puppet,
        breaker: puppet,
        boost,
        splitter: SOMEBODY,
        computeMarket: puppet,
    };
    let initialize = c::HealthDataPool::initializeCall {
        authority: puppet,
        floor: 0,
        cap: u16::MAX,
        maximumAge: 3_600,
    };
    let constructor = c::HealthDataPool::constructorCall { peers }.abi_encode();
    assert_eq!(evm.module("HealthDataPool", &constructor, &initialize), pool);
    let mint = c::TestUSDC::mintCall { to: pool, amount: U256::from(1) << 200 };
    evm.must(SOMEBODY, usdc, &mint);
    for provider in PROVIDERS {
        let value = U256::from(1) << 200;
        evm.must(SOMEBODY, token, &c::DataToken::transferCall { to: provider, value });
        let approve = c::DataToken::approveCall { spender: boost, value: U256::MAX };
        evm.must(provider, token, &approve);
    }
    let yes = [U256::from(1), U256::from(64), U256::ZERO];
    evm.answers::<c::ParticipantRegistry::standingCall>(puppet, &yes);
    Pool { pool, boost }
}

#[test]
fn deposits_stakes_and_yield_give_everybody_what_the_pool_says() {
    let (mut evm, mut dice) = (Evm::new(), dice(42));
    let puppet = evm.puppet(1);
    let mut steps = 0;
    while steps < CASES {
        let Pool { pool, boost } = pool(&mut evm, puppet);
        let mut twin: YieldPool<Address> = YieldPool::default();
        let mut deposits: Vec<(U256, Address, Shares)> = Vec::new();
        let mut dataset = 0;
        for _ in 0..1_000 {
            steps += 1;
            let who = PROVIDERS[dice.random_range(0..4)];
            match dice.random_range(0..6_u32) {
                0 => {
                    dataset += 1;
                    let id = U256::from(dataset);
                    let minted = deposit(&mut evm, &mut dice, puppet, pool, who, id);
                    if let Some(minted) = minted {
                        twin.mint(&who, minted).unwrap();
                        deposits.push((id, who, minted));
                    }
                }
                1 if !deposits.is_empty() => {
                    let index = dice.random_range(0..deposits.len());
                    let (id, who, minted) = deposits.swap_remove(index);
                    let announce = c::HealthDataPool::announceWithdrawalCall { datasetId: id };
                    evm.must(who, pool, &announce);
                    evm.must(who, pool, &c::HealthDataPool::withdrawCall { datasetId: id });
                    twin.burn(&who, minted).unwrap();
                }
                2 => {
                    let amount = U256::from(wide(&mut dice, 90).max(1));
                    let permit = no_permit!(ProviderBoost);
                    evm.must(who, boost, &c::ProviderBoost::stakeCall { amount, permit });
                    twin.stake(&who, Data::from_units(amount)).unwrap();
                }
                3 => {
                    let held = evm.ask(boost, &c::ProviderBoost::stakeOfCall { provider: who });
                    let amount = number(&mut dice, 90).min(U256::from(held.unwrap().active));
                    if !amount.is_zero() {
                        let call = c::ProviderBoost::announceUnstakeCall { amount };
                        evm.must(who, boost, &call);
                        twin.unstake(&who, Data::from_units(amount)).unwrap();
                    }
                }
                4 => {
                    evm.must(SOMEBODY, pool, &c::HealthDataPool::refreshCall { account: who });
                    twin.refresh(&who).unwrap();
                }
                _ => {
                    let amount = Usdc::from_units(wide(&mut dice, 60));
                    let call = c::HealthDataPool::notifyYieldCall { amount: amount.to_u256() };
                    evm.must(SOMEBODY, pool, &call);
                    twin.add_yield(amount).unwrap();
                }
            }
            let claimable = twin.claimable(&who).unwrap();
            let ask = c::HealthDataPool::claimableCall { provider: who };
            assert_eq!(evm.ask(pool, &ask), Some(claimable.to_u256()));
            let ask = c::HealthDataPool::effectiveOfCall { account: who };
            assert_eq!(evm.ask(pool, &ask), Some(twin.effective_of(&who).units()));
            if claimable != Usdc::ZERO && dice.random_bool(0.2) {
                evm.must(SOMEBODY, pool, &c::HealthDataPool::claimRewardsCall { provider: who });
                assert_eq!(twin.claim(&who), Ok(claimable));
            }
        }
        let all = evm.ask(pool, &c::HealthDataPool::totalEffectiveCall {});
        assert_eq!(all, Some(twin.effective().units()));
        assert_eq!(evm.ask(pool, &c::HealthDataPool::owedCall {}), Some(twin.owed().to_u256()));
    }
}

/// Deposits a dataset of random worth, if it is worth a share, and compares the shares that it mints.
fn deposit(
    evm: &mut Evm,
    dice: &mut rand_chacha::ChaCha8Rng,
    puppet: Address,
    pool: Address,
    who: Address,
    id: U256,
) -> Option<Shares> {
    let persons = small(dice, 40);
    // `Dataset`: the custodian first, the persons ninth.
    let mut words = vec![U256::ZERO; 19];
    words[0] = U256::from(32);
    words[1] = U256::from_be_slice(who.as_slice());
    words[9] = U256::from(persons);
    words[17] = U256::from(17 * 32);
    evm.answers::<c::DatasetToken::datasetCall>(puppet, &words);
    evm.answers::<c::DatasetToken::custodianOfCall>(puppet, &words[1..2]);
    let factors = [0; 4].map(|_: u64| up_to(dice, u64::from(u16::MAX)) as u16);
    let [completeness, freshness, rarity, reputation] = factors;
    let value = c::HealthDataPool::Value { completeness, freshness, rarity, reputation };
    let proof = proof!(HealthDataPool, evm.now());
    let call = c::HealthDataPool::depositCall { datasetId: id, value, proof };
    let [completeness, freshness, rarity, reputation] = factors.map(Factor);
    let here = shares(persons, &Score { completeness, freshness, rarity, reputation });
    match evm.send(who, pool, &call) {
        None => {
            assert_eq!(here, Shares::ZERO, "{persons} {factors:?}");
            None
        }
        Some(_) => {
            let there = evm.ask(pool, &c::HealthDataPool::depositOfCall { datasetId: id });
            assert_eq!(there.unwrap().shares, here.units(), "{persons} {factors:?}");
            Some(here)
        }
    }
}
