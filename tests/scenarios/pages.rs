//! The pages that a user sees: who is signed in and where, what helps, and how they look.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};

use super::bearer::access_token;
use crate::support::browser::Browser;
use crate::support::harness::{Harness, Outcome, Reply, values};
use crate::support::http::base64url;
use crate::support::issuer::Answer;
use crate::support::world::{NAVIGATION, World, ada};

const PAGE: &str = "https://acme.example/admin/users?page=2&q=a%20b%22";
const LOGOUT: &str = "https://acme.example/oauth2/logout";

/// A world where `/admin/` is for admins, and acme has this in `pages`.
fn world<H: Harness>(pages: &Value) -> World<H> {
    World::with(|configuration| {
        let acme = &mut configuration["tenants"][0];
        acme["pages"] = pages.clone();
        acme["access"] = json!([
            { "paths": ["/admin/*"], "allow": { "groups": ["admins"] } },
            { "paths": ["/closed"], "deny": true },
            { "allow": "any_user" },
        ]);
    })
}

/// A browser where a user without groups signed in.
fn guest<H: Harness>(world: &mut World<H>, user: &str) -> Browser {
    let person = json!({ "sub": user, "email": "guest@acme.example", "email_verified": true });
    let mut browser = world.browser();
    world.sign_in(&mut browser, "acme", "https://acme.example/", &person);
    browser
}

/// The address that the only form of a page posts to.
#[track_caller]
pub fn form(page: &Reply) -> String {
    let (_, rest) = page.body.split_once("<form method=\"post\" action=\"").unwrap_or_else(|| panic!("{}", page.body));
    let path = rest.split('"').next().unwrap().replace("&amp;", "&");
    assert!(path.starts_with("/oauth2/logout") && !rest.contains("<form"), "{path}");
    format!("https://acme.example{path}")
}

/// The headers of a form that a page of `site` posts.
pub fn posted_by(site: &str) -> [(&str, &str); 5] {
    [(":method", "POST"), NAVIGATION[0], NAVIGATION[1], NAVIGATION[2], ("sec-fetch-site", site)]
}

pub fn a_refused_user_learns_who_is_signed_in<H: Harness>() {
    let contact = json!({ "contact": "it@acme.example" });
    let mut world = world::<H>(&contact);
    let mut browser = guest(&mut world, "<script>alert(1)</script>\"&");
    let refused = world.open(&mut browser, PAGE).reply();
    assert_eq!(refused.status, 403);
    let page = &refused.body;
    for part in [
        "<title>No access – acme.example</title>",
        "Signed in as</dt><dd><bdi>&lt;script&gt;alert(1)&lt;/script&gt;&quot;&amp; (guest@acme.example)</bdi>",
        "Site</dt><dd>acme.example</dd>",
        ">Sign in with another account</button>",
        "<a href=\"/\">Back to the start page</a>",
        "<a href=\"mailto:it@acme.example\">it@acme.example</a>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<script"), "{page}");
    // Nobody may open this page, so no account helps.
    let closed = world.open(&mut browser, "https://acme.example/closed").reply().body;
    assert!(closed.contains("<bdi>&lt;script") && !closed.contains("another account"), "{closed}");
    // Programs get what they got.
    let json = world.send(&mut browser, PAGE, &[("accept", "application/json")]).reply();
    let body: Value = serde_json::from_str(&json.body).unwrap();
    let members: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!((members, &body["error"]), (vec!["error", "message", "request_id"], &json!("access_denied")));
    // A page that is not opened with a session has no user.
    let unknown = world.open(&mut world.browser(), "https://acme.example/oauth2/callback").reply().body;
    assert!(unknown.contains("it@acme.example") && !unknown.contains("Signed in as"), "{unknown}");
}

pub fn another_account_leads_back_to_the_page<H: Harness>() {
    let mut world = world::<H>(&json!({}));
    let mut browser = guest(&mut world, "guest");
    let copy = browser.clone();
    let refused = world.open(&mut browser, PAGE).reply();
    // As a browser with Fetch Metadata posts the form, and as one without.
    for lines in
        [&posted_by("same-origin")[..], &[(":method", "POST"), ("origin", "https://acme.example"), NAVIGATION[0]]]
    {
        let mut browser = browser.clone();
        let reply = world.send(&mut browser, &form(&refused), lines).reply();
        assert_eq!(reply.status, 302, "{}", reply.body);
        // The session is over, here and in a copy of the cookie, and the issuer asks who it is.
        assert!(!browser.has_session());
        world.eventually(|world| {
            (0..8).all(|_| matches!(world.open(&mut copy.clone(), "https://acme.example/"), Outcome::Replied(_)))
        });
        world.issuer("acme", |issuer| issuer.parameters = vec![("prompt".to_owned(), "login".to_owned())]);
        let location = reply.header("location").unwrap();
        let callback = world.issuer("acme", |issuer| issuer.authorize(location, &ada()));
        // The user leaves the page of the issuer and opens another one: the issuer asks there, too.
        assert!(world.begin(&mut browser.clone(), "https://acme.example/").contains("prompt=login"));
        let reply = world.open(&mut browser, &callback).reply();
        assert_eq!((reply.status, reply.header("location")), (302, Some(PAGE)), "{}", reply.body);
        let seen = world.open(&mut browser, PAGE).forwarded();
        assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
    }
    world.issuer("acme", |issuer| issuer.parameters.clear());
    // What a login cannot come back to: a POST, and an address that is too long. Then it is the
    // start page.
    let mut browser = guest(&mut world, "guest");
    let post = [(":method", "POST"), NAVIGATION[0], ("sec-fetch-site", "same-origin")];
    let long = format!("https://acme.example/admin/{}", "x".repeat(2048));
    for refused in [world.send(&mut browser, PAGE, &post).reply(), world.open(&mut browser, &long).reply()] {
        assert_eq!(refused.status, 403);
        assert!(form(&refused).ends_with("?target_link_uri=https%3A%2F%2Facme.example%2F"), "{}", form(&refused));
    }
}

/// A page leads to what the user asked for, where a login can return to it, and never to itself.
pub fn a_page_keeps_what_was_asked_for<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        let acme = &mut configuration["tenants"][0];
        acme["bearer"] = json!({ "audiences": ["api"] });
        acme["access"] = json!([{ "allow": { "groups": ["admins"] } }]);
    });
    let html = ("accept", "text/html");
    let reply = world.send(&mut world.browser(), PAGE, &[html, ("sec-fetch-dest", "iframe")]).reply();
    assert!(reply.status == 401 && link_to(&reply, "/admin/users?page=2&amp;q=a%20b%22"), "{}", reply.body);
    let long = format!("https://acme.example/{}", "x".repeat(2048));
    for (url, lines) in [(PAGE, &[html, (":method", "POST")][..]), (&long, &[html, ("sec-fetch-dest", "iframe")])] {
        let reply = world.send(&mut world.browser(), url, lines).reply();
        assert!(reply.status == 401 && link_to(&reply, "/") && reply.body.contains(">Sign in</a>"), "{}", reply.body);
    }
    // Without the documents of the issuer no login can begin.
    let mut away = World::<H>::with_issuer(
        |issuer| issuer.document_answer = Answer::Raw(500, Vec::new()),
        |configuration| configuration["tenants"][0]["provider"]["discovery"] = json!(true),
    );
    let reply = away.open(&mut away.browser(), "https://acme.example/page?q=1").reply();
    assert_eq!((reply.status, link_to(&reply, "/page?q=1")), (503, true), "{}", reply.body);
    assert!(reply.body.contains(">Try again</a>"), "{}", reply.body);

    // Who may not open the start page has no use for a link to it.
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", PAGE, &json!({ "sub": "guest" }));
    assert_eq!(world.open(&mut browser, &callback).reply().status, 302);
    for (url, leads) in [("https://acme.example/", false), ("https://acme.example/?q", false), (PAGE, true)] {
        let reply = world.open(&mut browser, url).reply();
        assert_eq!((reply.status, link_to(&reply, "/")), (403, leads), "{}", reply.body);
        assert!(reply.body.contains("<bdi>guest</bdi>"), "{}", reply.body);
    }
    // An API client is nobody who could sign in.
    let token = format!("Bearer {}", access_token(&world, |_, _| {}));
    let reply = world.send(&mut world.browser(), PAGE, &[html, ("authorization", &token)]).reply();
    assert_eq!(reply.status, 403);
    assert!(!reply.body.contains("Signed in as") && !reply.body.contains("<form"), "{}", reply.body);
}

/// A page of another site can neither end the session nor choose where the browser goes.
pub fn only_the_user_changes_the_account<H: Harness>() {
    let mut world = world::<H>(&json!({}));
    let mut browser = guest(&mut world, "guest");
    let action = form(&world.open(&mut browser, PAGE).reply());
    for lines in [
        &posted_by("cross-site")[..],
        &posted_by("same-site"),
        &[(":method", "POST"), NAVIGATION[0], ("origin", "https://evil.example")],
        &[(":method", "POST"), NAVIGATION[0], ("origin", "null")],
        &[NAVIGATION[0], NAVIGATION[1], NAVIGATION[2], ("sec-fetch-site", "cross-site")],
        &[NAVIGATION[0], NAVIGATION[1], ("sec-fetch-dest", "image"), ("sec-fetch-site", "same-origin")],
    ] {
        let reply = world.send(&mut browser, &action, lines).reply();
        assert_eq!((reply.status, reply.all("set-cookie").count()), (200, 0), "{lines:?}");
        assert_eq!(form(&reply), LOGOUT);
    }
    world.open(&mut browser, "https://acme.example/").forwarded();

    for (target, page) in [
        ("https://evil.example/", "https://acme.example/"),
        ("//evil.example/", "https://acme.example/"),
        ("https://acme.example@evil.example/", "https://acme.example/"),
        ("https://acme.example:8443/", "https://acme.example/"),
        ("http://acme.example/x", "https://acme.example/"),
        ("javascript:alert(1)", "https://acme.example/"),
        ("https://acme.example\\@evil.example/x", "https://acme.example/@evil.example/x"),
        ("", "https://acme.example/"),
        ("https://acme.example/a?b=c&d#e", "https://acme.example/a?b=c&d#e"),
    ] {
        let mut browser = guest(&mut world, "guest");
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("target_link_uri", target).finish();
        let reply = world.send(&mut browser, &format!("{LOGOUT}?{query}"), &posted_by("same-origin")).reply();
        let location = reply.header("location").unwrap();
        assert!(location.starts_with("https://login.acme.example/auth?") && !location.contains("evil"), "{location}");
        world.issuer("acme", |issuer| issuer.parameters = vec![("prompt".to_owned(), "login".to_owned())]);
        let callback = world.issuer("acme", |issuer| issuer.authorize(location, &ada()));
        world.issuer("acme", |issuer| issuer.parameters.clear());
        let reply = world.open(&mut browser, &callback).reply();
        assert_eq!(reply.header("location"), Some(page), "{target}");
    }
    // A parameter that is there twice chooses nothing: this is a sign-out.
    let twice = format!("{LOGOUT}?target_link_uri=https%3A%2F%2Facme.example%2Fa&target_link_uri=%2F");
    let reply = world.send(&mut browser, &twice, &posted_by("same-origin")).reply();
    assert!(reply.header("location").unwrap().starts_with("https://login.acme.example/logout?"), "{reply:?}");
}

/// The link of a page that leads to another try, if there is one.
fn link_to(page: &Reply, url: &str) -> bool {
    page.body.contains(&format!("href=\"{url}\""))
}

pub fn a_permanent_fault_gives_no_hope<H: Harness>() {
    let raw = |status, body: &str| Answer::Raw(status, body.as_bytes().to_vec());
    let page = "https://acme.example/page";
    let mut world = world::<H>(&json!({ "contact": "https://help.acme.example/sso?from=gate&x" }));
    for (answer, passes) in [
        (raw(401, r#"{"error":"invalid_client"}"#), false),
        (raw(400, r#"{"error":"unauthorized_client"}"#), false),
        (raw(400, r#"{"error":"invalid_request"}"#), false),
        (raw(404, "no such page"), false),
        (raw(200, r#"{"access_token":"a","token_type":"Bearer"}"#), false),
        (raw(400, r#"{"error":"temporarily_unavailable"}"#), true),
        (raw(400, r#"{"error":"invalid_grant"}"#), true),
        (raw(429, ""), true),
        (raw(500, "oops"), true),
        (raw(503, "busy"), true),
    ] {
        let name = match &answer {
            Answer::Raw(status, body) => format!("{status} {}", String::from_utf8_lossy(body)),
            Answer::Normal | Answer::Silence | Answer::Repeat => String::new(),
        };
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", page, &ada());
        world.issuer("acme", |issuer| issuer.answer = answer);
        let refused = world.open(&mut browser, &callback).reply();
        assert_eq!(link_to(&refused, page), passes, "{name}: {}", refused.body);
        assert_eq!(refused.body.contains(">Try again</a>"), passes, "{name}: {}", refused.body);
        assert_eq!(refused.body.contains("trying again will not help"), !passes, "{name}: {}", refused.body);
        assert!(link_to(&refused, "https://help.acme.example/sso?from=gate&amp;x"), "{}", refused.body);
        assert!(refused.body.contains("Request id</dt>"), "{}", refused.body);
    }
    world.issuer("acme", |issuer| issuer.answer = Answer::Normal);
    // The errors of the authorization response, and what is wrong with an ID token.
    for (error, passes) in [
        ("invalid_scope", false),
        ("unauthorized_client", false),
        ("invalid_request", false),
        ("unsupported_response_type", false),
        ("invalid_target", false),
        ("access_denied", true),
        ("interaction_required", true),
        ("server_error", true),
        ("anything_else", true),
    ] {
        let mut browser = world.browser();
        let callback = Url::parse(&world.callback(&mut browser, "acme", page, &ada())).unwrap();
        let (_, state) = callback.query_pairs().find(|(name, _)| name == "state").unwrap();
        let denied = format!("https://acme.example/oauth2/callback?error={error}&state={state}");
        let refused = world.open(&mut browser, &denied).reply();
        assert_eq!(link_to(&refused, page), passes, "{error}: {}", refused.body);
        assert_eq!(refused.body.contains("trying again will not help"), !passes, "{error}: {}", refused.body);
    }
    for (forge, passes) in [
        ((|_, claims| claims["aud"] = json!("another")) as fn(&mut Value, &mut Value), false),
        (|_, claims| claims["iss"] = json!("https://login.globex.example"), false),
        (|_, claims| claims["nonce"] = json!("another"), true),
    ] {
        world.issuer("acme", |issuer| issuer.forge = forge);
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", page, &ada());
        let refused = world.open(&mut browser, &callback).reply();
        assert_eq!((refused.status, link_to(&refused, page)), (403, passes), "{}", refused.body);
        assert_eq!(refused.body.contains("trying again will not help"), !passes, "{}", refused.body);
    }
}

/// What is between `start` and `end`.
#[track_caller]
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("{start}: {text}"));
    rest.split_once(end).unwrap().0
}

pub fn a_page_looks_as_the_tenant_wants<H: Harness>() {
    let logo = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=";
    let mut world = world::<H>(&json!({
        "site_name": "Acme <Reports>",
        "logo": logo,
        "colors": { "light": { "accent": "#7a0019" }, "dark": { "background": "#101010" } },
        "labels": { "lang": "de", "start_page": "Zur <Startseite>", "signed_in_as": "Angemeldet als" },
        "access_denied": { "title": "Kein Zugriff", "message": "Bitte melden.", "link": "Anderes Konto", "lang": "de" },
    }));
    let mut browser = guest(&mut world, "guest");
    let refused = world.open(&mut browser, PAGE).reply();
    for part in [
        "<html lang=\"de\">",
        "<meta name=\"color-scheme\" content=\"light dark\">",
        "<title>Kein Zugriff – Acme &lt;Reports&gt;</title>",
        &format!("<img src=\"{logo}\" alt=\"Acme &lt;Reports&gt;\">"),
        ">Anderes Konto</button>",
        ">Zur &lt;Startseite&gt;</a>",
        "<dt>Angemeldet als</dt>",
        "<dt lang=\"en\">Request id</dt>",
        "#7a0019",
        "#101010",
    ] {
        assert!(refused.body.contains(part), "{part}: {}", refused.body);
    }
    // The other tenant has the default look.
    let other = world.open(&mut world.browser(), "https://globex.example/oauth2/callback").reply();
    assert!(!other.body.contains("<img") && !other.body.contains("#7a0019"), "{}", other.body);
    let unknown = world.open(&mut world.browser(), "https://initech.example/").reply();
    assert!(unknown.body.contains("<title>Not found</title>"), "{}", unknown.body);
    for (reply, image) in [(&refused, " img-src data:;"), (&other, ""), (&unknown, "")] {
        let policy = reply.header("content-security-policy").unwrap();
        let style = Sha256::digest(between(&reply.body, "<style>", "</style>"));
        let hash = base64url(style).replace('-', "+").replace('_', "/");
        assert!(policy.starts_with(&format!("default-src 'none'; style-src 'sha256-{hash}=';{image} ")), "{policy}");
        assert_eq!(policy.contains("img-src"), !image.is_empty(), "{policy}");
        assert!(!reply.body.contains("style="), "{}", reply.body);
    }
}
