//! The answers of the JSON gateway.

use serde_json::{Map, Value};

use crate::base::encoding::from_base64;
use crate::base::json;

/// The answer to an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The id of the etcd cluster. One that was set up again has another.
    pub(crate) cluster: u64,
    /// The revision of the store, which grows with each write.
    pub(crate) revision: u64,
    /// Whether the keys were written. For a range it has no meaning.
    pub(crate) succeeded: bool,
    /// The keys that were read, without those that are not text.
    pub(crate) pairs: Vec<Pair>,
    /// The last key that was read, which may be one of those.
    pub(crate) last_key: Option<Vec<u8>>,
    /// Whether the range has more keys than these.
    pub(crate) more: bool,
    /// How many keys the ranges have, with those.
    pub(crate) count: u64,
}

/// A key that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    /// The key.
    pub(crate) key: String,
    /// Its value.
    pub(crate) value: Vec<u8>,
    /// The revision of its last write.
    pub(crate) modified: u64,
}

impl Answer {
    /// Reads an answer. etcd leaves out what is zero, false or empty, and writes numbers of 64 bits
    /// as text.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let answer = json::parse_object(body).ok()?;
        let header = answer.get("header")?.as_object()?;
        // The keys of a write that was not made are in the answer to its one other operation, and
        // those of several reads in the answers to each of them.
        let responses = answer.get("responses").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let others = responses.iter().filter_map(|response| response.get("response_range")?.as_object());
        let ranges: Vec<&Map<String, Value>> = std::iter::once(&answer).chain(others).collect();
        let pairs = || ranges.iter().filter_map(|range| range.get("kvs")?.as_array()).flatten();
        // The first revision of a store is 1.
        let revision = Some(number(header, "revision")).filter(|revision| *revision > 0)?;
        let keys: Vec<Vec<u8>> = pairs().map(|pair| bytes(pair, "key")).collect::<Option<_>>()?;
        let more = ranges.iter().any(|range| range.get("more").and_then(Value::as_bool).unwrap_or(false));
        // Without a key there would be no way to go on.
        if more && keys.is_empty() {
            return None;
        }
        Some(Self {
            cluster: number(header, "cluster_id"),
            revision,
            succeeded: answer.get("succeeded").and_then(Value::as_bool).unwrap_or(false),
            last_key: keys.last().cloned(),
            pairs: keys.into_iter().zip(pairs()).filter_map(|(key, pair)| Pair::read(key, pair)).collect(),
            count: ranges.iter().fold(0, |count, range| number(range, "count").saturating_add(count)),
            more,
        })
    }
}

impl Pair {
    /// `None` if the key is not text, or the value not base64.
    fn read(key: Vec<u8>, pair: &Value) -> Option<Self> {
        let modified = pair.as_object().map(|members| number(members, "mod_revision")).unwrap_or_default();
        Some(Self { key: String::from_utf8(key).ok()?, value: bytes(pair, "value")?, modified })
    }
}

/// The bytes of a member. etcd leaves out what is empty.
fn bytes(pair: &Value, name: &str) -> Option<Vec<u8>> {
    let members = pair.as_object()?;
    members.get(name).map_or_else(|| Some(Vec::new()), |text| from_base64(text.as_str()?))
}

/// The token of the answer to a name and a password.
pub(super) fn token(body: &[u8]) -> Option<String> {
    json::parse_object(body).ok()?.get("token")?.as_str().map(str::to_owned)
}

/// The text of an error, and its code, which is that of gRPC.
pub(super) fn error(body: &[u8]) -> (String, u64) {
    // This one is plain text.
    if body.starts_with(COMMON_NAME.as_bytes()) {
        return (COMMON_NAME.to_owned(), 0);
    }
    let answer = json::parse_object(body).unwrap_or_default();
    let text = answer.get("message").or_else(|| answer.get("error")).and_then(Value::as_str).unwrap_or_default();
    (text.to_owned(), answer.get("code").and_then(Value::as_u64).unwrap_or_default())
}

fn number(members: &Map<String, Value>, name: &str) -> u64 {
    members.get(name).and_then(|value| value.as_str()?.parse().ok()).unwrap_or_default()
}

/// How the JSON gateway refuses a client with a certificate that names somebody, if etcd has users.
pub(super) const COMMON_NAME: &str = "CommonName of client sending a request against gateway will be ignored";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_as_etcd_sends_them() {
        let header = r#""header":{"cluster_id":"324952591200643719","member_id":"3","revision":"2","raft_term":"2"}"#;
        let pair =
            r#"{"key":"L2EvdG9r","create_revision":"2","mod_revision":"2","version":"1","value":"aGk=","lease":"9"}"#;
        let answer = Answer { cluster: 324_952_591_200_643_719, revision: 2, ..Answer::default() };
        let last_key = Some(b"/a/tok".to_vec());
        let pairs = vec![Pair { key: "/a/tok".to_owned(), value: b"hi".to_vec(), modified: 2 }];
        for (text, expected) in [
            (format!("{{{header}}}"), answer.clone()),
            (
                format!(
                    r#"{{{header},"succeeded":true,"responses":[{{"response_put":{{"header":{{"revision":"2"}}}}}}]}}"#
                ),
                Answer { succeeded: true, ..answer.clone() },
            ),
            (
                format!(
                    r#"{{{header},"responses":[{{"response_range":{{"header":{{}},"kvs":[{pair}],"count":"1"}}}}]}}"#
                ),
                Answer { pairs: pairs.clone(), last_key: last_key.clone(), count: 1, ..answer.clone() },
            ),
            (
                format!(r#"{{{header},"kvs":[{pair}],"more":true,"count":"7"}}"#),
                Answer { pairs, last_key, more: true, count: 7, ..answer.clone() },
            ),
            // The key is no text.
            (
                format!(r#"{{{header},"kvs":[{{"key":"/w==","mod_revision":"2","value":"aGk="}}]}}"#),
                Answer { last_key: Some(vec![0xff]), ..answer },
            ),
        ] {
            assert_eq!(Answer::read(text.as_bytes()), Some(expected), "{text}");
        }
    }

    #[test]
    fn errors_as_etcd_sends_them() {
        let json = r#"{"error":"etcdserver: no leader","message":"etcdserver: no leader","code":14}"#;
        let text = "CommonName of client sending a request against gateway will be ignored and not used as expected\n";
        for (body, expected) in [
            (json, ("etcdserver: no leader", 14)),
            (r#"{"error":"not found"}"#, ("not found", 0)),
            (text, (COMMON_NAME, 0)),
            // Whoever is in the place of etcd could send a password back.
            ("the password is secret", ("", 0)),
            ("", ("", 0)),
        ] {
            assert_eq!(error(body.as_bytes()), (expected.0.to_owned(), expected.1), "{body}");
        }
    }

    #[test]
    fn what_is_no_answer() {
        let header = r#""header":{"revision":"2"}"#;
        assert!(Answer::read(format!("{{{header}}}").as_bytes()).is_some());
        for text in [
            "",
            "{}",
            "[]",
            r#"{"header":1}"#,
            r#"{"header":{}}"#,
            r#"{"header":{"revision":"0"}}"#,
            &format!(r#"{{{header},"kvs":[{{"key":"?"}}]}}"#),
            &format!(r#"{{{header},"kvs":[1]}}"#),
            &format!(r#"{{{header},"more":true}}"#),
        ] {
            assert_eq!(Answer::read(text.as_bytes()), None, "{text}");
        }
    }
}
