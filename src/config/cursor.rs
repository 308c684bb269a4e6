//! A reader for JSON values. It tracks the path of each value, records every mistake with its path,
//! and continues after a mistake.

use std::cell::RefCell;

use serde_json::{Map, Value};

use super::code::Code;
use super::error::ConfigError;

/// The mistakes of one section, in the order of reading.
#[derive(Default)]
pub(super) struct Errors(RefCell<Vec<Mistake>>);

struct Mistake {
    code: Code,
    path: String,
    /// The tenant of the mistake if the section is the whole configuration.
    tenant: Option<(String, usize)>,
    /// The path of what the mistake is about, if it is another one.
    place: Option<String>,
    message: String,
}

impl Errors {
    /// Whether there is no mistake.
    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Records one mistake.
    pub(super) fn add(&self, code: Code, path: &str, message: impl Into<String>) {
        self.push(code, path, None, None, message.into());
    }

    /// Records a mistake without a path that is about the value at `place`.
    pub(super) fn add_at(&self, code: Code, place: String, message: String) {
        self.push(code, "", Some(place), None, message);
    }

    /// Records a mistake of the whole configuration at the path of the tenant with this label and
    /// index.
    pub(super) fn add_for(&self, code: Code, tenant: (&str, usize), path: &str, message: String) {
        let (label, index) = tenant;
        self.push(code, path, None, Some((label.to_owned(), index)), message);
    }

    fn push(&self, code: Code, path: &str, place: Option<String>, tenant: Option<(String, usize)>, message: String) {
        self.0.borrow_mut().push(Mistake { code, path: path.to_owned(), tenant, place, message });
    }

    /// Records one mistake, unless there is one at this place.
    pub(super) fn add_once(&self, code: Code, path: &str, message: String) {
        if !self.0.borrow().iter().any(|mistake| mistake.path == path) {
            self.add(code, path, message);
        }
    }

    /// Converts the mistakes to errors of the tenant with this label and index, or of the whole
    /// configuration if it is `None`.
    pub(super) fn into_config_errors(self, tenant: Option<(&str, usize)>) -> Vec<ConfigError> {
        let error = |mistake: Mistake| {
            let own = mistake.tenant.as_ref().map(|(label, index)| (label.as_str(), *index));
            ConfigError::new(mistake.code, own.or(tenant), mistake.path, mistake.message).at(mistake.place)
        };
        self.0.into_inner().into_iter().map(error).collect()
    }
}

/// A place in the configuration, and its value if it has one.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    value: Option<&'a Value>,
    /// Whether the surrounding object exists. If it does not, its missing fields are not reported.
    inside: bool,
    path: String,
    /// The code of mistakes about this section, besides those that every field can have.
    code: Code,
    errors: &'a Errors,
}

impl<'a> Cursor<'a> {
    /// A cursor at `value`, with an empty path.
    pub(super) fn root(value: &'a Value, errors: &'a Errors) -> Self {
        Self { value: Some(value), inside: true, path: String::new(), code: Code::UNKNOWN_FIELD, errors }
    }

    /// The same place, where other mistakes have this code.
    #[inline(never)]
    pub(super) fn about(self, code: Code) -> Self {
        Self { code, ..self }
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
        self.errors.add(self.code, &self.path, message);
    }

    /// Records a mistake of the kind `code` at this place and returns `None`.
    pub(super) fn refuse_as<T>(&self, code: Code, message: impl Into<String>) -> Option<T> {
        self.errors.add(code, &self.path, message);
        None
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
            code: self.code,
            errors: self.errors,
        };
        elements.iter().enumerate().map(at).collect()
    }

    /// The members of the object at this place, with any names.
    pub(super) fn entries(&self) -> Vec<(&'a str, Self)> {
        let at = |(name, value): (&'a String, &'a Value)| {
            let path = format!("{}[{name:?}]", self.path);
            (name.as_str(), Self { value: Some(value), path, ..self.clone() })
        };
        self.typed("an object", Value::as_object).into_iter().flatten().map(at).collect()
    }

    /// The elements of the array at this place. Absence and an empty array are mistakes.
    pub(super) fn required_elements(&self) -> Vec<Self> {
        self.required();
        if self.value.and_then(Value::as_array).is_some_and(Vec::is_empty) {
            self.errors.add(Code::EMPTY, &self.path, "is empty; at least one is needed");
        }
        self.elements()
    }

    /// Records that the value is missing, with `advice` about the value to give. Returns `None`.
    pub(super) fn missing<T>(&self, advice: &str) -> Option<T> {
        if self.inside {
            return self.refuse_as(Code::MISSING, format!("is missing; {advice}"));
        }
        None
    }

    /// The path of the member `name` of this place.
    fn member_path(&self, name: &str) -> String {
        match name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            false => format!("{}[{name:?}]", self.path),
            true if self.path.is_empty() => name.to_owned(),
            true => [&self.path, ".", name].concat(),
        }
    }

    fn required(&self) {
        if self.inside && !self.is_present() {
            self.errors.add(Code::MISSING, &self.path, "is missing");
        }
    }

    fn typed<T>(&self, wanted: &str, read: impl Fn(&'a Value) -> Option<T>) -> Option<T> {
        let value = self.value?;
        let read = read(value);
        if read.is_none() {
            self.errors.add(Code::TYPE, &self.path, format!("must be {wanted}, not {}", kind_of(value)));
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
        self.know(name);
        let Cursor { code, errors, .. } = self.at;
        let (value, inside) = (self.member(name), self.members.is_some());
        Cursor { value, inside, path: self.at.member_path(name), code, errors }
    }

    /// Counts the field `name` as read.
    pub(super) fn know(&self, name: &'static str) {
        let mut known = self.known.borrow_mut();
        if !known.contains(&name) {
            known.push(name);
        }
    }

    /// The value of the member `name`, which does not count as read.
    pub(super) fn member(&self, name: &str) -> Option<&'a Value> {
        self.members.and_then(|members| members.get(name))
    }

    /// The number of mistakes that were recorded so far.
    pub(super) fn mistakes(&self) -> usize {
        self.at.errors.0.borrow().len()
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
            let advice = match near.filter(|field| strsim::osa_distance(field, name) <= MAX_TYPOS) {
                Some(field) => format!("did you mean \"{field}\"?"),
                None => format!("the fields here are {}", known.join(", ")),
            };
            let message = format!("unknown field {name:?}; {advice}");
            let place = self.at.member_path(name);
            self.at.errors.push(Code::UNKNOWN_FIELD, &self.at.path, Some(place), None, message);
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
