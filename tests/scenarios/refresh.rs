//! Session refresh: changes in the directory reach the upstream.

use std::time::Duration;

use serde_json::{Value, json};

use super::keys::{discover, discovered};
use crate::support::browser::Browser;
use crate::support::harness::{Harness, Outcome, Reply, values};
use crate::support::issuer::{Answer, Refresh};
use crate::support::signer::Signer;
use crate::support::world::{NAVIGATION, World, ada};

const HOME: &str = "https://acme.example/";
/// Changes header and claims before the token is signed.
type Forge = fn(&mut Value, &mut Value);

/// A world whose tenant acme refreshes sessions after 5 minutes, and from 3 min 45 s on beside
/// requests. Its issuer rotates refresh tokens.
fn world<H: Harness>() -> World<H> {
    let world = World::<H>::with(|configuration| configuration["tenants"][0]["refresh"] = json!({}));
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    world
}

/// As [`world`], with access rules.
fn with_rules<H: Harness>(rules: Value) -> World<H> {
    let world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["refresh"] = json!({});
        configuration["tenants"][0]["access"] = rules;
        configuration["tenants"][0]["access_default"] = json!("any_user");
    });
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    world
}

pub(super) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub fn calls<H: Harness>(world: &World<H>) -> usize {
    world.issuer("acme", |issuer| issuer.calls)
}

fn directory<H: Harness>(world: &World<H>, person: Value) {
    world.issuer("acme", |issuer| drop(issuer.directory.insert("ada".to_owned(), person)));
}

fn without_admins() -> Value {
    json!({ "sub": "ada", "email": "ada@acme.example", "groups": ["engineers"] })
}

/// The groups that the upstream sees, and whether the answer set a session cookie.
#[track_caller]
pub(super) fn visit<H: Harness>(world: &mut World<H>, browser: &mut Browser) -> (String, bool) {
    match world.open(browser, HOME) {
        Outcome::Forwarded(seen, reply) => {
            assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]);
            (values(&seen, "x-auth-request-groups").concat(), brought_session(&reply))
        }
        Outcome::Replied(reply) => panic!("the filter answered {} {}", reply.status, reply.body),
    }
}

fn brought_session(reply: &Reply) -> bool {
    let brought = reply.all("set-cookie").any(|line| line.starts_with("__Host-tenantgate-session="));
    assert_eq!(brought, reply.header("cache-control") == Some("no-store"), "{reply:?}");
    brought
}

pub(super) const BEFORE: &str = "engineers,admins";
pub(super) const AFTER: &str = "engineers";

/// A refresh beside a request: the request goes on with the old session, the next one has the new
/// groups.
pub fn a_group_is_taken_away<H: Harness>() {
    let mut world = world::<H>();
    let mut browser = world.signed_in();
    directory(&world, without_admins());
    world.clock.advance(seconds(224));
    assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), false));
    assert_eq!(calls(&world), 1);
    world.clock.advance(seconds(1));
    assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), true));
    assert_eq!(calls(&world), 2);
    assert_eq!(visit(&mut world, &mut browser), (AFTER.to_owned(), false));
    // The refreshes go on until the session ends.
    for _ in 0..120 {
        world.clock.advance(seconds(230));
        assert_eq!(visit(&mut world, &mut browser), (AFTER.to_owned(), true));
    }
    world.clock.advance(seconds(8 * 3600 - 225 - 120 * 230 - 1));
    world.open(&mut browser, HOME).forwarded();
    world.clock.advance(seconds(1));
    assert_eq!(world.open(&mut browser, HOME).reply().status, 302);
}

/// After the interval, a request waits for the refresh and has the new groups.
pub fn a_late_request_waits<H: Harness>() {
    let mut world = world::<H>();
    let mut browser = world.signed_in();
    directory(&world, without_admins());
    world.clock.advance(seconds(300));
    assert_eq!(visit(&mut world, &mut browser), (AFTER.to_owned(), true));
    assert_eq!((visit(&mut world, &mut browser), calls(&world)), ((AFTER.to_owned(), false), 2));
    // The configured interval may be shorter than the lifetime of the tokens.
    let mut configuration = world.configuration();
    configuration["tenants"][0]["refresh"] = json!({ "interval": "2m" });
    world.harness.reconfigure(&configuration);
    directory(&world, ada());
    world.clock.advance(seconds(120));
    assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), true));
    // Without `refresh` there is no call.
    configuration["tenants"][0].as_object_mut().unwrap().remove("refresh");
    world.harness.reconfigure(&configuration);
    world.clock.advance(seconds(3600));
    assert_eq!((visit(&mut world, &mut browser), calls(&world)), ((BEFORE.to_owned(), false), 3));
}

/// The upstream receives the refreshed tokens.
pub fn forwarded_tokens_are_refreshed<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        let tenant = &mut configuration["tenants"][0];
        tenant["refresh"] = json!({});
        tenant["headers"] = json!({ "access_token": "x-access", "id_token": "x-id" });
    });
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    let mut browser = world.signed_in();
    let tokens = |world: &mut World<H>, browser: &mut Browser| {
        let seen = world.open(browser, HOME).forwarded();
        (values(&seen, "x-access").concat(), values(&seen, "x-id").concat())
    };
    let first = tokens(&mut world, &mut browser);
    assert_eq!(tokens(&mut world, &mut browser), first);
    world.clock.advance(seconds(300));
    let second = tokens(&mut world, &mut browser);
    assert!(first.0 != second.0 && first.1 != second.1 && !second.1.is_empty());
    assert_eq!(tokens(&mut world, &mut browser), second);
}

/// Each refresh renews the claims for headers and rules, for the request that waited and for later
/// ones.
pub fn kept_claims_are_refreshed<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        let tenant = &mut configuration["tenants"][0];
        tenant["refresh"] = json!({});
        tenant["headers"] = json!({ "claims": { "x-team": "org.team" } });
        let managers = json!({ "claims": [{ "claim": "level", "values": ["manager"] }] });
        tenant["access"] = json!([{ "paths": ["/reports/*"], "allow": managers }]);
        tenant["access_default"] = json!("any_user");
    });
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    let person = |team: &str, level: &str| json!({ "sub": "ada", "org": { "team": team }, "level": level });
    let mut browser = world.browser();
    world.sign_in(&mut browser, "acme", HOME, &person("red", "manager"));
    let look = |world: &mut World<H>, browser: &mut Browser| {
        let seen = world.open(browser, HOME).forwarded();
        let reports = matches!(world.open(browser, "https://acme.example/reports/1"), Outcome::Forwarded(..));
        (values(&seen, "x-team").concat(), reports)
    };
    assert_eq!(look(&mut world, &mut browser), ("red".to_owned(), true));
    for (person, team, reports) in [
        (person("blue", "clerk"), "blue", false),
        (person("green", "manager"), "green", true),
        (json!({ "sub": "ada" }), "", false),
    ] {
        directory(&world, person);
        world.clock.advance(seconds(300));
        for _ in 0..2 {
            assert_eq!(look(&mut world, &mut browser), (team.to_owned(), reports));
        }
    }
}

/// A refresh removes a group, so the page is refused. The answer still sets the new session.
pub fn a_refused_page_keeps_the_refreshed_session<H: Harness>() {
    let mut world = with_rules::<H>(json!([{ "paths": ["/admin/*"], "allow": { "groups": ["admins"] } }]));
    let mut browser = world.signed_in();
    let admin = "https://acme.example/admin/";
    world.open(&mut browser, admin).forwarded();
    directory(&world, without_admins());
    world.clock.advance(seconds(300));
    let reply = world.open(&mut browser, admin).reply();
    assert_eq!((reply.status, brought_session(&reply), calls(&world)), (403, true, 2));
    // The page and both log lines have the id that the request got when it came.
    let (_, id) = reply.body.split_once("<code>").unwrap();
    let (id, _) = id.split_once("</code>").unwrap();
    for event in ["session_refreshed", "access_denied"] {
        let line = format!("{event} tenant=acme request_id={id}: ");
        assert!(world.harness.log().contains(&line), "{line}: {}", world.harness.log());
    }
    assert_eq!(world.open(&mut browser, admin).reply().status, 403);
    // The session has the new refresh token: the issuer would refuse the old one.
    world.clock.advance(seconds(300));
    assert_eq!((visit(&mut world, &mut browser), calls(&world)), ((AFTER.to_owned(), true), 3));

    // A refused request starts no refresh beside it; the next request refreshes at once.
    world.clock.advance(seconds(230));
    assert_eq!(world.open(&mut browser, admin).reply().status, 403);
    assert_eq!(calls(&world), 3);
    assert_eq!((visit(&mut world, &mut browser), calls(&world)), ((AFTER.to_owned(), true), 4));
}

/// On a public page, a request whose session the issuer ended is forwarded without identity.
pub fn a_public_page_after_the_end<H: Harness>() {
    let mut world = with_rules::<H>(json!([{ "paths": ["/public"], "allow": "public" }]));
    let mut browser = world.signed_in();
    let public = "https://acme.example/public";
    assert_eq!(values(&world.open(&mut browser, public).forwarded(), "x-auth-request-user"), ["ada"]);
    directory(&world, Value::Null);
    world.clock.advance(seconds(300));
    for _ in 0..2 {
        let seen = world.open(&mut browser, public).forwarded();
        assert!(!seen.iter().any(|(name, _)| name.starts_with("x-auth-request")), "{seen:?}");
    }
    assert_eq!((world.open(&mut browser, HOME).reply().status, calls(&world)), (302, 2));
    assert!(world.harness.log().contains("refresh_rejected"));
}

/// The session ends with the first request that waits, and the issuer is not asked again.
pub fn a_user_is_removed<H: Harness>() {
    let mut world = world::<H>();
    let mut browser = world.signed_in();
    directory(&world, Value::Null);
    world.clock.advance(seconds(230));
    for _ in 0..5 {
        assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), false));
    }
    // Before the interval is over, the issuer is not asked again.
    world.clock.advance(seconds(40));
    assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), false));
    assert_eq!(calls(&world), 2);
    world.clock.advance(seconds(30));
    let reply = world.send(&mut browser, HOME, &[]).reply();
    assert_eq!((reply.status, reply.header("www-authenticate")), (401, Some("Bearer realm=\"acme\"")));
    assert_eq!(calls(&world), 3);
    for _ in 0..5 {
        assert_eq!(world.open(&mut browser, HOME).reply().status, 302);
        world.clock.advance(seconds(100));
    }
    assert_eq!(calls(&world), 3);
    assert!(world.harness.log().contains("refresh_rejected"), "{}", world.harness.log());
}

/// A world as [`world`], whose issuer is as dex: one refresh token for each user, and no decision
/// about a removed one. Its answers are observed, see tests/e2e/dex_refresh.test.mjs.
fn dex_world<H: Harness>() -> World<H> {
    let world = world::<H>();
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Dex);
    world
}

/// dex, one browser: a group that was taken away is gone after the interval.
pub fn dex_takes_a_group_from_one_browser<H: Harness>() {
    let mut world = dex_world::<H>();
    let mut browser = world.signed_in();
    directory(&world, without_admins());
    for round in 0..3 {
        world.clock.advance(seconds(300));
        assert_eq!(visit(&mut world, &mut browser), (AFTER.to_owned(), true), "{round}");
    }
}

/// dex, two browsers: the first one is signed out after the interval, since the refresh token is
/// the second one's. Its next login has the new groups, and takes the refresh token in turn.
pub fn dex_takes_a_group_from_two_browsers<H: Harness>() {
    let mut world = dex_world::<H>();
    let (mut first, mut second) = (world.signed_in(), world.signed_in());
    directory(&world, without_admins());
    world.clock.advance(seconds(299));
    assert_eq!(visit(&mut world, &mut first), (BEFORE.to_owned(), false));
    world.clock.advance(seconds(1));
    for _ in 0..3 {
        assert_eq!(world.open(&mut first, HOME).reply().status, 302);
        assert_eq!(visit(&mut world, &mut second).0, AFTER);
    }
    assert!(world.harness.log().contains("refresh_rejected"), "{}", world.harness.log());
    world.sign_in(&mut first, "acme", HOME, &without_admins());
    world.clock.advance(seconds(300));
    assert_eq!(world.open(&mut second, HOME).reply().status, 302);
    assert_eq!(visit(&mut world, &mut first), (AFTER.to_owned(), true));
}

/// dex, one browser: a user who was removed is out after `max_stale`, and in again if the directory
/// finds the user again.
pub fn dex_removes_a_user_with_one_browser<H: Harness>() {
    let mut world = dex_world::<H>();
    let mut browser = world.signed_in();
    directory(&world, Value::Null);
    // The interval is over, then `max_stale` nearly, then exactly.
    for wait in [300, 299] {
        world.clock.advance(seconds(wait));
        assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), false));
    }
    world.clock.advance(seconds(601));
    for _ in 0..5 {
        assert_eq!(world.open(&mut browser, HOME).reply().status, 302);
        world.clock.advance(seconds(100));
    }
    assert!(world.harness.log().contains("refresh_failed"), "{}", world.harness.log());
    assert!(!world.harness.log().contains("refresh_rejected"), "{}", world.harness.log());
    directory(&world, without_admins());
    assert_eq!(visit(&mut world, &mut browser), (AFTER.to_owned(), true));
}

/// dex, two browsers: a user who was removed is out of the first one after the interval, and out of
/// the second one after `max_stale`.
pub fn dex_removes_a_user_with_two_browsers<H: Harness>() {
    let mut world = dex_world::<H>();
    let (mut first, mut second) = (world.signed_in(), world.signed_in());
    directory(&world, Value::Null);
    world.clock.advance(seconds(299));
    for browser in [&mut first, &mut second] {
        assert_eq!(visit(&mut world, browser), (BEFORE.to_owned(), false));
    }
    world.clock.advance(seconds(1));
    assert_eq!(world.open(&mut first, HOME).reply().status, 302);
    assert_eq!(visit(&mut world, &mut second), (BEFORE.to_owned(), false));
    world.clock.advance(seconds(899));
    assert_eq!(visit(&mut world, &mut second), (BEFORE.to_owned(), false));
    world.clock.advance(seconds(1));
    for browser in [&mut first, &mut second] {
        assert_eq!(world.open(browser, HOME).reply().status, 302);
    }
}

/// dex keeps its users while their directory is away: it answers as for a removed user, and the
/// refresh token stays valid.
pub fn dex_without_its_directory<H: Harness>() {
    let mut world = dex_world::<H>();
    let mut browser = world.signed_in();
    directory(&world, Value::Null);
    world.clock.advance(seconds(900));
    assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), false));
    directory(&world, without_admins());
    world.clock.advance(seconds(30));
    assert_eq!(visit(&mut world, &mut browser), (AFTER.to_owned(), true));
}

/// The answers of providers to a refresh, as they send them, and whether they reject the grant. The
/// table "Answers to a refresh" in docs/operations.md has the same rows, with sources.
pub const REFRESH_ANSWERS: [(&str, u16, &str, bool); 17] = [
    (
        "dex",
        400,
        r#"{"error":"invalid_request","error_description":"Refresh token is invalid or has already been claimed by another client."}"#,
        true,
    ),
    ("dex", 500, r#"{"error":"invalid_request"}"#, false),
    ("Auth0", 403, r#"{"error":"invalid_grant","error_description":"Unknown or invalid refresh token."}"#, true),
    (
        "Entra ID",
        400,
        r#"{"error":"invalid_grant","error_description":"AADSTS700082: The refresh token has expired due to inactivity."}"#,
        true,
    ),
    (
        "Entra ID",
        400,
        r#"{"error":"interaction_required","error_description":"AADSTS50076: Multi-factor authentication is required."}"#,
        true,
    ),
    ("Keycloak", 400, r#"{"error":"invalid_grant","error_description":"Session not active"}"#, true),
    ("Okta", 400, r#"{"error":"invalid_grant","error_description":"The refresh token is invalid or expired."}"#, true),
    ("Hydra", 401, r#"{"error":"token_inactive","error_description":"Token validation failed."}"#, true),
    ("any", 401, r#"{"error":"invalid_client"}"#, false),
    ("any", 400, r#"{"error":"temporarily_unavailable"}"#, false),
    ("any", 400, r#"{"error":"slow_down"}"#, false),
    ("any", 429, r#"{"error":"invalid_grant"}"#, false),
    ("any", 400, "<html>bad request</html>", false),
    ("any", 404, r#"{"message":"no route"}"#, false),
    ("any", 404, r#"{"error":"Not Found"}"#, false),
    ("any", 503, "busy", false),
    ("any", 200, "{}", false),
];

/// A rejection ends the session after the interval. Every other failure ends it after
/// `refresh.max_stale`. Neither ends it before.
pub fn what_providers_answer<H: Harness>() {
    for (provider, status, body, is_rejection) in REFRESH_ANSWERS {
        let mut world = world::<H>();
        let mut browser = world.signed_in();
        directory(&world, without_admins());
        world.issuer("acme", |issuer| issuer.answer = Answer::Raw(status, body.as_bytes().to_vec()));
        world.clock.advance(seconds(230));
        assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), false), "{provider} {status} {body}");
        assert_eq!(calls(&world), 2);
        let event = if is_rejection { "refresh_rejected" } else { "refresh_failed" };
        assert!(world.harness.log().contains(event), "{provider} {status} {body}: {}", world.harness.log());
        // The interval is `expires_in`, 5 minutes; `max_stale` is 20 minutes.
        world.clock.advance(seconds(70));
        if is_rejection {
            assert_eq!(world.open(&mut browser, HOME).reply().status, 302, "{provider} {status} {body}");
            continue;
        }
        assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), false), "{provider} {status} {body}");
        world.clock.advance(seconds(899));
        assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), false), "{provider} {status} {body}");
        world.clock.advance(seconds(1));
        // The last attempt failed a second ago, so the issuer is not asked again.
        let before = calls(&world);
        for _ in 0..3 {
            assert_eq!(world.open(&mut browser, HOME).reply().status, 302, "{provider} {status} {body}");
        }
        assert_eq!(calls(&world), before);
        world.clock.advance(seconds(30));
        assert_eq!(world.open(&mut browser, HOME).reply().status, 302, "{provider} {status} {body}");
        assert_eq!(calls(&world), before + 1);
        assert!(world.harness.log().contains("`refresh.max_stale`"), "{}", world.harness.log());
        // The session is as good as it was once the issuer answers.
        world.issuer("acme", |issuer| issuer.answer = Answer::Normal);
        world.clock.advance(seconds(30));
        assert_eq!(visit(&mut world, &mut browser), (AFTER.to_owned(), true), "{provider} {status} {body}");
    }
}

/// The log has the error of the issuer, escaped and without the refresh token that it repeats.
pub fn the_log_has_the_error_of_the_issuer<H: Harness>() {
    let mut world = world::<H>();
    let mut browser = world.signed_in();
    let token = world.issuer("acme", |issuer| issuer.secrets.iter().rev().nth(1).cloned()).unwrap();
    let description = format!("{token} is gone\n[error] forged");
    let body = json!({ "error": "invalid_grant", "error_description": description });
    world.issuer("acme", |issuer| issuer.answer = Answer::Raw(400, body.to_string().into_bytes()));
    world.clock.advance(seconds(300));
    assert_eq!(world.open(&mut browser, HOME).reply().status, 302);
    let log = world.harness.log();
    assert!(log.contains(r#"token endpoint: it answered `invalid_grant` ("[...] is gone\n[error] forged")"#), "{log}");
}

/// `refresh.max_stale` can be longer than the session's lifetime, and as short as the interval.
pub fn max_stale_is_configured<H: Harness>() {
    for (max_stale, end) in [("10m", 600), ("1h", 3600)] {
        let mut world = World::<H>::with(|configuration| {
            configuration["tenants"][0]["refresh"] = json!({ "max_stale": max_stale });
        });
        world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
        let mut browser = world.signed_in();
        world.issuer("acme", |issuer| issuer.answer = Answer::Silence);
        world.clock.advance(seconds(end - 1));
        assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), false), "{max_stale}");
        world.clock.advance(seconds(1));
        assert_eq!(world.open(&mut browser, HOME).reply().status, 302, "{max_stale}");
    }
}

/// A worker that does not know the token endpoint cannot ask the issuer. `refresh.max_stale` limits
/// the session there, too.
pub fn a_worker_without_metadata<H: Harness>() {
    let configure = |configuration: &mut Value| {
        discover(&mut configuration["tenants"][0], |_| {});
        configuration["tenants"][0]["refresh"] = json!({});
    };
    let mut world = World::<H>::with_issuer(
        |issuer| {
            issuer.refresh = Refresh::Rotating;
            issuer.rotate(Signer::es256(), "one");
        },
        configure,
    );
    discovered(&mut world);
    let mut browser = world.signed_in();
    let before = calls(&world);
    world.issuer("acme", |issuer| issuer.document_answer = Answer::Silence);
    let mut configuration = world.configuration();
    configure(&mut configuration);
    let mut other = H::start(&configuration, world.issuers.clone());
    std::mem::swap(&mut world.harness, &mut other);
    // The interval is over, then `max_stale` nearly, then exactly, and the last attempt's pause.
    for (wait, is_ended) in [(300, false), (899, false), (1, true), (30, true)] {
        world.clock.advance(seconds(wait));
        match (world.send(&mut browser, HOME, &[]), is_ended) {
            (Outcome::Forwarded(seen, _), false) => assert_eq!(values(&seen, "x-auth-request-user"), ["ada"]),
            (Outcome::Replied(reply), true) => assert_eq!(reply.status, 401),
            (outcome, _) => panic!("{wait}: {outcome:?}"),
        }
    }
    assert_eq!(calls(&world), before);
    std::mem::swap(&mut world.harness, &mut other);
}

/// A failed refresh keeps the session that was to be refreshed, not an older one in the cookies.
pub fn a_failed_refresh_brings_no_older_identity_back<H: Harness>() {
    let mut world = world::<H>();
    let mut browser = world.signed_in();
    let old = browser.clone();
    directory(&world, without_admins());
    world.clock.advance(seconds(300));
    assert_eq!(visit(&mut world, &mut browser), (AFTER.to_owned(), true));
    world.clock.advance(seconds(300));
    world.issuer("acme", |issuer| issuer.answer = Answer::Silence);
    // This browser did not receive the refreshed session, but the worker remembers it.
    assert_eq!(visit(&mut world, &mut old.clone()).0, AFTER);
}

/// A cookie that is many refreshes behind brings no old identity back.
pub fn a_cookie_of_many_refreshes_ago<H: Harness>() {
    let mut world = world::<H>();
    let mut browser = world.signed_in();
    let old = browser.clone();
    for round in 1..=12 {
        if round == 10 {
            directory(&world, without_admins());
        }
        world.clock.advance(seconds(230));
        visit(&mut world, &mut browser);
        if round == 6 {
            // The worker remembers the refreshes, so a browser that lost some responses goes on.
            assert_eq!(visit(&mut world, &mut old.clone()).0, BEFORE);
        }
    }
    assert_eq!(visit(&mut world, &mut browser).0, AFTER);
    assert_eq!(world.open(&mut old.clone(), HOME).reply().status, 302);
}

/// Sessions go on while the issuer is unavailable, and not every request waits.
pub fn the_provider_is_away<H: Harness>() {
    let mut world = world::<H>();
    let answers = [Answer::Silence, Answer::Raw(503, b"busy".to_vec()), Answer::Raw(200, b"{}".to_vec())];
    let mut browser = world.signed_in();
    directory(&world, without_admins());
    world.clock.advance(seconds(300));
    for (number, answer) in answers.into_iter().enumerate() {
        world.issuer("acme", |issuer| issuer.answer = answer);
        for _ in 0..5 {
            assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), false));
        }
        assert_eq!(calls(&world), 2 + number);
        world.clock.advance(seconds(30));
    }
    assert!(world.harness.log().contains("refresh_failed"), "{}", world.harness.log());
    world.issuer("acme", |issuer| issuer.answer = Answer::Normal);
    assert_eq!(visit(&mut world, &mut browser), (AFTER.to_owned(), true));
}

/// Two calls in a row without an answer: no session is refreshed for 30 seconds. Then one request
/// finds out whether the provider answers again, and does not wait for it.
pub fn no_request_waits_for_a_provider_that_is_away<H: Harness>() {
    for is_back in [false, true] {
        let mut world = world::<H>();
        let mut browsers = [(); 4].map(|()| world.signed_in());
        directory(&world, without_admins());
        world.issuer("acme", |issuer| issuer.answer = Answer::Silence);
        world.clock.advance(seconds(300));
        let before = calls(&world);
        for browser in &mut browsers {
            assert_eq!(visit(&mut world, browser), (BEFORE.to_owned(), false));
        }
        assert_eq!(calls(&world), before + 2);
        let text = "no session is refreshed there for 30 seconds";
        assert_eq!(world.harness.log().matches(text).count(), 1, "{}", world.harness.log());
        world.clock.advance(seconds(29));
        for browser in &mut browsers {
            assert_eq!(visit(&mut world, browser), (BEFORE.to_owned(), false));
        }
        assert_eq!(calls(&world), before + 2);
        world.clock.advance(seconds(1));
        if is_back {
            world.issuer("acme", |issuer| issuer.answer = Answer::Normal);
        }
        assert_eq!(visit(&mut world, &mut browsers[3]), (BEFORE.to_owned(), false));
        assert_eq!(calls(&world), before + 3);
        for browser in &mut browsers {
            assert_eq!(visit(&mut world, browser), (if is_back { AFTER } else { BEFORE }.to_owned(), is_back));
        }
        assert_eq!(calls(&world), before + if is_back { 6 } else { 3 });
    }
}

/// A stale session cannot go on. While the provider is known to be away, it ends without a call.
/// The request that finds out whether the provider answers again waits for it.
pub fn a_stale_session_and_a_provider_that_is_away<H: Harness>() {
    let mut world = world::<H>();
    let mut browsers = [(); 3].map(|()| world.signed_in());
    world.issuer("acme", |issuer| issuer.answer = Answer::Raw(503, b"no healthy upstream".to_vec()));
    world.clock.advance(seconds(1200));
    let before = calls(&world);
    for browser in &mut browsers {
        assert_eq!(world.open(browser, HOME).reply().status, 302);
    }
    assert_eq!(calls(&world), before + 2);
    world.clock.advance(seconds(30));
    directory(&world, without_admins());
    world.issuer("acme", |issuer| issuer.answer = Answer::Normal);
    for browser in &mut browsers {
        assert_eq!(visit(&mut world, browser), (AFTER.to_owned(), true));
    }
}

/// Answers that are no success show that the provider is there. A user who is removed from dex's
/// directory does not stop the refreshes of other users.
pub fn an_answer_of_the_provider_is_no_outage<H: Harness>() {
    let mut world = world::<H>();
    let mut browsers = [(); 4].map(|()| world.signed_in());
    let error = br#"{"error":"invalid_request"}"#.to_vec();
    world.issuer("acme", |issuer| issuer.answer = Answer::Raw(500, error));
    world.clock.advance(seconds(300));
    let before = calls(&world);
    for browser in &mut browsers {
        assert_eq!(visit(&mut world, browser), (BEFORE.to_owned(), false));
    }
    assert_eq!(calls(&world), before + 4);
}

/// The issuer repeats what it received in the text of its error, and the log has none of it.
pub fn an_error_that_repeats_the_refresh_request<H: Harness>() {
    let mut world = world::<H>();
    let mut browser = world.signed_in();
    world.issuer("acme", |issuer| issuer.answer = Answer::Repeat);
    world.clock.advance(seconds(300));
    assert_eq!(world.open(&mut browser, HOME).reply().status, 302);
    let log = world.harness.log();
    assert!(log.contains("token endpoint: it answered `invalid_request` (\"[...] "), "{log}");
}

/// The issuer signs with a new key: until it is fetched, the identity stays, and the new refresh
/// token is kept.
pub fn a_new_key_of_the_issuer<H: Harness>() {
    let mut world = World::<H>::with_issuer(
        |issuer| {
            issuer.refresh = Refresh::Rotating;
            issuer.rotate(Signer::es256(), "one");
        },
        |configuration| {
            discover(&mut configuration["tenants"][0], |_| {});
            configuration["tenants"][0]["refresh"] = json!({});
        },
    );
    discovered(&mut world);
    let mut browser = world.signed_in();
    directory(&world, without_admins());
    world.issuer("acme", |issuer| issuer.rotate(Signer::eddsa(), "two"));
    world.clock.advance(seconds(300));
    assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), true));
    assert!(world.harness.log().contains("refresh_failed"), "{}", world.harness.log());
    assert_eq!((visit(&mut world, &mut browser), calls(&world)), ((BEFORE.to_owned(), false), 2));
    world.harness.advance();
    world.clock.advance(seconds(30));
    assert_eq!((visit(&mut world, &mut browser), calls(&world)), ((AFTER.to_owned(), true), 3));
}

/// A refreshed ID token is verified as the first one was, and has to be about the same user.
pub fn hostile_refreshed_tokens<H: Harness>() {
    let forged: [(&str, Forge); 9] = [
        ("claim `sub` does not have", |_, claims| claims["sub"] = json!("root")),
        ("claim `iss` does not have", |_, claims| claims["iss"] = json!("https://login.globex.example")),
        ("claim `aud` does not have", |_, claims| claims["aud"] = json!("other")),
        ("claim `azp` does not have", |_, claims| claims["azp"] = json!("other")),
        ("claim `nonce` does not have", |_, claims| claims["nonce"] = json!("other")),
        ("claim `at_hash` does not have", |_, claims| claims["at_hash"] = json!("other")),
        ("claim `exp` has passed", |_, claims| claims["exp"] = json!(1)),
        ("claim `groups` is not text", |_, claims| claims["groups"] = json!([1])),
        ("the algorithm of the token", |header, _| header["alg"] = json!("none")),
    ];
    for (reason, forge) in forged {
        for (wait, over) in [(230, false), (300, true)] {
            let mut world = world::<H>();
            let mut browser = world.signed_in();
            world.issuer("acme", |issuer| issuer.forge = forge);
            world.clock.advance(seconds(wait));
            match world.open(&mut browser, HOME) {
                Outcome::Forwarded(seen, reply) => {
                    assert_eq!((values(&seen, "x-auth-request-user").concat().as_str(), over), ("ada", false));
                    // The token is valid, so the refresh token beside it is the user's.
                    assert_eq!(brought_session(&reply), reason == "claim `groups` is not text", "{reason}");
                }
                Outcome::Replied(reply) => assert_eq!((reply.status, over), (302, true)),
            }
            assert!(world.harness.log().contains(reason), "{reason}: {}", world.harness.log());
        }
    }
    let good: [Forge; 2] = [
        |_, claims| drop(claims.as_object_mut().unwrap().remove("nonce")),
        |_, claims| drop(claims.as_object_mut().unwrap().remove("at_hash")),
    ];
    for forge in good {
        let mut world = world::<H>();
        let mut browser = world.signed_in();
        world.issuer("acme", |issuer| issuer.forge = forge);
        world.clock.advance(seconds(300));
        assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), true));
    }
}

/// OpenID Connect Core section 12.2: `auth_time` of a refreshed ID token is that of the login.
pub fn auth_time_of_another_login<H: Harness>() {
    let at = |auth_time: u64| {
        let mut person = ada();
        person["auth_time"] = json!(auth_time);
        person
    };
    // `auth_time` of the first token and of later ones, in seconds after the login, and whether the
    // session goes on.
    for (first, later) in [
        (Some(-10), &[(Some(-10), true), (None, true), (Some(-10), true), (Some(-9), false)][..]),
        (Some(-10), &[(Some(300), false)]),
        (Some(-10), &[(None, true), (Some(-11), false)]),
        (None, &[(Some(60), true), (None, true), (Some(60), true), (Some(59), false)]),
        (None, &[(None, true), (Some(61), false)]),
    ] {
        let mut world = world::<H>();
        let mut browser = world.browser();
        let start = world.clock.now();
        let says = |time: Option<i64>| time.map_or_else(ada, |time| at(start.checked_add_signed(time).unwrap()));
        world.sign_in(&mut browser, "acme", HOME, &says(first));
        for (time, goes_on) in later {
            directory(&world, says(*time));
            world.clock.advance(seconds(230));
            // A refusal beside a request changes nothing yet.
            assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), *goes_on), "{first:?} {time:?}");
            if !goes_on {
                world.clock.advance(seconds(70));
                assert_eq!(world.open(&mut browser, HOME).reply().status, 302, "{first:?} {time:?}");
                assert!(world.harness.log().contains("claim `auth_time` does not have"), "{}", world.harness.log());
            }
        }
    }
}

/// Issuers that send no ID token, or the same refresh token each time.
pub fn issuers_without_rotation_or_id_tokens<H: Harness>() {
    let mut world = world::<H>();
    world.issuer("acme", |issuer| (issuer.refresh, issuer.refreshed_id_token) = (Refresh::Reused, false));
    let mut browser = world.signed_in();
    directory(&world, without_admins());
    for round in 1..5 {
        world.clock.advance(seconds(300));
        assert_eq!((visit(&mut world, &mut browser), calls(&world)), ((BEFORE.to_owned(), true), 1 + round));
    }
    directory(&world, Value::Null);
    world.clock.advance(seconds(300));
    assert_eq!(world.open(&mut browser, HOME).reply().status, 302);
}

/// Without a refresh token the session ends after the interval, or goes on with `keep`. The login
/// says so in the log.
pub fn issuers_without_refresh_tokens<H: Harness>() {
    let mut world = world::<H>();
    world.signed_in();
    assert!(!world.harness.log().contains("refresh_token_missing"), "{}", world.harness.log());
    world.issuer("acme", |issuer| issuer.refresh = Refresh::None);
    let (mut browser, before) = (world.signed_in(), calls(&world));
    assert!(world.harness.log().contains("refresh_token_missing"), "{}", world.harness.log());
    world.clock.advance(seconds(599));
    assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), false));
    world.clock.advance(seconds(1));
    assert_eq!(world.open(&mut browser, HOME).reply().status, 302);
    assert_eq!(calls(&world), before);

    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["refresh"] = json!({ "without_token": "keep" });
    });
    let mut browser = world.signed_in();
    assert!(!world.harness.log().contains("refresh_token_missing"), "{}", world.harness.log());
    world.clock.advance(seconds(3600));
    assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), false));
}

/// A session is idle from its last use on, and a refresh is one.
pub fn a_refresh_is_a_use_of_the_session<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["refresh"] = json!({});
        configuration["session"]["idle"] = json!("10m");
    });
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    let mut browser = world.signed_in();
    world.clock.advance(seconds(300));
    assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), true));
    let mut late = browser.clone();
    world.clock.advance(seconds(599));
    assert_eq!(visit(&mut world, &mut browser), (BEFORE.to_owned(), true));
    world.clock.advance(seconds(1));
    assert_eq!(world.open(&mut late, HOME).reply().status, 302);
}

/// Many requests with the same cookie cause one call, and every answer sets the new session.
pub fn many_requests_at_once<H: Harness>() {
    let mut world = world::<H>();
    let browser = world.signed_in();
    directory(&world, without_admins());
    for wait in [230, 300] {
        world.clock.advance(seconds(wait));
        for _ in 0..50 {
            visit(&mut world, &mut browser.clone());
        }
    }
    // Twice: with the first session, and with the refreshed one, which this browser never received.
    assert_eq!(calls(&world), 3);
    assert_eq!(visit(&mut world, &mut browser.clone()), (AFTER.to_owned(), true));
}

/// Another worker has already used the refresh token: the user stays signed in, and the issuer is
/// not asked again.
pub fn two_workers_at_once<H: Harness>() {
    let mut world = world::<H>();
    let mut configuration = world.configuration();
    configuration["tenants"][0]["refresh"] = json!({});
    let mut other = H::start(&configuration, world.issuers.clone());
    let mut first = world.signed_in();
    let mut second = first.clone();
    world.clock.advance(seconds(230));
    assert_eq!(visit(&mut world, &mut first), (BEFORE.to_owned(), true));
    std::mem::swap(&mut world.harness, &mut other);
    for _ in 0..10 {
        // Deleting the cookie here would delete the newer session.
        assert_eq!(visit(&mut world, &mut second), (BEFORE.to_owned(), false));
    }
    assert_eq!(calls(&world), 3);
    // This worker accepts the newer session of the browser.
    assert_eq!(visit(&mut world, &mut first), (BEFORE.to_owned(), false));
    std::mem::swap(&mut world.harness, &mut other);
}

/// The shortest interval, with the clock of the host. A second may pass between any two requests
/// of a busy machine, so this test does not say which request causes the refresh.
pub fn the_shortest_interval<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["refresh"] = json!({ "interval": "1s" });
    });
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    let mut browser = world.signed_in();
    let before = calls(&world);
    directory(&world, without_admins());
    let (groups, brought) = loop {
        let seen = visit(&mut world, &mut browser);
        if calls(&world) > before {
            break seen;
        }
        world.harness.advance();
    };
    assert_eq!((groups.as_str(), brought, calls(&world)), (AFTER, true, before + 1));
    directory(&world, Value::Null);
    while let Outcome::Forwarded(..) = world.send(&mut browser, HOME, &NAVIGATION) {
        world.harness.advance();
    }
    assert_eq!(calls(&world), before + 2);
    assert!(world.harness.log().contains("refresh_rejected"), "{}", world.harness.log());
}

/// An `expires_in` of less than a minute counts as a minute, so not every request is a refresh.
pub fn tokens_that_expire_at_once<H: Harness>() {
    for expires_in in [0, 5, 60] {
        let mut world = world::<H>();
        world.issuer("acme", |issuer| issuer.expires_in = expires_in);
        let mut browser = world.signed_in();
        let before = calls(&world);
        world.clock.advance(seconds(44));
        assert_eq!((visit(&mut world, &mut browser), calls(&world)), ((BEFORE.to_owned(), false), before));
        world.clock.advance(seconds(1));
        assert_eq!((visit(&mut world, &mut browser), calls(&world)), ((BEFORE.to_owned(), true), before + 1));
    }
}

/// No tenant refreshes the session of another, even with the same issuer, client and key.
pub fn similar_tenants_refresh_apart<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        let mut twin = configuration["tenants"][0].clone();
        (twin["name"], twin["hosts"]) = (json!("globex"), json!(["globex.example"]));
        (configuration["tenants"][0]["refresh"], twin["refresh"]) = (json!({}), json!({}));
        configuration["tenants"][1] = twin;
    });
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Reused);
    let browser = world.signed_in();
    let before = calls(&world);
    world.clock.advance(seconds(300));
    let cookie = browser.cookie_line("acme.example").unwrap();
    let reply = world.send(&mut world.browser(), "https://globex.example/", &[("cookie", &cookie)]).reply();
    assert_eq!((reply.status, calls(&world)), (401, before));
}
