//! Encodes values as header lines.

use serde_json::Value;

use crate::base::encoding::{ascii_json, header_value, push_header_value};
use crate::base::json;
use crate::tenant::ListForm;

/// The lines with one name: none, one, or with [`ListForm::Lines`] one for each value.
///
/// A value cannot end its line or its list element, and the recipient can restore it: a JSON array
/// by parsing it, everything else by splitting at the separator and decoding `%XX` as UTF-8.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct HeaderLines {
    pub(super) first: Option<String>,
    pub(super) rest: Vec<String>,
}

impl HeaderLines {
    /// One line with one value.
    pub(super) fn value(value: &str) -> Self {
        Self::one(header_value(value, None))
    }

    fn one(line: String) -> Self {
        Self { first: Some(line), rest: Vec::new() }
    }

    /// The lines of a list; none if it is empty.
    pub(super) fn list(values: &[impl AsRef<str>], form: ListForm) -> Self {
        let Some((first, rest)) = values.split_first() else { return Self::default() };
        match form {
            ListForm::Separated(byte) => {
                let length = values.iter().map(|value| value.as_ref().len()).fold(values.len(), usize::saturating_add);
                let mut line = String::with_capacity(length);
                push_header_value(&mut line, first.as_ref(), Some(byte));
                for value in rest {
                    line.push(char::from(byte));
                    push_header_value(&mut line, value.as_ref(), Some(byte));
                }
                Self::one(line)
            }
            ListForm::Json => Self::one(ascii_json(&values.iter().map(AsRef::as_ref).collect())),
            // A recipient joins lines with a comma (RFC 9110 section 5.3).
            ListForm::Lines => {
                let line = |value: &_| header_value(AsRef::as_ref(value), Some(b','));
                Self { first: Some(line(first)), rest: rest.iter().map(line).collect() }
            }
        }
    }

    /// The lines of a claim. A string is a plain value; numbers and booleans are their JSON text;
    /// an array of these is a list; everything else is JSON.
    pub(super) fn claim(claim: &Value, form: ListForm) -> Self {
        match claim {
            Value::Null => Self::default(),
            Value::Array(values) => match values.iter().map(plain).collect::<Option<Vec<String>>>() {
                Some(values) => Self::list(&values, form),
                None => Self::one(ascii_json(claim)),
            },
            Value::Object(_) => Self::one(ascii_json(claim)),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                plain(claim).map_or_else(Self::default, |text| Self::value(&text))
            }
        }
    }

    /// The lines in order.
    pub(super) fn into_iter(self) -> impl Iterator<Item = String> {
        self.first.into_iter().chain(self.rest)
    }
}

/// The text of a string, number or boolean.
fn plain(claim: &Value) -> Option<String> {
    match claim {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(json::write(claim)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const FORMS: [ListForm; 4] =
        [ListForm::Separated(b','), ListForm::Separated(b'|'), ListForm::Json, ListForm::Lines];

    fn texts(lines: HeaderLines) -> Vec<String> {
        lines.into_iter().collect()
    }

    #[test]
    fn claims_by_their_type() {
        for (claim, expected) in [
            (json!("R&D"), &["R&D"][..]),
            (json!(7), &["7"]),
            (json!(true), &["true"]),
            (json!(null), &[]),
            (json!([]), &[]),
            (json!(["a,b", 1]), &["a%2Cb,1"]),
            (json!(["a", null]), &[r#"["a",null]"#]),
            (json!({ "b": "\u{e9}\r\n", "a": "\u{1f600}\u{7f}" }), &[r#"{"a":"\ud83d\ude00\u007f","b":"\u00e9\r\n"}"#]),
        ] {
            assert_eq!(texts(HeaderLines::claim(&claim, ListForm::Separated(b','))), expected, "{claim}");
        }
    }

    #[test]
    fn lists_by_their_form() {
        let values = ["a,b", "c|d", "\u{fc}"].map(str::to_owned);
        for (form, expected) in FORMS.into_iter().zip([
            &["a%2Cb,c|d,%C3%BC"][..],
            &["a,b|c%7Cd|%C3%BC"],
            &[r#"["a,b","c|d","\u00fc"]"#],
            &["a%2Cb", "c|d", "%C3%BC"],
        ]) {
            assert_eq!(texts(HeaderLines::list(&values, form)), expected);
            assert_eq!(HeaderLines::list(&[""; 0], form), HeaderLines::default());
        }
    }

    fn read(lines: &[String], form: ListForm) -> Vec<String> {
        let decode = |text: &str| -> String {
            // Unlike in a form, `+`, `&` and `=` are literal in a header value.
            url::form_urlencoded::parse(text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D").as_bytes())
                .map(|(name, _)| name.into_owned())
                .collect()
        };
        match form {
            ListForm::Separated(byte) => lines[0].split(char::from(byte)).map(decode).collect(),
            ListForm::Json => serde_json::from_str(&lines[0]).unwrap(),
            ListForm::Lines => lines.iter().map(|line| decode(line)).collect(),
        }
    }

    proptest! {
        // Failed cases are not written to files beside the sources.
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// The lines are printable ASCII without white space at either end, and decode to the
        /// values.
        #[test]
        fn every_form_can_be_read_back(values in prop::collection::vec("(?s).{1,12}|[ ,|%\r\n\0\u{2028}]{1,3}", 1..6)) {
            for form in FORMS {
                let lines = texts(HeaderLines::list(&values, form));
                for line in &lines {
                    prop_assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line:?}");
                    prop_assert_eq!(line.trim(), line);
                }
                prop_assert_eq!(lines.len(), if form == ListForm::Lines { values.len() } else { 1 });
                prop_assert_eq!(&read(&lines, form), &values);
            }
        }
    }
}
