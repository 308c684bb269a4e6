//! A JSON object with an array that is too long to be parsed as a whole: the object without the
//! array, and the elements of the array one by one.
//!
//! The text is divided by its brackets, commas and strings, and [`parse`] reads every
//! part. All parts can be read if and only if the whole text can.

use std::ops::Range;

use memchr::memchr2;
use serde_json::{Map, Value};

use super::json::parse;

/// An object whose array is apart.
pub(crate) struct WithoutElements<'a> {
    /// The other members.
    pub(crate) others: Map<String, Value>,
    /// The bytes of the elements.
    pub(crate) elements: Vec<&'a [u8]>,
}

/// Takes the array from the object. `None` if the text is not an object with such an array that
/// has an element, or writes the name with an escape.
pub(crate) fn without_elements<'a>(text: &'a [u8], array: &str) -> Option<WithoutElements<'a>> {
    let Split { before, elements, after } = split(text, array)?;
    Some(WithoutElements { others: others(&[before, PLACEHOLDER, after].concat(), array)?, elements })
}

/// The members before the array. What comes after its bracket is not looked at.
pub(crate) fn before_elements(text: &[u8], array: &str) -> Option<Map<String, Value>> {
    let first = first_element(&mut Marks::new(text), array)?;
    others(&[text.get(..first)?, PLACEHOLDER, b"]}"].concat(), array)
}

/// The members beside the array, whose elements are at these places.
pub(crate) fn around_elements(text: &[u8], array: &str, elements: Range<usize>) -> Option<Map<String, Value>> {
    others(&[text.get(..elements.start)?, PLACEHOLDER, text.get(elements.end..)?].concat(), array)
}

/// The members beside the array, which has one element in its place.
fn others(text: &[u8], array: &str) -> Option<Map<String, Value>> {
    let Value::Object(mut others) = parse(text).ok()? else { return None };
    // The brackets may not be those of the array, if the text is no JSON.
    let is_found = others.remove(array).is_some_and(|array| array.as_array().is_some_and(|array| array.len() == 1));
    is_found.then_some(others)
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
    let mut marks = Marks::new(text);
    let first = first_element(&mut marks, array)?;
    let (mut elements, mut next) = (Vec::new(), first);
    for Mark { position, depth, kind } in marks {
        if depth == 2 && matches!(kind, Kind::Comma | Kind::Close) {
            elements.push(text.get(next..position).filter(|element| !element.trim_ascii().is_empty())?);
            next = position.saturating_add(1);
            if kind == Kind::Close {
                return Some(Split { before: text.get(..first)?, elements, after: text.get(position..)? });
            }
        }
    }
    None
}

/// The place of the first element, which is the next one of the marks.
fn first_element(marks: &mut Marks<'_>, array: &str) -> Option<usize> {
    let mut name = None;
    // Anything else is not looked through.
    marks.text.trim_ascii_start().strip_prefix(b"{")?;
    for Mark { position, depth, kind } in marks {
        match kind {
            Kind::Text(text) if depth == 1 => name = Some(text),
            Kind::Open(b'[') if depth == 1 && name == Some(array.as_bytes()) => return position.checked_add(1),
            Kind::Text(_) | Kind::Open(_) | Kind::Close | Kind::Comma => {}
        }
    }
    None
}

/// A bracket, comma or string of a JSON text.
struct Mark<'a> {
    /// Its place, or that of the end of a string.
    position: usize,
    /// The number of brackets around it.
    depth: usize,
    kind: Kind<'a>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind<'a> {
    Open(u8),
    Close,
    Comma,
    /// The text between the quotation marks.
    Text(&'a [u8]),
}

/// The marks of a text, in their order.
struct Marks<'a> {
    text: &'a [u8],
    position: usize,
    depth: usize,
}

impl<'a> Marks<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, position: 0, depth: 0 }
    }

    /// Goes to the next byte for which `find` gives the distance, and after it.
    fn skip_to(&mut self, find: impl Fn(&[u8]) -> Option<usize>) -> Option<(usize, u8)> {
        let rest = self.text.get(self.position..)?;
        let length = find(rest)?;
        let position = self.position.checked_add(length)?;
        self.position = position.checked_add(1)?;
        Some((position, *rest.get(length)?))
    }

    /// The end of the string whose first byte is the next one.
    fn end_of_string(&mut self) -> Option<usize> {
        loop {
            match self.skip_to(|rest| memchr2(b'"', b'\\', rest))? {
                (position, b'"') => return Some(position),
                _ => self.position = self.position.checked_add(1)?,
            }
        }
    }
}

impl<'a> Iterator for Marks<'a> {
    type Item = Mark<'a>;

    fn next(&mut self) -> Option<Mark<'a>> {
        let is_mark = |byte: &u8| matches!(byte, b'"' | b'{' | b'[' | b',' | b'}' | b']');
        let (position, byte) = self.skip_to(|rest| rest.iter().position(is_mark))?;
        let depth = self.depth;
        Some(match byte {
            b'"' => {
                let start = self.position;
                let end = self.end_of_string()?;
                Mark { position: end, depth, kind: Kind::Text(self.text.get(start..end)?) }
            }
            b'{' | b'[' => {
                self.depth = depth.saturating_add(1);
                Mark { position, depth, kind: Kind::Open(byte) }
            }
            b'}' | b']' => {
                self.depth = depth.saturating_sub(1);
                Mark { position, depth, kind: Kind::Close }
            }
            _ => Mark { position, depth, kind: Kind::Comma },
        })
    }
}

const PLACEHOLDER: &[u8] = b"0";

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(text: &str) -> Option<(Value, Vec<Value>)> {
        let WithoutElements { others, elements } = without_elements(text.as_bytes(), "a")?;
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
    fn the_members_before_the_array_and_around_it() {
        let text = r#" {"b": "\"a\":[", "c": [{"a": [2]}], "a": [1, {"d": "]"}], "d": "x"} "#;
        let elements = r#"1, {"d": "]"}"#;
        let (before, _) = text.split_once(elements).unwrap();
        let first = before.len();
        let places = first..first + elements.len();
        let mut members = parse(text.as_bytes()).unwrap().as_object().unwrap().clone();
        members.remove("a");
        assert_eq!(around_elements(text.as_bytes(), "a", places.clone()), Some(members.clone()));
        members.remove("d");
        // What comes later may be anything.
        for text in [text, before, &[before, "]}]"].concat()] {
            assert_eq!(before_elements(text.as_bytes(), "a").as_ref(), Some(&members), "{text}");
        }
        for text in
            [r#"{"b":1}"#, r#"{"b":1,"a":{}}"#, r#"{"b":1,"b":2,"a":[1]}"#, r#"{b:1,"a":[1]}"#, r#"[{"a":[1]}]"#]
        {
            assert_eq!(before_elements(text.as_bytes(), "a"), None, "{text}");
        }
        for wrong in [first..first + 1, first + 2..places.end, 0..places.end, first..text.len() + 1] {
            assert_eq!(around_elements(text.as_bytes(), "a", wrong), None);
        }
    }

    #[test]
    fn an_element_is_one_value() {
        for text in ["", " ", "1,2", "1],[2", "1]],[[2"] {
            assert_eq!(element(text.as_bytes()), None, "{text}");
        }
    }
}
