//! Mistakes that the filter finds: each is one finding, with what to write instead.

use super::base::{ADMIN, BASE, IDENTITY, LOGIN, assert_each};
use super::mistakes::{assert_one, findings, with};

#[test]
fn values_of_another_type() {
    assert_each(&[
        ("lifetime: 8h", "lifetime: 8", "TG004", "8", "\"8h\", \"8m\" or \"8s\""),
        ("lifetime: 8h", "lifetime: 28800", "TG004", "28800", "write it with a unit: \"8h\""),
        (
            "[acme.example.com]",
            "acme.example.com",
            "TG004",
            "acme.example.com",
            "write it as a list: [acme.example.com]",
        ),
        (LOGIN, "    login: {scopes: openid profile}\n", "TG004", "openid profile", "[openid, profile]"),
        (LOGIN, "    login: {scopes: \"openid,profile\"}\n", "TG004", "\"openid,profile\"", "[openid, profile]"),
        ("discovery: true", "discovery: \"true\"", "TG004", "\"true\"", "write true without quotes"),
        ("discovery: true", "discovery: tru", "TG004", "tru", "write true or false"),
        ("discovery: true", "discovery: https://x.example", "TG004", "https://x.example", "write `discovery: true`"),
        ("cluster: login_acme", "cluster:", "TG004", "cluster", "there is no value"),
        ("cluster: login_acme", "cluster: 443", "TG004", "443", "write it in quotes: \"443\""),
        ("client_id: tenantgate", "client_id: {env: ID}", "TG004", "{env: ID}", "only secrets come from variables"),
        ("{id: \"2026-11\", env: SESSION_KEY}", "SESSION_KEY", "TG004", "SESSION_KEY", "such as `env: ...`"),
        ("env: SESSION_KEY", "key: {env: SESSION_KEY}", "TG004", "{env: SESSION_KEY}", "write `env: NAME` beside `id`"),
        ("{env: ACME_SECRET}", "#Zq8", "TG004", "client_secret", "`#` begins a comment"),
        ("{env: ACME_SECRET}", "{file: /x}", "TG004", "{file: /x}", "write `{env: NAME}`"),
        ("{env: ACME_SECRET}", "{{ secret }}", "TG004", "{{ secret }}", "a template stands here"),
        ("{env: ACME_SECRET}", "12345678", "TG004", "12345678", "put it in quotes"),
        (IDENTITY, "    refresh: true\n", "TG004", "true", "write `refresh: {}`"),
        (IDENTITY, "    keys: https://x.example/keys\n", "TG004", "https://x.example/keys", "`provider.jwks_uri`"),
        (IDENTITY, "    keys: [https://x.example/keys]\n", "TG004", "https://x.example/keys", "`provider.jwks_uri`"),
        (ADMIN, "{paths: /admin/*, allow: {roles: [admin]}}", "TG004", "/admin/*", "write it as a list: [/admin/*]"),
        (
            ADMIN,
            "{paths: [/admin/*], allow: {claims: {acr: 2}}}",
            "TG004",
            "{acr: 2}",
            "[{claim: acr, values: [\"2\"]}]",
        ),
        (ADMIN, "{paths: [/admin/*], deny: \"yes\"}", "TG004", "\"yes\"", "write true without quotes"),
    ]);
}

#[test]
fn fields_that_have_another_name_or_place() {
    assert_each(&[
        (
            "hosts: [acme.example.com]",
            "domains: [acme.example.com]",
            "TG003",
            "domains",
            "write `hosts: [acme.example.com]`",
        ),
        (
            "client_secret: {env: ACME_SECRET}",
            "client_secret_env: ACME_SECRET",
            "TG003",
            "client_secret_env",
            "write `client_secret: {env: NAME}`",
        ),
        (
            "authorization_endpoint:",
            "authorize_url:",
            "TG003",
            "authorize_url",
            "did you mean `authorization_endpoint`?",
        ),
        ("jwks_uri:", "jwks:", "TG003", "jwks", "did you mean `jwks_uri`?"),
        ("discovery: true", "discover: true", "TG003", "discover", "did you mean \"discovery\"?"),
        ("discovery: true", "metadata_url: https://x.example", "TG003", "metadata_url", "write `discovery: true`"),
        ("tenants:\n", "tenant:\n", "TG003", "tenant", "did you mean `tenants`?"),
        (LOGIN, "    scopes: [openid]\n", "TG003", "scopes", "write `login: {scopes: [...]}`"),
        (IDENTITY, "    bearer: {audience: api}\n", "TG003", "audience", "write `audiences: [...]`"),
        (ADMIN, "{paths: [/admin/*], allow: {any_user: true}}", "TG003", "any_user", "write `allow: any_user`"),
        (ADMIN, "{paths: [/admin/*], allow: {role: admin}}", "TG003", "role", "did you mean \"roles\"?"),
        ("env: SESSION_KEY", "value: x", "TG003", "value", "write `env: NAME`"),
        ("lifetime: 8h", "ttl: 8h", "TG003", "ttl", "did you mean `lifetime`?"),
        (ADMIN, "{path: [/admin/*], allow: {roles: [admin]}}", "TG003", "path", "did you mean \"paths\"?"),
        (ADMIN, "{paths: [/admin/*], require: {roles: [admin]}}", "TG003", "require", "write `allow: {groups: [...]}`"),
        (ADMIN, "{paths: [/admin/*], groups: [admins]}", "TG003", "groups", "write `allow: {groups: [...]}`"),
        (
            ADMIN,
            "{paths: [/admin/*], cidr: [10.0.0.0/8], allow: {roles: [admin]}}",
            "TG003",
            "cidr",
            "write `client_ips: [10.0.0.0/8]`",
        ),
        (IDENTITY, "    groups_claim: roles\n", "TG003", "groups_claim", "write `identity: {groups: ...}`"),
        (IDENTITY, "    keys: [{jwks_uri: https://x.example/keys}]\n", "TG003", "jwks_uri", "belongs under `provider`"),
        (IDENTITY, "    keys: [{kty: OKP, crv: Ed25519, x: x}]\n", "TG003", "crv", "write them below `jwk:`"),
        (
            "{name: admin, groups: [platform-admins]}",
            "{name: admin, members: [a]}",
            "TG003",
            "members",
            "`groups` here",
        ),
    ]);
}

#[test]
fn values_that_are_refused() {
    let paths = |path: &str| format!("{{paths: [\"{path}\"], allow: {{roles: [admin]}}}}");
    for (path, meant) in [
        ("admin", "/admin"),
        ("^/admin$", "/admin"),
        ("/admin/**", "/admin/*"),
        ("/static/*.js", "/static/*"),
        ("/admin?x=1", "/admin"),
        ("/admin%20x", "/admin x"),
        ("https://acme.example.com/admin/*", "/admin/*"),
        ("//admin", "/admin"),
    ] {
        assert_one(&with(BASE, ADMIN, &paths(path)), "TG022", &format!("\"{path}\""), &format!("write \"{meant}\""));
    }
    let login = |fields: &str| format!("    login: {{{fields}}}\n");
    assert_each(&[
        (
            ADMIN,
            "{paths: [/admin/*], methods: [get], allow: {roles: [admin]}}",
            "TG022",
            "get",
            "write GET, in upper case",
        ),
        (
            ADMIN,
            "{paths: [/admin/*], methods: [\"*\"], allow: {roles: [admin]}}",
            "TG022",
            "\"*\"",
            "leave `methods` out",
        ),
        (
            ADMIN,
            "{paths: [/admin/*], methods: [\"GET,POST\"], allow: {roles: [admin]}}",
            "TG022",
            "\"GET,POST\"",
            "write [GET, POST]",
        ),
        (
            ADMIN,
            "{paths: [/./admin], allow: {roles: [admin]}}",
            "TG022",
            "/./admin",
            "write the path as servers have it",
        ),
        (IDENTITY, "    refresh: {interval: 10m, max_stale: 1m}\n", "TG018", "1m", "write a longer one"),
        (IDENTITY, "    headers: {claims: {x-b: {c: d}}}\n", "TG023", "{c: d}", "write the name of one claim"),
        ("client_id: tenantgate", "client_id: \"\"", "TG013", "\"\"", "that the issuer shows"),
        ("2026-11", "2026 11", "TG025", "\"2026 11\"", "write letters, digits and hyphens"),
        (
            "discovery: true",
            "discovery: false",
            "TG002",
            "{cluster: login_globex, discovery: false}",
            "set `discovery: true`",
        ),
        (", discovery: true", "", "TG002", "{cluster: login_globex}", "set `discovery: true`"),
        (
            "discovery: true",
            "discovery: true, token_endpoint_auth_method: private_key_jwt",
            "TG014",
            "private_key_jwt",
            "add `client_key: {pem: {env: NAME}}`",
        ),
        (
            "[acme.example.com]",
            "[\"*.acme.example.com\"]",
            "TG016",
            "scopes: [openid, profile, email, groups]",
            "cookie_domain: acme.example.com}`",
        ),
        (ADMIN, "{paths: [/admin/*], allow: [admin]}", "TG022", "[admin]", "write `{roles: [admin]}`"),
        (ADMIN, "{paths: [/admin/*], allow: staff}", "TG022", "staff", "write `{groups: [staff]}`"),
        (ADMIN, "{paths: [/admin/*], allow: authenticated}", "TG022", "authenticated", "write `any_user`"),
        (ADMIN, "{paths: [/admin/*], allow: {roles: [admins]}}", "TG022", "admins", "did you mean \"admin\"?"),
        (
            ADMIN,
            "{paths: [/admin/*], allow: {email_domains: [\"@acme.example\"]}}",
            "TG022",
            "\"@acme.example\"",
            "write \"acme.example\"",
        ),
        (
            ADMIN,
            "{paths: [/admin/*], client_ips: [10.1.2.3/8], allow: {roles: [admin]}}",
            "TG022",
            "10.1.2.3/8",
            "write \"10.0.0.0/8\"",
        ),
        (
            ADMIN,
            "{paths: [/a/*], client_ips: [\"2001:db8::1/64\"], allow: {roles: [admin]}}",
            "TG022",
            "\"2001:db8::1/64\"",
            "write \"2001:db8::/64\"",
        ),
        (
            ADMIN,
            "{paths: [/a/*], allow: {claims: [{claim: acr, values: [2]}]}}",
            "TG022",
            "2",
            "write it in quotes: \"2\"",
        ),
        (IDENTITY, "    access_default: allow\n", "TG022", "allow", "write `any_user`"),
        (
            "[acme.example.com]",
            "[.acme.example.com]",
            "TG011",
            ".acme.example.com",
            "and \"*.acme.example.com\" for all below it",
        ),
        ("[acme.example.com]", "[müller.example]", "TG011", "müller.example", "`xn--`"),
        ("[acme.example.com]", "[\"*\"]", "TG011", "\"*\"", "name each host"),
        ("[acme.example.com]", "[acme.example.com, acme.example.com]", "TG011", "acme.example.com", "remove it here"),
        (LOGIN, &login("scopes: [\"openid profile\"]"), "TG016", "\"openid profile\"", "[openid, profile]"),
        (LOGIN, &login("scopes: [profile]"), "TG016", "[profile]", "write [openid, profile]"),
        (LOGIN, &login("prompt: none"), "TG016", "none", "leave `prompt` out"),
        (
            LOGIN,
            &login("redirect_uri: https://a.example/oauth2/callback"),
            "TG016",
            "https://a.example/oauth2/callback",
            "write \"https://acme.example.com/oauth2/callback\"",
        ),
        (LOGIN, &login("cookie_domain: .acme.example.com"), "TG016", ".acme.example.com", "write \"acme.example.com\""),
        (LOGIN, &login("userinfo: true"), "TG014", "provider", "set `provider.discovery: true`"),
        ("lifetime: 8h", "lifetime: 8h\n  idle: 9h", "TG025", "9h", "write a shorter `idle`"),
        ("name: globex", "name: globex inc", "TG010", "globex inc", "write \"globex-inc\""),
        (IDENTITY, "    id_token_signed_response_alg: [HS256]\n", "TG015", "HS256", "set the client to RS256 or ES256"),
        (IDENTITY, "    keys: [{pem: /etc/key.pem}]\n", "TG015", "/etc/key.pem", "no files are read"),
        (IDENTITY, "    keys: [{}]\n", "TG015", "{}", "`provider.jwks_uri`"),
        (IDENTITY, "    headers: {user: x-user, email: X_User}\n", "TG023", "X_User", "a name of its own"),
        (IDENTITY, "    headers: {user: \"x user\"}\n", "TG023", "\"x user\"", "letters, digits and hyphens"),
        (IDENTITY, "    identity: {groups: {claim: roles}}\n", "TG020", "{claim: roles}", "write `groups: roles`"),
    ]);
}

#[test]
fn names_of_variables() {
    for name in ["$ACME_SECRET", "\"${ACME_SECRET}\"", "\"ACME_SECRET \""] {
        let text = with(BASE, "{env: ACME_SECRET}", &format!("{{env: {name}}}"));
        let (_, output, _) = super::run(&["check", "-", "--env", "SESSION_KEY=x"], &text);
        assert!(output.contains("write the name of the variable alone: `{env: ACME_SECRET}`"), "{output}");
    }
}

#[test]
fn two_tenants_with_one_host() {
    let text = with(BASE, "[globex.example.com]", "[acme.example.com]");
    assert_eq!(findings(&text).len(), 1);
    assert_one(&text, "TG009", "[acme.example.com]", "remove it from one of the two");
}
