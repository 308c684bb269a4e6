//! The address of the client of a request.

use std::net::IpAddr;

/// Gives the address of the client.
pub trait ClientAddress {
    /// The address as the host determined it, never as the client wrote it into a header. `None` if
    /// the host does not know it.
    fn client_address(&self) -> Option<IpAddr>;
}

/// A host that does not know the client.
#[derive(Clone, Copy, Debug)]
pub struct NoClientAddress;

impl ClientAddress for NoClientAddress {
    fn client_address(&self) -> Option<IpAddr> {
        None
    }
}
