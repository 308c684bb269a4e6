//! The places of values in a section of the configuration. A load passes thousands of them, and
//! only a mistake needs the text of one.

use std::cell::RefCell;

/// The objects and arrays of one section that were opened.
pub(super) struct Places(RefCell<Vec<Container>>);

/// An object or array that was opened.
struct Container {
    around: Opened,
    step: Step<Box<str>>,
}

/// The place of a value.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    around: Opened,
    step: Step<&'a str>,
}

/// The index of an object or array that was opened. `None` is the section itself.
#[derive(Clone, Copy)]
pub(super) struct Opened(Option<usize>);

/// The last step to a value. Names that can be any have the type `T`.
#[derive(Clone, Copy)]
enum Step<T> {
    /// None: the value is the section.
    Top,
    /// To a field of an object.
    Field(&'static str),
    /// To a member of an object that has members with any names.
    Entry(T),
    /// To an element of an array.
    Element(usize),
}

impl Default for Places {
    fn default() -> Self {
        Self(RefCell::new(Vec::with_capacity(MANY_CONTAINERS)))
    }
}

impl Places {
    /// Opens the object or array at this place, so that its members have places.
    pub(super) fn open(&self, place: Place<'_>) -> Opened {
        let step = match place.step {
            Step::Top => return Opened(None),
            Step::Field(name) => Step::Field(name),
            Step::Entry(name) => Step::Entry(name.into()),
            Step::Element(index) => Step::Element(index),
        };
        let mut opened = self.0.borrow_mut();
        let index = opened.len();
        opened.push(Container { around: place.around, step });
        Opened(Some(index))
    }

    /// The text of the place, such as `provider.cluster`, `hosts[1]` or `bearer.claims["a b"]`.
    /// That of the section itself is empty.
    pub(super) fn text(&self, place: Place<'_>) -> String {
        let (opened, mut around) = (self.0.borrow(), place.around);
        let mut steps = vec![place.step];
        while let Some(container) = around.0.and_then(|index| opened.get(index)) {
            steps.push(container.step.borrowed());
            around = container.around;
        }
        let mut text = String::new();
        for step in steps.into_iter().rev() {
            match step {
                Step::Top => {}
                Step::Field(name) => {
                    text.push_str(if text.is_empty() { "" } else { "." });
                    text.push_str(name);
                }
                Step::Entry(name) => text.push_str(&format!("[{name:?}]")),
                Step::Element(index) => text.push_str(&format!("[{index}]")),
            }
        }
        text
    }
}

impl<'a> Place<'a> {
    /// The place of the section itself.
    pub(super) fn top() -> Self {
        Self { around: Opened(None), step: Step::Top }
    }

    /// The place of the field with this name.
    pub(super) fn field(around: Opened, name: &'static str) -> Self {
        Self { around, step: Step::Field(name) }
    }

    /// The place of the member with this name, which can be any.
    pub(super) fn entry(around: Opened, name: &'a str) -> Self {
        Self { around, step: Step::Entry(name) }
    }

    /// The place of the element with this index.
    pub(super) fn element(around: Opened, index: usize) -> Self {
        Self { around, step: Step::Element(index) }
    }
}

impl Step<Box<str>> {
    fn borrowed(&self) -> Step<&str> {
        match self {
            Self::Top => Step::Top,
            Self::Field(name) => Step::Field(name),
            Self::Entry(name) => Step::Entry(name),
            Self::Element(index) => Step::Element(*index),
        }
    }
}

/// More objects and arrays than most sections have, so that there is one allocation for them.
const MANY_CONTAINERS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_each_step() {
        let places = Places::default();
        let top = places.open(Place::top());
        let claims = Place::field(places.open(Place::field(top, "bearer")), "claims");
        let values = places.open(Place::entry(places.open(claims), "a b"));
        let of_element = places.open(Place::element(top, 1));
        for (place, text) in [
            (Place::top(), ""),
            (Place::field(top, "bearer"), "bearer"),
            (Place::field(of_element, "x"), "[1].x"),
            (claims, "bearer.claims"),
            (Place::element(values, 12), "bearer.claims[\"a b\"][12]"),
        ] {
            assert_eq!(places.text(place), text);
        }
    }
}
