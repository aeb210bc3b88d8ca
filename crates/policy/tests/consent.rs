//! Consent covers what it says, and nothing else.

#![allow(clippy::unwrap_used, reason = "tests")]

use caduceus_policy::consent::{
    ClassSet, Denial, Grant, Party, PurposeSet, RegionSet, Use, permits,
};
use caduceus_policy::{Country, DataClass, Purpose, Region, default_rules};
use proptest::prelude::*;

const CUSTODIAN: Party = Party([1; 20]);
const RESEARCHER: Party = Party([2; 20]);
const NOW: u64 = 1_000;

fn region(code: &str) -> Region {
    code.parse().unwrap()
}

fn grant() -> Grant {
    Grant {
        custodian: CUSTODIAN,
        grantee: Some(RESEARCHER),
        classes: ClassSet::of(&[DataClass::Clinical]),
        purposes: PurposeSet::of(&[Purpose::GeneralResearch]),
        jurisdictions: RegionSet::of(default_rules(), &[region("EU")]).unwrap(),
        expiry: NOW + 1,
        document_hash: [9; 32],
    }
}

fn asked() -> Use {
    Use {
        custodian: CUSTODIAN,
        grantee: RESEARCHER,
        in_good_standing: true,
        class: DataClass::Clinical,
        purpose: Purpose::GeneralResearch,
        country: "FR".parse().unwrap(),
    }
}

fn answer(grants: &[Grant], asked: Use) -> Result<(), Denial> {
    permits(default_rules(), grants, &asked, NOW)
}

#[test]
fn each_dimension_refuses_what_it_does_not_cover_with_the_ledgers_words() {
    assert_eq!(answer(&[grant()], asked()), Ok(()));
    let cases = [
        (Use { custodian: Party([3; 20]), ..asked() }, "no grant to this party"),
        (Use { grantee: Party([3; 20]), ..asked() }, "no grant to this party"),
        (Use { class: DataClass::Genomic, ..asked() }, "data class not covered"),
        (Use { purpose: Purpose::Commercial, ..asked() }, "purpose not covered"),
        (Use { country: "US".parse().unwrap(), ..asked() }, "jurisdiction not covered"),
        (Use { country: "ZZ".parse().unwrap(), ..asked() }, "jurisdiction not covered"),
    ];
    for (asked, reason) in cases {
        assert_eq!(answer(&[grant()], asked).unwrap_err().to_string(), reason);
    }
    let ended = Grant { expiry: NOW, ..grant() };
    assert_eq!(answer(&[ended], asked()).unwrap_err().to_string(), "expired");
    assert_eq!(answer(&[], asked()), Err(Denial::Party));
}

#[test]
fn a_grant_to_all_researchers_reaches_those_in_good_standing_only() {
    let open = [Grant { grantee: None, ..grant() }];
    let other = Use { grantee: Party([7; 20]), ..asked() };
    assert_eq!(answer(&open, other), Ok(()));
    assert_eq!(answer(&open, Use { in_good_standing: false, ..other }), Err(Denial::Party));
}

#[test]
fn anywhere_reaches_countries_that_no_rule_lists() {
    let open = [Grant { jurisdictions: RegionSet::anywhere(), ..grant() }];
    assert_eq!(answer(&open, Use { country: "ZZ".parse().unwrap(), ..asked() }), Ok(()));
}

#[test]
fn a_place_is_named_where_it_is_permitted_and_not_every_place_is() {
    let (table, of) = (default_rules(), |text: &str| text.parse::<Country>().unwrap());
    let union = RegionSet::of(table, &[region("EU")]).unwrap();
    assert!(union.names(table, of("DE")) && union.names(table, of("FR")));
    assert!(!union.names(table, of("GB")) && !union.names(table, of("TZ")));
    let mut both = union.to_be_bytes();
    both[31] |= 1;
    for everywhere in [RegionSet::anywhere(), RegionSet::from_be_bytes(both)] {
        assert!(everywhere.covers(table, of("DE")) && !everywhere.names(table, of("DE")));
    }
}

#[test]
fn the_answer_names_the_closest_grant() {
    let far = Grant { grantee: Some(Party([8; 20])), ..grant() };
    let near = Grant { expiry: 0, ..grant() };
    let middle = Grant { purposes: PurposeSet::of(&[Purpose::Quality]), ..grant() };
    assert_eq!(answer(&[near, far.clone(), middle.clone()], asked()), Err(Denial::Expired));
    assert_eq!(answer(&[far, middle], asked()), Err(Denial::Purpose));
}

#[test]
fn bitmaps_are_those_of_the_contracts() {
    assert_eq!(ClassSet::of(&[DataClass::Clinical, DataClass::MentalHealth]).bits(), 0b100_0010);
    assert_eq!(PurposeSet::of(&[Purpose::GeneralResearch, Purpose::Quality]).bits(), 0b1_0000_0010);
    assert_eq!(RegionSet::anywhere().to_be_bytes()[31], 1);
    // The EU is the first region of the file, the UK the second.
    let both = RegionSet::of(default_rules(), &[region("EU"), region("GB")]).unwrap();
    assert_eq!(both.to_be_bytes()[31], 0b110);
    assert_eq!(RegionSet::of(default_rules(), &[region("QQ")]), None);
    assert_eq!(ClassSet::from_bits(1), None);
    assert_eq!(PurposeSet::from_bits(1 << 9), None);
}

fn any_grant() -> impl Strategy<Value = Grant> {
    let codes = prop::sample::subsequence(vec!["EU", "US", "JP"], 0..=3);
    (
        (0u8..3, prop::option::of(1u8..4)),
        prop::sample::subsequence(DataClass::ALL.to_vec(), 1..=3),
        prop::sample::subsequence(Purpose::ALL.to_vec(), 1..=4),
        codes,
        NOW - 2..NOW + 3,
    )
        .prop_map(|((custodian, grantee), classes, purposes, codes, expiry)| {
            let regions: Vec<Region> = codes.into_iter().map(region).collect();
            let jurisdictions = match regions.len() {
                0 => RegionSet::anywhere(),
                _ => RegionSet::of(default_rules(), &regions).unwrap(),
            };
            Grant {
                custodian: Party([custodian; 20]),
                grantee: grantee.map(|byte| Party([byte; 20])),
                classes: ClassSet::of(&classes),
                purposes: PurposeSet::of(&purposes),
                jurisdictions,
                expiry,
                document_hash: [0; 32],
            }
        })
}

fn any_use() -> impl Strategy<Value = Use> {
    (
        (0u8..3, 1u8..4, any::<bool>()),
        prop::sample::select(DataClass::ALL),
        prop::sample::select(Purpose::ALL),
        prop::sample::select(vec!["DE", "US", "JP", "GB", "ZZ"]),
    )
        .prop_map(|((custodian, grantee, in_good_standing), class, purpose, country)| Use {
            custodian: Party([custodian; 20]),
            grantee: Party([grantee; 20]),
            in_good_standing,
            class,
            purpose,
            country: country.parse().unwrap(),
        })
}

proptest! {
    #[test]
    fn granting_never_takes_away_and_revoking_never_gives(
        mut grants in prop::collection::vec(any_grant(), 1..8),
        asked in any_use(),
    ) {
        let before = answer(&grants, asked);
        grants.pop();
        let after = answer(&grants, asked);
        prop_assert!(before.is_ok() || after.is_err());
        if let (Err(before), Err(after)) = (before, after) {
            prop_assert!(after <= before, "a further grant never moves the answer away");
        }
    }

    #[test]
    fn the_order_of_grants_does_not_matter(
        mut grants in prop::collection::vec(any_grant(), 0..8),
        asked in any_use(),
    ) {
        let forward = answer(&grants, asked);
        grants.reverse();
        prop_assert_eq!(answer(&grants, asked), forward);
    }

    #[test]
    fn time_never_permits_what_it_did_not(
        grants in prop::collection::vec(any_grant(), 0..8),
        asked in any_use(),
    ) {
        let later = permits(default_rules(), &grants, &asked, NOW + 1);
        prop_assert!(later.is_err() || answer(&grants, asked).is_ok());
    }
}
