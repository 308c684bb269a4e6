//! The operations, as requests to the JSON gateway.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::client::Etcd;
use crate::base::encoding::base64;
use crate::base::json;
use crate::base::time::UnixTime;
use crate::http::call::HttpCall;

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Read keys.
    Range(Range),
    /// Read all of these at one moment. The answer has them one after the other.
    Read(Vec<Range>),
    /// Write keys, all of them or none.
    Write(Write),
}

/// The keys from `from` on and before `to`, in their order, at most `limit` of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    /// The first key.
    pub(crate) from: Vec<u8>,
    /// The key after the last one.
    pub(crate) to: Vec<u8>,
    /// The most keys of an answer.
    pub(crate) limit: u32,
    /// Whether the values are left out.
    pub(crate) keys_only: bool,
    /// Whether the last keys come first.
    pub(crate) is_reversed: bool,
}

impl Range {
    /// One key.
    pub(crate) fn of(key: &str) -> Self {
        let (from, to) = (key.as_bytes().to_vec(), [key.as_bytes(), b"\0"].concat());
        Self { from, to, limit: 1, keys_only: false, is_reversed: false }
    }

    /// All keys that begin with `prefix`, which ends with an ASCII character.
    pub(crate) fn below(prefix: &str) -> Self {
        let mut to = prefix.as_bytes().to_vec();
        if let Some(last) = to.last_mut() {
            *last = last.saturating_add(1);
        }
        Self { from: prefix.as_bytes().to_vec(), to, limit: 0, keys_only: false, is_reversed: false }
    }

    /// The last key that begins with `prefix`, without its value.
    pub(crate) fn last_below(prefix: &str) -> Self {
        Self { limit: 1, keys_only: true, is_reversed: true, ..Self::below(prefix) }
    }

    fn json(&self) -> Value {
        let Self { from, to, limit, keys_only, is_reversed } = self;
        let (from, to) = (encoded(from), encoded(to));
        let mut range = json!({ "key": from, "range_end": to, "limit": limit.to_string(), "keys_only": keys_only });
        if let Some(members) = range.as_object_mut().filter(|_| *is_reversed) {
            members.insert("sort_order".to_owned(), "DESCEND".into());
        }
        range
    }
}

/// Keys that are written together. If the key `absent` exists, nothing is written, and the answer
/// has that key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Write {
    /// A key that must not exist.
    pub(crate) absent: Option<String>,
    /// A key and the value that it must have.
    pub(crate) unchanged: Option<(String, String)>,
    /// The keys.
    pub(crate) puts: Vec<Put>,
    /// Keys that are deleted.
    pub(crate) deletes: Vec<String>,
}

/// A key, its value and its lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Put {
    /// The key.
    pub(crate) key: String,
    /// The value.
    pub(crate) value: String,
    /// When etcd deletes the key. `None`: it stays.
    pub(crate) lease: Option<Lease>,
}

/// A lease: etcd deletes its keys when it ends. All keys that one VM writes within an hour and that
/// live about as long have one lease, so most writes need no call for one. The id has a random
/// part, because any user of etcd may make leases, and could make one with a known id end early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    id: u64,
    seconds: u64,
}

impl Lease {
    /// The lease of the VM with this random number for a key that is of use for `time` from `now`
    /// on. It ends after that time, and at most two hours later.
    pub(crate) fn lasting(time: Duration, salt: u64, now: UnixTime) -> Self {
        let (bucket, hours) = (now.0 / HOUR, (time.as_secs() / HOUR).saturating_add(2));
        let hash = Sha256::digest(format!("{salt} {bucket} {hours}"));
        Self { id: id(&hash), seconds: hours.saturating_mul(HOUR) }
    }

    /// The same for a key that is of use for a short time. It ends 20 to 30 seconds later.
    pub(crate) fn short(time: Duration, salt: u64, now: UnixTime) -> Self {
        let seconds = time.as_secs().saturating_add(SHORT);
        let hash = Sha256::digest(format!("{salt} {} {seconds} short", now.0 / SHORT_BUCKET));
        Self { id: id(&hash), seconds }
    }

    /// The call that makes the lease.
    pub(super) fn grant(self, etcd: &Etcd) -> HttpCall {
        let body = json!({ "ID": self.id.to_string(), "TTL": self.seconds.to_string() });
        etcd.post("/v3/lease/grant", json::write(&body))
    }
}

impl Operation {
    /// The call of the operation.
    pub(super) fn call(&self, etcd: &Etcd) -> HttpCall {
        match self {
            Self::Range(range) => etcd.post("/v3/kv/range", json::write(&range.json())),
            Self::Read(ranges) => {
                let ranges: Vec<Value> = ranges.iter().map(|range| json!({ "request_range": range.json() })).collect();
                etcd.post("/v3/kv/txn", json::write(&json!({ "success": ranges })))
            }
            Self::Write(Write { absent, unchanged, puts, deletes }) => {
                let delete = |key: &String| json!({ "request_delete_range": { "key": encoded(key) } });
                let success: Vec<Value> = puts.iter().map(Put::json).chain(deletes.iter().map(delete)).collect();
                let mut body = json!({ "success": success });
                if let (Some(key), Some(members)) = (absent, body.as_object_mut()) {
                    let compare =
                        json!([{ "key": encoded(key), "target": "CREATE", "result": "EQUAL", "create_revision": "0" }]);
                    members.insert("compare".to_owned(), compare);
                    members.insert("failure".to_owned(), json!([{ "request_range": { "key": encoded(key) } }]));
                }
                if let (Some((key, value)), Some(members)) = (unchanged, body.as_object_mut()) {
                    let compare =
                        json!([{ "key": encoded(key), "target": "VALUE", "result": "EQUAL", "value": encoded(value) }]);
                    members.insert("compare".to_owned(), compare);
                }
                etcd.post("/v3/kv/txn", json::write(&body))
            }
        }
    }

    /// The leases of the keys that are written.
    pub(super) fn leases(&self) -> Vec<Lease> {
        let Self::Write(Write { puts, .. }) = self else { return Vec::new() };
        let mut leases: Vec<Lease> = Vec::new();
        for lease in puts.iter().filter_map(|put| put.lease) {
            if !leases.contains(&lease) {
                leases.push(lease);
            }
        }
        leases
    }
}

impl Put {
    fn json(&self) -> Value {
        let Self { key, value, lease } = self;
        let put = json!({ "key": encoded(key), "value": encoded(value), "lease": lease.map_or(0, |lease| lease.id).to_string() });
        json!({ "request_put": put })
    }
}

/// The id of a lease: etcd takes positive numbers of 63 bits.
fn id(hash: &[u8]) -> u64 {
    (u64::from_be_bytes(hash.first_chunk().copied().unwrap_or_default()) >> 1).max(1)
}

fn encoded(text: impl AsRef<[u8]>) -> String {
    base64(text.as_ref())
}

const HOUR: u64 = 3600;
/// How much longer a short lease lives at most, in seconds, and the time in which keys have the
/// same one.
const SHORT: u64 = 30;
const SHORT_BUCKET: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_an_hour_and_a_lifetime_have_one_lease() {
        let lease = |hours: u64, salt, now| Lease::lasting(Duration::from_secs(hours * HOUR), salt, UnixTime(now));
        assert_eq!(lease(8, 1, 7200), lease(8, 1, 10_799));
        assert_eq!(lease(8, 1, 7200).seconds, 10 * HOUR);
        for other in [lease(9, 1, 7200), lease(8, 2, 7200), lease(8, 1, 10_800)] {
            assert_ne!(other.id, lease(8, 1, 7200).id);
        }
        assert!(lease(8, 1, 7200).id <= i64::MAX.unsigned_abs());
    }
}
