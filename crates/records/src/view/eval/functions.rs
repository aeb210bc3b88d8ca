//! Functions of one value: texts, conversions, rounding, boundaries.

use std::borrow::Cow;

use super::items::{Item, is_integer, number, numeric, object_of, temporal, text_of};
use super::{EvalError, Items, KINDS, Result, flag};
use crate::json::Json;
use crate::view::decimal::Decimal;
use crate::view::path::{Rounding, Target, TextFunction};
use crate::view::temporal::{End, Kind, Temporal};

/// A function of one text (FHIRPath 2.0, 5.6). Positions and lengths count characters.
pub(super) fn text_function<'a>(
    function: TextFunction,
    item: &Item<'a>,
    arguments: &[Item<'a>],
) -> Result<Items<'a>> {
    let text = text_of(item).ok_or(KINDS)?;
    let argument = |at: usize| match arguments.get(at) {
        Some(item) => text_of(item).ok_or(KINDS),
        None => Ok(Cow::Borrowed("")),
    };
    let one = |text: String| Ok(Item::Text(text.into()).into());
    match function {
        TextFunction::StartsWith => flag(text.starts_with(&*argument(0)?)),
        TextFunction::EndsWith => flag(text.ends_with(&*argument(0)?)),
        TextFunction::Contains => flag(text.contains(&*argument(0)?)),
        TextFunction::IndexOf => {
            let at = text.find(&*argument(0)?).map(|byte| text[..byte].chars().count() as i64);
            Ok(Item::Integer(at.unwrap_or(-1)).into())
        }
        TextFunction::Length => Ok(Item::Integer(text.chars().count() as i64).into()),
        TextFunction::Upper => one(text.to_uppercase()),
        TextFunction::Lower => one(text.to_lowercase()),
        TextFunction::Trim => one(text.trim().to_owned()),
        TextFunction::Replace => one(text.replace(&*argument(0)?, &argument(1)?)),
        TextFunction::Split => {
            Ok(text.split(&*argument(0)?).map(|part| Item::Text(part.to_owned().into())).collect())
        }
        TextFunction::Substring => {
            let whole = |item: &Item<'a>| number(item).and_then(Decimal::to_i64).ok_or(KINDS);
            let start = whole(arguments.first().ok_or(KINDS)?)?;
            let length = arguments.get(1).map(whole).transpose()?;
            let Ok(start) = usize::try_from(start) else { return Ok(Items::new()) };
            if start >= text.chars().count() {
                return Ok(Items::new());
            }
            let length = length.map_or(usize::MAX, |length| usize::try_from(length).unwrap_or(0));
            one(text.chars().skip(start).take(length).collect())
        }
    }
}

/// A value as one of another type; `None` where it is none.
pub(super) fn convert<'a>(item: &Item<'a>, target: Target) -> Option<Item<'a>> {
    match target {
        Target::Text => text_of(item).map(|text| Item::Text(text.into_owned().into())),
        Target::Integer => match truth(item) {
            Some(flag) => Some(Item::Integer(i64::from(flag))),
            None => readable(item, false)?.to_i64().map(Item::Integer),
        },
        Target::Decimal => match truth(item) {
            Some(flag) => Some(Item::Decimal(Box::new(Decimal::integer(i64::from(flag))))),
            None => readable(item, true).map(|value| Item::Decimal(Box::new(value))),
        },
        Target::Boolean => match (truth(item), text_of(item)?.to_ascii_lowercase().as_str()) {
            (Some(flag), _) => Some(Item::Bool(flag)),
            (None, "true" | "t" | "yes" | "y" | "1" | "1.0") => Some(Item::Bool(true)),
            (None, "false" | "f" | "no" | "n" | "0" | "0.0") => Some(Item::Bool(false)),
            _ => None,
        },
    }
}

fn truth(item: &Item<'_>) -> Option<bool> {
    match item {
        Item::Bool(flag) | Item::Node(Json::Bool(flag), _) => Some(*flag),
        _ => None,
    }
}

/// The number that an item is or is written as: a sign or none, digits, and where it may have them, a point and more
/// digits (FHIRPath 2.0, 5.5).
fn readable(item: &Item<'_>, fraction: bool) -> Option<Decimal> {
    if let Some(value) = number(item) {
        return Some(value);
    }
    let text = text_of(item)?;
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let plain = text.strip_prefix(['+', '-']).unwrap_or(&text);
    let right = match plain.split_once('.') {
        Some((whole, behind)) => fraction && digits(whole) && digits(behind),
        None => digits(plain),
    };
    if right { Decimal::parse(text.trim_start_matches('+')) } else { None }
}

/// A rounded number; `digits` behind the point count for [`Rounding::Round`] only.
pub(super) fn round<'a>(
    item: &Item<'a>,
    how: Rounding,
    digits: Option<&Item<'a>>,
) -> Result<Option<Item<'a>>> {
    let value = number(item).ok_or(KINDS)?;
    let zero = Decimal::integer(0);
    Ok(match how {
        Rounding::Abs if value < zero => {
            value.negate().and_then(|value| numeric(value, is_integer(item)))
        }
        Rounding::Abs => numeric(value, is_integer(item)),
        Rounding::Ceiling => value.ceiling(0).and_then(|value| numeric(value, true)),
        Rounding::Floor => value.floor(0).and_then(|value| numeric(value, true)),
        Rounding::Truncate if value < zero => {
            value.ceiling(0).and_then(|value| numeric(value, true))
        }
        Rounding::Truncate => value.floor(0).and_then(|value| numeric(value, true)),
        Rounding::Round => {
            let digits = match digits {
                Some(digits) => {
                    let digits = number(digits).and_then(Decimal::to_i64).ok_or(KINDS)?;
                    u32::try_from(digits).ok().filter(|digits| *digits <= 20).ok_or(KINDS)?
                }
                None => 0,
            };
            value.rounded(digits).map(|value| Item::Decimal(Box::new(value)))
        }
    })
}

/// The precision that a boundary is asked to: a count of digits, `None` where none is given.
pub(super) fn precision(item: Option<&Item<'_>>) -> Result<Option<i64>> {
    match item {
        None => Ok(None),
        Some(item) => number(item).and_then(Decimal::to_i64).map(Some).ok_or(KINDS),
    }
}

/// The least or greatest value that may be meant (FHIRPath 3.0, boundary functions; on Period as FHIR adds it): of a
/// number, half a unit of its last digit away; of a date or time, its first or last moment; of a Period, the boundary of
/// its start or end.
pub(super) fn boundary<'a>(item: &Item<'a>, end: End, digits: Option<i64>) -> Result<Items<'a>> {
    if let Some(value) = number(item) {
        let value = match digits {
            None => value.boundary(if end == End::Low { -1 } else { 1 }),
            Some(digits) => {
                u32::try_from(digits).ok().filter(|digits| *digits <= 20).and_then(|digits| {
                    match end {
                        End::Low => value.boundary(-1)?.floor(digits),
                        End::High => value.boundary(1)?.ceiling(digits),
                    }
                })
            }
        };
        return Ok(value.map(|value| Item::Decimal(Box::new(value))).into());
    }
    if let Some(object) = object_of(item) {
        let name = if end == End::Low { "start" } else { "end" };
        return match object.get(name) {
            Some(Json::String(text)) => {
                let value = Temporal::parse(text).ok_or(KINDS)?;
                Ok(moment(&value, end, Kind::DateTime, digits).into())
            }
            Some(_) => Err(KINDS),
            // Only a Period may lack one of its ends; anything else has no boundary.
            None if object.get("start").is_some() || object.get("end").is_some() => {
                Ok(Items::new())
            }
            None => Err(EvalError::Kinds("an element that has no boundary")),
        };
    }
    let value = temporal(item).ok_or(EvalError::Kinds("a value that has no boundary"))?;
    let kind = match item {
        Item::Node(_, Some("dateTime" | "instant")) => Kind::DateTime,
        _ => value.kind(),
    };
    Ok(moment(&value, end, kind, digits).into())
}

fn moment<'a>(value: &Temporal, end: End, kind: Kind, digits: Option<i64>) -> Option<Item<'a>> {
    let text = value.boundary(end, kind, digits)?;
    Some(Item::Text(text.into()))
}
