//! The identity, from the claims of the issuer.

use serde_json::{Value, json};

use crate::support::harness::{Harness, values};
use crate::support::world::World;

fn world<H: Harness>(identity: &Value) -> World<H> {
    World::with(|configuration| configuration["tenants"][0]["identity"] = identity.clone())
}

/// The values that the upstream receives under the header `name`.
fn received<H: Harness>(world: &mut World<H>, person: &Value, name: &str) -> Vec<String> {
    let mut browser = world.browser();
    let (_, seen) = world.sign_in(&mut browser, "acme", "https://acme.example/", person);
    values(&seen, &format!("x-auth-request-{name}"))
}

/// The status and the page of a login that has to fail.
fn refused<H: Harness>(world: &mut World<H>, person: &Value) -> (u16, String) {
    let mut browser = world.browser();
    let callback = world.callback(&mut browser, "acme", "https://acme.example/", person);
    let reply = world.open(&mut browser, &callback).reply();
    assert!(!browser.has_session());
    (reply.status, reply.body)
}

pub fn claims_are_found_by_name_or_path<H: Harness>() {
    let person = json!({
        "sub": "1", "preferred_username": "ada", "https://acme.example/groups": ["a", "b"], "resource_access": { "gate": { "roles": ["c"] } },
        "resource_access.x": { "roles": ["d"] }, "emails": { "work": "ada@acme.example" },
    });
    for (groups, expected) in [
        (json!("https://acme.example/groups"), "a,b"),
        (json!("resource_access.gate.roles"), "c"),
        (json!(["resource_access", "gate", "roles"]), "c"),
        (json!(["resource_access.x", "roles"]), "d"),
    ] {
        let identity = json!({ "user": "preferred_username", "email": "emails.work", "forward_unverified_email": true, "groups": groups });
        let mut world = world::<H>(&identity);
        assert_eq!(received(&mut world, &person, "groups"), [expected], "{groups}");
        assert_eq!(received(&mut world, &person, "user"), ["ada"]);
        assert_eq!(received(&mut world, &person, "email"), ["ada@acme.example"]);
    }
}

pub fn groups_of_every_shape<H: Harness>() {
    let none: [&str; 0] = [];
    let identity = json!({ "group_common_name": true, "group_prefix": "/", "group_suffix": "@acme" });
    let mut world = world::<H>(&identity);
    for (groups, expected) in [
        (json!("one"), &["one"][..]),
        (
            json!(["CN=R&D\\, Zürich,OU=Groups,DC=acme", "/keycloak/admins", "b@acme", "cn=x"]),
            &["R&D%2C Z%C3%BCrich,keycloak/admins,b,x"],
        ),
        (json!(["", "/", "@acme"]), &none),
        (json!([]), &none),
        (json!(null), &none),
    ] {
        assert_eq!(received(&mut world, &json!({ "sub": "ada", "groups": groups }), "groups"), expected, "{groups}");
    }
    let mut objects = self::world::<H>(&json!({ "group_field": "name", "groups_required": true }));
    let person = |groups: Value| json!({ "sub": "ada", "groups": groups });
    assert_eq!(received(&mut objects, &person(json!([{ "id": 1, "name": "a" }, { "name": "b" }])), "groups"), ["a,b"]);
    for missing in [json!([]), json!(null), json!([{ "name": "" }])] {
        let (status, page) = refused(&mut objects, &person(missing));
        assert_eq!(status, 403);
        assert!(page.contains("Your account is in no group"), "{page}");
    }
    assert_eq!(refused(&mut objects, &person(json!(["a"]))).0, 403);
    assert!(objects.harness.log().contains("identity_incomplete tenant=acme"));
}

/// Entra ID omits groups if there are too many. Omitted groups are an error, not an empty list.
pub fn groups_that_the_issuer_left_out<H: Harness>() {
    let mut world = World::<H>::new();
    for overage in [
        json!({ "sub": "ada", "_claim_names": { "groups": "src1" }, "_claim_sources": { "src1": { "endpoint": "https://graph.example/ada" } } }),
        json!({ "sub": "ada", "hasgroups": true }),
    ] {
        let (status, page) = refused(&mut world, &overage);
        assert_eq!(status, 403);
        assert!(page.contains("Too many groups"), "{page}");
    }
    assert!(world.harness.log().contains("ID token: claim `groups` was left out by the issuer"));
}

pub fn an_address_that_names_the_user_is_verified<H: Harness>() {
    let mut world = world::<H>(&json!({ "user": "email" }));
    let person = |verified: Value| json!({ "sub": "1", "email": "ada@acme.example", "email_verified": verified });
    assert_eq!(received(&mut world, &person(json!(true)), "user"), ["ada@acme.example"]);
    for unverified in [json!(false), json!("true"), json!(null)] {
        let (status, page) = refused(&mut world, &person(unverified));
        assert_eq!(status, 403);
        assert!(page.contains("not verified"), "{page}");
    }
    let mut lenient = self::world::<H>(&json!({ "user": "email", "require_email_verified": false }));
    let mut browser = lenient.browser();
    lenient.sign_in(&mut browser, "acme", "https://acme.example/", &person(json!(null)));
    // Sessions from before the change end.
    let mut configuration = lenient.configuration();
    configuration["tenants"][0]["identity"] = json!({ "user": "email" });
    lenient.harness.reconfigure(&configuration);
    assert_eq!(lenient.open(&mut browser, "https://acme.example/").reply().status, 302);
}

pub fn an_empty_user_is_nobody<H: Harness>() {
    let mut world = world::<H>(&json!({ "user": "name" }));
    for name in [json!(""), json!(null), json!(1), json!(["ada"]), json!({ "name": "ada" })] {
        assert_eq!(refused(&mut world, &json!({ "sub": "ada", "name": name })).0, 403, "{name}");
    }
}
