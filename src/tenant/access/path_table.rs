//! The rules by path, in a tree with one level for each segment, so that the cost of a request does
//! not grow with the number of rules about other paths.

use super::path_pattern::{PathPattern, Segment};
use super::spelling::{PathMatching, Spelling, fold, is_script, key};

/// One node of the tree: the rules about the paths that begin with its segments. A rule is
/// identified by its number, and the lowest number takes precedence.
#[derive(Debug, Default)]
pub(super) struct PathTable {
    /// The next level for literal segments.
    literal: Branches,
    /// The next level for segments that begin with a text.
    begins: Branches,
    /// The next level for the segment `*`.
    any: Option<Box<Self>>,
    /// The rules about exactly this path, in order.
    here: Vec<usize>,
    /// The rules about this path and all paths below it, in order.
    below: Vec<usize>,
}

/// Nodes with the texts that lead to them, sorted by key and text.
#[derive(Debug, Default)]
struct Branches {
    branches: Vec<Branch>,
    longest_key: usize,
}

#[derive(Debug)]
struct Branch {
    /// What all spellings of the text have in common.
    key: Box<str>,
    text: Box<str>,
    node: PathTable,
}

/// A rule that matches a path.
#[derive(Clone, Copy)]
pub(super) struct Match {
    pub(super) rule: usize,
    /// The segments that the pattern of the rule spells out.
    spelled: Positions,
}

/// Positions of segments in a path. All from the 64th on count as one.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Positions(u64);

/// A node that a path leads to.
#[derive(Clone, Copy)]
struct Place<'t> {
    node: &'t PathTable,
    /// For a match: the segments that a pattern spells out. For a resemblance: the segments that a
    /// pattern spells in another way.
    positions: Positions,
    /// Whether the last segment is a script, which a server may run for all paths below it.
    is_script: bool,
}

impl Match {
    /// No rule before `rule`.
    pub(super) fn none_before(rule: usize) -> Self {
        Self { rule, spelled: Positions::default() }
    }
}

impl PathTable {
    /// Adds a rule. Rules have to be added in their order.
    pub(super) fn insert(&mut self, pattern: &PathPattern, rule: usize, matching: PathMatching) {
        self.insert_below(pattern.segments(), pattern.is_below(), rule, matching);
    }

    fn insert_below(&mut self, segments: &[Segment], is_below: bool, rule: usize, matching: PathMatching) {
        let (branches, text, rest) = match segments {
            [] if is_below => return self.below.push(rule),
            [] => return self.here.push(rule),
            [Segment::Any, rest @ ..] => {
                return self.any.get_or_insert_default().insert_below(rest, is_below, rule, matching);
            }
            [Segment::Literal(text), rest @ ..] => (&mut self.literal, text, rest),
            [Segment::Begins(text), rest @ ..] => (&mut self.begins, text, rest),
        };
        let folded = fold(text);
        let key = if matches!(segments, [Segment::Literal(_), ..]) { key(&folded) } else { folded.trim_start() };
        let text = if matching == PathMatching::IgnoreCase { &folded } else { text.as_str() };
        branches.change(key, text, |node| node.insert_below(rest, is_below, rule, matching));
    }

    /// The first rule before `limit` that matches the path of these segments and for which `fits`
    /// is true. `limit` if there is none.
    pub(super) fn first(&self, path: &[Spelling<'_>], limit: Match, fits: &dyn Fn(usize) -> bool) -> Match {
        let mut best = limit;
        let mut consider = |rules: &[usize], spelled| {
            let found = rules.iter().copied().take_while(|&rule| rule < best.rule).find(|&rule| fits(rule));
            best = found.map_or(best, |rule| Match { rule, spelled });
        };
        let mut places = vec![Place::root(self)];
        consider(&self.below, Positions::default());
        for (index, segment) in path.iter().enumerate() {
            let mut next = Vec::new();
            for place in places {
                let spelled = place.positions.with(index);
                next.extend(place.node.literal.named(segment).map(|node| place.to(node, spelled)));
                let begins = place.node.begins.beginnings(segment.folded());
                let begins = begins.filter(|branch| segment.text().starts_with(&*branch.text));
                next.extend(begins.map(|branch| place.to(&branch.node, spelled)));
                next.extend(place.node.any.as_deref().map(|node| place.to(node, place.positions)));
            }
            next.iter().for_each(|place| consider(&place.node.below, place.positions));
            places = next;
        }
        places.iter().for_each(|place| consider(&place.node.here, place.positions));
        best
    }

    /// The first rule before `best` that does not match the path of these segments, but may match
    /// it for a server that reads other spellings alike. A segment that the pattern of `best`
    /// spells out is not another spelling.
    pub(super) fn resembling(&self, path: &[Spelling<'_>], best: Match, fits: &dyn Fn(usize) -> bool) -> Option<usize> {
        let mut first = best.rule;
        let mut consider = |rules: &[usize], other: Positions| {
            if other.beyond(best.spelled) {
                let found = rules.iter().copied().take_while(|&rule| rule < first).find(|&rule| fits(rule));
                first = found.unwrap_or(first);
            }
        };
        let mut places = vec![Place::root(self)];
        for (index, segment) in path.iter().enumerate() {
            let mut next = Vec::new();
            for place in places {
                let (same, other) = (place.positions, place.positions.with(index));
                if place.is_script {
                    consider(&place.node.here, other);
                }
                // Only the last segment can be empty: a final slash, which some servers ignore.
                if segment.text().is_empty() {
                    next.push(Place { positions: other, ..place });
                }
                for branch in place.node.literal.with_key(segment.key()) {
                    if *branch.text == *segment.text() {
                        next.push(place.to(&branch.node, same).named(&branch.text));
                    } else if segment.resembles(&fold(&branch.text)) {
                        next.push(place.to(&branch.node, other).named(&branch.text));
                    }
                }
                for branch in place.node.begins.beginnings(segment.folded()) {
                    let positions = if segment.text().starts_with(&*branch.text) { same } else { other };
                    next.push(place.to(&branch.node, positions));
                }
                next.extend(place.node.any.as_deref().map(|node| place.to(node, same)));
            }
            next.iter().for_each(|place| consider(&place.node.below, place.positions));
            if is_script(segment.folded()) {
                next.push(Place { positions: Positions::default().with(index), ..Place::root(self) });
            }
            places = next;
        }
        for place in places {
            consider(&place.node.here, place.positions);
            // The pattern has a final slash, and the path has none.
            for branch in place.node.literal.with_key("").iter().filter(|branch| branch.text.is_empty()) {
                consider(&branch.node.here, place.positions.with(path.len()));
            }
        }
        (first < best.rule).then_some(first)
    }
}

impl Branches {
    /// Changes the node of this text. A new one is empty.
    fn change(&mut self, key: &str, text: &str, change: impl FnOnce(&mut PathTable)) {
        let at = match self.branches.binary_search_by(|branch| (&*branch.key, &*branch.text).cmp(&(key, text))) {
            Ok(at) => at,
            Err(at) => {
                self.branches.insert(at, Branch { key: key.into(), text: text.into(), node: PathTable::default() });
                at
            }
        };
        self.longest_key = self.longest_key.max(key.len());
        if let Some(branch) = self.branches.get_mut(at) {
            change(&mut branch.node);
        }
    }

    /// The node for the text of `segment`.
    fn named(&self, segment: &Spelling<'_>) -> Option<&PathTable> {
        let wanted = (segment.key(), segment.text());
        let at = self.branches.binary_search_by(|branch| (&*branch.key, &*branch.text).cmp(&wanted)).ok()?;
        self.branches.get(at).map(|branch| &branch.node)
    }

    /// The nodes with this key.
    fn with_key(&self, key: &str) -> &[Branch] {
        let start = self.branches.partition_point(|branch| *branch.key < *key);
        let rest = self.branches.get(start..).unwrap_or_default();
        rest.get(..rest.partition_point(|branch| *branch.key == *key)).unwrap_or_default()
    }

    /// The nodes whose key is a beginning of `folded`.
    fn beginnings(&self, folded: &str) -> impl Iterator<Item = &Branch> {
        let ends = 0..=self.longest_key.min(folded.len());
        ends.filter_map(|end| folded.get(..end)).flat_map(|key| self.with_key(key))
    }
}

impl<'t> Place<'t> {
    fn root(node: &'t PathTable) -> Self {
        Self { node, positions: Positions::default(), is_script: false }
    }

    fn to(self, node: &'t PathTable, positions: Positions) -> Self {
        Self { node, positions, is_script: false }
    }

    /// The place, whose last segment has this name.
    fn named(self, name: &str) -> Self {
        Self { is_script: is_script(&fold(name)), ..self }
    }
}

impl Positions {
    fn with(self, index: usize) -> Self {
        let bit = u32::try_from(index).ok().and_then(|index| 1_u64.checked_shl(index)).unwrap_or(1 << 63);
        Self(self.0 | bit)
    }

    /// Whether a position is not one of `others`.
    fn beyond(self, others: Self) -> bool {
        self.0 & !others.0 != 0
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn table(patterns: &[String]) -> PathTable {
        let mut table = PathTable::default();
        for (number, pattern) in patterns.iter().enumerate() {
            table.insert(&PathPattern::parse(pattern).unwrap(), number, PathMatching::Strict);
        }
        table
    }

    /// The first rule about `path`, and the number of rules that were examined.
    fn first(table: &PathTable, path: &str) -> (usize, usize) {
        let looks = Cell::new(0);
        let path: Vec<Spelling<'_>> =
            path.split('/').skip(1).map(|segment| Spelling::new(segment, PathMatching::Strict)).collect();
        let fits = |_| {
            looks.update(|looks: usize| looks.saturating_add(1));
            true
        };
        let found = table.first(&path, Match::none_before(usize::MAX), &fits);
        table.resembling(&path, found, &fits);
        (found.rule, looks.get())
    }

    #[test]
    fn the_first_rule_takes_precedence_over_a_more_specific_one() {
        let patterns = ["/a/b", "/*/b", "/a/*", "/*", "/c/*", "/c/d", "/"].map(str::to_owned);
        let table = table(&patterns);
        for (path, rule) in
            [("/a/b", 0), ("/x/b", 1), ("/a", 2), ("/a/", 2), ("/a/c/d", 2), ("/", 3), ("/c/d", 3), ("/x/b/", 3)]
        {
            assert_eq!(first(&table, path).0, rule, "{path}");
        }
    }

    /// The cost of a request does not depend on the number of rules about other paths.
    #[test]
    fn only_rules_about_the_path_are_examined() {
        let shapes: [fn(usize) -> String; 4] = [
            |n| format!("/svc{n}/*"),
            |n| format!("/api/v1/thing{n}"),
            |n| format!("/orgs/*/project{n}/*"),
            |n| format!("/*/tail{n}"),
        ];
        let patterns: Vec<String> = (0..4000).map(|n| shapes[n % 4](n / 4)).chain(["/*".to_owned()]).collect();
        let table = table(&patterns);
        for (path, rule) in [
            ("/svc7/x/y", 28),
            ("/api/v1/thing9", 37),
            ("/orgs/12/project3/x", 14),
            ("/x/tail999", 3999),
            ("/nothing/of/it", 4000),
        ] {
            let (found, looks) = first(&table, path);
            assert_eq!(found, rule, "{path}");
            assert!(looks <= 2, "{path}: {looks}");
        }
    }
}
