//! Properties that hold for every input, by kind of input.

mod access;
mod answers;
mod configurations;
mod requests;
mod sequences;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// The number of cases. Failures are not saved to files.
fn tries(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Fragments that have a meaning somewhere in a request, and random bytes.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "acme.example",
        "globex.example",
        "/",
        "/oauth2/callback",
        "/oauth2/logout",
        "?code=a&state=",
        "__Host-tenantgate-session=",
        "__Host-tenantgate-login-AAAAAAAAAAAAAAAA=",
        "; ",
        "=",
        "k1.",
        "text/html",
        "navigate",
        "document",
        "GET",
        "POST",
        "%2f",
        "..",
        "//",
        "\\",
    ];
    prop_oneof![
        4 => select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..8),
        1 => "[A-Za-z0-9_-]{43}".prop_map(String::into_bytes),
    ]
}
