//! What the upstream receives, and what it does not.

use serde_json::json;

use crate::support::rig::{Rig, values};
use crate::support::world::{NAVIGATION, World};

pub fn what_the_client_says_is_gone<R: Rig>() {
    let mut world = World::<R>::new();
    let mut browser = world.browser();
    // No e-mail and no groups: what the client sends must not fill the gap.
    world.sign_in(&mut browser, "acme", "https://acme.example/", &json!({ "sub": "ada" }));
    let spoofed = [
        ("x-auth-request-user", "evil"),
        ("x-auth-request-user", "evil2"),
        ("X-Auth-Request-Email", "evil"),
        ("X-AUTH-REQUEST-GROUPS", "evil"),
        ("x_auth_request_groups", "evil"),
        ("x-auth_request-email", "evil"),
        ("x.auth.request.tenant", "evil"),
        ("x-auth-request-tenant", "evil"),
        ("authorization", "Basic evil"),
        ("connection", "x-auth-request-user, X_Auth_Request_Tenant"),
        ("x-auth-request-other", "stays"),
        NAVIGATION[0],
    ];
    let seen = world.send(&mut browser, "https://acme.example/", &spoofed).forwarded();
    assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
    assert_eq!(values(&seen, "x-auth-request-tenant"), ["acme"]);
    assert_eq!(values(&seen, "x-auth-request-other"), ["stays"]);
    for (name, value) in &seen {
        assert!(!value.windows(4).any(|window| window == b"evil"), "{name}");
        let folded: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        assert!(folded != "x-auth-request-email" && folded != "x-auth-request-groups", "{name}");
    }
    for connection in values(&seen, "connection") {
        assert!(!connection.to_lowercase().contains("auth"), "{connection}");
    }
}

/// Tenants share an upstream, which may believe the names of each of them, also of one that is down.
pub fn names_of_other_tenants_are_gone<R: Rig>() {
    for broken in [false, true] {
        let mut world = World::<R>::with(|configuration| {
            let tenants = &mut configuration["tenants"];
            tenants[0]["headers"] = json!({ "user": "x-acme-user", "tenant": "x-acme-tenant" });
            tenants[1]["headers"] = json!({ "user": "x-globex-user", "id_token": "x-globex-token" });
            if broken {
                tenants[1]["issuer"] = json!("globex");
            }
        });
        let mut browser = world.signed_in();
        let spoofed = [
            ("x-auth-request-user", "evil"),
            ("x_auth_request_tenant", "evil"),
            ("X-Globex-User", "evil"),
            ("x_globex_token", "evil"),
            ("connection", "x-globex-user, x-globex-token"),
            NAVIGATION[0],
        ];
        let seen = world.send(&mut browser, "https://acme.example/", &spoofed).forwarded();
        assert_eq!(values(&seen, "x-acme-user"), ["ada"]);
        assert_eq!(values(&seen, "x-acme-tenant"), ["acme"]);
        for (name, value) in &seen {
            assert!(!value.windows(4).any(|window| window == b"evil"), "{name}");
        }
        for connection in values(&seen, "connection") {
            assert!(!connection.to_lowercase().contains("globex"), "{connection}");
        }
    }
}

pub fn cookies_of_the_gate_stay_at_the_gate<R: Rig>() {
    let mut world = World::<R>::new();
    let browser = world.signed_in();
    let session = browser.cookie_line("acme.example").unwrap();
    for (sent, kept) in [
        (session.clone(), None),
        (format!("theme=dark; {session}; lang=de"), Some("theme=dark; lang=de")),
        (
            format!("{session}; __host-TENANTGATE-x=1; __Secure-tenantgate-session=1; __Host-app=1"),
            Some("__Host-app=1"),
        ),
    ] {
        let seen =
            world.send(&mut world.browser(), "https://acme.example/", &[("cookie", &sent), NAVIGATION[0]]).forwarded();
        assert_eq!(values(&seen, "cookie"), kept.into_iter().collect::<Vec<_>>());
    }
}

pub fn claims_cannot_forge_headers<R: Rig>() {
    let mut world = World::<R>::new();
    let mut browser = world.browser();
    let person = json!({
        "sub": "ada", "email": "a\r\nx-auth-request-user: root\0 é@x",
        "groups": ["R&D, Zürich", "cn=admins,dc=acme", "100%", "\u{2028}", " x "],
    });
    let (_, seen) = world.sign_in(&mut browser, "acme", "https://acme.example/", &person);
    assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
    assert_eq!(values(&seen, "x-auth-request-email"), ["a%0D%0Ax-auth-request-user: root%00 %C3%A9@x"]);
    assert_eq!(
        values(&seen, "x-auth-request-groups"),
        ["R&D%2C Z%C3%BCrich,cn=admins%2Cdc=acme,100%25,%E2%80%A8,%20x%20"]
    );
}

/// The tokens of the login, to an upstream that wants them and to no other; what the client sends in their place is gone.
pub fn tokens_where_they_are_wanted<R: Rig>() {
    let mut world = World::<R>::with(|configuration| {
        configuration["tenants"][0]["headers"] =
            json!({ "access_token": "X-Auth-Request-Access-Token", "id_token": "authorization" });
        configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"] });
    });
    let mut browser = world.signed_in();
    let spoofed = [
        ("x-auth-request-access-token", "evil"),
        ("X_Auth_Request_Access_Token", "evil"),
        ("authorization", "Basic evil"),
        NAVIGATION[0],
    ];
    let seen = world.send(&mut browser, "https://acme.example/", &spoofed).forwarded();
    assert_eq!(values(&seen, "x-auth-request-access-token"), ["access-token-2"]);
    assert_eq!(values(&seen, "x_auth_request_access_token"), <[String; 0]>::default());
    let [token] = &values(&seen, "authorization")[..] else { panic!("one line") };
    let token = token.strip_prefix("Bearer ").unwrap().to_owned();
    assert!(world.issuer("acme", |issuer| issuer.secrets.contains(&token) && issuer.signer.verifies(&token)));

    // An API client keeps its token to itself.
    let now = world.clock.now();
    let claims = json!({ "iss": "https://login.acme.example", "aud": "api", "sub": "robot", "exp": now + 300 });
    let bearer = world.issuer("acme", |issuer| issuer.signer.jws(&json!({ "alg": "ES256" }), &claims));
    let lines = [("authorization", &*format!("Bearer {bearer}")), ("x-auth-request-access-token", "evil")];
    let seen = world.send(&mut world.browser(), "https://acme.example/", &lines).forwarded();
    assert_eq!(values(&seen, "authorization"), <[String; 0]>::default());
    assert_eq!(values(&seen, "x-auth-request-access-token"), <[String; 0]>::default());

    // Nobody asked for them here.
    world.sign_in(&mut browser, "globex", "https://globex.example/", &json!({ "sub": "ada" }));
    let seen = world.open(&mut browser, "https://globex.example/").forwarded();
    assert_eq!(values(&seen, "authorization"), <[String; 0]>::default());
    assert!(seen.iter().all(|(_, value)| !value.windows(12).any(|window| window == b"access-token")));
}
