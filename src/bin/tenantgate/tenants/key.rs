//! The private key that signs documents.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};
use tenantgate::jose::{HostAlgorithms, KeySet, NoHostVerifier, SignatureAlgorithm, SigningKey, Verifier, parse_jwk};
use tenantgate::tenant_documents::TenantDocument;

use super::gate::Gate;
use crate::machine::{now, signed};
use crate::yaml::Node;

/// A key that signs documents, and its public part.
pub(super) struct DocumentKey {
    key: SigningKey,
    public: Map<String, Value>,
}

impl DocumentKey {
    /// Reads the key of a file, whose public part the gates have.
    pub(super) fn read(file: &Path, gate: &Gate) -> Result<Self, String> {
        let name = file.display();
        let text = fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
        let key = match text.trim_start().starts_with('{') {
            true => SigningKey::from_jwk(&text),
            false => SigningKey::from_pem(&text),
        };
        let key = key.map_err(|error| format!("{name}: {error}"))?;
        let public = key.public_jwk().filter(|_| key.algorithm() != SignatureAlgorithm::Rs256).ok_or_else(|| {
            format!("{name}: is an RSA key; make one for Ed25519: `openssl genpkey -algorithm ed25519`")
        })?;
        // A document names its key, so that a rotation can be seen. The gates may know the key by
        // another `kid` than its own.
        let own = public.get("kid").and_then(Value::as_str).unwrap_or_default().to_owned();
        let configured = gate.node.at("tenants_from.keys").map(kids).unwrap_or_default();
        let mut key = Self { key: key.with_kid(own.clone()), public };
        for kid in std::iter::once(own).chain(configured) {
            key = Self { key: key.key.with_kid(kid), ..key };
            if key.is_known(gate)? {
                return Ok(key);
            }
        }
        Err(format!(
            "{name}: `tenants_from.keys` of {} does not have the public part of this key, so no gate would take what \
             it signs; add it there:\n  - jwk: {}",
            gate.file,
            Value::Object(key.public)
        ))
    }

    /// The `kid` of the documents that it signs.
    pub(super) fn kid(&self) -> &str {
        self.key.kid().unwrap_or_default()
    }

    /// Signs a tenant.
    pub(super) fn sign(&self, tenant: Map<String, Value>) -> Result<String, String> {
        signed(&TenantDocument { tenant, signed_at: now() }, &self.key)
            .ok_or_else(|| "the key does not sign".to_owned())
    }

    /// Whether this key has signed a document of this tenant.
    pub(super) fn has_signed(&self, name: &str, document: &[u8]) -> bool {
        let keys = parse_jwk(&self.public).ok().and_then(|key| KeySet::new(vec![key]).ok());
        let verifier = Verifier { host: &NoHostVerifier, trusted: HostAlgorithms::NONE };
        keys.is_some_and(|keys| TenantDocument::open(document, name, &keys, verifier).is_ok())
    }

    /// Whether gates take what this key signs.
    fn is_known(&self, gate: &Gate) -> Result<bool, String> {
        let name = "key";
        let tenant: Map<String, Value> = [("name".to_owned(), Value::from(name))].into_iter().collect();
        Ok(gate.open(name, self.sign(tenant)?.as_bytes()).is_ok())
    }
}

/// The values of all members `kid` of a configuration of keys.
fn kids(keys: &Node) -> Vec<String> {
    let own = keys.get("kid").and_then(Node::text).map(str::to_owned);
    own.into_iter().chain(keys.children().flat_map(kids)).collect()
}
