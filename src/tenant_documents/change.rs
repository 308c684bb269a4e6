//! An entry of the log of changes.

use serde_json::{Value, json};

use crate::base::json;
use crate::http::host::{Host, HostPattern};

/// A change of one tenant: it was added, replaced or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// A random text. An etcd that was emptied may get another change with the same number at the
    /// same revision.
    pub id: String,
    /// The name of the tenant.
    pub tenant: String,
    /// The hosts that it had before or has now.
    pub hosts: Vec<HostPattern>,
}

impl Change {
    /// The value of the entry: a JSON object.
    pub fn write(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(ToString::to_string).collect();
        json::write(&json!({ "id": self.id, "tenant": self.tenant, "hosts": hosts }))
    }

    /// Reads the value of an entry. `None` if it is none, or has a host that is no host.
    pub fn read(value: &[u8]) -> Option<Self> {
        let entry = json::parse_object(value).ok()?;
        let hosts = entry.get("hosts")?.as_array()?;
        let hosts = hosts.iter().map(|host| HostPattern::parse(host.as_str()?).ok()).collect::<Option<_>>()?;
        let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self { id: text("id").unwrap_or_default(), tenant: text("tenant")?, hosts })
    }

    /// Whether another tenant than before may belong to `host`, or another document to this tenant.
    pub fn concerns(&self, tenant: Option<&str>, host: &Host) -> bool {
        tenant.is_some_and(|tenant| tenant.eq_ignore_ascii_case(&self.tenant))
            || self.hosts.iter().any(|hosts| hosts.matches(host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_concerns_its_tenant_and_its_hosts() {
        let hosts = ["acme.example", "*.acme.example"].map(|host| HostPattern::parse(host).unwrap());
        let change = Change { id: "x".to_owned(), tenant: "acme".to_owned(), hosts: hosts.into() };
        assert_eq!(Change::read(change.write().as_bytes()), Some(change.clone()));
        for (tenant, host, concerns) in [
            (None, "acme.example", true),
            (None, "a.acme.example", true),
            (Some("ACME"), "old.example", true),
            (Some("other"), "a.acme.example", true),
            (Some("other"), "other.example", false),
            (None, "example", false),
        ] {
            assert_eq!(change.concerns(tenant, &Host::from_name(host).unwrap()), concerns, "{host}");
        }
    }

    #[test]
    fn what_is_no_change() {
        for value in ["", "{}", "[]", r#"{"tenant":"a"}"#, r#"{"hosts":[]}"#, r#"{"tenant":"a","hosts":["a b"]}"#] {
            assert_eq!(Change::read(value.as_bytes()), None, "{value}");
        }
    }
}
