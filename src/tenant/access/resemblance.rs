//! The rules whose paths a request may have for a server that reads other spellings alike.

use super::letter_case::fold;
use super::path_table::{Branch, Match, Node, PathTable};
use super::spelling::{Spelling, is_script, trim_start};

/// A node that a path leads to.
#[derive(Clone, Copy)]
struct Place<'t> {
    node: &'t Node,
    /// Whether a part of the path is another spelling, which the matching rule does not spell out.
    other: bool,
    /// Whether the last segment names a script, which a server may run for all paths below it.
    is_script: bool,
    /// Whether a script is left out, which a server may run for the path behind it.
    is_moved: bool,
}

impl<'t> Place<'t> {
    fn root(table: &'t PathTable) -> Option<Self> {
        Some(Self { node: table.node(0)?, other: false, is_script: false, is_moved: false })
    }

    /// The next place. `other`: its segment is another spelling.
    fn next(self, node: &'t Node, other: bool) -> Self {
        Self { node, other: self.other || other, is_script: false, ..self }
    }

    /// The same place behind a script, which is `other` than the matching rule spells out.
    fn behind_script(self, other: bool) -> Self {
        Self { other: self.other || other, is_script: false, is_moved: true, ..self }
    }
}

impl PathTable {
    /// The first rule before `best` that does not match the path of these segments, but may match
    /// it for a server that reads other spellings alike. What the patterns of `best` spell out is
    /// not another spelling.
    pub(super) fn resembling(
        &self,
        path: &[Spelling<'_>],
        best: &Match,
        fits: &dyn Fn(usize) -> bool,
    ) -> Option<usize> {
        let mut first = best.rule;
        let mut consider = |rules: &[usize], other: bool| {
            if other {
                let found = rules.iter().copied().take_while(|&rule| rule < first).find(|&rule| fits(rule));
                first = found.unwrap_or(first);
            }
        };
        let mut places: Vec<_> = Place::root(self).into_iter().collect();
        for (index, segment) in path.iter().enumerate() {
            let spells = |text: &str| best.spells(index, text.len().min(segment.folded().len()).max(1));
            let mut next = Vec::new();
            for &place in &places {
                let here_too = place.other || !spells("");
                if place.is_script {
                    consider(&place.node.here, here_too);
                }
                // Only the last segment can be empty: a final slash, which some servers ignore.
                if segment.text().is_empty() {
                    next.push(Place { other: here_too, ..place });
                }
                for Branch { text, node, .. } in place.node.literal.with_key(segment.key()) {
                    let (is_same, folded) = (**text == *segment.text(), fold(text));
                    if let Some(node) = self.node(*node).filter(|_| is_same || segment.resembles(&folded)) {
                        let other = (!is_same || place.is_moved) && !spells(trim_start(&folded));
                        next.push(Place { is_script: is_script(&folded), ..place.next(node, other) });
                    }
                }
                for Branch { key, text, node } in place.node.begins.beginnings(segment.folded()) {
                    let other = (!segment.text().starts_with(&**text) || place.is_moved) && !spells(key);
                    next.extend(self.node(*node).map(|node| place.next(node, other)));
                }
                next.extend(place.node.any.and_then(|at| Some(place.next(self.node(at)?, false))));
            }
            next.iter().for_each(|place| consider(&place.node.below, place.other));
            // What follows is a path from the directory of the script, or from the root.
            if is_script(segment.folded()) && index.saturating_add(1) < path.len() {
                let other = !spells(segment.folded());
                let here = places.iter().filter(|place| !place.is_moved);
                let root = Place::root(self).filter(|_| index > 0);
                next.extend(here.copied().chain(root).map(|place| place.behind_script(other)));
            }
            places = next;
        }
        for place in places {
            consider(&place.node.here, place.other);
            // The pattern has a final slash, and the path has none.
            let empty = place.node.literal.with_key("").iter().filter(|branch| branch.text.is_empty());
            for node in empty.filter_map(|branch| self.node(branch.node)) {
                consider(&node.here, place.other || !best.spells(path.len(), 1));
            }
        }
        (first < best.rule).then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::tenant::access::{PathMatching, PathPattern};

    /// A path of scripts has one reading more for each of them, and not one for each choice of
    /// them.
    #[test]
    fn a_path_of_scripts_costs_no_more_than_its_length() {
        let mut table = PathTable::default();
        table.insert(&PathPattern::parse("/*/*/*/*/*/*").unwrap(), 0, PathMatching::Strict);
        let path = vec![Spelling::new("a.php", PathMatching::Strict); 60];
        let looks = Cell::new(0);
        let fits = |_| {
            looks.update(|looks: usize| looks.saturating_add(1));
            false
        };
        assert_eq!(table.resembling(&path, &Match::none_before(1), &fits), None);
        assert!((50..=60).contains(&looks.get()), "{looks:?}");
    }
}
