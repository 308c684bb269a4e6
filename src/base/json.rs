//! Strict JSON: a member that occurs twice is an error, because two parsers may use different ones
//! (draft-ietf-oauth-rfc8725bis; RFC 7515 section 4 permits a parser to reject them). `serde_json`
//! limits the nesting to 128 levels.

mod elements;

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

pub(crate) use elements::{Apart, element, without_elements};

/// Parses a complete JSON text.
///
/// # Errors
/// [`JsonError`] if the text is invalid by RFC 8259, repeats a member name or has trailing bytes.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    read(bytes).map(Parsed::into_value)
}

/// Parses a complete JSON text that is an object.
///
/// # Errors
/// [`JsonError`] as for [`parse`], and if the text is not an object.
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    parse_members(bytes).map(Members::into_map)
}

/// Parses a complete JSON text that is an object, and keeps the order of its members.
///
/// # Errors
/// [`JsonError`] as for [`parse_object`].
pub fn parse_members(bytes: &[u8]) -> Result<Members, JsonError> {
    match read(bytes)? {
        Parsed::Object(members) => Ok(members),
        Parsed::Other(_) => Err(JsonError(serde_json::Error::custom("not a JSON object"))),
    }
}

/// The JSON text of `value`, without spaces. `Display` of a value does the same, but adds 27 KB to
/// the module, since it can write with indentation, too.
pub fn write(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn read(bytes: &[u8]) -> Result<Parsed, JsonError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = deserializer.deserialize_any(Strict)?;
    deserializer.end()?;
    Ok(parsed)
}

/// The members of an object, with unique names. A token has about a dozen. For so few, a linear
/// search is faster than a tree, which also takes longer to build.
#[derive(Clone, Debug, Default)]
pub struct Members(Vec<(String, Value)>);

impl Members {
    /// The value of the member `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// A name that occurs twice, if there are more than [`FEW`] members. Then a hash set is faster
    /// than the comparison of every two members.
    fn late_twin(&self) -> Option<&str> {
        let mut names = HashSet::new();
        let all = self.0.iter().map(|(name, _)| name.as_str()).filter(|_| self.0.len() > FEW);
        all.into_iter().find(|name| !names.insert(*name))
    }

    fn into_map(self) -> Map<String, Value> {
        let mut map = Map::new();
        for (name, value) in self.0 {
            map.insert(name, value);
        }
        map
    }
}

impl From<Map<String, Value>> for Members {
    fn from(members: Map<String, Value>) -> Self {
        Self(members.into_iter().collect())
    }
}

/// The most members that real tokens have.
const FEW: usize = 32;

/// The reason why a text is not the expected JSON, with line and column. It contains nothing of the
/// text except the name of a repeated member.
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

/// A parsed value. The members of an object are separate, so that the caller chooses their form.
enum Parsed {
    Object(Members),
    Other(Value),
}

impl Parsed {
    fn into_value(self) -> Value {
        match self {
            Self::Object(members) => Value::Object(members.into_map()),
            Self::Other(value) => value,
        }
    }
}

/// Parses as `serde_json` does, except that a repeated member is an error.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self).map(Parsed::into_value)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Parsed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Parsed, E> {
        Ok(Parsed::Other(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Parsed, E> {
        Ok(Parsed::Other(Value::Number(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Parsed, E> {
        Ok(Parsed::Other(Value::Number(value.into())))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Parsed, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
        Ok(Parsed::Other(Value::Number(number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Parsed, E> {
        Ok(Parsed::Other(Value::String(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Parsed, E> {
        Ok(Parsed::Other(Value::String(value)))
    }

    fn visit_unit<E>(self) -> Result<Parsed, E> {
        Ok(Parsed::Other(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Parsed, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(Self)? {
            array.push(element);
        }
        Ok(Parsed::Other(Value::Array(array)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Parsed, A::Error> {
        let twice = |name: &str| A::Error::custom(format_args!("member {name:?} occurs twice"));
        let mut object = Members::default();
        while let Some(Name(name)) = members.next_key()? {
            if object.0.len() < FEW && object.get(&name).is_some() {
                return Err(twice(&name));
            }
            object.0.push((name, members.next_value_seed(Self)?));
        }
        match object.late_twin() {
            Some(name) => Err(twice(name)),
            None => Ok(Parsed::Object(object)),
        }
    }
}

/// The name of a member.
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
    fn members_are_unique_in_objects_of_every_size() {
        let text = |count: usize, last: usize| {
            let members: Vec<String> = (0..count).chain([last]).map(|n| format!(r#""\u006d{n}":[{n}]"#)).collect();
            format!("{{{}}}", members.join(","))
        };
        for count in [0, 1, FEW - 1, FEW, FEW + 1, 4 * FEW] {
            let members = parse_members(text(count, count).as_bytes()).unwrap();
            let found = |n: usize| members.get(&format!("m{n}")).map(ToString::to_string);
            assert!((0..=count).all(|n| found(n) == Some(format!("[{n}]"))) && found(count + 1).is_none(), "{count}");
            for twin in [0, count / 2, count.saturating_sub(1)].into_iter().filter(|&twin| twin < count) {
                let error = parse_members(text(count, twin).as_bytes()).unwrap_err().to_string();
                assert!(error.starts_with(&format!(r#"member "m{twin}" occurs twice"#)), "{error}");
            }
        }
    }

    #[test]
    fn deep_nesting_large_numbers_and_trailing_bytes_are_errors() {
        assert!(error(&"[".repeat(100_000)).starts_with("recursion limit exceeded"));
        assert!(error("1E400").starts_with("number out of range"));
        assert!(error("{} {}").starts_with("trailing characters"));
        assert!(parse(b"\"\xff\"").is_err());
        assert!(parse_object(b"[]").is_err() && parse_members(b"1").is_err());
    }
}
