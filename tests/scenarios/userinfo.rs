//! Claims that the ID token lacks, from the UserInfo endpoint (OpenID Connect Core section 5.3).

use serde_json::{Value, json};

use super::refresh::{AFTER, BEFORE, calls, seconds, visit};
use crate::support::browser::Browser;
use crate::support::harness::{Harness, Outcome, values};
use crate::support::issuer::{Answer, Refresh};
use crate::support::world::World;

const HOME: &str = "https://acme.example/";

/// A world whose tenant acme calls the UserInfo endpoint, which answers with `claims`.
fn world<H: Harness>(claims: Value) -> World<H> {
    with(claims, json!([{ "allow": "any_user" }]))
}

/// As [`world`], with access rules.
fn with<H: Harness>(claims: Value, rules: Value) -> World<H> {
    let world = World::with(|configuration| {
        let acme = &mut configuration["tenants"][0];
        acme["access"] = rules;
        acme["access_default"] = json!("any_user");
        acme["provider"]["userinfo_endpoint"] = json!("https://login.acme.example/userinfo");
        acme["login"]["userinfo"] = json!(true);
    });
    world.issuer("acme", |issuer| issuer.userinfo.1 = claims);
    world
}

pub fn what_the_id_token_lacks<H: Harness>() {
    let claims = json!({ "sub": "ada", "email": "other@acme.example", "groups": ["a", "b"], "exp": 1, "iss": "x" });
    let mut world = world::<H>(claims);
    let mut browser = world.browser();
    let person = json!({ "sub": "ada", "email": "ada@acme.example", "email_verified": true });
    let (_, seen) = world.sign_in(&mut browser, "acme", HOME, &person);
    assert_eq!(values(&seen, "x-auth-request-groups"), ["a,b"]);
    // Claims of the ID token take precedence.
    assert_eq!(values(&seen, "x-auth-request-email"), ["ada@acme.example"]);
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 2);
    // One call for each login.
    world.open(&mut browser, HOME).forwarded();
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 2);
}

/// `email_verified` counts only for the address of the same document.
pub fn a_verified_address_is_not_another_one<H: Harness>() {
    let mut world = with::<H>(json!({}), json!([{ "allow": { "emails": ["ada@acme.example"] } }]));
    let (ada, eve) = (json!("ada@acme.example"), json!("eve@acme.example"));
    for (token, userinfo, expected) in [
        (json!({ "email": ada }), json!({ "email": ada, "email_verified": true }), 200),
        (json!({}), json!({ "email": ada, "email_verified": true }), 200),
        (json!({ "email": ada }), json!({ "email": eve, "email_verified": true }), 403),
        (json!({ "email": ada }), json!({ "email_verified": true }), 403),
        (json!({ "email_verified": true }), json!({ "email": ada }), 403),
        (json!({ "email": ada, "email_verified": false }), json!({ "email": ada, "email_verified": true }), 403),
    ] {
        world.issuer("acme", |issuer| issuer.userinfo.1 = with_sub(userinfo.clone()));
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", HOME, &with_sub(token.clone()));
        assert_eq!(world.open(&mut browser, &callback).reply().status, 302);
        let status = match world.open(&mut browser, HOME) {
            Outcome::Forwarded(..) => 200,
            Outcome::Replied(reply) => reply.status,
        };
        assert_eq!(status, expected, "{token} {userinfo}");
    }
}

/// Section 5.3.2: UserInfo claims without the `sub` of the ID token are refused.
pub fn claims_of_another_user<H: Harness>() {
    let mut world = world::<H>(json!({}));
    for claims in [
        json!({ "sub": "eve", "groups": ["admins"] }),
        json!({ "groups": ["admins"] }),
        json!({ "sub": "ADA" }),
        json!({ "sub": ["ada"] }),
        json!({ "sub": null }),
    ] {
        world.issuer("acme", |issuer| issuer.userinfo.1 = claims);
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", HOME, &json!({ "sub": "ada" }));
        let reply = world.open(&mut browser, &callback).reply();
        assert_eq!(reply.status, 403, "{}", reply.body);
        assert!(world.harness.log().contains("subject_mismatch"));
        assert!(!browser.has_session());
    }
}

pub fn an_endpoint_that_fails<H: Harness>() {
    let mut world = world::<H>(json!({ "sub": "ada" }));
    for (answer, reason) in [
        // The text for a timeout is not the same in every tier.
        (Answer::Silence, ""),
        (Answer::Raw(500, b"{}".to_vec()), "UserInfo endpoint: it answered with status 500"),
        (Answer::Raw(401, b"{}".to_vec()), "UserInfo endpoint: it answered with status 401"),
        (Answer::Raw(200, b"[]".to_vec()), "UserInfo endpoint: the response is not a JSON object"),
        (Answer::Raw(200, b"{\"sub\":\"ada\",\"sub\":\"eve\"}".to_vec()), "the response is not a JSON object"),
        (Answer::Raw(200, b"eyJhbGciOiJub25lIn0.e30.".to_vec()), "the response is a JWT, and only plain JSON is read"),
        (Answer::Raw(200, vec![b' '; 1 << 20]), "UserInfo endpoint: the response is longer than 65536 bytes"),
    ] {
        world.issuer("acme", |issuer| issuer.userinfo.0 = answer);
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", HOME, &json!({ "sub": "ada" }));
        let reply = world.open(&mut browser, &callback).reply();
        assert_eq!(reply.status, 503, "{reason}");
        assert!(reply.header("retry-after").is_some() && !browser.has_session());
        assert!(world.harness.log().contains(reason), "{reason}: {}", world.harness.log());
    }
    // A refused ID token causes no UserInfo call.
    let calls = world.issuer("acme", |issuer| {
        issuer.forge = |_, claims| claims["aud"] = json!("other");
        issuer.calls
    });
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", HOME, &json!({ "sub": "ada" }));
    assert_eq!(world.open(&mut browser, &callback).reply().status, 403);
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), calls + 1);
}

/// As [`world`], with sessions that are refreshed after 5 minutes and from 3 min 45 s on beside
/// requests, and a browser with a session.
fn refreshing<H: Harness>(refresh: Refresh) -> (World<H>, Browser) {
    let mut world = World::<H>::with(|configuration| {
        let acme = &mut configuration["tenants"][0];
        acme["provider"]["userinfo_endpoint"] = json!("https://login.acme.example/userinfo");
        acme["login"]["userinfo"] = json!(true);
        acme["refresh"] = json!({});
    });
    world.issuer("acme", |issuer| issuer.refresh = refresh);
    says(&world, claims(&["engineers", "admins"]));
    let mut browser = world.browser();
    let person = json!({ "sub": "ada", "email": "ada@acme.example", "email_verified": true });
    world.sign_in(&mut browser, "acme", HOME, &person);
    (world, browser)
}

fn claims(groups: &[&str]) -> Value {
    json!({ "sub": "ada", "email": "other@acme.example", "groups": groups })
}

fn says<H: Harness>(world: &World<H>, claims: Value) {
    world.issuer("acme", |issuer| issuer.userinfo = (Answer::Normal, claims));
}

/// A late request calls both endpoints and has their claims.
pub fn a_request_waits_for_both_endpoints<H: Harness>() {
    let (mut world, mut browser) = refreshing::<H>(Refresh::Rotating);
    world.issuer("acme", |issuer| issuer.expires_in = 60);
    let mut again = world.browser();
    world.sign_in(&mut again, "acme", HOME, &json!({ "sub": "ada" }));
    for groups in [&["engineers"][..], &["engineers", "admins"]] {
        says(&world, claims(groups));
        let before = calls(&world);
        world.clock.advance(seconds(60));
        let (seen, brought) = visit(&mut world, &mut again);
        assert_eq!((seen, brought, calls(&world)), (groups.join(","), true, before + 2));
    }
    says(&world, json!({ "sub": "eve", "groups": ["admins"] }));
    world.clock.advance(seconds(60));
    assert_eq!(world.open(&mut again, HOME).reply().status, 302);
    // The tokens of the other session are valid for some minutes.
    assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), false));
}

/// New UserInfo claims reach the upstream with the next request, or, after the interval, with this
/// one.
pub fn a_group_is_taken_away_at_the_endpoint<H: Harness>() {
    for with_id_token in [true, false] {
        let (mut world, mut browser) = refreshing::<H>(Refresh::Rotating);
        world.issuer("acme", |issuer| issuer.refreshed_id_token = with_id_token);
        says(&world, claims(&["engineers"]));
        world.clock.advance(seconds(225));
        assert_eq!((visit(&mut world, &mut browser), calls(&world)), ((BEFORE.to_owned(), true), 4));
        assert_eq!((visit(&mut world, &mut browser), calls(&world)), ((AFTER.to_owned(), false), 4));
        says(&world, claims(&["engineers", "admins"]));
        world.clock.advance(seconds(300));
        assert_eq!((visit(&mut world, &mut browser), calls(&world)), ((BEFORE.to_owned(), true), 6));
        // Claims of the first ID token stay, even without a later one. Claims that no document has
        // any more are dropped.
        says(&world, json!({ "sub": "ada", "email": "other@acme.example" }));
        world.clock.advance(seconds(300));
        let seen = world.open(&mut browser, HOME).forwarded();
        assert_eq!(values(&seen, "x-auth-request-email"), ["ada@acme.example"]);
        assert_eq!(values(&seen, "x-auth-request-groups"), <[&str; 0]>::default());
        // Refreshes beside requests: the upstream answers before, between and after the calls.
        for round in 1..=3 {
            world.clock.advance(seconds(230));
            assert_eq!((visit(&mut world, &mut browser).1, calls(&world)), (true, 8 + 2 * round));
        }
    }
}

/// If the UserInfo endpoint refuses or names another user, the session ends with the interval.
pub fn a_refresh_that_the_endpoint_contradicts<H: Harness>() {
    let no = |status| Answer::Raw(status, b"{}".to_vec());
    for (answer, claims, reason) in [
        (Answer::Normal, json!({ "sub": "eve", "groups": ["admins"] }), "answered for another subject"),
        (Answer::Normal, json!({ "groups": ["admins"] }), "answered for another subject"),
        (Answer::Normal, json!({ "sub": "ada", "groups": [1] }), "claim `groups` is not text"),
        (no(401), json!({}), "UserInfo endpoint: it answered with status 401"),
    ] {
        for (wait, over, with_id_token) in [(230, false, true), (300, true, true), (300, true, false)] {
            let (mut world, mut browser) = refreshing::<H>(Refresh::Reused);
            world.issuer("acme", |issuer| {
                issuer.refreshed_id_token = with_id_token;
                issuer.userinfo = (answer.clone(), claims.clone());
            });
            world.clock.advance(seconds(wait));
            if over {
                assert_eq!(world.open(&mut browser, HOME).reply().status, 302);
                assert_eq!(world.open(&mut browser, HOME).reply().status, 302);
            } else {
                assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), false));
            }
            assert_eq!(calls(&world), 4);
            let log = world.harness.log();
            assert!(log.contains("refresh_rejected") && log.contains(reason), "{reason}: {log}");
        }
    }
}

/// The session goes on unchanged, and a rotated refresh token is kept.
pub fn the_endpoint_is_away_during_a_refresh<H: Harness>() {
    for refresh in [Refresh::Rotating, Refresh::Reused] {
        let (mut world, mut browser) = refreshing::<H>(refresh);
        for (round, answer) in [
            Answer::Silence,
            Answer::Raw(403, b"{}".to_vec()),
            Answer::Raw(503, b"busy".to_vec()),
            Answer::Raw(200, b"[]".to_vec()),
        ]
        .into_iter()
        .enumerate()
        {
            world.issuer("acme", |issuer| issuer.userinfo = (answer, json!({})));
            // First beside a request, then while the request waits.
            world.clock.advance(seconds(if round == 1 { 70 } else { 230 }));
            assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), refresh == Refresh::Rotating));
            for _ in 0..5 {
                assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), false));
            }
            assert_eq!(calls(&world), 4 + 2 * round);
        }
        assert!(world.harness.log().contains("refresh_failed"), "{}", world.harness.log());
        says(&world, claims(&["engineers"]));
        world.clock.advance(seconds(30));
        assert_eq!(visit(&mut world, &mut browser), (AFTER.to_owned(), true));
        assert_eq!(visit(&mut world, &mut browser), (AFTER.to_owned(), false));
    }
}

/// Further claims and `email_verified`, at the login and at each refresh. Claims of the ID token
/// take precedence.
pub fn claims_of_rules_and_headers_are_refreshed<H: Harness>() {
    for with_id_token in [true, false] {
        let mut world = World::<H>::with(|configuration| {
            let acme = &mut configuration["tenants"][0];
            acme["provider"]["userinfo_endpoint"] = json!("https://login.acme.example/userinfo");
            acme["login"]["userinfo"] = json!(true);
            acme["refresh"] = json!({});
            acme["headers"] = json!({ "claims": { "x-team": "org.team", "x-site": "site" } });
            acme["roles"] = json!([{ "name": "root", "emails": ["ada@acme.example"] }]);
        });
        world.issuer("acme", |issuer| {
            issuer.refresh = Refresh::Rotating;
            issuer.refreshed_id_token = with_id_token;
        });
        let userinfo = |team: &str, verified: bool| {
            json!({
                "sub": "ada", "org": { "team": team }, "site": "evil", "email": "ada@acme.example", "email_verified": verified,
            })
        };
        let look = |world: &mut World<H>, browser: &mut Browser| {
            let seen = world.open(browser, HOME).forwarded();
            ["x-team", "x-site", "x-auth-request-roles"].map(|name| values(&seen, name).concat())
        };
        says(&world, userinfo("red", true));
        let mut browser = world.browser();
        let person = json!({ "sub": "ada", "site": "berlin", "email": "ada@acme.example" });
        world.sign_in(&mut browser, "acme", HOME, &person);
        assert_eq!(look(&mut world, &mut browser), ["red", "berlin", "root"]);
        for (now, expected) in [
            (userinfo("blue", false), ["blue", "berlin", ""]),
            (userinfo("green", true), ["green", "berlin", "root"]),
            (json!({ "sub": "ada", "email": "eve@acme.example", "email_verified": true }), ["", "berlin", ""]),
        ] {
            says(&world, now);
            world.clock.advance(seconds(300));
            for _ in 0..2 {
                assert_eq!(look(&mut world, &mut browser), expected, "{with_id_token}");
            }
        }
    }
}

/// A refresh without an ID token takes from the UserInfo response what the last ID token did not
/// have, and nothing else. An address is verified by the document that it is in.
pub fn claims_of_a_refresh_without_an_id_token<H: Harness>() {
    let (ada, eve) = (json!("ada@acme.example"), json!("eve@acme.example"));
    let verified = |email: &Value| json!({ "email": email, "email_verified": true });
    for (token, before, after, expected) in [
        (json!({}), verified(&ada), verified(&eve), "eve@acme.example"),
        (json!({}), verified(&ada), json!({ "email": eve, "email_verified": false }), ""),
        (json!({}), verified(&ada), json!({ "email": eve }), ""),
        (json!({}), verified(&ada), json!({ "email_verified": true }), ""),
        (json!({ "email_verified": true }), verified(&ada), json!({ "email": ada }), ""),
        (json!({ "email": ada }), verified(&ada), verified(&ada), "ada@acme.example"),
        (json!({ "email": ada }), verified(&ada), verified(&eve), ""),
        (json!({ "email": ada }), verified(&ada), json!({ "email_verified": true }), ""),
        (json!({ "email": ada }), json!({}), verified(&ada), "ada@acme.example"),
        (json!({ "email": ada, "email_verified": false }), verified(&ada), verified(&ada), ""),
        (verified(&ada), json!({}), json!({ "email": eve, "email_verified": false }), "ada@acme.example"),
    ] {
        let (before, after) = (with_sub(before), with_sub(after));
        let mut world = refreshed_without_id_token::<H>(json!({}));
        let mut browser = world.browser();
        says(&world, before);
        world.sign_in(&mut browser, "acme", HOME, &with_sub(token.clone()));
        says(&world, after.clone());
        world.clock.advance(seconds(300));
        let seen = world.open(&mut browser, HOME).forwarded();
        assert_eq!(values(&seen, "x-auth-request-email").concat(), expected, "{token} {after}");
    }

    let mut world = refreshed_without_id_token::<H>(json!({ "user": "name" }));
    let mut browser = world.browser();
    says(&world, with_sub(json!({ "name": "Ada" })));
    world.sign_in(&mut browser, "acme", HOME, &with_sub(json!({})));
    says(&world, with_sub(json!({ "name": "Ada L." })));
    world.clock.advance(seconds(300));
    assert_eq!(values(&world.open(&mut browser, HOME).forwarded(), "x-auth-request-user"), ["Ada L."]);

    // An address that is not verified any more names nobody.
    let mut world = refreshed_without_id_token::<H>(json!({ "user": "email" }));
    let mut browser = world.browser();
    says(&world, with_sub(verified(&ada)));
    world.sign_in(&mut browser, "acme", HOME, &with_sub(json!({})));
    says(&world, with_sub(json!({ "email": eve, "email_verified": false })));
    world.clock.advance(seconds(300));
    assert_eq!(world.open(&mut browser, HOME).reply().status, 302);
}

fn refreshed_without_id_token<H: Harness>(identity: Value) -> World<H> {
    let world = World::<H>::with(|configuration| {
        let acme = &mut configuration["tenants"][0];
        acme["provider"]["userinfo_endpoint"] = json!("https://login.acme.example/userinfo");
        acme["login"]["userinfo"] = json!(true);
        acme["refresh"] = json!({});
        acme["identity"] = identity;
    });
    world.issuer("acme", |issuer| {
        issuer.refresh = Refresh::Rotating;
        issuer.refreshed_id_token = false;
    });
    world
}

fn with_sub(mut claims: Value) -> Value {
    claims["sub"] = json!("ada");
    claims
}
