//! What a member agreed to, and whether it covers a use: the twin of `ConsentRegistry.permits`.
//!
//! The checks go in one order: party, data class, purpose, jurisdiction, time. A use is permitted when one grant passes
//! all of them; else the answer names the check that the closest grant failed, so that a member or a researcher learns
//! what is missing.

pub mod fhir;
pub mod strict;
pub mod words;

use serde::{Deserialize, Serialize};

use crate::codes::{Country, DataClass, Purpose, Region};
use crate::table::RuleTable;

/// A party's address on the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Party(pub [u8; 20]);

/// What a grant gives consent to (a bitmap of `DataClasses`: bit `1 << class`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct ClassSet(u16);

impl ClassSet {
    /// The set of these classes.
    #[must_use]
    pub fn of(classes: &[DataClass]) -> Self {
        Self(classes.iter().fold(0, |bits, class| bits | 1 << class.number()))
    }

    /// The bitmap that the contracts use.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The set of a bitmap; none where a bit is not known.
    #[must_use]
    pub fn from_bits(bits: u16) -> Option<Self> {
        (bits & !Self::of(DataClass::ALL).0 == 0).then_some(Self(bits))
    }

    /// Whether the class is in it.
    #[must_use]
    pub const fn contains(self, class: DataClass) -> bool {
        self.0 & 1 << class.number() != 0
    }
}

/// What a grant allows data to be used for (a bitmap of `Purposes`: bit `1 << purpose`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct PurposeSet(u16);

impl PurposeSet {
    /// The set of these purposes.
    #[must_use]
    pub fn of(purposes: &[Purpose]) -> Self {
        Self(purposes.iter().fold(0, |bits, purpose| bits | 1 << purpose.number()))
    }

    /// The bitmap that the contracts use.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The set of a bitmap; none where a bit is not known.
    #[must_use]
    pub fn from_bits(bits: u16) -> Option<Self> {
        (bits & !Self::of(Purpose::ALL).0 == 0).then_some(Self(bits))
    }

    /// Whether the purpose is in it.
    #[must_use]
    pub const fn contains(self, purpose: Purpose) -> bool {
        self.0 & 1 << purpose.number() != 0
    }
}

/// Where data may be used: a bitmap by [`RuleTable::region_index`], in which bit 0 stands for every place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct RegionSet([u8; 32]);

impl RegionSet {
    /// Every place, listed or not.
    #[must_use]
    pub fn anywhere() -> Self {
        Self::default().with_bit(0)
    }

    /// These regions; none where one is not listed in the table.
    #[must_use]
    pub fn of(table: &RuleTable, regions: &[Region]) -> Option<Self> {
        regions.iter().try_fold(Self::default(), |set, region| {
            table.region_index(*region).map(|index| set.with_bit(index))
        })
    }

    /// The bitmap that the contracts use, a `uint256` in 32 bytes, the highest first.
    #[must_use]
    pub const fn to_be_bytes(self) -> [u8; 32] {
        self.0
    }

    /// The set of such a bitmap.
    #[must_use]
    pub const fn from_be_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Whether data may be used from `country`. A country that is not listed is only covered by [`RegionSet::anywhere`].
    #[must_use]
    pub fn covers(self, table: &RuleTable, country: Country) -> bool {
        let region = table.region_of(country).and_then(|region| table.region_index(region));
        self.has_bit(0) || region.is_some_and(|index| self.has_bit(index))
    }

    /// Whether the country's region is named, which says more than [`RegionSet::covers`]: not every place is permitted, and
    /// this one is.
    #[must_use]
    pub fn names(self, table: &RuleTable, country: Country) -> bool {
        !self.has_bit(0) && self.covers(table, country)
    }

    fn with_bit(mut self, index: u8) -> Self {
        self.0[31 - usize::from(index / 8)] |= 1 << (index % 8);
        self
    }

    fn and(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(byte, other)| *byte &= other);
        self
    }

    const fn has_bit(self, index: u8) -> bool {
        self.0[31 - (index / 8) as usize] & 1 << (index % 8) != 0
    }
}

/// What a member agreed to, with one custodian.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Who holds the data.
    pub custodian: Party,
    /// Who may use it; none for every researcher in good standing.
    pub grantee: Option<Party>,
    /// Which data.
    pub classes: ClassSet,
    /// What for.
    pub purposes: PurposeSet,
    /// From where.
    pub jurisdictions: RegionSet,
    /// Unix seconds, the first moment at which it no longer counts.
    pub expiry: u64,
    /// Hash of the consent document that the member saw.
    pub document_hash: [u8; 32],
}

/// A use that a member's consent must cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// Who holds the data.
    pub custodian: Party,
    /// Who wants to use it.
    pub grantee: Party,
    /// Whether the grantee is a researcher in good standing by the participant registry.
    pub in_good_standing: bool,
    /// Which data.
    pub class: DataClass,
    /// What for.
    pub purpose: Purpose,
    /// The country from which it is used.
    pub country: Country,
}

/// Why consent does not cover a use: what fails in the grant that comes closest. In the order of the checks.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    thiserror::Error,
)]
pub enum Denial {
    /// There is no grant to the party or its kind with this custodian.
    #[error("no grant to this party")]
    Party,
    /// The data class is not in the grant.
    #[error("data class not covered")]
    Class,
    /// The purpose is not in the grant.
    #[error("purpose not covered")]
    Purpose,
    /// The place is not in the grant.
    #[error("jurisdiction not covered")]
    Jurisdiction,
    /// The grant has ended.
    #[error("expired")]
    Expired,
}

/// Whether one of a member's `grants` (those not revoked) covers the use at `now` (unix seconds). `table` says which
/// region a country belongs to.
///
/// # Errors
/// [`Denial`], with the text that the ledger gives too.
pub fn permits(table: &RuleTable, grants: &[Grant], asked: &Use, now: u64) -> Result<(), Denial> {
    let mut closest = Denial::Party;
    for grant in grants.iter().filter(|grant| grant.custodian == asked.custodian) {
        match check(table, grant, asked, now) {
            Ok(()) => return Ok(()),
            Err(denial) => closest = closest.max(denial),
        }
    }
    Err(closest)
}

fn check(table: &RuleTable, grant: &Grant, asked: &Use, now: u64) -> Result<(), Denial> {
    let party = grant.grantee.map_or(asked.in_good_standing, |grantee| grantee == asked.grantee);
    let checks = [
        (party, Denial::Party),
        (grant.classes.contains(asked.class), Denial::Class),
        (grant.purposes.contains(asked.purpose), Denial::Purpose),
        (grant.jurisdictions.covers(table, asked.country), Denial::Jurisdiction),
        (now < grant.expiry, Denial::Expired),
    ];
    checks.into_iter().find(|(passes, _)| !passes).map_or(Ok(()), |(_, denial)| Err(denial))
}
