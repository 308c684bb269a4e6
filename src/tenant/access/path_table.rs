//! The rules by path, in a tree with one level for each segment, so that the cost of a request does
//! not grow with the number of rules about other paths.

use super::letter_case::fold;
use super::path_pattern::{PathPattern, Segment};
use super::spelling::{PathMatching, Spelling, key, trim_start};

/// The nodes of the tree, the root first. A rule is identified by its number, and the lowest number
/// takes precedence.
///
/// A node names the next ones by their positions and does not own them, so that nothing which is
/// done with a tree goes as deep as a configured path is long.
#[derive(Debug, Default)]
pub(super) struct PathTable(Vec<Node>);

/// The rules about the paths that begin with the segments of this node.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// The node before, which has a lower position.
    before: usize,
    /// How many bytes of its segment, in one case, the patterns of this node spell out: of `a*`
    /// one, of `*` none, and of a literal all that a request can have.
    spelled: usize,
    /// The next nodes for literal segments.
    pub(super) literal: Branches,
    /// The next nodes for segments that begin with a text.
    pub(super) begins: Branches,
    /// The next node for the segment `*`.
    pub(super) any: Option<usize>,
    /// The rules about exactly this path, in order.
    pub(super) here: Vec<usize>,
    /// The rules about this path and all paths below it, in order.
    pub(super) below: Vec<usize>,
}

/// The positions of nodes with the texts that lead to them, sorted by key and text.
#[derive(Debug, Default)]
pub(super) struct Branches {
    branches: Vec<Branch>,
    longest_key: usize,
}

#[derive(Debug)]
pub(super) struct Branch {
    /// What all spellings of the text have in common.
    pub(super) key: Box<str>,
    pub(super) text: Box<str>,
    pub(super) node: usize,
}

/// A rule that matches a path.
#[derive(Clone)]
pub(super) struct Match {
    pub(super) rule: usize,
    /// How many bytes of each segment the patterns of the rule spell out, and whether they spell
    /// out that the path ends.
    spelled: Vec<usize>,
}

impl Match {
    /// No rule before `rule`.
    pub(super) fn none_before(rule: usize) -> Self {
        Self { rule, spelled: Vec::new() }
    }

    /// Whether the rule spells out `bytes` of the segment with this number.
    pub(super) fn spells(&self, index: usize, bytes: usize) -> bool {
        self.spelled.get(index).is_some_and(|spelled| *spelled >= bytes)
    }

    /// Adds what another pattern of the rule spells out.
    fn add(&mut self, spelled: Vec<usize>) {
        let known = self.spelled.len();
        self.spelled.iter_mut().zip(&spelled).for_each(|(own, more)| *own = (*own).max(*more));
        self.spelled.extend(spelled.into_iter().skip(known));
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
            let (next, spelled) = node.next_or(new, segment, matching);
            if next == new {
                self.0.push(Node { before: at, spelled, ..Node::default() });
            }
            at = next;
        }
        let Some(node) = self.0.get_mut(at) else { return };
        let rules = if pattern.is_below() { &mut node.below } else { &mut node.here };
        rules.push(rule);
    }

    /// The node at this position. The root is at the first one.
    pub(super) fn node(&self, at: usize) -> Option<&Node> {
        self.0.get(at)
    }

    /// The first rule that matches the path of these segments and for which `fits` is true, unless
    /// it comes after `best`.
    pub(super) fn first(&self, path: &[Spelling<'_>], mut best: Match, fits: &dyn Fn(usize) -> bool) -> Match {
        let mut consider = |at: usize, rules: &[usize], ends: bool| {
            let found = rules.iter().copied().take_while(|&rule| rule <= best.rule).find(|&rule| fits(rule));
            let Some(rule) = found else { return };
            if rule < best.rule {
                best = Match::none_before(rule);
            }
            best.add(self.spelled(at, ends));
        };
        let mut places = vec![0];
        for segment in path {
            if places.is_empty() {
                return best;
            }
            let mut next = Vec::new();
            for at in places {
                let Some(node) = self.node(at) else { continue };
                consider(at, &node.below, false);
                let begins = node.begins.beginnings(segment.folded());
                let begins = begins.filter(|branch| segment.text().starts_with(&*branch.text));
                next.extend(node.literal.named(segment).into_iter().chain(begins.map(|branch| branch.node)));
                next.extend(node.any);
            }
            places = next;
        }
        for at in places {
            let Some(node) = self.node(at) else { continue };
            consider(at, &node.below, false);
            consider(at, &node.here, true);
        }
        best
    }

    /// How many bytes of each segment are spelled out on the way to a node.
    fn spelled(&self, mut at: usize, ends: bool) -> Vec<usize> {
        let mut spelled: Vec<usize> = ends.then_some(usize::MAX).into_iter().collect();
        while let Some(node) = self.node(at).filter(|_| at != 0) {
            spelled.push(node.spelled);
            at = node.before;
        }
        spelled.reverse();
        spelled
    }
}

impl Node {
    /// The node for a segment of a pattern, which is `new` if there was none, and how much of the
    /// segment the pattern spells out.
    fn next_or(&mut self, new: usize, segment: &Segment, matching: PathMatching) -> (usize, usize) {
        let (branches, text, is_whole) = match segment {
            Segment::Any => return (*self.any.get_or_insert(new), 0),
            Segment::Literal(text) => (&mut self.literal, text, true),
            Segment::Begins(text) => (&mut self.begins, text, false),
        };
        let folded = fold(text);
        let key = if is_whole { key(&folded) } else { trim_start(&folded) };
        let spelled = if is_whole { usize::MAX } else { key.len() };
        let text = if matching == PathMatching::IgnoreCase { &folded } else { text.as_str() };
        (branches.get_or_insert(key, text, new), spelled)
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
    pub(super) fn with_key(&self, key: &str) -> &[Branch] {
        let start = self.branches.partition_point(|branch| *branch.key < *key);
        let rest = self.branches.get(start..).unwrap_or_default();
        rest.get(..rest.partition_point(|branch| *branch.key == *key)).unwrap_or_default()
    }

    /// Those whose key is a beginning of `folded`.
    pub(super) fn beginnings(&self, folded: &str) -> impl Iterator<Item = &Branch> {
        let ends = 0..=self.longest_key.min(folded.len());
        ends.filter_map(|end| folded.get(..end)).flat_map(|key| self.with_key(key))
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
        table.resembling(&path, &found, &fits);
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
