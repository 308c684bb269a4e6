//! A protobuf `Struct` in its wire format, converted to JSON.

use prost::Message;
use prost_types::value::Kind;
use prost_types::{Struct, Value as WireValue};
use serde_json::{Map, Number, Value};

/// Reads a `Struct`. `None` if the bytes are not one. The caller must try JSON first, because both
/// forms can begin with a line feed and a brace.
pub(super) fn structure(bytes: &[u8]) -> Option<Value> {
    if bytes.first() != Some(&FIELDS) {
        return None;
    }
    object(Struct::decode(bytes).ok()?)
}

fn object(wire: Struct) -> Option<Value> {
    let mut members = Map::new();
    for (name, wire) in wire.fields {
        members.insert(name, value(wire)?);
    }
    Some(Value::Object(members))
}

/// Converts one value. The recursion is limited, because decoding limits the nesting.
fn value(wire: WireValue) -> Option<Value> {
    match wire.kind? {
        Kind::NullValue(_) => Some(Value::Null),
        Kind::NumberValue(number) => Number::from_f64(number).map(Value::Number),
        Kind::StringValue(text) => Some(Value::String(text)),
        Kind::BoolValue(bool) => Some(Value::Bool(bool)),
        Kind::StructValue(wire) => object(wire),
        Kind::ListValue(list) => list.values.into_iter().map(value).collect::<Option<_>>().map(Value::Array),
    }
}

/// The tag of the field `fields`, with which each member of a `Struct` begins. It is also the code
/// of a line feed.
const FIELDS: u8 = 0x0a;

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(value: &Value) -> WireValue {
        let kind = match value {
            Value::Null => Kind::NullValue(0),
            Value::Bool(bool) => Kind::BoolValue(*bool),
            Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
            Value::String(text) => Kind::StringValue(text.clone()),
            Value::Array(values) => {
                Kind::ListValue(prost_types::ListValue { values: values.iter().map(wire).collect() })
            }
            Value::Object(members) => Kind::StructValue(Struct {
                fields: members.iter().map(|(name, value)| (name.clone(), wire(value))).collect(),
            }),
        };
        WireValue { kind: Some(kind) }
    }

    fn encode(value: &Value) -> Vec<u8> {
        let Some(Kind::StructValue(wire)) = wire(value).kind else { panic!("no object") };
        wire.encode_to_vec()
    }

    #[test]
    fn every_kind_of_value_is_converted() {
        let value = serde_json::json!({ "a": [1.5, "x", true, null, { "b": [] }], "": {} });
        assert_eq!(structure(&encode(&value)), Some(value));
    }

    /// The second byte is the length of the first member. At length 123 it is an opening brace.
    #[test]
    fn a_first_member_of_any_length_is_converted() {
        for length in 0..300 {
            let value = serde_json::json!({ "a": "x".repeat(length) });
            assert_eq!(structure(&encode(&value)), Some(value), "{length}");
        }
        assert!((0..300).any(|length| encode(&serde_json::json!({ "a": "x".repeat(length) })).starts_with(b"\n{")));
    }

    #[test]
    fn json_and_random_bytes_are_not_a_struct() {
        for bytes in [&b"{}"[..], b"\n{\"a\":1}", b"tenants:", b"\x0a\xff", b"\x0a\x01\x00", b"\xff"] {
            assert_eq!(structure(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn nesting_is_limited() {
        let deep = (0..200).fold(serde_json::json!({}), |inner, _| serde_json::json!({ "a": inner }));
        assert_eq!(structure(&encode(&deep)), None);
    }
}
