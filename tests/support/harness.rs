//! The filter on one rung: a request goes in, and either the upstream sees it or the client gets a reply.

use serde_json::Value;

use super::clock::Clock;
use super::issuer::Issuers;

/// Header lines, pseudo-headers included.
pub type Lines = Vec<(String, Vec<u8>)>;

/// What became of a request.
#[derive(Debug)]
pub enum Outcome {
    /// The upstream received it with these lines, and the client got this answer.
    Forwarded(Lines, Reply),
    /// The gate answered; the upstream saw nothing.
    Replied(Reply),
}

/// An answer, as the client gets it.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    /// Every value under `name`.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let name = name.to_owned();
        self.headers.iter().filter(move |(n, _)| *n == name).map(|(_, value)| value.as_str())
    }

    /// The value under `name`, which may be there once at most.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.all(name);
        let first = values.next();
        assert!(values.next().is_none(), "{name} is there twice: {self:?}");
        first
    }
}

impl Outcome {
    /// The reply; fails if the upstream saw the request.
    #[track_caller]
    pub fn reply(self) -> Reply {
        match self {
            Self::Replied(reply) => reply,
            Self::Forwarded(lines, _) => {
                panic!("the upstream received {:?}", lines.iter().map(|(name, _)| name).collect::<Vec<_>>())
            }
        }
    }

    /// What the upstream saw; fails if the gate answered.
    #[track_caller]
    pub fn forwarded(self) -> Lines {
        match self {
            Self::Forwarded(lines, _) => lines,
            Self::Replied(reply) => panic!("the gate answered {} {}", reply.status, reply.body),
        }
    }

    /// The answer of the upstream, as the client got it; fails if the gate answered.
    #[track_caller]
    pub fn answered(self) -> Reply {
        match self {
            Self::Forwarded(_, reply) => reply,
            Self::Replied(reply) => panic!("the gate answered {} {}", reply.status, reply.body),
        }
    }
}

/// The values under `name`, as text.
pub fn values(lines: &Lines, name: &str) -> Vec<String> {
    lines.iter().filter(|(n, _)| n == name).map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
}

/// The lines as every codec of Envoy hands them on: names in lower case.
pub fn lower_case(lines: &Lines) -> Lines {
    lines.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect()
}

/// What the upstream of every rung answers with.
pub const UPSTREAM_HEADERS: [(&str, &str); 3] =
    [("x-upstream", "yes"), ("cache-control", "public, max-age=3600"), ("set-cookie", "theme=dark")];

/// One rung.
pub trait Harness {
    /// Whether the host verifies signatures. Without its help the module has no ES384 and no ES512.
    const HOST_VERIFIES: bool = true;

    /// The filter with this configuration, or what it logged when it refused it.
    fn start(configuration: &Value, issuers: Issuers) -> Self;

    /// The clock that filter and issuers go by.
    fn clock() -> Clock;

    /// Sends one request and waits for what becomes of it.
    fn send(&mut self, head: &Lines) -> Outcome {
        self.send_with(head, None)
    }

    /// As [`send`](Self::send), with a body if there is one.
    fn send_with(&mut self, head: &Lines, body: Option<&[u8]>) -> Outcome;

    /// Loads another configuration.
    fn reconfigure(&mut self, configuration: &Value);

    /// Lets a second pass, or a little of one where the clock is real, with all that the filter does now and then.
    fn moment(&mut self);

    /// Everything that was logged.
    fn log(&mut self) -> String;
}
