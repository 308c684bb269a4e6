//! What the other commands make of tenants in etcd.

use serde_json::{Value, json};

use super::fixture::{Gates, signed, tenant};
use crate::support::signer::Signer;
use crate::{KEY, run};

/// Sessions of a tenant in etcd end like those of a tenant of the file.
#[test]
fn sessions_of_a_tenant_in_etcd_end() {
    let gates = Gates::new();
    let store = format!("{}store/", gates.prefix);
    let file = gates.path("gate.yaml");
    let mut configuration: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    configuration["store"] = json!({ "etcd": { "cluster": "etcd", "prefix": store } });
    gates.file("gate.yaml", &configuration.to_string());
    gates.applied(&tenant("acme", "acme.example", ""));
    let bad = json!({ "name": "bad", "hosts": ["bad.example"] });
    gates.etcd.put(&format!("{}tenants/bad", gates.prefix), &signed(&Signer::eddsa(), &bad));
    gates.etcd.put(&format!("{}tenants/forged", gates.prefix), &signed(&Signer::es256(), &bad));
    let (etcd, key) = (format!("http://{}", gates.etcd.address), format!("KEY_a={KEY}"));
    let sign_out =
        |name: &str| run(&["sign-out", &file, "--tenant", name, "--user", "ada", "--etcd", &etcd, "--env", &key], "");
    let written = || gates.etcd.keys(&store).len();
    for name in ["fixed", "acme"] {
        let before = written();
        let (code, output, errors) = sign_out(name);
        assert_eq!((code, errors.as_str()), (0, ""), "{output}");
        assert!(output.starts_with(&format!("{name}: all sessions of user \"ada\" that began until ")), "{output}");
        assert_eq!(written(), before + 2, "{name}");
    }
    let before = written();
    for (name, says) in [
        ("bad", "tenant \"bad\" has mistakes, so it has no sessions: tenant \"bad\": issuer: is missing"),
        (
            "forged",
            "tenant \"forged\" in etcd has no sessions: it is signed with a key that `tenants_from.keys` does not have",
        ),
        ("none", "there is no tenant \"none\", neither in etcd nor in the file, which has fixed, wild, sharing"),
    ] {
        let (code, output, errors) = sign_out(name);
        assert_eq!((code, output.as_str()), (2, ""));
        assert!(errors.contains(says), "{says}: {errors}");
    }
    assert_eq!(written(), before);
}

#[test]
fn only_tenants_of_the_file_are_explained() {
    let gates = Gates::new();
    gates.applied(&tenant("acme", "acme.example", ""));
    let (file, key) = (gates.path("gate.yaml"), format!("KEY_a={KEY}"));
    let explain = |host: &str| run(&["explain", &file, "--host", host, "GET", "/", "--env", &key], "");
    assert_eq!(explain("fixed.example").0, 0);
    let (code, _, errors) = explain("acme.example");
    let says = "no tenant of the file has the host acme.example, and tenants in etcd are not asked; to explain one, write it \
                into `tenants`\n";
    assert_eq!((code, errors), (2, format!("tenantgate: {says}")));
}
