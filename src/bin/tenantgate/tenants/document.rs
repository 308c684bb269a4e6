//! What a document has, without a model of it: it may have mistakes.

use serde_json::{Map, Value};
use tenantgate::http::host::{Host, HostPattern};

use super::text::stands_for;

/// A tenant as its document has it.
pub(super) type Tenant = Map<String, Value>;

pub(super) fn name(tenant: &Tenant) -> &str {
    tenant.get("name").and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn issuer(tenant: &Tenant) -> &str {
    tenant.get("issuer").and_then(Value::as_str).unwrap_or_default()
}

/// The valid hosts.
pub(super) fn hosts(tenant: &Tenant) -> Vec<HostPattern> {
    let hosts = tenant.get("hosts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    hosts.iter().filter_map(|host| HostPattern::parse(host.as_str()?).ok()).collect()
}

/// The domain that it shares cookies under.
pub(super) fn cookie_domain(tenant: &Tenant) -> Option<Host> {
    Host::from_name(tenant.get("login")?.get("cookie_domain")?.as_str()?).ok()
}

/// The places of the secrets that a tenant has.
pub(super) fn secrets(tenant: &Tenant) -> Vec<&'static str> {
    SECRETS.into_iter().filter(|place| secret(tenant, place).is_some()).collect()
}

/// The secret at this place.
pub(super) fn secret<'t>(tenant: &'t Tenant, place: &str) -> Option<&'t Value> {
    let mut names = place.split('.');
    let first = tenant.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))
}

/// The same, to be replaced.
pub(super) fn secret_mut<'t>(tenant: &'t mut Tenant, place: &str) -> Option<&'t mut Value> {
    let mut names = place.split('.');
    let first = tenant.get_mut(names.next()?)?;
    names.try_fold(first, |value, name| value.get_mut(name))
}

/// The id of the session key that a secret was sealed with.
pub(super) fn sealed_with(secret: &Value) -> Option<&str> {
    let sealed = secret.get("sealed")?.as_str()?;
    sealed.split_once('.').map(|(id, _)| id)
}

/// The tenant without its secrets.
pub(super) fn shown(tenant: &Tenant) -> Tenant {
    let mut shown = tenant.clone();
    for place in SECRETS {
        if let Some(secret) = secret_mut(&mut shown, place) {
            let is_variable = secret.get("env").is_some_and(Value::is_string);
            if !is_variable {
                *secret = stands_for(SEALED);
            }
        }
    }
    shown
}

/// What stands for a secret.
pub(super) const SEALED: &str = "{sealed: …}";
/// The places where a tenant can have a secret, as in `src/tenant_documents/sealed_secrets.rs`.
const SECRETS: [&str; 3] = ["client_secret", "client_key.pem", "client_key.jwk"];

/// A text of etcd for a terminal: anybody may have written it.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(MAX_SHOWN).collect()
}

const MAX_SHOWN: usize = 253;
