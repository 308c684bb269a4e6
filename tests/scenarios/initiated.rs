//! Logins that a third party begins, such as the portal of the issuer (OpenID Connect Core section
//! 4).

use serde_json::{Value, json};
use url::Url;

use crate::support::harness::{Harness, values};
use crate::support::world::{NAVIGATION, World, ada};

const LOGIN: &str = "https://acme.example/oauth2/login";
const ISSUER: &str = "https://login.acme.example";

/// The address with these parameters, as a portal writes it.
fn address(parameters: &[(&str, &str)]) -> String {
    Url::parse_with_params(LOGIN, parameters).unwrap().into()
}

fn parameter(location: &str, name: &str) -> Vec<String> {
    let url = Url::parse(location).unwrap();
    url.query_pairs().filter(|(other, _)| other == name).map(|(_, value)| value.into_owned()).collect()
}

pub fn a_portal_begins_a_login<H: Harness>() {
    let mut world = World::<H>::new();
    let target = "https://acme.example/reports?q=a%20b&c=d";
    for (parameters, hint, page) in [
        (&[("iss", ISSUER)][..], None, "https://acme.example/"),
        (&[("iss", ISSUER), ("target_link_uri", target)], None, target),
        (
            &[("iss", ISSUER), ("login_hint", "a&b=c \u{e9}"), ("more", "x")],
            Some("a&b=c \u{e9}"),
            "https://acme.example/",
        ),
        (&[("login_hint", ""), ("iss", ISSUER), ("target_link_uri", "")], None, "https://acme.example/"),
        // As browsers write it, without what is no part of the page.
        (
            &[("iss", ISSUER), ("target_link_uri", "HTTPS://u:p@ACME.example:443/a/../b")],
            None,
            "https://acme.example/b",
        ),
        // The fragment, too: no other login brings it through every page of an issuer.
        (
            &[("iss", ISSUER), ("target_link_uri", "https://acme.example/guide?v=2#chapter-3?a&b=\"\r\n\u{e9}")],
            None,
            "https://acme.example/guide?v=2#chapter-3?a&b=%22%C3%A9",
        ),
        (
            &[("iss", ISSUER), ("target_link_uri", "https://acme.example#/users/7")],
            None,
            "https://acme.example/#/users/7",
        ),
    ] {
        let mut browser = world.browser();
        // From another site.
        let lines = [NAVIGATION[0], NAVIGATION[1], NAVIGATION[2], ("sec-fetch-site", "cross-site")];
        let reply = world.send(&mut browser, &address(parameters), &lines).reply();
        let location = reply.header("location").unwrap().to_owned();
        assert!(reply.status == 302 && location.starts_with("https://login.acme.example/auth?"), "{reply:?}");
        assert_eq!(parameter(&location, "login_hint"), Vec::from_iter(hint), "{parameters:?}");
        assert_eq!(parameter(&location, "more"), <[String; 0]>::default());
        let sent = hint.map(|hint| ("login_hint".to_owned(), hint.to_owned()));
        let callback = world.issuer("acme", |issuer| {
            issuer.parameters = Vec::from_iter(sent);
            issuer.authorize(&location, &ada())
        });
        assert_eq!(world.open(&mut browser, &callback).reply().header("location"), Some(page), "{parameters:?}");
        // Browsers send no fragment.
        let seen = world.open(&mut browser, page.split('#').next().unwrap()).forwarded();
        assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
    }
}

/// A user who is signed in goes to the page at once.
/// A page of the application, which does not know the issuer, begins a login without `iss`. No
/// other page can.
pub fn a_page_of_the_site_begins_a_login<H: Harness>() {
    let mut world = World::<H>::new();
    let url = address(&[("target_link_uri", "https://acme.example/app#/users/7")]);
    for (site, status) in [("same-origin", 302), ("same-site", 400), ("cross-site", 400), ("none", 400)] {
        let lines = [NAVIGATION[0], NAVIGATION[1], NAVIGATION[2], ("sec-fetch-site", site)];
        let mut browser = world.browser();
        let reply = world.send(&mut browser, &url, &lines).reply();
        assert_eq!(reply.status, status, "{site}");
        if status == 302 {
            let location = reply.header("location").unwrap();
            let callback = world.issuer("acme", |issuer| issuer.authorize(location, &ada()));
            let reply = world.open(&mut browser, &callback).reply();
            assert_eq!(reply.header("location"), Some("https://acme.example/app#/users/7"));
        }
    }
    // An `iss` that is there is compared all the same.
    let other = address(&[("iss", "https://login.globex.example")]);
    let lines = [NAVIGATION[0], NAVIGATION[1], NAVIGATION[2], ("sec-fetch-site", "same-origin")];
    assert_eq!(world.send(&mut world.browser(), &other, &lines).reply().status, 400);
}

pub fn a_session_goes_to_the_target<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.signed_in();
    let page = "https://acme.example/reports";
    let chapter = "https://acme.example/guide#chapter-3";
    for (target, expected) in [(page, page), (chapter, chapter), ("https://evil.example/", "https://acme.example/")] {
        let url = address(&[("iss", ISSUER), ("login_hint", "bob"), ("target_link_uri", target)]);
        let reply = world.open(&mut browser, &url).reply();
        assert_eq!((reply.status, reply.header("location")), (302, Some(expected)));
        assert_eq!(reply.all("set-cookie").count(), 0);
    }
    // The parameters are checked all the same.
    assert_eq!(world.open(&mut browser, &address(&[("target_link_uri", page)])).reply().status, 400);
}

/// The target is a page of the very host that was asked for, or the start page.
pub fn a_portal_chooses_no_other_site<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["hosts"] = json!(["acme.example", "wiki.acme.example"]);
    });
    for target in [
        "https://evil.example/",
        "//evil.example/",
        "/reports",
        "reports",
        "\\\\evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://acme.example.evil.example/",
        "https://acme.example@evil.example/",
        "https://evil.example#@acme.example/",
        "https://globex.example/",
        "https://wiki.acme.example/",
        "http://acme.example/",
        "https://acme.example:8443/",
        "https:acme.example",
        "\u{0}",
    ] {
        let mut browser = world.browser();
        let url = address(&[("iss", ISSUER), ("target_link_uri", target)]);
        let callback = world.callback(&mut browser, "acme", &url, &ada());
        assert_eq!(
            world.open(&mut browser, &callback).reply().header("location"),
            Some("https://acme.example/"),
            "{target}"
        );
    }
    // A path with two slashes stays on the host.
    let url = address(&[("iss", ISSUER), ("target_link_uri", "https://acme.example//evil.example/")]);
    let mut browser = world.signed_in();
    let reply = world.open(&mut browser, &url).reply();
    assert_eq!(reply.header("location"), Some("https://acme.example//evil.example/"));
}

pub fn invalid_login_requests<H: Harness>() {
    let mut world = World::<H>::new();
    let long = "x".repeat(600);
    for parameters in [
        &[][..],
        &[("iss", "")],
        &[("iss", "https://login.acme.example/")],
        &[("iss", "https://LOGIN.acme.example")],
        &[("iss", "https://login.globex.example")],
        &[("iss", ISSUER), ("iss", ISSUER)],
        &[("iss", ISSUER), ("login_hint", "a"), ("login_hint", "b")],
        &[("iss", ISSUER), ("login_hint", &long)],
        &[("iss", ISSUER), ("target_link_uri", "https://acme.example/"), ("target_link_uri", "https://evil.example/")],
        &[("Iss", ISSUER)],
    ] {
        let lines = [("accept", "text/html;q=0.5, application/json;q=0.4"), NAVIGATION[1], NAVIGATION[2]];
        let reply = world.send(&mut world.browser(), &address(parameters), &lines).reply();
        assert_eq!((reply.status, reply.all("set-cookie").count()), (400, 0), "{parameters:?}");
        assert!(reply.body.contains("<h1>Sign-in failed</h1>"), "{}", reply.body);
    }
    // No image or script of another page begins a login.
    for lines in [
        &[("accept", "image/*")][..],
        &[NAVIGATION[0], ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
        &[NAVIGATION[0], ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
        &[NAVIGATION[0], (":method", "HEAD")],
        &[NAVIGATION[0], (":method", "PUT")],
    ] {
        let reply = world.send(&mut world.browser(), &address(&[("iss", ISSUER)]), lines).reply();
        assert_eq!((reply.status, reply.all("set-cookie").count()), (401, 0), "{lines:?}");
    }
    let target = format!("https://acme.example/{}", "x".repeat(2048));
    let reply = world.open(&mut world.browser(), &address(&[("iss", ISSUER), ("target_link_uri", &target)])).reply();
    assert_eq!(reply.status, 414);
}

/// A form of another site comes without the session cookie (`SameSite=Lax`), so its parameters go
/// into the address, which the browser opens with the cookie.
pub fn a_portal_posts_a_form<H: Harness>() {
    let mut world = World::<H>::new();
    let page = "https://acme.example/reports";
    let url = address(&[("iss", ISSUER), ("login_hint", "ada"), ("target_link_uri", page)]);
    let form = url.split_once('?').unwrap().1;
    let reply = world.post(LOGIN, &[NAVIGATION[0]], form.as_bytes()).reply();
    assert_eq!((reply.status, reply.header("location"), reply.all("set-cookie").count()), (302, Some(url.as_str()), 0));
    let mut browser = world.signed_in();
    assert_eq!(world.open(&mut browser, &url).reply().header("location"), Some(page));
    // The query of the address does not count beside the form.
    let reply = world.post(&address(&[("iss", "https://evil.example")]), &[], form.as_bytes()).reply();
    assert_eq!(reply.header("location"), Some(url.as_str()));
    let long = vec![b'x'; 5000];
    for body in [&b""[..], b"iss=a#b", b"iss=a\r\nset-cookie: a=b", b"iss=a b", b"iss=\xe9", b"iss=\0", &long] {
        let reply = world.post(LOGIN, &[], body).reply();
        let error = serde_json::from_str::<Value>(&reply.body).unwrap()["error"].clone();
        assert_eq!((reply.status, error), (400, json!("login_request_invalid")), "{body:?}");
    }
}

pub fn the_login_path_and_hint_are_configured<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["login"]["initiate_login_path"] = json!("/start");
        configuration["tenants"][0]["login"]["login_hint"] = json!("acme.example");
    });
    for (hint, expected) in [(Some("ada"), "ada"), (None, "acme.example")] {
        let parameters: Vec<_> = [("iss", ISSUER)].into_iter().chain(hint.map(|hint| ("login_hint", hint))).collect();
        let url = address(&parameters).replace("/oauth2/login", "/start");
        let location = world.begin(&mut world.browser(), &url);
        assert_eq!(parameter(&location, "login_hint"), [expected]);
    }
    // The default path is a page of the upstream now.
    let hint = ("login_hint".to_owned(), "acme.example".to_owned());
    world.issuer("acme", |issuer| issuer.parameters = vec![hint]);
    let mut browser = world.signed_in();
    world.open(&mut browser, &address(&[("iss", ISSUER)])).forwarded();
}
