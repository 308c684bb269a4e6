//! A protobuf `Struct` in its wire format, converted to JSON.

use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};
use prost_types::value::Kind;
use prost_types::{Struct, Value as WireValue};
use serde_json::{Map, Number, Value};

use crate::base::json_elements::{Element, WithoutElements};

/// Reads a `Struct`. `None` if the bytes are not one. The caller must try JSON first, because both
/// forms can begin with a line feed and a brace.
pub(super) fn structure(bytes: &[u8]) -> Option<Value> {
    if bytes.first() != Some(&FIELDS) {
        return None;
    }
    object(Struct::decode(bytes).ok()?).map(Value::Object)
}

/// Takes the list `list` from a `Struct`, and finds these members of its elements. `None` if the
/// bytes are not a `Struct` with one list of this name that has an element, in the form in which
/// Envoy writes it; [`structure`] may still read it.
pub(super) fn without_elements<'a, const N: usize>(
    bytes: &'a [u8],
    list: &str,
    names: [&str; N],
) -> Option<WithoutElements<'a, N>> {
    if bytes.first() != Some(&FIELDS) {
        return None;
    }
    let (mut others, mut elements) = (Vec::new(), None);
    for member in fields(bytes, 1)? {
        // The name of a member, field 1, is before its value, field 2.
        let (name, rest) = field(member, 1)?;
        if name != list.as_bytes() {
            append(&mut others, 1, member);
        } else if let Some(values) = alone(rest, 2).and_then(|value| alone(value, LIST_VALUE))
            && elements.is_none()
        {
            elements = Some(fields(values, 1)?);
        } else {
            return None;
        }
    }
    let elements = elements.filter(|elements| !elements.is_empty())?;
    let elements = elements.into_iter().map(|bytes| Element { bytes, members: members(bytes, names) }).collect();
    Some(WithoutElements { others: object(Struct::decode(&*others).ok()?)?, elements, has_plain_names: true })
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

/// The bytes of the values of these members of an element, if it is an object with them.
fn members<'a, const N: usize>(bytes: &'a [u8], names: [&str; N]) -> [Option<&'a [u8]>; N] {
    let mut found = [None; N];
    for member in alone(bytes, STRUCT_VALUE).and_then(|object| fields(object, 1)).unwrap_or_default() {
        let Some((name, rest)) = field(member, 1) else { continue };
        if let Some((place, _)) = found.iter_mut().zip(names).find(|(_, wanted)| wanted.as_bytes() == name) {
            *place = alone(rest, 2);
        }
    }
    found
}

/// Reads the value of a member.
pub(super) fn member(bytes: &[u8]) -> Option<Value> {
    value(WireValue::decode(bytes).ok()?)
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
/// The numbers of the fields `struct_value` and `list_value` of a `Value`.
const STRUCT_VALUE: u32 = 5;
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
    fn the_members_are_those_of_the_element() {
        let object = serde_json::json!({ "a": { "b": 2.5 }, "b": [1.5, { "a": "x" }], "c": null });
        let whole = encode(&serde_json::json!({ "list": [object, 1.5, ["b"]] }));
        let found = without_elements(&whole, "list", ["b", "c", "d"]).unwrap().elements;
        let values = |number: usize| found[number].members.map(|value| value.map(|value| member(value).unwrap()));
        assert_eq!(values(0), [Some(object["b"].clone()), Some(Value::Null), None]);
        assert_eq!([values(1), values(2)], [[None, None, None], [None, None, None]]);
    }

    #[test]
    fn nesting_is_limited() {
        let deep = (0..200).fold(serde_json::json!({}), |inner, _| serde_json::json!({ "a": inner }));
        assert_eq!(structure(&encode(&deep)), None);
    }
}
