//! A protobuf `Struct` in its wire format, converted to JSON.

use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};
use prost_types::value::Kind;
use prost_types::{Struct, Value as WireValue};
use serde_json::{Map, Number, Value};

use crate::base::json_elements::WithoutElements;

/// Reads a `Struct`. `None` if the bytes are not one. The caller must try JSON first, because both
/// forms can begin with a line feed and a brace.
pub(super) fn structure(bytes: &[u8]) -> Option<Value> {
    if bytes.first() != Some(&FIELDS) {
        return None;
    }
    object(Struct::decode(bytes).ok()?).map(Value::Object)
}

/// Takes the list `list` from a `Struct`. `None` if the bytes are not a `Struct` with one list of
/// this name that has an element, in the form in which Envoy writes it; [`structure`] may still
/// read it.
pub(super) fn without_elements<'a>(bytes: &'a [u8], list: &str) -> Option<WithoutElements<'a>> {
    let (others, values) = apart(bytes, list)?;
    let elements = fields(values, 1).filter(|elements| !elements.is_empty())?;
    Some(WithoutElements { others, elements })
}

/// The members of a `Struct` beside the list `list`, whose elements are not looked at.
pub(super) fn around_elements(bytes: &[u8], list: &str) -> Option<Map<String, Value>> {
    apart(bytes, list).map(|(others, _)| others)
}

/// The members of a `Struct` beside the list `list`, and the bytes of the list.
fn apart<'a>(bytes: &'a [u8], list: &str) -> Option<(Map<String, Value>, &'a [u8])> {
    if bytes.first() != Some(&FIELDS) {
        return None;
    }
    let (mut others, mut values) = (Vec::new(), None);
    for member in fields(bytes, 1)? {
        // The name of a member, field 1, is before its value, field 2.
        let (name, rest) = field(member, 1)?;
        if name != list.as_bytes() {
            append(&mut others, 1, member);
        } else if values.is_none() {
            values = Some(alone(alone(rest, 2)?, LIST_VALUE)?);
        } else {
            return None;
        }
    }
    Some((object(Struct::decode(&*others).ok()?)?, values?))
}

/// Reads one element of the list `list`. It is decoded in a `Struct` with this list, so that it is
/// valid if and only if the whole is: decoding limits the nesting.
pub(super) fn element(bytes: &[u8], list: &str) -> Option<Value> {
    let within = |number: u32, bytes: &[u8]| {
        let mut field = Vec::with_capacity(bytes.len().saturating_add(16));
        append(&mut field, number, bytes);
        field
    };
    let content = within(2, &within(LIST_VALUE, &within(1, bytes)));
    let mut member = within(1, list.as_bytes());
    member.extend_from_slice(&content);
    let whole = Struct::decode(&*within(1, &member)).ok()?;
    match whole.fields.into_values().next()?.kind? {
        Kind::ListValue(list) => list.values.into_iter().next().and_then(value),
        Kind::NullValue(_)
        | Kind::NumberValue(_)
        | Kind::StringValue(_)
        | Kind::BoolValue(_)
        | Kind::StructValue(_) => None,
    }
}

/// The contents of all fields, if each is a length-delimited one with this number.
fn fields(mut bytes: &[u8], number: u32) -> Option<Vec<&[u8]>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let (content, rest) = field(bytes, number)?;
        fields.push(content);
        bytes = rest;
    }
    Some(fields)
}

/// The content of the only field, if it is a length-delimited one with this number.
fn alone(bytes: &[u8], number: u32) -> Option<&[u8]> {
    field(bytes, number).filter(|(_, rest)| rest.is_empty()).map(|(content, _)| content)
}

/// The content of the first field, if it is a length-delimited one with this number, and the bytes
/// after it.
fn field(mut bytes: &[u8], number: u32) -> Option<(&[u8], &[u8])> {
    let key = decode_key(&mut bytes).ok()?;
    let length = decode_varint(&mut bytes).ok()?;
    (key == (number, WireType::LengthDelimited))
        .then(|| bytes.split_at_checked(usize::try_from(length).ok()?))
        .flatten()
}

/// Appends a length-delimited field.
fn append(to: &mut Vec<u8>, number: u32, content: &[u8]) {
    encode_key(number, WireType::LengthDelimited, to);
    encode_varint(content.len().try_into().unwrap_or(u64::MAX), to);
    to.extend_from_slice(content);
}

fn object(wire: Struct) -> Option<Map<String, Value>> {
    let mut members = Map::new();
    for (name, wire) in wire.fields {
        members.insert(name, value(wire)?);
    }
    Some(members)
}

/// Converts one value. The recursion is limited, because decoding limits the nesting.
fn value(wire: WireValue) -> Option<Value> {
    match wire.kind? {
        Kind::NullValue(_) => Some(Value::Null),
        Kind::NumberValue(number) => Number::from_f64(number).map(Value::Number),
        Kind::StringValue(text) => Some(Value::String(text)),
        Kind::BoolValue(bool) => Some(Value::Bool(bool)),
        Kind::StructValue(wire) => object(wire).map(Value::Object),
        Kind::ListValue(list) => list.values.into_iter().map(value).collect::<Option<_>>().map(Value::Array),
    }
}

/// The tag of the field `fields`, with which each member of a `Struct` begins. It is also the code
/// of a line feed.
const FIELDS: u8 = 0x0a;
/// The number of the field `list_value` of a `Value`.
const LIST_VALUE: u32 = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::struct_bytes as encode;

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
    fn the_list_is_apart_from_the_others() {
        let whole = encode(&serde_json::json!({ "a": { "list": [1.5] }, "list": [2.5, ["x"]], "z": null }));
        let others = serde_json::json!({ "a": { "list": [1.5] }, "z": null }).as_object().cloned();
        let WithoutElements { others: found, elements } = without_elements(&whole, "list").unwrap();
        assert_eq!((Some(found), elements.len()), (others.clone(), 2));
        assert_eq!(around_elements(&whole, "list"), others);
        for name in ["a", "z", "other"] {
            assert!(around_elements(&whole, name).is_none(), "{name}");
        }
    }

    #[test]
    fn nesting_is_limited() {
        let deep = (0..200).fold(serde_json::json!({}), |inner, _| serde_json::json!({ "a": inner }));
        assert_eq!(structure(&encode(&deep)), None);
    }
}
