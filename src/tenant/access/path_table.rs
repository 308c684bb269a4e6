//! The rules by path, in a tree with one level for each segment, so that the cost of a request does
//! not grow with the number of rules about other paths.

use super::letter_case::fold;
use super::path_pattern::{PathPattern, Segment};
use super::spelling::{PathMatching, Spelling, is_script, key};

/// The nodes of the tree, the root first. A rule is identified by its number, and the lowest number
/// takes precedence.
///
/// A node names the next ones by their positions and does not own them, so that nothing which is
/// done with a tree goes as deep as a configured path is long.
#[derive(Debug, Default)]
pub(super) struct PathTable(Vec<Node>);

/// The rules about the paths that begin with the segments of this node.
#[derive(Debug, Default)]
struct Node {
    /// The next nodes for literal segments.
    literal: Branches,
    /// The next nodes for segments that begin with a text.
    begins: Branches,
    /// The next node for the segment `*`.
    any: Option<usize>,
    /// The rules about exactly this path, in order.
    here: Vec<usize>,
    /// The rules about this path and all paths below it, in order.
    below: Vec<usize>,
}

/// The positions of nodes with the texts that lead to them, sorted by key and text.
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
    node: usize,
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
    node: &'t Node,
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
        if self.0.is_empty() {
            self.0.push(Node::default());
        }
        let mut at = 0;
        for segment in pattern.segments() {
            let new = self.0.len();
            let Some(node) = self.0.get_mut(at) else { return };
            at = node.next_or(new, segment, matching);
            if at == new {
                self.0.push(Node::default());
            }
        }
        let Some(node) = self.0.get_mut(at) else { return };
        let rules = if pattern.is_below() { &mut node.below } else { &mut node.here };
        rules.push(rule);
    }

    fn root(&self) -> Vec<Place<'_>> {
        self.0.first().map(Place::root).into_iter().collect()
    }

    fn node(&self, at: usize) -> Option<&Node> {
        self.0.get(at)
    }

    /// The first rule before `limit` that matches the path of these segments and for which `fits`
    /// is true. `limit` if there is none.
    pub(super) fn first(&self, path: &[Spelling<'_>], limit: Match, fits: &dyn Fn(usize) -> bool) -> Match {
        let mut best = limit;
        let mut consider = |rules: &[usize], spelled| {
            let found = rules.iter().copied().take_while(|&rule| rule < best.rule).find(|&rule| fits(rule));
            best = found.map_or(best, |rule| Match { rule, spelled });
        };
        let mut places = self.root();
        places.iter().for_each(|place| consider(&place.node.below, place.positions));
        for (index, segment) in path.iter().enumerate() {
            if places.is_empty() {
                return best;
            }
            let mut next = Vec::new();
            for place in places {
                let Node { literal, begins, any, .. } = place.node;
                let spelled = place.positions.with(index);
                let begins = begins.beginnings(segment.folded());
                let begins = begins.filter(|branch| segment.text().starts_with(&*branch.text));
                let named = literal.named(segment).into_iter().chain(begins.map(|branch| branch.node));
                next.extend(named.filter_map(|at| Some(Place::at(self.node(at)?, spelled))));
                next.extend(any.and_then(|at| Some(Place::at(self.node(at)?, place.positions))));
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
        let mut places = self.root();
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
                for Branch { text, node, .. } in place.node.literal.with_key(segment.key()) {
                    let Some(node) = self.node(*node) else { continue };
                    if **text == *segment.text() {
                        next.push(Place::at(node, same).named(text));
                    } else if segment.resembles(&fold(text)) {
                        next.push(Place::at(node, other).named(text));
                    }
                }
                for Branch { text, node, .. } in place.node.begins.beginnings(segment.folded()) {
                    let positions = if segment.text().starts_with(&**text) { same } else { other };
                    next.extend(self.node(*node).map(|node| Place::at(node, positions)));
                }
                next.extend(place.node.any.and_then(|at| Some(Place::at(self.node(at)?, same))));
            }
            next.iter().for_each(|place| consider(&place.node.below, place.positions));
            if segment.is_script() {
                let positions = Positions::default().with(index);
                next.extend(self.root().into_iter().map(|root| Place { positions, ..root }));
            }
            places = next;
        }
        for place in places {
            consider(&place.node.here, place.positions);
            // The pattern has a final slash, and the path has none.
            let empty = place.node.literal.with_key("").iter().filter(|branch| branch.text.is_empty());
            for node in empty.filter_map(|branch| self.node(branch.node)) {
                consider(&node.here, place.positions.with(path.len()));
            }
        }
        (first < best.rule).then_some(first)
    }
}

impl Node {
    /// The node for a segment of a pattern, which is `new` if there was none.
    fn next_or(&mut self, new: usize, segment: &Segment, matching: PathMatching) -> usize {
        let (branches, text) = match segment {
            Segment::Any => return *self.any.get_or_insert(new),
            Segment::Literal(text) => (&mut self.literal, text),
            Segment::Begins(text) => (&mut self.begins, text),
        };
        let folded = fold(text);
        let key = if matches!(segment, Segment::Literal(_)) { key(&folded) } else { folded.trim_start() };
        let text = if matching == PathMatching::IgnoreCase { &folded } else { text.as_str() };
        branches.get_or_insert(key, text, new)
    }
}

impl Branches {
    /// The node for this text, which is `new` if there was none.
    fn get_or_insert(&mut self, key: &str, text: &str, new: usize) -> usize {
        match self.branches.binary_search_by(|branch| (&*branch.key, &*branch.text).cmp(&(key, text))) {
            Ok(at) => self.branches.get(at).map_or(new, |branch| branch.node),
            Err(at) => {
                self.branches.insert(at, Branch { key: key.into(), text: text.into(), node: new });
                self.longest_key = self.longest_key.max(key.len());
                new
            }
        }
    }

    /// The node for the text of `segment`.
    fn named(&self, segment: &Spelling<'_>) -> Option<usize> {
        let wanted = (segment.key(), segment.text());
        let at = self.branches.binary_search_by(|branch| (&*branch.key, &*branch.text).cmp(&wanted)).ok()?;
        self.branches.get(at).map(|branch| branch.node)
    }

    /// Those with this key.
    fn with_key(&self, key: &str) -> &[Branch] {
        let start = self.branches.partition_point(|branch| *branch.key < *key);
        let rest = self.branches.get(start..).unwrap_or_default();
        rest.get(..rest.partition_point(|branch| *branch.key == *key)).unwrap_or_default()
    }

    /// Those whose key is a beginning of `folded`.
    fn beginnings(&self, folded: &str) -> impl Iterator<Item = &Branch> {
        let ends = 0..=self.longest_key.min(folded.len());
        ends.filter_map(|end| folded.get(..end)).flat_map(|key| self.with_key(key))
    }
}

impl<'t> Place<'t> {
    fn root(node: &'t Node) -> Self {
        Self::at(node, Positions::default())
    }

    fn at(node: &'t Node, positions: Positions) -> Self {
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
