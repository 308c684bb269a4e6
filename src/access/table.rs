//! The rules by path: a tree with a level for each segment, so that many rules cost a request no more than few.

use std::collections::BTreeMap;

use super::path::PlainPath;
use super::pattern::{PathPattern, Segment};

/// Which rules are about a path: those about the paths that begin here. A rule is known by its number; the first is the one that counts.
#[derive(Debug, Default)]
pub(super) struct PathTable {
    literal: BTreeMap<Box<str>, Self>,
    any: Option<Box<Self>>,
    /// Rules about this very path, in order.
    here: Vec<usize>,
    /// Rules about this path and everything below it, in order.
    below: Vec<usize>,
}

impl PathTable {
    /// Adds a rule. Rules come in their order.
    pub(super) fn insert(&mut self, pattern: &PathPattern, rule: usize) {
        let node = pattern.segments().iter().fold(self, |node: &mut Self, segment| match segment {
            Segment::Literal(text) => node.literal.entry(text.as_str().into()).or_default(),
            Segment::Any => node.any.get_or_insert_default(),
        });
        if pattern.is_below() { &mut node.below } else { &mut node.here }.push(rule);
    }

    /// The first rule that is about `path`, comes before `limit` and fits otherwise, too.
    pub(super) fn first(&self, path: &PlainPath<'_>, limit: usize, fits: impl Fn(usize) -> bool) -> usize {
        let mut best = limit;
        let mut consider = |rules: &[usize]| {
            let found = rules.iter().copied().take_while(|&rule| rule < best).find(|&rule| fits(rule));
            best = found.unwrap_or(best);
        };
        let mut nodes = vec![self];
        consider(&self.below);
        for segment in path.segments() {
            nodes = nodes.iter().flat_map(|node| [node.literal.get(segment), node.any.as_deref()]).flatten().collect();
            nodes.iter().for_each(|node| consider(&node.below));
        }
        nodes.iter().for_each(|node| consider(&node.here));
        best
    }
}
