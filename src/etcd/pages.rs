//! A range of keys that is read page by page.
//!
//! Whoever can write to etcd can put values of any size into the range. A page that is too long for
//! an answer is asked for again with fewer keys, and a single value that is too long is left out.

use super::answer::Answer;
use super::operation::{Operation, Range};

/// The rest of a range.
pub(crate) struct Pages {
    from: Vec<u8>,
    to: Vec<u8>,
    limit: u32,
    keys_only: bool,
}

impl Pages {
    /// The keys from `from` on and before `to`.
    pub(crate) fn new(from: &str, to: &str) -> Self {
        Self { from: from.as_bytes().to_vec(), to: to.as_bytes().to_vec(), limit: PAGE, keys_only: false }
    }

    /// The operation for the next page.
    pub(crate) fn operation(&self) -> Operation {
        let Self { from, to, limit, keys_only } = self;
        let (from, to) = (from.clone(), to.clone());
        Operation::Range(Range { from, to, limit: *limit, keys_only: *keys_only, is_reversed: false })
    }

    /// Goes on after the page of this answer. Returns whether there is another one.
    pub(crate) fn turn(&mut self, answer: &Answer) -> bool {
        let Some(last) = answer.last_key.as_ref().filter(|_| answer.more) else { return false };
        self.from = [last.as_slice(), b"\0"].concat();
        (self.limit, self.keys_only) = (PAGE, false);
        true
    }

    /// Asks for less. Returns whether that is possible.
    pub(crate) fn shorten(&mut self) -> bool {
        if self.limit > 1 {
            self.limit /= 10;
            return true;
        }
        !std::mem::replace(&mut self.keys_only, true)
    }
}

/// The most keys of an answer. A sign-out takes about 500 bytes there, and an answer may have 64
/// KiB.
const PAGE: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_too_long_is_left_out() {
        let mut pages = Pages::new("a", "b");
        let asked = |pages: &Pages| match pages.operation() {
            Operation::Range(Range { limit, keys_only, from, .. }) => (limit, keys_only, from),
            Operation::Read(_) | Operation::Write(_) => panic!("no range"),
        };
        let mut seen = Vec::new();
        loop {
            seen.push((asked(&pages).0, asked(&pages).1));
            if !pages.shorten() {
                break;
            }
        }
        assert_eq!(seen, [(100, false), (10, false), (1, false), (1, true)]);
        let answer = Answer { last_key: Some(b"a\xff".to_vec()), more: true, ..Answer::default() };
        assert!(pages.turn(&answer));
        assert_eq!(asked(&pages), (100, false, b"a\xff\0".to_vec()));
        assert!(!pages.turn(&Answer { more: false, ..answer }));
    }
}
