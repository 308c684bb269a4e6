//! How many times the requests allocate memory that come most often. Looking for what is known,
//! judging it and telling the upstream take few allocations, whose number does not grow with the
//! groups.

use serde_json::{Value, json};

use crate::support::core_harness::CoreHarness;
use crate::support::harness::Outcome;
use crate::support::world::{NAVIGATION, World, ada};

const PAGE: &str = "https://acme.example/orders/7";

fn world() -> World<CoreHarness> {
    World::with(|configuration: &mut Value| configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"] }))
}

/// The allocations of this request, when it comes for the fourth time, and whether it is forwarded.
fn of_request(world: &mut World<CoreHarness>, lines: &[(&str, &str)]) -> (u64, bool) {
    let mut browser = world.browser();
    let mut send = || world.send(&mut browser, PAGE, lines);
    let _ = [send(), send(), send()];
    world.harness.take_allocations();
    let forwarded = matches!(world.send(&mut browser, PAGE, lines), Outcome::Forwarded(..));
    (world.harness.take_allocations(), forwarded)
}

/// The cookie line of a person in so many groups.
fn session(world: &mut World<CoreHarness>, groups: usize) -> String {
    let mut person = ada();
    person["groups"] = (0..groups).map(|number| format!("group-{number:03}-of-the-directory")).collect();
    let mut browser = world.browser();
    world.sign_in(&mut browser, "acme", PAGE, &person);
    browser.cookie_line("acme.example").unwrap()
}

#[test]
fn of_a_session() {
    let mut world = world();
    // 200 groups take three cookies.
    for (groups, allocations) in [(0, 15), (3, 15), (200, 20)] {
        let cookie = format!("theme=dark; {}", session(&mut world, groups));
        let lines = [&NAVIGATION[..], &[("cookie", &cookie)]].concat();
        assert_eq!(of_request(&mut world, &lines), (allocations, true), "{groups} groups");
    }
}

#[test]
fn of_a_known_bearer_token() {
    let mut world = world();
    let now = world.clock.now();
    let token = world.issuer("acme", |issuer| {
        let claims = json!({ "iss": issuer.url, "aud": "api", "sub": "robot", "client_id": "robot", "iat": now,
            "exp": now + 3600, "jti": "1", "groups": ["engineers"] });
        issuer.signer.jws(&issuer.header("at+jwt"), &claims)
    });
    assert_eq!(of_request(&mut world, &[("authorization", &format!("Bearer {token}"))]), (7, true));
}
