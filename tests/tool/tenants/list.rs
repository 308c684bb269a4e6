//! What `list` and `get` print.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::fixture::{Gates, SECRET, sharing, signed, tenant};
use crate::support::etcd::Etcd;
use crate::support::signer::Signer;
use crate::web_server::{Sent, serve};

/// Many tenants come in pages of 500.
#[test]
fn a_table_of_many_tenants() {
    let gates = Gates::new();
    let signer = Signer::eddsa();
    let document = |number: usize| {
        let tenant = json!({
            "name": format!("t{number:04}"), "hosts": [format!("t{number:04}.example")],
            "issuer": format!("https://i{number:04}.example"), "client_id": "gate", "client_secret": "plain",
            "provider": { "cluster": "i", "discovery": true },
        });
        (format!("{}tenants/t{number:04}", gates.prefix).into_bytes(), signed(&signer, &tenant))
    };
    gates.etcd.put_all(&(0..2000).map(document).collect::<Vec<_>>());
    let (code, output, errors) = gates.run("list", &[], "");
    assert_eq!((code, errors.as_str()), (0, ""));
    let lines: Vec<Vec<&str>> = output.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines.len(), 2001);
    assert_eq!(lines[0], ["NAME", "STATE", "SIGNED", "AT", "ISSUER", "HOSTS"]);
    for (number, line) in lines.iter().skip(1).enumerate() {
        let expected = [
            format!("t{number:04}"),
            "served".to_owned(),
            "2027-01-15T08:00:00Z".to_owned(),
            format!("https://i{number:04}.example"),
            format!("t{number:04}.example"),
        ];
        assert_eq!(*line, expected);
    }
    let (_, output, _) = gates.run("list", &["--format", "json"], "");
    let found: Value = serde_json::from_str(&output).unwrap();
    assert_eq!((found["tenants"].as_array().unwrap().len(), &found["count"]), (2000, &json!(2000)));
}

/// etcd deletes the revision of the pages while they are read.
#[test]
fn a_table_whose_revision_is_compacted() {
    let (gates, etcd) = (Gates::new(), Etcd::start(&[]));
    let signer = Signer::eddsa();
    let document = |number: usize| {
        let tenant = json!({ "name": format!("t{number:04}"), "hosts": [] });
        (format!("{}tenants/t{number:04}", gates.prefix).into_bytes(), signed(&signer, &tenant))
    };
    etcd.put_all(&(0..1200).map(document).collect::<Vec<_>>());
    let ranges = AtomicUsize::new(0);
    let way = serve(None, move |call| {
        if call.path == "/v3/kv/range" && ranges.fetch_add(1, Ordering::Relaxed) == 1 {
            etcd.put("another", "change");
            let (_, status) = etcd.post("/v3/maintenance/status", &json!({}));
            assert_eq!(etcd.post("/v3/kv/compaction", &json!({ "revision": status["header"]["revision"] })).0, 200);
        }
        let (status, answer) = etcd.post(&call.path, &serde_json::from_str(&call.body).unwrap());
        Some(Sent { status, headers: Vec::new(), body: answer.to_string() })
    });
    let (code, output, errors) = gates.run_at(way, "list", &[], "");
    assert_eq!((code, output.lines().count()), (2, 501));
    let says = "etcdserver: mvcc: required revision has been compacted; etcd has deleted that state of its keys while the command read it: run the command again\n";
    assert!(errors.ends_with(says), "{errors}");
}

#[test]
fn a_table_says_what_is_broken() {
    let gates = Gates::new();
    let (code, output, _) = gates.run("list", &[], "");
    assert_eq!((code, output), (0, format!("no tenant in http://{}\n", gates.etcd.address)));
    gates.applied(&sharing("acme", "acme.example, \"*.acme.example\"", "acme.example", "acme.example"));
    gates.etcd.put(&format!("{}tenants/forged\u{1b}[2J", gates.prefix), "nothing");
    let (code, output, _) = gates.run("list", &[], "");
    let lines: Vec<Vec<&str>> = output.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(code, 0);
    assert_eq!(lines[0][..2], ["acme", "served"]);
    assert_eq!(lines[0][4..], ["acme.example", "*.acme.example"]);
    assert_eq!(lines[1], ["forged\u{fffd}[2J", "broken", "-", "-", "-"]);
}

#[test]
fn a_tenant_is_printed_without_its_secret() {
    let gates = Gates::new();
    let more = "  access: [{paths: [/a], allow: public}, {allow: any_user}]\n";
    gates.applied(&tenant("Acme", "acme.example", more));
    gates.applied(&tenant("globex", "globex.example", ""));
    let (code, output, errors) = gates.run("get", &["ACME", "globex"], "");
    assert_eq!((code, errors.as_str()), (0, ""));
    let (head, rest) = output.split_once('\n').unwrap();
    assert!(head.starts_with("# signed at 20") && head.contains("Z by \""), "{head}");
    let expected = "- name: Acme
  hosts: [acme.example]
  issuer: https://login.acme.example
  client_id: gate-Acme
  client_secret: {sealed: …}
  provider: {cluster: i, discovery: true}
  access:
    - paths: [/a]
      allow: public
    - {allow: any_user}
# signed at ";
    assert!(rest.starts_with(expected), "{rest}");
    // Both are one file.
    let both: Value = serde_saphyr::from_str(&output).unwrap();
    assert_eq!((&both[0]["name"], &both[1]["name"]), (&json!("Acme"), &json!("globex")));
    let (_, output, _) = gates.run("get", &["acme", "--format", "json"], "");
    let found: Value = serde_json::from_str(&output).unwrap();
    let tenant = &found["tenants"][0]["tenant"];
    assert_eq!((&tenant["client_secret"], &tenant["name"]), (&json!({ "sealed": "…" }), &json!("Acme")));
    let sealed = gates.payload("acme")["tenant"]["client_secret"]["sealed"].as_str().unwrap().to_owned();
    assert!(!output.contains(&sealed));
    // One that somebody has signed with its secret in it.
    let plain = json!({ "name": "plain", "client_secret": SECRET, "client_key": { "pem": SECRET, "kid": "1" } });
    gates.etcd.put(&format!("{}tenants/plain", gates.prefix), &signed(&Signer::eddsa(), &plain));
    let (_, output, _) = gates.run("get", &["plain"], "");
    assert!(
        output.contains("client_secret: {sealed: …}\n  client_key:\n    kid: \"1\"\n    pem: {sealed: …}\n"),
        "{output}"
    );
    let (code, output, errors) = gates.run("get", &["none", "globex"], "");
    assert!(code == 2 && output.contains("- name: globex"), "{output}");
    assert_eq!(errors, "tenantgate: there is no tenant \"none\" in etcd\n");
}
