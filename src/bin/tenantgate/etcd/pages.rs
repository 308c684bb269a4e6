//! All keys below a prefix, in pages, so that their number takes no memory.

use super::gateway::{Failure, Gateway};
use super::range::{Pair, Range};

/// The pages of a range, all at one revision of the store.
pub(crate) struct Pages {
    /// The next range. `None` at the end.
    next: Option<Range>,
    revision: u64,
}

impl Pages {
    /// The keys that begin with `prefix`, at this revision. 0 is the current one.
    pub(crate) fn new(prefix: &str, revision: u64) -> Self {
        Self { next: Some(Range { limit: PAGE, revision, ..Range::below(prefix) }), revision }
    }

    /// The revision of the store that the pages are of, once one was read.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// The next page. `None` at the end.
    pub(crate) fn read(&mut self, gateway: &mut Gateway) -> Result<Option<Vec<Pair>>, Failure> {
        let Some(range) = &mut self.next else { return Ok(None) };
        let (found, revision) = loop {
            match gateway.range(range) {
                // Long values: fewer of them.
                Err(Failure::TooLong) if range.limit > 1 => range.limit /= 2,
                answer => break answer?,
            }
        };
        self.revision = revision;
        match found.last.filter(|_| found.has_more) {
            Some(last) => {
                range.key = [last.as_slice(), &[0]].concat();
                range.revision = revision;
            }
            None => self.next = None,
        }
        Ok(Some(found.pairs))
    }
}

const PAGE: usize = 500;
