#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn strict(text: &str) -> Result<Value, JsonError> {
    read(text, Limits::default())
}

// RFC 8785, appendix B: IEEE 754 bits and their text.
#[test]
fn numbers_are_written_as_rfc_8785_lists_them() {
    let cases = [
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ];
    for (bits, expected) in cases {
        let value = json!(f64::from_bits(bits));
        assert_eq!(canonical(&value), expected);
        if f64::from_bits(bits).abs() < 9e15 {
            assert_eq!(canonical(&strict(expected).unwrap()), expected);
        }
    }
}

// RFC 8785, sections 3.2.2 and 3.2.3.
#[test]
fn members_are_sorted_by_utf_16_and_texts_take_the_fewest_escapes() {
    let text = r#"{
        "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
    }"#;
    let expected = concat!(
        r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#,
        "\"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
    );
    assert_eq!(canonical(&strict(text).unwrap()), expected);
    let names = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
        "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
    let sorted = canonical(&strict(names).unwrap());
    let order = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"];
    let places: Vec<_> = order.iter().map(|name| sorted.find(name).unwrap()).collect();
    assert!(places.is_sorted(), "{sorted}");
}

#[test]
fn what_two_readers_could_read_differently_is_refused() {
    let cases = [
        (r#"{"a":1,"a":1}"#, JsonError::Repeated(7)),
        (r#"{"a":1,"\u0061":2}"#, JsonError::Repeated(7)),
        (r#"{"x":{"b":1,"c":2,"b":3}}"#, JsonError::Repeated(18)),
        ("9007199254740992", JsonError::Number(0)),
        ("-9007199254740992", JsonError::Number(0)),
        ("-9223372036854775808", JsonError::Number(0)),
        ("[1,1e400]", JsonError::Malformed(3)),
        ("01", JsonError::Malformed(0)),
        ("+1", JsonError::Malformed(0)),
        ("1.", JsonError::Malformed(0)),
        (".5", JsonError::Malformed(0)),
        ("NaN", JsonError::Malformed(0)),
        ("{} {}", JsonError::Malformed(3)),
        ("[1,]", JsonError::Malformed(3)),
        (r#"{"a":1,}"#, JsonError::Malformed(7)),
        ("{a:1}", JsonError::Malformed(1)),
        ("\"\u{1}\"", JsonError::Malformed(0)),
        (r#""\ud800""#, JsonError::Malformed(0)),
        ("\"abc", JsonError::Malformed(4)),
        ("\"\\", JsonError::Malformed(3)),
        ("'a'", JsonError::Malformed(0)),
        ("\u{feff}{}", JsonError::Malformed(0)),
        ("// x\n1", JsonError::Malformed(0)),
        ("", JsonError::Malformed(0)),
        ("tru", JsonError::Malformed(0)),
    ];
    for (text, expected) in cases {
        assert_eq!(strict(text), Err(expected), "{text}");
    }
    assert_eq!(read_bytes(b"\"\xff\""), Err(JsonError::Malformed(1)));
    assert_eq!(strict(&" ".repeat(MAX_BYTES + 1)), Err(JsonError::TooLong(MAX_BYTES)));
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = |depth| format!("{}1{}", open.repeat(depth), close.repeat(depth));
        assert!(strict(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(strict(&nested(MAX_DEPTH + 1)), Err(JsonError::TooDeep(MAX_DEPTH)));
        assert_eq!(strict(&open.repeat(20_000)), Err(JsonError::TooDeep(MAX_DEPTH)));
    }
}

/// Any value that both readers can hold.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-((1i64 << 53) - 1)..(1i64 << 53)).prop_map(Value::from),
        any::<f64>().prop_filter("finite", |x| x.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn canonical_text_reads_back_and_is_its_own_canonical_text(value in value()) {
        let text = canonical(&value);
        // A double without a fraction may be past what is read as a whole number.
        if let Ok(read) = strict(&text) {
            prop_assert_eq!(canonical(&read), text);
        } else {
            prop_assert!(matches!(strict(&text), Err(JsonError::Number(_))));
        }
    }

    #[test]
    fn what_is_read_strictly_is_what_serde_json_reads(text in r#"[\[\]{}":,0-9a-c .eE\-\\unl]{0,24}"#) {
        if let Ok(value) = strict(&text) {
            let other: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(canonical(&value), canonical(&other));
        }
    }

    #[test]
    fn no_text_makes_reading_panic(text in ".{0,120}") {
        let _ = strict(&text);
    }
}
