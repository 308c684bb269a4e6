//! How long a session is one.

use std::time::Duration;

use serde_json::json;

use crate::support::configuration::{OTHER_SESSION_KEY, SESSION_KEY};
use crate::support::rig::{Rig, values};
use crate::support::signer::Signer;
use crate::support::world::{NAVIGATION, World, ada};

const HOME: &str = "https://acme.example/";

pub fn a_session_ends<R: Rig>() {
    let mut world = World::<R>::new();
    let mut browser = world.signed_in();
    let cookie = browser.cookie_line("acme.example").unwrap();
    world.clock.advance(Duration::from_secs(8 * 60 * 60 - 1));
    world.open(&mut browser, HOME).forwarded();
    world.clock.advance(Duration::from_secs(1));
    let reply = world.send(&mut world.browser(), HOME, &[("cookie", &cookie), NAVIGATION[0]]).reply();
    assert_eq!(reply.status, 302);
    // A shorter lifetime bites at once.
    let mut browser = world.signed_in();
    let mut configuration = world.configuration();
    configuration["session"]["lifetime"] = json!("30m");
    world.rig.reconfigure(&configuration);
    world.open(&mut browser, HOME).forwarded();
    world.clock.advance(Duration::from_secs(30 * 60));
    assert_eq!(world.open(&mut browser, HOME).reply().status, 302);
}

pub fn a_clock_that_was_put_back<R: Rig>() {
    let mut world = World::<R>::new();
    let mut browser = world.signed_in();
    world.clock.put_back(Duration::from_secs(30));
    world.open(&mut browser, HOME).forwarded();
    world.clock.put_back(Duration::from_secs(60 * 60));
    assert_eq!(world.open(&mut browser, HOME).reply().status, 302);
}

pub fn a_tampered_session_is_none<R: Rig>() {
    let mut world = World::<R>::new();
    let cookie = world.signed_in().cookie_line("acme.example").unwrap();
    let (name, value) = cookie.split_once('=').unwrap();
    let mut tampered: Vec<String> = (0..value.len())
        .step_by(value.len() / 24)
        .map(|place| {
            let other = if value.as_bytes()[place] == b'A' { "B" } else { "A" };
            format!("{name}={}{other}{}", &value[..place], &value[place + 1..])
        })
        .collect();
    let (id, sealed) = value.split_once('.').unwrap();
    tampered.extend([
        format!("{name}="),
        format!("{name}={id}."),
        format!("{name}={sealed}"),
        format!("{name}=k2.{sealed}"),
        format!("{name}={value}A"),
        format!("{name}={value}="),
        format!("{name}={}", &value[..value.len() - 1]),
        format!("{name}=\"{value}\""),
        format!("{}={value}", name.to_uppercase()),
    ]);
    for cookie in tampered {
        let reply = world.send(&mut world.browser(), HOME, &[("cookie", &cookie)]).reply();
        assert_eq!(reply.status, 401, "{cookie}");
    }
}

/// A sealed login is no session, and a sealed session no login.
pub fn purposes_do_not_mix<R: Rig>() {
    let mut world = World::<R>::new();
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", HOME, &ada());
    let login = browser.cookies[0].clone();
    let as_session = format!("__Host-tenantgate-session={}", login.value);
    assert_eq!(world.send(&mut world.browser(), HOME, &[("cookie", &as_session)]).reply().status, 401);

    let session = world.signed_in().cookies[0].value.clone();
    let as_login = format!("{}={session}", login.name);
    let reply = world.send(&mut world.browser(), &callback, &[("cookie", &as_login), NAVIGATION[0]]).reply();
    assert_eq!(reply.status, 400);
}

/// Both keys known: nobody is signed out. The old one gone: a new login, not an error.
pub fn keys_roll<R: Rig>() {
    let mut world = World::<R>::new();
    let mut browser = world.signed_in();
    let callback = world.callback(&mut browser, "globex", "https://globex.example/", &ada());
    let (old, new) = (json!({ "id": "k1", "key": SESSION_KEY }), json!({ "id": "k2", "key": OTHER_SESSION_KEY }));

    let mut configuration = world.configuration();
    configuration["session"]["keys"] = json!([new, old]);
    world.rig.reconfigure(&configuration);
    world.open(&mut browser, HOME).forwarded();
    assert_eq!(world.open(&mut browser, &callback).reply().status, 302);
    assert!(browser.named("-session").iter().any(|cookie| cookie.value.starts_with("k2.")));

    configuration["session"]["keys"] = json!([new]);
    world.rig.reconfigure(&configuration);
    assert_eq!(world.open(&mut browser, HOME).reply().status, 302);
    world.open(&mut browser, "https://globex.example/").forwarded();
    // The same id for another key opens nothing.
    configuration["session"]["keys"] = json!([{ "id": "k2", "key": SESSION_KEY }]);
    world.rig.reconfigure(&configuration);
    assert_eq!(world.open(&mut browser, "https://globex.example/").reply().status, 302);
}

pub fn the_key_that_vouched_leaves<R: Rig>() {
    let mut world = World::<R>::new();
    let mut browser = world.signed_in();
    let mut configuration = world.configuration();
    configuration["tenants"][0]["keys"] = json!([Signer::eddsa().configured(), Signer::es256().configured()]);
    world.rig.reconfigure(&configuration);
    world.open(&mut browser, HOME).forwarded();

    for (pointer, value) in [
        ("/tenants/0/keys", json!([Signer::eddsa().configured()])),
        ("/tenants/0/issuer", json!("https://moved.acme.example")),
        ("/tenants/0/client_id", json!("other")),
        ("/tenants/0/name", json!("acme2")),
    ] {
        let mut changed = configuration.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        world.rig.reconfigure(&changed);
        assert_eq!(world.open(&mut browser, HOME).reply().status, 302, "{pointer}");
    }
    world.rig.reconfigure(&configuration);
    world.open(&mut browser, HOME).forwarded();
}

/// Two cookies of one name: a planted one before or behind does not hide the one that opens.
pub fn a_planted_cookie_does_not_get_in_the_way<R: Rig>() {
    let mut world = World::<R>::new();
    let good = world.signed_in().cookie_line("acme.example").unwrap();
    let planted = "__Host-tenantgate-session=planted";
    for cookie in
        [format!("{planted}; {good}"), format!("{good}; {planted}"), format!("{planted}; {planted}; {planted}; {good}")]
    {
        let seen = world.send(&mut world.browser(), HOME, &[("cookie", &cookie)]).forwarded();
        assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
        assert_eq!(values(&seen, "cookie"), <[String; 0]>::default());
    }
    // Not without end.
    let flood = format!("{}{good}", format!("{planted}; ").repeat(4));
    assert_eq!(world.send(&mut world.browser(), HOME, &[("cookie", &flood)]).reply().status, 401);
}

/// Whoever signs in last is who it is: nothing of the session before is left (session fixation).
pub fn a_new_login_replaces_the_session<R: Rig>() {
    let mut world = World::<R>::new();
    let mut browser = world.browser();
    let bob = json!({ "sub": "bob", "groups": ["guests"] });
    let as_ada = world.callback(&mut browser, "acme", HOME, &ada());
    let as_bob = world.callback(&mut browser, "acme", HOME, &bob);
    assert_eq!(world.open(&mut browser, &as_ada).reply().status, 302);
    assert_eq!(world.open(&mut browser, &as_bob).reply().status, 302);
    assert_eq!(browser.cookies.len(), 1);
    let seen = world.open(&mut browser, HOME).forwarded();
    assert_eq!(values(&seen, "x-auth-request-user"), ["bob"]);
    assert_eq!(values(&seen, "x-auth-request-groups"), ["guests"]);
    assert_eq!(values(&seen, "x-auth-request-email"), <[String; 0]>::default());
}
