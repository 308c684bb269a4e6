//! The environment of the core, passed in as arguments: the time, randomness, the host's
//! cryptography, and the data that the VMs share.
//!
//! This room knows what a host has to provide, as traits and values. It does not know proxy-wasm,
//! or what a step uses the environment for.

mod client;
pub mod shared;
mod variables;

use std::fmt;
use std::net::IpAddr;

use crate::base::time::UnixTime;
use crate::jose::Verifier;
use shared::SharedData;

pub use client::{ClientAddress, NoClientAddress};
pub use variables::{Environment, NoEnvironment};

/// A source of random bytes that an attacker cannot predict.
pub trait Entropy {
    /// Fills the whole buffer.
    ///
    /// # Errors
    /// [`NoEntropy`] if the host gives no random bytes. The content of the buffer must not be used
    /// then.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy>;
}

/// The host gave no random bytes. There is no fallback: without random bytes a login cannot be
/// started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoEntropy;

impl fmt::Display for NoEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host gave no random bytes")
    }
}

impl std::error::Error for NoEntropy {}

/// The environment of one step of the filter.
pub struct Env<'a> {
    now: Option<UnixTime>,
    entropy: &'a mut dyn Entropy,
    verifier: Verifier<'a>,
    shared: &'a dyn SharedData,
    client: &'a dyn ClientAddress,
}

impl<'a> Env<'a> {
    /// The environment of one step. `now` is `None` if the host could not give the time. Every
    /// decision that needs the time is then a refusal.
    pub fn new(
        now: Option<UnixTime>,
        entropy: &'a mut dyn Entropy,
        verifier: Verifier<'a>,
        shared: &'a dyn SharedData,
    ) -> Self {
        Self { now, entropy, verifier, shared, client: &NoClientAddress }
    }

    /// The same environment, with the address of the client.
    #[must_use]
    pub fn with_client(self, client: &'a dyn ClientAddress) -> Self {
        Self { client, ..self }
    }

    /// The address of the client, if the host knows it. The host is asked at each call.
    pub(crate) fn client_address(&self) -> Option<IpAddr> {
        self.client.client_address()
    }

    /// The data that the VMs of this process share.
    pub fn shared(&self) -> &'a dyn SharedData {
        self.shared
    }

    /// The means to verify signatures.
    pub fn verifier(&self) -> Verifier<'a> {
        self.verifier
    }

    /// The time of this step.
    ///
    /// # Errors
    /// [`NoTime`] if the host could not give the time.
    pub fn now(&self) -> Result<UnixTime, NoTime> {
        self.now.ok_or(NoTime)
    }

    /// Returns `N` new random bytes.
    ///
    /// # Errors
    /// [`NoEntropy`] if the host gives no random bytes.
    pub fn random<const N: usize>(&mut self) -> Result<[u8; N], NoEntropy> {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes)?;
        Ok(bytes)
    }
}

/// The host could not give the time. No value that expires can be accepted then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTime;

impl fmt::Display for NoTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host did not provide the time")
    }
}

impl std::error::Error for NoTime {}

/// A call to the host failed, as described. A client cannot cause this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostFailure(pub &'static str);

impl fmt::Display for HostFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the host failed: {}", self.0)
    }
}

impl std::error::Error for HostFailure {}

impl From<NoTime> for HostFailure {
    fn from(NoTime: NoTime) -> Self {
        Self("it did not provide the time")
    }
}

impl From<NoEntropy> for HostFailure {
    fn from(NoEntropy: NoEntropy) -> Self {
        Self("it gave no random bytes")
    }
}
