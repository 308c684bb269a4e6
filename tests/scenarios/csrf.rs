//! Pages of other origins, which make the browser send requests with the session of the user
//! (cross-site request forgery). Tenants on subdomains of one domain are one site, so
//! `SameSite=Lax` does not keep them apart.

use serde_json::{Value, json};

use super::bearer::access_token;
use crate::support::browser::Browser;
use crate::support::harness::{Harness, Outcome, values};
use crate::support::world::{NAVIGATION, World};

const PAGE: &str = "https://acme.example/transfer";
const POST: (&str, &str) = (":method", "POST");
const JSON: (&str, &str) = ("accept", "application/json");

/// The `error` of a refusal with status 403. Fails if the upstream received the request.
#[track_caller]
fn error(outcome: Outcome) -> String {
    let reply = outcome.reply();
    assert_eq!((reply.status, reply.all("set-cookie").count()), (403, 0), "{}", reply.body);
    serde_json::from_str::<Value>(&reply.body).unwrap()["error"].as_str().unwrap().to_owned()
}

/// Sends a request that has to reach the upstream with the identity of the session.
#[track_caller]
fn passes<H: Harness>(world: &mut World<H>, browser: &mut Browser, lines: &[(&str, &str)]) {
    let seen = world.send(browser, PAGE, lines).forwarded();
    assert_eq!(values(&seen, "x-auth-request-user"), ["ada"], "{lines:?}");
}

pub fn pages_of_other_origins_cannot_use_the_session<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.signed_in();
    for lines in [
        &[("sec-fetch-site", "same-site"), ("origin", "https://globex.example")][..],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        // Fetch Metadata counts, whatever `Origin` says, and only if it is one value.
        &[("sec-fetch-site", "cross-site"), ("origin", "https://acme.example")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "Same-Origin")],
        &[("sec-fetch-site", "")],
        &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "\u{e9}")],
        // Browsers without Fetch Metadata.
        &[("origin", "https://globex.example")],
        &[("origin", "null")],
        &[("origin", "")],
        &[("origin", "http://acme.example")],
        &[("origin", "https://acme.example:8443")],
        &[("origin", "https://acme.example.evil.example")],
        &[("origin", "https://acme.example"), ("origin", "https://acme.example")],
    ] {
        for method in ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"] {
            let lines = [&[(":method", method), JSON][..], lines].concat();
            assert_eq!(error(world.send(&mut browser, PAGE, &lines)), "cross_origin", "{lines:?}");
        }
        // Reading is not affected: the page of the other origin does not get the answer.
        for method in ["GET", "HEAD", "OPTIONS"] {
            passes(&mut world, &mut browser, &[&[(":method", method)][..], lines].concat());
        }
        // Without a session there is nothing to use.
        let reply = world.send(&mut world.browser(), PAGE, &[&[POST, JSON][..], lines].concat()).reply();
        assert_eq!(reply.status, 401, "{lines:?}");
    }
    // A person gets a page.
    let lines = [NAVIGATION[0], NAVIGATION[1], NAVIGATION[2], POST, ("sec-fetch-site", "same-site")];
    let reply = world.send(&mut browser, PAGE, &lines).reply();
    assert_eq!((reply.status, reply.header("content-type")), (403, Some("text/html; charset=utf-8")));
    // The session goes on.
    passes(&mut world, &mut browser, &[]);
}

pub fn own_pages_and_programs_use_the_session<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.signed_in();
    for lines in [
        &[("sec-fetch-site", "same-origin"), ("origin", "https://acme.example")][..],
        &[("sec-fetch-site", "same-origin"), ("origin", "null")],
        &[("sec-fetch-site", "none")],
        &[("origin", "https://acme.example")],
        // A program with a cookie jar. Browsers send `Origin` with these methods.
        &[],
    ] {
        for method in ["POST", "DELETE"] {
            passes(&mut world, &mut browser, &[&[(":method", method)][..], lines].concat());
        }
    }
}

/// A browser sends cookies with the handshake of a WebSocket, and no preflight.
pub fn other_origins_open_no_websocket<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.signed_in();
    let handshake = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ];
    for from in [("origin", "https://globex.example"), ("origin", "null"), ("sec-fetch-site", "same-site")] {
        let lines = [&handshake[..], &[from]].concat();
        assert_eq!(world.send(&mut browser, PAGE, &lines).reply().status, 403, "{from:?}");
    }
    for from in [("origin", "https://acme.example"), ("sec-fetch-site", "same-origin"), ("x-none", "")] {
        match world.send(&mut browser, PAGE, &[&handshake[..], &[from]].concat()) {
            Outcome::Forwarded(seen, _) => assert_eq!(values(&seen, "x-auth-request-user"), ["ada"], "{from:?}"),
            // The Envoy of the scenarios allows no upgrade, and answers itself.
            Outcome::Replied(reply) => assert_eq!(reply.header("x-content-type-options"), None, "{from:?}"),
        }
    }
}

pub fn trusted_origins_use_the_session<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["csrf"] =
            json!({ "trusted_origins": ["https://app.acme.example", "https://acme.example:8443"] });
    });
    let mut browser = world.signed_in();
    for site in ["same-site", "cross-site"] {
        passes(&mut world, &mut browser, &[POST, ("sec-fetch-site", site), ("origin", "https://app.acme.example")]);
        for origin in ["https://app.acme.example:444", "https://x.app.acme.example", "https://app.acme.exampl", "null"]
        {
            let lines = [POST, JSON, ("sec-fetch-site", site), ("origin", origin)];
            assert_eq!(error(world.send(&mut browser, PAGE, &lines)), "cross_origin", "{lines:?}");
        }
        assert_eq!(error(world.send(&mut browser, PAGE, &[POST, JSON, ("sec-fetch-site", site)])), "cross_origin");
    }
    passes(&mut world, &mut browser, &[POST, ("origin", "https://acme.example:8443")]);
    let twice = [POST, JSON, ("origin", "https://app.acme.example"), ("origin", "https://app.acme.example")];
    assert_eq!(error(world.send(&mut browser, PAGE, &twice)), "cross_origin");
    // The origins are those of one tenant.
    let mut browser = world.browser();
    let page = "https://globex.example/";
    world.sign_in(&mut browser, "globex", page, &json!({ "sub": "bob" }));
    let lines = [POST, JSON, ("origin", "https://app.acme.example")];
    assert_eq!(error(world.send(&mut browser, page, &lines)), "cross_origin");
}

/// Scheme and port of the own origin are those of `login.redirect_uri`.
pub fn the_own_origin_has_the_port_of_the_redirect_uri<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        let acme = &mut configuration["tenants"][0];
        acme["allow_insecure_issuer"] = json!(true);
        acme["login"] = json!({ "redirect_uri": "http://acme.example:8080/oauth2/callback" });
    });
    let mut browser = world.signed_in();
    passes(&mut world, &mut browser, &[POST, ("origin", "http://acme.example:8080")]);
    for origin in ["https://acme.example:8080", "http://acme.example", "https://acme.example"] {
        assert_eq!(error(world.send(&mut browser, PAGE, &[POST, JSON, ("origin", origin)])), "cross_origin");
    }
}

/// Where a rule needs no user, the request goes on as one without a session: a payment service or a
/// webhook can post there, and its upstream learns no user.
pub fn a_public_page_does_not_see_the_session<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["session"]["idle"] = json!("1h");
        configuration["tenants"][0]["access"] = json!([
            { "paths": ["/transfer"], "allow": "public" },
            { "paths": ["/nobody"], "deny": true },
            { "allow": "any_user" },
        ]);
    });
    let mut browser = world.signed_in();
    let foreign = [POST, JSON, ("sec-fetch-site", "same-site"), ("origin", "https://globex.example")];
    let seen = world.send(&mut browser, PAGE, &foreign).forwarded();
    assert!(!seen.iter().any(|(name, _)| name.starts_with("x-auth-request-")), "{seen:?}");
    assert_eq!(values(&seen, "cookie"), <[String; 0]>::default());
    passes(&mut world, &mut browser, &[POST, ("sec-fetch-site", "same-origin")]);
    assert_eq!(error(world.send(&mut browser, "https://acme.example/nobody", &foreign)), "access_denied_to_all");
}

/// No page can make a browser send a bearer token of its own choice without a preflight.
pub fn bearer_tokens_are_not_concerned<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"] });
    });
    let token = access_token(&world, |_, _| {});
    let bearer = format!("Bearer {token}");
    let lines = [POST, ("authorization", bearer.as_str()), ("origin", "https://app.example")];
    let seen = world.send(&mut world.browser(), PAGE, &lines).forwarded();
    assert_eq!(values(&seen, "x-auth-request-user"), ["robot"]);
}
