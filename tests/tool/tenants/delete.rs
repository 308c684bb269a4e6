//! What `delete` deletes.

use serde_json::{Value, json};

use super::fixture::{Gates, sharing, signed, tenant};
use crate::support::signer::Signer;

#[test]
fn a_tenant_goes_with_its_hosts() {
    let gates = Gates::new();
    gates.applied(&sharing("Acme", "acme.example, \"*.acme.example\"", "acme.example", "acme.example"));
    gates.applied(&tenant("globex", "globex.example", ""));
    let (code, output, errors) = gates.run("delete", &["acme"], "");
    assert!(code == 2 && output == "acme: has *.acme.example, acme.example\n", "{output}{errors}");
    assert!(errors.contains("give `--yes`"), "{errors}");
    let (code, output, errors) = gates.run("delete", &["acme", "--yes"], "");
    assert_eq!((code, errors.as_str()), (0, ""));
    let place = format!("http://{}", gates.etcd.address);
    let says = format!("acme: deleted from {place}; no gate serves it any more after about 10s\n");
    assert_eq!(output, format!("acme: has *.acme.example, acme.example\n{says}"));
    let names: Vec<String> = gates.keys().into_iter().map(|(key, _)| key).collect();
    let log = ["changes/00000000000000000001", "changes/00000000000000000002", "changes/00000000000000000003"];
    assert_eq!(names, [&log[..], &["hosts/example.globex", "tenants/globex"]].concat());
    let changes: [Value; 2] = [log[0], log[2]].map(|key| serde_json::from_str(&gates.value(key).unwrap()).unwrap());
    let [added, mut removed] = changes;
    assert!(removed["id"].is_string() && removed["id"].take() != added["id"]);
    assert_eq!(removed, json!({ "id": null, "tenant": "acme", "hosts": ["acme.example", "*.acme.example"] }));
    let (code, _, errors) = gates.run("delete", &["acme", "--yes"], "");
    assert_eq!((code, errors.as_str()), (2, "tenantgate: acme: there is no tenant \"acme\" in etcd\n"));
}

/// The index says which hosts a document has that cannot be read.
#[test]
fn a_broken_tenant_can_be_deleted() {
    let gates = Gates::new();
    gates.applied(&tenant("acme", "acme.example", ""));
    gates.applied(&tenant("globex", "globex.example", ""));
    let forged = signed(&Signer::es256(), &json!({ "name": "acme", "hosts": ["globex.example"] }));
    gates.etcd.put(&format!("{}tenants/acme", gates.prefix), &forged);
    gates.etcd.put(&format!("{}hosts/example.stray", gates.prefix), "ACME");
    let (code, output, errors) = gates.run("delete", &["acme", "--yes"], "");
    assert_eq!((code, errors.as_str()), (0, ""));
    assert!(
        output.starts_with(
            "acme: has acme.example, stray.example\n  the document cannot be read (it is signed with a key that \
             `tenants_from.keys` does not have), so its hosts are those that the index has for it\n"
        ),
        "{output}"
    );
    let names: Vec<String> =
        gates.keys().into_iter().map(|(key, _)| key).filter(|key| !key.starts_with("changes/")).collect();
    assert_eq!(names, ["hosts/example.globex", "tenants/globex"]);
    let change: Value = serde_json::from_str(&gates.value("changes/00000000000000000003").unwrap()).unwrap();
    assert_eq!(change["hosts"], json!(["acme.example", "stray.example"]));
}

/// Entries of the index without a document, more than one transaction takes.
#[test]
fn what_is_left_of_a_tenant_can_be_deleted() {
    let gates = Gates::new();
    let entry = |number: usize| (format!("{}hosts/example.h{number}", gates.prefix).into_bytes(), "acme".to_owned());
    gates.etcd.put_all(&(0..300).map(entry).collect::<Vec<_>>());
    let (code, output, errors) = gates.run("delete", &["acme", "--yes", "--format", "json"], "");
    assert_eq!((code, errors.as_str()), (0, ""));
    let found: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(found["tenants"][0]["hosts"].as_array().unwrap().len(), 300);
    let left: Vec<(String, String)> = gates.keys();
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(left.iter().all(|(key, _)| key.starts_with("changes/")), "{left:?}");
}
