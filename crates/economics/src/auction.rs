//! What is bid for a licence and what its winner pays: the twin of `DatasetAuction`.

use alloy::primitives::U256;

use crate::amounts::{AmountError, BasisPoints, Usdc};

/// A bid is above the highest by at least this part of it.
const INCREMENT: BasisPoints = BasisPoints::constant(500);
/// The part of the reserve that a sealed bid loses which was not revealed.
const FORFEIT: BasisPoints = BasisPoints::constant(1_000);

/// The least that can be bid in an English auction: the reserve, or the highest bid and a twentieth of it, rounded up.
///
/// # Errors
/// [`AmountError::TooLarge`].
pub fn least_bid(reserve: Usdc, highest: Option<Usdc>) -> Result<Usdc, AmountError> {
    let Some(highest) = highest else { return Ok(reserve) };
    let step = highest.to_u256() * U256::from(INCREMENT.points());
    highest.plus(step.div_ceil(U256::from(10_000)).try_into()?)
}

/// What a sealed bid loses to the treasury when it is not revealed, rounded down.
#[must_use]
pub fn forfeit(reserve: Usdc) -> Usdc {
    FORFEIT.of(reserve)
}

/// A sealed bid that was revealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevealedBid {
    /// Its place among all bids, in the order in which they were sealed. Among equal bids the earliest leads.
    pub number: u32,
    /// What was bid.
    pub amount: Usdc,
}

/// Who wins a sealed auction and for how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sale {
    /// The place of the bid that wins.
    pub winner: u32,
    /// The second price (W. Vickrey, J. Finance 16, 1961): the highest of the other bids, or the reserve.
    pub price: Usdc,
}

/// Who wins a sealed auction, whatever the order in which bids were revealed; `None` below the reserve.
#[must_use]
pub fn second_price(reserve: Usdc, bids: &[RevealedBid]) -> Option<Sale> {
    let mut valid: Vec<_> = bids.iter().filter(|bid| bid.amount >= reserve).collect();
    valid.sort_by_key(|bid| (std::cmp::Reverse(bid.amount), bid.number));
    let (first, others) = valid.split_first()?;
    let price = others.first().map_or(reserve, |second| second.amount);
    Some(Sale { winner: first.number, price })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn usdc(n: u128) -> Usdc {
        Usdc::from_units(n)
    }

    #[test]
    fn an_english_bid_is_a_twentieth_above_the_highest() {
        assert_eq!(least_bid(usdc(100), None), Ok(usdc(100)));
        assert_eq!(least_bid(usdc(100), Some(usdc(100))), Ok(usdc(105)));
        assert_eq!(least_bid(usdc(1), Some(usdc(1))), Ok(usdc(2)));
        assert_eq!(forfeit(usdc(99)), usdc(9));
    }

    #[test]
    fn the_winner_of_sealed_bids_pays_the_second_price() {
        let bid = |number, amount| RevealedBid { number, amount: usdc(amount) };
        assert_eq!(second_price(usdc(10), &[]), None);
        assert_eq!(second_price(usdc(10), &[bid(1, 9)]), None);
        let sale = |winner, price| Some(Sale { winner, price: usdc(price) });
        assert_eq!(second_price(usdc(10), &[bid(1, 30)]), sale(1, 10));
        assert_eq!(second_price(usdc(10), &[bid(2, 30), bid(1, 30), bid(3, 20)]), sale(1, 30));
        assert_eq!(second_price(usdc(10), &[bid(1, 11), bid(2, 30)]), sale(2, 11));
    }

    proptest! {
        #[test]
        fn bidding_ones_value_is_never_worse_than_another_bid(
            value in 0u128..100,
            other in 0u128..100,
            rivals in prop::collection::vec(0u128..100, 0..6),
        ) {
            let gain = |amount| {
                let mut bids = vec![RevealedBid { number: 1, amount: usdc(amount) }];
                bids.extend((2..).zip(&rivals).map(|(number, rival)| RevealedBid { number, amount: usdc(*rival) }));
                match second_price(usdc(10), &bids) {
                    Some(sale) if sale.winner == 1 => value as i128 - sale.price.units() as i128,
                    _ => 0,
                }
            };
            prop_assert!(gain(value) >= gain(other));
        }
    }
}
