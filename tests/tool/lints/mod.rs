//! What the filter accepts and is probably not meant: each is one finding with its code, its place
//! and what to write instead.

mod login;
mod names;
mod provider;
mod rules;
mod secrets;
mod shared;

use super::base::{ADMIN, BASE, IDENTITY, ISSUER, LOGIN, REST, ROLE, assert_each};
use super::mistakes::{assert_one, findings, with};

/// Asserts that there is nothing to say about the base with each of these changes.
#[track_caller]
fn assert_quiet(changes: &[(&str, &str)]) {
    for (from, to) in changes {
        assert_eq!(findings(&with(BASE, from, to)), [], "{to}");
    }
}

#[test]
fn there_is_nothing_to_say_about_the_base() {
    assert_eq!(findings(BASE), []);
}

/// Tenants of real providers, as their documentation writes them.
#[test]
fn there_is_nothing_to_say_about_tenants_of_providers() {
    for (issuer, rest) in [
        (
            "https://login.microsoftonline.com/8c6ac1f0-5d0e-4a2c-9a0e-3f4f0c5f7f11/v2.0",
            "client_id: 2f1c3a5e-7b9d-4c1e-8a3f-5d7e9b1c3a5e\n    identity: {user: preferred_username, groups: roles}",
        ),
        (
            "https://sts.windows.net/8c6ac1f0-5d0e-4a2c-9a0e-3f4f0c5f7f11/",
            "client_id: 2f1c3a5e-7b9d-4c1e-8a3f-5d7e9b1c3a5e\n    identity: {groups: roles}",
        ),
        (
            "https://accounts.google.com",
            "client_id: 123.apps.googleusercontent.com\n    login: {prompt: consent, parameters: {access_type: offline}}\n    refresh: {}",
        ),
        ("https://acme.auth0.com/", "client_id: x\n    identity: {groups: https://acme.example/groups}"),
        (
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_aB3",
            "client_id: x\n    identity: {groups: \"cognito:groups\"}",
        ),
        (
            "https://sso.acme.example/realms/acme",
            "client_id: x\n    identity: {user: preferred_username, groups: resource_access.x.roles}",
        ),
        ("https://acme.okta.com/oauth2/default", "client_id: x\n    login: {initiate_login_path: /login}"),
        ("https://acme.okta.com", "client_id: x"),
        (
            "https://dex.acme.example/dex",
            "client_id: example-app\n    bearer: {audiences: [example-app], id_tokens: true}",
        ),
    ] {
        let access = match rest.contains("groups:") {
            true => "\n    access: [{paths: [/a/*], allow: {groups: [staff]}}, {allow: {groups: [all-hands]}}]",
            false => {
                "\n    access: [{paths: [/a/*], allow: {email_domains: [acme.example]}}]\n    access_default: deny"
            }
        };
        let access =
            if issuer.contains("google") || issuer.contains("okta") || rest.contains("groups:") { access } else { "" };
        let text = format!(
            "session: {{keys: [{{id: a, env: KEY}}]}}\ntenants:\n  - name: acme\n    hosts: [app.acme.com]\n    issuer: \
             {issuer}\n    {rest}\n    client_secret: {{env: SECRET}}\n    provider: {{cluster: c, discovery: true}}{access}\n"
        );
        assert_eq!(findings(&text), [], "{issuer}");
    }
}
