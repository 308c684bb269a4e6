//! Access rules and roles.

use super::{ADMIN, BASE, REST, ROLE, assert_each, assert_one, assert_quiet, with};

fn admin(paths: &str) -> String {
    format!("{{paths: {paths}, allow: {{roles: [admin]}}}}")
}

fn methods(methods: &str) -> String {
    format!("{{paths: [/admin/*], methods: [{methods}], allow: {{roles: [admin]}}}}")
}

#[test]
fn paths() {
    assert_each(&[
        (ADMIN, &admin("[/admin]"), "TG210", "/admin", "write \"/admin/*\" for \"/admin\" and everything below"),
        (ADMIN, &admin("[/a/*, /x/*/y]"), "TG210", "/x/*/y", "write \"/x/*/y/*\""),
        (ADMIN, &admin("[/admin/.*]"), "TG213", "/admin/.*", "write \"/admin/*\""),
        (ADMIN, &admin("[/admin.*]"), "TG213", "/admin.*", "write \"/admin*\""),
        (ADMIN, &admin("[/admin$]"), "TG213", "/admin$", "write \"/admin\""),
        (ADMIN, &admin("[\"/users/{id}/keys\"]"), "TG213", "\"/users/{id}/keys\"", "write \"/users/*/keys\""),
        (ADMIN, &admin("[/users/:id]"), "TG213", "/users/:id", "write \"/users/*\""),
        (ADMIN, &admin("[/users/<id>/x]"), "TG213", "/users/<id>/x", "write \"/users/*/x\""),
        (ADMIN, &admin("[\"/(a|b)/*\"]"), "TG213", "\"/(a|b)/*\"", "name each path"),
        (ADMIN, &admin("[/admin/]"), "TG213", "/admin/", "write \"/admin/*\" for \"/admin\" and all below"),
        (ADMIN, &admin("[\"/admin, /x\"]"), "TG213", "\"/admin, /x\"", "write [/admin, /x]"),
        (ADMIN, &admin("[\"/admin \"]"), "TG213", "\"/admin \"", "write \"/admin\""),
        ("[/healthz]", "[/static/]", "TG213", "/static/", "write \"/static/*\""),
    ]);
    let hidden = format!("{ADMIN}\n      - {{paths: [/admin/x], deny: true}}");
    assert_each(&[
        (ADMIN, &hidden, "TG200", "{paths: [/admin/x], deny: true}", "put it before that"),
        ("[/healthz]", "[/oauth2/logout]", "TG202", "[/oauth2/logout]", "remove it"),
        (
            ADMIN,
            &format!("{ADMIN}\n      - {{paths: [/oauth2/logout], deny: true}}"),
            "TG202",
            "[/oauth2/logout]",
            "remove it",
        ),
    ]);
    let denied = |paths: &str| format!("{}\n      - {{paths: [/admin/*], deny: true}}", admin(paths));
    assert_quiet(&[
        (ADMIN, &admin("[/admin, /admin/*]")),
        (ADMIN, &admin("[/admin*]")),
        (ADMIN, &admin("[/, /report.pdf]")),
        (ADMIN, &admin("[\"/odata/$metadata/*\", \"/v1/things:list*\", /Products(1)/*]")),
        (ADMIN, &denied("[/admin]")),
        (REST, "{paths: [/x], allow: {groups: [a]}}\n    access_default: deny"),
    ]);
    let deny = with(BASE, ADMIN, "{paths: [/metrics], deny: true}\n      - {paths: [/x/*], allow: {roles: [admin]}}");
    assert_one(&deny, "TG210", "/metrics", "write \"/metrics/*\"");
}

#[test]
fn methods_of_rules() {
    assert_each(&[
        (ADMIN, &methods("GTE"), "TG214", "GTE", "write \"GET\""),
        (ADMIN, &methods("ANY"), "TG214", "ANY", "leave `methods` out"),
        (ADMIN, &methods("GET"), "TG205", "[GET]", "put a rule behind it"),
    ]);
    assert_quiet(&[(ADMIN, &format!("{}\n      - {{paths: [/admin/*], deny: true}}", methods("PURGE")))]);
}

#[test]
fn what_happens_to_the_rest() {
    let last = format!("      - {REST}\n");
    assert_each(&[
        (&last, "", "TG211", "access", "write `access_default: deny` if that is meant"),
        (REST, "{allow: any_user}", "TG206", "any_user", "name what is open instead"),
    ]);
    let none = with(BASE, "discovery: true}", "discovery: true}\n    access_default: deny");
    assert_one(&none, "TG211", "deny", "add `access`");
    assert_quiet(&[
        (&last, "    access_default: deny\n"),
        (REST, "{paths: [/*], allow: {groups: [engineers]}}"),
        (REST, "{deny: true}"),
    ]);
    let roles = format!("    roles:\n      - {ROLE}\n");
    let public = with(&with(BASE, &roles, ""), &format!("      - {ADMIN}\n{last}"), "");
    let public = with(&public, "{paths: [/healthz], allow: public}", "{allow: public}");
    assert_one(&public, "TG212", "public", "write `any_user` for all users of the tenant");
    let partly = with(&public, "{allow: public}", "{paths: [/me/*], allow: any_user}\n      - {allow: public}");
    assert_eq!(super::findings(&partly), []);
}

#[test]
fn roles() {
    let other = format!("{ROLE}\n      - {{name: auditor, groups: [auditors]}}");
    assert_each(&[
        (ROLE, &other, "TG216", "auditor", "name it in one (`allow: {roles: [auditor]}`)"),
        (ADMIN, "{paths: [/admin/*], allow: {groups: [admin]}}", "TG216", "admin", "write `roles: [admin]`"),
    ]);
    assert_quiet(&[
        (ROLE, &format!("{other}\n    headers: {{roles: x-roles}}")),
        ("discovery: true}", "discovery: true}\n    roles: [{name: auditor, groups: [auditors]}]"),
    ]);
    let asserted = with(BASE, "tenants:\n", "assertion: {keys: [{pem: {env: KEY}}]}\ntenants:\n");
    assert_eq!(super::findings(&with(&asserted, ROLE, &other)), []);
}
