//! From which read of a store a list of sign-outs comes.

/// A read of all sign-outs of a tenant from a store. A list that comes from it, and to which the
/// polls of the store have added what was new, is whole. Of two reads the later one is greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StoreRead {
    /// The number of the polls that go on from this read. 0 if there was no read.
    pub(crate) epoch: u64,
    /// How many sign-outs of the tenant the polls had missed before it.
    pub(crate) missed: u32,
    /// Identifies the store, and the tenants for which it is polled.
    pub(crate) store: u32,
}

impl StoreRead {
    /// The length of [`to_bytes`](Self::to_bytes).
    pub(super) const LENGTH: usize = 16;

    /// As it is written at the end of a list.
    pub(super) fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        let parts =
            self.epoch.to_be_bytes().into_iter().chain(self.missed.to_be_bytes()).chain(self.store.to_be_bytes());
        bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) made. `None` for bytes of another length.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (epoch, rest) = bytes.split_first_chunk()?;
        let (missed, rest) = rest.split_first_chunk()?;
        let store = rest.try_into().ok()?;
        let (epoch, missed) = (u64::from_be_bytes(*epoch), u32::from_be_bytes(*missed));
        Some(Self { epoch, missed, store: u32::from_be_bytes(store) })
    }
}
