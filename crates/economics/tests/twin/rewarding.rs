//! Rewards, vesting, streams, checks of quality, buying back, the yearly cap, services.

use alloy::primitives::aliases::{U48, U104};
use alloy::primitives::{Address, B256, U256};
use alloy::sol_types::SolConstructor;
use caduceus_contracts as c;
use caduceus_economics::{
    BasisPoints, BuybackTerms, Check, CheckEnd, CheckParts, Data, RewardTerms, Row, Stream, Usdc,
    Vesting, end_check, service_price, yearly_cap,
};

use crate::evm::{
    CASES, Evm, SOMEBODY, START, dice, event, mapped, namespace, no_permit, number, proof, small,
    up_to, wide,
};

fn part(points: u16) -> BasisPoints {
    BasisPoints::new(points).unwrap()
}

fn data(units: u128) -> Data {
    Data::from_units(U256::from(units))
}

// ---- rewards ------------------------------------------------------------------------------------------------------------

#[test]
fn a_contribution_earns_the_points_and_the_data_that_the_rewards_say() {
    let (mut evm, mut dice) = (Evm::new(), dice(21));
    let puppet = evm.puppet(1);
    let peers = c::ContributionRewards::Peers {
        data: puppet,
        vault: puppet,
        membership: puppet,
        attestations: puppet,
        breaker: puppet,
    };
    let terms = |twin: &RewardTerms| c::ContributionRewards::RewardTerms {
        rate: twin.rate.units().to(),
        maximumRarity: u32::MAX,
        bonusPoints: twin.bonus_points,
        bonusSteps: twin.bonus_steps,
        immediateBps: twin.immediate.points(),
        vestingTerm: U48::from(1),
        bonusGap: U48::from(twin.bonus_gap),
    };
    let any = RewardTerms {
        rate: data(1),
        bonus_points: 0,
        bonus_steps: 0,
        immediate: part(0),
        bonus_gap: 604_801,
    };
    let initialize =
        c::ContributionRewards::initializeCall { authority: puppet, terms_: terms(&any) };
    let constructor = c::ContributionRewards::constructorCall { peers }.abi_encode();
    let at = evm.module("ContributionRewards", &constructor, &initialize);
    let rows = namespace("caduceus.storage.ContributionRewards") + U256::from(2);
    let (person, source) = (B256::repeat_byte(1), B256::repeat_byte(2));
    let row_slot = mapped(mapped(rows, person.into()), source.into());
    for _ in 0..CASES / 20 {
        let twin = RewardTerms {
            rate: data(wide(&mut dice, 128)),
            bonus_points: small(&mut dice, 32) as u32,
            bonus_steps: small(&mut dice, 16) as u16,
            immediate: part(up_to(&mut dice, 10_000) as u16),
            bonus_gap: 604_801 + small(&mut dice, 32),
        };
        evm.must(SOMEBODY, at, &c::ContributionRewards::setTermsCall { terms_: terms(&twin) });
        for _ in 0..20 {
            let now = evm.now();
            let age = up_to(&mut dice, 2 * twin.bonus_gap);
            let row = Row { last: now.saturating_sub(age), length: small(&mut dice, 32) as u32 };
            let stored = U256::from(row.last) | (U256::from(row.length) << 64);
            evm.store(at, row_slot, stored);
            let ask = c::ContributionRewards::rowOfCall { personId: person, source };
            let there = evm.ask(at, &ask).unwrap();
            assert_eq!((there.last, there.row), (row.last, row.length), "where rows are kept");

            let (quality, rarity) = (small(&mut dice, 16) as u16, small(&mut dice, 32) as u32);
            let here = twin.points(quality, rarity, row.unbroken(now, &twin));
            let ask =
                c::ContributionRewards::pointsOfCall { personId: person, source, quality, rarity };
            assert_eq!(evm.ask(at, &ask), Some(U256::from(here)), "{twin:?} {row:?}");

            let points = number(&mut dice, 256);
            let here = twin.reward(points).ok();
            let there = evm.ask(at, &c::ContributionRewards::amountOfCall { points });
            let here = here.map(|one| (one.immediate.units(), one.vested.units()));
            assert_eq!(here, there.map(|one| (one.immediate, one.vested)), "{twin:?} {points}");
        }
    }
}

// ---- vesting and streams ------------------------------------------------------------------------------------------------

#[test]
fn what_vests_is_released_as_the_vault_says() {
    let (mut evm, mut dice) = (Evm::new(), dice(22));
    let puppet = evm.puppet(1);
    let token = evm.create("TestUSDC", &c::TestUSDC::constructorCall { owner: SOMEBODY });
    let constructor = c::VestingVault::constructorCall {
        authority_: puppet,
        token,
        attestations: puppet,
        computeMarket: puppet,
        datasets: puppet,
    };
    let at = evm.create("VestingVault", &constructor);
    let mint = c::TestUSDC::mintCall { to: at, amount: U256::from(1) << 200 };
    evm.must(SOMEBODY, token, &mint);
    for number in 1..=CASES / 10 {
        let start = START + up_to(&mut dice, 100);
        let span = 1 + small(&mut dice, 36);
        let cliff = start + up_to(&mut dice, span);
        let (end, total) = (start + span, data(wide(&mut dice, 104).max(1)));
        let waits = dice_coin(&mut dice);
        let open = c::VestingVault::openCall {
            beneficiary: Address::repeat_byte(9),
            amount: total.units(),
            start: U48::from(start),
            cliff: U48::from(cliff),
            end: U48::from(end),
            datasetId: U256::from(u8::from(waits)),
        };
        evm.set_time(START);
        evm.must(SOMEBODY, at, &open);
        let id = U256::from(number);
        let mut twin = Vesting { start, cliff, end, total, released: Data::ZERO };
        let mut times: Vec<u64> =
            (0..9).map(|_| START + up_to(&mut dice, end + 10 - START)).collect();
        times.extend([cliff]);
        times.sort_unstable();
        for now in times {
            evm.set_time(now);
            let here = twin.releasable(now, waits).unwrap();
            let there = evm.ask(at, &c::VestingVault::releasableCall { vestingId: id });
            assert_eq!(there, Some(here.units()), "{twin:?} {now}");
            if here != Data::ZERO && dice_coin(&mut dice) {
                evm.must(SOMEBODY, at, &c::VestingVault::releaseCall { vestingId: id });
                twin.released = twin.released.plus(here).unwrap();
            }
        }
    }
}

fn dice_coin(dice: &mut rand_chacha::ChaCha8Rng) -> bool {
    use rand::Rng;
    dice.random_bool(0.3)
}

#[test]
fn what_flows_has_flowed_as_the_streams_say() {
    let (mut evm, mut dice) = (Evm::new(), dice(23));
    let usdc = evm.create("TestUSDC", &c::TestUSDC::constructorCall { owner: SOMEBODY });
    let constructor =
        c::PayoutStreams::constructorCall { usdc, splitter: SOMEBODY, claims: SOMEBODY };
    let at = evm.create("PayoutStreams", &constructor);
    let mint = c::TestUSDC::mintCall { to: at, amount: U256::from(1) << 200 };
    evm.must(SOMEBODY, usdc, &mint);
    for number in 0..CASES / 10 {
        let account = Address::from_word(B256::from(U256::from(1_000_000 + number)));
        let mut twin = Stream::default();
        for _ in 0..10 {
            let now = evm.now() + up_to(&mut dice, 5_000);
            evm.set_time(now);
            let duration = 3_600 + up_to(&mut dice, 10_000) as u32;
            evm.must(account, at, &c::PayoutStreams::chooseCall { duration });
            let amount = Usdc::from_units(wide(&mut dice, 60));
            let call = c::PayoutStreams::creditCall { account, amount: amount.to_u256() };
            evm.must(SOMEBODY, at, &call);
            twin = twin.credit(amount, duration, now).unwrap();
            let there = evm.ask(at, &c::PayoutStreams::streamOfCall { account }).unwrap();
            assert_eq!(there.remaining, twin.remaining.units());
            assert_eq!(there.accrued, twin.accrued.units());
            assert_eq!(there.end.to::<u64>(), twin.end);
            let later = now + up_to(&mut dice, 20_000);
            evm.set_time(later);
            let here = twin.flowed(later).unwrap();
            let there = evm.ask(at, &c::PayoutStreams::flowedCall { account });
            assert_eq!(there, Some(here.to_u256()), "{twin:?} {later}");
            if here != Usdc::ZERO && dice_coin(&mut dice) {
                evm.must(SOMEBODY, at, &c::PayoutStreams::withdrawCall { account });
                twin = twin.withdraw(later).unwrap().1;
            }
        }
    }
}

// ---- checks of quality --------------------------------------------------------------------------------------------------

#[test]
fn a_check_pays_and_slashes_as_the_pool_of_validators_says() {
    let (mut evm, mut dice) = (Evm::new(), dice(24));
    let puppet = evm.puppet(1);
    let [validator, challenger, requester] = [1, 2, 3].map(Address::repeat_byte);
    let token = c::DataToken::constructorCall {
        authority_: puppet,
        timelock: requester,
        genesis: U256::from(1) << 200,
    };
    let token = evm.create("DataToken", &token);
    for to in [validator, challenger] {
        let value = U256::from(1) << 180;
        evm.must(requester, token, &c::DataToken::transferCall { to, value });
    }
    let peers = c::ValidatorPool::Peers {
        data: token,
        datasets: puppet,
        registry: puppet,
        attestations: puppet,
        breaker: puppet,
    };
    let terms = |bond: u128, against: u128, finder: u16| c::ValidatorPool::CheckTerms {
        bond: U104::from(bond),
        challengeBond: U104::from(against),
        finderBps: finder,
        reportWindow: U48::from(3_600),
        challengeWindow: U48::from(3_600),
        rulingWindow: U48::from(3_600),
    };
    let initialize = c::ValidatorPool::initializeCall { authority: puppet, terms_: terms(1, 1, 0) };
    let constructor = c::ValidatorPool::constructorCall { peers }.abi_encode();
    let at = evm.module("ValidatorPool", &constructor, &initialize);
    let yes = [U256::from(1), U256::from(64), U256::ZERO];
    evm.answers::<c::ParticipantRegistry::standingCall>(puppet, &yes);
    for who in [validator, challenger, requester] {
        let call = c::DataToken::approveCall { spender: at, value: U256::MAX };
        evm.must(who, token, &call);
    }
    let stake = U256::from(1) << 103;
    // More than all bonds that are lost, in several steps, since a step has 104 bits.
    for number in 1..=CASES / 5 {
        let (bond, against) = (wide(&mut dice, 80).max(1), wide(&mut dice, 80).max(1));
        let (finder, pay) = (up_to(&mut dice, 5_000) as u16, wide(&mut dice, 100).max(1));
        let terms_ = terms(bond, against, finder);
        evm.must(SOMEBODY, at, &c::ValidatorPool::setTermsCall { terms_ });
        let held = evm.ask(at, &c::ValidatorPool::stakeOfCall { validator }).unwrap();
        if U256::from(held.staked) < stake {
            let call =
                c::ValidatorPool::stakeCall { amount: stake, permit: no_permit!(ValidatorPool) };
            evm.must(validator, at, &call);
        }
        let balances = |evm: &mut Evm| {
            let mut of =
                |account| evm.ask(token, &c::DataToken::balanceOfCall { account }).unwrap();
            let held = [of(validator), of(challenger), of(requester)];
            let staked = evm.ask(at, &c::ValidatorPool::stakeOfCall { validator }).unwrap().staked;
            let supply = evm.ask(token, &c::DataToken::totalSupplyCall {}).unwrap();
            (held, U256::from(staked), supply)
        };
        let id = U256::from(number);
        let request = c::ValidatorPool::requestCall {
            datasetId: U256::from(1),
            pay,
            permit: no_permit!(ValidatorPool),
        };
        evm.must(requester, at, &request);
        evm.must(validator, at, &c::ValidatorPool::takeCall { checkId: id });
        let end = [
            CheckEnd::Unchallenged,
            CheckEnd::Right,
            CheckEnd::Wrong,
            CheckEnd::Missing,
            CheckEnd::Unruled,
        ][number % 5];
        if end != CheckEnd::Missing {
            let report_ = B256::repeat_byte(1);
            let call = c::ValidatorPool::reportCall { checkId: id, quality: 1, report_ };
            evm.must(validator, at, &call);
        }
        let challenged = !matches!(end, CheckEnd::Missing | CheckEnd::Unchallenged);
        if challenged {
            let call = c::ValidatorPool::challengeCall {
                checkId: id,
                evidence: B256::ZERO,
                permit: no_permit!(ValidatorPool),
            };
            evm.must(challenger, at, &call);
        }
        let before = balances(&mut evm);
        if matches!(end, CheckEnd::Right | CheckEnd::Wrong) {
            let call = c::ValidatorPool::ruleCall {
                checkId: id,
                wrong: end == CheckEnd::Wrong,
                verdict: proof!(ValidatorPool, 0),
            };
            evm.must(SOMEBODY, at, &call);
        } else {
            let now = evm.now();
            evm.set_time(now + 3_601);
            evm.must(SOMEBODY, at, &c::ValidatorPool::concludeCall { checkId: id });
        }
        let after = balances(&mut evm);
        let challenge_bond = if challenged { data(against) } else { Data::ZERO };
        let check = Check { pay: data(pay), bond: data(bond), challenge_bond };
        let here = end_check(&check, end, part(finder)).unwrap();
        let there = CheckParts {
            validator: Data::from_units(after.0[0] - before.0[0]),
            bond: Data::from_units(U256::from(bond) + after.1 - before.1),
            challenger: Data::from_units(after.0[1] - before.0[1]),
            requester: Data::from_units(after.0[2] - before.0[2]),
            burned: Data::from_units(before.2 - after.2),
        };
        assert_eq!(here, there, "{check:?} {end:?} {finder}");
    }
}

// ---- DATA ---------------------------------------------------------------------------------------------------------------

#[test]
fn data_is_bought_back_at_the_price_that_the_burner_says() {
    let (mut evm, mut dice) = (Evm::new(), dice(25));
    let puppet = evm.puppet(1);
    let seller = Address::repeat_byte(7);
    let token = c::DataToken::constructorCall {
        authority_: puppet,
        timelock: seller,
        genesis: U256::from(1) << 240,
    };
    let token = evm.create("DataToken", &token);
    let usdc = evm.create("TestUSDC", &c::TestUSDC::constructorCall { owner: SOMEBODY });
    let peers = c::BuybackBurner::Peers {
        usdc,
        data: token,
        splitter: puppet,
        breaker: puppet,
        rewards: puppet,
    };
    let terms = |twin: &BuybackTerms| c::BuybackBurner::BuybackTerms {
        floorPrice: twin.floor.units(),
        capPrice: twin.cap.units(),
        limit: twin.limit.units(),
        ramp: U48::from(twin.ramp),
        burnBps: twin.burned.points(),
        market: Address::ZERO,
    };
    let one = Usdc::from_units(1);
    let any = BuybackTerms { floor: one, cap: one, limit: one, ramp: 1, burned: part(0) };
    let initialize = c::BuybackBurner::initializeCall { authority: puppet, terms_: terms(&any) };
    let constructor = c::BuybackBurner::constructorCall { peers }.abi_encode();
    let at = evm.module("BuybackBurner", &constructor, &initialize);
    let mint = c::TestUSDC::mintCall { to: at, amount: U256::from(1) << 200 };
    evm.must(SOMEBODY, usdc, &mint);
    let approve = c::DataToken::approveCall { spender: at, value: U256::MAX };
    evm.must(seller, token, &approve);
    for _ in 0..CASES / 20 {
        let floor = wide(&mut dice, 60).max(1);
        let twin = BuybackTerms {
            floor: Usdc::from_units(floor),
            cap: Usdc::from_units(wide(&mut dice, 64).max(floor)),
            limit: Usdc::from_units(wide(&mut dice, 80).max(1)),
            ramp: small(&mut dice, 24).max(1),
            burned: part(up_to(&mut dice, 10_000) as u16),
        };
        evm.must(SOMEBODY, at, &c::BuybackBurner::setTermsCall { terms_: terms(&twin) });
        let mut elapsed = 0;
        for _ in 0..20 {
            let passed = up_to(&mut dice, twin.ramp + 10);
            let now = evm.now() + passed;
            evm.set_time(now);
            elapsed += passed;
            let here = twin.price(elapsed).unwrap();
            assert_eq!(evm.ask(at, &c::BuybackBurner::priceCall {}), Some(here.to_u256()));

            let sold = Data::from_units(number(&mut dice, 80));
            let paid = twin.proceeds(sold, elapsed).unwrap();
            let call = c::BuybackBurner::sellCall { dataIn: sold.units(), minUsdc: U256::ZERO };
            let sends = paid != Usdc::ZERO && paid <= twin.limit;
            let Some(logs) = evm.send(seller, at, &call) else {
                assert!(!sends, "{twin:?} {sold} {elapsed}");
                continue;
            };
            assert!(sends, "{twin:?} {sold} {elapsed}");
            let there = event::<c::BuybackBurner::BoughtBack>(&logs);
            assert_eq!(there.usdcSpent, paid.to_u256());
            let there = event::<c::BuybackBurner::Used>(&logs);
            let here = twin.divide(sold);
            assert_eq!(
                (there.burned, there.toContributors),
                (here.burned.units(), here.given.units())
            );
            elapsed = twin.elapsed_after(elapsed, paid).unwrap();
        }
    }
}

#[test]
fn a_year_mints_at_most_what_the_token_says() {
    let (mut evm, mut dice) = (Evm::new(), dice(26));
    let puppet = evm.puppet(1);
    let token = c::DataToken::constructorCall {
        authority_: puppet,
        timelock: SOMEBODY,
        genesis: U256::from(1),
    };
    let at = evm.create("DataToken", &token);
    // A year later: the cap is of the supply that the year begins with.
    evm.set_time(START + 366 * 86_400);
    for _ in 0..CASES / 20 {
        let bps = up_to(&mut dice, 500) as u16;
        evm.store(at, U256::from(2), U256::ZERO);
        evm.must(SOMEBODY, at, &c::DataToken::setCapBpsCall { bps });
        let next = evm.now() + 365 * 86_400;
        evm.set_time(next);
        for _ in 0..20 {
            let supply = number(&mut dice, 256);
            evm.store(at, U256::from(2), supply);
            let there = evm.ask(at, &c::DataToken::yearlyCapCall {}).unwrap();
            let here = yearly_cap(Data::from_units(supply), part(bps));
            assert_eq!((there.cap, there.minted), (here.units(), U256::ZERO), "{supply} {bps}");
        }
    }
}

#[test]
fn a_service_costs_what_the_desk_says() {
    let (mut evm, mut dice) = (Evm::new(), dice(27));
    let puppet = evm.puppet(1);
    let buyer = Address::repeat_byte(7);
    let token = c::DataToken::constructorCall {
        authority_: puppet,
        timelock: buyer,
        genesis: U256::from(1) << 250,
    };
    let token = evm.create("DataToken", &token);
    let constructor = c::ServiceDesk::constructorCall { data: token }.abi_encode();
    let initialize = c::ServiceDesk::initializeCall { authority: puppet };
    let at = evm.module("ServiceDesk", &constructor, &initialize);
    let approve = c::DataToken::approveCall { spender: at, value: U256::MAX };
    evm.must(buyer, token, &approve);
    for _ in 0..CASES / 50 {
        let price = wide(&mut dice, 128).max(1);
        let service = c::ServiceDesk::Service {
            provider: puppet,
            forSale: true,
            price,
            description: B256::repeat_byte(1),
        };
        let set = c::ServiceDesk::setServiceCall { serviceId: U256::from(1), s: service };
        evm.must(SOMEBODY, at, &set);
        for _ in 0..50 {
            let units = number(&mut dice, 250).max(U256::from(1));
            let call = c::ServiceDesk::buyCall {
                serviceId: U256::from(1),
                buyer,
                units,
                maxPrice: U256::MAX,
                permit: no_permit!(ServiceDesk),
            };
            let held = evm.ask(token, &c::DataToken::balanceOfCall { account: buyer }).unwrap();
            let here = service_price(units, data(price)).ok().map(Data::units);
            // Bought where it can be paid for; otherwise the price is only asked for.
            if here.is_some_and(|cost| cost <= held >> 8) {
                let logs = evm.must(buyer, at, &call);
                let there = event::<c::ServiceDesk::ServiceBought>(&logs).burned;
                assert_eq!(Some(there), here, "{units} {price}");
            } else {
                let asked = c::ServiceDesk::buyCall { maxPrice: U256::ZERO, ..call };
                let said = evm.refusal(buyer, at, &asked);
                use alloy::sol_types::SolError;
                let there = c::ServiceDesk::ServiceDesk_PriceAboveMaximum::abi_decode(&said).ok();
                assert_eq!(there.map(|said| said.price), here, "{units} {price}");
            }
        }
    }
}
