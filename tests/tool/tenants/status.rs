//! What `status` says.

use serde_json::{Value, json};

use super::fixture::{Gates, signed, tenant};
use crate::support::signer::Signer;

#[test]
fn each_reason_is_said() {
    let gates = Gates::new();
    gates.applied(&tenant("acme", "acme.example", ""));
    assert_eq!(gates.run("status", &[], ""), (0, "acme: served\n1 served, 0 broken\n".to_owned(), String::new()));
    let put = |key: &str, value: &str| gates.etcd.put(&format!("{}{key}", gates.prefix), value);
    let ed = Signer::eddsa();
    let whole = |name: &str, hosts: &[&str]| {
        json!({
            "name": name, "hosts": hosts, "issuer": "https://issuer.example", "client_id": name,
            "client_secret": "plain", "provider": { "cluster": "i", "discovery": true },
        })
    };
    // Another key, another text, another tenant, no document at all.
    put("tenants/b1", &signed(&Signer::es256(), &whole("b1", &[])));
    let forged = signed(&ed, &whole("b2", &["b2.example"]));
    put("tenants/b2", &forged.replace('.', ".A").replacen(".A", ".", 1));
    put("tenants/b3", &gates.value("tenants/acme").unwrap());
    put("tenants/b4", "nonsense");
    // Mistakes, a host of the file, hosts that are not in the index or not its own there.
    put("tenants/b5", &signed(&ed, &json!({ "name": "b5", "hosts": ["b5.example"] })));
    put("hosts/example.b5", "b5");
    put("tenants/b6", &signed(&ed, &whole("b6", &["a.wild.example"])));
    put("hosts/example.wild.a", "b6");
    put("tenants/b7", &signed(&ed, &whole("b7", &["b7.example", "acme.example"])));
    let mut with_variable = whole("b8", &["b8.example"]);
    with_variable["client_secret"] = json!({ "env": "SESSION_KEY" });
    put("tenants/b8", &signed(&ed, &with_variable));
    put("hosts/example.b8", "b8");
    put("tenants/Cap", &signed(&ed, &whole("Cap", &["cap.example"])));
    put("hosts/example.cap", "Cap");
    // Entries that lead nowhere.
    put("hosts/example.gone", "gone\u{7}");
    put("hosts/example.stray", "ACME");
    let (code, output, errors) = gates.run("status", &[], "");
    assert_eq!((code, errors.as_str()), (1, ""));
    let again = "write it again with `tenantgate tenants apply`";
    let file = gates.path("gate.yaml");
    for says in [
        "acme: served\n".to_owned(),
        "b1: broken\n  it is signed with a key that `tenants_from.keys` does not have\n".to_owned(),
        "b2: broken\n  its signature does not verify with `tenants_from.keys`\n".to_owned(),
        "b3: broken\n  it is the document of another tenant (its `kid` is \"".to_owned(),
        "b4: broken\n  it is not a signed tenant; write it with `tenantgate tenants apply`\n".to_owned(),
        "b5: broken\n  tenant \"b5\": issuer: is missing".to_owned(),
        format!("\n  hosts: requests for \"a.wild.example\" go to tenant \"wild\" of {file}, which comes first\n"),
        format!("b7: broken\n  hosts: \"b7.example\" is not in the index, so no gate finds it; {again}\n"),
        "b6: broken\n".to_owned(),
        "  tenant \"b8\": a secret of a document cannot be a variable of Envoy; `tenantgate tenants apply` seals its \
         value\n"
            .to_owned(),
        "  hosts: \"acme.example\" leads to tenant \"acme\" in the index\n".to_owned(),
        "Cap: broken\n  its key has capital letters, so no gate finds it\n".to_owned(),
        "index entry \"gone.example\": leads to tenant \"gone\u{fffd}\", which has no document".to_owned(),
        format!("index entry \"stray.example\": leads to tenant \"acme\", which does not have it; {again}\n"),
        "\n1 served, 9 broken, 3 index entries lead nowhere\n".to_owned(),
    ] {
        assert!(output.contains(&says), "{says}: {output}");
    }
    let (code, output, _) = gates.run("status", &["B1", "acme", "none", "--format", "json"], "");
    let found: Value = serde_json::from_str(&output).unwrap();
    assert_eq!((code, &found["served"], &found["broken"]), (1, &json!(1), &json!(2)));
    let of = |name: &str| found["tenants"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone();
    assert_eq!(of("acme")["hosts"], json!(["acme.example"]));
    assert_eq!(of("b1")["problems"], json!(["it is signed with a key that `tenants_from.keys` does not have"]));
    assert_eq!(of("none")["problems"], json!(["there is no such tenant in etcd"]));
    assert_eq!(found["stray_entries"], 1);
}

/// An etcd that wants a user, and that refuses one.
#[test]
fn the_user_is_that_of_the_configuration() {
    use crate::support::etcd::Etcd;
    let mut gates = Gates::new();
    let password = "a-password-of-etcd";
    gates.etcd =
        Box::leak(Box::new(Etcd::with_users(&[], &[("gate", password, "READ"), ("writer", "writing", "READWRITE")])));
    gates.prefix = "/tenants/".to_owned();
    gates.configure(&["a"], &[&Signer::eddsa()]);
    let with_user = |user: &Value| {
        let file = gates.path("gate.yaml");
        let mut configuration: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        configuration["tenants_from"]["etcd"]["username"] = json!("gate");
        configuration["tenants_from"]["etcd"]["password"] = user.clone();
        gates.file("gate.yaml", &configuration.to_string());
    };
    let (code, _, errors) = gates.run("status", &[], "");
    assert!(code == 2 && errors.contains("user name is empty; set `username` and `password` of it"), "{errors}");
    with_user(&json!({ "env": "ETCD_PASSWORD" }));
    let (code, _, errors) = gates.run("status", &[], "");
    assert!(
        code == 2
            && errors.contains("tenants_from.etcd.password: environment variable \"ETCD_PASSWORD\" is not set here"),
        "{errors}"
    );
    let variable = format!("ETCD_PASSWORD={password}");
    let key = gates.path("ed.pem");
    let apply = |more: &[&str]| {
        let arguments = [&["-", "--key", &key, "--yes", "--env", &variable], more].concat();
        gates.run("apply", &arguments, &tenant("acme", "acme.example", ""))
    };
    // That user only reads.
    let (code, _, errors) = apply(&[]);
    assert!(
        code == 2 && errors.contains(": status 403: etcdserver: permission denied; nothing was written"),
        "{errors}"
    );
    let (code, _, errors) = apply(&["--etcd-user", "writer", "--etcd-password-env", "WRITER"]);
    assert!(
        code == 2 && errors.contains("tenants_from.etcd.password: environment variable \"WRITER\" is not set here"),
        "{errors}"
    );
    let (code, output, errors) =
        apply(&["--etcd-user", "writer", "--etcd-password-env", "WRITER", "--env", "WRITER=writing"]);
    assert_eq!((code, errors.as_str()), (0, ""), "{output}");
    assert!(gates.run("status", &["--env", &variable], "").1.starts_with("acme: served\n"));
    let (code, output, errors) = gates.run("status", &["--env", "ETCD_PASSWORD=wrong-password"], "");
    assert!(code == 2 && errors.contains("authentication failed"), "{errors}");
    assert!(!output.contains("wrong-password") && !errors.contains("wrong-password"), "{errors}");
}
