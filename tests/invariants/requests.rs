//! Random requests, with and without a session.

use std::cell::RefCell;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::{fragment, tries};
use crate::support::core_harness::CoreHarness;
use crate::support::harness::{Harness as _, Lines, Outcome, values};
use crate::support::world::World;

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
        "x-auth-request-roles",
        "x_auth-request.preferred-username",
        "x-tenantgate-assertion",
        "x.department",
        "X-Forwarded-User",
        "x_forwarded_user",
        "x-other",
        "",
    ];
    prop_oneof![8 => select(names.to_vec()).prop_map(str::to_owned), 1 => "[a-z:_.-]{0,20}"]
}

fn lines() -> impl Strategy<Value = Lines> {
    vec((header_name(), vec(fragment(), 0..6).prop_map(|parts| parts.concat())), 0..24)
}

/// A configured header name: another spelling, the default, or off.
fn header_or_off(name: &'static str) -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(name)),
        Just(json!(name.to_uppercase())),
        Just(json!(name.replace('-', "."))),
        Just(json!(false))
    ]
}

fn visit(cookie: &str) -> Lines {
    [(":method", "GET"), (":authority", "acme.example"), (":path", "/"), ("cookie", cookie)]
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
        .into()
}

fn folded(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

/// A world for all cases, and the session cookie of its user.
fn signed_in() -> (RefCell<World<CoreHarness>>, String) {
    signed_in_with(|_| {})
}

fn signed_in_with(change: impl FnOnce(&mut Value)) -> (RefCell<World<CoreHarness>>, String) {
    let mut world = World::<CoreHarness>::with(change);
    let cookie = world.signed_in().cookie_line("acme.example").unwrap();
    (RefCell::new(world), cookie)
}

/// No request without a session is forwarded.
#[test]
fn no_request_without_a_session_is_forwarded() {
    let world = RefCell::new(World::<CoreHarness>::new());
    proptest!(tries(2000), |(head in lines())| {
        let outcome = world.borrow_mut().harness.send(&head);
        prop_assert!(matches!(outcome, Outcome::Replied(reply) if reply.status >= 200));
    });
}

/// No request whose body the filter reads is forwarded.
#[test]
fn no_request_whose_body_is_read_is_forwarded() {
    let (world, cookie) = signed_in_with(|configuration| {
        configuration["tenants"][0]["login"]["backchannel_logout_path"] = json!("/logout-tokens");
    });
    let form = "application/x-www-form-urlencoded";
    proptest!(tries(2000), |(parts in vec(fragment(), 0..6), extra in lines(), named in any::<bool>())| {
        let mut head: Lines = [(":method", "POST"), (":authority", "acme.example"), (":path", "/logout-tokens"), ("content-type", form), ("cookie", &cookie)]
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).into();
        head.extend(extra.into_iter().filter(|(name, _)| !name.starts_with(':')));
        let body = [if named { &b"logout_token="[..] } else { b"" }, &parts.concat()].concat();
        let outcome = world.borrow_mut().harness.send_with(&head, Some(&body));
        prop_assert!(matches!(outcome, Outcome::Replied(reply) if reply.status == 400));
    });
}

/// With a session, the identity headers are those of the session.
#[test]
fn no_client_header_survives_under_a_protected_name() {
    let (world, cookie) = signed_in();
    proptest!(tries(2000), |(extra in lines())| {
        let mut head = visit(&cookie);
        head.extend(extra.into_iter().filter(|(name, _)| !name.starts_with(':')));
        let seen = match world.borrow_mut().harness.send(&head) {
            Outcome::Forwarded(seen, _) => seen,
            // Four or more planted cookies of its name may hide the session.
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
    });
}

/// A changed session cookie is refused, also while the session is remembered.
#[test]
fn a_changed_cookie_opens_nothing() {
    let (world, cookie) = signed_in();
    for _ in 0..3 {
        world.borrow_mut().harness.send(&visit(&cookie)).forwarded();
    }
    let (name, value) = cookie.split_once('=').unwrap();
    proptest!(tries(2000), |(place in any::<Index>(), other in any::<u8>())| {
        let mut bytes = value.as_bytes().to_vec();
        let place = place.index(bytes.len());
        prop_assume!(bytes[place] != other && !matches!(other, b' ' | b'\t' | b'\n' | b'\x0c' | b'\r' | b';') || (0 < place && place + 1 < bytes.len() && bytes[place] != other));
        bytes[place] = other;
        let head: Lines = [(":method", &b"GET"[..]), (":authority", b"acme.example"), (":path", b"/"), ("cookie", &[name.as_bytes(), b"=", &bytes].concat())]
            .map(|(name, value)| (name.to_owned(), value.to_vec())).into();
        prop_assert!(matches!(world.borrow_mut().harness.send(&head), Outcome::Replied(reply) if reply.status == 401));
    });
}

proptest! {
    // Each case signs in and signs an assertion.
    #![proptest_config(tries(300))]

    /// With any configured header names, each header in any spelling has the verified value. The
    /// default names carry nothing else, and a `Connection` option removes nothing.
    #[test]
    fn no_configured_header_can_be_spoofed(extra in lines(), user in header_or_off("x-forwarded-user"), tenant in header_or_off("x-tenant_id"),
                                          lists in select(vec!["comma", "json", "lines"]), authorization in select(vec!["remove", "verified"])) {
        let mut world = World::<CoreHarness>::with(|configuration| {
            configuration["assertion"] = json!({ "keys": [{ "pem": include_str!("../vectors/keys/ec.private.pem") }], "audiences": ["up"] });
            configuration["tenants"][0]["headers"] = json!({
                "user": user, "tenant": tenant, "claims": { "X-Department": "department" }, "lists": lists, "authorization": authorization,
            });
        });
        let mut browser = world.browser();
        world.sign_in(&mut browser, "acme", "https://acme.example/", &json!({ "sub": "ada", "department": ["a", "b"] }));
        let mut head = visit(&browser.cookie_line("acme.example").unwrap());
        head.extend(extra.into_iter().filter(|(name, _)| !name.starts_with(':')));
        let Outcome::Forwarded(seen, _) = world.harness.send(&head) else { return Ok(()) };
        let under = |name: &str| -> Vec<String> {
            seen.iter().filter(|(n, _)| folded(n) == folded(name)).map(|(_, value)| String::from_utf8(value.clone()).unwrap()).collect()
        };
        for (name, expected) in [(&user, "ada"), (&tenant, "acme")] {
            if let Some(name) = name.as_str() {
                prop_assert_eq!(under(name), [expected]);
            }
        }
        let departments = match lists { "comma" => vec!["a,b"], "json" => vec![r#"["a","b"]"#], _ => vec!["a", "b"] };
        prop_assert_eq!(under("x-department"), departments);
        prop_assert_eq!(under("x-tenantgate-assertion").len(), 1);
        for gone in ["email", "groups", "roles", "preferred-username", "user", "tenant"].map(|name| format!("x-auth-request-{name}")) {
            prop_assert!([&user, &tenant].contains(&&json!(gone)) || under(&gone).is_empty(), "{}", gone);
        }
        prop_assert!(under("authorization").is_empty());
        for option in values(&seen, "connection").iter().flat_map(|line| line.split(',')) {
            prop_assert!(!matches!(folded(option.trim()).as_str(), "x-department" | "x-tenantgate-assertion"), "{}", option);
        }
    }
}
