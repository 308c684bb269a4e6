//! All keys of a range, without their values, page by page.
//!
//! For each answer etcd walks over the whole range to count its keys, also over those that it does
//! not send: with 100,000 keys that takes 20 ms. So a wide range is not read to its end, but up to
//! the end of the keys that begin as the last one does, with one byte more than before.

use super::answer::Answer;
use super::operation::{Operation, Range};

/// The rest of the keys that begin with a prefix.
pub(crate) struct KeyWalk {
    /// The next key.
    from: Vec<u8>,
    /// How many of its first bytes all keys of the present range have.
    depth: usize,
    /// The length of the prefix that all keys have.
    prefix: usize,
    limit: u32,
}

impl KeyWalk {
    /// The keys that begin with `prefix`, which ends with an ASCII character.
    pub(crate) fn below(prefix: &str) -> Self {
        Self { from: prefix.as_bytes().to_vec(), depth: prefix.len(), prefix: prefix.len(), limit: PAGE }
    }

    /// The operation for the next page.
    pub(crate) fn operation(&self) -> Operation {
        let (from, to) = (self.from.clone(), self.end());
        Operation::Range(Range { from, to, limit: self.limit, keys_only: true, is_reversed: false })
    }

    /// Goes on after the page of this answer. Returns whether there is another one.
    pub(crate) fn turn(&mut self, answer: &Answer) -> bool {
        self.limit = PAGE;
        if let Some(last) = answer.last_key.as_ref().filter(|_| answer.more) {
            self.from = [last.as_slice(), b"\0"].concat();
            if answer.count > WIDE {
                self.depth = self.depth.saturating_add(1);
            }
            return true;
        }
        // What ends the keys with the prefix has its length.
        let end = self.end();
        if end.len() <= self.prefix {
            return false;
        }
        self.depth = end.len().saturating_sub(1);
        self.from = end;
        true
    }

    /// Asks for less. Returns whether that is possible.
    pub(crate) fn shorten(&mut self) -> bool {
        let can_shorten = self.limit > 1;
        self.limit = (self.limit / 10).max(1);
        can_shorten
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

/// The most keys of an answer. A key takes about 200 bytes there, one of a host 500 at most, and an
/// answer may have 64 KiB.
const PAGE: u32 = 250;
/// A range with more keys is not read to its end.
const WIDE: u64 = 2_500;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The keys that a walk finds, how many calls it makes, and how many keys etcd counts.
    fn walk(keys: &BTreeSet<Vec<u8>>) -> (Vec<Vec<u8>>, usize, u64) {
        let mut walk = KeyWalk::below("/t/hosts/");
        let (mut found, mut counts) = (Vec::new(), Vec::new());
        loop {
            let Operation::Range(Range { from, to, limit, keys_only: true, .. }) = walk.operation() else {
                panic!("no range of keys")
            };
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
            if !walk.turn(&answer) {
                return (found, counts.len(), counts.iter().sum());
            }
        }
    }

    fn keys(names: impl Iterator<Item = String>) -> BTreeSet<Vec<u8>> {
        names.map(|name| format!("/t/hosts/{name}").into_bytes()).collect()
    }

    #[test]
    fn every_key_is_found_once_and_few_are_counted() {
        let numbered = |count: u32| keys((0..count).map(|number| format!("example.t{number}")));
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
            (numbered(100_000), 450, 2_200_000),
            (mixed, 90, 160_000),
            (deep, 20, 20_000),
        ] {
            let all = keys.iter().cloned().chain(others.map(|key| key.as_bytes().to_vec()));
            let (found, calls, counted) = walk(&all.collect());
            assert!(found.iter().eq(&keys));
            assert!(calls <= most_calls && counted <= most_counted, "{calls} {counted}");
        }
    }

    #[test]
    fn a_page_that_is_too_long_is_asked_for_with_fewer_keys() {
        let mut walk = KeyWalk::below("/t/hosts/");
        let limit = |walk: &KeyWalk| walk.limit;
        assert!(walk.shorten() && limit(&walk) == 25 && walk.shorten() && limit(&walk) == 2);
        assert!(walk.turn(&Answer { last_key: Some(b"/t/hosts/a".to_vec()), more: true, ..Answer::default() }));
        assert_eq!(limit(&walk), 250);
        assert!((0..3).all(|_| walk.shorten()) && limit(&walk) == 1 && !walk.shorten());
    }
}
