//! A reader for JSON values. It tracks the place of each value, records every mistake with its
//! path, and continues after a mistake.

use std::cell::RefCell;

use serde_json::{Map, Value};

use super::code::Code;
use super::error::ConfigError;
use super::place::{Opened, Place, Places};

/// A section of the configuration that is read: a tenant, or everything beside the tenants.
#[derive(Default)]
pub(super) struct Section {
    /// Its mistakes.
    pub(super) errors: Errors,
    places: Places,
}

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
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    value: Option<&'a Value>,
    /// Whether the surrounding object exists. If it does not, its missing fields are not reported.
    inside: bool,
    place: Place<'a>,
    /// The code of mistakes about this section, besides those that every field can have.
    code: Code,
    section: &'a Section,
}

impl<'a> Cursor<'a> {
    /// A cursor at `value`, which is that of the section.
    pub(super) fn root(value: &'a Value, section: &'a Section) -> Self {
        Self { value: Some(value), inside: true, place: Place::top(), code: Code::UNKNOWN_FIELD, section }
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
    pub(super) fn path(&self) -> String {
        self.section.places.text(self.place)
    }

    /// Whether there is a value at this place.
    pub(super) fn is_present(&self) -> bool {
        self.value.is_some()
    }

    /// Records a mistake at this place.
    pub(super) fn error(&self, message: impl Into<String>) {
        self.add(self.code, message.into());
    }

    /// Records a mistake of the kind `code` at this place and returns `None`.
    pub(super) fn refuse_as<T>(&self, code: Code, message: impl Into<String>) -> Option<T> {
        self.add(code, message.into());
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
        let known = RefCell::new(Vec::with_capacity(members.map_or(0, |_| MANY_FIELDS)));
        Object { members, opened: self.section.places.open(self.place), at: *self, known }
    }

    /// The object at this place. Absence is a mistake.
    pub(super) fn required_object(&self) -> Object<'a> {
        self.required();
        self.object()
    }

    /// The elements of the array at this place.
    pub(super) fn elements(&self) -> Vec<Self> {
        let elements = self.typed("an array", Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let opened = self.section.places.open(self.place);
        let at = |(index, value)| self.member(value, Place::element(opened, index));
        elements.iter().enumerate().map(at).collect()
    }

    /// The members of the object at this place, with any names.
    pub(super) fn entries(&self) -> Vec<(&'a str, Self)> {
        let opened = self.section.places.open(self.place);
        let at =
            |(name, value): (&'a String, &'a Value)| (name.as_str(), self.member(value, Place::entry(opened, name)));
        self.typed("an object", Value::as_object).into_iter().flatten().map(at).collect()
    }

    /// The elements of the array at this place. Absence and an empty array are mistakes.
    pub(super) fn required_elements(&self) -> Vec<Self> {
        self.required();
        if self.value.and_then(Value::as_array).is_some_and(Vec::is_empty) {
            self.add(Code::EMPTY, "is empty; at least one is needed".to_owned());
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

    fn member(&self, value: &'a Value, place: Place<'a>) -> Self {
        Self { value: Some(value), inside: true, place, code: self.code, section: self.section }
    }

    fn add(&self, code: Code, message: String) {
        self.section.errors.add(code, &self.path(), message);
    }

    fn required(&self) {
        if self.inside && !self.is_present() {
            self.add(Code::MISSING, "is missing".to_owned());
        }
    }

    fn typed<T>(&self, wanted: &str, read: impl Fn(&'a Value) -> Option<T>) -> Option<T> {
        let value = self.value?;
        let read = read(value);
        if read.is_none() {
            self.add(Code::TYPE, format!("must be {wanted}, not {}", kind_of(value)));
        }
        read
    }
}

/// An object whose fields are read one by one. A field that is never read is a mistake.
pub(super) struct Object<'a> {
    members: Option<&'a Map<String, Value>>,
    at: Cursor<'a>,
    /// The same place, around the fields.
    opened: Opened,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Object<'a> {
    /// The field `name`. It counts as read from now on.
    pub(super) fn field(&self, name: &'static str) -> Cursor<'a> {
        self.know(name);
        let Cursor { code, section, .. } = self.at;
        let (value, inside) = (self.member(name), self.members.is_some());
        Cursor { value, inside, place: Place::field(self.opened, name), code, section }
    }

    /// Counts the field `name` as read.
    pub(super) fn know(&self, name: &'static str) {
        if self.members.is_some() {
            self.known.borrow_mut().push(name);
        }
    }

    /// The value of the member `name`, which does not count as read.
    pub(super) fn member(&self, name: &str) -> Option<&'a Value> {
        self.members.and_then(|members| members.get(name))
    }

    /// The number of mistakes that were recorded so far.
    pub(super) fn mistakes(&self) -> usize {
        self.at.section.errors.0.borrow().len()
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
                None => format!("the fields here are {}", each_once(&known).join(", ")),
            };
            let message = format!("unknown field {name:?}; {advice}");
            let path = self.at.path();
            let place = Some(unknown_place(&path, name));
            self.at.section.errors.push(Code::UNKNOWN_FIELD, &path, place, None, message);
        }
    }
}

/// The place of the field with this name in the object at this path.
fn unknown_place(path: &str, name: &str) -> String {
    match name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        false => format!("{path}[{name:?}]"),
        true if path.is_empty() => name.to_owned(),
        true => [path, ".", name].concat(),
    }
}

/// Some fields are read in several parts of the code.
fn each_once(fields: &[&'static str]) -> Vec<&'static str> {
    let mut once = Vec::new();
    for field in fields {
        if !once.contains(field) {
            once.push(*field);
        }
    }
    once
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
/// More fields than most sections have, so that there is one allocation for them.
const MANY_FIELDS: usize = 32;
