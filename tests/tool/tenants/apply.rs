//! What `apply` writes and shows.

use serde_json::{Value, json};

use super::fixture::{Gates, SECRET, header, tenant};
use crate::run;

#[test]
fn a_tenant_is_written_whole() {
    let gates = Gates::new();
    let login = "  login: {backchannel_logout_path: /bc, frontchannel_logout_path: /fc, cookie_domain: acme.example, \
                 redirect_uri: \"https://acme.example/oauth2/callback\", \
                 post_logout_redirect_uri: \"https://acme.example/bye\"}\n";
    let output = gates.applied(&tenant("Acme", "acme.example, \"*.acme.example\"", login));
    let place = format!("http://{}", gates.etcd.address);
    assert_eq!(
        output,
        format!(
            "Acme: is new
  + name: Acme
  + hosts: [acme.example, \"*.acme.example\"]
  + issuer: https://login.acme.example
  + client_id: gate-Acme
  + client_secret: {{sealed: …}}
  + provider: {{cluster: i, discovery: true}}
  + login:
  +   backchannel_logout_path: /bc
  +   cookie_domain: acme.example
  +   frontchannel_logout_path: /fc
  +   post_logout_redirect_uri: https://acme.example/bye
  +   redirect_uri: https://acme.example/oauth2/callback
Acme: written to {place}; every gate serves it within about 10s
  to register at https://login.acme.example:
    redirect URI              https://acme.example/oauth2/callback
    post logout redirect URI  https://acme.example/bye
    back-channel logout URI   https://acme.example/bc
    front-channel logout URI  https://acme.example/fc
    login initiation URI      https://acme.example/oauth2/login (only for a portal)
"
        )
    );
    let keys = gates.keys();
    let names: Vec<&str> = keys.iter().map(|(key, _)| key.as_str()).collect();
    let log = "changes/00000000000000000001";
    assert_eq!(names, [log, "hosts/example.acme", "hosts/example.acme.*", "tenants/acme"]);
    let mut change: Value = serde_json::from_str(&keys[0].1).unwrap();
    assert_eq!(change["id"].take().as_str().map(str::len), Some(16));
    assert_eq!(change, json!({ "id": null, "tenant": "Acme", "hosts": ["acme.example", "*.acme.example"] }));
    assert_eq!((keys[1].1.as_str(), keys[2].1.as_str()), ("Acme", "Acme"));
    let document = header(&keys[3].1);
    assert_eq!((&document["alg"], &document["typ"]), (&json!("EdDSA"), &json!("tenantgate-tenant+jws")));
    let payload = gates.payload("acme");
    let sealed = payload["tenant"]["client_secret"]["sealed"].as_str().unwrap();
    assert!(sealed.starts_with("a.") && !payload.to_string().contains(SECRET), "{payload}");
}

/// What was written before is not written again, though a seal is never the same twice.
#[test]
fn what_has_not_changed_is_not_written() {
    let gates = Gates::new();
    let acme = tenant("acme", "acme.example", "");
    gates.applied(&acme);
    let before = gates.keys();
    assert_eq!(gates.applied(&acme), "acme: is unchanged\n");
    assert_eq!(gates.keys(), before);
}

#[test]
fn hosts_come_and_go_with_the_tenant() {
    let gates = Gates::new();
    gates.applied(&tenant("acme", "acme.example, old.example", ""));
    let output = gates.applied(&tenant("acme", "acme.example, new.example", ""));
    assert!(
        output.contains("\n  - hosts: [acme.example, old.example]\n  + hosts: [acme.example, new.example]\n"),
        "{output}"
    );
    let names: Vec<String> = gates.keys().into_iter().map(|(key, _)| key).collect();
    let [first, second] = ["changes/00000000000000000001", "changes/00000000000000000002"];
    assert_eq!(names, [first, second, "hosts/example.acme", "hosts/example.new", "tenants/acme"]);
    let change: Value = serde_json::from_str(&gates.value(second).unwrap()).unwrap();
    assert_eq!(change["hosts"], json!(["acme.example", "new.example", "old.example"]));
    // The host is free for another tenant.
    gates.applied(&tenant("globex", "old.example", ""));
    assert_eq!(gates.value("hosts/example.old").unwrap(), "globex");
}

#[test]
fn a_difference_shows_no_secret() {
    let gates = Gates::new();
    let acme = tenant("acme", "acme.example", "  access: [{allow: {groups: [engineers]}}]\n");
    gates.applied(&acme);
    let key = gates.path("ed.pem");
    let before = gates.keys();
    let (code, output, errors) = gates.run("diff", &["-"], &acme);
    assert_eq!((code, output.as_str(), errors.as_str()), (0, "acme: is unchanged\n", ""));
    let changed = acme.replace("engineers", "admins").replace("{env: SECRET_acme}", "{env: NEW_SECRET}");
    let new = ["-", "--env", "NEW_SECRET=staple-battery-horse"];
    let expected = "acme: changes
    issuer: https://login.acme.example
    client_id: gate-acme
  - client_secret: {sealed: …}
  + client_secret: {sealed: …} # changed
    provider: {cluster: i, discovery: true}
    access:
      - allow:
  -       groups: [engineers]
  +       groups: [admins]
";
    let (code, output, errors) = gates.run("diff", &new, &changed);
    assert_eq!((code, output.as_str(), errors.as_str()), (1, expected, ""));
    let dry = [&new[..], &["--key", &key, "--dry-run"]].concat();
    let (code, output, errors) = gates.run("apply", &dry, &changed);
    assert_eq!((code, output.as_str(), errors.as_str()), (0, expected, ""));
    assert_eq!(gates.keys(), before);
    let (code, output, _) = gates.run("diff", &[&new[..], &["--format", "json"]].concat(), &changed);
    let found: Value = serde_json::from_str(&output).unwrap();
    assert_eq!((code, &found["changes"]), (1, &json!(1)));
    let acme = &found["tenants"][0];
    assert_eq!((&acme["name"], &acme["change"], &acme["written"]), (&json!("acme"), &json!("changes"), &json!(false)));
    assert_eq!(acme["register"][0], json!({ "name": "redirect URI", "uri": "https://acme.example/oauth2/callback" }));
    assert!(acme["diff"].as_array().unwrap().contains(&json!("+ client_secret: {sealed: …} # changed")), "{acme}");
}

/// One tenant, a list, what `onboard` writes, several documents, JSON.
#[test]
fn files_have_tenants_in_several_forms() {
    let gates = Gates::new();
    let (code, onboarded, _) = run(
        &[
            "onboard",
            "--issuer",
            "https://sso.acme.example/realms/acme",
            "--host",
            "sales.acme.example",
            "--format",
            "yaml",
        ],
        "",
    );
    assert_eq!(code, 0);
    let key = gates.path("ed.pem");
    let onboarded = gates.file("onboarded.yaml", &onboarded);
    let list = tenant("two", "two.example", "");
    let one = "name: one\nhosts: [one.example]\nissuer: https://i.example\nclient_id: c\n\
               client_secret: {env: ACME_SECRET}\nprovider: {cluster: i, discovery: true}\n";
    let several = gates.file("several.yaml", &format!("{one}---\n{list}"));
    let json = json!({
        "name": "three", "hosts": ["three.example"], "issuer": "https://i.example", "client_id": "d",
        "client_secret": { "env": "ACME_SECRET" }, "provider": { "cluster": "i", "discovery": true },
    });
    let json = gates.file("one.json", &json.to_string());
    let arguments = [
        &onboarded,
        &several,
        &json,
        "--key",
        &key,
        "--yes",
        "--env",
        "SALES_CLIENT_SECRET=a-long-secret",
        "--env",
        "SECRET_two=another-long-secret",
        "--env",
        "ACME_SECRET=one-more",
    ];
    let (code, output, errors) = gates.run("apply", &arguments, "");
    assert_eq!(code, 0, "{output}{errors}");
    let names: Vec<String> =
        gates.keys().into_iter().map(|(key, _)| key).filter(|key| key.starts_with("tenants/")).collect();
    assert_eq!(names, ["tenants/one", "tenants/sales", "tenants/three", "tenants/two"]);
}

/// The private key may be a JWK, and for P-256.
#[test]
fn keys_of_both_kinds_sign() {
    use crate::support::signer::Signer;
    let gates = Gates::new();
    gates.configure(&["a"], &[&Signer::es256()]);
    let acme = tenant("acme", "acme.example", "");
    let (code, output, errors) = gates.run("apply", &["-", "--key", &gates.path("ec.pem"), "--yes"], &acme);
    assert_eq!(code, 0, "{output}{errors}");
    assert_eq!(header(&gates.value("tenants/acme").unwrap())["alg"], "ES256");
    let (code, output, _) = gates.run("status", &[], "");
    assert_eq!((code, output.as_str()), (0, "acme: served\n1 served, 0 broken\n"));
}

/// The log has the last 1,000 changes.
#[test]
fn old_entries_of_the_log_go() {
    let gates = Gates::new();
    let entry = |number: u32| {
        (format!("{}changes/{number:020}", gates.prefix).into_bytes(), r#"{"tenant":"x","hosts":[]}"#.to_owned())
    };
    gates.etcd.put_all(&(1..=1500).map(entry).collect::<Vec<_>>());
    gates.applied(&tenant("acme", "acme.example", ""));
    let log: Vec<String> =
        gates.keys().into_iter().map(|(key, _)| key).filter(|key| key.starts_with("changes/")).collect();
    let (first, last) = (log.first().unwrap().as_str(), log.last().unwrap().as_str());
    assert_eq!((first, last), ("changes/00000000000000000502", "changes/00000000000000001501"));
}

/// Of several tenants, those before a refusal are written, and it is said of each.
#[test]
fn a_refusal_ends_the_run() {
    let gates = Gates::new();
    gates.applied(&tenant("owner", "taken.example", ""));
    let [one, two, three] = [("one", "one.example"), ("two", "taken.example"), ("three", "three.example")]
        .map(|(name, host)| tenant(name, host, ""));
    let (code, output, errors) = gates.apply(&format!("{one}{two}{three}"));
    assert_eq!(code, 2);
    assert!(output.contains("one: written to ") && output.ends_with("three: not reached\n"), "{output}");
    assert!(errors.starts_with("tenantgate: two: hosts: \"taken.example\" belongs to tenant \"owner\""), "{errors}");
    assert!(gates.value("tenants/one").is_some());
    assert!(gates.value("tenants/two").is_none() && gates.value("tenants/three").is_none());
}

#[test]
fn nothing_is_written_without_consent() {
    let gates = Gates::new();
    let (code, output, errors) =
        gates.run("apply", &["-", "--key", &gates.path("ed.pem")], &tenant("acme", "acme.example", ""));
    assert!(code == 2 && output.starts_with("acme: is new\n"), "{output}");
    assert_eq!(errors, "tenantgate: acme: nothing was written, because there is no terminal to ask at; give `--yes`\n");
    assert!(gates.keys().is_empty());
}
