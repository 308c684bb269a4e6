//! The rules by path, in a tree with one level for each segment, so that the cost of a request does
//! not grow with the number of rules about other paths.

use super::name_map::NameMap;
use super::path_pattern::{PathPattern, Segment};

/// One node of the tree: the rules about the paths that begin with its segments. A rule is
/// identified by its number, and the lowest number takes precedence.
#[derive(Debug, Default)]
pub(super) struct PathTable {
    /// The next level for literal segments.
    literal: NameMap<Self>,
    /// The next level for the segment `*`.
    any: Option<Box<Self>>,
    /// The rules about exactly this path, in order.
    here: Vec<usize>,
    /// The rules about this path and all paths below it, in order.
    below: Vec<usize>,
}

impl PathTable {
    /// Adds a rule. Rules have to be added in their order.
    pub(super) fn insert(&mut self, pattern: &PathPattern, rule: usize) {
        self.insert_below(pattern.segments(), pattern.is_below(), rule);
    }

    fn insert_below(&mut self, segments: &[Segment], is_below: bool, rule: usize) {
        match segments {
            [] if is_below => self.below.push(rule),
            [] => self.here.push(rule),
            [Segment::Literal(text), rest @ ..] => {
                self.literal.change(text, |node| node.insert_below(rest, is_below, rule));
            }
            [Segment::Any, rest @ ..] => self.any.get_or_insert_default().insert_below(rest, is_below, rule),
        }
    }

    /// The first rule before `limit` that matches the path of these segments and for which `fits`
    /// is true. `limit` if there is none.
    pub(super) fn first<'p>(
        &self,
        segments: impl Iterator<Item = &'p str>,
        limit: usize,
        fits: impl Fn(usize) -> bool,
    ) -> usize {
        let mut best = limit;
        let mut consider = |rules: &[usize]| {
            let found = rules.iter().copied().take_while(|&rule| rule < best).find(|&rule| fits(rule));
            best = found.unwrap_or(best);
        };
        let mut nodes = vec![self];
        consider(&self.below);
        for segment in segments {
            nodes = nodes.iter().flat_map(|node| [node.literal.get(segment), node.any.as_deref()]).flatten().collect();
            nodes.iter().for_each(|node| consider(&node.below));
        }
        nodes.iter().for_each(|node| consider(&node.here));
        best
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn table(patterns: &[String]) -> PathTable {
        let mut table = PathTable::default();
        for (number, pattern) in patterns.iter().enumerate() {
            table.insert(&PathPattern::parse(pattern).unwrap(), number);
        }
        table
    }

    /// The first rule about `path`, and the number of rules that were examined.
    fn first(table: &PathTable, path: &str) -> (usize, usize) {
        let looks = Cell::new(0);
        let found = table.first(path.split('/').skip(1), usize::MAX, |_| {
            looks.update(|looks: usize| looks.saturating_add(1));
            true
        });
        (found, looks.get())
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
