//! A configuration that another VM of the process has loaded without a mistake. Of its tenants the
//! hosts and the names of headers are read, and the rest when a tenant is needed, so that a push of
//! thousands of tenants does not hold a worker up.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::alike::Sections;
use super::common::Common;
use super::cursor::{Cursor, Errors};
use super::document::Document;
use super::load_context::LoadContext;
use super::tenant::{AssertionNames, headers, tenant};
use crate::base::json_elements::Element;
use crate::env::Environment;
use crate::http::host::HostPattern;
use crate::http::host_table::HostTable;
use crate::jose::HostAlgorithms;
use crate::runtime::{CheckedNote, CompiledTenant, DeferredCompiler, DeferredTenants, Runtime};
use crate::seal::KeyRing;

/// Loads a configuration for which there is this note that it has no mistake. `None` if the note is
/// not genuine, or if the tenants cannot be deferred: because of a store, of tenants in etcd, or
/// because they are not apart. Then [`load`](super::load) it.
pub fn load_checked(
    bytes: &Arc<Vec<u8>>,
    environment: &'static (dyn Environment + Sync),
    host: HostAlgorithms,
    note: &CheckedNote<'_>,
) -> Option<Runtime> {
    let document = Document::read(bytes).ok()?;
    let apart = document.apart()?;
    let errors = Errors::default();
    let mut common = Common::read(&Cursor::root(&document.top, &errors).object(), LoadContext { environment, host });
    if !apart.has_plain_names || !errors.is_empty() || common.store.is_some() || common.documents.settings.is_some() {
        return None;
    }
    let ring = Arc::new(KeyRing::new(std::mem::take(&mut common.keys)));
    if !note.is_genuine(&ring) {
        return None;
    }
    let (assertion, sections) = (common.assertion_names(), Sections::default());
    let (mut hosts, mut fetching) = (HostTable::default(), Vec::new());
    let mut headers =
        HeaderNames { read: apart.read_member, assertion: assertion.as_ref(), seen: Vec::new(), names: Vec::new() };
    for (position, Element { members: [headers_at, hosts_at, provider], .. }) in apart.elements.iter().enumerate() {
        let patterns = (apart.read_member)((*hosts_at)?)?;
        for pattern in patterns.as_array()? {
            hosts.add(&HostPattern::parse(pattern.as_str()?).ok()?, position);
        }
        if provider.is_some_and(may_fetch) {
            fetching.push(position);
        }
        headers.add(*headers_at)?;
    }
    let header_names = headers.all();
    let places = apart.places(bytes)?;
    let (bytes, read, sections) = (bytes.clone(), apart.read, Mutex::new(sections));
    let compiler = Compiler { bytes, places, read, environment, host, assertion, sections };
    let deferred = DeferredTenants::new(compiler.places.len(), hosts, fetching, Box::new(compiler), ring.clone());
    Some(common.into_runtime(ring, Vec::new(), header_names)?.with_deferred(deferred))
}

/// Whether documents may be fetched by this section. A tenant that fetches nothing may be taken for
/// one.
fn may_fetch(provider: &[u8]) -> bool {
    ["jwks_uri", "discovery"].iter().any(|name| provider.windows(name.len()).any(|part| part == name.as_bytes()))
}

/// The names of the identity headers of tenants.
struct HeaderNames<'a> {
    read: fn(&[u8]) -> Option<Value>,
    assertion: Option<&'a AssertionNames>,
    /// The sections that differ. Most tenants have the same.
    seen: Vec<Option<&'a [u8]>>,
    /// The names of each of them.
    names: Vec<Arc<[String]>>,
}

impl<'a> HeaderNames<'a> {
    /// Adds the names of this section of a tenant. `None` if it cannot be read.
    fn add(&mut self, section: Option<&'a [u8]>) -> Option<()> {
        // Of many that differ the last few are compared, so that the load does not become slow.
        if self.seen.iter().rev().take(MOST_COMPARED).any(|known| *known == section) {
            return Some(());
        }
        let errors = Errors::default();
        let value = match section {
            Some(section) => json!({ HEADERS: (self.read)(section)? }),
            None => json!({}),
        };
        let object = Cursor::root(&value, &errors).object();
        let (_, names) = headers(&object, self.assertion, &Sections::default());
        self.seen.push(section);
        self.names.push(names);
        errors.is_empty().then_some(())
    }

    fn all(&self) -> Vec<String> {
        self.names.iter().flat_map(|names| names.iter()).cloned().collect()
    }
}

/// Compiles tenants of these bytes.
struct Compiler {
    bytes: Arc<Vec<u8>>,
    places: Vec<Range<usize>>,
    read: fn(&[u8]) -> Option<Value>,
    environment: &'static (dyn Environment + Sync),
    host: HostAlgorithms,
    assertion: Option<AssertionNames>,
    sections: Mutex<Sections>,
}

impl DeferredCompiler for Compiler {
    fn compile(&self, position: usize) -> CompiledTenant {
        let bytes = self.places.get(position).and_then(|place| self.bytes.get(place.clone()));
        let value = bytes.and_then(self.read).unwrap_or_default();
        let others = Sections::default();
        let sections = self.sections.lock();
        let sections = sections.as_deref().unwrap_or(&others);
        let context = LoadContext { environment: self.environment, host: self.host };
        tenant(position, &value, context, self.assertion.as_ref(), sections).compiled(position, &|_| true)
    }
}

/// Omits the configuration.
impl fmt::Debug for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiler").finish_non_exhaustive()
    }
}

const HEADERS: &str = "headers";
const MOST_COMPARED: usize = 8;
