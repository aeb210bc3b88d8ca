//! What is left of grants when a part is denied, and what two of them have in common.

use crate::consent::{ClassSet, Grant, PurposeSet, RegionSet};

/// A grant without `classes` x `purposes` x `places`, as up to three grants that do not overlap. No place means all.
pub(super) fn split(
    grant: Grant,
    classes: ClassSet,
    purposes: PurposeSet,
    places: Option<&[u8]>,
    all: &[u8],
) -> Vec<Grant> {
    let other_classes = ClassSet(grant.classes.0 & !classes.0);
    let shared_classes = ClassSet(grant.classes.0 & classes.0);
    let other_purposes = PurposeSet(grant.purposes.0 & !purposes.0);
    let shared_purposes = PurposeSet(grant.purposes.0 & purposes.0);
    let elsewhere = places.map_or_else(RegionSet::default, |denied| {
        let kept = all.iter().filter(|index| {
            (grant.jurisdictions.has_bit(0) || grant.jurisdictions.has_bit(**index))
                && !denied.contains(index)
        });
        kept.fold(RegionSet::default(), |set, index| set.with_bit(*index))
    });
    let parts = [
        Grant { classes: other_classes, ..grant.clone() },
        Grant { classes: shared_classes, purposes: other_purposes, ..grant.clone() },
        Grant {
            classes: shared_classes,
            purposes: shared_purposes,
            jurisdictions: elsewhere,
            ..grant
        },
    ];
    parts.into_iter().filter(|part| !is_empty(part)).collect()
}

/// What is in a grant and in a frame, for each pair.
pub(super) fn within(grants: &[Grant], frames: &[Grant]) -> Vec<Grant> {
    let both = |grant: &Grant, frame: &Grant| {
        let grantee = match (grant.grantee, frame.grantee) {
            (Some(one), Some(other)) if one != other => return None,
            (one, other) => one.or(other),
        };
        let jurisdictions = match (grant.jurisdictions.has_bit(0), frame.jurisdictions.has_bit(0)) {
            (_, true) => grant.jurisdictions,
            (true, false) => frame.jurisdictions,
            (false, false) => grant.jurisdictions.and(frame.jurisdictions),
        };
        let part = Grant {
            grantee,
            classes: ClassSet(grant.classes.0 & frame.classes.0),
            purposes: PurposeSet(grant.purposes.0 & frame.purposes.0),
            jurisdictions,
            expiry: grant.expiry.min(frame.expiry),
            ..grant.clone()
        };
        (!is_empty(&part)).then_some(part)
    };
    grants
        .iter()
        .flat_map(|grant| frames.iter().filter_map(move |frame| both(grant, frame)))
        .collect()
}

/// Whether it permits nothing.
pub(super) fn is_empty(grant: &Grant) -> bool {
    grant.classes.0 == 0 || grant.purposes.0 == 0 || grant.jurisdictions == RegionSet::default()
}
