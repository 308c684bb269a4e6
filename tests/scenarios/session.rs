//! The session cookie: lifetime, keys, size.

use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::browser::Browser;
use crate::support::configuration::{OTHER_SESSION_KEY, SESSION_KEY};
use crate::support::harness::{Harness, Reply, values};
use crate::support::issuer::Issuer;
use crate::support::signer::Signer;
use crate::support::world::{NAVIGATION, World, ada};

const HOME: &str = "https://acme.example/";

pub fn a_session_ends<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.signed_in();
    let cookie = browser.cookie_line("acme.example").unwrap();
    world.clock.advance(Duration::from_secs(8 * 60 * 60 - 1));
    world.open(&mut browser, HOME).forwarded();
    world.clock.advance(Duration::from_secs(1));
    let reply = world.send(&mut world.browser(), HOME, &[("cookie", &cookie), NAVIGATION[0]]).reply();
    assert_eq!(reply.status, 302);
    // A shorter lifetime applies at once.
    let mut browser = world.signed_in();
    let mut configuration = world.configuration();
    configuration["session"]["lifetime"] = json!("30m");
    world.harness.reconfigure(&configuration);
    world.open(&mut browser, HOME).forwarded();
    world.clock.advance(Duration::from_secs(30 * 60));
    assert_eq!(world.open(&mut browser, HOME).reply().status, 302);
}

/// What is remembered of a session that is used often makes it no longer, and opens nothing else.
pub fn a_session_that_is_used_often_ends<H: Harness>() {
    let mut world = World::<H>::new();
    let used = |world: &mut World<H>| {
        let mut browser = world.signed_in();
        (0..4).for_each(|_| drop(world.open(&mut browser, HOME).forwarded()));
        browser
    };
    let mut browser = used(&mut world);
    let cookie = browser.cookie_line("acme.example").unwrap();
    let send = |world: &mut World<H>, url: &str, cookie: &str| {
        world.send(&mut world.browser(), url, &[("cookie", cookie), NAVIGATION[0]])
    };
    send(&mut world, HOME, &cookie).forwarded();
    // At another tenant, and with another beginning.
    assert_eq!(send(&mut world, "https://globex.example/", &cookie).reply().status, 302);
    let (start, rest) = cookie.split_once("=").unwrap();
    let place = rest.find('.').unwrap() + 5;
    let other = if rest.as_bytes()[place] == b'A' { "B" } else { "A" };
    let tampered = format!("{start}={}{other}{}", &rest[..place], &rest[place + 1..]);
    assert_eq!(send(&mut world, HOME, &tampered).reply().status, 302);
    // After a sign-out, and when its lifetime is over.
    world.open(&mut browser, "https://acme.example/oauth2/logout").reply();
    assert_eq!(send(&mut world, HOME, &cookie).reply().status, 302);
    let mut browser = used(&mut world);
    world.clock.advance(Duration::from_secs(8 * 60 * 60 - 1));
    world.open(&mut browser, HOME).forwarded();
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.open(&mut browser, HOME).reply().status, 302);
    // If the clock is put back, it does not last longer.
    let mut browser = used(&mut world);
    world.clock.put_back(Duration::from_secs(60 * 60));
    assert_eq!(world.open(&mut browser, HOME).reply().status, 302);
}

pub fn a_clock_that_was_put_back<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.signed_in();
    world.clock.put_back(Duration::from_secs(30));
    world.open(&mut browser, HOME).forwarded();
    world.clock.put_back(Duration::from_secs(60 * 60));
    assert_eq!(world.open(&mut browser, HOME).reply().status, 302);
}

pub fn a_tampered_session_is_none<H: Harness>() {
    let mut world = World::<H>::new();
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

/// A sealed login attempt is not a session, and a session is not a login attempt.
pub fn purposes_do_not_mix<H: Harness>() {
    let mut world = World::<H>::new();
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

/// While both keys are known, sessions go on. Without the old key, a new login starts.
pub fn keys_roll<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.signed_in();
    let callback = world.callback(&mut browser, "globex", "https://globex.example/", &ada());
    let (old, new) = (json!({ "id": "k1", "key": SESSION_KEY }), json!({ "id": "k2", "key": OTHER_SESSION_KEY }));

    let mut configuration = world.configuration();
    configuration["session"]["keys"] = json!([new, old]);
    world.harness.reconfigure(&configuration);
    world.open(&mut browser, HOME).forwarded();
    assert_eq!(world.open(&mut browser, &callback).reply().status, 302);
    assert!(browser.named("-session").iter().any(|cookie| cookie.value.starts_with("k2.")));

    configuration["session"]["keys"] = json!([old]);
    world.harness.reconfigure(&configuration);
    let mut late = world.browser();
    let under_way = world.callback(&mut late, "acme", "https://acme.example/page", &ada());
    configuration["session"]["keys"] = json!([new]);
    world.harness.reconfigure(&configuration);
    assert_eq!(world.open(&mut browser, HOME).reply().status, 302);
    // A login under way starts again, without an error.
    let again = world.open(&mut late, &under_way).reply();
    assert!(again.header("location").unwrap().starts_with("https://login.acme.example/auth?"), "{}", again.body);
    let callback = world.issuer("acme", |issuer| issuer.authorize(again.header("location").unwrap(), &ada()));
    assert_eq!(world.open(&mut late, &callback).reply().header("location"), Some(HOME));
    world.open(&mut late, HOME).forwarded();
    let script = [("accept", "text/html"), ("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")];
    let unknown = format!("__Host-tenantgate-login-{}=k9.AAAA", &state_of(&under_way)[..16]);
    let lines = [script[0], script[1], script[2], ("cookie", &unknown)];
    assert_eq!(world.send(&mut world.browser(), &under_way, &lines).reply().status, 400);
    world.open(&mut browser, "https://globex.example/").forwarded();
    // Another key under the same id opens nothing.
    configuration["session"]["keys"] = json!([{ "id": "k2", "key": SESSION_KEY }]);
    world.harness.reconfigure(&configuration);
    assert_eq!(world.open(&mut browser, "https://globex.example/").reply().status, 302);
}

/// Replicas without a common session key: the redirect loop ends.
pub fn replicas_with_other_keys<H: Harness>() {
    let mut world = World::<H>::new();
    let configuration = world.configuration();
    let mut other = configuration.clone();
    other["session"]["keys"] = json!([{ "id": "k2", "key": OTHER_SESSION_KEY }]);
    let mut browser = world.browser();
    let mut address = world.begin(&mut browser, HOME);
    for round in 0..4 {
        world.harness.reconfigure(if round % 2 == 0 { &other } else { &configuration });
        let callback = world.issuer("acme", |issuer| issuer.authorize(&address, &ada()));
        let reply = world.open(&mut browser, &callback).reply();
        match reply.header("location") {
            Some(location) => address = location.to_owned(),
            None => {
                assert_eq!((round, reply.status), (3, 403));
                assert!(reply.body.contains("You keep being signed out"), "{}", reply.body);
            }
        }
    }
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 0);
}

/// `state` of a callback.
pub fn state_of(callback: &str) -> &str {
    callback.split(['?', '&']).find_map(|pair| pair.strip_prefix("state=")).unwrap()
}

pub fn the_verification_key_is_removed<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.signed_in();
    let mut configuration = world.configuration();
    configuration["tenants"][0]["keys"] = json!([Signer::eddsa().configured(), Signer::es256().configured()]);
    world.harness.reconfigure(&configuration);
    world.open(&mut browser, HOME).forwarded();

    for (pointer, value) in [
        ("/tenants/0/keys", json!([Signer::eddsa().configured()])),
        ("/tenants/0/issuer", json!("https://moved.acme.example")),
        ("/tenants/0/client_id", json!("other")),
        ("/tenants/0/name", json!("acme2")),
    ] {
        let mut changed = configuration.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        world.harness.reconfigure(&changed);
        assert_eq!(world.open(&mut browser, HOME).reply().status, 302, "{pointer}");
    }
    world.harness.reconfigure(&configuration);
    world.open(&mut browser, HOME).forwarded();
}

/// Two cookies of the same name: a planted one, before or after, does not hide the valid one.
pub fn a_planted_cookie_does_not_get_in_the_way<H: Harness>() {
    let mut world = World::<H>::new();
    let good = world.signed_in().cookie_line("acme.example").unwrap();
    let planted = "__Host-tenantgate-session=planted";
    for cookie in
        [format!("{planted}; {good}"), format!("{good}; {planted}"), format!("{planted}; {planted}; {planted}; {good}")]
    {
        let seen = world.send(&mut world.browser(), HOME, &[("cookie", &cookie)]).forwarded();
        assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
        assert_eq!(values(&seen, "cookie"), <[String; 0]>::default());
    }
    // The number of cookies that are tried is limited.
    let flood = format!("{}{good}", format!("{planted}; ").repeat(4));
    assert_eq!(world.send(&mut world.browser(), HOME, &[("cookie", &flood)]).reply().status, 401);
}

/// A new login replaces the session completely (session fixation).
pub fn a_new_login_replaces_the_session<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.browser();
    let bob = json!({ "sub": "bob", "groups": ["guests"] });
    let as_ada = world.callback(&mut browser, "acme", HOME, &ada());
    let as_bob = world.callback(&mut browser, "acme", HOME, &bob);
    assert_eq!(world.open(&mut browser, &as_ada).reply().status, 302);
    assert_eq!(world.open(&mut browser, &as_bob).reply().status, 302);
    assert_eq!(browser.named("-session").len(), 1);
    let seen = world.open(&mut browser, HOME).forwarded();
    assert_eq!(values(&seen, "x-auth-request-user"), ["bob"]);
    assert_eq!(values(&seen, "x-auth-request-groups"), ["guests"]);
    assert_eq!(values(&seen, "x-auth-request-email"), <[String; 0]>::default());
}

/// The sizes of sessions in the documents: without an ID token, with one, and with one as Keycloak
/// issues it.
pub fn a_typical_session_is_small<H: Harness>() {
    let groups = [
        "engineering",
        "platform-admins",
        "oncall",
        "vpn-users",
        "github",
        "jira-users",
        "confluence",
        "berlin",
        "all-staff",
        "release-managers",
    ];
    let id = "8c6ac1f0-5d0e-4a2c-9a0e-3f4f0c5f7f11";
    let person = json!({ "sub": id, "email": "ada.lovelace@acme.example", "groups": groups });
    let mut keycloak = person.clone();
    keycloak.as_object_mut().unwrap().extend([
        ("jti".to_owned(), json!(id)),
        ("sid".to_owned(), json!(id)),
        ("typ".to_owned(), json!("ID")),
        ("azp".to_owned(), json!("gate")),
        ("auth_time".to_owned(), json!(1_800_000_000)),
        ("acr".to_owned(), json!("1")),
        ("email_verified".to_owned(), json!(true)),
        ("name".to_owned(), json!("Ada Lovelace")),
        ("preferred_username".to_owned(), json!("ada.lovelace")),
        ("given_name".to_owned(), json!("Ada")),
        ("family_name".to_owned(), json!("Lovelace")),
    ]);
    for (keeps, signer, kid, person, what, limit) in [
        (false, Signer::es256(), None, &person, "without an ID token", 700),
        (true, Signer::es256(), None, &person, "with an ID token (ES256)", 1400),
        (true, Signer::rs256(), Some(id), &keycloak, "with an ID token as of Keycloak (RS256)", 2400),
    ] {
        let issuer = |issuer: &mut Issuer| (issuer.signer, issuer.kid) = (signer, kid);
        let mut world = World::<H>::with_issuer(issuer, |configuration| {
            configuration["tenants"][0]["login"]["keep_id_token"] = json!(keeps);
        });
        let mut browser = world.browser();
        world.sign_in(&mut browser, "acme", HOME, person);
        let session = browser.named("-session");
        let size = session[0].name.len() + 1 + session[0].value.len();
        // Written to the terminal, since the test runner captures `println!`.
        let line = format!("a session with 10 groups, {what}, takes {size} bytes of the Cookie header\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        assert!(size < limit && session.len() == 1, "{what}: {size}");
    }
}

/// A large session takes several cookies, and one part alone is not a session.
pub fn a_large_session_is_whole_or_none<H: Harness>() {
    let mut world = World::<H>::new();
    let groups = |count| -> Value { (0..count).map(|number| json!(format!("group-number-{number}"))).collect() };
    let mut large = || {
        let mut browser = world.browser();
        let (_, seen) = world.sign_in(&mut browser, "acme", HOME, &json!({ "sub": "ada", "groups": groups(600) }));
        assert_eq!(values(&seen, "x-auth-request-groups")[0].split(',').count(), 600);
        browser
    };
    let (mut browser, other) = (large(), large());
    let pairs = |browser: &Browser| -> Vec<(String, String)> {
        browser.named("-session").into_iter().map(|cookie| (cookie.name, cookie.value)).collect()
    };
    let (ours, others) = (pairs(&browser), pairs(&other));
    let name = |piece: usize| ours[piece].0.clone();
    assert_eq!(
        ours.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        [
            "__Host-tenantgate-session",
            "__Host-tenantgate-session-1",
            "__Host-tenantgate-session-2",
            "__Host-tenantgate-session-3"
        ]
    );
    let mut sent = |pairs: &[(String, String)]| {
        let line = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        world.send(&mut world.browser(), HOME, &[("cookie", &line)])
    };
    let mut good = vec![ours.clone(), ours.iter().rev().cloned().collect()];
    let planted = |at: usize| [&ours[..at], &[(name(at), others[at].1.clone())], &ours[at..]].concat();
    good.extend((0..4).map(planted));
    good.push([&ours[..], &[(format!("{}-4", name(0)), "stale".to_owned())]].concat());
    for pairs in good {
        let seen = sent(&pairs).forwarded();
        assert_eq!(values(&seen, "x-auth-request-groups")[0].split(',').count(), 600);
        assert_eq!(values(&seen, "cookie"), <[String; 0]>::default());
    }
    let mut bad = Vec::new();
    for piece in 0..4 {
        // A part that is missing, of another session, in the wrong place, or cut short.
        bad.push([&ours[..piece], &ours[piece + 1..]].concat());
        for value in [&others[piece].1, &ours[(piece + 1) % 4].1, &ours[piece].1[..ours[piece].1.len() - 1].to_owned()]
        {
            let mut pairs = ours.clone();
            pairs[piece].1.clone_from(value);
            bad.push(pairs);
        }
    }
    for count in ["1", "2", "3", "5", "6", "9", "99999999", "-1", "0", ""] {
        let mut pairs = ours.clone();
        pairs[0].1 = format!("{count}{}", &ours[0].1[1..]);
        bad.push(pairs);
    }
    for pairs in bad {
        assert_eq!(
            sent(&pairs).reply().status,
            401,
            "{:?}",
            pairs.iter().map(|(name, value)| (name, value.len())).collect::<Vec<_>>()
        );
    }

    // A smaller session deletes the surplus cookies, and logout deletes all.
    let mut again = world.browser();
    let callback = world.callback(&mut again, "acme", HOME, &ada());
    browser.cookies.extend(again.cookies);
    assert_eq!(world.open(&mut browser, &callback).reply().status, 302);
    assert_eq!(browser.named("-session").len(), 1);
    let mut browser = other;
    assert_eq!(world.open(&mut browser, "https://acme.example/oauth2/logout").reply().status, 302);
    assert!(browser.cookies.is_empty(), "{:?}", browser.cookies);
}

/// Requests extend an idle session, but not beyond its lifetime.
pub fn an_idle_session_ends<H: Harness>() {
    let mut world = World::<H>::with(|configuration| configuration["session"]["idle"] = json!("30m"));
    let mut browser = world.signed_in();
    let minutes = |count: u64| Duration::from_secs(count * 60);
    let cookies = |reply: &Reply| reply.all("set-cookie").filter(|line| line.contains("tenantgate")).count();
    // What outranks `Cache-Control` at some shared cache.
    let targeted = |(name, _): &(String, String)| {
        name.ends_with("-cache-control")
            || ["surrogate-control", "edge-control", "x-accel-expires"].contains(&name.as_str())
    };
    // Not every request renews the cookie.
    world.clock.advance(minutes(2));
    let reply = world.open(&mut browser, HOME).answered();
    assert_eq!((cookies(&reply), reply.header("cache-control")), (0, Some("public, max-age=3600")));
    assert_eq!(reply.headers.iter().filter(|line| targeted(line)).count(), 7, "{reply:?}");
    world.clock.advance(minutes(1));
    let reply = world.open(&mut browser, HOME).answered();
    // The upstream's own cookie stays, and the answer is not cacheable.
    assert_eq!((cookies(&reply), reply.all("set-cookie").count()), (1, 2));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert!(!reply.headers.iter().any(targeted), "{reply:?}");
    let line = reply.all("set-cookie").find(|line| line.contains("tenantgate")).unwrap().to_owned();
    assert!(line.ends_with("; Max-Age=28620; Path=/; Secure; HttpOnly; SameSite=Lax"), "{line}");
    for _ in 0..16 {
        world.clock.advance(minutes(29));
        world.open(&mut browser, HOME).forwarded();
    }
    // 7 h 47 min after the login.
    world.clock.advance(minutes(12));
    world.open(&mut browser, HOME).forwarded();
    world.clock.advance(minutes(1));
    assert_eq!(world.open(&mut browser, HOME).reply().status, 302);

    let mut browser = world.signed_in();
    world.clock.advance(minutes(30) - Duration::from_secs(1));
    let before = browser.clone();
    world.open(&mut browser, HOME).forwarded();
    world.clock.advance(Duration::from_secs(1));
    world.open(&mut browser, HOME).forwarded();
    // A copy of the older cookie: its idle time counts from its own last use.
    let mut before = before;
    assert_eq!(world.open(&mut before, HOME).reply().status, 302);
}

/// Only if it is configured.
pub fn a_session_ends_with_its_id_token<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.signed_in();
    world.clock.advance(Duration::from_secs(359));
    world.open(&mut browser, HOME).forwarded();
    world.clock.advance(Duration::from_secs(1));
    world.open(&mut browser, HOME).forwarded();
    let mut configuration = world.configuration();
    configuration["session"]["end_with_id_token"] = json!(true);
    world.harness.reconfigure(&configuration);
    assert_eq!(world.open(&mut browser, HOME).reply().status, 302);
    let mut browser = world.signed_in();
    world.clock.advance(Duration::from_secs(359));
    world.open(&mut browser, HOME).forwarded();
}
