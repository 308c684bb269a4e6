//! The authorization request, audiences, and what happens at a sign-out.

use super::{IDENTITY, LOGIN, assert_each, assert_quiet};

fn login(fields: &str) -> String {
    format!("    login: {{{fields}}}\n")
}

#[test]
fn scopes_that_rules_need() {
    let groups = login("scopes: [openid, profile, email]");
    assert_each(&[(LOGIN, &groups, "TG221", "[openid, profile, email]", "write `[openid, profile, email, groups]`")]);
    let email = super::with(super::BASE, super::ROLE, "{name: admin, emails: [a@acme.example]}");
    super::assert_one(
        &super::with(&email, LOGIN, &login("scopes: [openid, groups]")),
        "TG221",
        "[openid, groups]",
        "write `[openid, groups, email]`",
    );
    let profile = super::with(super::BASE, "user: sub", "user: preferred_username");
    super::assert_one(
        &super::with(&profile, LOGIN, &login("scopes: [openid, groups]")),
        "TG221",
        "[openid, groups]",
        "write `[openid, groups, profile]`",
    );
    let user = super::with(super::BASE, "user: sub", "user: email");
    super::assert_one(
        &super::with(&user, LOGIN, &login("scopes: [openid, groups]")),
        "TG221",
        "[openid, groups]",
        "write `[openid, groups, email]`",
    );
    assert_quiet(&[
        (LOGIN, ""),
        (LOGIN, &login("scopes: [openid, groups]")),
        (LOGIN, &login("scopes: [openid], claims: {id_token: {groups: null}}")),
    ]);
}

#[test]
fn the_authorization_request() {
    let scopes = |more: &str| login(&format!("scopes: [openid, profile, email, groups, {more}]"));
    assert_each(&[
        (LOGIN, &scopes("\"a,b\""), "TG222", "\"a,b\"", "write [a, b]"),
        (LOGIN, &scopes("offline-access"), "TG222", "offline-access", "write `offline_access`"),
        (LOGIN, &scopes("Email"), "TG222", "Email", "write `email`"),
        (LOGIN, &login("scopes: [openid, profil]"), "TG222", "profil", "write `profile`"),
        (LOGIN, &login("prompt: \"login,consent\""), "TG222", "\"login,consent\"", "write \"login consent\""),
        (LOGIN, &login("prompt: select-account"), "TG222", "select-account", "write `select_account`"),
        (LOGIN, &login("login_hint: ada@acme.example"), "TG222", "ada@acme.example", "such as \"@acme.example\""),
        (LOGIN, &login("claims: {groups: null}"), "TG222", "null", "write {id_token: {groups: null}}"),
        (LOGIN, &login("parameters: {client_secret: x}"), "TG222", "x", "remove it"),
    ]);
    assert_quiet(&[
        (LOGIN, &scopes("offline_access, phone, \"api://x/.default\", roles")),
        (LOGIN, &login("prompt: \"login consent\"")),
        (LOGIN, &login("login_hint: \"@acme.example\", parameters: {domain_hint: acme.example}")),
    ]);
}

#[test]
fn audiences() {
    let bearer = |audience: &str| format!("    bearer: {{audiences: [{audience}]}}\n");
    assert_each(&[
        (IDENTITY, &bearer("tenantgate"), "TG223", "tenantgate", "or set `bearer.id_tokens: true`"),
        (
            IDENTITY,
            &bearer("https://login.acme.example/"),
            "TG223",
            "https://login.acme.example/",
            "for this service have",
        ),
        (IDENTITY, &bearer("\"*\""), "TG223", "\"*\"", "write each audience"),
        (IDENTITY, &bearer("\"api \""), "TG223", "\"api \"", "write \"api\""),
        (IDENTITY, &bearer("\"a,b\""), "TG223", "\"a,b\"", "write [a, b]"),
        (IDENTITY, "    trusted_audiences: [\"*\"]\n", "TG223", "\"*\"", "write each audience"),
        (IDENTITY, "    trusted_audiences: [tenantgate]\n", "TG223", "tenantgate", "remove it"),
        (IDENTITY, "    bearer: {audiences: [api], scopes: [\"a,b\"]}\n", "TG222", "\"a,b\"", "write [a, b]"),
    ]);
    let keycloak = super::BASE.replace("https://login.acme.example", "https://sso.acme.example/realms/acme");
    super::assert_one(
        &super::with(&keycloak, IDENTITY, &bearer("account")),
        "TG223",
        "account",
        "write one for this service alone",
    );
    assert_quiet(&[
        (IDENTITY, &bearer("https://api.acme.example")),
        (IDENTITY, "    bearer: {audiences: [tenantgate], id_tokens: true}\n"),
        (IDENTITY, &bearer("account")),
    ]);
}

#[test]
fn sign_out() {
    let to = |uri: &str| login(&format!("post_logout_redirect_uri: {uri}"));
    assert_each(&[
        (
            LOGIN,
            &to("https://foreign.example/"),
            "TG242",
            "https://foreign.example/",
            "write an address at one of `hosts`",
        ),
        (LOGIN, &to("https://globex.example.com/"), "TG242", "https://globex.example.com/", "at a host of this tenant"),
        (
            LOGIN,
            &to("https://acme.example.com/oauth2/logout"),
            "TG242",
            "https://acme.example.com/oauth2/logout",
            "write an address of the application",
        ),
        (LOGIN, &login("frontchannel_logout_path: /fc"), "TG243", "/fc", "use `backchannel_logout_path` instead"),
    ]);
    assert_quiet(&[(LOGIN, &to("https://acme.example.com/")), (LOGIN, &to("https://www.example.com/bye"))]);
    let same_site = super::BASE.replace("acme.example.com", "app.acme.example");
    assert_eq!(super::findings(&super::with(&same_site, LOGIN, &login("frontchannel_logout_path: /fc"))), []);
}

#[test]
fn settings_without_effect() {
    let end_session = "      end_session_endpoint: https://login.acme.example/logout\n";
    let refresh = "    refresh: {interval: 12h, without_token: keep}\n";
    assert_each(&[
        (
            end_session,
            "      userinfo_endpoint: https://login.acme.example/userinfo\n",
            "TG215",
            "https://login.acme.example/userinfo",
            "set `login.userinfo: true`",
        ),
        (
            end_session,
            "      revocation_endpoint: https://login.acme.example/revoke\n",
            "TG215",
            "https://login.acme.example/revoke",
            "add `refresh`",
        ),
        (IDENTITY, refresh, "TG215", "12h", "write a shorter one"),
    ]);
    let without = super::with(super::BASE, end_session, "");
    for field in ["post_logout_redirect_uri: https://acme.example.com/", "keep_id_token: true"] {
        let text = super::with(&without, LOGIN, &login(field));
        super::assert_one(&text, "TG215", field.split_once(' ').unwrap().1, "add `provider.end_session_endpoint`");
    }
    assert_quiet(&[
        (IDENTITY, "    refresh: {interval: 10m, without_token: keep}\n"),
        (LOGIN, &login("keep_id_token: true")),
        (LOGIN, &login("keep_id_token: false")),
    ]);
}

#[test]
fn texts_of_pages() {
    let page = |text: &str| format!("    pages: {{signed_out: {{title: Bye, message: \"{text}\"}}}}\n");
    assert_each(&[
        (IDENTITY, &page("<b>Bye</b>"), "TG244", "\"<b>Bye</b>\"", "write the words alone"),
        (IDENTITY, &page("Tom &amp; Ada"), "TG244", "\"Tom &amp; Ada\"", "write the words alone"),
    ]);
    assert_quiet(&[(IDENTITY, &page("a < b & c > d, <3"))]);
}

#[test]
fn trusted_origins() {
    let origin = |origin: &str| format!("    csrf: {{trusted_origins: [{origin}]}}\n");
    let theirs = "https://globex.example.com";
    assert_each(&[(IDENTITY, &origin(theirs), "TG245", theirs, "remove it")]);
    assert_quiet(&[(IDENTITY, &origin("https://app.acme.example"))]);
}
