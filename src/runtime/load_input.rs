//! What a load depends on, and the note in the shared data that it was checked.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::outline::Outline;
use crate::base::encoding::base64url;
use crate::env::Env;
use crate::env::shared::SharedData;
use crate::seal::{KeyRing, Purpose};

/// What a load depends on: the bytes of the configuration and the environment variables. The
/// algorithms of the host are the same for all VMs of a process.
pub struct LoadInput {
    configuration: Arc<Vec<u8>>,
    /// Tells configurations apart, where a mistake harms nobody.
    id: u64,
    environment: String,
}

/// Omits the configuration, which has secrets.
impl fmt::Debug for LoadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadInput").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A note that another VM of the process has checked the same.
pub struct CheckedNote<'a> {
    input: &'a LoadInput,
    sealed: Vec<u8>,
}

/// What a note says, sealed.
#[derive(Serialize, Deserialize)]
struct Checked {
    /// The key of the tag, for this note alone.
    key: [u8; 32],
    /// The Poly1305 tag of the configuration (RFC 8439 section 2.5). Whoever does not know the
    /// key cannot find another configuration with the same one.
    tag: [u8; 16],
    outline: Outline,
}

impl LoadInput {
    /// The input with these bytes and variables. The order of the variables is that of the host.
    pub fn new(configuration: &Arc<Vec<u8>>, variables: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Self {
        let mut environment = Sha256::new();
        for part in variables.into_iter().flat_map(|(name, value)| [name, value]) {
            environment.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            environment.update(part);
        }
        let mut id = DefaultHasher::new();
        configuration.hash(&mut id);
        Self { configuration: configuration.clone(), id: id.finish(), environment: base64url(&environment.finalize()) }
    }

    /// Tells configurations apart. It is no cryptographic hash.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The note of a VM that has checked this. Whether it is genuine, its session keys decide.
    pub fn find_note(&self, shared: &dyn SharedData) -> Option<CheckedNote<'_>> {
        shared.get(&self.key()).map(|(sealed, _)| CheckedNote { input: self, sealed })
    }

    /// The bytes of the configuration.
    pub fn configuration(&self) -> &Arc<Vec<u8>> {
        &self.configuration
    }

    /// Writes the note for the other VMs, in the place of one for another configuration. Without it
    /// they check everything themselves. Returns the outline.
    pub fn write_note(&self, outline: Outline, ring: &KeyRing, env: &mut Env<'_>) -> Outline {
        let Ok(key) = env.random() else { return outline };
        let checked = Checked { key, tag: self.tag(&key), outline };
        if let Ok(sealed) = ring.seal_for_field(Purpose::Checked, VERSION, &self.environment, &checked, env) {
            let _ = env.shared().set(&self.key(), sealed.as_bytes(), None);
        }
        checked.outline
    }

    fn tag(&self, key: &[u8; 32]) -> [u8; 16] {
        Poly1305::new(key.into()).compute_unpadded(&self.configuration).into()
    }

    /// The shared data keep what was written once. So that they do not grow with each
    /// configuration, there are only so many places. Of two configurations that have the same one,
    /// each VM checks the one without a note.
    fn key(&self) -> String {
        format!("tenantgate/checked/{}", self.id.rem_euclid(PLACES))
    }
}

impl CheckedNote<'_> {
    /// What this version of Tenantgate has written, with these session keys, for the same
    /// configuration and variables. Any plugin can write to the shared data.
    pub fn open(&self, ring: &KeyRing) -> Option<Outline> {
        let LoadInput { environment, .. } = self.input;
        let checked: Checked = ring.open_for_field(Purpose::Checked, VERSION, environment, &self.sealed)?;
        (self.input.tag(&checked.key) == checked.tag).then_some(checked.outline)
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");
const PLACES: u64 = 16;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::base::time::UnixTime;
    use crate::jose::{HostAlgorithms, NoHostVerifier, Verifier};
    use crate::testing::{TestHost, TestSharedData, runtime};

    fn input(configuration: &str, variables: &[(&str, &str)]) -> LoadInput {
        let bytes = |text: &str| text.as_bytes().to_vec();
        let variables = variables.iter().map(|(name, value)| (bytes(name), bytes(value)));
        LoadInput::new(&Arc::new(bytes(configuration)), variables)
    }

    fn outline(name: &str) -> Outline {
        Outline { places: vec![1..2, 3..4], header_names: vec![name.to_owned()], ..Outline::default() }
    }

    #[test]
    fn a_note_is_for_the_same_input_and_session_keys() {
        let (shared, ring, mut host) = (TestSharedData::default(), runtime(&["k"]), TestHost::default());
        let verifier = Verifier { host: &NoHostVerifier, trusted: HostAlgorithms::default() };
        let env = &mut Env::new(Some(UnixTime(1)), &mut host, verifier, &shared);
        let written = input("c", &[("a", "1"), ("b", "2")]);
        written.write_note(outline("x-user"), ring.ring(), env);
        let known = |input: &LoadInput, ring: &KeyRing| input.find_note(&shared).and_then(|note| note.open(ring));
        assert_eq!(known(&written, ring.ring()), Some(outline("x-user")));
        let others = [input("d", &[("a", "1"), ("b", "2")]), input("c", &[("a", "1b"), ("", "2")]), input("c", &[])];
        let (sealed, _) = shared.get(&written.key()).unwrap();
        for other in others {
            assert_eq!(known(&other, ring.ring()), None, "{other:?}");
            // A note that was copied to another place.
            shared.set(&other.key(), &sealed, None).unwrap();
            assert_eq!(known(&other, ring.ring()), None, "{other:?}");
        }
        assert_eq!(known(&written, runtime(&["other"]).ring()), None);
    }

    #[test]
    fn the_debug_output_omits_the_configuration() {
        let input = input("s3cret", &[("a", "s3cret")]);
        assert_eq!(format!("{input:?}"), format!("LoadInput {{ id: {}, .. }}", input.id()));
    }

    #[test]
    fn the_places_are_limited() {
        let (shared, ring, mut host) = (TestSharedData::default(), runtime(&["k"]), TestHost::default());
        let verifier = Verifier { host: &NoHostVerifier, trusted: HostAlgorithms::default() };
        let env = &mut Env::new(Some(UnixTime(1)), &mut host, verifier, &shared);
        let inputs: Vec<LoadInput> = (0..100).map(|number| input(&number.to_string(), &[])).collect();
        for (number, input) in inputs.iter().enumerate() {
            input.write_note(outline(&number.to_string()), ring.ring(), env);
            // The last one is there, whatever was in its place.
            let found = input.find_note(&shared).and_then(|note| note.open(ring.ring()));
            assert_eq!(found, Some(outline(&number.to_string())));
        }
        let keys: HashSet<String> = inputs.iter().map(LoadInput::key).collect();
        assert_eq!(keys.len(), 16);
    }
}
