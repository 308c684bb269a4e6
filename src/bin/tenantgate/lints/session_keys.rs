//! Session keys that are not random, or are there twice.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Found, Scene};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::yaml::Node;

pub(super) fn lint(scene: &Scene<'_>) -> Vec<Found> {
    let keys = scene.configuration.node.at("session.keys").map(Node::elements).unwrap_or_default();
    let mut found = Vec::new();
    let mut seen: Vec<(String, usize)> = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        let Some((field, value)) = value(key, scene) else { continue };
        let path = format!("session.keys[{index}].{field}");
        let mut warn = |message: &str| {
            let warning = Diagnostic::split(codes::SESSION_KEY, message).into_warning().at_path(&path);
            found.push((path.clone(), warning));
        };
        if let Some((_, first)) = seen.iter().find(|(other, _)| *other == value) {
            warn(&format!("is the key of session.keys[{first}], too; make a new one with `tenantgate session-key`"));
        } else if let Some(problem) = decoded(&value).and_then(|bytes| problem(&bytes)) {
            warn(&format!("{problem}; make one with `tenantgate session-key`, and keep it in a variable"));
        }
        seen.push((value, index));
    }
    found
}

/// The field of the key, and its value, or a text that stands for it.
fn value(key: &Node, scene: &Scene<'_>) -> Option<(&'static str, String)> {
    if let Some(text) = key.get("key").and_then(Node::string) {
        return Some(("key", text.trim().to_owned()));
    }
    let name = key.get("env").and_then(Node::text)?;
    let value = scene.vm.known(name).map(|value| value.trim().to_owned());
    Some(("env", value.unwrap_or_else(|| format!("{{env: {name}}}"))))
}

fn decoded(value: &str) -> Option<Vec<u8>> {
    let value = value.replace('-', "+").replace('_', "/");
    let bare = value.trim_end_matches('=');
    STANDARD.decode(format!("{bare}{}", "=".repeat(bare.len().wrapping_neg() % 4))).ok()
}

/// What shows that bytes are not random. None of it happens by chance.
fn problem(bytes: &[u8]) -> Option<&'static str> {
    let steps = || bytes.windows(2).filter_map(|pair| Some(pair.last()?.wrapping_sub(*pair.first()?)));
    let is_sequence = steps().next().is_some_and(|first| steps().all(|step| step == first));
    let mut different = bytes.to_vec();
    different.sort_unstable();
    different.dedup();
    if bytes.iter().all(|byte| (b' '..=b'~').contains(byte)) {
        Some("is text in base64, and no random bytes")
    } else if is_sequence || different.len() < FEWEST_DIFFERENT {
        Some("is no random key")
    } else {
        None
    }
}

/// Of 32 random bytes, some 30 are different.
const FEWEST_DIFFERENT: usize = 16;
