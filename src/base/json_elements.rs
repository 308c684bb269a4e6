//! A JSON object with an array that is too long to be parsed as a whole: the object without the
//! array, and the elements of the array one by one.
//!
//! The text is divided by its brackets, commas and strings, and [`parse`] reads every
//! part. All parts can be read if and only if the whole text can.

use memchr::memchr2;
use serde_json::{Map, Value};

use super::json::parse;

/// An object whose array is apart.
pub(crate) struct WithoutElements<'a, const N: usize> {
    /// The other members.
    pub(crate) others: Map<String, Value>,
    /// The elements.
    pub(crate) elements: Vec<Element<'a, N>>,
    /// Whether no element writes the name of a member with an escape, so that no member is missed.
    pub(crate) has_plain_names: bool,
}

/// An element of the array.
pub(crate) struct Element<'a, const N: usize> {
    /// Its bytes.
    pub(crate) bytes: &'a [u8],
    /// The bytes of the values of its members with certain names, if it is an object with them.
    pub(crate) members: [Option<&'a [u8]>; N],
}

/// Takes the array from the object, and finds these members of its elements. `None` if the text is
/// not an object with such an array that has an element, or writes the name with an escape.
pub(crate) fn without_elements<'a, const N: usize>(
    text: &'a [u8],
    array: &str,
    members: [&str; N],
) -> Option<WithoutElements<'a, N>> {
    text.trim_ascii_start().strip_prefix(b"{")?;
    let Split { before, elements, after, has_plain_names } = split(text, array, members)?;
    let Value::Object(mut others) = parse(&[before, PLACEHOLDER, after].concat()).ok()? else { return None };
    // The brackets may not be those of the array, if the text is no JSON.
    let is_found = others.remove(array).is_some_and(|array| array.as_array().is_some_and(|array| array.len() == 1));
    is_found.then_some(WithoutElements { others, elements, has_plain_names })
}

/// Parses one element. It is as deep in two arrays as in the whole, so that the same nesting is
/// permitted.
pub(crate) fn element(text: &[u8]) -> Option<Value> {
    let Value::Array(mut outer) = parse(&[b"[[", text, b"]]"].concat()).ok()? else { return None };
    let Some(Value::Array(mut inner)) = outer.pop() else { return None };
    inner.pop().filter(|_| inner.is_empty() && outer.is_empty())
}

/// The bytes before the elements of the array, the elements, and the bytes after them.
struct Split<'a, const N: usize> {
    before: &'a [u8],
    elements: Vec<Element<'a, N>>,
    after: &'a [u8],
    has_plain_names: bool,
}

fn split<'a, const N: usize>(text: &'a [u8], array: &str, members: [&str; N]) -> Option<Split<'a, N>> {
    let (mut name, mut first, mut next) = (None, None, 0);
    let (mut member, mut value, mut found) = (None, None, [None; N]);
    let (mut elements, mut has_plain_names) = (Vec::new(), true);
    for Mark { position, depth, kind } in Marks::new(text) {
        let after = position.saturating_add(1);
        match kind {
            Kind::Text(text) if depth == 1 => name = Some(text),
            Kind::Open(b'[') if depth == 1 && name == Some(array.as_bytes()) => (first, next) = (Some(after), after),
            Kind::Text(text) if depth == 3 && value.is_none() => member = Some(text),
            Kind::Colon if depth == 3 => value = Some(after),
            Kind::Comma | Kind::Close if depth == 3 => {
                let (name, start) = (member.take(), value.take());
                // In an array there are strings without values.
                if let Some((name, start)) = name.zip(start) {
                    has_plain_names &= !name.contains(&b'\\');
                    let mut wanted = found.iter_mut().zip(members);
                    if let Some((place, _)) = wanted.find(|(_, wanted)| wanted.as_bytes() == name) {
                        *place = text.get(start..position);
                    }
                }
            }
            Kind::Comma | Kind::Close if depth == 2 && first.is_some() => {
                let bytes = text.get(next..position).filter(|element| !element.trim_ascii().is_empty())?;
                elements.push(Element { bytes, members: std::mem::replace(&mut found, [None; N]) });
                next = after;
                if kind == Kind::Close {
                    let (before, after) = (text.get(..first?)?, text.get(position..)?);
                    return Some(Split { before, elements, after, has_plain_names });
                }
            }
            Kind::Text(_) | Kind::Open(_) | Kind::Close | Kind::Comma | Kind::Colon => {}
        }
    }
    None
}

/// A bracket, comma, colon or string of a JSON text.
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
    Colon,
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
        let is_mark = |byte: &u8| matches!(byte, b'"' | b'{' | b'[' | b',' | b':' | b'}' | b']');
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
            b',' => Mark { position, depth, kind: Kind::Comma },
            _ => Mark { position, depth, kind: Kind::Colon },
        })
    }
}

const PLACEHOLDER: &[u8] = b"0";

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(text: &str) -> Option<(Value, Vec<Value>)> {
        let WithoutElements { others, elements, .. } = without_elements(text.as_bytes(), "a", [])?;
        let elements: Option<Vec<_>> = elements.into_iter().map(|found| element(found.bytes)).collect();
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
    fn the_members_are_those_of_the_element() {
        const NAMES: [&str; 4] = ["b", "c", "d", "e"];
        let objects = [
            r#" { "a" : { "b" : [ 1 , "}" ] } , "b" : "a" , "c" : "\\\"," , "d" : [ { "a" : 2 } ] , "e" : -1e3 } "#,
            r#"{"a":{},"b":[],"c":"","d":":","e":null}"#,
            r#"{"b":true}"#,
            "{}",
            r#"["b",["c"]]"#,
            r#"[{"b":1}]"#,
            r#""b""#,
        ];
        let text = format!("{{\"x\":[[{{\"b\":1}}]],\"a\":[{}]}}", objects.join(","));
        let apart = without_elements(text.as_bytes(), "a", NAMES).unwrap();
        assert!(apart.has_plain_names);
        for (found, object) in apart.elements.iter().zip(objects) {
            assert_eq!(found.bytes, object.as_bytes());
            let whole = parse(object.as_bytes()).unwrap();
            for (name, value) in NAMES.into_iter().zip(found.members) {
                let of_whole = whole.as_object().and_then(|members| members.get(name)).cloned();
                assert_eq!(value.map(|value| parse(value).unwrap()), of_whole, "{object} {name}");
            }
        }
        let escaped = without_elements(br#"{"a":[{"b":1},{"\u0062":1}]}"#, "a", NAMES).unwrap();
        assert!(!escaped.has_plain_names);
    }

    #[test]
    fn an_element_is_one_value() {
        for text in ["", " ", "1,2", "1],[2", "1]],[[2"] {
            assert_eq!(element(text.as_bytes()), None, "{text}");
        }
    }
}
