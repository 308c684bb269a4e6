//! A JSON object with an array that is too long to be parsed as a whole: the object without the
//! array, and the elements of the array one by one.
//!
//! The text is divided by its brackets, commas and strings, and [`parse`](super::parse) reads every
//! part. All parts can be read if and only if the whole text can.

use serde_json::{Map, Value};

use super::parse;

/// An object whose array is apart.
pub(crate) struct Apart<'a> {
    /// The other members.
    pub(crate) others: Map<String, Value>,
    /// The bytes of the elements.
    pub(crate) elements: Vec<&'a [u8]>,
}

/// Takes the array from the object. `None` if the text is not an object with such an array that has
/// an element, or writes the name with an escape.
pub(crate) fn without_elements<'a>(text: &'a [u8], array: &str) -> Option<Apart<'a>> {
    text.trim_ascii_start().strip_prefix(b"{")?;
    let Split { before, elements, after } = split(text, array)?;
    let Value::Object(mut others) = parse(&[before, PLACEHOLDER, after].concat()).ok()? else { return None };
    // The brackets may not be those of the array, if the text is no JSON.
    let is_found = others.remove(array).is_some_and(|array| array.as_array().is_some_and(|array| array.len() == 1));
    is_found.then_some(Apart { others, elements })
}

/// Parses one element. It is as deep in two arrays as in the whole, so that the same nesting is
/// permitted.
pub(crate) fn element(text: &[u8]) -> Option<Value> {
    let Value::Array(mut outer) = parse(&[b"[[", text, b"]]"].concat()).ok()? else { return None };
    let Some(Value::Array(mut inner)) = outer.pop() else { return None };
    inner.pop().filter(|_| inner.is_empty() && outer.is_empty())
}

/// The bytes before the elements of the array, the elements, and the bytes after them.
struct Split<'a> {
    before: &'a [u8],
    elements: Vec<&'a [u8]>,
    after: &'a [u8],
}

fn split<'a>(text: &'a [u8], array: &str) -> Option<Split<'a>> {
    let (mut depth, mut string, mut is_escaped) = (0_usize, None, false);
    let (mut name, mut first, mut next) = (None, None, 0);
    let mut elements = Vec::new();
    for (position, byte) in text.iter().enumerate() {
        let after = position.saturating_add(1);
        match (string, byte) {
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some(_), b'\\') => is_escaped = true,
            (Some(start), b'"') => {
                string = None;
                if depth == 1 {
                    name = text.get(start..position);
                }
            }
            (Some(_), _) => {}
            (None, b'"') => string = Some(after),
            (None, b'{' | b'[') => {
                depth = depth.saturating_add(1);
                if depth == 2 && *byte == b'[' && name == Some(array.as_bytes()) {
                    (first, next) = (Some(after), after);
                }
            }
            (None, b',' | b']') if depth == 2 && first.is_some() => {
                elements.push(text.get(next..position).filter(|element| !element.trim_ascii().is_empty())?);
                next = after;
                if *byte == b']' {
                    return Some(Split { before: text.get(..first?)?, elements, after: text.get(position..)? });
                }
            }
            (None, b'}' | b']') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
    }
    None
}

const PLACEHOLDER: &[u8] = b"0";

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(text: &str) -> Option<(Value, Vec<Value>)> {
        let Apart { others, elements } = without_elements(text.as_bytes(), "a")?;
        let elements: Option<Vec<_>> = elements.into_iter().map(element).collect();
        Some((Value::Object(others), elements?))
    }

    #[test]
    fn the_array_and_the_rest_are_those_of_the_whole() {
        for text in [
            r#"{"a":[1,{"b":[2,{}]},null,"],\"\\",[3]],"c":{"a":[3]}}"#,
            r#" { "c" : "a" , "d" : [ "a" , [ ] ] , "a" : [ "x" ] } "#,
        ] {
            let mut whole = parse(text.as_bytes()).unwrap();
            let array = whole.as_object_mut().unwrap().remove("a").unwrap();
            assert_eq!(apart(text), Some((whole, array.as_array().unwrap().clone())), "{text}");
        }
    }

    #[test]
    fn only_an_object_with_such_an_array_is_taken_apart() {
        for text in [
            "[1]",
            "{}",
            r#"{"a":[]}"#,
            r#"{"a":{}}"#,
            r#"{"a":null}"#,
            r#"{"a":[1],"a":[1]}"#,
            r#"{"a":[1]} 1"#,
            r#"{"a":[1,]}"#,
            r#"{"a":[,1]}"#,
            r#"{"a":[1}"#,
            r#"{"a","b":[1]}"#,
            r#"["a",[1]]"#,
            r#"{"a":[1],"b":1,"b":1}"#,
            r#"{"a":[{"b":1,"b":1}]}"#,
            r#"{"a":[1 2]}"#,
            r#"{"a":[1],[2]]}"#,
        ] {
            assert_eq!(apart(text), None, "{text}");
        }
    }

    #[test]
    fn an_element_is_one_value() {
        for text in ["", " ", "1,2", "1],[2", "1]],[[2"] {
            assert_eq!(element(text.as_bytes()), None, "{text}");
        }
    }
}
