//! Which headers the upstream receives.

use serde_json::{Value, json};

use super::bearer::access_token;
use crate::support::harness::{Harness, values};
use crate::support::world::{NAVIGATION, World, ada};

pub fn identity_headers_of_the_client_are_removed<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.browser();
    // The user has no e-mail address and no groups: the client's headers must not fill the gap.
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

/// Tenants share an upstream, which may trust the header names of every tenant. So the filter
/// strips the names of all tenants, including one that is down, whatever is wrong there.
pub fn header_names_of_other_tenants_are_removed<H: Harness>() {
    for mistake in [None, Some(("issuer", json!("globex"))), Some(("lists", json!("words")))] {
        let mut world = World::<H>::with(|configuration| {
            let tenants = &mut configuration["tenants"];
            tenants[0]["headers"] = json!({ "user": "x-acme-user", "tenant": "x-acme-tenant" });
            tenants[1]["headers"] = json!({
                "user": "x-globex-user", "roles": "x-globex-roles", "claims": { "x-globex-team": "team" }, "id_token": "x-globex-token",
            });
            match mistake {
                None => {}
                Some(("lists", lists)) => tenants[1]["headers"]["lists"] = lists,
                Some((field, value)) => tenants[1][field] = value,
            }
            let key = include_str!("../vectors/keys/ed.private.pem");
            configuration["assertion"] = json!({ "keys": [{ "pem": key }], "audiences": ["up"], "header": "x-signed" });
        });
        let mut browser = world.signed_in();
        let spoofed = [
            ("x-auth-request-user", "evil"),
            ("x_auth_request_tenant", "evil"),
            ("X-Globex-User", "evil"),
            ("x_globex_roles", "evil"),
            ("x.globex-team", "evil"),
            ("x_globex_token", "evil"),
            ("x_signed", "evil"),
            ("connection", "x-globex-user, x-globex-team, x-globex-token, x-signed, x-other"),
            NAVIGATION[0],
        ];
        let seen = world.send(&mut browser, "https://acme.example/", &spoofed).forwarded();
        assert_eq!(values(&seen, "x-acme-user"), ["ada"]);
        assert_eq!(values(&seen, "x-acme-tenant"), ["acme"]);
        assert_eq!(values(&seen, "x-signed").len(), 1);
        for (name, value) in &seen {
            assert!(!value.windows(4).any(|window| window == b"evil"), "{name}");
        }
        for connection in values(&seen, "connection") {
            assert!(!connection.contains("globex") && !connection.contains("signed"), "{connection}");
        }
    }
}

/// What applications, servers and frameworks take for the user, for a client certificate, or for
/// another path or method. The list is in docs/configuration.md.
const TRUSTED_BY_UPSTREAMS: [&str; 36] = [
    "x-auth-request-access-token",
    "x-forwarded-user",
    "X_Forwarded_Groups",
    "x-forwarded-email",
    "x.forwarded.preferred.username",
    "x-forwarded-access-token",
    "remote-user",
    "REMOTE_USER",
    "remote_groups",
    "x-remote-user",
    "X-Remote_Group",
    "x-remote-groups",
    "x-remote-extra-scopes",
    "impersonate-user",
    "impersonate-extra-acme",
    "es-security-runas-user",
    "x-webauth-user",
    "X_WEBAUTH_EMAIL",
    "x-auth-user",
    "x-authenticated-user",
    "x-user",
    "x_user_id",
    "x-authentik-username",
    "x-goog-authenticated-user-email",
    "x-ms-client-principal",
    "oidc_claim_sub",
    "shib-session-id",
    "ssl-client-verify",
    "SSL_CLIENT_S_DN",
    "x-ssl-client-dn",
    "client-cert",
    "x-original-url",
    "X_REWRITE_URL",
    "x-original-uri",
    "x-http-method-override",
    "proxy-authorization",
];

/// A session, an API client and nobody: none of them says who the user is.
pub fn what_upstreams_trust_is_removed<H: Harness>() {
    let mut world = world::<H>(json!({}));
    let mut browser = world.signed_in();
    let token = format!("Bearer {}", access_token(&world, |_, _| {}));
    let mut spoofed: Vec<(&str, &str)> = TRUSTED_BY_UPSTREAMS.map(|name| (name, "evil")).into();
    spoofed.extend([
        ("x-forwarded-prefix", "/stays"),
        ("x-user-agent", "stays"),
        ("x-auth-token", "stays"),
        NAVIGATION[0],
    ]);
    let bearer = [&spoofed[..], &[("authorization", &token)]].concat();
    for (url, lines, browser) in [
        ("https://acme.example/", &spoofed, Some(&mut browser)),
        ("https://acme.example/", &bearer, None),
        ("https://acme.example/public", &spoofed, None),
    ] {
        let mut nobody = world.browser();
        let seen = world.send(browser.unwrap_or(&mut nobody), url, lines).forwarded();
        for (name, value) in &seen {
            assert!(!value.windows(4).any(|window| window == b"evil"), "{name} reaches the upstream");
        }
        for name in ["x-user-agent", "x-auth-token"] {
            assert_eq!(values(&seen, name), ["stays"]);
        }
        assert_eq!(values(&seen, "x-forwarded-prefix"), ["/stays"]);
    }
}

/// acme passes headers, globex does not.
pub fn headers_that_a_tenant_passes_reach_the_upstream<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["headers"] =
            json!({ "pass": ["X-Original-URL", "ssl_client_verify", "proxy-authorization"] });
        for number in [0, 1] {
            configuration["tenants"][number]["access"] = json!([{ "allow": "public" }]);
        }
    });
    let lines = [
        ("x-original-url", "/a"),
        ("SSL-Client-Verify", "SUCCESS"),
        ("proxy-authorization", "Basic eA=="),
        ("x-rewrite-url", "evil"),
        ("ssl-client-cert", "evil"),
        ("x-auth-request-user", "evil"),
    ];
    for (tenant, passes) in [("acme", true), ("globex", false)] {
        let seen = world.send(&mut world.browser(), &format!("https://{tenant}.example/"), &lines).forwarded();
        for (name, value) in &lines[..3] {
            let expected: Vec<String> = passes.then(|| (*value).to_owned()).into_iter().collect();
            assert_eq!(values(&seen, &name.to_ascii_lowercase()), expected, "{tenant} {name}");
        }
        assert!(seen.iter().all(|(_, value)| value != b"evil"), "{tenant}");
    }
}

pub fn own_cookies_are_not_forwarded<H: Harness>() {
    let mut world = World::<H>::new();
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
    let lines = [("cookie", "theme=dark"), ("cookie", &*session), ("cookie", "lang=de"), NAVIGATION[0]];
    let seen = world.send(&mut world.browser(), "https://acme.example/", &lines).forwarded();
    assert_eq!(values(&seen, "cookie"), ["theme=dark; lang=de"]);
}

pub fn claims_cannot_forge_headers<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.browser();
    let person = json!({
        "sub": "ada", "email_verified": true, "email": "a\r\nx-auth-request-user: root\0 é@x",
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

/// An ID token that the upstream wants is kept in a session of several cookies, too.
pub fn a_forwarded_id_token_is_in_large_sessions<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["headers"] = json!({ "id_token": "x-id-token" });
    });
    let mut person = ada();
    person["groups"] = (0..100).map(|number| format!("group-{number:03}-of-the-directory")).collect();
    let mut browser = world.browser();
    world.sign_in(&mut browser, "acme", "https://acme.example/", &person);
    let seen = world.open(&mut browser, "https://acme.example/").forwarded();
    let [token] = &values(&seen, "x-id-token")[..] else { panic!("one line") };
    assert!(world.issuer("acme", |issuer| issuer.signer.verifies(token)));
}

/// The tokens of the login go only to an upstream that wants them. The client's own headers of
/// those names are removed.
pub fn tokens_are_forwarded_if_configured<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["headers"] =
            json!({ "access_token": "X-Auth-Request-Access-Token", "id_token": "authorization" });
        configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"] });
        configuration["tenants"][1]["headers"] = json!({ "authorization": "any" });
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

    // The token of an API client is not forwarded.
    let now = world.clock.now();
    let claims = json!({ "iss": "https://login.acme.example", "aud": "api", "sub": "robot", "exp": now + 300 });
    let bearer = world.issuer("acme", |issuer| issuer.signer.jws(&json!({ "alg": "ES256" }), &claims));
    let lines = [("authorization", &*format!("Bearer {bearer}")), ("x-auth-request-access-token", "evil")];
    let seen = world.send(&mut world.browser(), "https://acme.example/", &lines).forwarded();
    assert_eq!(values(&seen, "authorization"), <[String; 0]>::default());
    assert_eq!(values(&seen, "x-auth-request-access-token"), <[String; 0]>::default());

    // This tenant forwards no tokens; the upstream of both could take the client's header for one.
    world.sign_in(&mut browser, "globex", "https://globex.example/", &json!({ "sub": "ada" }));
    let spoofed = [("authorization", "Basic evil"), ("x-other", "x"), NAVIGATION[0]];
    let seen = world.send(&mut browser, "https://globex.example/", &spoofed).forwarded();
    assert_eq!(values(&seen, "authorization"), <[String; 0]>::default());
    assert_eq!(values(&seen, "x-other"), ["x"]);
    let seen = world.open(&mut browser, "https://globex.example/").forwarded();
    assert_eq!(values(&seen, "authorization"), <[String; 0]>::default());
    assert!(seen.iter().all(|(_, value)| !value.windows(12).any(|window| window == b"access-token")));
}

/// The current roles, in every format, for sessions and bearer tokens.
pub fn roles_are_forwarded_like_groups<H: Harness>() {
    for (lists, expected) in [("comma", &["admin,a:b"][..]), ("lines", &["admin", "a:b"])] {
        let roles = json!([
            { "name": "admin", "groups": ["admins"] }, { "name": "a:b", "users": ["ada"] }, { "name": "evil", "users": ["eve"] },
        ]);
        let mut world = World::<H>::with(|configuration| {
            let acme = &mut configuration["tenants"][0];
            acme["bearer"] = json!({ "audiences": ["api"] });
            acme["headers"] = json!({ "lists": lists });
            acme["roles"] = roles;
        });
        let mut browser = world.signed_in();
        let spoofed = [("x-auth-request-roles", "evil"), ("X_Auth_Request_Roles", "evil"), NAVIGATION[0]];
        let seen = world.send(&mut browser, "https://acme.example/", &spoofed).forwarded();
        assert_eq!(values(&seen, "x-auth-request-roles"), expected);
        assert_eq!(values(&seen, "x_auth_request_roles"), <[String; 0]>::default());
        let token = access_token(&world, |_, claims| claims["groups"] = json!(["admins"]));
        let lines = [("authorization", format!("Bearer {token}")), ("x-auth-request-roles", "evil".to_owned())];
        let lines: Vec<(&str, &str)> = lines.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let seen = world.send(&mut world.browser(), "https://acme.example/api", &lines).forwarded();
        assert_eq!(values(&seen, "x-auth-request-roles"), ["admin"]);

        let mut configuration = world.configuration();
        configuration["tenants"][0]["roles"] = json!([{ "name": "viewer", "users": ["ada"] }]);
        world.harness.reconfigure(&configuration);
        let seen = world.send(&mut browser, "https://acme.example/", &spoofed).forwarded();
        assert_eq!(values(&seen, "x-auth-request-roles"), ["viewer"]);
    }
}

/// A world whose tenant acme has these `headers`, and a public page.
fn world<H: Harness>(headers: Value) -> World<H> {
    World::with(|configuration| {
        configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"] });
        configuration["tenants"][0]["headers"] = headers;
        configuration["tenants"][0]["access"] = json!([{ "paths": ["/public"], "allow": "public" }]);
        configuration["tenants"][0]["access_default"] = json!("any_user");
    })
}

/// Header names of the recipes for Grafana, Argo and Jupyter; one header is switched off.
pub fn header_names_are_configurable<H: Harness>() {
    let mut world = world::<H>(json!({
        "user": "x-forwarded-user", "email": "X-Forwarded-Email", "groups": "x-forwarded-groups", "tenant": false,
        "claims": { "x-forwarded-preferred-username": "preferred_username", "x-department": "department", "x-level": "level" },
    }));
    let mut browser = world.browser();
    let person = json!({
        "sub": "ada", "email": "ada@acme.example", "email_verified": true, "groups": ["a"], "preferred_username": "Ada L.", "department": ["R&D\r\nx: y", "b"],
    });
    world.sign_in(&mut browser, "acme", "https://acme.example/", &person);
    let spoofed = [
        ("x-forwarded-user", "evil"),
        ("x-forwarded-user", "evil"),
        ("X_FORWARDED_EMAIL", "evil"),
        ("x.forwarded.groups", "evil"),
        ("x-forwarded_preferred-username", "evil"),
        ("x_department", "evil"),
        // A missing claim, and headers that this tenant renames or switches off.
        ("x-level", "evil"),
        ("x_level", "evil"),
        ("x-auth-request-user", "evil"),
        ("x_auth_request_tenant", "evil"),
        ("x-auth-request-roles", "evil"),
        ("x-tenantgate-assertion", "evil"),
        ("connection", "x-department, X_Level, x-tenantgate-assertion, x-another"),
        ("te", "x-forwarded-user"),
        ("keep-alive", "x-forwarded-user"),
        ("x-other", "stays"),
        NAVIGATION[0],
    ];
    for method in ["GET", "OPTIONS", "HEAD"] {
        let seen = world.send(&mut browser, "https://acme.example/", &[&spoofed[..], &[(":method", method)]].concat());
        let seen = seen.forwarded();
        for (name, expected) in [
            ("x-forwarded-user", &["ada"][..]),
            ("x-forwarded-email", &["ada@acme.example"]),
            ("x-forwarded-groups", &["a"]),
            ("x-forwarded-preferred-username", &["Ada L."]),
            ("x-department", &["R&D%0D%0Ax: y,b"]),
            ("x-other", &["stays"]),
        ] {
            assert_eq!(values(&seen, name), expected, "{method} {name}");
        }
        for (name, value) in seen.iter().filter(|(name, _)| !matches!(name.as_str(), "te" | "keep-alive")) {
            assert!(!value.windows(4).any(|window| window == b"evil"), "{method} {name}");
            assert!(
                !name.contains("auth-")
                    && !name.contains("auth_")
                    && !name.contains("tenant")
                    && !name.contains("level"),
                "{method} {name}"
            );
        }
        for connection in values(&seen, "connection") {
            assert!(!connection.contains("department") && !connection.contains("evel"), "{connection}");
        }
    }
}

/// With a bearer token, every identity header comes from the token.
pub fn identity_headers_of_an_api_client_are_removed<H: Harness>() {
    let mut world = world::<H>(json!({}));
    let token = access_token(&world, |_, claims| drop(claims.as_object_mut().unwrap().remove("groups")));
    let lines = [
        ("authorization", format!("Bearer {token}")),
        ("x-auth-request-groups", "evil".to_owned()),
        ("X_Auth_Request_Email", "evil".to_owned()),
        ("x-auth-request-user", "evil".to_owned()),
        ("x-auth-request-preferred-username", "evil".to_owned()),
    ];
    let lines: Vec<(&str, &str)> = lines.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let seen = world.send(&mut world.browser(), "https://acme.example/api", &lines).forwarded();
    let identity: Vec<(String, String)> = seen
        .into_iter()
        .filter(|(name, _)| name.starts_with("x-auth") || name.starts_with("x_auth"))
        .map(|(name, value)| (name, String::from_utf8(value).unwrap()))
        .collect();
    let expected = [("x-auth-request-tenant", "acme"), ("x-auth-request-user", "robot")];
    assert_eq!(identity, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

/// A long claim, three bytes of header for each of its bytes, stays one line and can be decoded.
pub fn a_long_claim_is_one_line<H: Harness>() {
    let mut world = world::<H>(json!({ "lists": "lines" }));
    let group = "\u{e9}\r\n,".repeat(3_000);
    let token = access_token(&world, |_, claims| claims["groups"] = json!([group, "b"]));
    let lines = [("authorization", format!("Bearer {token}"))];
    let lines: Vec<(&str, &str)> = lines.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let seen = world.send(&mut world.browser(), "https://acme.example/api", &lines).forwarded();
    assert_eq!(values(&seen, "x-auth-request-groups"), ["%C3%A9%0D%0A%2C".repeat(3_000).as_str(), "b"]);
}

pub fn list_formats<H: Harness>() {
    for (form, expected) in [
        ("comma", &["a%2Cb;c|d,\"%C3%A9"][..]),
        ("semicolon", &["a,b%3Bc|d;\"%C3%A9"]),
        ("pipe", &["a,b;c%7Cd|\"%C3%A9"]),
        ("json", &[r#"["a,b;c|d","\"\u00e9"]"#]),
        ("lines", &["a%2Cb;c|d", "\"%C3%A9"]),
    ] {
        let mut world = world::<H>(json!({ "lists": form, "claims": { "x-teams": "teams" } }));
        let mut browser = world.browser();
        let person = json!({ "sub": "ada", "groups": ["a,b;c|d", "\"é"], "teams": ["a,b;c|d", "\"é"] });
        world.sign_in(&mut browser, "acme", "https://acme.example/", &person);
        let spoofed = [("x-auth-request-groups", "evil"), ("x-teams", "evil"), ("x_teams", "evil"), NAVIGATION[0]];
        let seen = world.send(&mut browser, "https://acme.example/", &spoofed).forwarded();
        assert_eq!(values(&seen, "x-auth-request-groups"), expected, "{form}");
        assert_eq!(values(&seen, "x-teams"), expected, "{form}");
        assert_eq!(values(&seen, "x_teams"), <[String; 0]>::default());
    }
}

/// A header `Authorization` that was not verified is forwarded only if the tenant says so.
pub fn authorization_is_forwarded_if_configured<H: Harness>() {
    for (wanted, basic, bearer) in [("remove", false, false), ("verified", false, true), ("any", true, true)] {
        let mut world = world::<H>(json!({ "authorization": wanted }));
        let mut browser = world.signed_in();
        for line in ["Basic YTpi", "Bearerx", "Digest x", ""] {
            let lines = [("authorization", line), NAVIGATION[0]];
            let seen = world.send(&mut browser, "https://acme.example/", &lines).forwarded();
            assert_eq!(values(&seen, "authorization"), if basic { vec![line] } else { vec![] }, "{wanted} {line}");
            assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
        }
        let line = format!("Bearer {}", access_token(&world, |_, _| {}));
        let seen = world.send(&mut browser, "https://acme.example/", &[("authorization", &line)]).forwarded();
        assert_eq!(values(&seen, "authorization"), if bearer { vec![line.clone()] } else { vec![] }, "{wanted}");
        assert_eq!(values(&seen, "x-auth-request-user"), ["robot"]);
        for lines in [[("authorization", "Bearer x"), NAVIGATION[0]], [("authorization", "bearer"), NAVIGATION[0]]] {
            assert!(matches!(world.send(&mut browser, "https://acme.example/", &lines).reply().status, 400 | 401));
        }
        // On a public page the filter verifies nothing.
        for line in ["Basic YTpi", "Bearer x", "Bearer a.b.c"] {
            let lines = [("authorization", line)];
            let seen = world.send(&mut world.browser(), "https://acme.example/public", &lines).forwarded();
            assert_eq!(values(&seen, "authorization"), if basic { vec![line] } else { vec![] }, "{wanted} {line}");
        }
        // With two lines, the server could read either, so neither was verified.
        let lines = [("authorization", line.as_str()), ("authorization", "Basic YTpi")];
        assert_eq!(world.send(&mut browser, "https://acme.example/", &lines).reply().status, 400);
    }
}

/// The upstream takes the address of the header for the user's. It gets one only if the issuer has
/// verified it, or the tenant wants it anyway.
pub fn an_unverified_address_is_not_forwarded<H: Harness>() {
    let with = |identity: Value| World::<H>::with(|configuration| configuration["tenants"][0]["identity"] = identity);
    let unverified = json!({ "sub": "eve", "email": "ada@acme.example" });
    let verified = json!({ "sub": "ada", "email": "ada@acme.example", "email_verified": true });
    let other =
        json!({ "sub": "eve", "email": "me@evil.example", "email_verified": true, "contact": "ada@acme.example" });
    for (identity, person, expected) in [
        (json!({}), &verified, true),
        (json!({}), &unverified, false),
        (json!({ "email": "contact" }), &other, false),
        (json!({ "forward_unverified_email": true }), &unverified, true),
        (json!({ "forward_unverified_email": true, "email": ["contact"] }), &other, true),
        (json!({ "require_email_verified": false }), &unverified, true),
    ] {
        let mut world = with(identity.clone());
        let mut browser = world.browser();
        let (page, seen) = world.sign_in(&mut browser, "acme", "https://acme.example/", person);
        let expected: &[&str] = if expected { &["ada@acme.example"] } else { &[] };
        assert_eq!(values(&seen, "x-auth-request-email"), expected, "{identity} {person}");
        let reply = world.send(&mut browser, &format!("{page}oauth2/userinfo"), &[]).reply();
        assert_eq!(
            reply.body.contains("ada@acme.example"),
            !expected.is_empty(),
            "{identity} {person}: {}",
            reply.body
        );
    }
}
