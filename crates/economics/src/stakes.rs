//! What those lose and get who stand up for something: the twins of `ResearcherBonds` and `ValidatorPool`.

use crate::amounts::{AmountError, BasisPoints, Data, Usdc};

/// A slashed bond of a researcher, divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlashedBond {
    /// To who accused, rounded down.
    pub accuser: Usdc,
    /// To the treasury.
    pub treasury: Usdc,
}

/// Divides what an upheld accusation takes of a researcher's bond.
#[must_use]
pub fn slash_bond(amount: Usdc, accuser: BasisPoints) -> SlashedBond {
    let accuser = accuser.of(amount);
    SlashedBond { accuser, treasury: amount.minus(accuser).expect("a part is at most the whole") }
}

/// What was put in for a check of quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// For the validator.
    pub pay: Data,
    /// The validator's, locked.
    pub bond: Data,
    /// The challenger's, if there is one.
    pub challenge_bond: Data,
}

/// How a check ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckEnd {
    /// Nobody challenged the report in time.
    Unchallenged,
    /// The report was challenged and was right.
    Right,
    /// The report was challenged and was wrong.
    Wrong,
    /// The report never came.
    Missing,
    /// Nobody ruled in time.
    Unruled,
}

/// Who gets what when a check ends. `bond` is what the validator keeps of it, unlocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CheckParts {
    /// Paid to the validator, without the bond.
    pub validator: Data,
    /// Of the validator's bond, what stays staked.
    pub bond: Data,
    /// Paid to the challenger.
    pub challenger: Data,
    /// Paid to who asked for the check.
    pub requester: Data,
    /// Burned.
    pub burned: Data,
}

/// Divides a check's money. `finder` is the part of a lost bond, rounded down, for whom the wrong check harmed or who
/// found it; the rest is burned.
///
/// # Errors
/// [`AmountError::TooLarge`].
pub fn end_check(
    check: &Check,
    end: CheckEnd,
    finder: BasisPoints,
) -> Result<CheckParts, AmountError> {
    let Check { pay, bond, challenge_bond } = *check;
    let found = Data::from_units(finder.of_units(bond.units()));
    let burned = bond.minus(found)?;
    Ok(match end {
        CheckEnd::Unchallenged => CheckParts { validator: pay, bond, ..CheckParts::default() },
        CheckEnd::Right => {
            CheckParts { validator: pay.plus(challenge_bond)?, bond, ..CheckParts::default() }
        }
        CheckEnd::Wrong => CheckParts {
            challenger: found.plus(challenge_bond)?,
            requester: pay,
            burned,
            ..CheckParts::default()
        },
        CheckEnd::Missing => {
            CheckParts { requester: found.plus(pay)?, burned, ..CheckParts::default() }
        }
        CheckEnd::Unruled => {
            CheckParts { bond, challenger: challenge_bond, requester: pay, ..CheckParts::default() }
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use alloy::primitives::U256;
    use proptest::prelude::*;

    use super::*;

    fn any_data() -> impl Strategy<Value = Data> {
        any::<u128>().prop_map(|units| Data::from_units(U256::from(units)))
    }

    proptest! {
        #[test]
        fn whatever_the_end_what_went_in_comes_out(
            pay in any_data(),
            bond in any_data(),
            against in any_data(),
            finder in 0u16..=5_000,
        ) {
            let finder = BasisPoints::new(finder).unwrap();
            for end in [CheckEnd::Unchallenged, CheckEnd::Right, CheckEnd::Wrong, CheckEnd::Missing, CheckEnd::Unruled] {
                let challenged = !matches!(end, CheckEnd::Unchallenged | CheckEnd::Missing);
                let challenge_bond = if challenged { against } else { Data::ZERO };
                let check = Check { pay, bond, challenge_bond };
                let parts = end_check(&check, end, finder).unwrap();
                let out = [parts.validator, parts.bond, parts.challenger, parts.requester, parts.burned];
                let sum = |all: &[Data]| all.iter().fold(U256::ZERO, |sum, one| sum + one.units());
                prop_assert_eq!(sum(&out), sum(&[pay, bond, challenge_bond]));
            }
        }

        #[test]
        fn a_slashed_bond_is_divided_whole(amount: u128, accuser in 0u16..=5_000) {
            let amount = Usdc::from_units(amount);
            let parts = slash_bond(amount, BasisPoints::new(accuser).unwrap());
            prop_assert_eq!(parts.accuser.plus(parts.treasury), Ok(amount));
            prop_assert!(parts.accuser <= parts.treasury);
        }
    }
}
