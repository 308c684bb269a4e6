use serde_json::Value;

use super::headers::ListForm;
use crate::encode::{ascii_json, header_value};

/// The lines under one name: none, one, or with [`ListForm::Lines`] one for each value.
///
/// What is in them cannot end a line or a list element, and can be read back: a JSON array as such, everything else by splitting
/// at the separator and decoding `%XX` as UTF-8.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lines(pub(super) Vec<String>);

impl Lines {
    /// One value.
    pub(super) fn of(value: &str) -> Self {
        Self(vec![header_value(value, None)])
    }

    /// Several values; no line if there are none.
    pub(super) fn list(values: &[impl AsRef<str>], form: ListForm) -> Self {
        if values.is_empty() {
            return Self(Vec::new());
        }
        Self(match form {
            ListForm::Separated(byte) => {
                let values: Vec<String> = values.iter().map(|value| header_value(value.as_ref(), Some(byte))).collect();
                vec![values.join(char::from(byte).encode_utf8(&mut [0; 4]))]
            }
            ListForm::Json => vec![ascii_json(&values.iter().map(AsRef::as_ref).collect())],
            // Whoever joins lines does so with a comma (RFC 9110 section 5.3).
            ListForm::Lines => values.iter().map(|value| header_value(value.as_ref(), Some(b','))).collect(),
        })
    }

    /// A claim: text as it is, numbers and truth values by their JSON text, a list of such as a list, anything else as JSON.
    pub(super) fn claim(claim: &Value, form: ListForm) -> Self {
        match claim {
            Value::Null => Self(Vec::new()),
            Value::Array(values) => match values.iter().map(plain).collect::<Option<Vec<String>>>() {
                Some(values) => Self::list(&values, form),
                None => Self(vec![ascii_json(claim)]),
            },
            Value::Object(_) => Self(vec![ascii_json(claim)]),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                plain(claim).map_or_else(|| Self(Vec::new()), |text| Self::of(&text))
            }
        }
    }
}

/// The text of a claim that is neither list nor object.
fn plain(claim: &Value) -> Option<String> {
    match claim {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(claim.to_string()),
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
            assert_eq!(Lines::claim(&claim, ListForm::Separated(b',')).0, expected, "{claim}");
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
            assert_eq!(Lines::list(&values, form).0, expected);
            assert_eq!(Lines::list(&[""; 0], form).0, <[String; 0]>::default());
        }
    }

    fn read(lines: &[String], form: ListForm) -> Vec<String> {
        let decode = |text: &str| -> String {
            // What is meant literally is no `+` of a form.
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
        // Nothing is written beside the sources.
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever the values are, the lines are printable ASCII without white space at an end, and give the values back.
        #[test]
        fn every_form_can_be_read_back(values in prop::collection::vec("(?s).{1,12}|[ ,|%\r\n\0\u{2028}]{1,3}", 1..6)) {
            for form in FORMS {
                let lines = Lines::list(&values, form).0;
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
