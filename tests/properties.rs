//! The invariants, on inputs that nobody thought of.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]
#![allow(clippy::wildcard_enum_match_arm, reason = "tests")]
#![allow(clippy::arithmetic_side_effects, clippy::string_slice, clippy::disallowed_methods, reason = "tests")]
#![allow(unreachable_pub, reason = "what the rungs share is public among them")]

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use tenantgate::config;
use tenantgate::host::{Host, HostPattern};

use support::browser::Browser;
use support::configuration::{configuration, tenant};
use support::core_rig::{CoreRig, SURROUNDINGS};
use support::issuer::Answer;
use support::rig::{Lines, Outcome, Rig as _, values};
use support::world::{World, ada};

/// Bytes that mean something somewhere in a request.
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

fn header_name() -> impl Strategy<Value = String> {
    let names = [
        ":method",
        ":path",
        ":authority",
        ":scheme",
        "cookie",
        "accept",
        "sec-fetch-mode",
        "sec-fetch-dest",
        "sec-fetch-site",
        "origin",
        "authorization",
        "connection",
        "x-request-id",
        "x-auth-request-user",
        "x_auth_request_user",
        "x-auth-request-groups",
        "x.auth.request.email",
        "x-auth-request-tenant",
        "x-other",
        "",
    ];
    prop_oneof![8 => select(names.to_vec()).prop_map(str::to_owned), 1 => "[a-z:_.-]{0,20}"]
}

fn lines() -> impl Strategy<Value = Lines> {
    vec((header_name(), vec(fragment(), 0..6).prop_map(|parts| parts.concat())), 0..24)
}

fn folded(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

fn signed_in() -> (World<CoreRig>, Browser) {
    let mut world = World::<CoreRig>::new();
    let browser = world.signed_in();
    (world, browser)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Without a session nothing is forwarded, whatever the request.
    #[test]
    fn no_request_without_a_session_is_forwarded(head in lines()) {
        let outcome = World::<CoreRig>::new().rig.send(&head);
        prop_assert!(matches!(outcome, Outcome::Replied(reply) if reply.status >= 200));
    }

    /// With a session, the identity headers are those of the session, whatever else the request says.
    #[test]
    fn no_line_of_the_client_survives_under_a_protected_name(extra in lines()) {
        let (mut world, browser) = signed_in();
        let cookie = browser.cookie_line("acme.example").unwrap();
        let mut head: Lines = [(":method", "GET"), (":authority", "acme.example"), (":path", "/"), ("cookie", cookie.as_str())]
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).into();
        head.extend(extra.into_iter().filter(|(name, _)| !name.starts_with(':')));
        let seen = match world.rig.send(&head) {
            Outcome::Forwarded(seen) => seen,
            // The session may be hidden behind four or more planted cookies of its name.
            Outcome::Replied(reply) => { prop_assert_eq!(reply.status, 401); return Ok(()); }
        };
        for (header, expected) in [("x-auth-request-user", "ada"), ("x-auth-request-email", "ada@acme.example"),
                                   ("x-auth-request-groups", "engineers,admins"), ("x-auth-request-tenant", "acme")] {
            let under: Vec<&[u8]> = seen.iter().filter(|(name, _)| folded(name) == header).map(|(_, value)| value.as_slice()).collect();
            prop_assert_eq!(under, vec![expected.as_bytes()]);
        }
        prop_assert!(values(&seen, "authorization").is_empty());
        for crumb in values(&seen, "cookie").iter().flat_map(|line| line.split(';')) {
            prop_assert!(!crumb.trim().to_lowercase().starts_with("__host-tenantgate-"), "{}", crumb);
        }
        for option in values(&seen, "connection").iter().flat_map(|line| line.split(',')) {
            prop_assert!(!folded(option.trim()).starts_with("x-auth-request-user"), "{}", option);
        }
    }

    /// Any change to a sealed cookie makes it worthless.
    #[test]
    fn a_changed_cookie_opens_nothing(place in any::<Index>(), other in any::<u8>()) {
        let (mut world, browser) = signed_in();
        let cookie = browser.cookie_line("acme.example").unwrap();
        let (name, value) = cookie.split_once('=').unwrap();
        let mut bytes = value.as_bytes().to_vec();
        let place = place.index(bytes.len());
        prop_assume!(bytes[place] != other && !matches!(other, b' ' | b'\t' | b'\n' | b'\x0c' | b'\r' | b';') || (0 < place && place + 1 < bytes.len() && bytes[place] != other));
        bytes[place] = other;
        let head: Lines = [(":method", &b"GET"[..]), (":authority", b"acme.example"), (":path", b"/"), ("cookie", &[name.as_bytes(), b"=", &bytes].concat())]
            .map(|(name, value)| (name.to_owned(), value.to_vec())).into();
        prop_assert!(matches!(world.rig.send(&head), Outcome::Replied(reply) if reply.status == 401));
    }

    /// Whatever the token endpoint answers, there is no session and no panic.
    #[test]
    fn no_junk_of_a_token_endpoint_makes_a_session(status in any::<u16>(), body in vec(fragment(), 0..20), tokens in any::<bool>()) {
        let mut world = World::<CoreRig>::new();
        let body = body.concat();
        let body = if tokens {
            json!({ "access_token": "a", "token_type": "Bearer", "id_token": String::from_utf8_lossy(&body) }).to_string().into_bytes()
        } else {
            body
        };
        world.issuer("acme", |issuer| issuer.answer = Answer::Raw(status, body));
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/", &ada());
        let reply = world.open(&mut browser, &callback).reply();
        prop_assert!(matches!(reply.status, 400 | 403 | 503));
        prop_assert!(!browser.has_session());
    }

    /// The lookup of hosts agrees with the plainest one there is.
    #[test]
    fn hosts_are_looked_up_as_their_patterns_say(
        patterns in vec("(\\*\\.)?[ab](\\.[ab]){1,3}", 1..6), host in "[ab](\\.[ab]){0,4}",
    ) {
        let mut patterns = patterns;
        patterns.sort();
        patterns.dedup();
        let issuer = support::issuer::Issuer::new("https://login.example", "none", support::signer::Signer::eddsa(), support::clock::Clock::Real);
        let tenants: Vec<Value> = patterns.iter().enumerate().map(|(number, pattern)| {
            let mut tenant = tenant(&format!("t{number}"), &issuer);
            tenant["hosts"] = json!([pattern]);
            let bare = pattern.trim_start_matches("*.");
            let login = format!("{}{bare}", if bare.len() < pattern.len() { "x." } else { "" });
            tenant["login"] = json!({ "redirect_uri": format!("https://{login}/oauth2/callback"), "cookie_domain": bare });
            tenant
        }).collect();
        let loaded = config::load(configuration(&tenants).to_string().as_bytes(), SURROUNDINGS).unwrap();
        prop_assert_eq!(&loaded.problems, &vec![]);
        let host = Host::from_name(&host).unwrap();
        // An exact name wins, else the longest wildcard.
        let naive = patterns.iter().filter(|text| HostPattern::parse(text).unwrap().matches(&host))
            .max_by_key(|text| (!text.starts_with('*'), text.len()));
        let found = loaded.gate.select(&host).map(|entry| format!("{entry:?}"));
        match naive {
            None => prop_assert!(found.is_none()),
            Some(pattern) => {
                let name = format!("t{}", patterns.iter().position(|other| other == pattern).unwrap());
                let expected = format!("TenantName(\"{name}\")");
                prop_assert!(found.is_some_and(|entry| entry.contains(&expected)));
            }
        }
    }

    /// No bytes make the loader panic, and no `:authority` the parser of hosts.
    #[test]
    fn loading_never_panics(bytes in vec(fragment(), 0..30)) {
        let bytes = bytes.concat();
        let _ = config::load(&bytes, SURROUNDINGS);
        let _ = Host::from_authority(&bytes);
    }

    /// A good configuration with something else in some place: a verdict, and every message names a place.
    #[test]
    fn a_mutated_configuration_gets_a_verdict(place in any::<Index>(), value in select(vec![json!(null), json!(true), json!(-1.5), json!(""), json!("x"), json!([]), json!({}), json!([[]]), json!({ "a": {} })])) {
        let issuer = support::issuer::Issuer::new("https://login.example", "none", support::signer::Signer::eddsa(), support::clock::Clock::Real);
        let mut mutated = configuration(&[tenant("acme", &issuer)]);
        let mut places = Vec::new();
        pointers(&mutated, String::new(), &mut places);
        let place = &places[place.index(places.len())];
        *mutated.pointer_mut(place).unwrap() = value;
        if let Err(errors) = config::load(mutated.to_string().as_bytes(), SURROUNDINGS) {
            prop_assert!(errors.iter().count() > 0);
        }
    }
}

fn pointers(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, inner)| pointers(inner, format!("{at}/{name}"), found));
        }
        Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(index, inner)| pointers(inner, format!("{at}/{index}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found.push(at);
}
