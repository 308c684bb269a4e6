//! The configuration of most scenarios: two tenants that differ only in name, host and issuer.

use serde_json::{Value, json};

use super::issuer::Issuer;

/// 32 bytes that are not secret.
pub const SESSION_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// 32 other bytes.
pub const OTHER_SESSION_KEY: &str = "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA=";

/// The tenant `name` on `<name>.example`, with `issuer` behind the cluster `name`.
pub fn tenant(name: &str, issuer: &Issuer) -> Value {
    let (method, secret) = &issuer.authentication;
    let mut tenant = json!({
        "name": name,
        "hosts": [format!("{name}.example")],
        "issuer": issuer.url,
        "client_id": issuer.client_id,
        "keys": [issuer.signer.configured()],
        "provider": {
            "cluster": name,
            "authorization_endpoint": format!("{}/auth", issuer.url),
            "token_endpoint": format!("{}/token", issuer.url),
            "end_session_endpoint": format!("{}/logout", issuer.url),
            "token_endpoint_auth_method": method,
            "timeout": "2s",
        },
        "login": { "post_logout_redirect_uri": format!("https://{name}.example/") },
    });
    match *method {
        "none" => {}
        "private_key_jwt" => tenant["client_key"] = json!({ "pem": secret, "kid": "client-key" }),
        _ => tenant["client_secret"] = json!(secret),
    }
    tenant
}

/// A complete configuration with these tenants.
pub fn configuration(tenants: &[Value]) -> Value {
    json!({ "session": { "keys": [{ "id": "k1", "key": SESSION_KEY }] }, "tenants": tenants })
}
