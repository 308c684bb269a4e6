//! A map from names to values, and a set of names.

/// A map from names to values. It is a sorted list with binary search, because a tree map of the
/// standard library adds some kilobytes to the WebAssembly module for every value type, and its
/// lookup is not faster.
#[derive(Debug)]
pub struct NameMap<T>(Vec<(Box<str>, T)>);

/// A set of names.
pub type NameSet = NameMap<()>;

impl<T> Default for NameMap<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Default> NameMap<T> {
    /// Changes the value of `name`. A new name begins with the default value.
    pub(crate) fn change(&mut self, name: &str, change: impl FnOnce(&mut T)) {
        let at = match self.find(name) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (name.into(), T::default()));
                at
            }
        };
        if let Some((_, value)) = self.0.get_mut(at) {
            change(value);
        }
    }
}

impl<T> NameMap<T> {
    /// The value of `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        self.find(name).ok().and_then(|at| self.0.get(at)).map(|(_, value)| value)
    }

    /// Whether the map contains `name`.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// Whether the map has no names.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, sorted.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(own, _)| (**own).cmp(name))
    }
}

impl NameSet {
    /// The set of these names.
    pub fn from_names(names: &[String]) -> Self {
        let mut all = Self::default();
        names.iter().for_each(|name| all.change(name, |()| {}));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_were_added_are_found_and_no_others() {
        let mut numbers = NameMap::<Vec<usize>>::default();
        let names = ["m", "", "z", "a", "m", "\u{fc}", "ma", "m"];
        for (number, name) in names.iter().enumerate() {
            numbers.change(name, |numbers| numbers.push(number));
        }
        for (name, expected) in
            [("m", Some(vec![0, 4, 7])), ("", Some(vec![1])), ("ma", Some(vec![6])), ("M", None), ("mb", None)]
        {
            assert_eq!(numbers.get(name), expected.as_ref(), "{name}");
            assert_eq!(numbers.contains(name), expected.is_some(), "{name}");
        }
        assert_eq!(numbers.iter().collect::<Vec<_>>(), ["", "a", "m", "ma", "z", "\u{fc}"]);
        assert!(!numbers.is_empty() && NameSet::from_names(&[]).is_empty());
    }
}
