//! Several writers at once. A way to etcd lets another one write just before a transaction.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::fixture::{Gates, cluster, signed, tenant};
use crate::support::signer::Signer;
use crate::web_server::{Sent, serve};

/// A way to the etcd of these gates. `before` runs with the number and the body of each write
/// before it.
fn way(gates: &Gates, before: impl Fn(usize, &Value) + Send + Sync + 'static) -> SocketAddr {
    let (etcd, writes) = (gates.etcd, AtomicUsize::new(0));
    serve(None, move |call| {
        let body: Value = serde_json::from_str(&call.body).unwrap();
        if call.path == "/v3/kv/txn" && body.get("compare").is_some() {
            before(writes.fetch_add(1, Ordering::Relaxed), &body);
        }
        let (status, answer) = etcd.post(&call.path, &body);
        Some(Sent { status, headers: Vec::new(), body: answer.to_string() })
    })
}

/// Applies acme by this way to etcd, while `keys` are written before the first write.
fn apply_while(gates: &Gates, keys: Vec<(String, String)>) -> (i32, String, String) {
    let etcd = gates.etcd;
    let way = way(gates, move |number, _| {
        keys.iter().filter(|_| number == 0).for_each(|(key, value)| etcd.put(key, value));
    });
    let acme = tenant("acme", "acme.example, new.example", "");
    gates.run_at(way, "apply", &["-", "--key", &gates.path("ed.pem"), "--yes"], &acme)
}

#[test]
fn one_of_two_writers_of_a_tenant_is_told() {
    let gates = Gates::new();
    gates.applied(&tenant("acme", "acme.example", ""));
    let other = signed(&Signer::eddsa(), &json!({ "name": "acme", "hosts": [] }));
    let (code, _, errors) = apply_while(&gates, vec![(format!("{}tenants/acme", gates.prefix), other.clone())]);
    assert_eq!(code, 2);
    let says = "tenantgate: acme: another writer has written it since it was read; nothing was written; look at the difference again\n";
    assert_eq!(errors, says);
    assert_eq!(gates.value("tenants/acme").unwrap(), other);
    assert!(gates.value("hosts/example.new").is_none());
}

#[test]
fn a_tenant_that_was_deleted_meanwhile_does_not_come_back() {
    let gates = Gates::new();
    gates.applied(&tenant("acme", "acme.example", ""));
    let (etcd, key) = (gates.etcd, format!("{}tenants/acme/", gates.prefix));
    // The range from the key on and before the next one.
    let way = way(&gates, move |_, _| {
        let key = crate::support::http::base64(key.trim_end_matches('/'));
        assert_eq!(etcd.post("/v3/kv/deleterange", &json!({ "key": key })).0, 200);
    });
    let acme = tenant("acme", "acme.example, new.example", "");
    let (code, _, errors) = gates.run_at(way, "apply", &["-", "--key", &gates.path("ed.pem"), "--yes"], &acme);
    assert!(code == 2 && errors.contains("acme: another writer has deleted it since it was read; nothing"), "{errors}");
    assert!(gates.value("tenants/acme").is_none());
}

#[test]
fn a_host_that_was_taken_meanwhile_stays_with_its_tenant() {
    let gates = Gates::new();
    let taken = format!("{}hosts/example.new", gates.prefix);
    let (code, _, errors) = apply_while(&gates, vec![(taken, "globex".to_owned())]);
    assert_eq!(code, 2);
    assert!(errors.contains("hosts: \"new.example\" belongs to tenant \"globex\" in etcd"), "{errors}");
    assert!(errors.ends_with("; nothing was written\n"), "{errors}");
    assert_eq!(gates.keys(), [("hosts/example.new".to_owned(), "globex".to_owned())]);
}

/// Another tenant took the number in the log.
#[test]
fn a_write_is_made_again_after_that_of_another_tenant() {
    let gates = Gates::new();
    let log = format!("{}changes/00000000000000000001", gates.prefix);
    let (code, output, errors) = apply_while(&gates, vec![(log, r#"{"tenant":"other","hosts":[]}"#.to_owned())]);
    assert_eq!((code, errors.as_str()), (0, ""), "{output}");
    assert!(gates.value("changes/00000000000000000001").unwrap().contains("other"));
    assert!(gates.value("changes/00000000000000000002").unwrap().contains("acme"));
}

/// A write whose answer is lost is found to be there.
#[test]
fn an_own_write_is_known_again() {
    let gates = Gates::new();
    let etcd = gates.etcd;
    let way = way(&gates, move |_, body| assert_eq!(etcd.post("/v3/kv/txn", body).1["succeeded"], true));
    let acme = tenant("acme", "acme.example", "");
    let (code, output, errors) = gates.run_at(way, "apply", &["-", "--key", &gates.path("ed.pem"), "--yes"], &acme);
    assert_eq!((code, errors.as_str()), (0, ""), "{output}");
    assert_eq!(gates.keys().iter().filter(|(key, _)| key.starts_with("changes/")).count(), 1);
}

/// A member of etcd that answers 503 may have written before, or not.
#[test]
fn the_next_member_is_asked_after_503() {
    for (has_written, is_asked_to_write) in [(true, true), (false, true), (false, false)] {
        let gates = Gates::new();
        gates.applied(&tenant("acme", "acme.example", ""));
        let etcd = gates.etcd;
        let cut_off = serve(None, move |call| {
            let body: Value = serde_json::from_str(&call.body).unwrap();
            let is_write = body.get("compare").is_some();
            if is_asked_to_write && !is_write {
                let (status, answer) = etcd.post(&call.path, &body);
                return Some(Sent { status, headers: Vec::new(), body: answer.to_string() });
            }
            if is_write && has_written {
                assert_eq!(etcd.post(&call.path, &body).1["succeeded"], true);
            }
            let answer = json!({ "code": 14, "message": "etcdserver: request timed out" });
            Some(Sent { status: 503, headers: Vec::new(), body: answer.to_string() })
        });
        let members = [("127.0.0.1", cut_off.port()), ("127.0.0.1", etcd.address.port())];
        gates.add_clusters(&json!([cluster("etcd", &members)]));
        let (code, output, errors) = gates.run_by_file("delete", &["acme", "--yes"], "");
        assert_eq!((code, errors.as_str()), (0, ""), "{output}");
        let keys = gates.keys();
        let names: Vec<&str> = keys.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(names, ["changes/00000000000000000001", "changes/00000000000000000002"], "{has_written}");
    }
}

/// A member that refuses says nothing of what another one has done whose answer is lost.
#[test]
fn a_refusal_after_a_lost_answer_does_not_say_that_nothing_was_written() {
    for (is_asked_first, says) in [(true, "whether it is deleted is not known"), (false, "nothing was written")] {
        let gates = Gates::new();
        gates.applied(&tenant("acme", "acme.example", ""));
        let etcd = gates.etcd;
        let pass = move |body: &Value, path: &str| {
            let (status, answer) = etcd.post(path, body);
            Some(Sent { status, headers: Vec::new(), body: answer.to_string() })
        };
        let silent = serve(None, move |call| {
            let body: Value = serde_json::from_str(&call.body).unwrap();
            let answer = pass(&body, &call.path);
            // The connection ends.
            if body.get("compare").is_some() { None } else { answer }
        });
        let refusing = serve(None, move |call| {
            let body: Value = serde_json::from_str(&call.body).unwrap();
            if body.get("compare").is_none() {
                return pass(&body, &call.path);
            }
            let answer = json!({ "code": 7, "message": "etcdserver: permission denied" });
            Some(Sent { status: 403, headers: Vec::new(), body: answer.to_string() })
        });
        let all = [("127.0.0.1", silent.port()), ("127.0.0.1", refusing.port())];
        let members = if is_asked_first { &all[..] } else { &all[1..] };
        gates.add_clusters(&json!([cluster("etcd", members)]));
        let (code, _, errors) = gates.run_by_file("delete", &["acme", "--yes"], "");
        assert!(code == 2 && errors.contains(&format!("permission denied; {says}")), "{errors}");
        assert_eq!(gates.value("tenants/acme").is_none(), is_asked_first);
    }
}

/// Tenants that have nothing in common are all written, each with its own entry in the log.
#[test]
fn writers_of_different_tenants_do_not_disturb_each_other() {
    let gates = Gates::new();
    let tenants =
        |of: &str| (0..8).map(|n| tenant(&format!("{of}{n}"), &format!("{of}{n}.example"), "")).collect::<String>();
    thread::scope(|scope| {
        for writer in ["a", "b", "c", "d"] {
            scope.spawn(|| gates.applied(&tenants(writer)));
        }
    });
    let keys = gates.keys();
    let count = |prefix: &str| keys.iter().filter(|(key, _)| key.starts_with(prefix)).count();
    assert_eq!((count("changes/"), count("hosts/"), count("tenants/")), (32, 32, 32));
    let (code, output, _) = gates.run("status", &[], "");
    assert!(code == 0 && output.ends_with("32 served, 0 broken\n"), "{output}");
}
