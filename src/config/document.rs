//! The configuration as it was handed over. The tenants are converted to JSON values one by one:
//! the values of thousands of tenants take ten times the memory of their bytes, and the memory of a
//! WebAssembly module never shrinks.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::{Map, Value};

use super::code::Code;
use super::error::{ConfigError, ConfigErrors};
use super::wire;
use crate::base::json;
use crate::base::json_elements::{WithoutElements, around_elements, before_elements, element, without_elements};

/// A configuration, whose tenants are apart from the rest if they are many.
pub(super) struct Document<'a> {
    /// The configuration; without `tenants` if they are apart.
    pub(super) top: Cow<'a, Value>,
    tenants: Tenants<'a>,
}

enum Tenants<'a> {
    /// They are in `top`, in any form.
    InTop,
    /// They are these parts of the bytes.
    Apart { bytes: &'a [u8], elements: Vec<&'a [u8]>, form: Form },
}

/// The form of a configuration whose tenants are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// JSON.
    Text,
    /// A protobuf `Struct`.
    Struct,
}

impl Form {
    /// Reads the bytes of a tenant.
    pub(super) fn tenant(self, bytes: &[u8]) -> Option<Value> {
        match self {
            Self::Text => element(bytes),
            Self::Struct => wire::element(bytes, TENANTS),
        }
    }

    /// The members beside the tenants, which are at these places.
    pub(super) fn top(self, bytes: &[u8], tenants: &[Range<usize>]) -> Option<Map<String, Value>> {
        match self {
            Self::Text => around_elements(bytes, TENANTS, tenants.first()?.start..tenants.last()?.end),
            Self::Struct => wire::around_elements(bytes, TENANTS),
        }
    }

    /// The form of these bytes, and the members that can be read without going through the tenants:
    /// of a text those before them. If `needed` is not among these, the text is read to its end.
    pub(super) fn opening(bytes: &[u8], needed: &str) -> Option<(Self, Map<String, Value>)> {
        let before = before_elements(bytes, TENANTS).filter(|members| members.contains_key(needed));
        let text = before.or_else(|| without_elements(bytes, TENANTS).map(|apart| apart.others));
        let structure = || Some((Self::Struct, wire::around_elements(bytes, TENANTS)?));
        text.map(|members| (Self::Text, members)).or_else(structure)
    }
}

impl<'a> Document<'a> {
    /// A configuration that was parsed before.
    pub(super) fn parsed(value: &'a Value) -> Self {
        Self { top: Cow::Borrowed(value), tenants: Tenants::InTop }
    }

    /// Reads the form that Envoy passes.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, ConfigErrors> {
        let text = without_elements(bytes, TENANTS).zip(Some(Form::Text));
        let apart = text.or_else(|| wire::without_elements(bytes, TENANTS).zip(Some(Form::Struct)));
        if let Some((WithoutElements { others, elements }, form)) = apart {
            return Ok(Self {
                top: Cow::Owned(Value::Object(others)),
                tenants: Tenants::Apart { bytes, elements, form },
            });
        }
        Ok(Self { top: Cow::Owned(whole(bytes)?), tenants: Tenants::InTop })
    }

    /// The places of the tenants in the bytes, if they are apart.
    pub(super) fn places(&self) -> Option<Vec<Range<usize>>> {
        let Tenants::Apart { bytes, elements, .. } = &self.tenants else { return None };
        let place = |element: &&[u8]| {
            let start = element.as_ptr().addr().checked_sub(bytes.as_ptr().addr())?;
            Some(start..start.checked_add(element.len())?)
        };
        elements.iter().map(place).collect()
    }

    /// Calls `each` with every tenant if they are apart. Returns whether they are.
    pub(super) fn each_tenant(&self, each: &mut dyn FnMut(&Value)) -> Result<bool, ConfigErrors> {
        let Tenants::Apart { bytes, elements, form } = &self.tenants else { return Ok(false) };
        let mut read = |tenant: &&[u8]| form.tenant(tenant).map(|tenant| each(&tenant));
        if elements.iter().all(|tenant| read(tenant).is_some()) {
            return Ok(true);
        }
        // The mistake, and its place, are those of the whole.
        whole(bytes)?;
        Err(ConfigError::whole(Code::SYNTAX, "not JSON").into())
    }
}

/// Parses the whole configuration.
fn whole(bytes: &[u8]) -> Result<Value, ConfigErrors> {
    // A `Struct` is never valid JSON: the tag of a value is a control character, which JSON does
    // not permit anywhere.
    json::parse(bytes).or_else(|error| {
        let not_json = || ConfigError::whole(Code::SYNTAX, format!("not JSON: {error}"));
        wire::structure(bytes).ok_or_else(|| not_json().into())
    })
}

const TENANTS: &str = "tenants";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::struct_bytes;

    /// The top, the tenants that are apart, and the mistake if there is one.
    fn read(bytes: &[u8]) -> Result<(Value, Vec<Value>), String> {
        let read = |bytes| {
            let document = Document::read(bytes)?;
            let mut tenants = Vec::new();
            document.each_tenant(&mut |tenant| tenants.push(tenant.clone()))?;
            Ok((document.top.into_owned(), tenants))
        };
        read(bytes).map_err(|error: ConfigErrors| error.to_string())
    }

    /// The configuration with the tenants in their place again.
    fn joined(bytes: &[u8]) -> Result<Value, String> {
        let (mut top, tenants) = read(bytes)?;
        if !tenants.is_empty() {
            top["tenants"] = Value::Array(tenants);
        }
        Ok(top)
    }

    fn parsed(bytes: &[u8]) -> Result<Value, String> {
        whole(bytes).map_err(|error| error.to_string())
    }

    #[test]
    fn tenants_are_apart_in_both_forms() {
        let value =
            serde_json::json!({ "a": { "tenants": ["y"] }, "tenants": [{ "name": "x" }, 2.5, null], "z": "end" });
        for bytes in [value.to_string().into_bytes(), struct_bytes(&value)] {
            let (top, tenants) = read(&bytes).unwrap();
            assert_eq!(top, serde_json::json!({ "a": { "tenants": ["y"] }, "z": "end" }));
            assert_eq!(tenants, value["tenants"].as_array().unwrap().clone());
        }
    }

    /// Whatever the bytes, the result is that of the whole: the value, or the same mistake.
    #[test]
    fn a_mistake_has_the_place_that_it_has_in_the_whole() {
        let text = br#"{"b": {"c": [1, "x"]}, "tenants": [{"n": 1, "m": [2]}, {"n": "\u00e9"}], "d": null}"#;
        let value: Value = serde_json::from_slice(text).unwrap();
        for valid in [text.to_vec(), struct_bytes(&value)] {
            assert!(parsed(&valid).is_ok());
            for position in 0..valid.len() {
                for byte in [b'"', b'}', b']', b'n', b'\\', b'{', 0, 0xff, 1, 0x0a, 0x12, 0x1a, 0x32] {
                    let mut bytes = valid.clone();
                    bytes[position] = byte;
                    assert_eq!(joined(&bytes), parsed(&bytes), "{}", String::from_utf8_lossy(&bytes));
                }
                assert_eq!(joined(&valid[..position]), parsed(&valid[..position]));
            }
        }
    }

    #[test]
    fn tenants_in_another_form_stay_in_their_place() {
        for value in [r#"{"tenants": {}}"#, r#"{"tenants": null, "a": 1}"#, r#"{"tenants": []}"#, "{}", "[1]", "1"] {
            let value: Value = serde_json::from_str(value).unwrap();
            assert_eq!(read(value.to_string().as_bytes()), Ok((value, Vec::new())));
        }
    }

    /// The nesting is limited to the same depth.
    #[test]
    fn deep_tenants() {
        let nested = |depth| (0..depth).fold(Value::Null, |inner, _| serde_json::json!([inner]));
        for depth in 20..140 {
            let value = serde_json::json!({ "tenants": [nested(depth)] });
            for bytes in [value.to_string().into_bytes(), struct_bytes(&value)] {
                assert_eq!(joined(&bytes), parsed(&bytes), "{depth}");
            }
        }
    }
}
