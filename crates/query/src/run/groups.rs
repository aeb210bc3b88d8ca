//! The place of a value among the published values of a group column.

use std::collections::HashMap;

use arrow::{
    array::{Array, ArrayRef, AsArray, StringArray},
    datatypes::{DataType, Int64Type},
};

use crate::scalar::Key;

/// The group of rows that do not count.
pub(super) const NONE: u32 = u32::MAX;

/// Finds places of values.
pub(super) struct Lookup {
    size: u32,
    null: u32,
    flags: [u32; 2],
    /// Whole numbers that follow each other: the first one and its place; else by number.
    run: Option<i64>,
    numbers: HashMap<i64, u32>,
    texts: Texts,
}

impl Lookup {
    pub fn new(domain: &[Key]) -> Self {
        let place = |key: &Key| {
            domain.iter().position(|known| known == key).map_or(NONE, |place| place as u32)
        };
        let numbers: Vec<(i64, u32)> = domain
            .iter()
            .enumerate()
            .filter_map(|(place, key)| match key {
                Key::Integer(number) => Some((*number, place as u32)),
                _ => None,
            })
            .collect();
        let first = numbers.first().map(|(number, _)| *number);
        let follows = |(number, place): &(i64, u32)| {
            first.and_then(|first| first.checked_add(i64::from(*place))) == Some(*number)
        };
        Self {
            size: domain.len() as u32,
            null: place(&Key::Null),
            flags: [place(&Key::Flag(false)), place(&Key::Flag(true))],
            run: first.filter(|_| numbers.iter().all(follows)),
            numbers: numbers.into_iter().collect(),
            texts: Texts::new(domain),
        }
    }

    /// Multiplies each group by the number of values here and adds the value's place; rows without one are in no group.
    pub fn places(&self, array: &ArrayRef, first: bool, groups: &mut [u32]) {
        let put = |group: &mut u32, place: u32| {
            *group = match (*group, place) {
                (_, NONE) | (NONE, _) => NONE,
                (_, place) if first => place,
                (before, place) => before * self.size + place,
            };
        };
        match array.data_type() {
            DataType::Utf8 => {
                let array = array.as_string::<i32>();
                groups.iter_mut().enumerate().for_each(|(row, group)| {
                    put(
                        group,
                        if array.is_null(row) { self.null } else { self.texts.place(array, row) },
                    );
                });
            }
            DataType::Int64 => {
                let array = array.as_primitive::<Int64Type>();
                let values = array.values();
                groups.iter_mut().enumerate().for_each(|(row, group)| {
                    put(
                        group,
                        if array.is_null(row) { self.null } else { self.number(values[row]) },
                    );
                });
            }
            _ => {
                let array = array.as_boolean();
                groups.iter_mut().enumerate().for_each(|(row, group)| {
                    let flag = self.flags[usize::from(array.value(row))];
                    put(group, if array.is_null(row) { self.null } else { flag });
                });
            }
        }
    }

    fn number(&self, value: i64) -> u32 {
        match self.run {
            Some(first) => match value.checked_sub(first) {
                Some(place) if (0..self.numbers.len() as i64).contains(&place) => place as u32,
                _ => NONE,
            },
            None => self.numbers.get(&value).copied().unwrap_or(NONE),
        }
    }
}

/// Places of texts, by a table of their first and last bytes and lengths. A hash for values that are published, so that nobody can choose
/// them to collide; each hit is compared in full.
struct Texts {
    slots: Vec<Slot>,
    mask: usize,
}

#[derive(Clone, Default)]
struct Slot {
    text: Option<Box<[u8]>>,
    place: u32,
}

/// First and last eight bytes and the length as one number.
fn mark(text: &[u8]) -> u64 {
    let part = |bytes: &[u8]| bytes.iter().fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
    let (head, tail) = match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
        _ => (part(text), 0),
    };
    let mixed = (head ^ tail.rotate_left(29) ^ (text.len() as u64) << 56)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ mixed >> 32
}

impl Texts {
    fn new(domain: &[Key]) -> Self {
        let size = (domain.len() * 4).next_power_of_two().max(8);
        let (mut slots, mask) = (vec![Slot::default(); size], size - 1);
        for (place, key) in domain.iter().enumerate() {
            let Key::Text(text) = key else { continue };
            let mut slot = mark(text.as_bytes()) as usize & mask;
            while slots[slot].text.is_some() {
                slot = (slot + 1) & mask;
            }
            slots[slot] = Slot { text: Some(text.as_bytes().into()), place: place as u32 };
        }
        Self { slots, mask }
    }

    fn place(&self, array: &StringArray, row: usize) -> u32 {
        let offsets = array.value_offsets();
        let text = &array.value_data()[offsets[row] as usize..offsets[row + 1] as usize];
        let mut slot = mark(text) as usize & self.mask;
        loop {
            match &self.slots[slot] {
                Slot { text: None, .. } => return NONE,
                Slot { text: Some(known), place } if **known == *text => return *place,
                _ => slot = (slot + 1) & self.mask,
            }
        }
    }
}
