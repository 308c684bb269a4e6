//! Sealing: authenticated encryption of the values that the browser stores, and of those in the
//! shared data that decide who is a user and whose session has ended. The cipher is
//! XChaCha20-Poly1305 with a random 24-byte nonce for each value. The associated data are the
//! format, the purpose, the tenant, its issuer and its client, so a value opens only for these.
//!
//! Scenarios: tests/scenarios/session.rs.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::encoding::{base64url, from_base64url};
use crate::base::secret::Secret;
use crate::env::shared::{Version, create};
use crate::env::{Env, HostFailure, NoEntropy};
use crate::http::call::CallResponse;
use crate::tenant::{Tenant, TenantName};

/// The session keys. The first key seals, and every key opens.
#[derive(Debug, Default)]
pub struct KeyRing {
    keys: Vec<SealingKey>,
}

/// One session key and its identifier, which every sealed value contains in plain text.
pub struct SealingKey {
    id: String,
    cipher: XChaCha20Poly1305,
}

/// The purpose of a sealed value. A value that was sealed for one purpose does not open for
/// another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The outline of a configuration that was checked, for the other VMs of the process.
    Checked,
    /// What a provider publishes, for the other VMs of the process.
    Documents,
    /// A login in progress.
    Login,
    /// The result of a refresh, for the other VMs of the process and the other replicas.
    Refresh,
    /// The sessions that ended early, for the other VMs of the process.
    Revocations,
    /// A secret in the document of a tenant.
    Secret,
    /// A session.
    Session,
    /// A sign-out, for the other replicas.
    SignOut,
    /// What is known of the store, for the other VMs of the process.
    Store,
    /// What the index of the hosts of tenants was, for the other VMs of the process.
    TenantIndex,
    /// What is known of the changes of tenants, for the other VMs of the process.
    TenantLog,
}

/// A value that was opened, which proves that Tenantgate sealed it for this tenant. Only
/// [`KeyRing::open`] makes it.
#[derive(Debug)]
pub struct Opened<T> {
    tenant: TenantName,
    value: T,
}

impl KeyRing {
    /// A key ring of these keys. An empty key ring seals and opens nothing.
    pub fn new(keys: Vec<SealingKey>) -> Self {
        Self { keys }
    }

    /// Seals `value` for `tenant` as `<key id>.<base64url of nonce and ciphertext>`. These
    /// characters need no quoting in a cookie.
    ///
    /// # Errors
    /// [`SealError`] if there are no random bytes or no key, or the value cannot be sealed.
    pub fn seal<T: Serialize>(
        &self,
        purpose: Purpose,
        tenant: &Tenant,
        value: &T,
        env: &mut Env<'_>,
    ) -> Result<String, SealError> {
        self.seal_with(&associated_data(purpose, tenant), value, env)
    }

    /// Seals `value` for all tenants. The form is that of [`seal`](Self::seal).
    ///
    /// # Errors
    /// The same as for [`seal`](Self::seal).
    pub fn seal_for_all<T: Serialize>(
        &self,
        purpose: Purpose,
        value: &T,
        env: &mut Env<'_>,
    ) -> Result<String, SealError> {
        self.seal_with(&parts_of(purpose, &[]), value, env)
    }

    /// Seals `value` for a field of a tenant of which only the name is known. The form is that of
    /// [`seal`](Self::seal).
    ///
    /// # Errors
    /// The same as for [`seal`](Self::seal).
    pub fn seal_for_field<T: Serialize>(
        &self,
        purpose: Purpose,
        name: &str,
        field: &str,
        value: &T,
        env: &mut Env<'_>,
    ) -> Result<String, SealError> {
        self.seal_with(&parts_of(purpose, &[name, field]), value, env)
    }

    fn seal_with<T: Serialize>(&self, aad: &[u8], value: &T, env: &mut Env<'_>) -> Result<String, SealError> {
        self.seal_bytes(aad, &postcard::to_allocvec(value).map_err(|_| SealError::Unsealable)?, env)
    }

    #[inline(never)]
    fn seal_bytes(&self, aad: &[u8], plaintext: &[u8], env: &mut Env<'_>) -> Result<String, SealError> {
        let key = self.keys.first().ok_or(SealError::NoKey)?;
        let nonce = env.random::<NONCE_LENGTH>()?;
        let payload = Payload { msg: plaintext, aad };
        let ciphertext = key.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::Unsealable)?;
        Ok(format!("{}.{}", key.id, base64url(&[&nonce[..], &ciphertext].concat())))
    }

    /// Opens a value that [`seal`](Self::seal) made for the same purpose and tenant. `None` gives
    /// no reason, because only an attacker could use it.
    pub fn open<T: DeserializeOwned>(&self, purpose: Purpose, tenant: &Tenant, sealed: &[u8]) -> Option<Opened<T>> {
        let value = self.open_with(purpose, &associated_data(purpose, tenant), sealed)?;
        Some(Opened { tenant: tenant.name.clone(), value })
    }

    /// Opens a value that [`seal_for_all`](Self::seal_for_all) made for the same purpose.
    pub fn open_for_all<T: DeserializeOwned>(&self, purpose: Purpose, sealed: &[u8]) -> Option<T> {
        self.open_with(purpose, &parts_of(purpose, &[]), sealed)
    }

    /// The value under `key` in the shared data, which [`write_shared`](Self::write_shared) wrote
    /// for the same purpose. One that does not open counts as none. `None` without shared data.
    pub(crate) fn read_shared<T: DeserializeOwned + Default>(
        &self,
        purpose: Purpose,
        key: &str,
        env: &Env<'_>,
    ) -> Option<(T, Version)> {
        create(env.shared(), key).ok()?;
        let (bytes, version) = env.shared().get(key)?;
        Some((self.open_for_all(purpose, &bytes).unwrap_or_default(), version))
    }

    /// Writes a value for the other VMs of the process, if none of them has written since. Returns
    /// whether it is written.
    pub(crate) fn write_shared<T: Serialize>(
        &self,
        purpose: Purpose,
        key: &str,
        value: &T,
        version: Option<Version>,
        env: &mut Env<'_>,
    ) -> bool {
        let sealed = self.seal_for_all(purpose, value, env);
        sealed.is_ok_and(|sealed| env.shared().set(key, sealed.as_bytes(), version).is_ok())
    }

    /// Opens a value that [`seal_for_field`](Self::seal_for_field) made for the same purpose, name
    /// and field.
    pub fn open_for_field<T: DeserializeOwned>(
        &self,
        purpose: Purpose,
        name: &str,
        field: &str,
        sealed: &[u8],
    ) -> Option<T> {
        self.open_with(purpose, &parts_of(purpose, &[name, field]), sealed)
    }

    fn open_with<T: DeserializeOwned>(&self, purpose: Purpose, aad: &[u8], sealed: &[u8]) -> Option<T> {
        let plaintext = self.open_bytes(purpose, aad, sealed)?;
        // The value must be all of the plaintext. If bytes are left over, a value of another type
        // was sealed.
        let (value, []) = postcard::take_from_bytes(&plaintext).ok()? else { return None };
        Some(value)
    }

    #[inline(never)]
    fn open_bytes(&self, purpose: Purpose, aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let limit = match purpose {
            Purpose::Checked => MAX_SEALED_OUTLINE,
            Purpose::Documents => MAX_SEALED_DOCUMENTS,
            Purpose::Refresh => MAX_SEALED_REFRESH,
            Purpose::Revocations => MAX_SEALED_REVOCATIONS,
            Purpose::Login
            | Purpose::Secret
            | Purpose::Session
            | Purpose::SignOut
            | Purpose::Store
            | Purpose::TenantIndex
            | Purpose::TenantLog => MAX_SEALED,
        };
        if sealed.len() > limit {
            return None;
        }
        let (id, text) = std::str::from_utf8(sealed).ok()?.split_once('.')?;
        let key = self.keys.iter().find(|key| key.id == id)?;
        let bytes = from_base64url(text)?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_LENGTH>()?;
        let payload = Payload { msg: ciphertext, aad };
        key.cipher.decrypt(&XNonce::from(*nonce), payload).ok()
    }

    /// Whether `sealed` names a key that is not in the key ring. This is the case if the key was
    /// removed after the value was sealed.
    pub fn lacks_key_of(&self, sealed: &[u8]) -> bool {
        let id = std::str::from_utf8(sealed).ok().and_then(|text| text.split_once('.')).map(|(id, _)| id);
        id.is_some_and(|id| SealingKey::is_id(id) && !self.keys.iter().any(|key| key.id == id))
    }
}

impl SealingKey {
    /// The length of a key in bytes.
    pub const LENGTH: usize = 32;

    /// Whether `text` is a key identifier: 1 to 32 ASCII letters, digits, `-` and `_`.
    pub fn is_id(text: &str) -> bool {
        (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    }

    /// A key with the identifier `id`, for which [`is_id`](Self::is_id) is true.
    pub fn new(id: String, key: Secret<[u8; Self::LENGTH]>) -> Self {
        Self { id, cipher: XChaCha20Poly1305::new(key.expose_secret().into()) }
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<T> Opened<T> {
    /// The tenant that the value was sealed for.
    pub fn tenant(&self) -> &TenantName {
        &self.tenant
    }

    /// The value.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The tenant that the value was sealed for, and the value.
    pub fn into_parts(self) -> (TenantName, T) {
        (self.tenant, self.value)
    }
}

/// The reason why a value could not be sealed. A client cannot cause it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    /// The host gave no random bytes.
    NoEntropy,
    /// The key ring is empty.
    NoKey,
    /// The value has no binary form, or is too long for the cipher.
    Unsealable,
}

impl From<NoEntropy> for SealError {
    fn from(NoEntropy: NoEntropy) -> Self {
        Self::NoEntropy
    }
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoEntropy => "the host gave no random bytes",
            Self::NoKey => "there is no session key",
            Self::Unsealable => "the value cannot be sealed",
        })
    }
}

impl std::error::Error for SealError {}

impl From<SealError> for HostFailure {
    fn from(error: SealError) -> Self {
        match error {
            SealError::NoEntropy => NoEntropy.into(),
            SealError::NoKey => Self("there is no session key"),
            SealError::Unsealable => Self("a value could not be sealed"),
        }
    }
}

/// The associated data of a sealed value. Each part is preceded by its length, so that different
/// lists of parts give different bytes.
fn associated_data(purpose: Purpose, tenant: &Tenant) -> Vec<u8> {
    parts_of(purpose, &[tenant.name.as_str(), &tenant.issuer, &tenant.client.id])
}

fn parts_of(purpose: Purpose, owner: &[&str]) -> Vec<u8> {
    let purpose = match purpose {
        Purpose::Checked => "checked",
        Purpose::Documents => "documents",
        Purpose::Login => "login",
        Purpose::Refresh => "refresh",
        Purpose::Revocations => "revocations",
        Purpose::Secret => "secret",
        Purpose::Session => "session",
        Purpose::SignOut => "sign-out",
        Purpose::Store => "store",
        Purpose::TenantIndex => "tenant-index",
        Purpose::TenantLog => "tenant-log",
    };
    let mut data = Vec::new();
    for part in [FORMAT, purpose].iter().chain(owner) {
        data.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        data.extend_from_slice(part.as_bytes());
    }
    data
}

/// The format of sealed values. It changes with the layout of the values, so that a value of an
/// older release does not open and cannot be misread.
const FORMAT: &str = "tenantgate/4";
const NONCE_LENGTH: usize = 24;
/// The most bytes of a sealed value. A session has at most five cookies of 4,096 bytes, so
/// the browser stores no longer value.
const MAX_SEALED: usize = 5 * 4096;
/// The most bytes of the sealed outline of a configuration, which has some 30 for each tenant with
/// one short host.
const MAX_SEALED_OUTLINE: usize = 16 * 1024 * 1024;
/// The most bytes of the sealed documents of a provider: two bodies of an answer, in base64url.
const MAX_SEALED_DOCUMENTS: usize = 3 * CallResponse::MAX_BODY;
/// The most bytes of the sealed result of a refresh, which has a sealed session.
const MAX_SEALED_REFRESH: usize = 2 * MAX_SEALED;
/// The most bytes of a sealed revocation list, which has at most 125 KiB.
const MAX_SEALED_REVOCATIONS: usize = 192 * 1024;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::runtime::Runtime;
    use crate::testing::{TestHost, runtime, tenants};

    fn seal(ring: &KeyRing, purpose: Purpose, tenant: &Tenant, host: &mut TestHost) -> String {
        ring.seal(purpose, tenant, &"what is sealed", &mut host.env()).unwrap()
    }

    #[test]
    fn a_value_opens_only_for_its_purpose_and_tenant() {
        let runtime = runtime(&["k"]);
        let [a, b] = tenants(&runtime);
        let sealed = seal(runtime.ring(), Purpose::Session, a, &mut TestHost::default());
        let open = |purpose, tenant| runtime.ring().open::<String>(purpose, tenant, sealed.as_bytes());
        let opened = open(Purpose::Session, a).unwrap();
        assert_eq!((opened.value().as_str(), opened.tenant()), ("what is sealed", &a.name));
        assert!(open(Purpose::Login, a).is_none());
        assert!(open(Purpose::Session, b).is_none());
        assert!(!sealed.contains("sealed"));
    }

    #[test]
    fn the_first_key_seals_and_every_key_opens() {
        let (old, both, new) = (runtime(&["old"]), runtime(&["new", "old"]), runtime(&["new"]));
        let host = &mut TestHost::default();
        let [a, _] = tenants(&both);
        let of_old = seal(old.ring(), Purpose::Session, a, host);
        let of_both = seal(both.ring(), Purpose::Session, a, host);
        let opens = |runtime: &Runtime, sealed: &str| {
            runtime.ring().open::<String>(Purpose::Session, a, sealed.as_bytes()).is_some()
        };
        assert!(of_both.starts_with("new."));
        assert!(opens(&both, &of_old) && opens(&both, &of_both) && opens(&new, &of_both));
        assert!(!opens(&new, &of_old) && !opens(&old, &of_both));
    }

    #[test]
    fn every_value_has_a_nonce_of_its_own() {
        let runtime = runtime(&["k"]);
        let [a, _] = tenants(&runtime);
        let host = &mut TestHost::default();
        let sealed: HashSet<String> = (0..200).map(|_| seal(runtime.ring(), Purpose::Session, a, host)).collect();
        assert_eq!(sealed.len(), 200);
    }

    #[test]
    fn a_value_that_no_browser_stores_does_not_open() {
        let runtime = runtime(&["k"]);
        let [a, _] = tenants(&runtime);
        let host = &mut TestHost::default();
        let mut lengths = HashSet::new();
        for length in 15_300..15_340 {
            let sealed = runtime.ring().seal(Purpose::Session, a, &"x".repeat(length), &mut host.env()).unwrap();
            let opens = runtime.ring().open::<String>(Purpose::Session, a, sealed.as_bytes()).is_some();
            assert_eq!(opens, sealed.len() <= MAX_SEALED, "{}", sealed.len());
            lengths.insert(sealed.len());
        }
        assert!(lengths.contains(&MAX_SEALED) && lengths.contains(&(MAX_SEALED + 1)));
    }

    /// The longest values of each kind are longer than a session. A list of sign-outs has a test in
    /// `session::revocation`.
    #[test]
    fn the_longest_values_open() {
        let runtime = runtime(&["k"]);
        let [a, _] = tenants(&runtime);
        for (purpose, longest) in [
            (Purpose::Refresh, MAX_SEALED),
            (Purpose::Documents, 2 * CallResponse::MAX_BODY),
            (Purpose::Checked, 100_000 * 30),
        ] {
            let value = "x".repeat(longest);
            let sealed = runtime.ring().seal(purpose, a, &value, &mut TestHost::default().env()).unwrap();
            assert!(runtime.ring().open::<String>(purpose, a, sealed.as_bytes()).is_some(), "{purpose:?}");
        }
    }

    #[test]
    fn the_debug_output_of_a_key_is_its_id() {
        let key = SealingKey::new("k1".to_owned(), Secret::new([7; 32]));
        assert_eq!(format!("{key:?}"), "SealingKey { id: \"k1\", .. }");
    }

    #[test]
    fn every_reason_has_a_text() {
        for (error, text) in [
            (SealError::NoEntropy, "the host gave no random bytes"),
            (SealError::NoKey, "there is no session key"),
            (SealError::Unsealable, "the value cannot be sealed"),
        ] {
            assert_eq!(error.to_string(), text);
        }
    }

    /// The parts `ab` and `c` give other bytes than `a` and `bc`.
    #[test]
    fn the_associated_data_is_not_ambiguous() {
        let runtime = runtime(&["k"]);
        let [a, _] = tenants(&runtime);
        let data = associated_data(Purpose::Login, a);
        assert!(data.starts_with(&[0, 0, 0, 0, 0, 0, 0, 12]));
        assert_eq!(data.len(), 5 * 8 + "tenantgate/4logina".len() + "https://i.examplegate".len());
    }
}
