//! Mistakes that were written by somebody who knew the reference and not the checks: each is one
//! change of a correct file, and the tool has to name the place and say what to write instead.

use serde_json::Value;

use super::run;

const TENANTS: &str = r#"session:
  keys:
    - {id: "2026-11", env: TENANTGATE_SESSION_KEY}
  lifetime: 8h
  idle: 1h
tenants:
  - name: acme
    hosts: [acme.example.com]
    issuer: https://login.acme.example
    client_id: tenantgate
    client_secret: {env: ACME_CLIENT_SECRET}
    provider:
      cluster: login_acme
      discovery: true
      timeout: 3s
    login:
      scopes: [openid, profile, email, groups]
    identity:
      user: email
    roles:
      - {name: admin, groups: [platform-admins]}
    access:
      - {paths: [/healthz], allow: public}
      - {paths: [/admin, /admin/*], allow: {roles: [admin]}}
      - {allow: {groups: [engineers]}}
    bearer:
      audiences: [reports]
  - name: globex
    hosts: ["*.globex.example"]
    issuer: https://login.globex.example
    client_id: tenantgate
    client_secret: {env: GLOBEX_CLIENT_SECRET}
    provider:
      cluster: login_globex
      discovery: true
    login:
      redirect_uri: https://www.globex.example/oauth2/callback
      cookie_domain: globex.example
"#;
const ENVOY: &str = include_str!("../../envoy/envoy.yaml");
const ISTIO: &str = include_str!("../../envoy/istio.yaml");
const ENVOY_GATEWAY: &str = include_str!("../../envoy/envoy-gateway.yaml");

/// One change of a file, and what the tool says of it.
struct Mistake {
    file: &'static str,
    old: &'static str,
    new: &'static str,
    code: &'static str,
    /// The text at the line and column of the finding.
    place: &'static str,
    /// A part of what to write instead.
    remedy: &'static str,
}

const fn mistake(
    file: &'static str,
    [old, new]: [&'static str; 2],
    code: &'static str,
    place: &'static str,
    remedy: &'static str,
) -> Mistake {
    Mistake { file, old, new, code, place, remedy }
}

// One mistake in each line.
#[rustfmt::skip]
const MISTAKES: &[Mistake] = &[
    mistake(TENANTS, ["lifetime: 8h", "lifetime: 8"], "TG004", "8", "8h"),
    mistake(TENANTS, ["idle: 1h", "idle: 12h"], "TG025", "12h", "shorter `idle`"),
    mistake(TENANTS, ["timeout: 3s", "timeout: 3000"], "TG004", "3000", r#""3s""#),
    mistake(TENANTS, ["hosts: [acme.example.com]", r#"hosts: ["https://acme.example.com"]"#], "TG011", r#""https://acme.example.com""#, r#"write "acme.example.com""#),
    mistake(TENANTS, ["issuer: https://login.acme.example", "issuer: https://login.acme.example/.well-known/openid-configuration"], "TG224", "https://login.acme.example/.well-known", r#""https://login.acme.example""#),
    mistake(TENANTS, ["issuer: https://login.acme.example", "issuer: login.acme.example"], "TG007", "login.acme.example", "https://"),
    mistake(TENANTS, ["client_secret: {env: ACME_CLIENT_SECRET}", "client_secret: ${ACME_CLIENT_SECRET}"], "TG233", "${ACME_CLIENT_SECRET}", "{env: ACME_CLIENT_SECRET}"),
    mistake(TENANTS, ["client_secret: {env: ACME_CLIENT_SECRET}", "client_secret: {env: $ACME_CLIENT_SECRET}"], "TG233", "$ACME_CLIENT_SECRET", "{env: ACME_CLIENT_SECRET}"),
    mistake(TENANTS, ["client_secret: {env: ACME_CLIENT_SECRET}", "client_secret: {file: /etc/secrets/acme}"], "TG004", "{file:", "{env: NAME}"),
    mistake(TENANTS, ["client_id: tenantgate\n    client_secret: {env: ACME", "clientId: tenantgate\n    client_secret: {env: ACME"], "TG003", "clientId", r#""client_id""#),
    mistake(TENANTS, ["scopes: [openid, profile, email, groups]", "scopes: [profile, email, groups]"], "TG016", "[profile", "openid"),
    mistake(TENANTS, ["scopes: [openid, profile, email, groups]", "scopes: openid profile email groups"], "TG004", "openid profile", "[openid, profile, email, groups]"),
    mistake(TENANTS, ["cluster: login_acme", "cluster: https://login.acme.example"], "TG230", "https://login.acme.example", "`name` of the cluster"),
    mistake(TENANTS, ["allow: {roles: [admin]}", "allow: {role: [admin]}"], "TG003", "role", r#""roles""#),
    mistake(TENANTS, ["allow: {roles: [admin]}", "allow: {roles: [administrator]}"], "TG022", "administrator", "roles: [{name: administrator"),
    mistake(TENANTS, ["paths: [/admin, /admin/*]", "path: /admin/*"], "TG003", "path", r#""paths""#),
    mistake(TENANTS, ["paths: [/admin, /admin/*]", "paths: [admin, /admin/*]"], "TG022", "admin", r#"write "/admin""#),
    mistake(TENANTS, ["paths: [/healthz]", r#"paths: ["/healthz?probe=1"]"#], "TG022", r#""/healthz?probe=1""#, r#"write "/healthz""#),
    mistake(TENANTS, ["{allow: {groups: [engineers]}}", "{allow: authenticated}"], "TG022", "authenticated", "any_user"),
    mistake(TENANTS, ["      - {paths: [/admin, /admin/*], allow: {roles: [admin]}}\n      - {allow: {groups: [engineers]}}", "      - {allow: {groups: [engineers]}}\n      - {paths: [/admin, /admin/*], allow: {roles: [admin]}}"], "TG200", "{paths: [/admin", "put it before that"),
    mistake(TENANTS, ["redirect_uri: https://www.globex.example/oauth2/callback", "redirect_uri: https://www.globex.example/callback"], "TG016", "https://www.globex.example/callback", "https://www.globex.example/oauth2/callback"),
    mistake(TENANTS, ["redirect_uri: https://www.globex.example/oauth2/callback", "redirect_uri: https://www.globex.com/oauth2/callback"], "TG016", "https://www.globex.com", "https://www.globex.example/oauth2/callback"),
    mistake(TENANTS, ["client_id: tenantgate\n    client_secret: {env: ACME", "sessions_not_before: 2026-11-25\n    client_id: tenantgate\n    client_secret: {env: ACME"], "TG006", "2026-11-25", "2026-11-25T08:30:00Z"),
    mistake(TENANTS, ["audiences: [reports]", "audience: reports"], "TG003", "audience", "audiences: [...]"),
    mistake(TENANTS, ["groups: [platform-admins]", "groups: platform-admins"], "TG004", "platform-admins", "[platform-admins]"),
    mistake(ENVOY, ["host_env_keys: [TENANTGATE_SESSION_KEY, ACME_CLIENT_SECRET, GLOBEX_CLIENT_SECRET]", "host_env_keys: [TENANTGATE_SESSION_KEY, ACME_CLIENT_SECRET]"], "TG008", "GLOBEX_CLIENT_SECRET}", "host_env_keys"),
    mistake(ENVOY, ["    - name: provider_acme", "    - name: provider-acme"], "TG120", "provider_acme", "provider-acme"),
    mistake(ENVOY, ["                        allow_on_headers_stop_iteration: true\n", ""], "TG132", "name: tenantgate", "allow_on_headers_stop_iteration: true"),
    mistake(ENVOY, ["google.protobuf.Struct", "google.protobuf.StringValue"], "TG110", "name: tenantgate", "google.protobuf.Struct"),
    mistake(ENVOY, ["runtime: envoy.wasm.runtime.v8", "runtime: envoy.wasm.runtime.v9"], "TG134", "envoy.wasm.runtime.v9", "envoy.wasm.runtime.v8"),
    mistake(ISTIO, ["{name: ACME_CLIENT_SECRET, valueFrom: HOST}", "{name: ACME_CLIENT_SECRET}"], "TG008", "ACME_CLIENT_SECRET", "valueFrom: HOST"),
    mistake(ISTIO, ["cluster: outbound|443||dex.acme.example", "cluster: outbound|443|dex.acme.example"], "TG120", "outbound|443|dex", "outbound|443||dex.acme.example"),
    mistake(ISTIO, ["  host: dex.acme.example\n", "  host: dex-acme.example\n"], "TG122", "dex-acme", "host: dex.acme.example"),
    mistake(ISTIO, ["mode: SIMPLE", "mode: DISABLE"], "TG122", "DISABLE", "SIMPLE"),
    mistake(ISTIO, ["    tenants:\n      - name: acme", "      tenants:\n      - name: acme"], "TG003", "tenants:", "beside `session`"),
    mistake(ENVOY_GATEWAY, ["hostKeys: [TENANTGATE_SESSION_KEY, ACME_CLIENT_SECRET]", "hostKeys: [TENANTGATE_SESSION_KEY]"], "TG008", "ACME_CLIENT_SECRET}", "env.hostKeys"),
    mistake(ENVOY_GATEWAY, ["failOpen: false", "failOpen: true"], "TG130", "true", "failOpen: false"),
];

/// The findings about a file.
fn found(text: &str) -> Vec<Value> {
    let (_, output, errors) = run(&["check", "-", "--assume-env", "--format", "json"], text);
    let report: Value = serde_json::from_str(&output).unwrap_or_else(|_| panic!("{output}{errors}"));
    report["diagnostics"].as_array().unwrap().clone()
}

fn assert_found(text: &str, Mistake { new, code, place, remedy, .. }: &Mistake) {
    let found = found(text);
    let fits = |one: &Value| {
        let number = |name: &str| usize::try_from(one[name].as_u64().unwrap_or(1)).unwrap() - 1;
        let line = text.lines().nth(number("line")).unwrap();
        let at: String = line.chars().skip(number("column")).collect();
        one["code"] == *code && at.starts_with(place) && one["help"].as_str().is_some_and(|help| help.contains(remedy))
    };
    assert!(found.iter().any(fits), "{new}: {code} at {place:?} with {remedy:?}, but found: {found:#?}");
}

#[test]
fn each_mistake_has_its_code_place_and_remedy() {
    for file in [TENANTS, ENVOY, ISTIO, ENVOY_GATEWAY] {
        assert_eq!(found(file), <[Value; 0]>::default());
    }
    for mistake in MISTAKES {
        let Mistake { file, old, new, .. } = mistake;
        assert!(file.contains(old), "{old}");
        assert_found(&file.replacen(old, new, 1), mistake);
    }
}

/// The filters of Envoy's example: the text before them, the gate, the router, and the rest.
fn filters() -> [&'static str; 4] {
    let [gate, router, clusters] = ["- name: tenantgate\n", "- name: envoy.filters.http.router", "\n\n  clusters:"]
        .map(|start| ENVOY.find(start).unwrap());
    let start = |at: usize| ENVOY[..at].rfind('\n').unwrap() + 1;
    let (gate, router) = (start(gate), start(router));
    [&ENVOY[..gate], &ENVOY[gate..router], &ENVOY[router..=clusters], &ENVOY[clusters + 1..]]
}

#[test]
fn the_router_before_the_gate() {
    let [head, gate, router, rest] = filters();
    let text = [head, router, gate, rest].concat();
    assert_found(&text, &mistake(ENVOY, ["", ""], "TG140", "envoy.filters.http.router", "at the end"));
}

#[test]
fn the_gate_twice() {
    let [head, gate, router, rest] = filters();
    let text = [head, gate, gate, router, rest].concat();
    assert_found(&text, &mistake(ENVOY, ["", ""], "TG145", "tenantgate", "remove one of the two"));
}

#[test]
fn another_provider_at_an_address() {
    let at = ENVOY.rfind("port_value: 8081").unwrap();
    let text = [&ENVOY[..at], "port_value: 8082", &ENVOY[at + "port_value: 8081".len()..]].concat();
    assert_found(&text, &mistake(ENVOY, ["", ""], "TG126", "8082", "port_value: 8081"));
}
