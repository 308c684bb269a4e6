//! What two tenants have in common, and warnings that are left out.

use super::super::run;
use super::{BASE, assert_each, assert_one, assert_quiet, findings, with};

#[test]
fn what_two_tenants_have_in_common() {
    let key = "keys: [{jwk: {kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}}]";
    let same_issuer =
        "issuer: https://login.acme.example\n    client_id: tenantgate\n    client_secret: {env: ACME_SECRET}";
    let globex = "issuer: https://login.globex.example\n    client_id: globex\n    client_secret: {env: GLOBEX_SECRET}";
    assert_each(&[
        ("env: GLOBEX_SECRET", "env: ACME_SECRET", "TG235", "ACME_SECRET", "that its own issuer shows"),
        ("env: ACME_SECRET", "env: SESSION_KEY", "TG235", "SESSION_KEY", "a variable of its own"),
        (globex, same_issuer, "TG237", "tenantgate", "register a client for each"),
    ]);
    let keys = with(BASE, "    identity: {user: sub}\n", &format!("    {key}\n"));
    let keys = with(&keys, "discovery: true}\n", &format!("discovery: true}}\n    {key}\n"));
    assert_one(
        &keys,
        "TG238",
        "{jwk: {kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}}",
        "write the keys that this issuer publishes",
    );
    let closed = format!("{same_issuer}\n    access: [{{allow: {{groups: [globex]}}}}]");
    assert_quiet(&[(globex, &closed), ("client_id: globex", "client_id: tenantgate")]);
}

/// A mistake is reported once, not by a lint as well.
#[test]
fn a_mistake_has_no_lint() {
    for (from, to, code) in [
        ("client_id: tenantgate", "client_id: \"\"", "TG013"),
        (super::ISSUER, "issuer: http://login.acme.example\n", "TG007"),
        (super::ADMIN, "{paths: [/admin/*], allow: {roles: [admins]}}", "TG022"),
        (super::ISSUER, "issuer: http://Login.acme.example\n", "TG007"),
        ("cluster: login_acme", "clster: login_acme", "TG003"),
        (&format!("      - {}\n", super::REST), "    acces_default: deny\n", "TG003"),
    ] {
        let found: Vec<_> = findings(&with(BASE, from, to)).iter().map(|(one, _)| one["code"].clone()).collect();
        assert_eq!(found, [code], "{to}");
    }
    let revoked = with(
        BASE,
        "end_session_endpoint: https://login.acme.example/logout",
        "revocation_endpoint: https://login.acme.example/revoke",
    );
    assert_one(&with(&revoked, super::IDENTITY, "    refrsh: {}\n"), "TG003", "refrsh", "did you mean \"refresh\"?");
}

/// Two mistakes of different kinds are two findings, although one of them breaks the tenant.
#[test]
fn lints_are_about_broken_tenants_as_well() {
    let text = with(BASE, "lifetime: 8h", "lifetime: 8");
    let text = with(&text, "cluster: login_acme", "cluster: https://login.acme.example");
    let found: Vec<_> = findings(&text).iter().map(|(one, _)| one["code"].clone()).collect();
    assert_eq!(found, ["TG004", "TG230"]);
}

#[test]
fn a_warning_can_be_left_out() {
    let text = with(BASE, "[acme.example.com]", "[acme.com]");
    let check = |more: &[&str]| run(&[&["check", "-", "--assume-env", "--deny", "warnings"], more].concat(), &text);
    assert_eq!(check(&[]).0, 1);
    let (code, output, _) = check(&["--allow", "TG240"]);
    assert!(code == 0 && output.ends_with("0 errors, 0 warnings\n"), "{output}");
    assert_eq!(check(&["--allow", "TG239"]).0, 1);
    let (code, _, errors) = check(&["--allow", "TG999"]);
    assert!(code == 2 && errors.contains("there is no such code"), "{errors}");
    // Only a warning can.
    let broken = with(BASE, "lifetime: 8h", "lifetime: 8");
    assert_eq!(run(&["check", "-", "--assume-env", "--allow", "TG004"], &broken).0, 1);
}
