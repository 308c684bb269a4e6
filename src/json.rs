//! JSON read strictly: a member that occurs twice is an error, because two readers would pick different ones
//! (RFC 8725bis; RFC 7515 section 4 lets a parser refuse). Nesting is limited by `serde_json` to 128 levels.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads one JSON text, all of it.
///
/// # Errors
/// [`JsonError`] for anything that RFC 8259 does not allow, for a repeated member name and for trailing bytes.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads one JSON object, all of it.
///
/// # Errors
/// As [`parse`], and if the text is another kind of value.
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let Value::Object(object) = Strict.deserialize(&mut deserializer)? else {
        return Err(JsonError(serde_json::Error::custom("not a JSON object")));
    };
    deserializer.end()?;
    Ok(object)
}

/// Why a text is not the JSON that was wanted: the reason with line and column, and never the text itself except
/// for the name of a repeated member.
#[derive(Debug)]
pub struct JsonError(serde_json::Error);

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for JsonError {}

/// Builds a [`Value`] as `serde_json` would, except that it looks before it inserts.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(Self)? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<Name>()? {
            let Name(name) = name;
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!("member {name:?} occurs twice")));
            }
            object.insert(name, members.next_value_seed(Self)?);
        }
        Ok(Value::Object(object))
    }
}

#[derive(Deserialize)]
struct Name(String);

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn reads_what_serde_json_reads() {
        let text = r#"{"a":[1,-2,3.5,true,null,"é\n"],"b":{"c":{}}}"#;
        assert_eq!(parse(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn a_repeated_member_is_an_error_at_any_depth() {
        assert_eq!(error(r#"{"a":1,"a":1}"#), r#"member "a" occurs twice at line 1 column 10"#);
        assert!(error(r#"[{"x":{"a":1,"\u0061":2}}]"#).starts_with(r#"member "a" occurs twice"#));
    }

    #[test]
    fn bombs_and_leftovers_are_errors() {
        assert!(error(&"[".repeat(100_000)).starts_with("recursion limit exceeded"));
        assert!(error("1E400").starts_with("number out of range"));
        assert!(error("{} {}").starts_with("trailing characters"));
        assert!(parse(b"\"\xff\"").is_err());
        assert!(parse_object(b"[]").is_err());
    }
}
