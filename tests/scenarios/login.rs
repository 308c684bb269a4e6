//! The login: from a page to the issuer and back to the page.

use serde_json::{Value, json};

use crate::support::harness::{Harness, Reply, values};
use crate::support::issuer::{Answer, Issuer};
use crate::support::signer::Signer;
use crate::support::world::{World, ada};

pub fn back_to_the_page_that_was_asked_for<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.browser();
    let link = "https://acme.example/reports/q3?year=2026&x=%2F%0A&y=a+b";
    let (page, seen) = world.sign_in(&mut browser, "acme", link, &ada());
    assert_eq!(page, link);
    assert_eq!(values(&seen, ":path"), ["/reports/q3?year=2026&x=%2F%0A&y=a+b"]);
    assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
    assert_eq!(values(&seen, "x-auth-request-email"), ["ada@acme.example"]);
    assert_eq!(values(&seen, "x-auth-request-groups"), ["engineers,admins"]);
    assert_eq!(values(&seen, "x-auth-request-tenant"), ["acme"]);
    let names: Vec<String> = browser.cookies.iter().map(|cookie| cookie.name.clone()).collect();
    assert_eq!(names, ["__Host-tenantgate-session", "__Host-tenantgate-redirect-loop"]);
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 1);

    // The session needs no redirect and no call.
    let again = world.open(&mut browser, "https://acme.example/other").forwarded();
    assert_eq!(values(&again, "x-auth-request-user"), ["ada"]);
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 1);
}

pub fn every_client_authentication<H: Harness>() {
    let issuer =
        |method: &'static str| Issuer::new(&format!("https://{method}.example"), method, Signer::eddsa(), H::clock());
    let mut world = World::<H>::of(
        [("basic", issuer("client_secret_basic")), ("post", issuer("client_secret_post")), ("public", issuer("none"))],
        |_| {},
    );
    for tenant in ["basic", "post", "public"] {
        let mut browser = world.browser();
        let (_, seen) = world.sign_in(&mut browser, tenant, &format!("https://{tenant}.example/"), &ada());
        assert_eq!(values(&seen, "x-auth-request-tenant"), [tenant]);
    }
    world.issuer("basic", |issuer| issuer.authentication.1 = "changed at the issuer".to_owned());
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "basic", "https://basic.example/", &ada());
    let reply = world.open(&mut browser, &callback).reply();
    assert_eq!(reply.status, 503);
    assert!(world.harness.log().contains("it does not know the client: `invalid_client`"), "{}", world.harness.log());
    assert!(!browser.has_session());
}

/// An issuer repeats what it received in the text of its error. The log has the text without the
/// secrets, however short they are and however they are encoded.
pub fn secrets_that_the_issuer_repeats<H: Harness>() {
    for (method, credentials) in [("client_secret_basic", "Z2F0ZTpwJTJCNCslMjV3"), ("client_secret_post", "p%2B4+%25w")]
    {
        let prepare = |issuer: &mut Issuer| issuer.authentication = (method, "p+4 %w".to_owned());
        let mut world = World::<H>::with_issuer(prepare, |_| {});
        world.issuer("acme", |issuer| issuer.answer = Answer::Repeat);
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/page", &ada());
        assert_eq!(world.open(&mut browser, &callback).reply().status, 503);
        let log = world.harness.log();
        assert!(log.contains("it answered `invalid_request` (\"[...] "), "{log}");
        for secret in ["p+4 %w", credentials] {
            assert!(!log.contains(secret), "{secret}: {log}");
        }
    }
}

/// `private_key_jwt`: a new client assertion for each request, with the issuer or the token
/// endpoint as its audience.
pub fn a_client_that_signs<H: Harness>() {
    let issuer = |name: &str, key| Issuer::with_client_key(&format!("https://login.{name}.example"), key, H::clock());
    let mut world = World::<H>::of(
        [
            ("ec", issuer("ec", Signer::es256())),
            ("ed", issuer("ed", Signer::eddsa())),
            ("rsa", issuer("rsa", Signer::rs256())),
        ],
        |configuration| configuration["tenants"][1]["client_key"]["audience"] = json!("token_endpoint"),
    );
    world.issuer("ed", |issuer| issuer.client_key = Some((Signer::eddsa(), format!("{}/token", issuer.url))));
    for tenant in ["ec", "ed", "rsa", "ec", "ed", "rsa"] {
        let mut browser = world.browser();
        let (_, seen) = world.sign_in(&mut browser, tenant, &format!("https://{tenant}.example/"), &ada());
        assert_eq!(values(&seen, "x-auth-request-tenant"), [tenant]);
    }
    // The issuer knows another key of the client.
    world.issuer("ec", |issuer| issuer.client_key = Some((Signer::rs256(), issuer.url.clone())));
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "ec", "https://ec.example/", &ada());
    assert_eq!(world.open(&mut browser, &callback).reply().status, 503);
    assert!(world.harness.log().contains("it does not know the client: `invalid_client`"), "{}", world.harness.log());
    assert!(!browser.has_session());
}

/// A good token gives a session. The same token under another algorithm of its key does not.
pub fn every_algorithm<H: Harness>() {
    for signer in Signer::all() {
        if !H::HOST_VERIFIES && matches!(signer.alg(), "ES384" | "ES512") {
            continue;
        }
        let issuer = Issuer::new("https://login.acme.example", "none", signer, H::clock());
        let alg = issuer.signer.alg();
        let mut world = World::<H>::of([("acme", issuer)], |_| {});
        let mut browser = world.browser();
        let (_, seen) = world.sign_in(&mut browser, "acme", "https://acme.example/", &ada());
        assert_eq!(values(&seen, "x-auth-request-user"), ["ada"], "{alg}");

        if alg.starts_with(['R', 'P']) {
            world.issuer("acme", |issuer| issuer.signer = Signer::rsa(if alg == "RS256" { "PS256" } else { "RS256" }));
        } else {
            world.issuer("acme", |issuer| {
                issuer.tamper = Box::new(|token| format!("{}AAAA", &token[..token.len() - 4]));
            });
        }
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/", &ada());
        assert_eq!(world.open(&mut browser, &callback).reply().status, 403, "{alg}");
        assert!(!browser.has_session());
    }
}

pub fn every_form_of_key<H: Harness>() {
    let issuer =
        |name: &str| Issuer::new(&format!("https://login.{name}.example"), "none", Signer::es256(), H::clock());
    // A member that is `null` counts as absent.
    let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": "k", "use": null, "alg": null, "key_ops": null, "d": null,
        "x": "8q904D2y6vOD9exlIBU370MpAuX_LKaQZmGl4sv_mfc", "y": "XHJP-QO2g0nHsBqILsCUIaDomwihp7ehxiWUdrU1ttM" });
    let mut world =
        World::<H>::of([("pem", issuer("pem")), ("jwk", issuer("jwk")), ("jwks", issuer("jwks"))], |configuration| {
            configuration["tenants"][1]["keys"] = json!([{ "jwk": jwk }]);
            let encryption = json!({ "kty": "RSA", "use": "enc", "alg": "RSA-OAEP", "n": "x", "e": "AQAB" });
            configuration["tenants"][2]["keys"] = json!([{ "jwks": { "keys": [encryption, jwk] } }]);
        });
    world.issuer("jwks", |issuer| issuer.forge = |header, _| header["kid"] = json!("k"));
    for tenant in ["pem", "jwk", "jwks"] {
        let mut browser = world.browser();
        let (_, seen) = world.sign_in(&mut browser, tenant, &format!("https://{tenant}.example/"), &ada());
        assert_eq!(values(&seen, "x-auth-request-tenant"), [tenant]);
    }
}

pub fn many_tabs_at_once<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.browser();
    let pages: Vec<String> = (0..10).map(|number| format!("https://acme.example/reports/{number}?year=2026")).collect();
    let callbacks: Vec<String> = pages.iter().map(|page| world.callback(&mut browser, "acme", page, &ada())).collect();
    assert_eq!(browser.named("-login-").len(), 10);
    // In mixed order: 7 and 10 have no common divisor.
    for turn in 0..10 {
        let (page, callback) = (&pages[turn * 7 % 10], &callbacks[turn * 7 % 10]);
        let reply = world.open(&mut browser, callback).reply();
        assert_eq!((reply.status, reply.header("location")), (302, Some(page.as_str())), "{}", reply.body);
    }
    assert_eq!(browser.named("-login-").len(), 0);
    world.open(&mut browser, "https://acme.example/").forwarded();
}

/// Ten restored tabs: all requests are sent before the first answer arrives.
pub fn tabs_that_begin_at_once<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.browser();
    let replies: Vec<Reply> = (0..10)
        .map(|number| world.open(&mut world.browser(), &format!("https://acme.example/{number}")).reply())
        .collect();
    replies.iter().for_each(|reply| browser.take("acme.example", reply));
    for (number, reply) in replies.iter().enumerate().rev() {
        let callback = world.issuer("acme", |issuer| issuer.authorize(reply.header("location").unwrap(), &ada()));
        let back = world.open(&mut browser, &callback).reply();
        assert_eq!(back.header("location"), Some(format!("https://acme.example/{number}").as_str()), "{}", back.body);
    }
}

/// A browser that drops the session cookie and keeps the others: a redirect loop.
pub fn a_redirect_loop_ends<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.browser();
    let page = "https://acme.example/page";
    for _ in 0..3 {
        let callback = world.callback(&mut browser, "acme", page, &ada());
        assert_eq!(world.open(&mut browser, &callback).reply().status, 302);
        browser.cookies.retain(|cookie| !cookie.name.contains("-session"));
    }
    let reply = world.open(&mut browser, page).reply();
    assert_eq!((reply.status, reply.header("location")), (403, None));
    assert!(reply.body.contains("You keep being signed out"), "{}", reply.body);
    assert!(reply.body.contains("href=\"https://acme.example/page\""), "{}", reply.body);
    assert!(world.harness.log().contains("redirect_loop"));
    // The link of the page starts a new login, and the browser keeps the cookie this time.
    assert!(browser.cookies.is_empty(), "{:?}", browser.cookies);
    world.sign_in(&mut browser, "acme", page, &ada());
}

pub fn abandoned_attempts_do_not_pile_up<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.browser();
    let mut longest = 0;
    for number in 0..200 {
        world.begin(&mut browser, &format!("https://acme.example/reports/q3?year=2026&page={number}"));
        longest = longest.max(browser.cookie_line("acme.example").unwrap().len());
    }
    assert_eq!(browser.cookies.len(), 12);
    assert!(longest < 3_500, "the Cookie header has {longest} bytes");
    // Long addresses make large cookies, so fewer of them are kept.
    let mut other = world.browser();
    for number in 0..20 {
        world.begin(&mut other, &format!("https://acme.example/{number}?{}", "x".repeat(1_500)));
        let length = other.cookie_line("acme.example").unwrap().len();
        assert!(length < 8 * 1024 + 100, "the Cookie header has {length} bytes");
    }
    assert_eq!(other.cookies.len(), 3);
    // Cookies that hold no login attempt are deleted. A name that the filter did not make is not
    // repeated.
    let junk = "__Host-tenantgate-login-AAAAAAAAAAAAAAAA=junk; __Host-tenantgate-login-x=1; __Host-tenantgate-login-AAAAAAAAAAAA\"AAA=1";
    let reply =
        world.send(&mut world.browser(), "https://acme.example/", &[("accept", "text/html"), ("cookie", junk)]).reply();
    let deleted: Vec<&str> = reply.all("set-cookie").filter(|line| line.contains("Max-Age=0")).collect();
    assert_eq!(
        deleted,
        ["__Host-tenantgate-login-AAAAAAAAAAAAAAAA=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"]
    );
    // The newest attempt is kept.
    let (page, _) = world.sign_in(&mut browser, "acme", "https://acme.example/last", &ada());
    assert_eq!(page, "https://acme.example/last");
}

/// Every cookie is for one host, over TLS, out of reach of scripts, and has a lifetime.
pub fn cookies_are_narrow<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.browser();
    let set = |reply: &Reply, age: &str| -> String {
        let line = reply.all("set-cookie").find(|line| line.contains(age)).unwrap();
        let (name, rest) = line.split_once('=').unwrap();
        assert_eq!(rest.split_once("; ").unwrap().1, format!("{age}; Path=/; Secure; HttpOnly; SameSite=Lax"));
        name.to_owned()
    };
    let reply = world.open(&mut browser, "https://acme.example/").reply();
    assert_eq!(reply.all("set-cookie").count(), 1);
    let address = reply.header("location").unwrap();
    let state = address.split(['?', '&']).find_map(|pair| pair.strip_prefix("state=")).unwrap();
    let login = format!("__Host-tenantgate-login-{}", &state[..16]);
    assert_eq!(set(&reply, "Max-Age=900"), login);
    let callback = world.issuer("acme", |issuer| issuer.authorize(address, &ada()));
    let reply = world.open(&mut browser, &callback).reply();
    assert_eq!(reply.all("set-cookie").count(), 3);
    assert_eq!(set(&reply, "Max-Age=28800"), "__Host-tenantgate-session");
    assert_eq!(set(&reply, "Max-Age=30"), "__Host-tenantgate-redirect-loop");
    assert_eq!(set(&reply, "Max-Age=0"), login);
}

/// The requested address adds no parameter to the authorization request.
pub fn the_address_adds_no_parameter<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.browser();
    let link = "https://acme.example/?scope=admin&client_id=evil&redirect_uri=https://evil.example&prompt=none&login_hint=evil&rd=https://evil.example";
    let address = world.begin(&mut browser, link);
    assert!(!address.contains("evil") && !address.contains("prompt"), "{address}");
    // The issuer asserts that each parameter occurs once.
    let callback = world.issuer("acme", |issuer| issuer.authorize(&address, &ada()));
    assert!(callback.starts_with("https://acme.example/oauth2/callback?"), "{callback}");
}

pub fn an_address_that_is_too_long<H: Harness>() {
    let mut world = World::<H>::new();
    let long = format!("https://acme.example/{}", "a".repeat(3000));
    let mut browser = world.browser();
    let reply = world.open(&mut browser, &long).reply();
    assert_eq!(reply.status, 414);
    assert!(reply.body.contains("Address too long"), "{}", reply.body);
    // The longest address that works, full of characters that JSON escapes.
    let path = format!("/{}", "\\".repeat(1000));
    let head = [(":path", path.as_str()), ("accept", "text/html")];
    let reply = world.send(&mut browser, "https://acme.example/", &head).reply();
    assert_eq!(reply.status, 302);
    let mut signed_in = world.signed_in();
    world.open(&mut signed_in, &long).forwarded();
}

pub fn too_many_groups<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.browser();
    let groups: Value = (0..1000).map(|number| json!(format!("group-number-{number}"))).collect();
    let person = json!({ "sub": "ada", "groups": groups });
    let callback = world.callback(&mut browser, "acme", "https://acme.example/", &person);
    let reply = world.open(&mut browser, &callback).reply();
    assert_eq!(reply.status, 403);
    assert!(reply.body.contains("Too many groups"), "{}", reply.body);
    assert!(world.harness.log().contains("session_too_large"));
    assert!(!browser.has_session());
}

/// Each configured parameter is sent once, and the requested address adds none.
pub fn configured_parameters<H: Harness>() {
    let claims = json!({ "id_token": { "groups": null, "acr": { "values": ["gold"] } } });
    let mut world = World::<H>::with(|configuration| {
        let login = &mut configuration["tenants"][0]["login"];
        login["prompt"] = json!("login consent");
        login["claims"] = claims.clone();
        login["resource"] = json!(["https://api.acme.example", "urn:acme:files"]);
        login["login_hint"] = json!("Zoë & co@acme.example");
        login["parameters"] = json!({ "domain_hint": "acme.example", "ui_locales": "de en" });
    });
    let expected = [
        ("prompt", "login consent"),
        ("login_hint", "Zoë & co@acme.example"),
        ("claims", &claims.to_string()),
        ("resource", "https://api.acme.example"),
        ("resource", "urn:acme:files"),
        ("domain_hint", "acme.example"),
        ("ui_locales", "de en"),
    ];
    world.issuer("acme", |issuer| {
        issuer.parameters = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    });
    let mut browser = world.browser();
    world.sign_in(
        &mut browser,
        "acme",
        "https://acme.example/?prompt=none&login_hint=eve&ui_locales=x&resource=https://evil",
        &ada(),
    );
    let resources = world.issuer("acme", |issuer| issuer.resources.clone());
    assert_eq!(resources, ["https://api.acme.example", "urn:acme:files"]);
}

/// With `max_age`, `auth_time` has to be recent, counted from the start of the login.
pub fn a_sign_in_that_is_recent_enough<H: Harness>() {
    let mut world = World::<H>::with(|configuration| configuration["tenants"][0]["login"]["max_age"] = json!("10m"));
    world.issuer("acme", |issuer| issuer.parameters = vec![("max_age".to_owned(), "600".to_owned())]);
    let now = world.clock.now();
    for (auth_time, reason) in [
        (json!(now), None),
        (json!(now - 600), None),
        (json!(now - 800), Some("`auth_time` is older than `login.max_age` allows")),
        (json!(0), Some("`auth_time` is older than `login.max_age` allows")),
        (json!(now + 600), Some("`auth_time` lies in the future")),
        // A number as text is that number.
        (json!(now.to_string()), None),
        (json!((now - 800).to_string()), Some("`auth_time` is older than `login.max_age` allows")),
        (json!((now + 600).to_string()), Some("`auth_time` lies in the future")),
        (json!(""), Some("`auth_time` is missing")),
        (json!("1e3"), Some("`auth_time` has a value of the wrong type")),
        (json!("now"), Some("`auth_time` has a value of the wrong type")),
        (Value::Null, Some("`auth_time` is missing")),
    ] {
        let mut person = ada();
        if !auth_time.is_null() {
            person["auth_time"] = auth_time;
        }
        judged(&mut world, &person, reason);
    }
}

/// `acr` has to be one of the requested values (OpenID Connect Core section 3.1.3.7 step 12).
pub fn the_authentication_context_that_was_asked_for<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["login"]["acr_values"] = json!(["gold", "silver"]);
    });
    world.issuer("acme", |issuer| issuer.parameters = vec![("acr_values".to_owned(), "gold silver".to_owned())]);
    for (acr, reason) in [
        (json!("gold"), None),
        (json!("silver"), None),
        (json!("0"), Some("`acr` does not have the expected value")),
        (json!("gold silver"), Some("`acr` does not have the expected value")),
        (json!(["gold"]), Some("`acr` has a value of the wrong type")),
        (Value::Null, Some("`acr` is missing")),
    ] {
        let mut person = ada();
        if !acr.is_null() {
            person["acr"] = acr;
        }
        judged(&mut world, &person, reason);
    }
}

/// Signs in as `person`: the login succeeds, or is refused for `reason`.
#[track_caller]
fn judged<H: Harness>(world: &mut World<H>, person: &Value, reason: Option<&str>) {
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", "https://acme.example/", person);
    let reply = world.open(&mut browser, &callback).reply();
    assert_eq!(reply.status, if reason.is_some() { 403 } else { 302 }, "{person} {}", reply.body);
    assert_eq!(browser.has_session(), reason.is_none());
    if let Some(reason) = reason {
        let log = world.harness.log();
        let last = log.lines().rev().find(|line| line.contains("id_token_invalid")).unwrap();
        assert!(last.contains(reason), "{reason}: {last}");
    }
}
