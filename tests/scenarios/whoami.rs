//! The path that tells a page who is signed in.

use std::time::Duration;

use serde_json::{Value, json};

use super::bearer::access_token;
use crate::support::browser::Browser;
use crate::support::harness::{Harness, Outcome, Reply, values};
use crate::support::issuer::Refresh;
use crate::support::world::{NAVIGATION, World};

const WHO: &str = "https://acme.example/oauth2/userinfo";
const PAGE: &str = "https://acme.example/";

fn json_of(reply: &Reply) -> Value {
    assert_eq!(reply.header("content-type"), Some("application/json"), "{reply:?}");
    assert_eq!((reply.header("cache-control"), reply.all("set-cookie").count()), (Some("no-store"), 0), "{reply:?}");
    assert!(!reply.headers.iter().any(|(name, _)| name.starts_with("access-control-")), "{reply:?}");
    serde_json::from_str(&reply.body).unwrap()
}

/// The fields of a session, with the names that oauth2-proxy gives them where it has them.
pub fn a_page_asks_who_is_signed_in<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["session"]["lifetime"] = json!("8h");
        configuration["tenants"][0]["roles"] = json!([{ "name": "admin", "groups": ["admins"] }]);
        configuration["tenants"][0]["access"] = json!([{ "allow": { "groups": ["nobody"] } }]);
    });
    let mut browser = world.browser();
    let person = json!({
        "sub": "ada", "email": "ada@acme.example", "email_verified": true, "groups": ["admins", "\"<b>\u{e9}"], "preferred_username": "ada l",
    });
    let callback = world.callback(&mut browser, "acme", PAGE, &person);
    let before = world.clock.now();
    assert_eq!(world.open(&mut browser, &callback).reply().status, 302);
    let after = world.clock.now();
    for lines in [
        &[][..],
        &NAVIGATION,
        &[("accept", "text/html")],
        // A page of another origin does not get the answer: nothing permits it (CORS).
        &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "cors"), ("origin", "https://globex.example")],
    ] {
        let reply = world.send(&mut browser, WHO, lines).reply();
        assert_eq!((reply.status, reply.header("cross-origin-resource-policy")), (200, Some("same-origin")));
        let mut who = json_of(&reply);
        let expires = who.as_object_mut().unwrap().remove("expiresAt").unwrap().as_u64().unwrap();
        assert!((before..=after).contains(&(expires - 8 * 3600)), "{expires}");
        let expected = json!({
            "user": "ada", "email": "ada@acme.example", "groups": ["admins", "\"<b>\u{e9}"], "preferredUsername": "ada l",
            "roles": ["admin"],
        });
        assert_eq!(who, expected, "{lines:?}");
    }
    assert_eq!(world.send(&mut browser, WHO, &[(":method", "HEAD")]).reply().status, 200);
    for method in ["POST", "OPTIONS", "DELETE"] {
        let reply = world.send(&mut browser, WHO, &[(":method", method)]).reply();
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    // What is not there is left out.
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", PAGE, &json!({ "sub": "bob" }));
    world.open(&mut browser, &callback).reply();
    let mut who = json_of(&world.send(&mut browser, WHO, &[]).reply());
    who.as_object_mut().unwrap().remove("expiresAt");
    assert_eq!(who, json!({ "user": "bob", "groups": [], "roles": [] }));
}

pub fn nobody_is_signed_in<H: Harness>() {
    let mut world = World::<H>::new();
    let session = world.signed_in().cookie_line("acme.example").unwrap();
    let cookie = [("cookie", session.as_str())];
    for (url, lines) in [(WHO, &[][..]), (WHO, &NAVIGATION), ("https://globex.example/oauth2/userinfo", &cookie)] {
        let reply = world.send(&mut world.browser(), url, lines).reply();
        assert_eq!((reply.status, json_of(&reply)["error"].as_str()), (401, Some("unauthenticated")), "{url}");
        assert_eq!(reply.header("location"), None);
    }
}

pub fn an_api_client_asks_who_it_is<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"] });
    });
    let bearer = format!("Bearer {}", access_token(&world, |_, _| {}));
    // The session does not count beside a token.
    let mut browser = world.signed_in();
    let reply = world.send(&mut browser, WHO, &[("authorization", &bearer)]).reply();
    assert_eq!(json_of(&reply), json!({ "user": "robot", "groups": ["machines"], "roles": [] }));
    let reply = world.send(&mut browser, WHO, &[("authorization", "Bearer x")]).reply();
    assert_eq!((reply.status, json_of(&reply)["error"].as_str()), (401, Some("token_invalid")));
}

pub fn the_path_is_configured<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["login"]["userinfo_path"] = json!("/whoami");
    });
    let mut browser = world.signed_in();
    assert_eq!(json_of(&world.send(&mut browser, "https://acme.example/whoami", &[]).reply())["user"], "ada");
    let seen = world.send(&mut browser, WHO, &[]).forwarded();
    assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
}

/// A page that asks again and again keeps no session alive, and causes no refresh.
pub fn asking_extends_nothing<H: Harness>() {
    let mut world = World::<H>::with_issuer(
        |issuer| issuer.refresh = Refresh::Rotating,
        |configuration| {
            configuration["session"]["idle"] = json!("30m");
            configuration["tenants"][0]["refresh"] = json!({ "interval": "10m" });
        },
    );
    let mut browser = world.signed_in();
    let calls = world.issuer("acme", |issuer| issuer.calls);
    let begin = world.clock.now();
    for _ in 0..5 {
        world.clock.advance(Duration::from_secs(5 * 60));
        let who = json_of(&world.send(&mut browser, WHO, &[]).reply());
        assert_eq!((who["user"].as_str(), who["expiresAt"].as_u64()), (Some("ada"), Some(begin + 30 * 60)));
    }
    world.clock.advance(Duration::from_secs(5 * 60));
    assert_eq!(world.send(&mut browser, WHO, &[]).reply().status, 401);
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), calls);
}

/// A browser that has not got the refreshed cookie sees the refreshed identity, and no identity
/// after the issuer rejected the refresh token.
pub fn asking_knows_the_refreshes<H: Harness>() {
    let mut world = World::<H>::with_issuer(
        |issuer| issuer.refresh = Refresh::Rotating,
        |configuration| configuration["tenants"][0]["refresh"] = json!({}),
    );
    let mut browser = world.signed_in();
    let mut old = browser.clone();
    let groups =
        |world: &mut World<H>, browser: &mut Browser| json_of(&world.send(browser, WHO, &[]).reply())["groups"].clone();
    for person in [json!({ "sub": "ada", "groups": ["engineers"] }), Value::Null] {
        world.issuer("acme", |issuer| drop(issuer.directory.insert("ada".to_owned(), person.clone())));
        world.clock.advance(Duration::from_secs(300));
        let outcome = world.open(&mut browser, PAGE);
        for browser in [&mut browser, &mut old] {
            if person.is_null() {
                assert_eq!(world.send(browser, WHO, &[]).reply().status, 401);
            } else {
                assert!(matches!(outcome, Outcome::Forwarded(..)));
                assert_eq!(groups(&mut world, browser), json!(["engineers"]));
            }
        }
    }
}
