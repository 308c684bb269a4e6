//! ID tokens of hostile, broken and unusual issuers (OpenID Connect Core section 3.1.3.7).

use serde_json::{Value, json};

use crate::support::harness::{Harness, values};
use crate::support::http::base64url;
use crate::support::world::{World, ada};

type Forge = fn(&mut Value, &mut Value);
type Tamper = fn(String) -> String;

fn remove(object: &mut Value, name: &str) {
    object.as_object_mut().unwrap().remove(name);
}

fn add(claims: &mut Value, name: &str, seconds: i64) {
    claims[name] = json!(claims[name].as_i64().unwrap() + seconds);
}

/// Replaces the part of a token at `index`.
fn part(token: &str, index: usize, with: impl Fn(&str) -> String) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let replaced: Vec<String> =
        parts.iter().enumerate().map(|(i, part)| if i == index { with(part) } else { (*part).to_owned() }).collect();
    replaced.join(".")
}

pub fn hostile_tokens<H: Harness>() {
    let forged: [(&str, Forge); 51] = [
        (
            "`iss` does not have the expected value: it is \"https://login.acme.example/\", and the configuration has \"https://login.acme.example\"",
            |_, c| c["iss"] = json!("https://login.acme.example/"),
        ),
        ("`iss` does not", |_, c| c["iss"] = json!("https://LOGIN.acme.example")),
        ("`iss` is missing", |_, c| remove(c, "iss")),
        ("`iss` has a value of the wrong type", |_, c| c["iss"] = json!(["https://login.acme.example"])),
        ("`aud` does not", |_, c| c["aud"] = json!("other")),
        ("`aud` does not have the expected value: it is \"[\\\"other\\\"]\", and expected is [\"gate\"]", |_, c| {
            c["aud"] = json!(["other"]);
        }),
        ("`aud` is missing", |_, c| remove(c, "aud")),
        ("`aud` has a value of the wrong type", |_, c| c["aud"] = json!([])),
        ("`aud` has a value of the wrong type", |_, c| c["aud"] = json!(["gate", 1])),
        ("nor one of `trusted_audiences`", |_, c| c["aud"] = json!(["gate", "other"])),
        ("nor one of `trusted_audiences`", |_, c| (c["aud"], c["azp"]) = (json!(["gate", "other"]), json!("gate"))),
        ("nor one of `trusted_audiences`", |_, c| c["aud"] = json!(["gate", "gate", "GATE"])),
        ("`azp` does not", |_, c| c["azp"] = json!("other")),
        ("`azp` has a value of the wrong type", |_, c| c["azp"] = json!(1)),
        ("`exp` has passed, 10", |_, c| add(c, "exp", -400)),
        ("`exp` is missing", |_, c| remove(c, "exp")),
        ("`exp` has a value of the wrong type", |_, c| c["exp"] = json!("4000000000")),
        ("`exp` has a value of the wrong type", |_, c| c["exp"] = json!(-1)),
        ("`exp` has a value of the wrong type", |_, c| c["exp"] = json!(1e300)),
        ("`exp` has a value of the wrong type", |_, c| c["exp"] = json!(null)),
        ("`iat` lies in the future, by 1", |_, c| add(c, "iat", 120)),
        ("`iat` is missing", |_, c| remove(c, "iat")),
        ("`nbf` lies in the future", |_, c| c["nbf"] = json!(c["iat"].as_i64().unwrap() + 120)),
        ("`nbf` has a value of the wrong type", |_, c| c["nbf"] = json!({})),
        ("`nonce` does not", |_, c| c["nonce"] = json!("other")),
        ("`nonce` is missing", |_, c| remove(c, "nonce")),
        ("`nonce` has a value of the wrong type", |_, c| c["nonce"] = json!([c["nonce"].clone()])),
        ("`at_hash` does not", |_, c| c["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("`at_hash` does not", |_, c| c["at_hash"] = json!("")),
        ("`at_hash` has a value of the wrong type", |_, c| c["at_hash"] = json!(1)),
        ("`sub` is missing", |_, c| remove(c, "sub")),
        ("`sub` has a value of the wrong type", |_, c| c["sub"] = json!("")),
        ("`sub` has a value of the wrong type", |_, c| c["sub"] = json!(7)),
        ("`sid` has a value of the wrong type", |_, c| c["sid"] = json!(7)),
        ("`sid` has a value of the wrong type", |_, c| c["sid"] = json!("s".repeat(256))),
        ("`auth_time` has a value of the wrong type", |_, c| c["auth_time"] = json!("2026-11-25T08:30:00Z")),
        ("`auth_time` has a value of the wrong type", |_, c| c["auth_time"] = json!("9007199254740992")),
        ("`sub` has a value of the wrong type", |_, c| c["sub"] = json!("a".repeat(256))),
        ("the token is of another kind", |_, c| {
            c["events"] = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
        }),
        ("the token is of another kind", |h, _| h["typ"] = json!("at+jwt")),
        ("the token is of another kind", |h, _| h["typ"] = json!("application/logout+jwt")),
        ("`crit` is not accepted", |h, _| h["crit"] = json!(["exp"])),
        ("`crit` is not accepted", |h, _| h["crit"] = json!([])),
        ("`b64` is not accepted", |h, _| h["b64"] = json!(false)),
        ("`jwk` is not accepted", |h, _| h["jwk"] = json!({ "kty": "oct", "k": "AA" })),
        ("`jku` is not accepted", |h, _| h["jku"] = json!("https://evil.example/keys")),
        ("`x5u` is not accepted", |h, _| h["x5u"] = json!("https://evil.example/cert")),
        ("`x5c` is not accepted", |h, _| h["x5c"] = json!(["AA"])),
        ("`kid` is not accepted", |h, _| h["kid"] = json!("k".repeat(300))),
        ("`kid` is not accepted", |h, _| h["kid"] = json!(1)),
        ("the algorithm and `kid`", |h, _| h["alg"] = json!("RS256")),
    ];
    let algorithms: [(&str, Forge); 6] = [
        ("the algorithm of the token is not accepted", |h, _| h["alg"] = json!("none")),
        ("the algorithm of the token is not accepted", |h, _| h["alg"] = json!("nOnE")),
        ("the algorithm of the token is not accepted", |h, _| h["alg"] = json!("HS256")),
        ("the algorithm and `kid`", |h, _| h["alg"] = json!("ES384")),
        ("not a JWS", |h, _| remove(h, "alg")),
        ("not a JWS", |h, _| h["alg"] = json!(["ES256"])),
    ];
    let tampered: [(&str, Tamper); 16] = [
        ("the signature does not verify", |t| {
            part(&t, 2, |s| format!("{}{}", if s.starts_with('A') { "B" } else { "A" }, &s[1..]))
        }),
        ("the signature does not verify", |t| part(&t, 2, |_| base64url([0; 64]))),
        ("the signature does not verify", |t| part(&t, 2, |_| base64url([0; 63]))),
        ("the signature does not verify", |t| part(&t, 2, |_| String::new())),
        ("the signature does not verify", |t| part(&t, 1, |p| format!("{p}AAAA"))),
        ("the signature does not verify", |t| part(&t, 0, |_| base64url(r#"{"alg":"ES256","typ":"JWT","x":1}"#))),
        ("not a JWS", |t| part(&t, 0, |_| base64url(r#"{"alg":"ES256","alg":"ES256"}"#))),
        ("not a JWS", |t| part(&t, 0, |_| base64url("[]"))),
        ("not a JWS", |t| part(&t, 2, |s| format!("{s}="))),
        ("not a JWS", |t| part(&t, 1, |p| format!("{p} "))),
        ("not a JWS", |t| format!("{t}.")),
        ("not a JWS", |t| format!("{t}.a.b")),
        ("not a JWS", |_| String::new()),
        ("not a JWS", |_| ".".repeat(30_000)),
        ("not a JWS", |_| r#"{"payload":"e30","signatures":[]}"#.to_owned()),
        ("the token is too long", |t| format!("{}.{t}", "A".repeat(33_000))),
    ];

    let mut world = World::<H>::new();
    let mut refused = |expected: &str, forge: Forge, tamper: Tamper| {
        world.issuer("acme", |issuer| (issuer.forge, issuer.tamper) = (forge, Box::new(tamper)));
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/", &ada());
        let reply = world.open(&mut browser, &callback).reply();
        assert_eq!(reply.status, 403, "{expected}: {}", reply.body);
        assert!(!browser.has_session());
        let log = world.harness.log();
        let last = log.lines().rev().find(|line| line.contains("id_token_invalid")).unwrap();
        assert!(last.contains(expected), "{expected}: {last}");
    };
    for (expected, forge) in forged.into_iter().chain(algorithms) {
        refused(expected, forge, |token| token);
    }
    for (expected, tamper) in tampered {
        refused(expected, |_, _| {}, tamper);
    }
}

pub fn odd_but_good_tokens<H: Harness>() {
    let good: [Forge; 20] = [
        |_, c| c["aud"] = json!(["gate"]),
        |_, c| c["aud"] = json!(["gate", "gate"]),
        |_, c| c["azp"] = json!("gate"),
        |_, c| remove(c, "at_hash"),
        |_, c| c["exp"] = json!(c["exp"].as_f64().unwrap() + 0.5),
        |_, c| add(c, "exp", -330),
        |_, c| add(c, "iat", 30),
        |_, c| c["auth_time"] = json!(0),
        // Optional claims that an issuer fills with nothing, and a number as text.
        |_, c| c["azp"] = json!(null),
        |_, c| c["azp"] = json!(""),
        |_, c| c["sid"] = json!(null),
        |_, c| c["sid"] = json!(""),
        |_, c| c["at_hash"] = json!(null),
        |_, c| c["auth_time"] = json!(null),
        |_, c| c["auth_time"] = json!(""),
        |_, c| c["auth_time"] = json!("0"),
        |_, c| c["auth_time"] = json!(c["iat"].to_string()),
        |h, _| remove(h, "typ"),
        |h, _| h["typ"] = json!("application/jwt"),
        |h, _| h["kid"] = json!("the configured key has none"),
    ];
    let mut world = World::<H>::new();
    for forge in good {
        world.issuer("acme", |issuer| issuer.forge = forge);
        let mut browser = world.browser();
        world.sign_in(&mut browser, "acme", "https://acme.example/", &ada());
    }
}

pub fn claims_of_the_wrong_type<H: Harness>() {
    let mut world =
        World::<H>::with(|configuration| configuration["tenants"][0]["identity"] = json!({ "user": "login" }));
    for person in [
        json!({ "sub": "ada" }),
        json!({ "sub": "ada", "login": "" }),
        json!({ "sub": "ada", "login": null }),
        json!({ "sub": "ada", "login": ["ada"] }),
        json!({ "sub": "ada", "login": "ada", "email": 1 }),
        json!({ "sub": "ada", "login": "ada", "auth_time": "now" }),
        json!({ "sub": "ada", "login": "ada", "auth_time": -1 }),
        json!({ "sub": "ada", "login": "ada", "groups": { "a": "b" } }),
        json!({ "sub": "ada", "login": "ada", "groups": ["a", 1] }),
        json!({ "sub": "ada", "login": "ada", "groups": [["a"]] }),
    ] {
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/", &person);
        assert_eq!(world.open(&mut browser, &callback).reply().status, 403, "{person}");
        assert!(!browser.has_session());
    }
    for (person, email, groups) in [
        (json!({ "sub": "1", "login": "ada" }), None, None),
        (json!({ "sub": "1", "login": "ada", "email": null, "groups": null }), None, None),
        (json!({ "sub": "1", "login": "ada", "email": "", "groups": [] }), None, None),
        (
            json!({ "sub": "1", "login": "ada", "email": "a@b", "email_verified": true, "groups": "one" }),
            Some("a@b"),
            Some("one"),
        ),
        (json!({ "sub": "1", "login": "ada", "groups": ["", "one", ""] }), None, Some("one")),
    ] {
        let mut browser = world.browser();
        let (_, seen) = world.sign_in(&mut browser, "acme", "https://acme.example/", &person);
        assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
        assert_eq!(values(&seen, "x-auth-request-email"), email.into_iter().collect::<Vec<_>>());
        assert_eq!(values(&seen, "x-auth-request-groups"), groups.into_iter().collect::<Vec<_>>());
    }
}

/// Steps 3 to 5 of the validation: an audience besides the client is one that the tenant trusts,
/// and then `azp` names the client.
pub fn audiences_besides_the_client<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["trusted_audiences"] = json!(["api", "reports"]);
    });
    let good: [Forge; 3] = [
        |_, c| c["aud"] = json!("gate"),
        |_, c| (c["aud"], c["azp"]) = (json!(["api", "gate"]), json!("gate")),
        |_, c| (c["aud"], c["azp"]) = (json!(["gate", "reports", "api"]), json!("gate")),
    ];
    for forge in good {
        world.issuer("acme", |issuer| issuer.forge = forge);
        world.signed_in();
    }
    let bad: [(&str, Forge); 7] = [
        ("`aud` does not", |_, c| c["aud"] = json!(["api"])),
        ("nor one of `trusted_audiences`", |_, c| {
            (c["aud"], c["azp"]) = (json!(["gate", "api", "other"]), json!("gate"));
        }),
        ("nor one of `trusted_audiences`", |_, c| (c["aud"], c["azp"]) = (json!(["gate", "API"]), json!("gate"))),
        ("`azp` is missing", |_, c| c["aud"] = json!(["gate", "api"])),
        ("`azp` is missing", |_, c| (c["aud"], c["azp"]) = (json!(["gate", "api"]), json!(null))),
        ("`azp` is missing", |_, c| (c["aud"], c["azp"]) = (json!(["gate", "api"]), json!(""))),
        ("`azp` does not", |_, c| (c["aud"], c["azp"]) = (json!(["gate", "api"]), json!("api"))),
    ];
    for (reason, forge) in bad {
        let already = world.harness.log().matches(reason).count();
        world.issuer("acme", |issuer| issuer.forge = forge);
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/", &ada());
        assert_eq!(world.open(&mut browser, &callback).reply().status, 403, "{reason}");
        assert!(!browser.has_session());
        assert!(world.harness.log().matches(reason).count() > already, "{reason}");
    }
}
