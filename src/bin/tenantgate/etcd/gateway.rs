//! The JSON gateway of etcd: ranges and transactions, with the token of a user.

use serde_json::{Value, json};

use super::range::{Found, Pair, Range, number};
use super::servers::Servers;
use super::transaction::Transaction;
use crate::client::Answer;
use crate::secrets::without;

/// An etcd, as one user.
pub(crate) struct Gateway {
    servers: Servers,
    user: Option<(String, String)>,
    token: Option<String>,
    /// Whether a server may have carried out what another one has refused since.
    may_be_done: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The answer is too long to be read or sent.
    TooLong,
    /// etcd has refused the call, and nothing is written.
    Refused(String),
    /// Anything else.
    Other(String),
}

impl Failure {
    /// The failure of a write, of which `unknown` is said if it may be written.
    pub(crate) fn of_write(self, unknown: &str) -> String {
        let said = match self {
            Self::Refused(_) => "nothing was written",
            Self::TooLong | Self::Other(_) => unknown,
        };
        format!("{}; {said}", String::from(self))
    }
}

impl Gateway {
    /// The servers, and the name and password of the user, if etcd wants one.
    pub(crate) fn new(servers: Servers, user: Option<(String, String)>) -> Self {
        Self { servers, user, token: None, may_be_done: false }
    }

    /// Where the last answer came from.
    pub(crate) fn name(&self) -> &str {
        self.servers.name()
    }

    /// The keys of a range, and the revision of the store that has them.
    pub(crate) fn range(&mut self, range: &Range) -> Result<(Found, u64), Failure> {
        let answer = self.call("/v3/kv/range", &range.json())?;
        let revision = answer.get("header").and_then(Value::as_object).map(|header| number(header, "revision"));
        let found = Found::read(&answer).zip(revision.filter(|revision| *revision > 0));
        found
            .map(|(found, revision)| (found, if range.revision > 0 { range.revision } else { revision }))
            .ok_or_else(|| self.invalid())
    }

    /// The keys of each of these ranges, read in their order.
    pub(crate) fn ranges(&mut self, ranges: &[Range]) -> Result<Vec<Found>, Failure> {
        let mut found = Vec::new();
        for some in ranges.chunks(MOST_RANGES) {
            match self.few_ranges(some) {
                Err(Failure::TooLong) if some.len() > 1 => {
                    let (first, second) = some.split_at(some.len() / 2);
                    found.extend(self.ranges(first)?);
                    found.extend(self.ranges(second)?);
                }
                answers => found.extend(answers?),
            }
        }
        Ok(found)
    }

    /// Each of these keys, if it exists.
    pub(crate) fn keys<'k>(
        &mut self,
        keys: impl IntoIterator<Item = &'k str>,
        revision: u64,
    ) -> Result<Vec<Option<Pair>>, Failure> {
        let ranges: Vec<Range> = keys.into_iter().map(|key| Range { revision, ..Range::one(key) }).collect();
        Ok(self.ranges(&ranges)?.into_iter().map(|found| found.pairs.into_iter().next()).collect())
    }

    /// Writes everything, or nothing if a key has changed. Returns whether it is written.
    pub(crate) fn write(&mut self, transaction: &Transaction) -> Result<bool, Failure> {
        let answer = self.call("/v3/kv/txn", &transaction.json())?;
        // etcd leaves out what is false.
        answer.get("header").map(|_| answer.get("succeeded") == Some(&Value::Bool(true))).ok_or_else(|| self.invalid())
    }

    fn few_ranges(&mut self, ranges: &[Range]) -> Result<Vec<Found>, Failure> {
        let reads: Vec<Value> = ranges.iter().map(|range| json!({ "request_range": range.json() })).collect();
        let answer = self.call("/v3/kv/txn", &json!({ "success": reads }))?;
        let answers = answer.get("responses").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let found: Option<Vec<Found>> =
            answers.iter().map(|answer| Found::read(answer.get("response_range")?)).collect();
        found.filter(|found| found.len() == ranges.len()).ok_or_else(|| self.invalid())
    }

    /// The answer to a call. A token that etcd does not take any more is replaced once.
    fn call(&mut self, path: &str, body: &Value) -> Result<Value, Failure> {
        let mut is_new = false;
        self.may_be_done = false;
        if self.token.is_none() && self.user.is_some() {
            self.authenticate()?;
            is_new = true;
        }
        loop {
            let answer = self.post(path, body)?;
            if answer.status == 200 {
                return serde_json::from_slice(&answer.body).map_err(|_| self.invalid());
            }
            let (text, code) = error(&answer);
            if text.contains("larger than max") {
                return Err(Failure::TooLong);
            }
            let is_about_token = || text.contains("auth: ") || text.contains("revision of auth store is old");
            if self.user.is_some() && !is_new && (code == UNAUTHENTICATED || is_about_token()) {
                self.authenticate()?;
                is_new = true;
                continue;
            }
            return Err(self.refused(&answer));
        }
    }

    fn authenticate(&mut self) -> Result<(), Failure> {
        let Some((name, password)) = self.user.clone() else { return Ok(()) };
        self.token = None;
        let answer = self.post("/v3/auth/authenticate", &json!({ "name": name, "password": password }))?;
        let token = serde_json::from_slice::<Value>(&answer.body).ok();
        let token = token.and_then(|answer| answer.get("token")?.as_str().map(str::to_owned));
        self.token = token.filter(|_| answer.status == 200);
        if self.token.is_none() { Err(self.refused(&answer)) } else { Ok(()) }
    }

    fn post(&mut self, path: &str, body: &Value) -> Result<Answer, Failure> {
        let answer = self.servers.post(path, self.token.as_deref(), &body.to_string(), MAX_ANSWER);
        self.may_be_done |= self.servers.may_be_done();
        let answer = answer.map_err(|problem| self.other(problem))?;
        if answer.body.len() > MAX_ANSWER { Err(Failure::TooLong) } else { Ok(answer) }
    }

    fn refused(&self, answer: &Answer) -> Failure {
        let (text, code) = error(answer);
        let text: String =
            self.cleaned(text).chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_TEXT).collect();
        let hint = if text.contains("user name is empty") {
            "; set `username` and `password` of it"
        } else if text.starts_with("CommonName of client") {
            "; the certificate of the client must have no common name (CN)"
        } else if text.contains("required revision has been compacted") {
            "; etcd has deleted that state of its keys while the command read it: run the command again"
        } else {
            ""
        };
        let text = format!("{}: status {}: {text}{hint}", self.name(), answer.status);
        let is_refused = REFUSALS.contains(&code) && !self.may_be_done;
        if is_refused { Failure::Refused(text) } else { Failure::Other(text) }
    }

    fn invalid(&self) -> Failure {
        self.other(format!("{}: the answer is not one of etcd's JSON gateway (/v3)", self.name()))
    }

    fn other(&self, text: String) -> Failure {
        Failure::Other(self.cleaned(text))
    }

    /// The text without the secrets that the server may have sent back.
    fn cleaned(&self, text: String) -> String {
        let secrets: Vec<String> =
            self.token.iter().chain(self.user.iter().map(|(_, password)| password)).cloned().collect();
        without(text, &secrets)
    }
}

impl From<Failure> for String {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::TooLong => "etcd: the answer is too long".to_owned(),
            Failure::Refused(text) | Failure::Other(text) => format!("etcd: {text}"),
        }
    }
}

/// The text of an error, and its code, which is that of gRPC.
fn error(answer: &Answer) -> (String, u64) {
    let Ok(error) = serde_json::from_slice::<Value>(&answer.body) else {
        // The gateway refuses some clients in plain text.
        return (String::from_utf8_lossy(&answer.body).trim().to_owned(), 0);
    };
    let text = error.get("message").or_else(|| error.get("error")).and_then(Value::as_str).unwrap_or_default();
    (text.to_owned(), error.get("code").and_then(Value::as_u64).unwrap_or_default())
}

/// The most ranges of one transaction.
const MOST_RANGES: usize = 100;
/// The most bytes of an answer. 500 documents of the usual length have 2 MB.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
const MAX_TEXT: usize = 200;
const UNAUTHENTICATED: u64 = 16;
/// The codes of gRPC with which etcd carries nothing out: `INVALID_ARGUMENT`, `PERMISSION_DENIED`,
/// `FAILED_PRECONDITION` and `UNAUTHENTICATED`. A write that reaches the limit of its space is made
/// and refused (`RESOURCE_EXHAUSTED`).
const REFUSALS: [u64; 4] = [3, 7, 9, UNAUTHENTICATED];
