//! The secrets in a document: `client_secret`, and the private key in `client_key`.

use serde_json::{Map, Value, json};

use crate::env::Env;
use crate::seal::{KeyRing, Purpose, SealError};

/// Replaces each secret that is a string by `{sealed: …}`, which only the gates with these session
/// keys open, and only for the tenant with this name.
///
/// # Errors
/// [`SealError`] if there is no session key or no random bytes.
pub fn seal_secrets(
    tenant: &mut Map<String, Value>,
    name: &str,
    ring: &KeyRing,
    env: &mut Env<'_>,
) -> Result<(), SealError> {
    for (field, secret) in secrets(tenant) {
        if let Some(text) = secret.as_str() {
            let sealed = ring.seal_for_field(Purpose::Secret, &name.to_ascii_lowercase(), field, &text, env)?;
            *secret = json!({ SEALED: sealed });
        }
    }
    Ok(())
}

/// Replaces each `{sealed: …}` by the secret. One that does not open for this tenant stays, and is
/// a mistake for the loader.
pub fn open_secrets(tenant: &mut Map<String, Value>, name: &str, ring: &KeyRing) {
    for (field, secret) in secrets(tenant) {
        let sealed = secret.as_object().filter(|members| members.len() == 1).and_then(|members| members.get(SEALED));
        let opened = sealed.and_then(Value::as_str).and_then(|sealed| {
            ring.open_for_field::<String>(Purpose::Secret, &name.to_ascii_lowercase(), field, sealed.as_bytes())
        });
        if let Some(text) = opened {
            *secret = Value::String(text);
        }
    }
}

/// The values that have a secret, with the field.
fn secrets(tenant: &mut Map<String, Value>) -> Vec<(&'static str, &mut Value)> {
    let mut secrets = Vec::new();
    for (name, value) in tenant {
        match (name.as_str(), value) {
            ("client_secret", value) => secrets.push(("client_secret", value)),
            ("client_key", Value::Object(key)) => {
                let private = key.iter_mut().filter(|(name, _)| matches!(name.as_str(), "pem" | "jwk"));
                secrets.extend(private.map(|(_, value)| ("client_key", value)));
            }
            _ => {}
        }
    }
    secrets
}

const SEALED: &str = "sealed";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestHost, runtime};

    #[test]
    fn secrets_open_for_their_tenant_and_their_keys_only() {
        let (own, other) = (runtime(&["k"]), runtime(&["another"]));
        let plain = json!({ "name": "Acme", "client_secret": "s3cret", "client_key": { "pem": "PEM", "kid": "1" } });
        let plain = plain.as_object().unwrap();
        let mut sealed = plain.clone();
        seal_secrets(&mut sealed, "Acme", own.ring(), &mut TestHost::default().env()).unwrap();
        let text = Value::Object(sealed.clone()).to_string();
        assert!(!text.contains("s3cret") && !text.contains("PEM") && sealed["client_key"]["kid"] == "1", "{text}");
        let open = |name: &str, ring| {
            let mut opened = sealed.clone();
            open_secrets(&mut opened, name, ring);
            opened
        };
        assert_eq!(open("acme", own.ring()), *plain);
        assert_eq!(open("globex", own.ring()), sealed);
        assert_eq!(open("acme", other.ring()), sealed);
    }

    /// A secret that somebody moves to another field is not used there.
    #[test]
    fn a_secret_opens_in_its_field_only() {
        let ring = runtime(&["k"]);
        let mut tenant = json!({ "client_secret": "s3cret" }).as_object().unwrap().clone();
        seal_secrets(&mut tenant, "acme", ring.ring(), &mut TestHost::default().env()).unwrap();
        let sealed = tenant["client_secret"].clone();
        let mut moved = json!({ "client_key": { "jwk": sealed } }).as_object().unwrap().clone();
        let mut odd = json!({ "client_secret": { "sealed": sealed["sealed"], "x": 1 } }).as_object().unwrap().clone();
        for tenant in [&mut moved, &mut odd] {
            let before = tenant.clone();
            open_secrets(tenant, "acme", ring.ring());
            assert_eq!(*tenant, before);
        }
    }

    #[test]
    fn a_variable_is_not_sealed() {
        let mut tenant = json!({ "client_secret": { "env": "SECRET" } }).as_object().unwrap().clone();
        let before = tenant.clone();
        seal_secrets(&mut tenant, "acme", runtime(&["k"]).ring(), &mut TestHost::default().env()).unwrap();
        assert_eq!(tenant, before);
    }
}
