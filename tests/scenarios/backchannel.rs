//! Logout tokens that the issuer posts (OpenID Connect Back-Channel Logout 1.0).

use std::time::Duration;

use serde_json::{Value, json};
use url::form_urlencoded;

use super::bearer::access_token;
use super::keys::{discover, discovered};
use super::refresh::calls;
use crate::support::browser::Browser;
use crate::support::harness::{Harness, Outcome, Reply};
use crate::support::http::base64url;
use crate::support::issuer::Refresh;
use crate::support::signer::Signer;
use crate::support::world::{World, ada};

type Forge = fn(&mut Value, &mut Value);
type Post<'a> = (&'a [(&'a str, &'a str)], &'a [u8]);

const PATH: &str = "/oauth2/backchannel-logout";
const URL: &str = "https://acme.example/oauth2/backchannel-logout";
const PAGE: &str = "https://acme.example/page";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn world<H: Harness>() -> World<H> {
    World::with(|configuration| take_logout_tokens(&mut configuration["tenants"][0]))
}

pub fn take_logout_tokens(tenant: &mut Value) {
    tenant["login"]["backchannel_logout_path"] = json!(PATH);
}

/// A good logout token of acme's issuer.
pub fn logout_token<H: Harness>(world: &World<H>, claims: &Value) -> String {
    token(world, claims, |_, _| {})
}

/// A logout token of acme's issuer: the required claims and `claims`, changed by `forge`.
fn token<H: Harness>(world: &World<H>, claims: &Value, forge: Forge) -> String {
    let now = world.clock.now();
    world.issuer("acme", |issuer| {
        let mut all = json!({
            "iss": issuer.url, "aud": issuer.client_id, "iat": now, "exp": now + 120, "jti": format!("jti-{}", issuer.secrets.len()),
            "events": { EVENT: {} },
        });
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let mut header = issuer.header("logout+jwt");
        forge(&mut header, &mut all);
        let token = issuer.signer.jws(&header, &all);
        issuer.secrets.push(token.clone());
        token
    })
}

pub fn form(token: &str) -> Vec<u8> {
    form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", token).finish().into_bytes()
}

fn post<H: Harness>(world: &mut World<H>, token: &str) -> Reply {
    world.post(URL, &[], &form(token)).reply()
}

/// Posts a logout token that the filter has to accept.
fn notify<H: Harness>(world: &mut World<H>, claims: &Value) {
    let token = token(world, claims, |_, _| {});
    let reply = post(world, &token);
    assert_eq!((reply.status, reply.body.as_str(), reply.header("cache-control")), (200, "", Some("no-store")));
}

fn signed_in<H: Harness>(world: &mut World<H>, tenant: &str, person: &Value) -> Browser {
    let mut browser = world.browser();
    world.sign_in(&mut browser, tenant, &format!("https://{tenant}.example/page"), person);
    browser
}

/// Whether every worker refuses the session.
fn is_over<H: Harness>(world: &mut World<H>, browser: &Browser) -> bool {
    (0..8).all(|_| matches!(world.open(&mut browser.clone(), PAGE), Outcome::Replied(_)))
}

/// Waits until the second of the last sign-out is over. A session that began in that second ends
/// with it, and a worker may not know that yet.
fn a_second_later<H: Harness>(world: &mut World<H>) {
    let now = world.clock.now();
    world.eventually(|world| world.clock.now() > now);
}

pub fn the_issuer_ends_sessions<H: Harness>() {
    let mut world = world::<H>();
    let with_sid = |sid: &str| json!({ "sub": "ada", "sid": sid });
    let laptop = signed_in(&mut world, "acme", &with_sid("1"));
    let mut phone = signed_in(&mut world, "acme", &with_sid("2"));
    let mut bob = signed_in(&mut world, "acme", &json!({ "sub": "bob", "sid": "3" }));
    let mut elsewhere = signed_in(&mut world, "globex", &with_sid("1"));
    // One session at the issuer, by `sid`.
    notify(&mut world, &with_sid("1"));
    world.eventually(|world| is_over(world, &laptop));
    world.open(&mut phone, PAGE).forwarded();
    // Every session of a user, by `sub`.
    notify(&mut world, &json!({ "sub": "ada" }));
    world.eventually(|world| is_over(world, &phone));
    world.open(&mut bob, PAGE).forwarded();
    notify(&mut world, &json!({ "sid": "3" }));
    world.eventually(|world| is_over(world, &bob));
    // The same `sub` and `sid` at another tenant name another session.
    world.open(&mut elsewhere, "https://globex.example/page").forwarded();
    // A new login gives a valid session.
    a_second_later(&mut world);
    signed_in(&mut world, "acme", &with_sid("4"));
    assert!(is_over(&mut world, &laptop) && is_over(&mut world, &phone));
}

/// An issuer that uses `sid` in logout tokens but not in ID tokens.
pub fn a_session_without_a_sid<H: Harness>() {
    let mut world = world::<H>();
    let mut browser = signed_in(&mut world, "acme", &ada());
    notify(&mut world, &json!({ "sid": "1" }));
    notify(&mut world, &json!({ "sub": "bob", "sid": "1" }));
    world.open(&mut browser, PAGE).forwarded();
    notify(&mut world, &json!({ "sub": "ada", "sid": "1" }));
    world.eventually(|world| is_over(world, &browser));
}

/// The ID token of a refresh need not have a `sid`: OpenID Connect Core section 12.2 does not name
/// it.
pub fn a_refreshed_session_keeps_its_sid<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        take_logout_tokens(&mut configuration["tenants"][0]);
        configuration["tenants"][0]["refresh"] = json!({});
    });
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    let mut browser = signed_in(&mut world, "acme", &json!({ "sub": "ada", "sid": "1" }));
    world.issuer("acme", |issuer| drop(issuer.directory.insert("ada".to_owned(), json!({ "sub": "ada" }))));
    let before = calls(&world);
    world.clock.advance(Duration::from_secs(300));
    world.open(&mut browser, PAGE).forwarded();
    assert_eq!(calls(&world), before + 1);
    notify(&mut world, &json!({ "sid": "2" }));
    world.open(&mut browser, PAGE).forwarded();
    notify(&mut world, &json!({ "sid": "1" }));
    world.eventually(|world| is_over(world, &browser));
}

/// The invalid tokens of the OpenID conformance suite (`oidcc-backchannel-rp-...`), and more.
pub fn hostile_logout_tokens<H: Harness>() {
    let mut world = world::<H>();
    let mut browser = signed_in(&mut world, "acme", &ada());
    let forged: [(&str, Forge); 25] = [
        ("claim `iss` does not have", |_, c| c["iss"] = json!("https://login.globex.example")),
        ("claim `aud` does not have", |_, c| c["aud"] = json!("other")),
        ("nor one of `trusted_audiences`", |_, c| c["aud"] = json!(["gate", "other"])),
        ("the algorithm of the token is not accepted", |h, _| h["alg"] = json!("none")),
        ("the algorithm of the token is not accepted", |h, _| h["alg"] = json!("HS256")),
        ("no key of the tenant with the algorithm", |h, _| h["alg"] = json!("RS256")),
        ("claim `events` is missing", |_, c| drop(c.as_object_mut().unwrap().remove("events"))),
        ("claim `events` does not have", |_, c| c["events"] = json!({})),
        ("claim `events` does not have", |_, c| c["events"] = json!({ "http://schemas.openid.net/event/other": {} })),
        ("claim `events` does not have", |_, c| c["events"] = json!({ EVENT: "yes" })),
        ("claim `events` does not have", |_, c| c["events"] = json!([EVENT])),
        ("claim `nonce` has", |_, c| c["nonce"] = json!("n")),
        ("claim `nonce` has", |_, c| c["nonce"] = json!(null)),
        ("claim `iat` is missing", |_, c| drop(c.as_object_mut().unwrap().remove("iat"))),
        ("claim `exp` is missing", |_, c| drop(c.as_object_mut().unwrap().remove("exp"))),
        ("claim `jti` is missing", |_, c| drop(c.as_object_mut().unwrap().remove("jti"))),
        ("claim `jti` has", |_, c| c["jti"] = json!("")),
        ("claim `jti` has", |_, c| c["jti"] = json!(1)),
        ("claim `sub` is missing", |_, c| drop(c.as_object_mut().unwrap().remove("sub"))),
        ("claim `sub` is missing", |_, c| (c["sub"], c["sid"]) = (json!(null), json!(""))),
        ("claim `sid` has", |_, c| c["sid"] = json!(["1"])),
        ("claim `exp` has passed", |_, c| c["exp"] = json!(c["iat"].as_u64().unwrap() - 61)),
        ("claim `iat` lies in the future", |_, c| c["iat"] = json!(c["iat"].as_u64().unwrap() + 90)),
        ("the token is of another kind", |h, _| h["typ"] = json!("at+jwt")),
        ("header parameter `crit`", |h, _| h["crit"] = json!(["x"])),
    ];
    let mut refused = |world: &mut World<H>, expected: &str, token: &str| {
        let reply = post(world, token);
        assert_eq!((reply.status, reply.header("cache-control")), (400, Some("no-store")), "{expected}");
        assert!(reply.body.contains(r#""error":"logout_token_invalid""#), "{}", reply.body);
        let log = world.harness.log();
        let last = log.lines().rev().find(|line| line.contains("logout_token_invalid")).unwrap();
        assert!(last.contains(expected), "{expected}: {last}");
        world.open(&mut browser, PAGE).forwarded();
    };
    for (expected, forge) in forged {
        let token = token(&world, &json!({ "sub": "ada" }), forge);
        refused(&mut world, expected, &token);
    }
    // A token of another issuer, a changed token, an ID token, and no token.
    let good = token(&world, &json!({ "sub": "ada" }), |_, _| {});
    let foreign = Signer::eddsa().jws(&json!({ "alg": "EdDSA" }), &json!({ "sub": "ada" }));
    refused(&mut world, "no key of the tenant with the algorithm", &foreign);
    let (input, _) = good.rsplit_once('.').unwrap();
    refused(&mut world, "the signature does not verify", &format!("{input}.{}", base64url([1; 64])));
    refused(&mut world, "the signature does not verify", &format!("{input}."));
    let id_token =
        world.issuer("acme", |issuer| issuer.secrets.iter().find(|secret| secret.matches('.').count() == 2).cloned());
    refused(&mut world, "claim `events` is missing", &id_token.unwrap());
    refused(&mut world, "not a JWS", "x");
}

pub fn odd_but_good_logout_tokens<H: Harness>() {
    let good: [Forge; 9] = [
        |_, _| {},
        |h, _| h["typ"] = json!("JWT"),
        |h, _| h["typ"] = json!("application/logout+JWT"),
        |h, _| drop(h.as_object_mut().unwrap().remove("typ")),
        |_, c| c["aud"] = json!(["gate"]),
        |_, c| c["sid"] = json!(""),
        |_, c| c["azp"] = json!(null),
        |_, c| c["events"]["http://schemas.openid.net/event/other"] = json!(1),
        |_, c| c["events"][EVENT] = json!({ "why": "x" }),
    ];
    let mut world = world::<H>();
    for (number, forge) in good.into_iter().enumerate() {
        let person = json!({ "sub": format!("ada {number}") });
        let browser = signed_in(&mut world, "acme", &person);
        let token = token(&world, &person, forge);
        assert_eq!(post(&mut world, &token).status, 200, "{number}");
        world.eventually(|world| is_over(world, &browser));
    }
}

/// No worker accepts the same logout token twice.
pub fn a_logout_token_counts_once<H: Harness>() {
    let mut world = world::<H>();
    let browser = signed_in(&mut world, "acme", &ada());
    let good = token(&world, &json!({ "sub": "ada" }), |_, _| {});
    assert_eq!(post(&mut world, &good).status, 200);
    world.eventually(|world| is_over(world, &browser));
    a_second_later(&mut world);
    let mut again = signed_in(&mut world, "acme", &ada());
    for _ in 0..8 {
        assert_eq!(post(&mut world, &good).status, 400);
    }
    assert!(world.harness.log().contains("a token with this `jti` was accepted before"));
    world.open(&mut again, PAGE).forwarded();
}

pub fn invalid_logout_requests<H: Harness>() {
    let mut world = world::<H>();
    let mut browser = signed_in(&mut world, "acme", &ada());
    let good = form(&token(&world, &json!({ "sub": "ada" }), |_, _| {}));
    let twice = [&good[..], b"&", &good].concat();
    let long = [&good[..], b"&x=", &[b'x'; 64 * 1024]].concat();
    let json = ("content-type", "application/json");
    let malformed: [Post<'_>; 8] = [
        (&[(":method", "GET")], b""),
        (&[(":method", "PUT")], &good),
        (&[json], &good),
        (&[("content-type", "")], &good),
        (&[], b""),
        (&[], b"token=x"),
        (&[], &twice),
        (&[], b"\xff\0=&&&="),
    ];
    let malformed = malformed.map(|post| (post, 400, "logout_request_invalid"));
    let too_long: Post<'_> = (&[], &long);
    for ((lines, body), status, error) in malformed.into_iter().chain([(too_long, 413, "body_unavailable")]) {
        let reply = world.post(URL, lines, body).reply();
        assert_eq!((reply.status, reply.header("cache-control")), (status, Some("no-store")), "{lines:?}");
        assert!(reply.body.contains(&format!(r#""error":"{error}""#)), "{}", reply.body);
    }
    world.open(&mut browser, PAGE).forwarded();
    // A tenant without back-channel logout has no such path.
    assert_eq!(world.post("https://globex.example/oauth2/backchannel-logout", &[], &good).reply().status, 401);
    // A session does not forward the request, either.
    let line = browser.cookie_line("acme.example").unwrap();
    let others = [&b"state=1&"[..], &good, b"&x=y"].concat();
    let lines = [("cookie", &*line), ("content-type", "Application/X-WWW-Form-Urlencoded; charset=utf-8")];
    assert_eq!(world.post(URL, &lines, &others).reply().status, 200);
    world.eventually(|world| is_over(world, &browser));
}

/// A new key of the issuer: the sender has to try again, and many tokens cause only one fetch.
pub fn a_logout_token_with_a_new_key<H: Harness>() {
    let mut world = World::<H>::with_issuer(
        |issuer| issuer.rotate(Signer::es256(), "one"),
        |configuration| {
            discover(&mut configuration["tenants"][0], |_| {});
            take_logout_tokens(&mut configuration["tenants"][0]);
        },
    );
    discovered(&mut world);
    let browser = signed_in(&mut world, "acme", &ada());
    world.issuer("acme", |issuer| issuer.rotate(Signer::eddsa(), "two"));
    let token = token(&world, &json!({ "sub": "ada" }), |_, _| {});
    let documents = world.issuer("acme", |issuer| issuer.documents);
    for _ in 0..20 {
        let reply = post(&mut world, &token);
        assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")), "{}", reply.body);
    }
    assert_eq!(world.issuer("acme", |issuer| issuer.documents), documents);
    world.eventually(|world| post(world, &token).status == 200);
    assert_eq!(world.issuer("acme", |issuer| issuer.documents), documents + 2);
    world.eventually(|world| is_over(world, &browser));
}

/// A token that was signed with another algorithm of a known key is invalid, and no other key is
/// fetched for it: a key has one algorithm (RFC 8725 section 3.1).
pub fn a_logout_token_with_another_algorithm<H: Harness>() {
    let mut world = World::<H>::with_issuer(
        |issuer| {
            issuer.signer = Signer::rs256();
            issuer.kid = Some("one");
        },
        |configuration| {
            let tenant = &mut configuration["tenants"][0];
            tenant["keys"][0]["kid"] = json!("one");
            tenant["provider"]["jwks_uri"] = json!("https://login.acme.example/keys");
            take_logout_tokens(tenant);
        },
    );
    let mut browser = signed_in(&mut world, "acme", &ada());
    for alg in ["PS256", "RS512"] {
        world.issuer("acme", |issuer| issuer.signer = Signer::rsa(alg));
        let token = token(&world, &json!({ "sub": "ada" }), |_, _| {});
        assert_eq!(post(&mut world, &token).status, 400, "{alg}");
    }
    let log = world.harness.log();
    assert!(log.contains("the key with the `kid` of the token is for another algorithm"), "{log}");
    world.open(&mut browser, PAGE).forwarded();
}

/// A session that was ended stays ended until its lifetime is over.
pub fn ended_sessions_stay_ended<H: Harness>() {
    let mut world = world::<H>();
    let browsers = [json!({ "sub": "ada" }), json!({ "sub": "bob", "sid": "1" })];
    let browsers = browsers.map(|person| signed_in(&mut world, "acme", &person));
    notify(&mut world, &json!({ "sub": "ada" }));
    notify(&mut world, &json!({ "sid": "1" }));
    let day = |world: &mut World<H>| {
        for _ in 0..8 {
            world.clock.advance(Duration::from_secs(60 * 60));
            world.harness.advance();
            notify(world, &json!({ "sub": "carol" }));
            assert!(browsers.iter().all(|browser| is_over(world, browser)));
        }
    };
    day(&mut world);
    // A longer lifetime does not revive the ended sessions.
    let mut configuration = world.configuration();
    configuration["session"]["lifetime"] = json!("10d");
    take_logout_tokens(&mut configuration["tenants"][0]);
    world.harness.reconfigure(&configuration);
    day(&mut world);
}

/// Anybody can post junk. What the module has to verify is limited, apart from bearer tokens and
/// logins.
pub fn junk_that_the_module_has_to_verify<H: Harness>() {
    let mut world = World::<H>::with_issuer(
        |issuer| issuer.signer = Signer::eddsa(),
        |configuration| {
            take_logout_tokens(&mut configuration["tenants"][0]);
            configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"] });
        },
    );
    let mut statuses = [400, 503].map(|status| (status, 0));
    for _ in 0..140 {
        let token = token(&world, &json!({ "sub": "ada" }), |_, _| {});
        let junk = format!("{}.{}", token.rsplit_once('.').unwrap().0, base64url([7; 64]));
        let reply = post(&mut world, &junk);
        statuses.iter_mut().find(|(status, _)| *status == reply.status).unwrap().1 += 1;
    }
    assert_eq!(statuses, [(400, 128), (503, 12)]);
    let good = token(&world, &json!({ "sub": "eve" }), |_, _| {});
    let reply = post(&mut world, &good);
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")), "{}", reply.body);
    let bearer = access_token(&world, |header, _| header["alg"] = json!("EdDSA"));
    world.send(&mut world.browser(), PAGE, &[("authorization", &format!("Bearer {bearer}"))]).forwarded();
    signed_in(&mut world, "acme", &ada());
    world.harness.advance();
    assert_eq!(post(&mut world, &good).status, 200);
}
