//! What an operator sees of the events: counters, and lines in the log.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::keys::discover;
use super::refresh::seconds;
use crate::support::browser::Browser;
use crate::support::configuration::OTHER_SESSION_KEY;
use crate::support::harness::Harness;
use crate::support::issuer::{Answer, Refresh};
use crate::support::signer::Signer;
use crate::support::world::{NAVIGATION, World};

const PAGE: &str = "https://acme.example/page";

/// Every event of a tenant is counted in total and for that tenant. Nothing that a client sends
/// makes a counter of its own.
pub fn events_are_counted_for_each_tenant<H: Harness>() {
    let mut world = World::<H>::new();
    world.signed_in();
    for host in ["acme.example", "globex.example", "globex.example", "initech.example", "INITECH.example:8443"] {
        world.send(&mut world.browser(), &format!("https://{host}/"), &[]).reply();
    }
    world.eventually(|world| world.harness.counter("unauthenticated") == 3);
    world.eventually(|world| world.harness.counter("unknown_host") == 2);
    let tenants = |world: &mut World<H>| -> Vec<(String, u64)> {
        world.harness.counters().into_iter().filter(|(name, _)| name.starts_with("tenant.")).collect()
    };
    // Each worker of Envoy sends the counts of tenants at its own tick.
    world.eventually(|world| tenants(world).iter().map(|(_, count)| count).sum::<u64>() == 5);
    let expected = ["acme.login_finished", "acme.login_started", "acme.unauthenticated", "globex.unauthenticated"];
    assert_eq!(
        tenants(&mut world),
        expected.map(|name| (format!("tenant.{name}"), 1 + u64::from(name.starts_with("globex"))))
    );
}

/// A mistake in the configuration of a tenant is one of that tenant.
pub fn mistakes_are_counted_for_their_tenant<H: Harness>() {
    let mut world = World::<H>::with(|configuration| configuration["tenants"][1]["issuer"] = json!("nonsense"));
    world.send(&mut world.browser(), "https://globex.example/", &[]).reply();
    world.eventually(|world| world.harness.counter("tenant.globex.tenant_broken") == 1);
    world.eventually(|world| world.harness.counter("tenant.globex.tenant_config_error") > 0);
    assert_eq!(
        world.harness.counter("tenant.globex.tenant_config_error"),
        world.harness.counter("tenant_config_error")
    );
}

/// Tenants can go without counters of their own.
pub fn counters_of_tenants_can_be_switched_off<H: Harness>() {
    let mut world = World::<H>::with(|configuration| configuration["stats"] = json!({ "per_tenant": false }));
    world.signed_in();
    // Envoy has two workers. One of them gets two requests at least, and sends the counts of the
    // second one and of tenants at its tick.
    for _ in 0..4 {
        world.send(&mut world.browser(), "https://globex.example/", &[]).reply();
    }
    world.eventually(|world| world.harness.counter("unauthenticated") == 4);
    let counters = world.harness.counters();
    assert!(!counters.keys().any(|name| name.starts_with("tenant.")), "{counters:?}");
}

/// The lines that sum up an event at acme, in place of one line for each request.
fn summaries<H: Harness>(world: &mut World<H>, event: &str) -> Vec<String> {
    let start = format!("{event} tenant=acme: ");
    let log = world.harness.log();
    log.lines().filter(|line| line.contains(&start)).map(str::to_owned).collect()
}

/// A session key is removed, and everybody is signed out: the log says so at Envoy's default level,
/// in one line for each worker, and says that anybody can send such a cookie.
pub fn a_mass_sign_out_is_in_the_log<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.signed_in();
    let mut configuration = world.configuration();
    configuration["session"]["keys"] = json!([{ "id": "k2", "key": OTHER_SESSION_KEY }]);
    world.harness.reconfigure(&configuration);
    for _ in 0..8 {
        assert_eq!(world.send(&mut browser, PAGE, &[]).reply().status, 401);
    }
    world.eventually(|world| world.harness.counter("tenant.acme.session_key_unknown") == 8);
    world.eventually(|world| !summaries(world, "session_key_unknown").is_empty());
    let lines = summaries(&mut world, "session_key_unknown");
    assert!(lines.len() <= 2, "{lines:?}");
    for line in lines {
        assert!(line.contains(" requests in ") && line.contains("; anybody can cause that"), "{line}");
    }
    assert!(!world.harness.log().contains("session_key_unknown tenant=globex"));
    assert_eq!(world.harness.counter("session_unreadable"), 0);
}

/// Every reason for which a session ends has an event. A request with such a session has a line of
/// its own below Envoy's default level.
pub fn every_end_of_a_session_has_a_reason<H: Harness>() {
    let load = |world: &mut World<H>, change: fn(&mut Value)| {
        let mut configuration = world.configuration();
        prepare(&mut configuration);
        change(&mut configuration);
        world.harness.reconfigure(&configuration);
    };
    let replace = |browser: &mut Browser, value: &dyn Fn(&str) -> String| {
        let cookie = browser.cookies.iter_mut().find(|cookie| cookie.name.ends_with("-session")).unwrap();
        cookie.value = value(&cookie.value);
    };
    for event in [
        "email_unverified",
        "expired",
        "idle",
        "in_future",
        "key_removed",
        "key_unknown",
        "not_before",
        "revoked",
        "unconfirmed",
        "unreadable",
    ] {
        let mut world = World::<H>::with(prepare);
        world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
        let mut browser = world.browser();
        let person = json!({ "sub": "ada", "email": "ada@acme.example", "email_verified": false });
        world.sign_in(&mut browser, "acme", PAGE, &person);
        browser.cookies.retain(|cookie| cookie.name.ends_with("-session"));
        browser.cookies.iter_mut().for_each(|cookie| cookie.expires = u64::MAX);
        match event {
            "email_unverified" => load(&mut world, |configuration| {
                configuration["tenants"][0]["identity"]["require_email_verified"] = json!(true);
            }),
            "expired" => world.clock.advance(Duration::from_secs(8 * 60 * 60)),
            "idle" => world.clock.advance(seconds(600)),
            "in_future" => world.clock.put_back(seconds(61)),
            "key_removed" => load(&mut world, |configuration| {
                configuration["tenants"][0]["keys"] = json!([Signer::eddsa().configured()]);
            }),
            "key_unknown" => replace(&mut browser, &|value| value.replacen("k1.", "k0.", 1)),
            "not_before" => {
                world.clock.advance(seconds(60));
                let now = UNIX_EPOCH + seconds(world.clock.now());
                let mut configuration = world.configuration();
                prepare(&mut configuration);
                let moment = humantime::format_rfc3339_seconds(now).to_string();
                configuration["tenants"][0]["sessions_not_before"] = json!(moment);
                world.harness.reconfigure(&configuration);
            }
            "revoked" => {
                let reply = world.open(&mut browser.clone(), "https://acme.example/oauth2/logout").reply();
                assert_eq!(reply.status, 302);
            }
            "unconfirmed" => {
                let answer = Answer::Raw(400, br#"{"error":"invalid_grant"}"#.to_vec());
                world.issuer("acme", |issuer| issuer.answer = answer);
                world.clock.advance(seconds(300));
            }
            _ => replace(&mut browser, &|value| value.replacen("k1.", "k1.AAAA", 1)),
        }
        let event = format!("session_{event}");
        // A page, a program, and a page that asks who is signed in.
        let ask = "https://acme.example/oauth2/userinfo";
        for (url, lines, status) in [(PAGE, &NAVIGATION[..], 302), (PAGE, &[], 401), (ask, &[], 401)] {
            assert_eq!(world.send(&mut browser.clone(), url, lines).reply().status, status, "{event}");
        }
        world.eventually(|world| world.harness.counter(&format!("tenant.acme.{event}")) == 3);
        let line = format!("{event} tenant=acme request_id=");
        assert_eq!(world.harness.log().lines().filter(|logged| logged.starts_with(&line)).count(), 3, "{event}");
        let others = world.harness.counters();
        let others = others.keys().filter(|name| name.starts_with("session_") && **name != event);
        assert_eq!(others.collect::<Vec<_>>(), Vec::<&String>::new(), "{event}");
    }
}

/// Sessions that are refreshed after 5 minutes, are idle after 10, and whose user is an address
/// that need not be verified.
fn prepare(configuration: &mut Value) {
    configuration["session"]["idle"] = json!("10m");
    configuration["tenants"][0]["refresh"] = json!({});
    configuration["tenants"][0]["identity"] = json!({ "user": "email", "require_email_verified": false });
}

/// A public page is served without the session that is over, and its end is counted.
pub fn a_public_page_counts_the_end_of_a_session<H: Harness>() {
    let rules = json!([{ "paths": ["/page"], "allow": "public" }, { "allow": "any_user" }]);
    let mut world = World::<H>::with(|configuration| configuration["tenants"][0]["access"] = rules.clone());
    let mut browser = world.signed_in();
    let mut configuration = world.configuration();
    configuration["tenants"][0]["access"] = rules;
    configuration["session"]["keys"] = json!([{ "id": "k1", "key": OTHER_SESSION_KEY }]);
    world.harness.reconfigure(&configuration);
    world.open(&mut browser, PAGE).forwarded();
    world.eventually(|world| world.harness.counter("tenant.acme.session_unreadable") == 1);
}

/// The end of a session is counted, even if its browser has to wait for the metadata of the issuer.
pub fn a_request_that_waits_counts_the_end_of_a_session<H: Harness>() {
    let mut world = World::<H>::with_issuer(
        |issuer| issuer.rotate(Signer::es256(), "one"),
        |configuration| discover(&mut configuration["tenants"][0], |_| {}),
    );
    let lines = [&NAVIGATION[..], &[("cookie", "__Host-tenantgate-session=k0.AAAA")]].concat();
    assert_eq!(world.send(&mut world.browser(), PAGE, &lines).reply().status, 302);
    world.eventually(|world| world.harness.counter("tenant.acme.session_key_unknown") == 1);
}
