//! `session`: the session keys, and the lifetime of sessions.

use std::collections::HashSet;
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::cursor::Cursor;
use super::values::{duration, from_environment};
use crate::base::secret::Secret;
use crate::env::Environment;
use crate::seal::SealingKey;
use crate::tenant::SessionPolicy;

/// Reads the session keys and the policy. The result has the keys that could be read. The policy is
/// `None` if the lifetime could not be read.
pub(super) fn session(at: &Cursor<'_>, environment: &dyn Environment) -> (Vec<SealingKey>, Option<SessionPolicy>) {
    let session = at.required_object();
    let mut ids = HashSet::new();
    let mut keys = Vec::new();
    for element in &session.field("keys").required_elements() {
        let Some((id, key)) = sealing_key(element, environment) else { continue };
        if ids.insert(id.clone()) {
            keys.push(SealingKey::new(id, key));
        } else {
            element.error(format!("another key has the id {id:?}, too; an id names one key"));
        }
    }
    let lifetime = duration(&session.field("lifetime"), DEFAULT_LIFETIME, MIN_LIFETIME..=MAX_LIFETIME);
    let idle_at = session.field("idle");
    let idle = idle_at.is_present().then(|| duration(&idle_at, DEFAULT_LIFETIME, MIN_IDLE..=MAX_LIFETIME)).flatten();
    if idle.zip(lifetime).is_some_and(|(idle, lifetime)| idle >= lifetime) {
        idle_at.error("is not shorter than `lifetime`, so it would never end a session");
    }
    let end_with_id_token = session.field("end_with_id_token").boolean().unwrap_or(false);
    session.finish();
    (keys, lifetime.map(|lifetime| SessionPolicy { lifetime, idle, end_with_id_token }))
}

fn sealing_key(at: &Cursor<'_>, environment: &dyn Environment) -> Option<(String, Secret<[u8; SealingKey::LENGTH]>)> {
    let object = at.object();
    let id = object.field("id");
    let id = id.required_text().filter(|text| {
        let fits = SealingKey::is_id(text);
        if !fits {
            id.error(format!("{text:?} is not an id: 1 to 32 letters, digits, \"-\" and \"_\""));
        }
        fits
    });
    let (variable, inline) = (object.field("env"), object.field("key"));
    let key = match (variable.text(), inline.text()) {
        (Some(name), None) => {
            from_environment(&variable, name, environment).and_then(|text| decode(&variable, text.expose_secret()))
        }
        (None, Some(text)) => decode(&inline, text),
        (Some(_), Some(_)) => at.refuse("has both `env` and `key`; give one of them"),
        (None, None) => {
            if !variable.is_present() && !inline.is_present() {
                at.error("has neither `env` nor `key`; give one of them");
            }
            None
        }
    };
    object.finish();
    Some((id?.to_owned(), key?))
}

/// Decodes 32 bytes from base64 or base64url, with or without padding, because tools differ.
fn decode(at: &Cursor<'_>, text: &str) -> Option<Secret<[u8; SealingKey::LENGTH]>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let decoded = [alphabet::STANDARD, alphabet::URL_SAFE]
        .iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, config).decode(text.trim()).ok());
    let Some(key) = decoded.and_then(|bytes| <[u8; SealingKey::LENGTH]>::try_from(bytes).ok()) else {
        return at.refuse("is not base64 of 32 bytes; `tenantgate session-key` makes one");
    };
    let [first, rest @ ..] = key;
    if rest.iter().all(|&byte| byte == first) {
        return at.refuse("repeats one byte and is not a random key; `tenantgate session-key` makes one");
    }
    Some(Secret::new(key))
}

const DEFAULT_LIFETIME: Duration = Duration::from_secs(8 * 60 * 60);
const MIN_LIFETIME: Duration = Duration::from_secs(60);
/// The shortest idle timeout. A shorter one would end the session of a user who only reads a page.
const MIN_IDLE: Duration = Duration::from_secs(5 * 60);
const MAX_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);
