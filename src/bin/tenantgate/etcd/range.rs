//! Keys that are read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// The keys to read: one, or those before `end`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Range {
    pub(crate) key: Vec<u8>,
    pub(crate) end: Option<Vec<u8>>,
    /// The most keys of an answer. 0 is no limit.
    pub(crate) limit: usize,
    /// The revision of the store that is read. 0 is the current one.
    pub(crate) revision: u64,
    /// Whether the last keys come first.
    pub(crate) is_descending: bool,
}

/// A key that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    /// The revision of its last write.
    pub(crate) modified: u64,
}

/// The answer to a range.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The keys, without those that are not text.
    pub(crate) pairs: Vec<Pair>,
    /// The last key, which may be one of those.
    pub(crate) last: Option<Vec<u8>>,
    /// Whether the range has more keys than these.
    pub(crate) has_more: bool,
}

impl Range {
    /// One key.
    pub(crate) fn one(key: &str) -> Self {
        Self { key: key.into(), ..Self::default() }
    }

    /// The keys that begin with `prefix`.
    pub(crate) fn below(prefix: &str) -> Self {
        Self { key: prefix.into(), end: Some(after(prefix)), ..Self::default() }
    }

    pub(super) fn json(&self) -> Value {
        let mut range = json!({ "key": STANDARD.encode(&self.key) });
        let mut member =
            |name: &str, value: Value| drop(range.as_object_mut().map(|range| range.insert(name.to_owned(), value)));
        if let Some(end) = &self.end {
            member("range_end", STANDARD.encode(end).into());
        }
        if self.limit > 0 {
            member("limit", self.limit.to_string().into());
        }
        if self.revision > 0 {
            member("revision", self.revision.to_string().into());
        }
        if self.is_descending {
            member("sort_order", "DESCEND".into());
            member("sort_target", "KEY".into());
        }
        range
    }
}

impl Found {
    /// Reads an answer. etcd leaves out what is zero, false or empty, and writes numbers of 64 bits
    /// as text.
    pub(super) fn read(range: &Value) -> Option<Self> {
        let kvs = range.get("kvs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut found =
            Self { has_more: range.get("more").and_then(Value::as_bool).unwrap_or(false), ..Self::default() };
        for pair in kvs.iter().map(Value::as_object) {
            let (key, value) = (bytes(pair?, "key")?, bytes(pair?, "value")?);
            found.last = Some(key.clone());
            if let Ok(key) = String::from_utf8(key) {
                found.pairs.push(Pair { key, value, modified: number(pair?, "mod_revision") });
            }
        }
        Some(found)
    }
}

/// The first key after those that begin with `prefix`, which ends with an ASCII character.
pub(crate) fn after(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    end
}

pub(super) fn number(members: &Map<String, Value>, name: &str) -> u64 {
    members.get(name).and_then(|value| value.as_str()?.parse().ok()).unwrap_or_default()
}

fn bytes(pair: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    pair.get(name).map_or_else(|| Some(Vec::new()), |text| STANDARD.decode(text.as_str()?).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_as_etcd_sends_them() {
        let found = Found::read(&json!({
            "kvs": [
                { "key": "L2EvdG9r", "mod_revision": "7", "value": "aGk=" },
                { "key": "/w==", "mod_revision": "8" },
            ],
            "more": true,
        }));
        let found = found.unwrap();
        assert_eq!(found.pairs, [Pair { key: "/a/tok".to_owned(), value: b"hi".to_vec(), modified: 7 }]);
        assert_eq!((found.last, found.has_more), (Some(vec![0xff]), true));
        assert!(Found::read(&json!({ "kvs": [{ "key": "?" }] })).is_none());
        assert!(Found::read(&json!({})).unwrap().pairs.is_empty());
    }

    #[test]
    fn a_range_ends_after_its_prefix() {
        let range = Range { limit: 2, is_descending: true, ..Range::below("/t/") };
        let expected = json!({
            "key": "L3Qv", "range_end": "L3Qw", "limit": "2", "sort_order": "DESCEND", "sort_target": "KEY",
        });
        assert_eq!(range.json(), expected);
    }
}
