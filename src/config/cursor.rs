//! A reader for JSON values. It tracks the path of each value, records every mistake with its path,
//! and continues after a mistake.

use std::cell::RefCell;

use serde_json::{Map, Value};

use super::error::ConfigError;

/// The mistakes of one section, in the order of reading: path and message.
#[derive(Default)]
pub(super) struct Errors(RefCell<Vec<(String, String)>>);

impl Errors {
    /// Records one mistake.
    pub(super) fn add(&self, path: &str, message: impl Into<String>) {
        self.0.borrow_mut().push((path.to_owned(), message.into()));
    }

    /// Records one mistake, unless there is one at this place.
    pub(super) fn add_once(&self, path: &str, message: String) {
        if !self.0.borrow().iter().any(|(place, _)| place == path) {
            self.add(path, message);
        }
    }

    /// Converts the mistakes to errors of `tenant`, or of the whole configuration if it is `None`.
    pub(super) fn into_config_errors(self, tenant: Option<&str>) -> Vec<ConfigError> {
        let errors = self.0.into_inner().into_iter();
        errors.map(|(path, message)| ConfigError::new(tenant, path, message)).collect()
    }
}

/// A place in the configuration, and its value if it has one.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    value: Option<&'a Value>,
    /// Whether the surrounding object exists. If it does not, its missing fields are not reported.
    inside: bool,
    path: String,
    errors: &'a Errors,
}

impl<'a> Cursor<'a> {
    /// A cursor at `value`, with an empty path.
    pub(super) fn root(value: &'a Value, errors: &'a Errors) -> Self {
        Self { value: Some(value), inside: true, path: String::new(), errors }
    }

    /// The value at this place, of any type.
    pub(super) fn value(&self) -> Option<&'a Value> {
        self.value
    }

    /// The path of this place.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether there is a value at this place.
    pub(super) fn is_present(&self) -> bool {
        self.value.is_some()
    }

    /// Records a mistake at this place.
    pub(super) fn error(&self, message: impl Into<String>) {
        self.errors.add(&self.path, message);
    }

    /// Records a mistake at this place and returns `None`.
    pub(super) fn refuse<T>(&self, message: impl Into<String>) -> Option<T> {
        self.error(message);
        None
    }

    /// The value of `result`. An error is recorded as a mistake at this place.
    pub(super) fn note<T, E: ToString>(&self, result: Result<T, E>) -> Option<T> {
        result.map_err(|problem| self.error(problem.to_string())).ok()
    }

    /// The string at this place. Another type is a mistake.
    pub(super) fn text(&self) -> Option<&'a str> {
        self.typed("a string", Value::as_str)
    }

    /// The string at this place. Absence is a mistake.
    pub(super) fn required_text(&self) -> Option<&'a str> {
        self.required();
        self.text()
    }

    /// The boolean at this place. Another type is a mistake.
    pub(super) fn boolean(&self) -> Option<bool> {
        self.typed("true or false", Value::as_bool)
    }

    /// The object at this place. If it is absent, all its fields are absent.
    pub(super) fn object(&self) -> Object<'a> {
        let members = self.typed("an object", Value::as_object);
        Object { members, at: self.clone(), known: RefCell::default() }
    }

    /// The object at this place. Absence is a mistake.
    pub(super) fn required_object(&self) -> Object<'a> {
        self.required();
        self.object()
    }

    /// The elements of the array at this place.
    pub(super) fn elements(&self) -> Vec<Self> {
        let elements = self.typed("an array", Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let at = |(index, value)| Self {
            value: Some(value),
            inside: true,
            path: format!("{}[{index}]", self.path),
            errors: self.errors,
        };
        elements.iter().enumerate().map(at).collect()
    }

    /// The members of the object at this place, with any names.
    pub(super) fn entries(&self) -> Vec<(&'a str, Self)> {
        let at = |(name, value): (&'a String, &'a Value)| {
            let path = format!("{}[{name:?}]", self.path);
            (name.as_str(), Self { value: Some(value), inside: true, path, errors: self.errors })
        };
        self.typed("an object", Value::as_object).into_iter().flatten().map(at).collect()
    }

    /// The elements of the array at this place. Absence and an empty array are mistakes.
    pub(super) fn required_elements(&self) -> Vec<Self> {
        self.required();
        if self.value.and_then(Value::as_array).is_some_and(Vec::is_empty) {
            self.error("is empty; at least one is needed");
        }
        self.elements()
    }

    /// Records that the value is missing, with `advice` about the value to give. Returns `None`.
    pub(super) fn missing<T>(&self, advice: &str) -> Option<T> {
        if self.inside {
            self.error(format!("is missing; {advice}"));
        }
        None
    }

    fn required(&self) {
        if self.inside && !self.is_present() {
            self.error("is missing");
        }
    }

    fn typed<T>(&self, wanted: &str, read: impl Fn(&'a Value) -> Option<T>) -> Option<T> {
        let value = self.value?;
        let read = read(value);
        if read.is_none() {
            self.error(format!("must be {wanted}, not {}", kind_of(value)));
        }
        read
    }
}

/// An object whose fields are read one by one. A field that is never read is a mistake.
pub(super) struct Object<'a> {
    members: Option<&'a Map<String, Value>>,
    at: Cursor<'a>,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Object<'a> {
    /// The field `name`. It counts as read from now on.
    pub(super) fn field(&self, name: &'static str) -> Cursor<'a> {
        let mut known = self.known.borrow_mut();
        if !known.contains(&name) {
            known.push(name);
        }
        let path = if self.at.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at.path) };
        let value = self.members.and_then(|members| members.get(name));
        Cursor { value, inside: self.members.is_some(), path, errors: self.at.errors }
    }

    /// All members. None of them counts as read.
    pub(super) fn members(&self) -> Option<&'a Map<String, Value>> {
        self.members
    }

    /// Records every field that was not read as a mistake.
    pub(super) fn finish(self) {
        let known = self.known.borrow();
        for name in self.members.into_iter().flat_map(Map::keys).filter(|name| !known.contains(&name.as_str())) {
            let near = known.iter().min_by_key(|field| strsim::osa_distance(field, name));
            match near.filter(|field| strsim::osa_distance(field, name) <= MAX_TYPOS) {
                Some(field) => self.at.error(format!("unknown field {name:?}; did you mean \"{field}\"?")),
                None => self.at.error(format!("unknown field {name:?}; the fields here are {}", known.join(", "))),
            }
        }
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The most letters by which an unknown field may differ from the known field that its message
/// suggests.
const MAX_TYPOS: usize = 2;
