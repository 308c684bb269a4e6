//! Names of users and groups, and claims.

use super::{ADMIN, IDENTITY, ISSUER, ROLE, assert_each, assert_quiet};

fn role(grants: &str) -> String {
    format!("{{name: admin, {grants}}}")
}

#[test]
fn names_that_nobody_has() {
    assert_each(&[
        (ROLE, &role("groups: [\"admins \"]"), "TG217", "\"admins \"", "write \"admins\""),
        (ROLE, &role("groups: [\"*\"]"), "TG217", "\"*\"", "name each"),
        (ROLE, &role("groups: [\"team-*\"]"), "TG217", "\"team-*\"", "name each group"),
        (ROLE, &role("groups: [^admins$]"), "TG217", "^admins$", "name each group"),
        (ROLE, &role("groups: [\"admins, ops\"]"), "TG217", "\"admins, ops\"", "write [admins, ops]"),
        (
            ROLE,
            &role("emails: [\"*@acme.example\"]"),
            "TG217",
            "\"*@acme.example\"",
            "write `email_domains: [acme.example]` in a rule",
        ),
        (
            ADMIN,
            "{paths: [/admin/*], allow: {roles: [admin], emails: [acme.example]}}",
            "TG217",
            "acme.example",
            "write `email_domains: [acme.example]`",
        ),
        (
            ADMIN,
            "{paths: [/admin/*], allow: {roles: [admin], users: [\"*\"]}}",
            "TG217",
            "\"*\"",
            "write `allow: any_user`",
        ),
        (ROLE, &role("emails: [ada]"), "TG217", "ada", "write the whole address"),
        (ROLE, &role("emails: [Ada@acme.example]"), "TG218", "Ada@acme.example", "write \"ada@acme.example\""),
        (
            ROLE,
            &role("emails: [\"a@acme.example, b@acme.example\"]"),
            "TG217",
            "\"a@acme.example, b@acme.example\"",
            "write each address alone",
        ),
    ]);
    assert_quiet(&[(ROLE, &role("users: [0b5e, 00u1ABC]")), (ROLE, &role("emails: [ada@acme.example]"))]);
}

#[test]
fn names_of_another_form_than_those_of_the_tokens() {
    let two = |identity: &str| format!("    identity: {{{identity}}}\n");
    assert_each(&[
        (ROLE, &role("users: [ada@acme.example]"), "TG218", "ada@acme.example", "or set `identity.user: email`"),
        (
            ROLE,
            &role("groups: [\"CN=admins,OU=groups,DC=acme\"]"),
            "TG218",
            "\"CN=admins,OU=groups,DC=acme\"",
            "write \"admins\"",
        ),
        (ROLE, &role("groups: [/platform-admins]"), "TG218", "engineers", "set `identity.group_prefix: /`"),
        (IDENTITY, &two("group_prefix: platform-"), "TG218", "platform-admins", "write \"admins\""),
        (IDENTITY, &two("group_suffix: -admins"), "TG218", "platform-admins", "write \"platform\""),
    ]);
    let changed = |from: &str, to: &str, identity: &str| {
        super::with(&super::with(super::BASE, from, to), IDENTITY, &two(identity))
    };
    for (text, pointed, help) in [
        (changed(ROLE, &role("users: [ada]"), "user: email"), "ada", "write the address"),
        (
            changed(ROLE, &role("users: [Ada@acme.example]"), "user: email"),
            "Ada@acme.example",
            "write \"ada@acme.example\"",
        ),
        (
            changed(ROLE, &role("groups: [\"CN=admins,OU=groups\"]"), "group_common_name: true"),
            "\"CN=admins,OU=groups\"",
            "write \"admins\"",
        ),
    ] {
        super::assert_one(&text, "TG218", pointed, help);
    }
    let at =
        |issuer: &str, role: &str| super::with(super::BASE, ROLE, role).replace("https://login.acme.example", issuer);
    let keycloak = "https://sso.acme.example/realms/acme";
    super::assert_one(&at(keycloak, &role("users: [ada]")), "TG218", "ada", "set `identity.user`");
    let named = at(keycloak, &role("users: [Ada]")).replace("user: sub", "user: preferred_username");
    super::assert_one(&named, "TG218", "Ada", "write \"ada\"");
    assert_quiet(&[(ROLE, &role("users: [ada]")), (ROLE, &role("users: [0a1b2c3d-1111-2222-3333-444455556666]"))]);
}

/// Groups that a provider has in another form, or not at all.
#[test]
fn groups_of_known_providers() {
    for (issuer, client, help) in [
        ("https://accounts.google.com", "1.apps.googleusercontent.com", "write `users`, `emails` or `email_domains`"),
        (
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a",
            "tenantgate",
            "set `identity.groups: cognito:groups`",
        ),
        (
            "https://login.microsoftonline.com/8c6ac1f0-5d0e-4a2c-9a0e-3f4f0c5f7f11/v2.0",
            "2f1c3a5e-7b9d-4c1e-8a3f-5d7e9b1c3a5e",
            "write the object id",
        ),
    ] {
        let provider = super::BASE.find("    provider:").unwrap();
        let roles = super::BASE.find("    roles:").unwrap();
        let text = format!(
            "{}    provider: {{cluster: c, discovery: true}}\n{}",
            &super::BASE[..provider],
            &super::BASE[roles..]
        );
        let text = super::with(&text, ISSUER, &format!("issuer: {issuer}\n"))
            .replace("client_id: tenantgate", &format!("client_id: {client}"));
        super::assert_one(&text, "TG218", "platform-admins", help);
        let emails = super::with(&text, ROLE, "{name: admin, emails: [a@acme.example]}")
            .replace("{groups: [engineers, platform-admins]}", "any_user");
        if issuer.contains("microsoft") {
            let found: Vec<_> = super::findings(&emails)
                .into_iter()
                .map(|(one, at)| (one["code"].as_str().unwrap().to_owned(), at))
                .collect();
            assert!(found.contains(&("TG204".to_owned(), "a@acme.example".to_owned())), "{found:?}");
        }
    }
}

#[test]
fn claims() {
    let identity = |fields: &str| format!("    identity: {{{fields}}}\n");
    let bearer = "    bearer: {audiences: [api], claims: {realm_access.roles: admin}}\n";
    assert_each(&[
        (IDENTITY, &identity("user: .sub"), "TG219", ".sub", "write \"sub\""),
        (IDENTITY, &identity("user: $.sub"), "TG219", "$.sub", "write \"sub\""),
        (IDENTITY, &identity("user: \" sub\""), "TG219", "\" sub\"", "write \"sub\""),
        (IDENTITY, &identity("user: Sub"), "TG219", "Sub", "write \"sub\""),
        (IDENTITY, &identity("user: name"), "TG219", "name", "such as `preferred_username`"),
        (IDENTITY, &identity("groups: \"groups[*]\""), "TG219", "\"groups[*]\"", "write \"groups\""),
        (
            IDENTITY,
            &identity("groups: /realm_access/roles"),
            "TG219",
            "/realm_access/roles",
            "write \"realm_access.roles\"",
        ),
        (IDENTITY, &identity("groups: realm_access"), "TG219", "realm_access", "write \"realm_access.roles\""),
        (
            IDENTITY,
            &identity("groups: resource_access"),
            "TG219",
            "resource_access",
            "write [resource_access, tenantgate, roles]",
        ),
        (IDENTITY, &identity("groups: [realm_access.roles]"), "TG219", "[realm_access.roles]", "without the brackets"),
        (IDENTITY, "    headers: {claims: {x-acr: $.acr}}\n", "TG219", "$.acr", "write \"acr\""),
        (
            IDENTITY,
            "    headers: {claims: {department: x-department}}\n",
            "TG220",
            "x-department",
            "write `x-department: department`",
        ),
        (IDENTITY, "    headers: {user: sub}\n", "TG220", "sub", "write a header such as `x-auth-request-user`"),
        (IDENTITY, bearer, "TG219", "admin", "use a rule"),
        (
            ADMIN,
            "{paths: [/admin/*], allow: {roles: [admin], claims: [{claim: .acr, values: [a]}]}}",
            "TG219",
            ".acr",
            "write \"acr\"",
        ),
        (
            ADMIN,
            "{paths: [/admin/*], allow: {roles: [admin], claims: [{claim: vip, values: [\"true\"]}]}}",
            "TG219",
            "\"true\"",
            "write true without quotes",
        ),
    ]);
    assert_quiet(&[
        (IDENTITY, &identity("groups: https://acme.example/groups")),
        (IDENTITY, &identity("groups: [resource_access, tenantgate.eu, roles]")),
        (IDENTITY, &identity("groups: \"cognito:groups\"")),
        (IDENTITY, "    headers: {claims: {x-department: department, x-x: x-y}}\n"),
        (IDENTITY, "    bearer: {audiences: [api], claims: {https://acme.example/tier: gold}}\n"),
        (ADMIN, "{paths: [/admin/*], allow: {roles: [admin], claims: [{claim: vip, values: [true]}]}}"),
    ]);
}
