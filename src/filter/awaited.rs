//! What a stream can wait for beside its own inputs.

use crate::session::RefreshKey;

/// Something that is not part of the stream and that the stream waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// A fetch of what a provider publishes.
    Fetch,
    /// The refresh with this key.
    Refresh(RefreshKey),
    /// An answer of etcd.
    Store,
}
