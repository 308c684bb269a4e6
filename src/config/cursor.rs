//! Walking through a JSON value with the path at hand: every mistake is noted where it is, and the walk goes on.

use std::cell::RefCell;

use serde_json::{Map, Value};

use super::error::ConfigError;

/// The mistakes of one walk, in order.
#[derive(Default)]
pub(super) struct Errors(RefCell<Vec<(String, String)>>);

impl Errors {
    pub(super) fn add(&self, path: &str, message: impl Into<String>) {
        self.0.borrow_mut().push((path.to_owned(), message.into()));
    }

    pub(super) fn into_config_errors(self, tenant: Option<&str>) -> Vec<ConfigError> {
        let errors = self.0.into_inner().into_iter();
        errors.map(|(path, message)| ConfigError::new(tenant, path, message)).collect()
    }
}

/// A place in the configuration, and the value that is there, if there is one.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    value: Option<&'a Value>,
    /// Whether there is an object around it. What a missing or mistaken object lacks is not worth a mistake of its own.
    inside: bool,
    path: String,
    errors: &'a Errors,
}

impl<'a> Cursor<'a> {
    /// The place that all paths begin at.
    pub(super) fn root(value: &'a Value, errors: &'a Errors) -> Self {
        Self { value: Some(value), inside: true, path: String::new(), errors }
    }

    /// The value here, whatever it is.
    pub(super) fn value(&self) -> Option<&'a Value> {
        self.value
    }

    pub(super) fn is_present(&self) -> bool {
        self.value.is_some()
    }

    /// Notes a mistake at this place.
    pub(super) fn error(&self, message: impl Into<String>) {
        self.errors.add(&self.path, message);
    }

    /// Notes a mistake at this place, for which there is no value then.
    pub(super) fn refuse<T>(&self, message: impl Into<String>) -> Option<T> {
        self.error(message);
        None
    }

    /// Notes the mistake of a result, if it is one.
    pub(super) fn note<T, E: ToString>(&self, result: Result<T, E>) -> Option<T> {
        result.map_err(|problem| self.error(problem.to_string())).ok()
    }

    /// The text here, if there is anything.
    pub(super) fn text(&self) -> Option<&'a str> {
        self.typed("a string", Value::as_str)
    }

    /// The text here; a mistake if there is none.
    pub(super) fn required_text(&self) -> Option<&'a str> {
        self.required();
        self.text()
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        self.typed("true or false", Value::as_bool)
    }

    /// The object here. Its fields are absent if there is none.
    pub(super) fn object(&self) -> Object<'a> {
        let members = self.typed("an object", Value::as_object);
        Object { members, at: self.clone(), known: RefCell::default() }
    }

    /// The object here; a mistake if there is none.
    pub(super) fn required_object(&self) -> Object<'a> {
        self.required();
        self.object()
    }

    /// The elements of the array here.
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

    /// The members of the object here, whatever their names.
    pub(super) fn entries(&self) -> Vec<(&'a str, Self)> {
        let at = |(name, value): (&'a String, &'a Value)| {
            let path = format!("{}[{name:?}]", self.path);
            (name.as_str(), Self { value: Some(value), inside: true, path, errors: self.errors })
        };
        self.typed("an object", Value::as_object).into_iter().flatten().map(at).collect()
    }

    /// The elements of the array here; a mistake if there are none.
    pub(super) fn required_elements(&self) -> Vec<Self> {
        self.required();
        if self.value.and_then(Value::as_array).is_some_and(Vec::is_empty) {
            self.error("is empty; at least one is needed");
        }
        self.elements()
    }

    /// Notes that there has to be something here, and what could be instead.
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

/// An object whose fields are asked for one by one. Those that nobody asked for are mistakes.
pub(super) struct Object<'a> {
    members: Option<&'a Map<String, Value>>,
    at: Cursor<'a>,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Object<'a> {
    pub(super) fn field(&self, name: &'static str) -> Cursor<'a> {
        let mut known = self.known.borrow_mut();
        if !known.contains(&name) {
            known.push(name);
        }
        let path = if self.at.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at.path) };
        let value = self.members.and_then(|members| members.get(name));
        Cursor { value, inside: self.members.is_some(), path, errors: self.at.errors }
    }

    /// The members as they are.
    pub(super) fn members(&self) -> Option<&'a Map<String, Value>> {
        self.members
    }

    /// Notes every field that was not asked for.
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

/// So many letters may differ for a field to be what was meant.
const MAX_TYPOS: usize = 2;
