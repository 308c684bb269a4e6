//! Finds the value that a path such as `tenants[0].hosts[1]` names.

use std::ops::Range;

use super::node::Node;

/// One step of a path.
#[derive(Debug, PartialEq, Eq)]
enum Step<'p> {
    Member(std::borrow::Cow<'p, str>),
    Element(usize),
}

impl Node {
    /// The value at `path`, which a message of the configuration names.
    pub(crate) fn at(&self, path: &str) -> Option<&Self> {
        steps(path).iter().try_fold(self, |node, step| match step {
            Step::Member(name) => node.get(name),
            Step::Element(index) => node.elements().get(*index),
        })
    }

    /// The bytes to point at for `path`: the value if it takes one line, else the name of its
    /// member. If there is no such value, the nearest one around it counts.
    pub(crate) fn span_at(&self, path: &str, text: &str) -> Range<usize> {
        let mut span = self.pointed(text, None);
        let mut node = self;
        for step in steps(path) {
            let (next, key) = match &step {
                Step::Member(name) => match node.member(name) {
                    Some(member) => (&member.value, Some(member.key.span.clone())),
                    None => return span,
                },
                Step::Element(index) => match node.elements().get(*index) {
                    Some(element) => (element, None),
                    None => return span,
                },
            };
            span = next.pointed(text, key);
            node = next;
        }
        span
    }

    /// The bytes of the name of the member at `path`.
    pub(crate) fn key_span_at(&self, path: &str) -> Option<Range<usize>> {
        let mut steps = steps(path);
        let Some(Step::Member(name)) = steps.pop() else { return None };
        let parent = steps.iter().try_fold(self, |node, step| match step {
            Step::Member(name) => node.get(name),
            Step::Element(index) => node.elements().get(*index),
        })?;
        parent.member(&name).map(|member| member.key.span.clone())
    }

    fn pointed(&self, text: &str, key: Option<Range<usize>>) -> Range<usize> {
        let own = text.get(self.span.clone()).unwrap_or_default();
        let line = own.lines().next().unwrap_or_default().trim_end();
        let one_line = own.trim_end().len() <= line.len() && !line.is_empty();
        match key {
            Some(key) if !one_line => key,
            _ => self.span.start..self.span.start.saturating_add(line.len()),
        }
    }
}

/// Splits `a.b[1]["x y"]`.
fn steps(path: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        if let Some(quoted) = rest.strip_prefix('[').filter(|rest| rest.starts_with('"')) {
            let mut names = serde_json::Deserializer::from_str(quoted).into_iter::<String>();
            let Some(Ok(name)) = names.next() else { return steps };
            let read = names.byte_offset();
            steps.push(Step::Member(name.into()));
            rest = quoted.get(read..).and_then(|rest| rest.strip_prefix(']')).unwrap_or_default();
        } else if let Some((index, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            let Ok(index) = index.parse() else { return steps };
            steps.push(Step::Element(index));
            rest = after;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            if name.is_empty() {
                return steps;
            }
            steps.push(Step::Member(name.into()));
            rest = after;
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::documents;

    #[test]
    fn paths_lead_to_values() {
        let text =
            "tenants:\n  - name: acme\n    hosts: [a, b]\n    pages: {\"x y\": 1}\n    pem: |\n      one\n      two\n";
        let [Ok(node)] = &documents(text)[..] else { panic!() };
        let slice = |path: &str| text.get(node.span_at(path, text)).unwrap();
        assert_eq!(slice("tenants[0].hosts[1]"), "b");
        assert_eq!(slice("tenants[0].pages[\"x y\"]"), "1");
        assert_eq!(slice("tenants[0].pem"), "pem");
        assert_eq!(slice("tenants[0].provider.cluster"), "name: acme");
        assert_eq!(slice("tenants[3]"), "tenants");
        assert_eq!(node.at("tenants[0].name").and_then(Node::text), Some("acme"));
        assert_eq!(text.get(node.key_span_at("tenants[0].hosts").unwrap()), Some("hosts"));
    }
}
