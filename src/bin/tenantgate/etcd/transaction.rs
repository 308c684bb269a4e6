//! Keys that are written together, or not at all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Writes, and what has to be true for them.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    /// Keys with the revision of their last write. It is 0 for a key that must not exist.
    pub(crate) unchanged: Vec<(String, u64)>,
    pub(crate) writes: Vec<Write>,
}

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    Put(String, Vec<u8>),
    Delete(String),
    /// The keys from the first on and before the second.
    DeleteRange(String, String),
}

impl Transaction {
    /// The most writes of a transaction, and the most comparisons, with the defaults of etcd.
    pub(crate) const LIMIT: usize = 128;

    pub(super) fn json(&self) -> Value {
        let compare = |(key, revision): &(String, u64)| json!({ "key": encoded(key), "target": "MOD", "result": "EQUAL", "mod_revision": revision.to_string() });
        let write = |write: &Write| match write {
            Write::Put(key, value) => {
                json!({ "request_put": { "key": encoded(key), "value": STANDARD.encode(value) } })
            }
            Write::Delete(key) => json!({ "request_delete_range": { "key": encoded(key) } }),
            Write::DeleteRange(from, to) => {
                json!({ "request_delete_range": { "key": encoded(from), "range_end": encoded(to) } })
            }
        };
        json!({
            "compare": self.unchanged.iter().map(compare).collect::<Vec<_>>(),
            "success": self.writes.iter().map(write).collect::<Vec<_>>(),
        })
    }
}

fn encoded(key: &str) -> String {
    STANDARD.encode(key)
}
