//! Refresh tokens at the end of a session (RFC 7009).

use serde_json::{Value, json};

use super::keys::{discover, discovered};
use super::refresh::seconds;
use crate::support::harness::{Harness, Outcome};
use crate::support::issuer::{Answer, Issuer, Refresh};
use crate::support::signer::Signer;
use crate::support::world::{FRAMED, NAVIGATION, World, ada};

const PAGE: &str = "https://acme.example/page";
const LOGOUT: &str = "https://acme.example/oauth2/logout";

/// Refreshes sessions of the tenant, and revokes their refresh tokens.
fn with_revocation(tenant: &mut Value) {
    let issuer = tenant["issuer"].as_str().unwrap().to_owned();
    tenant["refresh"] = json!({});
    tenant["provider"]["revocation_endpoint"] = json!(format!("{issuer}/revoke"));
}

/// A world whose tenant acme has an issuer with rotating refresh tokens that it revokes.
fn world<H: Harness>() -> World<H> {
    let world = World::<H>::with(|configuration| with_revocation(&mut configuration["tenants"][0]));
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    world
}

/// The one refresh token that the issuer would take.
#[track_caller]
fn live<H: Harness>(world: &World<H>, tenant: &str) -> String {
    let live = world.issuer(tenant, |issuer| issuer.live_refresh_tokens());
    assert_eq!(live.len(), 1, "{live:?}");
    live.into_iter().next().unwrap()
}

fn revoked<H: Harness>(world: &World<H>, tenant: &str) -> Vec<String> {
    world.issuer(tenant, |issuer| issuer.revocation.1.clone())
}

/// A sign-out sends the refresh token to the issuer once, with the authentication of the client.
pub fn a_sign_out_revokes_the_refresh_token<H: Harness>() {
    let of =
        |method: &'static str| Issuer::new(&format!("https://{method}.example"), method, Signer::eddsa(), H::clock());
    let signing = |name: &str, key| Issuer::with_client_key(&format!("https://{name}.example"), key, H::clock());
    let issuers = [
        ("basic", of("client_secret_basic")),
        ("post", of("client_secret_post")),
        ("public", of("none")),
        ("rsa", signing("rsa", Signer::rs256())),
        ("token", signing("token", Signer::es256())),
    ];
    let mut world = World::<H>::of(issuers, |configuration| {
        configuration["tenants"].as_array_mut().unwrap().iter_mut().for_each(with_revocation);
        configuration["tenants"][4]["client_key"]["audience"] = json!("token_endpoint");
        // A token request names it, and a revocation request has no such parameter.
        configuration["tenants"][0]["login"]["resource"] = json!(["https://api.example"]);
    });
    world.issuer("basic", |issuer| issuer.parameters = vec![("resource".to_owned(), "https://api.example".to_owned())]);
    world.issuer("token", |issuer| {
        let (key, _) = issuer.client_key.take().unwrap();
        issuer.client_key = Some((key, format!("{}/token", issuer.url)));
    });
    for tenant in ["basic", "post", "public", "rsa", "token"] {
        world.issuer(tenant, |issuer| issuer.refresh = Refresh::Rotating);
        let (page, logout) = (format!("https://{tenant}.example/"), format!("https://{tenant}.example/oauth2/logout"));
        let mut expected = Vec::new();
        for _ in 0..2 {
            let mut browser = world.browser();
            world.sign_in(&mut browser, tenant, &page, &ada());
            let mut copy = browser.clone();
            expected.push(live(&world, tenant));
            assert_eq!(world.open(&mut browser, &logout).reply().status, 302);
            world.eventually(|world| revoked(world, tenant) == expected);
            // A session that is signed out already causes no second call, in this or the next
            // round.
            assert_eq!(world.open(&mut copy, &logout).reply().status, 302);
        }
        assert!(world.issuer(tenant, |issuer| issuer.live_refresh_tokens().is_empty()));
    }
    assert!(!world.harness.log().contains("revocation_failed"), "{}", world.harness.log());
}

/// The endpoint is in the metadata of the provider. A logout in a frame revokes the token, too, and
/// so does a login with another account.
pub fn a_discovered_endpoint_revokes_the_refresh_token<H: Harness>() {
    let mut world = World::<H>::with_issuer(
        |issuer| issuer.rotate(Signer::es256(), "one"),
        |configuration| {
            let acme = &mut configuration["tenants"][0];
            discover(acme, |_| {});
            acme["refresh"] = json!({});
            acme["login"] = json!({ "frontchannel_logout_path": FRAMED });
        },
    );
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    discovered(&mut world);
    let mut browser = world.signed_in();
    let first = live(&world, "acme");
    assert_eq!(world.open(&mut browser, LOGOUT).reply().status, 302);
    world.eventually(|world| revoked(world, "acme") == [first.clone()]);
    world.sign_in(&mut browser, "acme", PAGE, &json!({ "sub": "ada", "sid": "s1" }));
    let second = live(&world, "acme");
    let frame = format!("https://acme.example{FRAMED}?iss=https://login.acme.example&sid=s1");
    assert_eq!(world.send(&mut browser, &frame, &[("accept", "text/html")]).reply().status, 200);
    world.eventually(|world| revoked(world, "acme") == [first.clone(), second.clone()]);
    world.sign_in(&mut browser, "acme", PAGE, &ada());
    let third = live(&world, "acme");
    let another = format!("{LOGOUT}?target_link_uri={PAGE}");
    let reply = world.open(&mut browser, &another).reply();
    assert!(reply.header("location").unwrap().contains("prompt=login"), "{reply:?}");
    world.eventually(|world| revoked(world, "acme") == [first.clone(), second.clone(), third.clone()]);
}

/// Without an endpoint, without a refresh token, without a sign-out or against the configuration
/// there is no call.
pub fn nothing_to_revoke<H: Harness>() {
    let mut world = World::<H>::with(|configuration| configuration["tenants"][0]["refresh"] = json!({}));
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    let mut browser = world.signed_in();
    assert_eq!(world.open(&mut browser, LOGOUT).reply().status, 302);
    live(&world, "acme");
    let mut configuration = world.configuration();
    with_revocation(&mut configuration["tenants"][0]);
    configuration["tenants"][0]["refresh"] = json!({ "revoke_at_sign_out": false });
    world.harness.reconfigure(&configuration);
    let mut browser = world.signed_in();
    assert_eq!(world.open(&mut browser, LOGOUT).reply().status, 302);
    assert_eq!(
        (world.issuer("acme", |issuer| issuer.live_refresh_tokens().len()), revoked(&world, "acme").len()),
        (2, 0)
    );
    drop(world);

    let mut world = self::world::<H>();
    world.issuer("acme", |issuer| issuer.refresh = Refresh::None);
    let mut browser = world.signed_in();
    assert_eq!(world.open(&mut browser, LOGOUT).reply().status, 302);
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Reused);
    let mut browser = world.signed_in();
    let from_elsewhere = [NAVIGATION[0], NAVIGATION[1], NAVIGATION[2], ("sec-fetch-site", "cross-site")];
    assert_eq!(world.send(&mut browser, LOGOUT, &from_elsewhere).reply().status, 200);
    // A cookie that Tenantgate did not seal.
    let dead = [&NAVIGATION[..], &[("cookie", "__Host-tenantgate-session=k1.AAAA")]].concat();
    assert_eq!(world.send(&mut world.browser(), LOGOUT, &dead).reply().status, 302);
    // Calls are made in the order of the sign-outs, so the ones above made none.
    let token = live(&world, "acme");
    assert_eq!(world.open(&mut browser, LOGOUT).reply().status, 302);
    world.eventually(|world| !revoked(world, "acme").is_empty());
    assert_eq!(revoked(&world, "acme"), [token]);
    assert!(!world.harness.log().contains("revocation_failed"), "{}", world.harness.log());
}

/// A sign-out does not depend on the issuer: the session is over, and the log says what failed.
pub fn a_revocation_that_fails<H: Harness>() {
    let mut world = world::<H>();
    let error = br#"{"error":"unsupported_token_type"}"#.to_vec();
    for (answer, reasons) in [
        (Answer::Raw(503, Vec::new()), &["it answered with status 503"][..]),
        (Answer::Raw(400, error), &["`unsupported_token_type`"]),
        (Answer::Raw(302, Vec::new()), &["it answered with status 302"]),
        (Answer::Repeat, &["`invalid_request` (\"[...] "]),
        // Envoy answers in place of an issuer that does not.
        (Answer::Silence, &["no answer in time", "Envoy: upstream request timeout"]),
    ] {
        world.issuer("acme", |issuer| issuer.revocation.0 = answer);
        let mut browser = world.signed_in();
        let copy = browser.clone();
        assert_eq!(world.open(&mut browser, LOGOUT).reply().status, 302);
        assert!(browser.cookies.is_empty());
        world.eventually(|world| (0..8).all(|_| matches!(world.open(&mut copy.clone(), PAGE), Outcome::Replied(_))));
        let has_reason = |line: &str| reasons.iter().any(|reason| line.contains(reason));
        let failed = |line: &str| line.contains("revocation_failed tenant=acme") && has_reason(line);
        world.eventually(|world| world.harness.log().lines().any(failed));
    }
    let mut browser = world.signed_in();
    world.issuer("acme", |issuer| issuer.authentication.1 = "changed at the issuer".to_owned());
    assert_eq!(world.open(&mut browser, LOGOUT).reply().status, 302);
    let failed = |line: &str| line.contains("revocation_failed tenant=acme") && line.contains("`invalid_client`");
    world.eventually(|world| world.harness.log().lines().any(failed));
    // No attempt is repeated.
    assert_eq!(revoked(&world, "acme").len(), 5);
}

/// The browser may be refreshes behind: the newest refresh token is revoked, and the refreshed
/// session ends with it.
pub fn the_newest_refresh_token_is_revoked<H: Harness>() {
    for (refresh, refreshes) in
        [(Refresh::Rotating, 0), (Refresh::Rotating, 1), (Refresh::Rotating, 8), (Refresh::Reused, 3)]
    {
        let mut world = world::<H>();
        world.issuer("acme", |issuer| issuer.refresh = refresh);
        let mut browser = world.signed_in();
        let mut behind = browser.clone();
        for _ in 0..refreshes {
            world.clock.advance(seconds(230));
            world.open(&mut browser, PAGE).forwarded();
        }
        let token = live(&world, "acme");
        assert_eq!(world.open(&mut behind, LOGOUT).reply().status, 302);
        world.eventually(|world| !revoked(world, "acme").is_empty());
        assert_eq!(revoked(&world, "acme"), [token]);
        assert_eq!(world.open(&mut browser, PAGE).reply().status, 302, "a refresh brought the session back");
    }
}
