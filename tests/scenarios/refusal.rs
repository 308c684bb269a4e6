//! Requests that the filter answers itself.

use serde_json::{Value, json};

use crate::support::harness::{Harness, Lines, values};
use crate::support::world::{NAVIGATION, World, ada};

pub fn only_navigations_are_redirected<H: Harness>() {
    let mut world = World::<H>::new();
    for lines in [
        &[][..],
        &[("accept", "*/*")],
        &[("accept", "application/json")],
        &[("accept", "text/html"), ("x-requested-with", "XMLHttpRequest")],
        &[("accept", "text/html"), ("x-requested-with", "xmlhttprequest")],
        &[("accept", "text/html"), ("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")],
        &[("accept", "text/html"), ("sec-fetch-mode", "cors")],
        &[("accept", "text/html"), ("sec-fetch-dest", "empty")],
        &[("accept", "*/*"), ("sec-fetch-mode", "navigate")],
        &[("accept", "application/json"), ("sec-fetch-dest", "document")],
        &[("accept", "text/html"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
        &[("accept", "text/html"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
        &[NAVIGATION[0], NAVIGATION[1], NAVIGATION[2], ("sec-purpose", "prefetch")],
        &[("accept", "*/*"), ("authorization", "Basic x")],
        &[(":method", "POST"), ("accept", "text/html")],
        &[(":method", "OPTIONS"), ("origin", "https://other.example"), ("access-control-request-method", "GET")],
        &[(":method", "HEAD"), ("accept", "text/html")],
        &[(":method", "PROPFIND"), ("accept", "text/html")],
        &[("content-type", "application/json"), ("te", "trailers")],
    ] {
        let reply = world.send(&mut world.browser(), "https://acme.example/api", lines).reply();
        assert_eq!(reply.status, 401, "{lines:?}");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"acme\""), "{lines:?}");
        assert_eq!((reply.all("set-cookie").count(), reply.header("location")), (0, None), "{lines:?}");
    }
}

/// A page that is opened in an app (Android WebView), and in browsers that send a part of Fetch
/// Metadata.
pub fn navigations_of_every_browser<H: Harness>() {
    let mut world = World::<H>::new();
    for lines in [
        &NAVIGATION[..],
        &[NAVIGATION[0]],
        &[NAVIGATION[0], ("x-requested-with", "com.example.app")],
        &[NAVIGATION[0], NAVIGATION[1], NAVIGATION[2], NAVIGATION[3], ("x-requested-with", "com.example.app")],
        &[NAVIGATION[0], ("sec-fetch-mode", "navigate")],
        &[NAVIGATION[0], ("sec-fetch-dest", "document")],
        &[NAVIGATION[0], ("sec-fetch-site", "none")],
    ] {
        let mut browser = world.browser();
        let reply = world.send(&mut browser, "https://acme.example/page", lines).reply();
        assert_eq!(reply.status, 302, "{lines:?}");
        let callback = world.issuer("acme", |issuer| issuer.authorize(reply.header("location").unwrap(), &ada()));
        assert_eq!(world.send(&mut browser, &callback, lines).reply().status, 302, "{lines:?}");
        let seen = world.send(&mut browser, "https://acme.example/page", lines).forwarded();
        assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
    }
}

/// A browser repeats the credentials of another scheme with every request, so they mark no program:
/// a user whose session has ended has to be able to sign in again. Only `Bearer` marks one.
pub fn credentials_of_a_browser_do_not_lock_it_out<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["headers"] = json!({ "authorization": "any" });
        configuration["tenants"][0]["bearer"] = json!({ "audiences": ["api"] });
    });
    let page = "https://acme.example/wiki";
    for credentials in ["Basic eDp5", "Negotiate YII", "Digest username=\"x\"", "Bearerx y", "\u{e9}"] {
        let lines = [&NAVIGATION[..], &[("authorization", credentials)]].concat();
        let mut browser = world.browser();
        let reply = world.send(&mut browser, page, &lines).reply();
        assert_eq!(reply.status, 302, "{credentials}");
        let callback = world.issuer("acme", |issuer| issuer.authorize(reply.header("location").unwrap(), &ada()));
        assert_eq!(world.send(&mut browser, &callback, &lines).reply().header("location"), Some(page));
        let seen = world.send(&mut browser, page, &lines).forwarded();
        assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
        assert_eq!(seen.iter().filter(|(name, _)| name == "authorization").count(), 1);
        // The sign-out works, too.
        assert_eq!(world.send(&mut browser, "https://acme.example/oauth2/logout", &lines).reply().status, 302);
        assert!(!browser.has_session());
    }
    for credentials in ["Bearer x", "bearer x", "BEARER"] {
        let lines = [&NAVIGATION[..], &[("authorization", credentials)]].concat();
        let reply = world.send(&mut world.browser(), page, &lines).reply();
        assert!(matches!(reply.status, 400 | 401), "{credentials}: {}", reply.status);
    }
}

fn head(lines: &[(&str, &[u8])]) -> Lines {
    lines.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect()
}

pub fn malformed_requests<H: Harness>() {
    let mut world = World::<H>::new();
    let get: [(&str, &[u8]); 4] =
        [(":method", b"GET"), (":scheme", b"https"), (":authority", b"acme.example"), (":path", b"/")];
    let cookies = format!("a={}", "x".repeat(64 * 1024));
    // Header values need not be UTF-8.
    for name in
        ["cookie", "accept", "x-request-id", "authorization", "sec-fetch-mode", "x-anything", "origin", "connection"]
    {
        let reply = world.send_lines(&head(&[&get[..], &[(name, b"\xff\xfe\x80")]].concat())).reply();
        assert!(matches!(reply.status, 400 | 401), "{name}: {}", reply.status);
    }
    let reply = world.send_lines(&head(&[&get[..], &[("cookie", cookies.as_bytes())]].concat())).reply();
    assert_eq!(reply.status, 401);
    let many: Vec<u8> = b"__Host-tenantgate-login-AAAAAAAAAAAAAAAA=x; __Host-tenantgate-session=y; ".repeat(400);
    let reply = world.send_lines(&head(&[&get[..], &[("cookie", &many), ("accept", b"text/html")]].concat())).reply();
    assert_eq!(reply.status, 302);
    assert!(reply.all("set-cookie").count() <= 33);

    // Two `cookie` lines, as in HTTP/2: the session may be in either.
    let session = world.signed_in().cookie_line("acme.example").unwrap();
    for crumbs in [[session.as_bytes(), b"a=1"], [b"a=1", session.as_bytes()]] {
        let lines = [("cookie", crumbs[0]), ("cookie", crumbs[1])];
        world.send_lines(&head(&[&get[..], &lines].concat())).forwarded();
    }

    for (method, path) in [("CONNECT", "acme.example:443"), ("OPTIONS", "*"), ("GET", "acme"), ("GET", "/\u{7f}")] {
        let lines = [
            (":method", method.as_bytes()),
            (":scheme", b"https"),
            (":authority", b"acme.example"),
            (":path", path.as_bytes()),
        ];
        let reply = world.send_lines(&head(&lines)).reply();
        // Envoy refuses some of these before the filter sees them.
        assert!(matches!(reply.status, 400 | 403 | 404), "{method} {path}: {}", reply.status);
    }
}

pub fn pages_for_people_and_json_for_programs<H: Harness>() {
    let mut world = World::<H>::new();
    let id = [("x-request-id", "0f8fad5b-d9cb-469f-a165-70867728950e")];
    let json = world.send(&mut world.browser(), "https://acme.example/", &id).reply();
    let body: Value = serde_json::from_str(&json.body).unwrap();
    assert_eq!(json.header("content-type"), Some("application/json"));
    assert_eq!(body["error"], "unauthenticated");
    assert!(body["request_id"].as_str().unwrap().len() >= 16, "{body}");

    let html = world.send(&mut world.browser(), "https://initech.example/", &NAVIGATION).reply();
    assert_eq!(html.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(html.body.contains("<h1>Not found</h1>"), "{}", html.body);
    // The request id comes from the client. It is not repeated if it could be markup.
    let forged = [NAVIGATION[0], ("x-request-id", "\"><script>alert(1)</script>")];
    let html = world.send(&mut world.browser(), "https://initech.example/", &forged).reply();
    assert!(!html.body.contains("script"), "{}", html.body);
}

/// Pages have the texts of their tenant, escaped. JSON answers and other tenants stay the same.
pub fn configured_page_texts<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["pages"] = json!({
            "signed_out": { "title": "Abgemeldet (signed out)", "message": "Bis <bald> & \"gute\" Reise.", "link": "Anmelden", "lang": "de" },
            "unauthenticated": { "title": "Nicht angemeldet", "message": "Bitte anmelden." },
        });
        for tenant in configuration["tenants"].as_array_mut().unwrap() {
            tenant["provider"].as_object_mut().unwrap().remove("end_session_endpoint");
        }
    });
    let html = world.open(&mut world.browser(), "https://acme.example/oauth2/logout").reply().body;
    assert!(html.contains("<html lang=\"de\">") && html.contains("<h1>Abgemeldet (signed out)</h1>"), "{html}");
    assert!(
        html.contains("<p>Bis &lt;bald&gt; &amp; &quot;gute&quot; Reise.</p>") && html.contains(">Anmelden</a>"),
        "{html}"
    );
    let json = world.send(&mut world.browser(), "https://acme.example/", &[]).reply().body;
    assert!(json.contains("\"error\":\"unauthenticated\"") && !json.contains("anmelden"), "{json}");
    let html = world.open(&mut world.browser(), "https://globex.example/oauth2/logout").reply().body;
    assert!(html.contains("<html lang=\"en\">") && html.contains("<h1>Signed out</h1>"), "{html}");
    // A client that prefers JSON gets JSON.
    let lines = [("accept", "text/html;q=0.5, application/json"), ("sec-fetch-mode", "cors")];
    let reply = world.send(&mut world.browser(), "https://acme.example/", &lines).reply();
    assert_eq!((reply.status, reply.header("content-type")), (401, Some("application/json")));
}
