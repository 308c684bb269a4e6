//! What every tier has to do for the scenarios: run the filter, and send requests to it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::panic::{self, AssertUnwindSafe};

use serde_json::Value;

use super::clock::Clock;
use super::issuer::Issuers;

/// Header lines, including pseudo-headers.
pub type Lines = Vec<(String, Vec<u8>)>;

/// The outcome of a request.
#[derive(Debug)]
pub enum Outcome {
    /// The upstream received these lines, and the client got this answer.
    Forwarded(Lines, Reply),
    /// The filter answered; the upstream received nothing.
    Replied(Reply),
}

/// An answer that the client received.
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

    /// The value under `name`. Fails if there are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.all(name);
        let first = values.next();
        assert!(values.next().is_none(), "{name} is there twice: {self:?}");
        first
    }
}

impl Outcome {
    /// The filter's reply. Fails if the upstream received the request.
    #[track_caller]
    pub fn reply(self) -> Reply {
        match self {
            Self::Replied(reply) => reply,
            Self::Forwarded(lines, _) => {
                panic!("the upstream received {:?}", lines.iter().map(|(name, _)| name).collect::<Vec<_>>())
            }
        }
    }

    /// The lines that the upstream received. Fails if the filter answered.
    #[track_caller]
    pub fn forwarded(self) -> Lines {
        match self {
            Self::Forwarded(lines, _) => lines,
            Self::Replied(reply) => panic!("the filter answered {} {}", reply.status, reply.body),
        }
    }

    /// The upstream's answer at the client. Fails if the filter answered.
    #[track_caller]
    pub fn answered(self) -> Reply {
        match self {
            Self::Forwarded(_, reply) => reply,
            Self::Replied(reply) => panic!("the filter answered {} {}", reply.status, reply.body),
        }
    }
}

/// The values under `name`, as text.
pub fn values(lines: &Lines, name: &str) -> Vec<String> {
    lines.iter().filter(|(n, _)| n == name).map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
}

/// The lines with names in lower case, as Envoy's codecs deliver them.
pub fn lower_case(lines: &Lines) -> Lines {
    lines.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect()
}

/// The short name of a counter of events: `<event>` or `tenant.<tenant>.<event>`. `None` for other
/// metrics.
pub fn counter_name(metric: &str) -> Option<String> {
    let name = metric.strip_prefix("tenantgate.")?;
    let of_tenant = || Some(format!("tenant.{}", name.strip_prefix("tenant_events.")?));
    name.strip_prefix("events.").map(str::to_owned).or_else(of_tenant)
}

/// The address of the client, as Envoy determines it with its default settings: the last one of
/// `X-Forwarded-For`, or else the peer of the connection.
pub fn client_address(lines: &Lines) -> IpAddr {
    let last = values(lines, "x-forwarded-for").concat();
    let last = last.rsplit(',').next().and_then(|address| address.trim().parse().ok());
    last.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// The headers of the upstream's answer, in every tier.
pub const UPSTREAM_HEADERS: [(&str, &str); 10] = [
    ("x-upstream", "yes"),
    ("cache-control", "public, max-age=3600"),
    ("set-cookie", "theme=dark"),
    ("cdn-cache-control", "max-age=3600"),
    ("cloudflare-cdn-cache-control", "max-age=3600"),
    ("netlify-cdn-cache-control", "max-age=3600"),
    ("vercel-cdn-cache-control", "max-age=3600"),
    ("surrogate-control", "max-age=3600"),
    ("edge-control", "!no-store, max-age=1h"),
    ("x-accel-expires", "3600"),
];

/// One way to run the filter.
pub trait Harness: Sized {
    /// Whether the host verifies signatures. Without it, the module verifies no ES384 and ES512.
    const HOST_VERIFIES: bool = true;

    /// Starts the filter with `configuration`. Panics with its log if it refuses the configuration.
    fn start(configuration: &Value, issuers: Issuers) -> Self;

    /// The log of a start with `configuration`, which the filter has to refuse.
    #[track_caller]
    fn refusal(configuration: &Value, issuers: Issuers) -> String {
        match panic::catch_unwind(AssertUnwindSafe(|| drop(Self::start(configuration, issuers)))) {
            Ok(()) => panic!("the filter takes the configuration"),
            Err(panicked) => panicked.downcast_ref::<String>().cloned().unwrap_or_default(),
        }
    }

    /// The clock of the filter and the issuers.
    fn clock() -> Clock;

    /// Sends one request and waits for its outcome.
    fn send(&mut self, head: &Lines) -> Outcome {
        self.send_with(head, None)
    }

    /// As [`send`](Self::send), with a body.
    fn send_with(&mut self, head: &Lines, body: Option<&[u8]>) -> Outcome;

    /// Replaces the configuration.
    fn reconfigure(&mut self, configuration: &Value);

    /// Lets a second pass, or a short time if the clock is real, and runs the filter's periodic
    /// work.
    fn advance(&mut self);

    /// The complete log.
    fn log(&mut self) -> String;

    /// The counters that the host has, by their names after `tenantgate.`.
    fn counters(&mut self) -> BTreeMap<String, u64>;

    /// One of them. 0 if the host does not have it.
    fn counter(&mut self, name: &str) -> u64 {
        self.counters().get(name).copied().unwrap_or_default()
    }
}
