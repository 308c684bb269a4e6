//! NameSet, and something about each.

/// Something for each of some names, found by binary search. A sorted list: a tree of the standard library takes some kilobytes of the
/// module for every type that is in it, and is no faster to look into.
#[derive(Debug)]
pub struct NameMap<T>(Vec<(Box<str>, T)>);

/// NameSet, each once.
pub type NameSet = NameMap<()>;

impl<T> Default for NameMap<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Default> NameMap<T> {
    /// Changes what there is for `name`, or else the default.
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
    /// What there is for `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        self.find(name).ok().and_then(|at| self.0.get(at)).map(|(_, value)| value)
    }

    /// Whether there is anything for `name`.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// Whether there is no name at all.
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
    /// These names.
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
    fn what_was_put_there_is_found_and_nothing_else() {
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
