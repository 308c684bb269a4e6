//! What a VM needs of the tenants of a configuration before the first request of each.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::http::host_index::HostIndex;
use crate::http::host_table::HostTable;
use crate::session::store::StoreOutline;

/// What a VM needs of the tenants of a configuration before the first request of each. The VM that
/// has checked the configuration makes it, for itself and for the others.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// The places of the tenants in the bytes of the configuration.
    pub(crate) places: Vec<Range<usize>>,
    /// Their positions by host.
    pub(crate) hosts: Arc<HostTable>,
    /// The positions of those that fetch something.
    pub(super) fetching: Vec<usize>,
    /// The positions of those with mistakes, which may be about other tenants, and the first names.
    pub(super) broken: Vec<usize>,
    pub(super) broken_names: Vec<String>,
    /// Whether one of them refreshes sessions.
    pub(super) refreshes: bool,
    /// The names of the identity headers of all.
    pub(crate) header_names: Vec<String>,
    /// What documents of tenants must not have, too. `None` without `tenants_from`.
    pub(crate) taken: Option<TakenNames>,
    /// `None` without a store.
    pub(crate) store: Option<StoreOutline>,
}

/// What the tenants of the configuration have, and no document of a tenant may have, beside their
/// hosts.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TakenNames {
    /// The names, in lower case.
    pub(crate) names: HostIndex,
    /// The domains of the cookies.
    pub(crate) cookie_domains: Vec<String>,
}
