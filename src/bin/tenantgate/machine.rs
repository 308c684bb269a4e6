//! What this machine gives the filter in the place of Envoy: the time, randomness, signatures.

use std::time::{SystemTime, UNIX_EPOCH};

use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use tenantgate::base::time::UnixTime;
use tenantgate::env::shared::{NoSharedData, SharedData};
use tenantgate::env::{ClientAddress, Entropy, Env, NoEntropy};
use tenantgate::jose::{Hash, HostAlgorithms, HostVerifier, SigningKey, Verifier};
use tenantgate::tenant_documents::TenantDocument;

/// Runs `step` with the time, the randomness and the cryptography of this machine.
pub(crate) fn with_env<T>(
    shared: &dyn SharedData,
    client: &dyn ClientAddress,
    step: impl FnOnce(&mut Env<'_>) -> T,
) -> T {
    let verifier = Verifier { host: &ThisMachine, trusted: HostAlgorithms::NONE };
    let mut entropy = SystemEntropy;
    step(&mut Env::new(Some(now()), &mut entropy, verifier, shared).with_client(client))
}

/// The same for what Envoy will have: it can verify every algorithm that a host may support.
pub(crate) fn with_env_of_envoy<T>(step: impl FnOnce(&mut Env<'_>) -> T) -> T {
    let verifier = Verifier { host: &ThisMachine, trusted: HostAlgorithms::ASSUMED };
    let mut entropy = SystemEntropy;
    step(&mut Env::new(Some(now()), &mut entropy, verifier, &NoSharedData))
}

/// Signs with a key of this machine. `None` if it cannot.
pub(crate) fn signed(document: &TenantDocument, key: &SigningKey) -> Option<String> {
    document.sign(key, &ThisMachine)
}

/// The current time.
pub(crate) fn now() -> UnixTime {
    #[expect(clippy::disallowed_methods, reason = "the tool is no part of the core")]
    let now = SystemTime::now();
    UnixTime(now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

/// Signs with RSA as Envoy does, and leaves the verification to the core.
struct ThisMachine;

impl HostVerifier for ThisMachine {
    fn verify_signature(&self, _hash: Hash, _public_key: &[u8], _signature: &[u8], _message: &[u8]) -> Option<bool> {
        None
    }

    fn sign(&self, hash: Hash, private_key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
        let key = RsaKeyPair::from_pkcs8(private_key).ok().filter(|_| hash == Hash::Sha256)?;
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
        Some(signature)
    }
}

struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "the tool is no part of the core")]
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
        getrandom::fill(buffer).map_err(|_| NoEntropy)
    }
}
