//! What `apply` does not write, and what it says would be right.

use serde_json::json;

use super::fixture::{Gates, sharing, tenant};
use crate::support::etcd::Etcd;
use crate::support::signer::Signer;
use crate::web_server::{Sent, serve};

/// Mistakes are found by the code of `check`, with their places, and nothing is written.
#[test]
fn mistakes_are_shown_at_their_places() {
    let gates = Gates::new();
    let good = tenant("good", "good.example", "");
    let bad = tenant("acme", "acme.example", "  acces: []\n").replace("https://login.acme", "http://login.acme");
    let errors = gates.refused(&format!("{good}{bad}"));
    assert!(errors.starts_with("tenantgate: <stdin> has mistakes; nothing was written\n"), "{errors}");
    for part in [
        "<stdin>:9:11: error[TG007] tenant \"acme\": issuer: ",
        "\n 9 |   issuer: http://login.acme.example\n",
        "error[TG003] tenant \"acme\": unknown field \"acces\"",
        "help: ",
        "\n2 errors, 0 warnings\n",
    ] {
        assert!(errors.contains(part), "{part}: {errors}");
    }
    // The line has a secret.
    let secret = tenant("acme", "acme.example", "").replace("{env: SECRET_acme}", "{a: very-secret-text}");
    let errors = gates.refused(&secret);
    assert!(errors.contains("client_secret") && !errors.contains("very-secret-text"), "{errors}");
}

#[test]
fn warnings_are_shown_beside_the_output() {
    let gates = Gates::new();
    let (code, output, errors) =
        gates.apply(&tenant("acme", "acme.example", "  access: [{allow: any_user}, {paths: [/a], allow: public}]\n"));
    assert!(code == 0 && output.contains("acme: written"), "{output}{errors}");
    assert!(errors.contains("warning[TG20") && errors.ends_with("0 errors, 1 warning\n"), "{errors}");
}

#[test]
fn what_is_wrong_is_said() {
    let gates = Gates::new();
    gates.applied(&tenant("owner", "taken.example", ""));
    gates.applied(&sharing("wide", "\"*.wide.example\", wide.example", "wide.example", "wide.example"));
    for (tenants, says) in [
        ("a: 1\n".to_owned(), "tenantgate: <stdin>: has no tenant; write one, a list of them, or `tenants: [...]`"),
        (String::new(), "<stdin>: has no tenant"),
        ("- 1\n".to_owned(), "<stdin>:1:3: has no tenant"),
        ("a: [\n".to_owned(), "is not YAML: "),
        (
            tenant("acme", "acme.example", "").replace("SECRET_acme", "NOT_HERE"),
            "<stdin>:5:18: tenant \"acme\": client_secret: environment variable \"NOT_HERE\" is not set here; give it with \
             `--env NOT_HERE=…`",
        ),
        (
            tenant("acme", "acme.example", "").replace("{env: SECRET_acme}", "{sealed: …}"),
            "client_secret: is sealed for other gates or another tenant; write `{env: NAME}`",
        ),
        (
            format!("{}{}", tenant("acme", "acme.example", ""), tenant("ACME", "b.example", "")),
            "names must be unique, whatever their case",
        ),
        (tenant("Fixed", "acme.example", ""), "name: is the name of a tenant of the configuration, which comes first"),
        (
            tenant("acme", "acme.example, fixed.example", ""),
            "hosts: requests for \"fixed.example\" go to tenant \"fixed\" of ",
        ),
        (tenant("acme", "a.wild.example", ""), "requests for \"a.wild.example\" go to tenant \"wild\" of "),
        (
            tenant("acme", "taken.example", ""),
            "hosts: \"taken.example\" belongs to tenant \"owner\" in etcd; take it from that tenant first",
        ),
        (
            sharing("acme", "\"*.wide.example\", wide.example", "wide.example", "wide.example"),
            "hosts: \"*.wide.example\" belongs to tenant \"wide\" in etcd",
        ),
        (
            tenant("acme", &format!("{}example", "a.".repeat(16)), ""),
            "has more than 16 labels, and gates look for no such host in etcd",
        ),
        (
            tenant("acme", &(0..126).map(|n| format!("h{n}.example")).collect::<Vec<_>>().join(", "), ""),
            "hosts: has 126 hosts, and etcd writes at most 125 at once; use a wildcard",
        ),
        (
            tenant("acme", "acme.example", "  headers: {user: x-acme-user}\n"),
            "is not among `tenants_from.header_names`, so clients of other tenants could send it; add it there",
        ),
        (
            tenant(
                "acme",
                "acme.example",
                &format!("  access: [{{allow: {{groups: [{}]}}}}]\n", vec!["group-group"; 4000].join(", ")),
            ),
            "take rules or texts out",
        ),
    ] {
        let errors = gates.refused(&tenants);
        assert!(errors.contains(says), "{says}: {errors}");
    }
    // Two files with one tenant.
    let file = gates.file("acme.yaml", &tenant("ACME", "b.example", ""));
    let arguments = ["-", &file, "--key", &gates.path("ed.pem"), "--yes", "--env", "SECRET_ACME=a-long-secret"];
    let (code, _, errors) = gates.run("apply", &arguments, &tenant("acme", "acme.example", ""));
    let says = ":1:3: tenant \"ACME\" is there twice; leave one of them out\nnothing was written\n";
    assert!(code == 2 && errors.ends_with(says) && gates.value("tenants/acme").is_none(), "{errors}");
    // The largest that fits.
    let hosts: Vec<String> = (0..125).map(|n| format!("h{n}.example")).collect();
    gates.applied(&tenant("acme", &hosts.join(", "), ""));
    let errors = gates.refused(&tenant("acme", "new.example", ""));
    assert!(
        errors
            .contains("126 hosts stay, come or go, and etcd writes at most 125 at once; make the change in two steps"),
        "{errors}"
    );
}

/// The next number of the log would not be known.
#[test]
fn a_key_behind_the_log_is_refused() {
    let gates = Gates::new();
    gates.applied(&tenant("acme", "acme.example", ""));
    gates.etcd.put(&format!("{}changes/x", gates.prefix), "nothing");
    let errors = gates.refused(&tenant("globex", "globex.example", ""));
    let says = format!("etcd: the key \"{}changes/x\" is no entry of the log of changes", gates.prefix);
    assert!(errors.contains(&says), "{errors}");
    let (code, _, errors) = gates.run("delete", &["acme", "--yes"], "");
    assert!(code == 2 && errors.contains(&says) && gates.value("tenants/acme").is_some(), "{errors}");
}

/// Browsers send the cookies of a domain to each of its hosts.
#[test]
fn no_tenant_gets_the_cookies_of_another() {
    let gates = Gates::new();
    // `wide` has every host of its domain, `few` only one.
    gates.applied(&sharing("wide", "wide.example, \"*.wide.example\"", "wide.example", "wide.example"));
    gates.applied(&sharing("few", "a.few.example", "few.example", "a.few.example"));
    gates.applied(&tenant("other", "a.b.other.example", ""));
    let in_etcd = |name: &str, host: &str, domain: &str| {
        format!(
            "hosts: browsers would send the cookies of tenant \"{name}\" in etcd to \"{host}\", because its \
             `login.cookie_domain` is \"{domain}\""
        )
    };
    for (hosts, says) in [
        ("x.wide.example", in_etcd("wide", "x.wide.example", "wide.example")),
        ("b.few.example", in_etcd("few", "b.few.example", "few.example")),
        ("few.example", in_etcd("few", "few.example", "few.example")),
        ("x.shared.example", "browsers would send the cookies of tenant \"sharing\" of ".to_owned()),
    ] {
        let errors = gates.refused(&tenant("acme", hosts, ""));
        assert!(errors.contains(&says), "{says}: {errors}");
    }
    for (hosts, domain, says) in [
        ("\"*.x.wide.example\", x.wide.example", "x.wide.example", in_etcd("wide", "*.x.wide.example", "wide.example")),
        (
            "other.example",
            "other.example",
            "login.cookie_domain: \"other.example\" covers \"a.b.other.example\" of tenant \"other\" in etcd"
                .to_owned(),
        ),
        (
            "\"*.few.example\", few.example",
            "few.example",
            "login.cookie_domain: \"few.example\" covers \"a.few.example\" of tenant \"few\" in etcd".to_owned(),
        ),
        (
            "fixed.example",
            "fixed.example",
            "hosts: requests for \"fixed.example\" go to tenant \"fixed\" of ".to_owned(),
        ),
        (
            "in.login.shared.example",
            "login.shared.example",
            "login.cookie_domain: \"login.shared.example\" covers \"login.shared.example\" of tenant \"sharing\" of "
                .to_owned(),
        ),
    ] {
        let host = hosts.rsplit(' ').next().unwrap();
        let errors = gates.refused(&sharing("acme", hosts, domain, host));
        assert!(errors.contains(&says), "{says}: {errors}");
    }
    // What is beside them is free.
    gates.applied(&tenant("beside", "wide2.example, a.wide3.example, c.other.example", ""));
}

/// A key that the gates do not know signs nothing that they take.
#[test]
fn a_key_has_to_be_known() {
    let gates = Gates::new();
    let acme = tenant("acme", "acme.example", "");
    let apply = |file: &str| {
        let (code, output, errors) = gates.run("apply", &["-", "--key", file, "--yes"], &acme);
        assert_eq!((code, output.as_str()), (2, ""), "{errors}");
        errors
    };
    let errors = apply(&gates.path("ec.pem"));
    let public = Signer::es256().jwk();
    assert!(
        errors.contains(
            "does not have the public part of this key, so no gate would take what it signs; add it there:\n  - jwk: {"
        ),
        "{errors}"
    );
    assert!(errors.contains(public["x"].as_str().unwrap()) && !errors.contains("\"d\""), "{errors}");
    let rsa = gates.file("rsa.pem", Signer::rs256().private_pem());
    assert!(apply(&rsa).contains("is an RSA key; make one for Ed25519: `openssl genpkey -algorithm ed25519`"));
    let none = gates.file("none.pem", "hello");
    assert!(apply(&none).contains("its PEM is not PKCS#8"));
    assert!(apply("/does/not/exist").contains("/does/not/exist: No such file"));
    assert!(gates.keys().is_empty());
}

#[test]
fn what_the_commands_need_is_said() {
    let gates = Gates::new();
    gates.file(
        "gate.yaml",
        &json!({ "session": { "keys": [{ "id": "a", "env": "KEY_a" }] }, "tenants": [{ "name": "a" }] }).to_string(),
    );
    let errors = gates.refused(&tenant("acme", "acme.example", ""));
    assert!(errors.contains("gate.yaml: has no `tenants_from`, so the gates have no tenants in etcd"), "{errors}");
    gates.configure(&["a", "c"], &[&Signer::eddsa()]);
    let errors = gates.refused(&tenant("acme", "acme.example", ""));
    assert!(
        errors
            .contains("session.keys[1]: environment variable \"KEY_c\" is not set here; give it with `--env KEY_c=…`"),
        "{errors}"
    );
}

/// What is there is shown, and nothing is written until etcd has space again.
#[test]
fn etcd_is_full() {
    let (gates, etcd) = (Gates::new(), Etcd::small());
    let run = |command: &str, arguments: &[&str], tenants: &str| {
        let (code, output, errors) = gates.run_at(etcd.address, command, arguments, tenants);
        (code, format!("{output}{errors}"))
    };
    let key = gates.path("ed.pem");
    let apply = |tenants: &str| run("apply", &["-", "--key", &key, "--yes"], tenants);
    let changed = tenant("acme", "acme.example, new.example", "");
    assert_eq!(apply(&tenant("acme", "acme.example", "")).0, 0);
    etcd.fill();
    let before = etcd.keys(&gates.prefix);
    for (code, output) in [apply(&changed), run("delete", &["acme", "--yes"], "")] {
        assert!(
            code == 2 && output.contains(": status 429: etcdserver: mvcc: database space exceeded; whether it is "),
            "{output}"
        );
    }
    assert_eq!(etcd.keys(&gates.prefix), before);
    let (code, output) = run("status", &[], "");
    assert_eq!((code, output.as_str()), (0, "acme: served\n1 served, 0 broken\n"));
    etcd.make_space();
    let (code, output) = apply(&changed);
    assert!(code == 0 && etcd.keys(&gates.prefix).len() > before.len(), "{output}");
}

/// With users, etcd refuses a client whose certificate has a common name in plain text.
#[test]
fn what_etcd_says_in_plain_text_is_shown() {
    let gates = Gates::new();
    let text = "CommonName of client sending a request against gateway will be ignored and not used as expected\n";
    let etcd = serve(None, |_| Some(Sent { status: 400, headers: Vec::new(), body: text.to_owned() }));
    let (code, _, errors) = gates.run_at(etcd, "list", &[], "");
    let expected = format!(
        "tenantgate: etcd: http://{etcd}: status 400: {}; the certificate of the client must have no common name (CN)\n",
        text.trim_end()
    );
    assert_eq!((code, errors), (2, expected));
}
