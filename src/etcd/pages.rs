//! The keys that begin with a prefix, page by page.
//!
//! For each answer etcd walks over the whole range to count its keys, also over those that it does
//! not send: with 100,000 keys that takes 20 ms. So a wide range is not read to its end, but up to
//! the end of the keys that begin as those of the last page do.
//!
//! Whoever can write to etcd can put values of any size into the range. A page that is too long for
//! an answer is asked for again with fewer keys, and a single value that is too long is left out.

use super::answer::Answer;
use super::operation::{Operation, Range};

/// The rest of the keys that begin with a prefix.
pub(crate) struct Pages {
    /// The next key.
    from: Vec<u8>,
    /// How many of its first bytes all keys of the present range have.
    depth: usize,
    /// How many of these bytes the range after the present one leaves open.
    step: usize,
    /// The length of the prefix that all keys have.
    prefix: usize,
    limit: u32,
    keys_only: bool,
    kind: Kind,
}

/// What is read of each key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The key alone.
    Keys,
    /// The key and its value.
    Pairs,
}

impl Pages {
    /// The keys that begin with `prefix`, which ends with an ASCII character, and their values.
    pub(crate) fn below(prefix: &str) -> Self {
        Self::new(prefix, prefix, Kind::Pairs)
    }

    /// The same without the keys before `from`, which begins with `prefix`.
    pub(crate) fn below_from(prefix: &str, from: &str) -> Self {
        Self::new(prefix, from, Kind::Pairs)
    }

    /// The keys that begin with `prefix`, which ends with an ASCII character, without their values.
    pub(crate) fn keys_below(prefix: &str) -> Self {
        Self::new(prefix, prefix, Kind::Keys)
    }

    fn new(prefix: &str, from: &str, kind: Kind) -> Self {
        let (from, prefix) = (from.as_bytes().to_vec(), prefix.len());
        Self { from, depth: prefix, step: 1, prefix, limit: kind.page(), keys_only: kind == Kind::Keys, kind }
    }

    /// The operation for the next page.
    pub(crate) fn operation(&self) -> Operation {
        let (from, to, keys_only) = (self.from.clone(), self.end(), self.keys_only);
        Operation::Range(Range { from, to, limit: self.limit, keys_only, is_reversed: false })
    }

    /// Goes on after the page of this answer. Returns whether there is another one.
    pub(crate) fn turn(&mut self, answer: &Answer) -> bool {
        // If pages were too long, the next ones may be, too.
        self.limit = self.limit.saturating_mul(2).min(self.kind.page());
        self.keys_only = self.kind == Kind::Keys;
        if let Some(last) = answer.last_key.as_ref().filter(|_| answer.more) {
            if answer.count > WIDE {
                let alike = self.from.iter().zip(last).take_while(|(a, b)| a == b).count();
                self.depth = alike.max(self.depth.saturating_add(1));
            }
            self.step = 1;
            self.from = [last.as_slice(), b"\0"].concat();
            return true;
        }
        // What ends the keys with the prefix has its length.
        let end = self.end();
        if end.len() <= self.prefix {
            return false;
        }
        // After ranges without further pages, wider ones.
        self.depth = end.len().saturating_sub(self.step).max(self.prefix);
        self.step = self.step.saturating_mul(2);
        self.from = end;
        true
    }

    /// Asks for less. Returns whether that is possible.
    pub(crate) fn shorten(&mut self) -> bool {
        if self.limit > 1 {
            self.limit = (self.limit / 10).max(1);
            return true;
        }
        !std::mem::replace(&mut self.keys_only, true)
    }

    /// The first key after all that begin as the next one does.
    fn end(&self) -> Vec<u8> {
        let mut end: Vec<u8> = self.from.iter().take(self.depth).copied().collect();
        // The prefix has other bytes.
        while end.len() > self.prefix && end.last() == Some(&u8::MAX) {
            end.pop();
        }
        if let Some(last) = end.last_mut() {
            *last = last.saturating_add(1);
        }
        end
    }
}

impl Kind {
    /// The most keys of an answer, which may have 64 KiB. There a sign-out takes about 500 bytes,
    /// and a key alone about 200, or 500 if it has the longest host.
    fn page(self) -> u32 {
        match self {
            Self::Keys => 250,
            Self::Pairs => 100,
        }
    }
}

/// A range with more keys is not read to its end.
const WIDE: u64 = 2_500;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The keys that are found, how many calls are made, and how many keys etcd counts.
    fn walk(keys: &BTreeSet<Vec<u8>>) -> (Vec<Vec<u8>>, usize, u64) {
        let mut pages = Pages::keys_below("/t/hosts/");
        let (mut found, mut counts) = (Vec::new(), Vec::new());
        loop {
            let Range { from, to, limit, keys_only: true, .. } = range(&pages) else { panic!("values") };
            assert!(from < to, "{from:?} {to:?}");
            let (limit, range) = (usize::try_from(limit).unwrap(), keys.range(from..to));
            let count = range.clone().count();
            let page: Vec<Vec<u8>> = range.take(limit).cloned().collect();
            let more = count > page.len();
            let answer = Answer {
                last_key: page.last().cloned(),
                more,
                count: u64::try_from(count).unwrap(),
                ..Answer::default()
            };
            counts.push(answer.count);
            found.extend(page);
            if !pages.turn(&answer) {
                return (found, counts.len(), counts.iter().sum());
            }
        }
    }

    fn range(pages: &Pages) -> Range {
        match pages.operation() {
            Operation::Range(range) => range,
            Operation::Read(_) | Operation::Write(_) => panic!("no range"),
        }
    }

    fn keys(names: impl Iterator<Item = String>) -> BTreeSet<Vec<u8>> {
        names.map(|name| format!("/t/hosts/{name}").into_bytes()).collect()
    }

    #[test]
    fn every_key_is_found_once_and_few_are_counted() {
        let numbered = |count: u32| keys((0..count).map(|number| format!("example.t{number}")));
        // As the sign-outs of a tenant, two in a second.
        let times = keys((0..100_000_u64).map(|number| format!("{:016x}-{number:05}", (u64::MAX - number) / 2)));
        let mut mixed = numbered(5_000);
        mixed.extend(keys((0..5_000).map(|number| format!("org.t{number}.www"))));
        // What is no host.
        for junk in [&b""[..], b"\xff", b"\xff\xff", b"a\xff", b"example.t1\xff\xff", b"\x00"] {
            mixed.insert([b"/t/hosts/", junk].concat());
        }
        // Before and after the prefix.
        let others = ["/t/gosts/a", "/t/hosts", "/t/hosts.", "/t/hosts0", "/t/hostt/a"];
        mixed.extend((0..5_000_u16).map(|number| [&b"/t/hosts/\xff\xff"[..], &number.to_be_bytes()].concat()));
        let deep = keys((0..3_000).map(|number| "a".repeat(number)));
        for (keys, most_calls, most_counted) in [
            (BTreeSet::new(), 1, 0),
            (numbered(250), 1, 250),
            (numbered(251), 2, 300),
            (numbered(100_000), 450, 1_400_000),
            (times, 560, 1_800_000),
            (mixed, 80, 130_000),
            (deep, 20, 20_000),
        ] {
            let all = keys.iter().cloned().chain(others.map(|key| key.as_bytes().to_vec()));
            let (found, calls, counted) = walk(&all.collect());
            assert!(found.iter().eq(&keys));
            assert!(calls <= most_calls && counted <= most_counted, "{calls} {counted}");
        }
    }

    #[test]
    fn a_range_can_begin_within_its_prefix() {
        let pages = Pages::below_from("/t/recent/", "/t/recent/05");
        let Range { from, to, limit, keys_only, .. } = range(&pages);
        assert_eq!((from.as_slice(), to.as_slice()), (&b"/t/recent/05"[..], &b"/t/recent0"[..]));
        assert_eq!((limit, keys_only), (100, false));
    }

    #[test]
    fn a_page_that_is_too_long_is_asked_for_with_fewer_keys_and_then_without_values() {
        for (mut pages, sizes) in [
            (Pages::below("/t/"), [(100, false), (10, false), (1, false), (1, true)]),
            (Pages::keys_below("/t/"), [(250, true), (25, true), (2, true), (1, true)]),
        ] {
            let asked = |pages: &Pages| (range(pages).limit, range(pages).keys_only);
            let mut seen = Vec::new();
            loop {
                seen.push(asked(&pages));
                if !pages.shorten() {
                    break;
                }
            }
            assert_eq!(seen, sizes);
            let answer = Answer { last_key: Some(b"/t/a\xff".to_vec()), more: true, ..Answer::default() };
            assert!(pages.turn(&answer));
            let (_, keys_only) = sizes[0];
            assert_eq!((asked(&pages), range(&pages).from), ((2, keys_only), b"/t/a\xff\0".to_vec()));
            (0..9).for_each(|_| assert!(pages.turn(&answer)));
            assert_eq!(asked(&pages), sizes[0]);
            assert!(!pages.turn(&Answer { more: false, ..answer }));
        }
    }
}
