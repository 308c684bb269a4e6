//! How an etcd is reached: the fields that every section about one has.

use std::sync::Arc;

use super::cursor::{Cursor, Object};
use super::provider::cluster;
use super::values::secret;
use crate::env::Environment;
use crate::etcd::Etcd;

/// Reads the etcd from `object` at `at`. The caller reads further fields and finishes the object.
pub(super) fn etcd(at: &Cursor<'_>, object: &Object<'_>, environment: &dyn Environment) -> Option<Arc<Etcd>> {
    let cluster = cluster(&object.field("cluster"));
    let prefix = prefix(&object.field("prefix"));
    let (name_at, password_at) = (object.field("username"), object.field("password"));
    let (name, password) = (name_at.text(), secret(&password_at, environment));
    if name_at.is_present() != password_at.is_present() {
        at.error("has one of `username` and `password`; give both, or neither for an etcd without users");
    }
    let user = name.map(str::to_owned).zip(password);
    Some(Arc::new(Etcd::new(cluster?, prefix?, user)))
}

/// Reads what every key begins with. A slash at its end keeps it from being the beginning of
/// another one.
fn prefix(at: &Cursor<'_>) -> Option<String> {
    match at.text() {
        None => (!at.is_present()).then(|| DEFAULT_PREFIX.to_owned()),
        Some(text) if text.len() > 1 && text.ends_with('/') && text.bytes().all(|b| b.is_ascii_graphic()) => {
            Some(text.to_owned())
        }
        Some(text) => at.refuse(format!("{text:?} is not a prefix of keys; write it as \"{DEFAULT_PREFIX}\"")),
    }
}

const DEFAULT_PREFIX: &str = "/tenantgate/";
