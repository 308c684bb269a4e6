//! Everything ambient that the core needs, handed in as arguments: the time, randomness, the host's cryptography
//! and what its VMs share.

pub mod shared;

use std::fmt;

use crate::base::time::UnixTime;
use crate::jose::Verifier;
use shared::SharedData;

/// A source of random bytes that an attacker cannot predict.
pub trait Entropy {
    /// Fills the whole buffer.
    ///
    /// # Errors
    /// [`NoEntropy`] if the host has no randomness to give. The buffer is not to be used then.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy>;
}

/// The host refused to give random bytes. There is no fallback: without them a login cannot be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoEntropy;

impl fmt::Display for NoEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host gave no random bytes")
    }
}

impl std::error::Error for NoEntropy {}

/// What one step of the filter may use of its surroundings.
pub struct Env<'a> {
    now: Option<UnixTime>,
    entropy: &'a mut dyn Entropy,
    verifier: Verifier<'a>,
    shared: &'a dyn SharedData,
}

impl<'a> Env<'a> {
    /// `now` is `None` if the host could not tell the time; every decision that needs it is then a refusal.
    pub fn new(
        now: Option<UnixTime>,
        entropy: &'a mut dyn Entropy,
        verifier: Verifier<'a>,
        shared: &'a dyn SharedData,
    ) -> Self {
        Self { now, entropy, verifier, shared }
    }

    /// What the VMs of this process have in common.
    pub fn shared(&self) -> &'a dyn SharedData {
        self.shared
    }

    /// What signatures are verified with.
    pub fn verifier(&self) -> Verifier<'a> {
        self.verifier
    }

    /// The time of this step.
    ///
    /// # Errors
    /// [`NoTime`] if the host could not tell.
    pub fn now(&self) -> Result<UnixTime, NoTime> {
        self.now.ok_or(NoTime)
    }

    /// `N` fresh random bytes.
    ///
    /// # Errors
    /// [`NoEntropy`] if the host has none.
    pub fn random<const N: usize>(&mut self) -> Result<[u8; N], NoEntropy> {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes)?;
        Ok(bytes)
    }
}

/// The host could not tell the time. Nothing that expires can be accepted then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTime;

impl fmt::Display for NoTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host could not tell the time")
    }
}

impl std::error::Error for NoTime {}

/// The host could not do what was asked of it. No client causes that.
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
        Self("it could not tell the time")
    }
}

impl From<NoEntropy> for HostFailure {
    fn from(NoEntropy: NoEntropy) -> Self {
        Self("it gave no random bytes")
    }
}
