//! Callbacks from the issuer, real and forged.

use std::time::Duration;

use serde_json::json;

use crate::support::browser::Browser;
use crate::support::harness::{Harness, Reply};
use crate::support::issuer::Answer;
use crate::support::world::{World, ada};

/// Opens a callback that has to fail: no session, no upstream request, a page with a request id.
#[track_caller]
fn refused<H: Harness>(world: &mut World<H>, browser: &mut Browser, url: &str) -> Reply {
    let reply = world.open(browser, url).reply();
    assert!(matches!(reply.status, 400 | 403 | 503), "{} {}", reply.status, reply.body);
    assert!(reply.body.contains("Request id</dt><dd><code>"), "{}", reply.body);
    assert!(!browser.has_session());
    assert_eq!(reply.status == 503, reply.header("retry-after").is_some());
    reply
}

pub fn with_parameter(callback: &str, name: &str, value: Option<&str>) -> String {
    let (path, query) = callback.split_once('?').unwrap();
    let mut kept: Vec<String> =
        query.split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).map(str::to_owned).collect();
    kept.extend(value.map(|value| format!("{name}={value}")));
    format!("{path}?{}", kept.join("&"))
}

pub fn forged_callbacks_cause_no_call<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", "https://acme.example/", &ada());
    let twice = |name: &str| {
        let pair = callback.split(['?', '&']).find(|pair| pair.starts_with(&format!("{name}="))).unwrap();
        format!("{callback}&{pair}")
    };
    // Correct in the part that names the cookie, wrong in the rest.
    let state = callback.split(['?', '&']).find_map(|pair| pair.strip_prefix("state=")).unwrap();
    let nearly = format!("{}{}", &state[..16], &"A".repeat(27));
    let forged = [
        "https://acme.example/oauth2/callback".to_owned(),
        "https://acme.example/oauth2/callback?".to_owned(),
        with_parameter(&callback, "state", None),
        with_parameter(&callback, "state", Some("")),
        with_parameter(&callback, "state", Some(&"A".repeat(43))),
        with_parameter(&callback, "state", Some("x")),
        with_parameter(&callback, "state", Some(&nearly)),
        with_parameter(&callback, "state", Some("%FF%00")),
        with_parameter(&callback, "state", Some(&"A".repeat(2000))),
        with_parameter(&callback, "code", None),
        with_parameter(&callback, "code", Some("")),
        twice("state"),
        twice("code"),
        twice("iss"),
        format!("{callback}&error=access_denied"),
        format!("{callback}&%73tate=other"),
    ];
    for url in &forged {
        assert_eq!(refused(&mut world, &mut browser, url).status, 400, "{url}");
    }
    let posted = world.send(&mut browser, &callback, &[(":method", "POST"), ("accept", "text/html")]).reply();
    assert_eq!(posted.status, 400);
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 0);
    // The real callback still works.
    assert_eq!(world.open(&mut browser, &callback).reply().status, 302);
    assert!(browser.has_session());
}

pub fn a_callback_is_good_once<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", "https://acme.example/", &ada());
    let before = browser.clone();
    assert_eq!(world.open(&mut browser, &callback).reply().status, 302);
    // The same callback again, as with the back button: it redeems nothing, and the session stays.
    let again = world.open(&mut browser, &callback).reply();
    assert_eq!((again.status, again.header("location")), (302, Some("https://acme.example/")));
    assert_eq!(again.all("set-cookie").count(), 0);
    browser.cookies.clear();
    assert_eq!(refused(&mut world, &mut browser, &callback).status, 400);
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 1);
    // A client that kept the cookie can ask the issuer again, and the issuer accepts a code once.
    let mut kept = before;
    assert_eq!(refused(&mut world, &mut kept, &callback).status, 400);
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 2);
}

/// Login CSRF (RFC 9700 section 4.7): the attacker's callback in the victim's browser.
pub fn a_callback_belongs_to_its_browser<H: Harness>() {
    let mut world = World::<H>::new();
    let mut attacker = world.browser();
    let callback = world.callback(&mut attacker, "acme", "https://acme.example/", &ada());
    let mut victim = world.browser();
    assert_eq!(refused(&mut world, &mut victim, &callback).status, 400);
    // The same while the victim has a login of its own under way.
    world.begin(&mut victim, "https://acme.example/");
    assert_eq!(refused(&mut world, &mut victim, &callback).status, 400);
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 0);
    // A victim with a session keeps it.
    let mut victim = world.signed_in();
    let reply = world.open(&mut victim, &callback).reply();
    assert_eq!((reply.status, reply.header("location")), (302, Some("https://acme.example/")));
    assert_eq!((reply.all("set-cookie").count(), world.issuer("acme", |issuer| issuer.calls)), (0, 1));
}

pub fn errors_of_the_issuer<H: Harness>() {
    let mut world = World::<H>::new();
    for (error, status) in [
        ("access_denied", 403),
        ("login_required", 400),
        ("invalid_scope", 400),
        ("server_error", 503),
        ("temporarily_unavailable", 503),
        ("%3Cscript%3Ealert(1)%3C/script%3E", 400),
    ] {
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/page", &ada());
        let without_code = with_parameter(&callback, "code", None);
        let url = format!("{without_code}&error={error}&error_description=%3Cscript%3E&error_uri=https://evil.example");
        let reply = refused(&mut world, &mut browser, &url);
        assert_eq!(reply.status, status, "{error}");
        assert!(!reply.body.contains("script") && !reply.body.contains("evil"), "{}", reply.body);
        // Another try does not help where the request is not as the issuer expects it.
        let is_link = reply.body.contains("href=\"https://acme.example/page\"");
        assert_eq!(is_link, error != "invalid_scope", "{}", reply.body);
        assert!(browser.named("-login-").is_empty(), "the attempt is over");
    }
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 0);
}

/// The log has the error of the issuer, escaped and cut, if the response belongs to a login of this
/// browser. No page has it.
pub fn the_log_has_the_error_of_the_authorization_response<H: Harness>() {
    let token = "c6zunxrllvx65epvm6alwrt47";
    let hostile = format!("no%0A[error]+forged+{token}+{}", "x+".repeat(500));
    for (error, description, logged) in [
        ("invalid_scope", "Invalid+scopes:+groups", r#"`invalid_scope` ("Invalid scopes: groups")"#),
        ("unauthorized_client", "", r#"`unauthorized_client` ("")"#),
        ("not_allowed", "Offline+tokens+not+allowed", r#"`not_allowed` ("Offline tokens not allowed")"#),
        ("invalid_request", &hostile, r#"`invalid_request` ("no\n[error] forged [...] x x "#),
    ] {
        let mut world = World::<H>::new();
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/page", &ada());
        let answer = format!("&error={error}&error_description={description}");
        // Any site can make a browser send this.
        let forged = format!("https://acme.example/oauth2/callback?state=forged{answer}");
        let mut other = world.browser();
        assert_eq!(refused(&mut world, &mut other, &forged).status, 400);
        // The response is genuine, and another browser opens it.
        let genuine = with_parameter(&callback, "code", None) + &answer;
        assert_eq!(refused(&mut world, &mut other, &genuine).status, 400);
        assert!(!world.harness.log().contains(error), "{}", world.harness.log());
        let reply = refused(&mut world, &mut browser, &genuine);
        assert!(!reply.body.contains(error), "{}", reply.body);
        let log = world.harness.log();
        assert!(log.contains(&format!("authorization endpoint: it answered {logged}")), "{log}");
        assert!(!log.contains(token) && !log.contains(&"x ".repeat(101)), "{log}");
    }
}

/// After a refusal, the issuer's own session would give the same answer at once. So every login
/// asks the issuer to prompt until one ends with a session.
pub fn after_a_refusal_the_issuer_prompts<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", "https://acme.example/page", &ada());
    let denied = with_parameter(&callback, "code", None) + "&error=access_denied";
    let reply = refused(&mut world, &mut browser, &denied);
    assert!(
        reply.body.contains("<a href=\"https://acme.example/page\" class=\"main\">Sign in with another account</a>"),
        "{}",
        reply.body
    );
    world.issuer("acme", |issuer| issuer.parameters = vec![("prompt".to_owned(), "login".to_owned())]);
    // The user leaves the issuer's page and opens the page again.
    world.callback(&mut browser, "acme", "https://acme.example/other", &ada());
    let callback = world.callback(&mut browser, "acme", "https://acme.example/page", &ada());
    assert_eq!(world.open(&mut browser, &callback).reply().status, 302);
    assert!(browser.named("-ask").is_empty());
    world.issuer("acme", |issuer| issuer.parameters.clear());
    browser.cookies.retain(|cookie| !cookie.name.ends_with("-session"));
    world.callback(&mut browser, "acme", "https://acme.example/page", &ada());
    // No prompt if the issuer was unavailable.
    world.issuer("acme", |issuer| issuer.answer = Answer::Raw(500, Vec::new()));
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", "https://acme.example/page", &ada());
    let reply = refused(&mut world, &mut browser, &callback);
    assert!(reply.body.contains(">Try again</a>") && browser.cookies.is_empty(), "{}", reply.body);
}

pub fn a_provider_that_fails<H: Harness>() {
    let mut world = World::<H>::new();
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    for (answer, reason) in [
        (Answer::Silence, ""),
        (Answer::Raw(500, b"oops".to_vec()), "it answered with status 500"),
        (Answer::Raw(302, b"".to_vec()), "it answered with status 302"),
        (Answer::Raw(200, b"".to_vec()), "the response is not a JSON object"),
        (Answer::Raw(200, b"<html>sign in</html>".to_vec()), "the response is not a JSON object"),
        (Answer::Raw(200, b"\xff\xfe\x00".to_vec()), "the response is not a JSON object"),
        (Answer::Raw(200, deep.into_bytes()), "the response is not a JSON object"),
        (Answer::Raw(200, vec![b' '; 10 << 20]), "the response is longer than 65536 bytes"),
        (
            Answer::Raw(200, b"{\"access_token\":\"a\",\"token_type\":\"Bearer\"}".to_vec()),
            "the response has no usable `id_token`",
        ),
        (Answer::Raw(401, b"{\"error\":\"invalid_client\"}".to_vec()), "it does not know the client"),
        (Answer::Raw(400, b"{\"error\":\"unauthorized_client\"}".to_vec()), "it answered `unauthorized_client`"),
    ] {
        world.issuer("acme", |issuer| issuer.answer = answer);
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/page", &ada());
        assert_eq!(refused(&mut world, &mut browser, &callback).status, 503, "{reason}");
        assert!(world.harness.log().contains(reason), "{reason}: {}", world.harness.log());
        assert!(browser.cookies.is_empty(), "the attempt is over");
    }
}

/// A rejected code is told from a failing issuer, whatever client error the issuer answers with.
pub fn a_code_that_is_rejected<H: Harness>() {
    let mut world = World::<H>::new();
    for status in [400, 401, 403] {
        world.issuer("acme", |issuer| issuer.answer = Answer::Raw(status, b"{\"error\":\"invalid_grant\"}".to_vec()));
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/page", &ada());
        assert_eq!(refused(&mut world, &mut browser, &callback).status, 400, "{status}");
    }
    assert!(world.harness.log().contains("code_rejected"), "{}", world.harness.log());
}

/// While the issuer is unavailable, sessions go on and a login costs one call. Afterwards logins
/// work again.
pub fn sessions_outlive_their_provider<H: Harness>() {
    let mut world = World::<H>::new();
    let mut signed_in = world.signed_in();
    for answer in [Answer::Silence, Answer::Raw(503, b"maintenance".to_vec())] {
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/page", &ada());
        let calls = world.issuer("acme", |issuer| {
            issuer.answer = answer;
            issuer.calls
        });
        assert_eq!(refused(&mut world, &mut browser, &callback).status, 503);
        assert_eq!(world.issuer("acme", |issuer| issuer.calls), calls + 1);
        // A reload of the error page finds no login attempt, so it does not send the code again.
        assert_eq!(refused(&mut world, &mut browser, &callback).status, 400);
        assert_eq!(world.issuer("acme", |issuer| issuer.calls), calls + 1);
        assert!(browser.cookies.is_empty());
        world.open(&mut signed_in, "https://acme.example/").forwarded();
        // The other tenant has its own issuer.
        world.sign_in(&mut world.browser(), "globex", "https://globex.example/", &ada());
        world.issuer("acme", |issuer| issuer.answer = Answer::Normal);
        world.sign_in(&mut browser, "acme", "https://acme.example/page", &ada());
    }
}

pub fn a_rejected_code<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", "https://acme.example/", &ada());
    let url = with_parameter(&callback, "code", Some("guessed"));
    let reply = refused(&mut world, &mut browser, &url);
    assert_eq!(reply.status, 400);
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 1);
}

/// Mix-up attack (RFC 9207): an answer with another `iss` is refused before any call.
pub fn an_answer_of_another_issuer<H: Harness>() {
    let mut world = World::<H>::new();
    for issuer in ["https://login.globex.example", "https://login.acme.example/", "HTTPS://login.acme.example", ""] {
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/", &ada());
        let url = with_parameter(&callback, "iss", Some(issuer));
        assert_eq!(refused(&mut world, &mut browser, &url).status, 400, "{issuer}");
    }
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 0);
    // `iss` is optional by default.
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", "https://acme.example/", &ada());
    assert_eq!(world.open(&mut browser, &with_parameter(&callback, "iss", None)).reply().status, 302);
}

/// If the issuer always sends `iss`, an answer without it is refused.
pub fn an_answer_without_iss<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["provider"]["authorization_response_iss_parameter_supported"] = json!(true);
    });
    for extra in ["", "&error=access_denied"] {
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/", &ada());
        let url = with_parameter(&callback, "iss", None);
        let url = if extra.is_empty() { url } else { with_parameter(&url, "code", None) + extra };
        assert_eq!(refused(&mut world, &mut browser, &url).status, 400);
        assert!(world.harness.log().contains("issuer_mismatch"), "{}", world.harness.log());
    }
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 0);
    world.signed_in();
}

pub fn an_expired_attempt<H: Harness>() {
    let mut world = World::<H>::new();
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", "https://acme.example/page", &ada());
    world.clock.advance(Duration::from_secs(15 * 60 - 1));
    let cookie = browser.cookie_line("acme.example").unwrap();
    world.clock.advance(Duration::from_secs(1));
    // The browser dropped the cookie. A client that kept it gets an error page with a link to the
    // page.
    assert_eq!(browser.cookie_line("acme.example"), None);
    let reply = world.send(&mut browser, &callback, &[("cookie", &cookie), ("accept", "text/html")]).reply();
    assert_eq!(reply.status, 400);
    assert!(reply.body.contains("href=\"https://acme.example/page\""), "{}", reply.body);
    // With a session from another tab, the callback redirects to the page.
    let mut signed_in = world.signed_in();
    let reply = world.send(&mut signed_in, &callback, &[("cookie", &cookie), ("accept", "text/html")]).reply();
    assert_eq!((reply.status, reply.header("location")), (302, Some("https://acme.example/page")));
    assert_eq!(world.issuer("acme", |issuer| issuer.calls), 1);
}
