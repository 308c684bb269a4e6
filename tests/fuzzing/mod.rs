//! What the fuzzer does with bytes, and what has to hold for all of them. `fuzz/` gives it bytes
//! that reach new code, and `tests/corpora.rs` those that are kept in `fuzz/corpus/`.
//!
//! Every world ends with the check that no page and no line of the log has a secret.

mod answers;
mod configurations;
mod etcd;
mod requests;
mod sequences;
mod tokens;

use std::sync::LazyLock;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use tenantgate::jose::{Hash, HostAlgorithms, HostVerifier, Verifier};

use crate::support::core_harness::CoreHarness;
use crate::support::harness::{Lines, Outcome, Reply};
use crate::support::signer::Signer;
use crate::support::world::World;

/// What is done with the bytes. It panics if something does not hold.
pub type Target = fn(&[u8]);

/// The targets, by name.
pub const TARGETS: [(&str, Target); 13] = [
    ("bearer_token", tokens::bearer_token),
    ("callback_query", requests::callback_query),
    ("configuration", configurations::configuration),
    ("cookies", requests::cookies),
    ("discovery", answers::discovery),
    ("etcd_answer", etcd::etcd_answer),
    ("host_map", requests::host_map),
    ("id_token", tokens::id_token),
    ("jwks", answers::jwks),
    ("logout_token", tokens::logout_token),
    ("request_head", requests::request_head),
    ("sequence", sequences::sequence),
    ("token_response", answers::token_response),
];

/// A page of the upstream that needs a user.
const PAGE: &str = "https://acme.example/page";

/// A host that takes every signature for a good one, so that what comes after is reached.
struct TakesEverySignature;

impl HostVerifier for TakesEverySignature {
    fn verify_signature(&self, _: Hash, _: &[u8], _: &[u8], _: &[u8]) -> Option<bool> {
        Some(true)
    }
}

/// See [`TakesEverySignature`].
const TAKES_EVERY_SIGNATURE: Verifier<'static> =
    Verifier { host: &TakesEverySignature, trusted: HostAlgorithms::ASSUMED };

/// The key of the issuers. To make one takes long.
fn signer() -> Signer {
    static SIGNER: LazyLock<Signer> = LazyLock::new(Signer::es256);
    SIGNER.clone()
}

/// A world with `change` made to the configuration.
fn world(change: impl FnOnce(&mut Value)) -> World<CoreHarness> {
    World::with_issuer(|issuer| issuer.signer = signer(), change)
}

/// The reply to a request that nothing proves to be allowed.
#[track_caller]
fn refused(outcome: Outcome) -> Reply {
    let Outcome::Replied(reply) = outcome else { panic!("forwarded without a proof: {outcome:?}") };
    assert_printable(reply.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
    reply
}

/// Fails if a header that Tenantgate wrote has a character that could end its line.
#[track_caller]
fn assert_printable<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])>) {
    for (name, value) in headers {
        assert!(value.iter().all(|byte| matches!(byte, b' '..=b'~')), "{name}: {:?}", String::from_utf8_lossy(value));
    }
}

/// The headers of the identity that the upstream received.
#[track_caller]
fn assert_identity(seen: &Lines, user: &Value, tenant: &str) {
    let identity = seen.iter().filter(|(name, _)| name.starts_with("x-auth-request-"));
    assert_printable(identity.map(|(name, value)| (name.as_str(), value.as_slice())));
    let one = |name: &str| crate::support::harness::values(seen, name);
    let users: Vec<String> = one("x-auth-request-user")
        .iter()
        .map(|user| percent_decode_str(user).decode_utf8().unwrap().into_owned())
        .collect();
    assert_eq!((users, one("x-auth-request-tenant")), (vec![text(user)], vec![tenant.to_owned()]));
}

#[track_caller]
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// The members of `bytes`, if they are a JSON object, else none.
fn members(bytes: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(bytes).unwrap_or_default()
}

/// Two parts of `bytes`, divided by the first line feed.
fn halves(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    (&bytes[..end], bytes.get(end + 1..).unwrap_or_default())
}
