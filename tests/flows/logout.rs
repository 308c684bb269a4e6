//! Signing out.

use serde_json::json;

use crate::support::rig::Rig;
use crate::support::world::{NAVIGATION, World, ada};

const LOGOUT: &str = "https://acme.example/oauth2/logout";
const DEAD: &str = "__Host-tenantgate-session=k1.AAAA";

pub fn sign_out_here_and_at_the_issuer<R: Rig>() {
    let mut world = World::<R>::new();
    for lines in [
        &NAVIGATION[..],
        &[NAVIGATION[0], ("sec-fetch-site", "same-origin")],
        &[NAVIGATION[0], ("sec-fetch-site", "none")],
        &[NAVIGATION[0], (":method", "POST"), ("origin", "https://acme.example")],
    ] {
        let mut browser = world.signed_in();
        let reply = world.send(&mut browser, LOGOUT, lines).reply();
        assert_eq!(reply.status, 302, "{lines:?}");
        let expected =
            "https://login.acme.example/logout?client_id=gate&post_logout_redirect_uri=https%3A%2F%2Facme.example%2F";
        assert_eq!(reply.header("location"), Some(expected));
        assert!(browser.cookies.is_empty());
        assert_eq!(world.open(&mut browser, "https://acme.example/").reply().status, 302);
    }
    // Without a session there is nothing to end at the issuer.
    let reply = world.open(&mut world.browser(), LOGOUT).reply();
    assert_eq!((reply.status, reply.header("location"), reply.all("set-cookie").count()), (200, None, 0));
    assert!(reply.body.contains("Signed out"), "{}", reply.body);
    // A session that is none any more goes all the same.
    let reply = world.send(&mut world.browser(), LOGOUT, &[NAVIGATION[0], ("cookie", DEAD)]).reply();
    let deleted = "__Host-tenantgate-session=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax";
    assert_eq!((reply.status, reply.header("set-cookie")), (200, Some(deleted)));
    // A parameter cannot choose where it leads.
    let mut browser = world.signed_in();
    let reply = world
        .open(&mut browser, &format!("{LOGOUT}?post_logout_redirect_uri=https://evil.example&rd=//evil.example"))
        .reply();
    assert!(!reply.header("location").unwrap().contains("evil"));
}

pub fn another_site_can_only_ask<R: Rig>() {
    let mut world = World::<R>::new();
    let mut browser = world.signed_in();
    for lines in [
        &[NAVIGATION[0], ("sec-fetch-site", "cross-site")][..],
        &[NAVIGATION[0], ("sec-fetch-site", "same-site")],
        &[NAVIGATION[0], ("sec-fetch-site", "\u{e9}")],
        &[NAVIGATION[0], (":method", "POST"), ("origin", "https://evil.example")],
        &[NAVIGATION[0], (":method", "POST"), ("origin", "null")],
    ] {
        let reply = world.send(&mut browser, LOGOUT, lines).reply();
        assert_eq!(reply.status, 200, "{lines:?}");
        assert!(reply.body.contains("<form method=\"post\" action=\"/oauth2/logout\">"), "{}", reply.body);
        assert_eq!(reply.all("set-cookie").count(), 0);
    }
    world.open(&mut browser, "https://acme.example/").forwarded();
}

/// Not every issuer has an endpoint for it, and a cookie that many hosts share is deleted where it was set.
pub fn sign_out_here_alone<R: Rig>() {
    let mut world = World::<R>::with(|configuration| {
        let acme = &mut configuration["tenants"][0];
        acme["provider"].as_object_mut().unwrap().remove("end_session_endpoint");
        acme["hosts"] = json!(["*.acme.example"]);
        acme["login"] =
            json!({ "redirect_uri": "https://login.acme.example/oauth2/callback", "cookie_domain": "acme.example" });
    });
    let mut browser = world.browser();
    world.sign_in(&mut browser, "acme", "https://wiki.acme.example/", &ada());
    let reply = world.open(&mut browser, "https://mail.acme.example/oauth2/logout").reply();
    assert_eq!((reply.status, reply.header("location")), (200, None));
    assert!(reply.body.contains("Signed out"), "{}", reply.body);
    assert!(browser.cookies.is_empty());
    assert_eq!(world.open(&mut browser, "https://wiki.acme.example/").reply().status, 302);
}
