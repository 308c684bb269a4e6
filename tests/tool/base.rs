//! The configuration that most tests of mistakes change at one place.

use super::mistakes::{assert_one, with};

/// A configuration with two tenants, about which there is nothing to say.
pub(super) const BASE: &str = r#"session:
  keys:
    - {id: "2026-11", env: SESSION_KEY}
  lifetime: 8h
tenants:
  - name: acme
    hosts: [acme.example.com]
    issuer: https://login.acme.example
    client_id: tenantgate
    client_secret: {env: ACME_SECRET}
    provider:
      cluster: login_acme
      authorization_endpoint: https://login.acme.example/auth
      token_endpoint: https://login.acme.example/token
      end_session_endpoint: https://login.acme.example/logout
      jwks_uri: https://login.acme.example/keys
    login:
      scopes: [openid, profile, email, groups]
    identity: {user: sub}
    roles:
      - {name: admin, groups: [platform-admins]}
    access:
      - {paths: [/healthz], allow: public}
      - {paths: [/admin/*], allow: {roles: [admin]}}
      - {allow: {groups: [engineers, platform-admins]}}
  - name: globex
    hosts: [globex.example.com]
    issuer: https://login.globex.example
    client_id: globex
    client_secret: {env: GLOBEX_SECRET}
    provider: {cluster: login_globex, discovery: true}
"#;

/// Lines of the tenant acme that tests replace.
pub(super) const ISSUER: &str = "issuer: https://login.acme.example\n";
pub(super) const LOGIN: &str = "    login:\n      scopes: [openid, profile, email, groups]\n";
pub(super) const IDENTITY: &str = "    identity: {user: sub}\n";
pub(super) const ROLE: &str = "{name: admin, groups: [platform-admins]}";
pub(super) const ADMIN: &str = "{paths: [/admin/*], allow: {roles: [admin]}}";
pub(super) const REST: &str = "{allow: {groups: [engineers, platform-admins]}}";

/// A change of the base, and its one finding: the code, what it points at, and a part of the help.
pub(super) type Row<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

#[track_caller]
pub(super) fn assert_each(rows: &[Row<'_>]) {
    for (from, to, code, pointed, help) in rows {
        assert_one(&with(BASE, from, to), code, pointed, help);
    }
}
