//! The page that the issuer loads in a frame (OpenID Connect Front-Channel Logout 1.0).

use serde_json::json;

use crate::support::browser::Browser;
use crate::support::harness::{Harness, Outcome, Reply};
use crate::support::world::{FRAMED, World};

const PAGE: &str = "https://acme.example/page";
pub const GOOD: &str = "iss=https://login.acme.example&sid=s%2B1";
const FRAME: [(&str, &str); 3] =
    [("accept", "text/html"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];

fn world<H: Harness>() -> World<H> {
    World::with(|configuration| configuration["tenants"][0]["login"]["frontchannel_logout_path"] = json!(FRAMED))
}

fn signed_in<H: Harness>(world: &mut World<H>, sid: &str) -> Browser {
    let mut browser = world.browser();
    world.sign_in(&mut browser, "acme", PAGE, &json!({ "sub": "ada", "sid": sid }));
    browser
}

pub fn load<H: Harness>(world: &mut World<H>, browser: &mut Browser, query: &str) -> Reply {
    world.send(browser, &format!("https://acme.example{FRAMED}?{query}"), &FRAME).reply()
}

pub fn the_issuer_ends_the_session_in_a_frame<H: Harness>() {
    let mut world = world::<H>();
    let mut browser = signed_in(&mut world, "s+1");
    // A copy of the session, a second session with the same `sid`, and a session with another
    // `sid`.
    let (copy, same, mut other) = (browser.clone(), signed_in(&mut world, "s+1"), signed_in(&mut world, "s+2"));
    let reply = load(&mut world, &mut browser, GOOD);
    assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-store")));
    assert!(reply.body.contains("<h1>Signed out</h1>"), "{}", reply.body);
    assert!(browser.cookies.is_empty());
    for over in [copy, same] {
        world.eventually(|world| (0..8).all(|_| matches!(world.open(&mut over.clone(), PAGE), Outcome::Replied(_))));
    }
    world.open(&mut other, PAGE).forwarded();
}

/// Without the cookie of the session, anybody could send the parameters.
pub fn frames_of_others_end_nothing<H: Harness>() {
    let mut world = world::<H>();
    let mut browser = signed_in(&mut world, "s+1");
    let mut nobody = world.browser();
    assert!(load(&mut world, &mut nobody, GOOD).body.contains("<h1>Not signed out</h1>"));
    let missing = "no `iss` and `sid`; register the client with `frontchannel_logout_session_required` as true";
    let other = "no GET, another `iss` than the issuer, or a parameter twice or missing";
    let no_session = "no session of this browser has this `sid`";
    for (query, reason) in [
        ("", missing),
        ("state=x", missing),
        ("iss=https://login.acme.example", other),
        ("sid=s%2B1", other),
        ("iss=https://login.globex.example&sid=s%2B1", other),
        ("iss=https://login.acme.example/&sid=s%2B1", other),
        ("iss=https://login.acme.example&sid=s%2B2", no_session),
        ("iss=https://login.acme.example&sid=", no_session),
        ("iss=https://login.acme.example&sid=s%2B1&sid=s%2B1", other),
        ("iss=https://login.acme.example&sid=s%2B1&iss=https://login.acme.example", other),
    ] {
        let reply = load(&mut world, &mut browser, query);
        assert_eq!((reply.status, reply.all("set-cookie").count()), (200, 0), "{query}");
        assert!(reply.body.contains("<h1>Not signed out</h1>"), "{}", reply.body);
        let log = world.harness.log();
        let last = log.lines().rev().find(|line| line.contains("frontchannel_logout_ignored")).unwrap();
        assert!(last.contains(reason), "{query}: {last}");
    }
    let url = format!("https://acme.example{FRAMED}?{GOOD}");
    assert_eq!(world.send(&mut browser, &url, &[(":method", "POST")]).reply().status, 200);
    world.open(&mut browser, PAGE).forwarded();
    // A session without `sid` does not match a request without `sid`.
    let mut browser = world.browser();
    world.sign_in(&mut browser, "acme", PAGE, &json!({ "sub": "ada" }));
    load(&mut world, &mut browser, "iss=https://login.acme.example&sid=");
    load(&mut world, &mut browser, "iss=https://login.acme.example");
    world.open(&mut browser, PAGE).forwarded();
    // A tenant without front-channel logout has no such path.
    let mut world = World::<H>::new();
    let mut browser = signed_in(&mut world, "s+1");
    world.send(&mut browser, &url, &FRAME).forwarded();
}
