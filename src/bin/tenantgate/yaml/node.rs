//! The values of a YAML document with their places.

use std::ops::Range;

use serde_json::{Map, Value};

/// A value and the bytes of the file that it takes.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) content: Content,
    /// The explicit tag, such as `!!str`, if there is one.
    pub(crate) tag: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Scalar(Scalar),
    List(Vec<Node>),
    /// The members in the order of the file, also those that occur twice.
    Map(Vec<Member>),
}

/// A member of a map.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) key: Node,
    pub(crate) value: Node,
}

/// A scalar as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) style: Style,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Quoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

impl Node {
    /// The value as Envoy hands it to a filter. Of members with the same name, the last counts.
    pub(crate) fn value(&self) -> Value {
        match &self.content {
            Content::Scalar(scalar) => scalar.value(),
            Content::List(elements) => Value::Array(elements.iter().map(Self::value).collect()),
            Content::Map(members) => {
                let mut map = Map::new();
                for Member { key, value } in members {
                    map.insert(key.text().unwrap_or_default().to_owned(), value.value());
                }
                Value::Object(map)
            }
        }
    }

    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(scalar) => Some(&scalar.text),
            Content::List(_) | Content::Map(_) => None,
        }
    }

    /// The text of a scalar that is a string for Envoy.
    pub(crate) fn string(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(scalar) if scalar.value().is_string() => Some(&scalar.text),
            Content::Scalar(_) | Content::List(_) | Content::Map(_) => None,
        }
    }

    /// The member of a map with this name. Of several, the last counts.
    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members().iter().rev().find(|member| member.key.text() == Some(name))
    }

    /// The value of the member with this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.member(name).map(|member| &member.value)
    }

    /// The value of a field of a protobuf message. Its JSON form has two spellings: `vm_id` and
    /// `vmId`.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        self.get(name).or_else(|| self.get(&camel_case(name)))
    }

    /// The value at the end of these names of fields.
    pub(crate) fn find(&self, names: &[&str]) -> Option<&Self> {
        names.iter().try_fold(self, |node, name| node.field(name))
    }

    /// The value of a field that is true or false.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.field(name)?.value().as_bool()
    }

    pub(crate) fn members(&self) -> &[Member] {
        match &self.content {
            Content::Map(members) => members,
            Content::Scalar(_) | Content::List(_) => &[],
        }
    }

    pub(crate) fn elements(&self) -> &[Self] {
        match &self.content {
            Content::List(elements) => elements,
            Content::Scalar(_) | Content::Map(_) => &[],
        }
    }

    /// Replaces the member of a map with this name, or adds it.
    pub(crate) fn set(&mut self, name: &str, value: Self) {
        if let Content::Map(members) = &mut self.content {
            members.retain(|member| member.key.text() != Some(name));
            members.push(Member { key: Self::of_text(name), value });
        }
    }

    /// The value of the member with this name, to be changed.
    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Self> {
        let Content::Map(members) = &mut self.content else { return None };
        let member = members.iter_mut().rev().find(|member| member.key.text() == Some(name));
        member.map(|member| &mut member.value)
    }

    /// A map without members that has no place in a file.
    pub(crate) fn of_map() -> Self {
        Self { span: 0..0, content: Content::Map(Vec::new()), tag: None }
    }

    /// A text that has no place in a file.
    pub(crate) fn of_text(text: &str) -> Self {
        let scalar = Scalar { text: text.to_owned(), style: Style::Quoted };
        Self { span: 0..0, content: Content::Scalar(scalar), tag: None }
    }

    /// The values of the map or list.
    pub(crate) fn children(&self) -> impl Iterator<Item = &Self> {
        self.elements().iter().chain(self.members().iter().map(|member| &member.value))
    }
}

fn camel_case(name: &str) -> String {
    let mut camel = String::new();
    for (number, word) in name.split('_').enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if number > 0 => {
                camel.push(first.to_ascii_uppercase());
                camel.push_str(letters.as_str());
            }
            Some(_) => camel.push_str(word),
            None => {}
        }
    }
    camel
}
