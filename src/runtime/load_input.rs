//! What a load depends on, and the note in the shared data that it was loaded without a mistake.

use sha2::{Digest, Sha256};

use crate::base::encoding::base64url;
use crate::env::Env;
use crate::env::shared::SharedData;
use crate::seal::{KeyRing, Purpose};

/// What a load depends on: the bytes of the configuration and the environment variables. The
/// algorithms of the host are the same for all VMs of a process.
#[derive(Debug)]
pub struct LoadInput {
    configuration: String,
    environment: String,
}

/// A note that another VM of the process has loaded the same without a mistake.
pub struct CheckedNote<'a> {
    input: &'a LoadInput,
    sealed: Vec<u8>,
}

impl LoadInput {
    /// The input with these bytes and variables. The order of the variables is that of the host.
    pub fn new(configuration: &[u8], variables: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Self {
        let mut environment = Sha256::new();
        for part in variables.into_iter().flat_map(|(name, value)| [name, value]) {
            environment.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            environment.update(part);
        }
        let configuration = base64url(&Sha256::digest(configuration));
        Self { configuration, environment: base64url(&environment.finalize()) }
    }

    /// The hash of the configuration.
    pub(super) fn configuration(&self) -> &str {
        &self.configuration
    }

    /// The note of a VM that has loaded this without a mistake. Whether it is genuine, its
    /// session keys decide.
    pub fn find_note(&self, shared: &dyn SharedData) -> Option<CheckedNote<'_>> {
        shared.get(&self.key()).map(|(sealed, _)| CheckedNote { input: self, sealed })
    }

    /// Writes the note for the other VMs, unless it is there. Without it they check everything
    /// themselves.
    pub fn write_note(&self, ring: &KeyRing, env: &mut Env<'_>) {
        if !self.find_note(env.shared()).is_some_and(|note| note.is_genuine(ring))
            && let Ok(sealed) =
                ring.seal_for_field(Purpose::Checked, VERSION, &self.environment, &self.configuration, env)
        {
            let _ = env.shared().set(&self.key(), sealed.as_bytes(), None);
        }
    }

    fn key(&self) -> String {
        ["tenantgate/checked/", &self.configuration].concat()
    }
}

impl CheckedNote<'_> {
    /// Whether this version of Tenantgate has written the note, with these session keys and the
    /// same variables. Any plugin can write to the shared data.
    pub fn is_genuine(&self, ring: &KeyRing) -> bool {
        let LoadInput { configuration, environment } = self.input;
        ring.open_for_field::<String>(Purpose::Checked, VERSION, environment, &self.sealed).as_ref()
            == Some(configuration)
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::UnixTime;
    use crate::jose::{HostAlgorithms, NoHostVerifier, Verifier};
    use crate::testing::{TestHost, TestSharedData, runtime};

    fn input(configuration: &str, variables: &[(&str, &str)]) -> LoadInput {
        let bytes = |text: &str| text.as_bytes().to_vec();
        LoadInput::new(configuration.as_bytes(), variables.iter().map(|(name, value)| (bytes(name), bytes(value))))
    }

    #[test]
    fn a_note_is_for_the_same_input_and_session_keys() {
        let (shared, ring, mut host) = (TestSharedData::default(), runtime(&["k"]), TestHost::default());
        let verifier = Verifier { host: &NoHostVerifier, trusted: HostAlgorithms::default() };
        let written = input("c", &[("a", "1"), ("b", "2")]);
        written.write_note(ring.ring(), &mut Env::new(Some(UnixTime(1)), &mut host, verifier, &shared));
        let is_known =
            |input: &LoadInput, ring: &KeyRing| input.find_note(&shared).is_some_and(|note| note.is_genuine(ring));
        assert!(is_known(&written, ring.ring()));
        for other in [input("d", &[("a", "1"), ("b", "2")]), input("c", &[("a", "1b"), ("", "2")]), input("c", &[])] {
            assert!(!is_known(&other, ring.ring()), "{other:?}");
        }
        assert!(!is_known(&written, runtime(&["other"]).ring()));
        // A note that was copied to another place.
        let other = input("d", &[("a", "1"), ("b", "2")]);
        let (sealed, _) = shared.get(&written.key()).unwrap();
        shared.set(&other.key(), &sealed, None).unwrap();
        assert!(!is_known(&other, ring.ring()));
    }
}
