//! Logout that the user starts.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use url::Url;

use crate::support::browser::{Browser, Cookie};
use crate::support::harness::{Harness, Outcome};
use crate::support::http::from_base64url;
use crate::support::world::{NAVIGATION, World, ada};

const LOGOUT: &str = "https://acme.example/oauth2/logout";
const PAGE: &str = "https://acme.example/page";
const DEAD: &str = "__Host-tenantgate-session=k1.AAAA";

pub fn sign_out_here_and_at_the_issuer<H: Harness>() {
    let mut world = World::<H>::new();
    for lines in [
        &NAVIGATION[..],
        &[NAVIGATION[0], NAVIGATION[1], NAVIGATION[2], ("sec-fetch-site", "same-origin")],
        &[NAVIGATION[0], (":method", "POST"), ("sec-fetch-site", "same-origin")],
        &[NAVIGATION[0], (":method", "POST"), ("origin", "https://acme.example")],
        // A program, which sends neither.
        &[(":method", "POST")],
    ] {
        let mut browser = world.signed_in();
        let reply = world.send(&mut browser, LOGOUT, lines).reply();
        assert_eq!(reply.status, 302, "{lines:?}");
        let location = reply.header("location").unwrap();
        let start = "https://login.acme.example/logout?client_id=gate&id_token_hint=";
        let end = "&post_logout_redirect_uri=https%3A%2F%2Facme.example%2F";
        assert!(location.starts_with(start) && location.ends_with(end), "{location}");
        assert!(browser.cookies.is_empty());
        assert_eq!(world.open(&mut browser, "https://acme.example/").reply().status, 302);
    }
    // Without a session here there may still be one at the issuer.
    let issuer =
        "https://login.acme.example/logout?client_id=gate&post_logout_redirect_uri=https%3A%2F%2Facme.example%2F";
    let reply = world.open(&mut world.browser(), LOGOUT).reply();
    assert_eq!((reply.status, reply.header("location"), reply.all("set-cookie").count()), (302, Some(issuer), 0));
    // An invalid session cookie is deleted all the same.
    let reply = world.send(&mut world.browser(), LOGOUT, &[&NAVIGATION[..], &[("cookie", DEAD)]].concat()).reply();
    let deleted = "__Host-tenantgate-session=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax";
    assert_eq!((reply.status, reply.header("set-cookie")), (302, Some(deleted)));
    // A parameter cannot choose the target of the redirect.
    let mut browser = world.signed_in();
    let reply = world
        .open(&mut browser, &format!("{LOGOUT}?post_logout_redirect_uri=https://evil.example&rd=//evil.example"))
        .reply();
    assert!(!reply.header("location").unwrap().contains("evil"));
}

pub fn another_site_can_only_ask<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.signed_in();
    for lines in [
        &[NAVIGATION[0], NAVIGATION[1], NAVIGATION[2], ("sec-fetch-site", "cross-site")][..],
        &[NAVIGATION[0], NAVIGATION[1], NAVIGATION[2], ("sec-fetch-site", "same-site")],
        &[NAVIGATION[0], NAVIGATION[1], NAVIGATION[2], ("sec-fetch-site", "\u{e9}")],
        &[NAVIGATION[0], (":method", "POST"), ("sec-fetch-site", "cross-site"), ("origin", "https://acme.example")],
        &[NAVIGATION[0], (":method", "POST"), ("origin", "https://evil.example")],
        &[NAVIGATION[0], (":method", "POST"), ("origin", "null")],
        // A prefetch of the browser ends nothing, even from a page of the same site.
        &[
            NAVIGATION[0],
            NAVIGATION[1],
            NAVIGATION[2],
            ("sec-fetch-site", "same-origin"),
            ("sec-purpose", "prefetch;prerender"),
        ],
        // An image of a page of the same origin, a script, and a browser without Fetch Metadata.
        &[NAVIGATION[0], ("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
        &[NAVIGATION[0], ("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")],
        &[NAVIGATION[0], ("sec-fetch-site", "same-origin")],
        &[NAVIGATION[0], ("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "navigate")],
        &[NAVIGATION[0], ("sec-fetch-site", "same-origin"), ("sec-fetch-dest", "document")],
        &[NAVIGATION[0]],
        &[NAVIGATION[0], NAVIGATION[1], NAVIGATION[2], NAVIGATION[3], (":method", "OPTIONS")],
    ] {
        let reply = world.send(&mut browser, LOGOUT, lines).reply();
        assert_eq!(reply.status, 200, "{lines:?}");
        assert!(reply.body.contains("<form method=\"post\" action=\"/oauth2/logout\">"), "{}", reply.body);
        assert_eq!(reply.all("set-cookie").count(), 0);
    }
    // A script that takes no page cannot take the answer for a sign-out.
    for lines in [&[][..], &[("accept", "application/json")], &[(":method", "POST"), ("origin", "null")]] {
        let reply = world.send(&mut browser, LOGOUT, lines).reply();
        assert_eq!((reply.status, reply.all("set-cookie").count()), (403, 0), "{lines:?}");
        assert!(reply.body.contains("\"error\":\"logout_confirmation\""), "{}", reply.body);
    }
    world.open(&mut browser, "https://acme.example/").forwarded();
}

/// Without an end session endpoint, the logout is local. A cookie for a domain is deleted for that
/// domain.
pub fn sign_out_here_alone<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        let acme = &mut configuration["tenants"][0];
        acme["provider"].as_object_mut().unwrap().remove("end_session_endpoint");
        acme["hosts"] = json!(["*.acme.example"]);
        acme["login"] =
            json!({ "redirect_uri": "https://login.acme.example/oauth2/callback", "cookie_domain": "acme.example" });
    });
    let mut browser = world.browser();
    world.sign_in(&mut browser, "acme", "https://wiki.acme.example/", &ada());
    let reply = world.open(&mut browser, "https://mail.acme.example/oauth2/logout").reply();
    assert_eq!((reply.status, reply.header("location")), (200, None));
    assert!(reply.body.contains("Signed out"), "{}", reply.body);
    // The session at the issuer goes on, so the issuer is to ask for credentials until a login ends
    // with a session.
    let names: Vec<&str> = browser.cookies.iter().map(|cookie| cookie.name.as_str()).collect();
    assert_eq!(names, ["__Secure-tenantgate-acme~ask"]);
    for _ in 0..2 {
        let url = Url::parse(&world.begin(&mut browser, "https://wiki.acme.example/")).unwrap();
        let asked = url.query_pairs().find(|(name, _)| name == "prompt").map(|(_, value)| value.into_owned());
        assert_eq!(asked.as_deref(), Some("login"));
    }
    // A second sign-out, or one without a session, asks again, too.
    world.open(&mut browser, "https://mail.acme.example/oauth2/logout").reply();
    world.open(&mut browser, "https://mail.acme.example/oauth2/logout").reply();
    assert!(world.begin(&mut browser, "https://wiki.acme.example/").contains("prompt=login"));
}

/// Whether every worker refuses the sessions of `browser`.
pub fn is_over<H: Harness>(world: &mut World<H>, browser: &Browser) -> bool {
    (0..8).all(|_| matches!(world.open(&mut browser.clone(), PAGE), Outcome::Replied(_)))
}

/// A copy of a session that was signed out is refused. Other sessions of the user go on.
pub fn a_copy_of_the_cookie_is_dead<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.signed_in();
    let (copy, mut other) = (browser.clone(), world.signed_in());
    world.open(&mut copy.clone(), PAGE).forwarded();
    world.open(&mut browser, LOGOUT).reply();
    world.eventually(|world| is_over(world, &copy));
    world.open(&mut other, PAGE).forwarded();
    // The other sessions can sign out, too.
    assert_eq!(world.open(&mut other, LOGOUT).reply().status, 302);
    world.sign_in(&mut browser, "acme", PAGE, &ada());
}

/// Logout deletes every cookie: all parts of the session and the login attempts of other tabs.
pub fn every_cookie_goes<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.browser();
    world.begin(&mut browser, PAGE);
    world.begin(&mut browser, PAGE);
    let mut session = world.signed_in();
    browser.cookies.append(&mut session.cookies);
    let session = browser.named("-session").remove(0);
    for name in ["__Host-tenantgate-session-1", "__Host-tenantgate-session-2"] {
        browser.cookies.push(Cookie { name: name.to_owned(), ..session.clone() });
    }
    let foreign = ["theme", "__Host-tenantgate-\"x", "__Secure-tenantgate-session", "__Host-tenantgatex"];
    let foreign = foreign.map(|name| Cookie { name: name.to_owned(), ..session.clone() });
    browser.cookies.extend(foreign.clone());
    assert_eq!(browser.cookies.len(), 9);
    assert_eq!(world.open(&mut browser, LOGOUT).reply().status, 302);
    assert_eq!(browser.cookies, foreign);
}

/// A sign-out revokes a session that `session.idle` ended for this browser: a copy of the cookie
/// that was kept in use ends, too.
pub fn a_copy_that_was_kept_in_use_is_dead<H: Harness>() {
    let mut world = World::<H>::with(|configuration| configuration["session"]["idle"] = json!("30m"));
    let mut browser = world.signed_in();
    let mut copy = browser.clone();
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(15 * 60));
        world.open(&mut copy, PAGE).forwarded();
    }
    assert_eq!(world.open(&mut browser.clone(), PAGE).reply().status, 302);
    assert_eq!(world.open(&mut browser, LOGOUT).reply().status, 302);
    assert_eq!(world.open(&mut copy, PAGE).reply().status, 302);
}

/// The issuer is told the session that is valid, not one that ended before.
pub fn the_hint_names_the_valid_session<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["session"]["idle"] = json!("30m");
        configuration["tenants"][0]["login"] = json!({ "cookie_domain": "acme.example" });
    });
    let ended = world.signed_in().named("~session").remove(0);
    world.clock.advance(Duration::from_secs(1800));
    let mut browser = world.browser();
    world.sign_in(&mut browser, "acme", PAGE, &json!({ "sub": "bob" }));
    let valid = browser.named("~session").remove(0);
    let line = format!("{}={}; {}={}", ended.name, ended.value, valid.name, valid.value);
    let lines = [&NAVIGATION[..], &[("cookie", &line)]].concat();
    let reply = world.send(&mut world.browser(), LOGOUT, &lines).reply();
    let location = Url::parse(reply.header("location").unwrap()).unwrap();
    let hint = location.query_pairs().find(|(name, _)| name == "id_token_hint").unwrap().1;
    let claims = from_base64url(hint.split('.').nth(1).unwrap());
    assert_eq!(serde_json::from_slice::<Value>(&claims).unwrap()["sub"], "bob");
}

/// Cookies that a sibling host plants for the domain do not keep those of Tenantgate from being
/// deleted.
pub fn planted_cookies_keep_none<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["login"] = json!({ "cookie_domain": "acme.example" });
    });
    let browser = world.signed_in();
    let session = browser.named("~session").remove(0);
    let planted = (0..40).map(|n| format!("__Secure-tenantgate-acme~a{n}=x")).collect::<Vec<_>>().join("; ");
    let line = format!("{planted}; {}={}", session.name, session.value);
    let lines = [&NAVIGATION[..], &[("cookie", &line)]].concat();
    let reply = world.send(&mut world.browser(), LOGOUT, &lines).reply();
    assert!(
        reply.all("set-cookie").any(|line| line.starts_with("__Secure-tenantgate-acme~session=; Max-Age=0;")),
        "{reply:?}"
    );
}

/// Which parameter tells the issuer the session: `id_token_hint` or `logout_hint`.
pub fn the_issuer_is_told_which_session<H: Harness>() {
    let hint = |world: &mut World<H>, person: &Value| {
        let mut browser = world.browser();
        world.sign_in(&mut browser, "acme", PAGE, person);
        let reply = world.open(&mut browser, LOGOUT).reply();
        let url = Url::parse(reply.header("location").unwrap()).unwrap();
        let parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((names[0], names[2], names.len()), ("client_id", "post_logout_redirect_uri", 3));
        parameters[1].clone()
    };
    let told = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let groups =
        |count| -> Vec<String> { (0..count).map(|number| format!("a group of this number: {number}")).collect() };
    // With this many groups, the session fits into one cookie, and its ID token into another one.
    let many = json!({ "sub": "ada", "groups": groups(40) });
    let too_many = json!({ "sub": "ada", "groups": groups(250) });
    for (keep, for_few, for_many) in [
        (None, "id_token_hint", "logout_hint"),
        (Some(true), "id_token_hint", "id_token_hint"),
        (Some(false), "logout_hint", "logout_hint"),
    ] {
        let mut world = World::<H>::with(|configuration| {
            if let Some(keep) = keep {
                configuration["tenants"][0]["login"]["keep_id_token"] = json!(keep);
            }
        });
        for (person, expected) in [(&ada(), for_few), (&many, for_many)] {
            let (name, value) = hint(&mut world, person);
            assert_eq!(name, expected, "{keep:?}");
            let is_token = world.issuer("acme", |issuer| issuer.secrets.contains(&value));
            assert_eq!(is_token, name == "id_token_hint");
        }
        // An ID token that is too large for all cookies is not kept.
        assert_eq!(hint(&mut world, &too_many), told("logout_hint", "ada"), "{keep:?}");
    }
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["login"]["keep_id_token"] = json!(false);
    });
    assert_eq!(hint(&mut world, &json!({ "sub": "a&b=c" })), told("logout_hint", "a&b=c"));
    assert_eq!(hint(&mut world, &json!({ "sub": "ada", "sid": "s+1" })), told("logout_hint", "s+1"));
}

/// Without an end session endpoint nobody gets the ID token, so it takes no room in the cookie.
pub fn an_id_token_is_kept_for_an_issuer_that_signs_out<H: Harness>() {
    let size = |change: fn(&mut Value)| {
        let mut world = World::<H>::with(|configuration| change(&mut configuration["tenants"][0]));
        let session = world.signed_in().named("-session");
        assert_eq!(session.len(), 1);
        session[0].value.len()
    };
    let remove = |tenant: &mut Value| drop(tenant["provider"].as_object_mut().unwrap().remove("end_session_endpoint"));
    let with = size(|_| {});
    let without = size(remove);
    assert!(with > without + 300, "{with} {without}");
    let off = size(|tenant| tenant["login"]["keep_id_token"] = json!(false));
    assert_eq!(off, without);
}

pub fn the_configuration_ends_sessions<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.signed_in();
    let now = world.clock.now();
    let load = |world: &mut World<H>, seconds: u64| {
        let moment = humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds));
        let mut configuration = world.configuration();
        configuration["tenants"][0]["sessions_not_before"] = json!(moment.to_string());
        world.harness.reconfigure(&configuration);
    };
    load(&mut world, now - 3600);
    world.open(&mut browser, PAGE).forwarded();
    // A time in the future ends nothing yet.
    load(&mut world, now + 3600);
    world.open(&mut browser, PAGE).forwarded();
    load(&mut world, now + 2);
    world.eventually(|world| is_over(world, &browser));
    world.sign_in(&mut browser, "acme", PAGE, &ada());
}
