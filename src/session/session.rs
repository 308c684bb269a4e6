//! A session that was opened, with its identity.

use std::sync::Arc;

use super::record::SessionRecord;
use super::refresh_grant::RefreshGrant;
use crate::base::time::UnixTime;
use crate::identity::{Verified, VerifiedCache, VerifiedIdentity};
use crate::seal::Opened;
use crate::tenant::TenantName;

/// The sessions that were opened before, by their sealed form. Whether one is valid still is
/// decided each time.
pub(crate) type SessionCache = VerifiedCache<OpenedSession>;

/// A session that is valid under the configuration and at the time with which it was read.
pub(crate) struct Session(Arc<OpenedSession>);

/// What a sealed session contains.
pub(crate) struct OpenedSession {
    record: SessionRecord,
    identity: VerifiedIdentity,
    /// The length of the sealed session, about as much as the record takes.
    length: usize,
}

impl OpenedSession {
    /// Takes the content of a session of this sealed length, whose identity is relied on until
    /// `end`.
    pub(super) fn new(opened: Opened<SessionRecord>, length: usize, end: UnixTime) -> Self {
        let record = opened.value().clone();
        Self { record, identity: VerifiedIdentity::from_sealed(opened).ending_at(end), length }
    }

    /// The content of the session.
    pub(super) fn record(&self) -> &SessionRecord {
        &self.record
    }
}

impl Verified for OpenedSession {
    fn tenant(&self) -> &TenantName {
        self.identity.tenant()
    }

    fn size(&self) -> usize {
        self.identity.size().saturating_add(self.length)
    }
}

impl Session {
    /// A session of which [`Sessions`](super::Sessions) has found that it is valid.
    pub(super) fn new(opened: Arc<OpenedSession>) -> Self {
        Self(opened)
    }

    /// The content of the session.
    pub(crate) fn record(&self) -> &SessionRecord {
        self.0.record()
    }

    /// The data for a refresh, if the session has any.
    pub(crate) fn grant(&self) -> Option<&RefreshGrant> {
        self.record().tokens.grant.as_ref()
    }

    /// The identity of the session, with the tokens that are forwarded, and with the time until
    /// which it is relied on.
    pub(crate) fn identity(&self) -> &VerifiedIdentity {
        &self.0.identity
    }

    /// The content of the session, in order to revoke it.
    pub(crate) fn into_record(self) -> SessionRecord {
        match Arc::try_unwrap(self.0) {
            Ok(opened) => opened.record,
            Err(known) => known.record.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Purpose;
    use crate::testing::{TestHost, runtime, session, tenants};

    /// What the cache spends on a session is not less than what came from the browser.
    #[test]
    fn the_size_has_the_sealed_length() {
        let runtime = runtime(&["k"]);
        let [tenant, _] = tenants(&runtime);
        let mut host = TestHost::default();
        let sealed = runtime.ring().seal(Purpose::Session, tenant, &session(1), &mut host.env()).unwrap();
        let size = |length: usize| {
            let opened = runtime.ring().open(Purpose::Session, tenant, sealed.as_bytes()).unwrap();
            OpenedSession::new(opened, length, UnixTime(2)).size()
        };
        assert!(size(0) > 1);
        assert_eq!(size(4096), size(0) + 4096);
    }
}
