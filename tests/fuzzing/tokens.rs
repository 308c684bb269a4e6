//! Tokens whose signatures are all taken for good ones: bearer tokens, ID tokens, logout tokens.
//!
//! The bytes are two lines: members of the header and of the claims, as JSON objects, that replace
//! those of a good token.

use serde_json::{Map, Value, json};

use super::{PAGE, TAKES_EVERY_SIGNATURE, assert_identity, halves, members, refused, text, world};
use crate::support::harness::Outcome;
use crate::support::http::base64url;
use crate::support::world::ada;

const ISSUER: &str = "https://login.acme.example";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Header and claims, changed as the bytes say, and the token of them.
fn changed(bytes: &[u8], header: Value, claims: Value) -> (Map<String, Value>, Map<String, Value>, String) {
    let (first, second) = halves(bytes);
    let change = |value: Value, bytes: &[u8]| {
        let Value::Object(mut object) = value else { panic!("{value} is no object") };
        for (name, value) in members(bytes) {
            // `null` removes a member, as in a merge patch (RFC 7396).
            if value.is_null() {
                object.remove(&name);
            } else {
                object.insert(name, value);
            }
        }
        object
    };
    let (header, claims) = (change(header, first), change(claims, second));
    let part = |object: &Map<String, Value>| base64url(Value::Object(object.clone()).to_string());
    let token = format!("{}.{}.{}", part(&header), part(&claims), base64url([7; 64]));
    (header, claims, token)
}

fn has_audience(claims: &Map<String, Value>, audience: &str) -> bool {
    match &claims["aud"] {
        Value::Array(all) => all.contains(&json!(audience)),
        one => one == audience,
    }
}

/// Fails if a token with these claims must not be taken: RFC 7519 sections 4.1.1, 4.1.3 to 4.1.5.
/// Clocks may differ by a minute.
#[track_caller]
fn assert_acceptable(header: &Map<String, Value>, claims: &Map<String, Value>, audience: &str, now: u64) {
    assert_eq!((&claims["iss"], &header["alg"]), (&json!(ISSUER), &json!("ES256")));
    assert!(has_audience(claims, audience), "{claims:?}");
    assert!(claims["exp"].as_f64().unwrap() + 60.0 >= now as f64, "{claims:?}");
    assert!(claims.get("nbf").is_none_or(|nbf| nbf.as_f64().unwrap() <= now as f64 + 60.0), "{claims:?}");
    assert!(!header.contains_key("crit") && !header.contains_key("b64"), "{header:?}");
}

/// A request with a token that must not be taken is not forwarded, and the upstream learns the
/// subject of the others.
pub(super) fn bearer_token(bytes: &[u8]) {
    let mut world = world(|configuration| configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"] }));
    world.harness.verifier = TAKES_EVERY_SIGNATURE;
    let now = world.clock.now();
    let claims = json!({ "iss": ISSUER, "aud": "api", "sub": "robot", "client_id": "shop", "iat": now, "exp": now + 300,
        "scope": "read", "groups": ["machines"] });
    let (header, claims, token) = changed(bytes, json!({ "alg": "ES256", "typ": "at+jwt" }), claims);
    let mut browser = world.browser();
    match world.send(&mut browser, PAGE, &[("authorization", &format!("Bearer {token}"))]) {
        Outcome::Forwarded(seen, _) => {
            assert_acceptable(&header, &claims, "api", now);
            assert_identity(&seen, &claims["sub"], "acme");
        }
        outcome @ Outcome::Replied(_) => drop(refused(outcome)),
    }
}

/// A login whose ID token must not be taken gives no session. `"NONCE"` as the nonce is the right
/// one.
pub(super) fn id_token(bytes: &[u8]) {
    let mut world = world(|_| {});
    world.harness.verifier = TAKES_EVERY_SIGNATURE;
    let now = world.clock.now();
    let mut browser = world.browser();
    let address = world.begin(&mut browser, PAGE);
    let nonce = address.split(['?', '&']).find_map(|pair| pair.strip_prefix("nonce=")).unwrap().to_owned();
    let callback = world.issuer("acme", |issuer| issuer.authorize(&address, &ada()));
    let good = json!({ "iss": ISSUER, "aud": "gate", "sub": "ada", "iat": now, "exp": now + 300, "nonce": nonce });
    let bytes = String::from_utf8_lossy(bytes).replace(r#""nonce":"NONCE""#, &format!(r#""nonce":"{nonce}""#));
    let (header, claims, token) = changed(bytes.as_bytes(), json!({ "alg": "ES256", "typ": "JWT" }), good);
    world.issuer("acme", |issuer| issuer.tamper = Box::new(move |_| token.clone()));
    refused(world.open(&mut browser, &callback));
    if !browser.has_session() {
        return;
    }
    assert_acceptable(&header, &claims, "gate", now);
    // OpenID Connect Core section 3.1.3.7, numbers 3 and 11.
    assert_eq!(text(&claims["nonce"]), nonce);
    assert!(claims.get("azp").is_none_or(|party| party == "gate"), "{claims:?}");
    let seen = world.open(&mut browser, PAGE).forwarded();
    assert_identity(&seen, &claims["sub"], "acme");
}

/// A logout token that must not be taken ends no session (OpenID Connect Back-Channel Logout
/// section 2.6), and no logout token ends that of another user.
pub(super) fn logout_token(bytes: &[u8]) {
    let path = "/oauth2/backchannel-logout";
    let mut world =
        world(|configuration| configuration["tenants"][0]["login"]["backchannel_logout_path"] = json!(path));
    let mut browser = world.signed_in();
    world.harness.verifier = TAKES_EVERY_SIGNATURE;
    let now = world.clock.now();
    let good = json!({ "iss": ISSUER, "aud": "gate", "sub": "ada", "iat": now, "exp": now + 120, "jti": "1", "events": { EVENT: {} } });
    let (header, claims, token) = changed(bytes, json!({ "alg": "ES256", "typ": "logout+jwt" }), good);
    let body = [b"logout_token=", token.as_bytes()].concat();
    let reply = refused(world.post(&format!("https://acme.example{path}"), &[], &body));
    let is_over = !matches!(world.open(&mut browser, PAGE), Outcome::Forwarded(..));
    if reply.status == 200 {
        assert_acceptable(&header, &claims, "gate", now);
        assert!(
            claims["events"].get(EVENT).is_some_and(Value::is_object) && !claims.contains_key("nonce"),
            "{claims:?}"
        );
        assert!(["sub", "sid"].iter().any(|name| claims.contains_key(*name)), "{claims:?}");
    }
    assert!(!is_over || (reply.status == 200 && claims.get("sub").is_some_and(|sub| sub == "ada")), "{claims:?}");
}
