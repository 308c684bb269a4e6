//! API clients that authenticate with a bearer token.

use serde_json::{Value, json};

use crate::support::harness::{Harness, Outcome, Reply, values};
use crate::support::http::base64url;
use crate::support::issuer::Issuer;
use crate::support::signer::Signer;
use crate::support::world::{NAVIGATION, World, ada};

/// Changes header and claims before the token is signed.
type Forge = fn(&mut Value, &mut Value);

const API: &str = "https://acme.example/api/orders";

/// A world whose tenants accept bearer tokens. `bearer` is acme's section.
fn world<H: Harness>(bearer: Value) -> World<H> {
    World::with(|configuration| {
        configuration["tenants"][0]["bearer"] = bearer;
        configuration["tenants"][1]["bearer"] = json!({ "audiences": ["api"] });
    })
}

/// An access token of acme's issuer, changed by `forge`.
pub fn access_token<H: Harness>(world: &World<H>, forge: impl FnOnce(&mut Value, &mut Value)) -> String {
    let now = world.clock.now();
    let mut header = json!({ "alg": "ES256", "typ": "at+jwt" });
    let mut claims = json!({
        "iss": "https://login.acme.example", "aud": "api", "sub": "robot", "client_id": "shop", "iat": now, "exp": now + 300,
        "scope": "read write", "groups": ["machines"],
    });
    forge(&mut header, &mut claims);
    world.issuer("acme", |issuer| {
        let token = issuer.signer.jws(&header, &claims);
        issuer.secrets.push(token.clone());
        token
    })
}

fn send<H: Harness>(world: &mut World<H>, token: &str) -> Outcome {
    world.send(&mut world.browser(), API, &[("authorization", &format!("Bearer {token}"))])
}

#[track_caller]
fn refused<H: Harness>(world: &mut World<H>, token: &str, status: u16, challenge: &str) -> Reply {
    let reply = send(world, token).reply();
    assert_eq!(reply.status, status, "{}", reply.body);
    assert_eq!(reply.header("www-authenticate"), Some(format!("Bearer realm=\"acme\", {challenge}").as_str()));
    assert_eq!(reply.all("set-cookie").count(), 0);
    reply
}

pub fn a_good_token_is_as_good_as_a_session<H: Harness>() {
    let mut world = world::<H>(json!({ "audiences": ["other", "api"], "scopes": ["read"] }));
    let token = access_token(&world, |_, _| {});
    for scheme in ["Bearer", "bearer", "BEARER", "Bearer "] {
        let lines = [("authorization", &*format!("{scheme} {token}")), ("x-auth-request-user", "evil")];
        let seen = world.send(&mut world.browser(), API, &lines).forwarded();
        assert_eq!(values(&seen, "x-auth-request-user"), ["robot"], "{scheme}");
        assert_eq!(values(&seen, "x-auth-request-groups"), ["machines"]);
        assert_eq!(values(&seen, "x-auth-request-tenant"), ["acme"]);
        assert_eq!(values(&seen, "authorization"), <[String; 0]>::default());
    }
    let odd: [Forge; 6] = [
        |header, _| header["typ"] = json!("application/at+jwt"),
        |header, _| header["typ"] = json!("JWT"),
        |header, _| drop(header.as_object_mut().unwrap().remove("typ")),
        |_, claims| claims["aud"] = json!(["x", "api"]),
        |_, claims| drop(claims.as_object_mut().unwrap().remove("iat")),
        |_, claims| (claims["scope"], claims["scp"]) = (json!("read"), json!("x")),
    ];
    for forge in odd {
        let token = access_token(&world, forge);
        send(&mut world, &token).forwarded();
    }
    for scp in [json!("write read"), json!(["read"])] {
        let token = access_token(&world, |_, claims| {
            claims.as_object_mut().unwrap().remove("scope");
            claims["scp"] = scp;
        });
        send(&mut world, &token).forwarded();
    }
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 0);
}

pub fn hostile_bearer_tokens<H: Harness>() {
    let forged: [(&str, Forge); 18] = [
        ("claim `iss` does not have the expected value", |_, c| c["iss"] = json!("https://login.globex.example")),
        ("claim `aud` does not have the expected value", |_, c| c["aud"] = json!("gate")),
        ("claim `aud` does not have the expected value", |_, c| c["aud"] = json!(["API"])),
        ("claim `aud` is missing", |_, c| drop(c.as_object_mut().unwrap().remove("aud"))),
        ("claim `exp` has passed", |_, c| c["exp"] = json!(c["exp"].as_u64().unwrap() - 400)),
        ("claim `exp` is missing", |_, c| drop(c.as_object_mut().unwrap().remove("exp"))),
        ("claim `nbf` lies in the future", |_, c| c["nbf"] = json!(c["exp"].as_u64().unwrap())),
        ("claim `sub` is missing", |_, c| drop(c.as_object_mut().unwrap().remove("sub"))),
        ("claim `scope` has a value of the wrong type or form", |_, c| c["scope"] = json!(["read"])),
        ("the token is of another kind than expected", |h, _| h["typ"] = json!("logout+jwt")),
        ("the token is of another kind than expected", |_, c| c["events"] = json!({})),
        ("the token is of another kind than expected", |h, c| (h["typ"], c["nonce"]) = (json!("JWT"), json!("n"))),
        ("the token is of another kind than expected", |h, c| (h["typ"], c["at_hash"]) = (json!("JWT"), json!("h"))),
        ("the algorithm of the token is not accepted", |h, _| h["alg"] = json!("none")),
        ("the algorithm of the token is not accepted", |h, _| h["alg"] = json!("HS256")),
        ("no key of the tenant with the algorithm and `kid` of the token verifies it", |h, _| {
            h["alg"] = json!("RS256");
        }),
        ("header parameter `crit` is not accepted", |h, _| h["crit"] = json!([])),
        ("claim `groups` is not text, or not a list of texts", |_, c| c["groups"] = json!([1])),
    ];
    let mut world = world::<H>(json!({ "audiences": ["api"] }));
    for (reason, forge) in forged {
        let token = access_token(&world, forge);
        refused(&mut world, &token, 401, &format!("error=\"invalid_token\", error_description=\"{reason}\""));
    }
    let good = access_token(&world, |_, _| {});
    let tampered = format!("{}AAAA", &good[..good.len() - 4]);
    for (token, reason) in [
        (tampered.as_str(), "the signature does not verify with the tenant's keys"),
        ("junk", "not a JWS in compact serialization over JSON"),
        ("a.b.c", "not a JWS in compact serialization over JSON"),
    ] {
        refused(&mut world, token, 401, &format!("error=\"invalid_token\", error_description=\"{reason}\""));
    }
    // A browser with a bad token gets 401, not a redirect.
    let lines = [NAVIGATION[0], NAVIGATION[1], NAVIGATION[2], ("authorization", "Bearer junk")];
    assert_eq!(world.send(&mut world.browser(), API, &lines).reply().status, 401);
    // The other tenant has the same key and audience, but another issuer.
    let lines = [("authorization", &*format!("Bearer {good}"))];
    assert_eq!(world.send(&mut world.browser(), "https://globex.example/", &lines).reply().status, 401);
}

/// A key verifies one algorithm, even if its type could verify others.
pub fn another_algorithm_of_the_same_key<H: Harness>() {
    let issuer = Issuer::new("https://login.acme.example", "none", Signer::rs256(), H::clock());
    let mut world = World::<H>::of([("acme", issuer)], |configuration| {
        configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"] });
    });
    for signer in Signer::all() {
        world.issuer("acme", |issuer| issuer.signer = signer.clone());
        let good = access_token(&world, |header, _| header["alg"] = json!(signer.alg()));
        // The same signature, under the name of the key's own algorithm.
        let named = access_token(&world, |header, _| header["alg"] = json!("RS256"));
        if signer.alg() == "RS256" {
            send(&mut world, &good).forwarded();
            continue;
        }
        assert_eq!(send(&mut world, &good).reply().status, 401, "{}", signer.alg());
        assert_eq!(send(&mut world, &named).reply().status, 401, "{}", signer.alg());
    }
}

/// A key inside the token is never used.
pub fn a_key_in_the_token<H: Harness>() {
    let mut world = world::<H>(json!({ "audiences": ["api"] }));
    let attacker = Signer::other_es256();
    let [ours, theirs] = [Signer::es256(), attacker.clone()].map(|signer| signer.jwk());
    world.issuer("acme", |issuer| issuer.signer = attacker);
    for (name, value) in [
        ("jwk", theirs.clone()),
        ("jwk", ours),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/certificate")),
        ("x5c", json!(["MIIB"])),
        ("kid", json!("../../keys")),
    ] {
        let token = access_token(&world, |header, _| header[name] = value);
        assert_eq!(send(&mut world, &token).reply().status, 401, "{name}");
    }
    assert_eq!(world.issuer("acme", |issuer| (issuer.calls, issuer.documents)), (0, 0));
}

/// Valid signatures over JSON that two parsers could read differently, or that could exhaust one.
pub fn signed_text_that_is_no_token<H: Harness>() {
    let mut world = world::<H>(json!({ "audiences": ["api"] }));
    let expiry = world.clock.now() + 300;
    let header = r#"{"alg":"ES256","typ":"at+jwt"}"#;
    let claims = format!(r#""iss":"https://login.acme.example","aud":"api","exp":{expiry}"#);
    let with = |more: &str| format!(r#"{{{claims},"sub":"robot"{more}}}"#).into_bytes();
    let nested = |depth: usize| with(&format!(r#","x":{}{}"#, "[".repeat(depth), "]".repeat(depth)));
    let members: String = (0..1500).map(|i| format!(r#","c{i}":{i}"#)).collect();
    let mut send = |header: &str, claims: &[u8]| {
        let token = world.issuer("acme", |issuer| {
            let input = format!("{}.{}", base64url(header), base64url(claims));
            let token = format!("{input}.{}", base64url(issuer.signer.sign(input.as_bytes())));
            issuer.secrets.push(token.clone());
            token
        });
        match send(&mut world, &token) {
            Outcome::Forwarded(..) => 200,
            Outcome::Replied(reply) => reply.status,
        }
    };
    for good in [with(""), with(&members), nested(60), with(r#","x":"\u0000 \ud83d\ude00""#)] {
        assert_eq!(send(header, &good), 200, "{}", String::from_utf8_lossy(&good));
    }
    for bad in [
        with(r#","sub":"robot""#),
        with(r#","\u0073ub":"admin""#),
        with(r#","groups":[],"groups":["admins"]"#),
        with(r#","x":{"a":1,"a":2}"#),
        with(r#","nbf":1E400"#),
        with(r#","nbf":-0"#),
        with(&format!(r#","nbf":1{}"#, "0".repeat(400))),
        with(r#","x":01"#),
        with(r#","x":NaN"#),
        with(r#","x":"\ud800""#),
        with(","),
        nested(200),
        nested(10_000),
        [&with("")[..], b"{}"].concat(),
        [&b"\xef\xbb\xbf"[..], &with("")].concat(),
        [&with("")[..30], b"\xff", &with("")[30..]].concat(),
        b"[]".to_vec(),
        b"null".to_vec(),
        Vec::new(),
    ] {
        assert_eq!(send(header, &bad), 401, "{}", String::from_utf8_lossy(&bad));
    }
    for bad in [
        r#"{"alg":"ES256","alg":"ES256"}"#,
        r#"{"alg":"none","\u0061lg":"ES256"}"#,
        r#"{"alg":"ES256","zip":"DEF"}"#,
        r#"{"alg":"ES256","enc":"A128GCM","crit":["enc"]}"#,
        r#"{"alg":"es256"}"#,
        r#"{"ALG":"ES256"}"#,
        r#"{"alg":"ES256"} {}"#,
    ] {
        assert_eq!(send(bad, &with("")), 401, "{bad}");
    }
    // A thumbprint is not a key: the filter ignores it.
    assert_eq!(send(r#"{"alg":"ES256","typ":"at+jwt","x5t":"AA","x5t#S256":"AA"}"#, &with("")), 200);
}

/// A claim of the wrong type is an error; it is not treated as missing.
pub fn claims_of_every_type<H: Harness>() {
    let mut world = world::<H>(json!({ "audiences": ["api"], "scopes": ["read"] }));
    let types = [
        json!("text"),
        json!(""),
        json!(1),
        json!(-1.5),
        json!(true),
        json!(null),
        json!([]),
        json!(["text"]),
        json!([["text"]]),
        json!({}),
        json!({ "text": "text" }),
    ];
    for claim in ["iss", "aud", "exp", "nbf", "iat", "sub", "scope"] {
        // A module that has to verify all of these itself takes more than a second for them.
        world.harness.advance();
        for value in &types {
            let token = access_token(&world, |_, claims| claims[claim] = value.clone());
            let good = match claim {
                "nbf" | "iat" => value == &json!(1),
                "sub" => value == &json!("text"),
                _ => false,
            };
            let status = match send(&mut world, &token) {
                Outcome::Forwarded(..) => 200,
                Outcome::Replied(reply) => reply.status,
            };
            let expected = if good {
                &[200][..]
            } else if claim == "scope" {
                &[401, 403][..]
            } else {
                &[401][..]
            };
            assert!(expected.contains(&status), "{claim}: {value}: {status}");
        }
    }
}

pub fn a_token_that_is_not_enough<H: Harness>() {
    let mut world = world::<H>(json!({ "audiences": ["api"], "scopes": ["read", "admin"] }));
    let challenge =
        "error=\"insufficient_scope\", error_description=\"a required scope is missing\", scope=\"read admin\"";
    let token = access_token(&world, |_, _| {});
    refused(&mut world, &token, 403, challenge);
    let token = access_token(&world, |_, claims| drop(claims.as_object_mut().unwrap().remove("scope")));
    refused(&mut world, &token, 403, challenge);
    let token = access_token(&world, |_, claims| claims["scope"] = json!("reader admin"));
    refused(&mut world, &token, 403, challenge);
}

pub fn claims_that_are_required<H: Harness>() {
    let tier = "https://acme.example/tier";
    let claims = json!({ "department": ["sales", "operations"], tier: "gold" });
    let mut world = world::<H>(json!({ "audiences": ["api"], "claims": claims }));
    for (department, level) in [
        (json!("sales"), json!("gold")),
        (json!(["x", "operations"]), json!(["gold"])),
        (json!(["sales", 1, null]), json!(["silver", "gold"])),
    ] {
        let token = access_token(&world, |_, claims| (claims["department"], claims[tier]) = (department, level));
        send(&mut world, &token).forwarded();
    }
    let challenge = |name: &str| {
        format!("error=\"insufficient_scope\", error_description=\"claim `{name}` does not have a required value\"")
    };
    for wrong in
        [json!("SALES"), json!("sales "), json!("sales operations"), json!([["sales"]]), json!({ "sales": "sales" })]
            .into_iter()
            .chain([json!([]), json!(null), json!(true), json!(1), json!("")])
    {
        let token = access_token(&world, |_, claims| (claims["department"], claims[tier]) = (wrong, json!("gold")));
        refused(&mut world, &token, 403, &challenge("department"));
    }
    let token = access_token(&world, |_, claims| claims["department"] = json!("sales"));
    refused(&mut world, &token, 403, &challenge(tier));
    // An invalid token is never told what it lacks.
    let token = access_token(&world, |_, claims| claims["aud"] = json!("other"));
    let reason = "claim `aud` does not have the expected value";
    refused(&mut world, &token, 401, &format!("error=\"invalid_token\", error_description=\"{reason}\""));
}

pub fn one_header_with_one_token<H: Harness>() {
    let mut world = world::<H>(json!({ "audiences": ["api"] }));
    let token = access_token(&world, |_, _| {});
    let good = format!("Bearer {token}");
    for lines in [
        &[("authorization", "Bearer")][..],
        &[("authorization", &good), ("authorization", &good)],
        &[("authorization", &good), ("authorization", "Basic x")],
        &[("authorization", &format!("{good} {token}"))],
    ] {
        let reply = world.send(&mut world.browser(), API, lines).reply();
        assert_eq!(reply.status, 400);
        assert!(reply.header("www-authenticate").unwrap().contains("error=\"invalid_request\""));
    }
}

/// With a token and a session in one request, only the token counts.
pub fn a_session_is_not_looked_at_beside_a_token<H: Harness>() {
    let mut world = world::<H>(json!({ "audiences": ["api"] }));
    let mut browser = world.signed_in();
    let token = access_token(&world, |_, _| {});
    let lines = [("authorization", &*format!("Bearer {token}"))];
    let seen = world.send(&mut browser, API, &lines).forwarded();
    assert_eq!(values(&seen, "x-auth-request-user"), ["robot"]);
    assert_eq!(values(&seen, "cookie"), <[String; 0]>::default());
    assert_eq!(world.send(&mut browser, API, &[("authorization", "Bearer junk")]).reply().status, 401);
    // The filter ignores other schemes of `Authorization` and does not forward them.
    let seen = world.send(&mut browser, API, &[("authorization", "Basic eDp5")]).forwarded();
    assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
    assert_eq!(values(&seen, "authorization"), <[String; 0]>::default());
}

pub fn tenants_that_take_no_tokens_or_id_tokens_too<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.signed_in();
    let reply = world.send(&mut browser, API, &[("authorization", "Bearer x")]).reply();
    assert_eq!(reply.status, 401);
    let expected =
        "Bearer realm=\"acme\", error=\"invalid_token\", error_description=\"bearer tokens are not accepted here\"";
    assert_eq!(reply.header("www-authenticate"), Some(expected));

    let id_token = |header: &mut Value, claims: &mut Value| {
        header["typ"] = json!("JWT");
        (claims["aud"], claims["nonce"]) = (json!("gate"), json!("n"));
    };
    let mut strict = self::world::<H>(json!({ "audiences": ["gate"] }));
    let token = access_token(&strict, id_token);
    assert_eq!(send(&mut strict, &token).reply().status, 401);
    let mut lenient = self::world::<H>(json!({ "audiences": ["gate"], "id_tokens": true }));
    let token = access_token(&lenient, id_token);
    let seen = send(&mut lenient, &token).forwarded();
    assert_eq!(values(&seen, "x-auth-request-user"), ["robot"]);
    // Sessions work as before.
    let mut browser = lenient.browser();
    lenient.sign_in(&mut browser, "acme", "https://acme.example/", &ada());
}

/// Sends the token so often that every worker has it in its cache, which takes a token when it
/// comes for the second time.
fn make_known<H: Harness>(world: &mut World<H>, token: &str) {
    for _ in 0..8 {
        send(world, token).forwarded();
    }
}

/// A cached token skips the signature only: tenant, audience and time are checked each time.
pub fn a_known_token_opens_nothing_new<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        let tenants = configuration["tenants"].as_array_mut().unwrap();
        tenants[0]["bearer"] = json!({ "audiences": ["api"] });
        // The same issuer, client and key, with another audience.
        let mut twin = tenants[0].clone();
        (twin["name"], twin["hosts"], twin["bearer"]) =
            (json!("globex"), json!(["globex.example"]), json!({ "audiences": ["other"] }));
        tenants[1] = twin;
    });
    let token = access_token(&world, |_, _| {});
    make_known(&mut world, &token);
    let lines = [("authorization", &*format!("Bearer {token}"))];
    assert_eq!(world.send(&mut world.browser(), "https://globex.example/", &lines).reply().status, 401);
    assert_eq!(send(&mut world, &token[..token.len() - 1]).reply().status, 401);

    let mut configuration = world.configuration();
    configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"], "scopes": ["admin"] });
    world.harness.reconfigure(&configuration);
    assert_eq!(send(&mut world, &token).reply().status, 403);
    configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"] });
    configuration["tenants"][0]["keys"] = json!([Signer::eddsa().configured()]);
    world.harness.reconfigure(&configuration);
    assert_eq!(send(&mut world, &token).reply().status, 401);
}

pub fn a_known_token_expires<H: Harness>() {
    let mut world = world::<H>(json!({ "audiences": ["api"] }));
    let token = access_token(&world, |_, _| {});
    make_known(&mut world, &token);
    world.clock.advance(std::time::Duration::from_secs(359));
    send(&mut world, &token).forwarded();
    world.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(send(&mut world, &token).reply().status, 401);
}

/// Envoy's cryptography has no EdDSA, so the module verifies it, for each tenant so often and no
/// more. Junk keeps no known token out, no user, and nobody of another tenant.
pub fn junk_that_the_module_has_to_verify<H: Harness>() {
    let clock = H::clock();
    let issuer = |url| Issuer::new(url, "client_secret_basic", Signer::eddsa(), clock.clone());
    let issuers = [("acme", issuer("https://login.acme.example")), ("globex", issuer("https://login.globex.example"))];
    let mut world = World::<H>::of(issuers, |configuration| {
        for tenant in configuration["tenants"].as_array_mut().unwrap() {
            tenant["bearer"] = json!({ "audiences": ["api"] });
        }
    });
    let token = |world: &World<H>, name: &str| {
        access_token(world, |header, claims| (header["alg"], claims["sub"]) = (json!("EdDSA"), json!(name)))
    };
    let known = token(&world, "known");
    make_known(&mut world, &known);
    for _ in 0..3 {
        world.harness.advance();
    }
    let mut statuses = [401, 503].map(|status| (status, 0));
    for number in 0..300 {
        let token = token(&world, &number.to_string());
        let junk = format!("{}.{}", token.rsplit_once('.').unwrap().0, base64url([7; 64]));
        let reply = send(&mut world, &junk).reply();
        statuses.iter_mut().find(|(status, _)| *status == reply.status).unwrap().1 += 1;
        if reply.status == 503 {
            assert_eq!((reply.header("retry-after"), reply.header("www-authenticate")), (Some("5"), None));
            assert!(reply.body.contains("verification_limited"), "{}", reply.body);
        }
    }
    assert_eq!(statuses, [(401, 128), (503, 172)]);
    let new = token(&world, "new");
    assert_eq!(send(&mut world, &new).reply().status, 503);
    send(&mut world, &known).forwarded();
    world.signed_in();
    let other = json!({
        "iss": "https://login.globex.example", "aud": "api", "sub": "robot", "exp": world.clock.now() + 300,
    });
    let other = world.issuer("globex", |issuer| issuer.signer.jws(&json!({ "alg": "EdDSA", "typ": "at+jwt" }), &other));
    let lines = [("authorization", &*format!("Bearer {other}"))];
    world.send(&mut world.browser(), "https://globex.example/", &lines).forwarded();
    world.harness.advance();
    assert_eq!(world.harness.counter("tenant.acme.verification_limited"), 173);
    send(&mut world, &new).forwarded();

    // What the host verifies has no limit.
    let mut world = self::world::<H>(json!({ "audiences": ["api"] }));
    for number in 0..if H::HOST_VERIFIES { 200 } else { 0 } {
        let token = access_token(&world, |_, claims| claims["sub"] = json!(number.to_string()));
        let junk = format!("{}.{}", token.rsplit_once('.').unwrap().0, base64url([7; 64]));
        assert_eq!(send(&mut world, &junk).reply().status, 401, "{number}");
    }
}

/// RFC 9864 section 2.2: `EdDSA` and `Ed25519` name the algorithm of the same key.
pub fn both_names_of_ed25519<H: Harness>() {
    let mut world = World::<H>::with_issuer(
        |issuer| {
            issuer.signer = Signer::eddsa();
            issuer.forge = |header, _| header["alg"] = json!("Ed25519");
        },
        |configuration| configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"] }),
    );
    for alg in ["EdDSA", "Ed25519"] {
        let token = access_token(&world, |header, _| header["alg"] = json!(alg));
        send(&mut world, &token).forwarded();
    }
    for alg in ["ed25519", "EDDSA", "Ed448", "Ed25519ph", "none", ""] {
        let token = access_token(&world, |header, _| header["alg"] = json!(alg));
        let reason = "the algorithm of the token is not accepted";
        refused(&mut world, &token, 401, &format!("error=\"invalid_token\", error_description=\"{reason}\""));
    }
    // The ID token of a login, too.
    world.signed_in();
    // It is no name for another key.
    let mut world = self::world::<H>(json!({ "audiences": ["api"] }));
    let token = access_token(&world, |header, _| header["alg"] = json!("Ed25519"));
    assert_eq!(send(&mut world, &token).reply().status, 401);
}

/// A header has some 100 bytes. A long one is refused before it is decoded, whatever is in it.
pub fn a_long_header<H: Harness>() {
    let mut world = world::<H>(json!({ "audiences": ["api"] }));
    let plain = json!({ "alg": "ES256", "typ": "at+jwt", "x5t": "" }).to_string().len();
    // 768 bytes are 1,024 in base64url.
    for (length, is_good) in [(768, true), (769, false), (20_000, false)] {
        let token = access_token(&world, |header, _| header["x5t"] = json!("a".repeat(length - plain)));
        if is_good {
            send(&mut world, &token).forwarded();
        } else {
            let reason = "the header of the token is longer than 1024 bytes";
            refused(&mut world, &token, 401, &format!("error=\"invalid_token\", error_description=\"{reason}\""));
        }
    }
    for junk in ["!".repeat(1025), base64url(vec![b'['; 769])] {
        let reply = send(&mut world, &format!("{junk}.e30.AA")).reply();
        assert!(reply.header("www-authenticate").unwrap().contains("the header of the token is longer"), "{reply:?}");
    }
}
