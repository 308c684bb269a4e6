//! What the log says about who asked for what: denials, users, and audit lines.

use serde_json::{Value, json};

use super::refresh::seconds;
use crate::support::harness::Harness;
use crate::support::issuer::Refresh;
use crate::support::world::{NAVIGATION, World, ada, names_ada};

/// A world whose tenant acme keeps `/admin` for a group that ada is not in, with these settings of
/// the log.
fn world<H: Harness>(log: &Value) -> World<H> {
    World::with(|configuration| {
        configuration["log"] = log.clone();
        configuration["tenants"][0]["refresh"] = json!({});
        configuration["tenants"][0]["access"] = json!([
            { "paths": ["/public"], "allow": "public" },
            { "paths": ["/admin/*"], "allow": { "groups": ["platform-admins"], "users": ["root"] } },
            { "allow": "any_user" },
        ]);
    })
}

/// The lines of the log about this event. The core harness writes effects, too.
fn lines<H: Harness>(world: &mut World<H>, event: &str) -> Vec<String> {
    let start = format!("{event} tenant=acme request_id=");
    let log = world.harness.log();
    let lines = log.lines().filter(|line| !line.contains("LogLine {"));
    lines.filter_map(|line| Some(line[line.find(&start)?..].to_owned())).collect()
}

/// The audit lines: decision, event, user, method and path of each, and the reason.
fn audit<H: Harness>(world: &mut World<H>) -> Vec<([String; 5], String)> {
    let log = world.harness.log();
    let objects = log.lines().filter_map(|line| Some(&line[line.find("audit {\"decision\":")? + 6..]));
    objects
        .map(|object| {
            let object: Value = serde_json::from_str(object).unwrap();
            let text = |name: &str| object[name].as_str().unwrap_or("-").to_owned();
            assert!(!text("request_id").is_empty(), "{object}");
            assert!(object["tenant"] == "acme" && object["host"] == "acme.example", "{object}");
            (["decision", "event", "user", "method", "path"].map(text), text("reason"))
        })
        .collect()
}

/// A denial names the path without its query, the rule, whom the rule allows and the number of
/// groups. It names the user if the configuration says so.
pub fn a_denial_names_what_is_needed<H: Harness>() {
    let needed = "access[1] does not allow this user on \"/admin/x\": it allows users with name \"root\" or group \
                  \"platform-admins\"; the user has 2 groups";
    for (log, user) in [(json!({}), ""), (json!({ "users": true }), " user=\"ada\"")] {
        let mut world = world::<H>(&log);
        let mut browser = world.signed_in();
        let reply = world.open(&mut browser, "https://acme.example/admin/x?token=s3cret").reply();
        assert_eq!(reply.status, 403);
        world.eventually(|world| !lines(world, "access_denied").is_empty());
        let line = lines(&mut world, "access_denied").remove(0);
        assert!(line.ends_with(&format!("{user}: {needed}")), "{line}");
        assert_eq!(names_ada(&line), !user.is_empty(), "{line}");
        let finished = lines(&mut world, "login_finished").remove(0);
        assert!(finished.ends_with(&format!("{user}: session started")), "{finished}");
        assert_eq!(names_ada(&finished), !user.is_empty(), "{finished}");
        assert!(!world.harness.log().contains("s3cret") && audit(&mut world).is_empty());
    }
}

/// A user name cannot forge a line of the log.
pub fn a_user_name_stays_in_its_line<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["log"] = json!({ "users": true, "audit": true });
        configuration["tenants"][0]["identity"] = json!({ "user": "nickname" });
        configuration["tenants"][0]["access"] = json!([
            { "paths": ["/admin/*"], "allow": { "groups": ["platform-admins"] } },
            { "allow": "any_user" },
        ]);
    });
    let mut browser = world.browser();
    let name = "a\"\r\nlogin_finished tenant=acme request_id=1 user=\"root\": \u{2028}x";
    world.sign_in(&mut browser, "acme", "https://acme.example/", &json!({ "sub": "a", "nickname": name }));
    world.open(&mut browser, "https://acme.example/admin/").reply();
    world.eventually(|world| !lines(world, "access_denied").is_empty());
    let log = world.harness.log();
    assert!(!log.lines().any(|line| line.starts_with("login_finished tenant=acme request_id=1 ")), "{log}");
    assert!(log.contains("user=\"a\\\"\\r\\nlogin_finished tenant=acme request_id=1 user=\\\"root\\\": \\u{2028}x\":"));
    let audited = audit(&mut world);
    assert!(audited.iter().any(|([_, event, user, ..], _)| event == "access_denied" && user == name), "{audited:?}");
}

/// Each decision has one audit line.
pub fn each_decision_has_an_audit_line<H: Harness>() {
    let mut world = world::<H>(&json!({ "audit": true }));
    world.send(&mut world.browser(), "https://acme.example/page?code=s3cret", &[]).reply();
    world.send(&mut world.browser(), "https://acme.example/public", &[]).forwarded();
    let mut browser = world.signed_in();
    world.open(&mut browser, "https://acme.example/admin/x?code=s3cret").reply();
    world.open(&mut browser, "https://acme.example/oauth2/logout").reply();
    world.eventually(|world| audit(world).len() == 6);
    assert!(!world.harness.log().contains("s3cret"));
    let audited = audit(&mut world);
    let found: Vec<[&str; 5]> = audited.iter().map(|(line, _)| line.each_ref().map(String::as_str)).collect();
    let expected = [
        ["deny", "unauthenticated", "-", "GET", "/page"],
        ["allow", "-", "-", "GET", "/public"],
        ["login", "login_finished", "ada", "GET", "/oauth2/callback"],
        ["allow", "-", "ada", "GET", "/"],
        ["deny", "access_denied", "ada", "GET", "/admin/x"],
        ["logout", "logout", "ada", "GET", "/oauth2/logout"],
    ];
    // Envoy's workers write side by side.
    for line in expected {
        assert_eq!(found.iter().filter(|found| **found == line).count(), 1, "{line:?} in {found:?}");
    }
    let reason = |path: &str| {
        let line = audited.iter().find(|([_, event, _, _, found], _)| found == path && event == "-");
        line.map(|(_, reason)| reason.as_str())
    };
    assert_eq!(reason("/public"), Some("everybody (access[0])"));
    assert_eq!(reason("/"), Some("every user (access[2])"));
}

/// A refresh has an audit line with the user.
pub fn a_refresh_has_an_audit_line<H: Harness>() {
    let mut world = world::<H>(&json!({ "audit": true }));
    world.issuer("acme", |issuer| issuer.refresh = Refresh::Rotating);
    let mut browser = world.signed_in();
    world.clock.advance(seconds(300));
    world.open(&mut browser, "https://acme.example/").forwarded();
    let audited = audit(&mut world);
    let line = audited.iter().find(|([_, event, ..], _)| event == "session_refreshed");
    assert_eq!(
        line.map(|([decision, _, user, ..], _)| (&**decision, &**user)),
        Some(("refresh", "ada")),
        "{audited:?}"
    );
}

/// The calls that a request causes belong to its trace. A `traceparent` that is not valid and
/// `tracestate` go nowhere.
pub fn calls_belong_to_the_trace<H: Harness>() {
    let mut world = World::<H>::with(|configuration| {
        configuration["tenants"][0]["login"]["userinfo"] = json!(true);
        configuration["tenants"][0]["provider"]["userinfo_endpoint"] = json!("https://login.acme.example/userinfo");
    });
    world.issuer("acme", |issuer| issuer.userinfo.1 = json!({ "sub": "ada" }));
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (sent, received) in [(trace, vec![trace; 2]), ("00-secret", vec![])] {
        let mut browser = world.browser();
        let callback = world.callback(&mut browser, "acme", "https://acme.example/", &ada());
        let lines = [&NAVIGATION[..], &[("traceparent", sent), ("tracestate", "a=b")]].concat();
        assert_eq!(world.send(&mut browser, &callback, &lines).reply().status, 302);
        assert_eq!(world.issuer("acme", |issuer| std::mem::take(&mut issuer.traces)), received);
    }
}
