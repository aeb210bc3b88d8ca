//! Curve, exchange, loans, auctions, metering, bonds, licences, and how revenue is divided.

use alloy::primitives::aliases::{U80, U96};
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::{SolConstructor, SolError, SolEvent};
use caduceus_contracts as c;
use caduceus_economics::{
    AccessUnits, BasisPoints, Curve, DatasetUse, Features, LendingTerms, MAXIMUM_SUPPLY,
    PriceCurve, RevealedBid, Split, Usdc, curve_fee, exchange_charge, exchange_price, forfeit,
    least_bid, meter, quote, second_price, slash_bond, split, units_needed, usage_parts,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::evm::{
    CASES, Evm, SOMEBODY, dice, event, held, no_permit, number, proof, small, up_to, wide,
};

fn usdc(units: u128) -> Usdc {
    Usdc::from_units(units)
}

fn part(points: u16) -> BasisPoints {
    BasisPoints::new(points).unwrap()
}

fn units(amount: U256) -> AccessUnits {
    AccessUnits::from_units(amount)
}

/// `DatasetBrief`, of which only the number of records and the class count here.
fn brief(class: u8, records: u64) -> [U256; 6] {
    let zero = U256::ZERO;
    [zero, zero, U256::from(class), zero, zero, U256::from(records)]
}

// ---- the curve ----------------------------------------------------------------------------------------------------------

fn curve(evm: &mut Evm, puppet: Address, base: u128, slope: u128, fee: u16) -> Address {
    let peers = c::BondingCurve::Peers {
        usdc: puppet,
        market: puppet,
        splitter: puppet,
        datasets: puppet,
        registry: puppet,
        breaker: puppet,
        treasury: puppet,
    };
    let constructor = c::BondingCurve::constructorCall {
        peers,
        authority_: puppet,
        base: U96::from(base),
        slope: U96::from(slope),
        feeBps_: fee,
    };
    evm.create("BondingCurve", &constructor)
}

/// A curve that can be, by base and slope.
fn any_curve(dice: &mut ChaCha8Rng) -> (u128, u128, Curve) {
    loop {
        let (base, slope) = (wide(dice, 96), wide(dice, 96));
        if let Ok(curve) = Curve::new(base, slope) {
            return (base, slope, curve);
        }
    }
}

/// The slot of `_totalSupply` in OpenZeppelin's ERC20.
const SUPPLY: U256 = U256::from_limbs([2, 0, 0, 0]);

#[test]
fn units_cost_and_give_back_what_the_curve_says() {
    let (mut evm, mut dice) = (Evm::new(), dice(1));
    let puppet = evm.puppet(1);
    for _ in 0..CASES / 500 {
        let (base, slope, twin) = any_curve(&mut dice);
        let at = curve(&mut evm, puppet, base, slope, 0);
        for _ in 0..500 {
            let supply = number(&mut dice, 100);
            evm.store(at, SUPPLY, supply);
            let bits = if dice.random_bool(0.9) { 100 } else { 256 };
            let n = number(&mut dice, bits);
            let there = evm.ask(at, &c::BondingCurve::costOfCall { units: n });
            let here = twin.cost(units(supply), units(n)).ok();
            assert_eq!(here.map(Usdc::to_u256), held(there), "{base} {slope} {supply} {n}");
            let there = evm.ask(at, &c::BondingCurve::proceedsOfCall { units: n });
            let here = twin.proceeds(units(supply), units(n)).ok();
            assert_eq!(here.map(Usdc::to_u256), held(there), "{base} {slope} {supply} {n}");
        }
    }
}

#[test]
fn a_payment_buys_the_units_that_the_curve_says() {
    let (mut evm, mut dice) = (Evm::new(), dice(2));
    let puppet = evm.puppet(1);
    for _ in 0..CASES / 500 {
        let (base, slope, twin) = any_curve(&mut dice);
        let fee = part(up_to(&mut dice, 500) as u16);
        let at = curve(&mut evm, puppet, base, slope, fee.points());
        for _ in 0..500 {
            let supply = number(&mut dice, 101).min(MAXIMUM_SUPPLY.units());
            evm.store(at, SUPPLY, supply);
            let bits = if dice.random_bool(0.9) { 64 } else { 100 };
            let paid = usdc(wide(&mut dice, bits));
            let net = paid.minus(curve_fee(paid, fee)).unwrap();
            let here = twin.units_for(units(supply), net).ok();
            let there = evm.ask(at, &c::BondingCurve::unitsForCall { usdcIn: paid.to_u256() });
            assert_eq!(here.map(AccessUnits::units), there, "{base} {slope} {supply} {paid}");
        }
    }
}

#[test]
fn a_licence_takes_the_units_that_the_curve_says() {
    let (mut evm, mut dice) = (Evm::new(), dice(3));
    let puppet = evm.puppet(1);
    let at = curve(&mut evm, puppet, 1, 0, 0);
    for _ in 0..CASES {
        let (records, uses) = (small(&mut dice, 64), small(&mut dice, 32) as u32);
        evm.answers::<c::DatasetToken::briefCall>(puppet, &brief(1, records));
        let ids = vec![U256::from(1); dice.random_range(0..4)];
        let here = units_needed(&vec![records; ids.len()], uses).unwrap();
        let there = evm.ask(at, &c::BondingCurve::unitsNeededCall { datasetIds: ids, uses });
        assert_eq!(Some(here.units()), there, "{records} {uses}");
    }
}

// ---- the exchange -------------------------------------------------------------------------------------------------------

fn any_features(dice: &mut ChaCha8Rng) -> Features {
    let mut one = || part(up_to(dice, 10_000) as u16);
    Features { completeness: one(), rarity: one(), sensitivity: one(), breadth: one() }
}

/// Four weights that are the whole together.
fn any_weights(dice: &mut ChaCha8Rng) -> Features {
    let mut cuts = [0; 3].map(|_: u64| up_to(dice, 10_000) as u16);
    cuts.sort_unstable();
    let [a, b, last] = cuts;
    Features {
        completeness: part(a),
        rarity: part(b - a),
        sensitivity: part(last - b),
        breadth: part(10_000 - last),
    }
}

#[test]
fn a_dataset_is_swapped_at_the_price_that_the_exchange_says() {
    let (mut evm, mut dice) = (Evm::new(), dice(4));
    let puppet = evm.puppet(1);
    let peers = c::DatasetExchange::Peers {
        market: puppet,
        datasets: puppet,
        pool: puppet,
        registry: puppet,
        compliance: puppet,
        attestations: puppet,
        breaker: puppet,
    };
    let first = on_exchange(&PriceCurve {
        floor: usdc(1),
        cap: usdc(1),
        steepness: 0,
        midpoint: 0,
        weights: any_weights(&mut dice),
    });
    let initialize = c::DatasetExchange::initializeCall {
        authority: puppet,
        curve: first,
        feeBps: 0,
        stockCap: 1,
    };
    let constructor = c::DatasetExchange::constructorCall { peers }.abi_encode();
    let at = evm.module("DatasetExchange", &constructor, &initialize);
    let mut assessed = 0;
    for _ in 0..CASES / 20 {
        let floor = wide(&mut dice, 96).max(1);
        let twin = PriceCurve {
            floor: usdc(floor),
            cap: usdc(wide(&mut dice, 96).max(floor)),
            steepness: number(&mut dice, 70).to::<u128>().min(1_000 * 10_u128.pow(18)),
            midpoint: up_to(&mut dice, 10_u64.pow(18)),
            weights: any_weights(&mut dice),
        };
        let fee = up_to(&mut dice, 1_000) as u16;
        let set = c::DatasetExchange::setPriceCurveCall { curve: on_exchange(&twin) };
        evm.must(SOMEBODY, at, &set);
        evm.must(SOMEBODY, at, &c::DatasetExchange::setTermsCall { feeBps: fee, stockCap: 1 });
        for _ in 0..20 {
            let features = any_features(&mut dice);
            assessed += 1;
            assess(&mut evm, at, assessed, &features);
            let id = U256::from(1);
            let price = exchange_price(&twin, &features).unwrap();
            let there = evm.ask(at, &c::DatasetExchange::priceOfCall { datasetId: id });
            assert_eq!(Some(price.to_u256()), there, "{twin:?} {features:?}");
            let uses = small(&mut dice, 32) as u32;
            let here = exchange_charge(price, uses, part(fee)).ok();
            let there = evm.ask(at, &c::DatasetExchange::chargeForCall { datasetId: id, uses });
            assert_eq!(here.map(Usdc::to_u256), held(there), "{price} {uses} {fee}");
        }
    }
}

fn on_exchange(twin: &PriceCurve) -> c::DatasetExchange::PriceCurve {
    c::DatasetExchange::PriceCurve {
        floor: U96::from(twin.floor.units()),
        cap: U96::from(twin.cap.units()),
        steepness: U80::from(twin.steepness),
        midpoint: twin.midpoint,
        completeness: twin.weights.completeness.points(),
        rarity: twin.weights.rarity.points(),
        sensitivity: twin.weights.sensitivity.points(),
        breadth: twin.weights.breadth.points(),
    }
}

fn assess(evm: &mut Evm, at: Address, issued: u64, features: &Features) {
    let call = c::DatasetExchange::setFeaturesCall {
        datasetId: U256::from(1),
        features: c::DatasetExchange::Features {
            completeness: features.completeness.points(),
            rarity: features.rarity.points(),
            sensitivity: features.sensitivity.points(),
            breadth: features.breadth.points(),
        },
        proof: proof!(DatasetExchange, issued),
    };
    evm.must(SOMEBODY, at, &call);
}

// ---- loans --------------------------------------------------------------------------------------------------------------

#[test]
fn a_loan_is_quoted_as_the_lending_says() {
    let (mut evm, mut dice) = (Evm::new(), dice(5));
    let puppet = evm.puppet(1);
    let constructor = c::DatasetLending::constructorCall {
        usdc: puppet,
        market: puppet,
        splitter: puppet,
        pool: puppet,
        attestations: puppet,
    };
    let terms = |twin: &LendingTerms| c::DatasetLending::LendingTerms {
        collateralBps: twin.collateral,
        marginBps: twin.margin,
        feeBps: twin.fee,
        seizureBps: twin.seizure.points(),
    };
    let any = LendingTerms { collateral: 10_000, margin: 10_000, fee: 0, seizure: part(0) };
    let initialize = c::DatasetLending::initializeCall { authority: puppet, terms: terms(&any) };
    let at = evm.module("DatasetLending", &constructor.abi_encode(), &initialize);
    for _ in 0..CASES / 20 {
        let collateral = dice.random_range(10_000..=100_000_u32);
        let twin = LendingTerms {
            collateral,
            margin: dice.random_range(10_000..=collateral),
            fee: up_to(&mut dice, 100_000) as u32,
            seizure: part(up_to(&mut dice, 500) as u16),
        };
        evm.must(SOMEBODY, at, &c::DatasetLending::setLendingTermsCall { terms: terms(&twin) });
        for _ in 0..20 {
            let price = usdc(wide(&mut dice, 100));
            let term = small(&mut dice, 40);
            evm.answers::<c::LicenceMarket::quoteCall>(puppet, &[price.to_u256()]);
            let here = twin.quote(price, term).ok();
            let ask = c::DatasetLending::quoteCall { datasetId: U256::from(1), term };
            let there = evm.ask(at, &ask);
            let here = here.map(|quote| (quote.collateral.to_u256(), quote.fee.to_u256()));
            let there = there.map(|quote| (quote.collateral, quote.fee));
            assert_eq!(here, there, "{twin:?} {price} {term}");
        }
    }
}

// ---- licences and revenue -----------------------------------------------------------------------------------------------

#[test]
fn a_licence_costs_what_the_market_says() {
    let (mut evm, mut dice) = (Evm::new(), dice(6));
    let puppet = evm.puppet(1);
    let peers = c::LicenceMarket::Peers {
        usdc: puppet,
        passes: puppet,
        datasets: puppet,
        pool: puppet,
        compliance: puppet,
        breaker: puppet,
        splitter: puppet,
    };
    let initialize = c::LicenceMarket::initializeCall {
        authority: puppet,
        term_: 90 * 86_400,
        prices: vec![U256::from(1)],
    };
    let constructor = c::LicenceMarket::constructorCall { peers }.abi_encode();
    let at = evm.module("LicenceMarket", &constructor, &initialize);
    for _ in 0..CASES / 20 {
        let price = wide(&mut dice, 64).max(1);
        let set = c::LicenceMarket::setPriceCall { dataClass: 1, pricePer1000_: U256::from(price) };
        evm.must(SOMEBODY, at, &set);
        for _ in 0..20 {
            let (records, uses) = (small(&mut dice, 32), small(&mut dice, 16).max(1) as u32);
            evm.answers::<c::DatasetToken::briefCall>(puppet, &brief(1, records));
            let ids: Vec<U256> = (1..=dice.random_range(1..4)).map(U256::from).collect();
            let here = quote(&vec![(records, usdc(price)); ids.len()], uses).unwrap();
            let there = evm.ask(at, &c::LicenceMarket::quoteCall { datasetIds: ids, uses });
            assert_eq!(there, Some(here.to_u256()), "{price} {records} {uses}");
        }
    }
}

#[test]
fn a_payment_is_divided_as_the_splitter_divides_it() {
    let (mut evm, mut dice) = (Evm::new(), dice(7));
    let (puppet, custodian) = (evm.puppet(1), Address::repeat_byte(0xc1));
    let peers = c::RevenueSplitter::Peers {
        usdc: puppet,
        datasets: puppet,
        pool: puppet,
        claims: puppet,
        streams: puppet,
        licenceMarket: SOMEBODY,
        computeMarket: SOMEBODY,
        treasury: puppet,
    };
    let initialize = c::RevenueSplitter::initializeCall {
        authority: puppet,
        split_: c::RevenueSplitter::Split {
            contributorsBps: 10_000,
            treasuryBps: 0,
            buybackBps: 0,
            poolYieldBps: 0,
        },
    };
    let constructor = c::RevenueSplitter::constructorCall { peers }.abi_encode();
    let at = evm.module("RevenueSplitter", &constructor, &initialize);
    evm.answers::<c::TestUSDC::balanceOfCall>(puppet, &[U256::MAX >> 1]);
    for _ in 0..CASES / 10 {
        let (treasury, pool) = (up_to(&mut dice, 10_000), up_to(&mut dice, 10_000) as u16);
        let buyback = up_to(&mut dice, 10_000 - treasury);
        let rest = (10_000 - treasury - buyback) as u16;
        let (treasury, buyback) = (treasury as u16, buyback as u16);
        let twin = Split::new(part(rest), part(treasury), part(buyback), part(pool)).unwrap();
        let split_ = c::RevenueSplitter::Split {
            contributorsBps: rest,
            treasuryBps: treasury,
            buybackBps: buyback,
            poolYieldBps: pool,
        };
        evm.must(SOMEBODY, at, &c::RevenueSplitter::setSplitCall { split_ });
        let bps = up_to(&mut dice, 10_000) as u16;
        let payee = [U256::from_be_slice(custodian.as_slice()), U256::from(bps)];
        evm.answers::<c::DatasetToken::payeeOfCall>(puppet, &payee);
        for _ in 0..10 {
            let amount = usdc(wide(&mut dice, 100));
            let mut weights: Vec<u128> =
                (0..dice.random_range(1..4)).map(|_| wide(&mut dice, 96)).collect();
            weights[0] = weights[0].max(1);
            let call = c::RevenueSplitter::distributeCall {
                amount: amount.to_u256(),
                datasetIds: vec![U256::from(1); weights.len()],
                weights: weights.iter().copied().map(U256::from).collect(),
            };
            let logs = evm.must(SOMEBODY, at, &call);
            let here = split(amount, &twin);
            let there = event::<c::RevenueSplitter::RevenueDistributed>(&logs);
            assert_eq!(here.contributors.to_u256(), there.contributors);
            assert_eq!(here.treasury.to_u256(), there.treasury);
            assert_eq!(here.buyback.to_u256(), there.buyback);
            assert_eq!(here.pool_yield.to_u256(), there.poolYield);
            let uses: Vec<DatasetUse> =
                weights.iter().map(|&weight| DatasetUse { weight, custodian: part(bps) }).collect();
            let here = usage_parts(here.usage, &uses).unwrap();
            let there: Vec<_> = logs
                .iter()
                .filter_map(|log| {
                    c::RevenueSplitter::UsageCredited::decode_log_data(&log.data).ok()
                })
                .collect();
            assert_eq!(here.len(), there.len());
            for (here, there) in here.iter().zip(there) {
                assert_eq!(here.custodian.to_u256(), there.custodianPart);
                assert_eq!(here.members.to_u256(), there.membersPart);
            }
        }
    }
}

// ---- auctions, meters and bonds -----------------------------------------------------------------------------------------

/// Real money, of which everybody has plenty.
fn money(evm: &mut Evm, holders: &[Address]) -> Address {
    let usdc = evm.create("TestUSDC", &c::TestUSDC::constructorCall { owner: SOMEBODY });
    for holder in holders {
        let amount = U256::from(1) << 120;
        evm.must(SOMEBODY, usdc, &c::TestUSDC::mintCall { to: *holder, amount });
    }
    usdc
}

fn allow(evm: &mut Evm, usdc: Address, holder: Address, spender: Address) {
    let call = c::TestUSDC::approveCall { spender, value: U256::MAX };
    evm.must(holder, usdc, &call);
}

const BIDDERS: [Address; 4] = [
    Address::repeat_byte(0xb1),
    Address::repeat_byte(0xb2),
    Address::repeat_byte(0xb3),
    Address::repeat_byte(0xb4),
];

fn auctions(evm: &mut Evm, usdc: Address, puppet: Address) -> Address {
    let peers = c::DatasetAuction::Peers {
        usdc,
        market: puppet,
        splitter: puppet,
        datasets: puppet,
        pool: puppet,
        registry: puppet,
        compliance: puppet,
        breaker: puppet,
        treasury: puppet,
    };
    let yes = [U256::from(1), U256::from(64), U256::ZERO];
    evm.answers::<c::ParticipantRegistry::standingCall>(puppet, &yes);
    evm.answers::<c::ComplianceOracle::checkAccessCall>(puppet, &yes);
    let custodian = U256::from_be_slice(SOMEBODY.as_slice());
    evm.answers::<c::DatasetToken::custodianOfCall>(puppet, &[custodian]);
    let constructor = c::DatasetAuction::constructorCall { peers }.abi_encode();
    let initialize = c::DatasetAuction::initializeCall { authority: puppet };
    let at = evm.module("DatasetAuction", &constructor, &initialize);
    for bidder in BIDDERS {
        allow(evm, usdc, bidder, at);
    }
    at
}

fn lot(evm: &Evm, kind: u8, reserve: u128) -> c::DatasetAuction::Lot {
    let ends = evm.now() + 3_600;
    c::DatasetAuction::Lot {
        datasetId: U256::from(1),
        kind,
        purpose: 1,
        uses: 1,
        biddingEnds: ends,
        revealEnds: if kind == 2 { ends + 3_600 } else { 0 },
        term: 86_400,
        reserve: U96::from(reserve),
    }
}

#[test]
fn a_bid_must_be_as_high_as_the_auction_says() {
    let (mut evm, mut dice) = (Evm::new(), dice(8));
    let puppet = evm.puppet(1);
    let usdc_at = money(&mut evm, &BIDDERS);
    let at = auctions(&mut evm, usdc_at, puppet);
    for number in 1..=CASES / 4 {
        let reserve = wide(&mut dice, 80).max(1);
        let call = c::DatasetAuction::callCall { lot: lot(&evm, 1, reserve) };
        evm.must(SOMEBODY, at, &call);
        let mut highest = None;
        for bidder in BIDDERS {
            let id = U256::from(number);
            let bid = |amount: u128| c::DatasetAuction::bidCall {
                auctionId: id,
                amount: U96::from(amount),
                permit: no_permit!(DatasetAuction),
            };
            let least = least_bid(usdc(reserve), highest).unwrap();
            let said = evm.refusal(bidder, at, &bid(0));
            let said = c::DatasetAuction::DatasetAuction_BidTooLow::abi_decode(&said).unwrap();
            assert_eq!(said.least, least.to_u256(), "{reserve} {highest:?}");
            let amount = least.units() + wide(&mut dice, 80);
            evm.must(bidder, at, &bid(amount));
            highest = Some(usdc(amount));
        }
    }
}

#[test]
fn sealed_bids_sell_at_the_second_price() {
    let (mut evm, mut dice) = (Evm::new(), dice(9));
    let puppet = evm.puppet(1);
    let usdc_at = money(&mut evm, &BIDDERS);
    let at = auctions(&mut evm, usdc_at, puppet);
    let deposit = U96::from(1_u128 << 70);
    for number in 1..=CASES / 4 {
        let id = U256::from(number);
        // Close values, so that bids are equal and below the reserve often.
        let reserve = u128::from(dice.random_range(1..20_u32));
        let called = lot(&evm, 2, reserve);
        let (ends, closed) = (called.biddingEnds, called.revealEnds);
        evm.must(SOMEBODY, at, &c::DatasetAuction::callCall { lot: called });
        let amounts = BIDDERS.map(|_| u128::from(dice.random_range(0..30_u32)));
        for (bidder, amount) in BIDDERS.into_iter().zip(amounts) {
            let ask = c::DatasetAuction::commitmentOfCall {
                auctionId: id,
                bidder,
                amount: U96::from(amount),
                salt: B256::ZERO,
            };
            let commitment = evm.ask(at, &ask).unwrap();
            let permit = no_permit!(DatasetAuction);
            let seal = c::DatasetAuction::sealCall { auctionId: id, commitment, deposit, permit };
            evm.must(bidder, at, &seal);
        }
        evm.set_time(ends + 1);
        let mut order = [0, 1, 2, 3];
        order.rotate_left(dice.random_range(0..4));
        if dice.random_bool(0.5) {
            order.swap(1, 2);
        }
        let revealed = &order[..dice.random_range(0..=4)];
        for &index in revealed {
            let call = c::DatasetAuction::revealCall {
                auctionId: id,
                bidder: BIDDERS[index],
                amount: U96::from(amounts[index]),
                salt: B256::ZERO,
            };
            evm.must(SOMEBODY, at, &call);
        }
        evm.set_time(closed + 1);
        let bids: Vec<RevealedBid> = revealed
            .iter()
            .map(|&index| RevealedBid { number: index as u32 + 1, amount: usdc(amounts[index]) })
            .collect();
        let logs = evm.must(SOMEBODY, at, &c::DatasetAuction::settleCall { auctionId: id });
        match second_price(usdc(reserve), &bids) {
            Some(sale) => {
                let there = event::<c::DatasetAuction::AuctionSettled>(&logs);
                assert_eq!(there.winner, BIDDERS[sale.winner as usize - 1], "{bids:?}");
                assert_eq!(there.price, sale.price.to_u256(), "{bids:?}");
            }
            None => {
                event::<c::DatasetAuction::AuctionCancelled>(&logs);
            }
        }
        if let Some(index) = (0..4).find(|index| !revealed.contains(index)) {
            let call = c::DatasetAuction::forfeitCall { auctionId: id, bidder: BIDDERS[index] };
            let lost = event::<c::DatasetAuction::BidForfeited>(&evm.must(SOMEBODY, at, &call));
            assert_eq!(lost.forfeited, forfeit(usdc(reserve)).to_u256());
        }
    }
}

#[test]
fn a_meter_costs_what_was_counted_and_no_more_than_was_deposited() {
    let (mut evm, mut dice) = (Evm::new(), dice(10));
    let puppet = evm.puppet(1);
    let usdc_at = money(&mut evm, &BIDDERS);
    let constructor = c::MeteredLicence::constructorCall {
        usdc: usdc_at,
        market: puppet,
        splitter: puppet,
        datasets: puppet,
        attestations: puppet,
    };
    let initialize = c::MeteredLicence::initializeCall { authority: puppet };
    let at = evm.module("MeteredLicence", &constructor.abi_encode(), &initialize);
    allow(&mut evm, usdc_at, BIDDERS[0], at);
    evm.answers::<c::DatasetToken::briefCall>(puppet, &brief(1, 1));
    for number in 1..=CASES / 4 {
        let id = U256::from(number);
        let price = wide(&mut dice, 40).max(1);
        let deposit = price + wide(&mut dice, 60);
        let set = c::MeteredLicence::setUnitPriceCall { dataClass: 1, price: U96::from(price) };
        evm.must(SOMEBODY, at, &set);
        let order = c::MeteredLicence::MeterOrder {
            datasetId: U256::from(1),
            purpose: 1,
            uses: 1,
            deposit: U96::from(deposit),
            maxPrice: U96::from(price),
        };
        let open = c::MeteredLicence::openCall { order, permit: no_permit!(MeteredLicence) };
        evm.must(BIDDERS[0], at, &open);
        let (mut counted, mut left) = (0, usdc(deposit));
        for _ in 0..4 {
            let now = counted + small(&mut dice, 20);
            let here = meter(counted, now, usdc(price), left).unwrap();
            let call = c::MeteredLicence::settleCall {
                meterId: id,
                units: now,
                last: false,
                proof: proof!(MeteredLicence, 0),
            };
            let there = event::<c::MeteredLicence::MeterSettled>(&evm.must(SOMEBODY, at, &call));
            assert_eq!(there.paid, here.cost.to_u256(), "{counted} {now} {price} {left}");
            (counted, left) = (now, here.left);
        }
    }
}

#[test]
fn a_slashed_bond_is_divided_as_the_bonds_divide_it() {
    let (mut evm, mut dice) = (Evm::new(), dice(11));
    let puppet = evm.puppet(1);
    let usdc_at = money(&mut evm, &BIDDERS);
    let peers = c::ResearcherBonds::Peers {
        usdc: usdc_at,
        registry: puppet,
        licenceMarket: puppet,
        computeMarket: puppet,
        treasury: puppet,
    };
    let terms = |accuser| c::ResearcherBonds::BondTerms {
        minimum: U96::from(1),
        notice: 3_600,
        accuserBps: accuser,
    };
    // The arbitrator is a puppet: it costs nothing, and gives every dispute the number that it is told.
    evm.answers::<c::CentralizedArbitrator::arbitrationCostCall>(puppet, &[U256::ZERO]);
    let arbitration = c::ResearcherBonds::ArbitrationTerms {
        arbitrator: puppet,
        rulingWindow: 3_600,
        extraData: Bytes::new(),
        metaEvidence: String::new(),
    };
    let initialize =
        c::ResearcherBonds::initializeCall { authority: puppet, arbitration, terms: terms(0) };
    let constructor = c::ResearcherBonds::constructorCall { peers }.abi_encode();
    let at = evm.module("ResearcherBonds", &constructor, &initialize);
    allow(&mut evm, usdc_at, BIDDERS[0], at);
    let stake = c::ResearcherBonds::depositCall {
        amount: U96::from(1_u128 << 95),
        permit: no_permit!(ResearcherBonds),
    };
    evm.must(BIDDERS[0], at, &stake);
    for number in 0..CASES {
        if number % 50 == 0 {
            let accuser = up_to(&mut dice, 5_000) as u16;
            evm.must(SOMEBODY, at, &c::ResearcherBonds::setBondTermsCall { terms: terms(accuser) });
        }
        let dispute = U256::from(number);
        evm.answers::<c::CentralizedArbitrator::createDisputeCall>(puppet, &[dispute]);
        let amount = wide(&mut dice, 70).max(1);
        let accuse = c::ResearcherBonds::accuseCall {
            researcher: BIDDERS[0],
            amount: U96::from(amount),
            evidence: String::new(),
        };
        evm.must(BIDDERS[1], at, &accuse);
        let accuser = evm.ask(at, &c::ResearcherBonds::bondTermsCall {}).unwrap().accuserBps;
        let rule = c::ResearcherBonds::ruleCall { disputeId: dispute, ruling: U256::from(1) };
        let there = event::<c::ResearcherBonds::BondSlashed>(&evm.must(puppet, at, &rule));
        let here = slash_bond(usdc(amount), part(accuser));
        assert_eq!(there.toAccuser, here.accuser.to_u256());
        assert_eq!(there.toTreasury, here.treasury.to_u256());
    }
}
