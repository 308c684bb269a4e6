//! Claims that the ID token lacks, from the UserInfo endpoint (OpenID Connect Core section 5.3).

use serde_json::{Value, json};

use crate::support::issuer::Answer;
use crate::support::rig::{Outcome, Rig, values};
use crate::support::world::World;

const HOME: &str = "https://acme.example/";

/// A world whose `acme` asks the UserInfo endpoint, which has `claims`.
fn world<R: Rig>(claims: Value) -> World<R> {
    with(claims, json!([]))
}

/// The same with access rules.
fn with<R: Rig>(claims: Value, rules: Value) -> World<R> {
    let world = World::with(|configuration| {
        let acme = &mut configuration["tenants"][0];
        acme["access"] = rules;
        acme["provider"]["userinfo_endpoint"] = json!("https://login.acme.example/userinfo");
        acme["login"]["userinfo"] = json!(true);
    });
    world.issuer("acme", |issuer| issuer.userinfo.1 = claims);
    world
}

pub fn what_the_id_token_lacks<R: Rig>() {
    let claims = json!({ "sub": "ada", "email": "other@acme.example", "groups": ["a", "b"], "exp": 1, "iss": "x" });
    let mut world = world::<R>(claims);
    let mut browser = world.browser();
    let person = json!({ "sub": "ada", "email": "ada@acme.example" });
    let (_, seen) = world.sign_in(&mut browser, "acme", HOME, &person);
    assert_eq!(values(&seen, "x-auth-request-groups"), ["a,b"]);
    // What the ID token says itself stands.
    assert_eq!(values(&seen, "x-auth-request-email"), ["ada@acme.example"]);
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 2);
    // Once for each login.
    world.open(&mut browser, HOME).forwarded();
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 2);
}

/// `email_verified` is about the address that it stands beside.
pub fn a_verified_address_is_not_another_one<R: Rig>() {
    let mut world = with::<R>(json!({}), json!([{ "allow": { "emails": ["ada@acme.example"] } }]));
    let (ada, eve) = (json!("ada@acme.example"), json!("eve@acme.example"));
    for (token, userinfo, expected) in [
        (json!({ "email": ada }), json!({ "email": ada, "email_verified": true }), 200),
        (json!({}), json!({ "email": ada, "email_verified": true }), 200),
        (json!({ "email": ada }), json!({ "email": eve, "email_verified": true }), 403),
        (json!({ "email": ada }), json!({ "email_verified": true }), 403),
        (json!({ "email_verified": true }), json!({ "email": ada }), 403),
        (json!({ "email": ada, "email_verified": false }), json!({ "email": ada, "email_verified": true }), 403),
    ] {
        let with_sub = |mut claims: Value| {
            claims["sub"] = json!("ada");
            claims
        };
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

/// Section 5.3.2: without the very `sub` of the ID token the claims are somebody else's.
pub fn claims_of_somebody_else<R: Rig>() {
    let mut world = world::<R>(json!({}));
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
        assert!(world.rig.log().contains("other_subject"));
        assert!(!browser.has_session());
    }
}

pub fn an_endpoint_that_fails<R: Rig>() {
    let mut world = world::<R>(json!({ "sub": "ada" }));
    for (answer, reason) in [
        // What a time that is up looks like, the rungs do not agree on.
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
        assert!(world.rig.log().contains(reason), "{reason}: {}", world.rig.log());
    }
    // An ID token that is refused causes no second call.
    let calls = world.issuer("acme", |issuer| {
        issuer.forge = |_, claims| claims["aud"] = json!("other");
        issuer.calls
    });
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", HOME, &json!({ "sub": "ada" }));
    assert_eq!(world.open(&mut browser, &callback).reply().status, 403);
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), calls + 1);
}
