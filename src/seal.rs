//! Sealing: what the browser keeps for us, it can neither read nor change nor move elsewhere.
//!
//! XChaCha20-Poly1305 with a random 24-byte nonce for each value. The associated data names the format, the purpose, the
//! tenant, its issuer and its client, so a value opens for nothing but what it was sealed for.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::encoding::{base64url, from_base64url};
use crate::base::secret::Secret;
use crate::env::{Env, HostFailure, NoEntropy};
use crate::tenant::{Tenant, TenantName};

/// The session keys. The first seals, every one opens.
#[derive(Debug, Default)]
pub struct KeyRing {
    keys: Vec<SealingKey>,
}

/// One key of the ring, with the name that sealed values carry in clear.
pub struct SealingKey {
    id: String,
    cipher: XChaCha20Poly1305,
}

/// What a sealed value is for. One purpose never opens as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A login that is under way.
    Login,
    /// A session.
    Session,
}

/// A value that this gate sealed for this very tenant: the proof that it was not made by anybody else. Made by
/// [`KeyRing::open`] only.
#[derive(Debug)]
pub struct Opened<T> {
    tenant: TenantName,
    value: T,
}

impl KeyRing {
    /// A ring of these keys. An empty ring seals and opens nothing.
    pub fn new(keys: Vec<SealingKey>) -> Self {
        Self { keys }
    }

    /// Seals `value` for `tenant` as `<key id>.<base64url of nonce and ciphertext>`: characters that need no
    /// quoting in a cookie.
    ///
    /// # Errors
    /// [`SealError`] if there is no randomness or no key.
    pub fn seal<T: Serialize>(
        &self,
        purpose: Purpose,
        tenant: &Tenant,
        value: &T,
        env: &mut Env<'_>,
    ) -> Result<String, SealError> {
        let key = self.keys.first().ok_or(SealError::NoKey)?;
        let plaintext = postcard::to_allocvec(value).map_err(|_| SealError::Unsealable)?;
        let nonce = env.random::<NONCE_LENGTH>()?;
        let payload = Payload { msg: &plaintext, aad: &associated_data(purpose, tenant) };
        let ciphertext = key.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::Unsealable)?;
        Ok(format!("{}.{}", key.id, base64url(&[&nonce[..], &ciphertext].concat())))
    }

    /// Opens what [`seal`](Self::seal) made for the same purpose and tenant. Why something does not open is not told: nobody
    /// but an attacker could use the difference.
    pub fn open<T: DeserializeOwned>(&self, purpose: Purpose, tenant: &Tenant, sealed: &[u8]) -> Option<Opened<T>> {
        if sealed.len() > MAX_SEALED {
            return None;
        }
        let (id, text) = std::str::from_utf8(sealed).ok()?.split_once('.')?;
        let key = self.keys.iter().find(|key| key.id == id)?;
        let bytes = from_base64url(text)?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_LENGTH>()?;
        let payload = Payload { msg: ciphertext, aad: &associated_data(purpose, tenant) };
        let plaintext = key.cipher.decrypt(&XNonce::from(*nonce), payload).ok()?;
        // All of it has to be the value: what is left over was sealed as something else.
        let (value, []) = postcard::take_from_bytes(&plaintext).ok()? else { return None };
        Some(Opened { tenant: tenant.name.clone(), value })
    }

    /// Whether `sealed` names a key that is not in the ring, as a value does that was sealed before its key was removed.
    pub fn lacks_key_of(&self, sealed: &[u8]) -> bool {
        let id = std::str::from_utf8(sealed).ok().and_then(|text| text.split_once('.')).map(|(id, _)| id);
        id.is_some_and(|id| SealingKey::is_id(id) && !self.keys.iter().any(|key| key.id == id))
    }
}

impl SealingKey {
    /// Length of a key in bytes.
    pub const LENGTH: usize = 32;

    /// Whether `text` may name a key: 1 to 32 letters, digits, `-` and `_`.
    pub fn is_id(text: &str) -> bool {
        (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    }

    /// A key under the name `id`, for which [`is_id`](Self::is_id) holds.
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
    /// The tenant that it was sealed for.
    pub fn tenant(&self) -> &TenantName {
        &self.tenant
    }

    /// What was sealed.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// What was sealed, with the tenant that it was sealed for.
    pub fn into_parts(self) -> (TenantName, T) {
        (self.tenant, self.value)
    }
}

/// Why a value could not be sealed. None of it is the client's doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    /// The host gave no random bytes.
    NoEntropy,
    /// The ring is empty.
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

/// Each part is preceded by its length, so that no two different lists of parts give the same bytes.
fn associated_data(purpose: Purpose, tenant: &Tenant) -> Vec<u8> {
    let purpose = match purpose {
        Purpose::Login => "login",
        Purpose::Session => "session",
    };
    let parts = [FORMAT, purpose, tenant.name.as_str(), &tenant.issuer, &tenant.client.id];
    let mut data = Vec::new();
    for part in parts {
        data.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        data.extend_from_slice(part.as_bytes());
    }
    data
}

/// Changes with the layout of what is sealed, so that values of an older release do not open instead of being misread.
const FORMAT: &str = "tenantgate/4";
const NONCE_LENGTH: usize = 24;
/// A session takes several cookies of 4,096 bytes at most; nothing longer was sealed by us.
const MAX_SEALED: usize = 5 * 4096;

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
    fn a_value_opens_for_its_purpose_and_tenant_alone() {
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
    fn the_first_key_seals_and_every_one_opens() {
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

    /// The parts cannot be shifted against each other: `ab` and `c` are not `a` and `bc`.
    #[test]
    fn the_associated_data_is_not_ambiguous() {
        let runtime = runtime(&["k"]);
        let [a, _] = tenants(&runtime);
        let data = associated_data(Purpose::Login, a);
        assert!(data.starts_with(&[0, 0, 0, 0, 0, 0, 0, 12]));
        assert_eq!(data.len(), 5 * 8 + "tenantgate/4logina".len() + "https://i.examplegate".len());
    }
}
