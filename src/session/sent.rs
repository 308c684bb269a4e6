//! A session that came with a request, before it is known whether the request may use it.
//!
//! Scenarios: `tests/scenarios/csrf.rs`.

use std::fmt;

use super::cookies;
use super::end::SessionEnd;
use super::record::SessionRecord;
use super::session::Session;
use super::sessions::Sessions;
use crate::base::encoding::escaped;
use crate::http::host::Host;
use crate::http::origin::{is_same_origin, is_unsafe};
use crate::http::request::RequestHead;
use crate::tenant::Tenant;

/// A valid session of the cookies of a request. It gives no identity: the browser attaches the
/// cookies to whatever a page of another origin makes it send. Hosts of one domain are one site, so
/// `SameSite` does not keep tenants apart.
pub(crate) struct SentSession<'a> {
    session: Session,
    head: &'a RequestHead,
    tenant: &'a Tenant,
}

/// A page of another origin made an unsafe request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CrossOrigin {
    /// `Origin` as the browser sent it, in printable ASCII.
    origin: String,
}

impl fmt::Display for CrossOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin } = self;
        write!(
            f,
            "a page of another origin, which `csrf.trusted_origins` does not name, made the request: \"{origin}\""
        )
    }
}

impl std::error::Error for CrossOrigin {}

/// The most characters of an origin in a line of the log.
const MAX_ORIGIN: usize = 200;

impl<'a> Sessions<'a> {
    /// The first valid session among the session cookies of the request.
    ///
    /// # Errors
    /// There is none. [`SessionEnd`] if there is a session cookie.
    pub(crate) fn find(&self, head: &'a RequestHead) -> Result<SentSession<'a>, Option<SessionEnd>> {
        let tenant = self.tenant;
        let mut end = None;
        for sealed in cookies::read(head, &tenant.login) {
            match self.open(&sealed) {
                Ok(session) => return Ok(SentSession { session, head, tenant }),
                Err(reason) => end = end.max(Some(reason)),
            }
        }
        Err(end)
    }
}

impl SentSession<'_> {
    /// The session, for use by its request to `host`. This is the check that OAuth 2.0 for
    /// Browser-Based Applications requires of a session in a cookie.
    ///
    /// # Errors
    /// [`CrossOrigin`] if the request is unsafe, and made by a page whose origin is neither that of
    /// `host` nor a trusted one.
    pub(crate) fn admit(self, host: &Host) -> Result<Session, CrossOrigin> {
        let Self { session, head, tenant } = self;
        let is_trusted = || {
            let origin = head.only("origin");
            origin.is_some_and(|origin| tenant.trusted_origins.iter().any(|trusted| trusted.as_bytes() == origin))
        };
        if is_unsafe(head) && !is_same_origin(head, &tenant.origin(host)) && !is_trusted() {
            let origin = String::from_utf8_lossy(head.only("origin").unwrap_or_default());
            return Err(CrossOrigin { origin: escaped(&origin, MAX_ORIGIN) });
        }
        Ok(session)
    }

    /// The content of the session, in order to revoke it.
    pub(crate) fn into_record(self) -> SessionRecord {
        self.session.into_record()
    }
}
