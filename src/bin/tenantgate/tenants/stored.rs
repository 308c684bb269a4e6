//! A tenant as it is in etcd.

use serde_json::Value;
use tenantgate::base::time::UnixTime;
use tenantgate::tenant_documents::{DocumentError, TenantDocument, open_secrets};

use super::document::{self, Tenant};
use super::gate::Gate;
use crate::etcd::Pair;

/// The document of a tenant that is in etcd.
pub(super) struct Stored {
    /// The revision of the last write.
    pub(super) modified: u64,
    /// The document as it is.
    pub(super) value: Vec<u8>,
    /// What it says, if a key of the gates has signed it.
    pub(super) document: Result<Opened, DocumentError>,
}

/// A document whose signature was verified.
pub(super) struct Opened {
    /// With sealed secrets.
    pub(super) sealed: Tenant,
    /// With those secrets that the session keys open.
    pub(super) tenant: Tenant,
    pub(super) signed_at: UnixTime,
}

impl Stored {
    /// The document of the tenant with this name.
    pub(super) fn new(name: &str, pair: Pair, gate: &Gate) -> Self {
        let document = gate.open(name, &pair.value).map(|TenantDocument { tenant: sealed, signed_at }| {
            let mut tenant = sealed.clone();
            open_secrets(&mut tenant, document::name(&sealed), gate.ring());
            Opened { sealed, tenant, signed_at }
        });
        Self { modified: pair.modified, value: pair.value, document }
    }

    /// The `kid` in the header of the document, whoever wrote it.
    pub(super) fn kid(&self) -> Option<String> {
        use base64::Engine as _;
        let header = self.value.split(|byte| *byte == b'.').next()?;
        let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).ok()?;
        let kid = serde_json::from_slice::<Value>(&header).ok()?.get("kid")?.as_str()?.to_owned();
        Some(kid.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_KID).collect())
    }
}

impl Opened {
    /// The time in the form of RFC 3339.
    pub(super) fn signed_at(&self) -> String {
        time(self.signed_at)
    }
}

fn time(at: UnixTime) -> String {
    let time = std::time::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(at.0));
    humantime::format_rfc3339_seconds(time.unwrap_or(std::time::UNIX_EPOCH)).to_string()
}

const MAX_KID: usize = 100;
