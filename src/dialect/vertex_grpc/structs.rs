//! Converts between JSON and `google.protobuf.Struct`, which holds any JSON, but numbers as doubles and keys without
//! order.

use prost_types::{ListValue, Struct, value::Kind};
use serde_json::{Map, Number, Value};

/// JSON as a protobuf value.
pub(super) fn value(json: Value) -> prost_types::Value {
    let kind = match json {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => Kind::StringValue(text),
        Value::Array(items) => Kind::ListValue(ListValue {
            values: items.into_iter().map(value).collect(),
        }),
        Value::Object(fields) => Kind::StructValue(object(fields)),
    };
    prost_types::Value { kind: Some(kind) }
}

/// A JSON object as a `Struct`.
pub(super) fn object(fields: Map<String, Value>) -> Struct {
    let fields = fields.into_iter().map(|(key, json)| (key, value(json)));
    Struct {
        fields: fields.collect(),
    }
}

/// A protobuf value as JSON.
pub(super) fn json(value: prost_types::Value) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(flag)) => flag.into(),
        Some(Kind::NumberValue(number)) => number_json(number),
        Some(Kind::StringValue(text)) => text.into(),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(json).collect(),
        Some(Kind::StructValue(fields)) => object_json(fields),
    }
}

/// A `Struct` as a JSON object.
pub(super) fn object_json(object: Struct) -> Value {
    let fields = object.fields.into_iter();
    Value::Object(fields.map(|(key, value)| (key, json(value))).collect())
}

/// A double as JSON: whole numbers are written without a fraction; NaN and infinity become null.
pub(super) fn number_json(number: f64) -> Value {
    const FITS: std::ops::Range<f64> = -9.223_372_036_854_776e18..9.223_372_036_854_776e18;
    let is_whole = number.fract() == 0.0 && FITS.contains(&number);
    if is_whole && !(number == 0.0 && number.is_sign_negative()) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole, and within the range"
        )]
        return (number as i64).into();
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// Whether a number in this JSON changes as a double.
pub(super) fn is_rounded(json: &Value) -> bool {
    match json {
        Value::Number(number) => {
            let exact = |whole: i128| {
                let double = number.as_f64().unwrap_or(f64::NAN);
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "it saturates, which shows as a difference"
                )]
                let back = double as i128;
                back == whole
            };
            let whole = number.as_i64().map(i128::from);
            whole
                .or(number.as_u64().map(i128::from))
                .is_some_and(|whole| !exact(whole))
        }
        Value::Array(items) => items.iter().any(is_rounded),
        Value::Object(fields) => fields.values().any(is_rounded),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json as j;

    use super::*;

    #[test]
    fn json_survives_the_round_trip() {
        let all = j!({"a": [1, -2.5, true, null, "é"], "b": {"c": {}, "d": []}, "e": 9_007_199_254_740_992_i64});
        assert_eq!(json(value(all.clone())), all);
    }

    #[test]
    fn whole_numbers_are_written_as_whole_numbers() {
        for (number, text) in [
            (3.0, "3"),
            (-7.0, "-7"),
            (0.1, "0.1"),
            (-0.0, "-0.0"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (1e18, "1000000000000000000"),
            (1e19, "1e+19"),
            (f64::NAN, "null"),
            (f64::INFINITY, "null"),
        ] {
            assert_eq!(number_json(number).to_string(), text);
        }
    }

    #[test]
    fn numbers_that_a_double_rounds_are_detected() {
        for (json, rounded) in [
            (j!({"a": [9_007_199_254_740_993_i64]}), true),
            (j!(u64::MAX), true),
            (j!(i64::MAX), true),
            (j!(i64::MIN), false),
            (
                j!([9_007_199_254_740_992_i64, 1, 0.1, "9007199254740993"]),
                false,
            ),
        ] {
            assert_eq!(is_rounded(&json), rounded, "{json}");
        }
    }
}
