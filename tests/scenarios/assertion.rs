//! The signed identity assertion, verified as an upstream does.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tenantgate::jose::parse_jwk;

use super::bearer::access_token;
use crate::support::browser::Browser;
use crate::support::core_harness::VERIFIER;
use crate::support::harness::{Harness, Outcome, Reply, values};
use crate::support::issuer::Refresh;
use crate::support::world::{NAVIGATION, World, ada};

const EC: &str = include_str!("../vectors/keys/ec.private.pem");
const ED: &str = include_str!("../vectors/keys/ed.private.pem");

/// How long after its expiry Tenantgate accepts a token, in seconds.
const LEEWAY: u64 = 60;

/// A world whose assertions are signed with the first of `keys`.
fn world<H: Harness>(keys: Value) -> World<H> {
    World::with(|configuration| {
        configuration["assertion"] = json!({ "keys": keys, "audiences": ["upstream"], "lifetime": "5m" });
        configuration["tenants"][0]["roles"] = json!([{ "name": "admin", "groups": ["admins"] }]);
    })
}

/// The JWKS that the filter publishes on `host`.
fn jwks<H: Harness>(world: &mut World<H>, host: &str, method: &str) -> Reply {
    let lines = [(":method", method), (":scheme", "https"), (":authority", host)];
    let path = (":path", "/.well-known/tenantgate/jwks.json");
    let head = [&lines[..], &[path]].concat();
    let head = head.into_iter().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect();
    match world.harness.send(&head) {
        Outcome::Replied(reply) => reply,
        Outcome::Forwarded(..) => panic!("the upstream was asked for the keys"),
    }
}

/// Header and claims of the assertion, after its signature was verified with the published JWKS.
fn verified<H: Harness>(world: &mut World<H>, assertion: &str) -> (Value, Value) {
    let keys: Value = serde_json::from_str(&jwks(world, "acme.example", "GET").body).unwrap();
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let (input, signature) = assertion.rsplit_once('.').unwrap();
    let (header, claims) = input.split_once('.').unwrap();
    let [header, claims] = [header, claims].map(|part| serde_json::from_slice::<Value>(&decode(part)).unwrap());
    let jwk = keys["keys"].as_array().unwrap().iter().find(|jwk| jwk["kid"] == header["kid"]).expect("a known key");
    let key = parse_jwk(jwk.as_object().unwrap()).unwrap();
    assert_eq!(header["alg"], key.algorithm().name());
    assert!(key.verify(input.as_bytes(), &decode(signature), VERIFIER));
    (header, claims)
}

/// The only assertion that the upstream receives.
#[track_caller]
fn received<H: Harness>(world: &mut World<H>, browser: &mut Browser, url: &str) -> String {
    let spoofed = [("x-tenantgate-assertion", "evil"), ("X_Tenantgate_Assertion", "evil"), NAVIGATION[0]];
    let seen = world.send(browser, url, &spoofed).forwarded();
    assert_eq!(values(&seen, "x_tenantgate_assertion"), <[String; 0]>::default());
    let [assertion] = <[String; 1]>::try_from(values(&seen, "x-tenantgate-assertion")).unwrap();
    assertion
}

pub fn an_assertion_can_be_verified<H: Harness>() {
    for (key, alg) in [(json!({ "pem": EC }), "ES256"), (json!({ "pem": ED, "kid": "2026" }), "EdDSA")] {
        let mut world = world::<H>(json!([key]));
        let mut browser = world.signed_in();
        let before = world.clock.now();
        let assertion = received(&mut world, &mut browser, "https://acme.example/");
        let (header, mut claims) = verified(&mut world, &assertion);
        assert_eq!((&header["alg"], &header["typ"]), (&json!(alg), &json!("tenantgate-assertion+jwt")));
        let members = claims.as_object_mut().unwrap();
        let [iat, exp] = ["iat", "exp"].map(|name| members.remove(name).unwrap().as_u64().unwrap());
        let jti = members.remove("jti").unwrap();
        assert_eq!(jti.as_str().unwrap().len(), 22);
        assert!((before - 3..=before + 3).contains(&iat) && exp == iat + 300, "{before} {iat} {exp}");
        let expected = json!({
            "iss": "tenantgate", "aud": "upstream", "sub": "ada", "email": "ada@acme.example", "groups": ["engineers", "admins"],
            "roles": ["admin"], "tenant": "acme", "email_verified": true,
            "sub_id": { "format": "iss_sub", "iss": "https://login.acme.example", "sub": "ada" },
        });
        assert_eq!(claims, expected);

        // Another person gets another assertion, and so does the same user at the other tenant.
        let (mut other, mut twin) = (world.browser(), world.browser());
        world.sign_in(&mut other, "acme", "https://acme.example/", &json!({ "sub": "bob" }));
        world.sign_in(&mut twin, "globex", "https://globex.example/", &ada());
        let bob = received(&mut world, &mut other, "https://acme.example/");
        let (_, claims) = verified(&mut world, &bob);
        assert_ne!(claims["jti"], jti);
        assert_eq!(
            (&claims["sub"], &claims["groups"], &claims["roles"], claims.get("email")),
            (&json!("bob"), &json!([]), &json!([]), None),
            "{claims}"
        );
        let ada = received(&mut world, &mut twin, "https://globex.example/");
        assert_eq!(verified(&mut world, &ada).1["tenant"], "globex");
    }
}

/// An assertion of a token that ends soon ends with it, even if another one with the same claims
/// was signed before. So does that of a session.
pub fn an_assertion_ends_with_its_token_or_session<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["session"]["lifetime"] = json!("2m");
        configuration["assertion"] = json!({ "keys": [{ "pem": EC }], "lifetime": "1h" });
        configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"] });
    });
    let now = world.clock.now();
    for (expires, most) in
        [(now + 90_000, now + 3_610), (now + 20, now + 20 + LEEWAY), (now + 1_000, now + 1_000 + LEEWAY)]
    {
        let token = access_token(&world, |_, claims| claims["exp"] = json!(expires));
        let lines = [("authorization", format!("Bearer {token}"))];
        let lines: Vec<(&str, &str)> = lines.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut seen = Vec::new();
        for path in ["a", "b"] {
            let url = format!("https://acme.example/{path}");
            seen = values(&world.send(&mut world.browser(), &url, &lines).forwarded(), "x-tenantgate-assertion");
        }
        let exp = verified(&mut world, &seen[0]).1["exp"].as_u64().unwrap();
        assert!((most - 15..=most).contains(&exp), "{} {}", exp - now, most - now);
    }
    let mut browser = world.signed_in();
    let assertion = received(&mut world, &mut browser, "https://acme.example/");
    let exp = verified(&mut world, &assertion).1["exp"].as_u64().unwrap();
    assert!((now..=world.clock.now() + 120).contains(&exp), "{exp} {now}");
}

/// The assertion of a session that is refreshed ends when the identity would be too old, and that
/// of one that cannot be refreshed with the interval, after which the user signs in again.
pub fn an_assertion_ends_with_an_identity_that_is_not_renewed<H: Harness>() {
    for (answers, without_token, most) in
        [(Refresh::Rotating, "end", 1_200), (Refresh::None, "end", 600), (Refresh::None, "keep", 3_600)]
    {
        let mut world = World::<H>::with(|configuration| {
            configuration["assertion"] = json!({ "keys": [{ "pem": EC }], "lifetime": "1h" });
            let refresh = json!({ "interval": "10m", "max_stale": "20m", "without_token": without_token });
            configuration["tenants"][0]["refresh"] = refresh;
        });
        world.issuer("acme", |issuer| issuer.refresh = answers);
        let now = world.clock.now();
        let mut browser = world.signed_in();
        let assertion = received(&mut world, &mut browser, "https://acme.example/");
        let exp = verified(&mut world, &assertion).1["exp"].as_u64().unwrap();
        assert!((now + most..=now + most + 10).contains(&exp), "{most} {}", exp - now);
    }
}

/// An upstream cannot send the assertion on to the upstream of another host or tenant.
pub fn an_assertion_is_for_one_audience<H: Harness>() {
    for (audiences, of_acme, of_globex) in [
        (Value::Null, json!("https://acme.example"), json!("https://globex.example")),
        (json!(["{tenant}"]), json!("acme"), json!("globex")),
        (json!(["up", "{tenant}@{host}"]), json!(["up", "acme@acme.example"]), json!(["up", "globex@globex.example"])),
    ] {
        let mut world = World::<H>::with(|configuration| {
            configuration["assertion"] = json!({ "keys": [{ "pem": ED }] });
            if !audiences.is_null() {
                configuration["assertion"]["audiences"] = audiences;
            }
        });
        let mut browser = world.browser();
        for (tenant, expected) in [("acme", of_acme), ("globex", of_globex)] {
            let url = format!("https://{tenant}.example/");
            world.sign_in(&mut browser, tenant, &url, &ada());
            let assertion = received(&mut world, &mut browser, &url);
            assert_eq!(verified(&mut world, &assertion).1["aud"], expected, "{tenant}");
        }
    }
}

/// Each host of a tenant is an audience of its own, however it is written. An assertion that was
/// signed for another host is not used again.
pub fn an_assertion_is_for_one_host<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["assertion"] = json!({ "keys": [{ "pem": EC }] });
        let acme = &mut configuration["tenants"][0];
        acme["hosts"] = json!(["acme.example", "*.acme.example"]);
        acme["login"] =
            json!({ "redirect_uri": "https://acme.example/oauth2/callback", "cookie_domain": "acme.example" });
        acme["bearer"] = json!({ "audiences": ["api"] });
    });
    let line = format!("Bearer {}", access_token(&world, |_, _| {}));
    for (host, expected) in [
        ("acme.example", "https://acme.example"),
        ("wiki.acme.example", "https://wiki.acme.example"),
        ("Mail.ACME.example.:8443", "https://mail.acme.example"),
        ("acme.example:443", "https://acme.example"),
    ] {
        let lines = [(":authority", host), ("authorization", &line)];
        let seen = world.send(&mut world.browser(), "https://acme.example/", &lines).forwarded();
        assert_eq!(verified(&mut world, &values(&seen, "x-tenantgate-assertion")[0]).1["aud"], expected);
    }
}

/// The user as the issuer names it, and what it says about address and scopes.
pub fn an_assertion_has_what_the_issuer_said<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["assertion"] = json!({ "keys": [{ "pem": EC }] });
        configuration["tenants"][0]["identity"] = json!({ "user": "name" });
        configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"] });
    });
    let mut browser = world.browser();
    let person = json!({ "sub": "248289761001", "name": "Ada", "email": "ada@acme.example", "email_verified": true });
    world.sign_in(&mut browser, "acme", "https://acme.example/", &person);
    let assertion = received(&mut world, &mut browser, "https://acme.example/");
    let (_, claims) = verified(&mut world, &assertion);
    let named = |sub: &str| json!({ "format": "iss_sub", "iss": "https://login.acme.example", "sub": sub });
    assert_eq!((&claims["sub"], &claims["sub_id"]), (&json!("Ada"), &named("248289761001")));
    assert_eq!((&claims["email_verified"], claims.get("scope")), (&json!(true), None));
    // An address that nobody verified is not there, unless the tenant says so.
    let (mut unverified, mut eve) = (person, world.browser());
    unverified["email_verified"] = json!(false);
    world.sign_in(&mut eve, "acme", "https://acme.example/", &unverified);
    for forwards in [false, true] {
        let mut configuration = world.configuration();
        configuration["assertion"] = json!({ "keys": [{ "pem": EC }] });
        configuration["tenants"][0]["identity"] = json!({ "user": "name", "forward_unverified_email": forwards });
        configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"] });
        world.harness.reconfigure(&configuration);
        let assertion = received(&mut world, &mut eve, "https://acme.example/");
        let (_, claims) = verified(&mut world, &assertion);
        let expected = forwards.then(|| (json!("ada@acme.example"), json!(false)));
        assert_eq!(claims.get("email").cloned().zip(claims.get("email_verified").cloned()), expected, "{claims}");
    }

    let token = access_token(&world, |_, claims| {
        claims["name"] = json!("Robot");
        claims["scope"] = json!("orders reports");
    });
    let line = format!("Bearer {token}");
    let seen = world.send(&mut world.browser(), "https://acme.example/", &[("authorization", &line)]).forwarded();
    let (_, claims) = verified(&mut world, &values(&seen, "x-tenantgate-assertion")[0]);
    assert_eq!((&claims["sub"], &claims["sub_id"]), (&json!("Robot"), &named("robot")));
    assert_eq!(claims["scope"], "orders reports");

    let token = access_token(&world, |_, claims| {
        claims["name"] = json!("Robot");
        claims.as_object_mut().unwrap().remove("scope");
    });
    let line = format!("Bearer {token}");
    let seen = world.send(&mut world.browser(), "https://acme.example/", &[("authorization", &line)]).forwarded();
    let (_, claims) = verified(&mut world, &values(&seen, "x-tenantgate-assertion")[0]);
    assert_eq!((&claims["sub"], claims.get("scope")), (&json!("Robot"), None));
}

pub fn keys_of_the_assertion_are_published<H: Harness>() {
    let jwk = json!({
        "kty": "OKP", "crv": "Ed25519", "kid": "new", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let mut world = world::<H>(json!([{ "jwk": jwk.to_string() }, { "pem": EC, "kid": "old" }]));
    for host in ["acme.example", "globex.example"] {
        let reply = jwks(&mut world, host, "GET");
        assert_eq!((reply.status, reply.header("cache-control")), (200, Some("public, max-age=300")));
        assert_eq!(reply.header("content-type"), Some("application/jwk-set+json"));
        assert_eq!(reply.all("set-cookie").count(), 0);
        let set: Value = serde_json::from_str(&reply.body).unwrap();
        let ed = json!({
            "kty": "OKP", "crv": "Ed25519", "kid": "new", "alg": "EdDSA", "use": "sig", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        });
        assert_eq!(set["keys"][0], ed);
        let names: Vec<&String> = set["keys"][1].as_object().unwrap().keys().collect();
        assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
        assert_eq!(set["keys"][1]["kid"], "old");
    }
    for method in ["POST", "PUT", "DELETE"] {
        let reply = jwks(&mut world, "acme.example", method);
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    assert_eq!(jwks(&mut world, "unknown.example", "GET").status, 404);
    // No other path answers.
    for path in ["/.well-known/tenantgate/jwks.json/", "/.well-known/tenantgate/", "//.well-known/tenantgate/jwks.json"]
    {
        let url = format!("https://acme.example{path}");
        assert_eq!(world.send(&mut world.browser(), &url, &[]).reply().status, 401, "{path}");
    }
    let mut browser = world.signed_in();
    let assertion = received(&mut world, &mut browser, "https://acme.example/");
    assert_eq!(verified(&mut world, &assertion).0["kid"], "new");
}

pub fn the_header_of_the_assertion_is_configured<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        let key = json!({ "pem": ED });
        configuration["assertion"] =
            json!({ "keys": [key], "audiences": ["a", "b"], "issuer": "https://gate.example", "header": "X-Identity" });
    });
    let mut browser = world.signed_in();
    let spoofed = [
        ("x-identity", "evil"),
        ("x_identity", "evil"),
        ("x.identity", "evil"),
        ("x-tenantgate-assertion", "evil"),
        ("connection", "x-identity"),
        NAVIGATION[0],
    ];
    let seen = world.send(&mut browser, "https://acme.example/", &spoofed).forwarded();
    let named: Vec<&str> = seen
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| name.contains("identity") || name.contains("assertion"))
        .collect();
    assert_eq!(named, ["x-identity"]);
    let (_, claims) = verified(&mut world, &values(&seen, "x-identity")[0]);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("https://gate.example"), &json!(["a", "b"])));
    assert!(values(&seen, "connection").iter().all(|line| !line.contains("identity")));
}

/// An assertion is used again while at least half of its lifetime is left.
pub fn an_assertion_is_renewed_in_time<H: Harness>() {
    let mut world = world::<H>(json!([{ "pem": EC }]));
    let mut browser = world.signed_in();
    let first = received(&mut world, &mut browser, "https://acme.example/");
    world.clock.advance(Duration::from_secs(149));
    assert_eq!(received(&mut world, &mut browser, "https://acme.example/a"), first);
    world.clock.advance(Duration::from_secs(1));
    let second = received(&mut world, &mut browser, "https://acme.example/");
    let [first, second] = [first, second].map(|assertion| verified(&mut world, &assertion).1);
    assert_eq!(second["iat"], world.clock.now());
    assert_ne!(second["jti"], first["jti"]);
    // A clock that was set back does not use an assertion of the future.
    world.clock.put_back(Duration::from_secs(10));
    let third = received(&mut world, &mut browser, "https://acme.example/");
    assert_eq!(verified(&mut world, &third).1["iat"], world.clock.now());

    // One that ends with its session is not signed again, since it would not last longer.
    let mut world = World::<H>::with(|configuration| {
        configuration["session"]["lifetime"] = json!("4m");
        configuration["assertion"] = json!({ "keys": [{ "pem": EC }], "lifetime": "5m" });
    });
    let mut browser = world.signed_in();
    let first = received(&mut world, &mut browser, "https://acme.example/");
    world.clock.advance(Duration::from_secs(200));
    assert_eq!(received(&mut world, &mut browser, "https://acme.example/"), first);
}
