//! The permission to send a request to the upstream, with the changes to its headers.
//!
//! Scenarios: tests/scenarios/forward.rs.

use std::sync::Arc;

use super::config::UpstreamConfig;
use super::header_encoding::HeaderLines;
use super::identity_headers::identity_headers;
use super::strip::strip;
use crate::access::{Permitted, Public};
use crate::base::encoding::header_value;
use crate::base::event::Event;
use crate::env::{Env, HostFailure};
use crate::http::authorization::has_bearer_token;
use crate::http::header_edit::HeaderEdit;
use crate::http::request::RequestHead;
use crate::tenant::{ListForm, Tenant, TenantName};

/// Permission to send a request to the upstream, with the changes to its headers.
///
/// It can be made only from the proof that the tenant's rules permit this request, for an identity
/// ([`Permitted`]) or without one ([`Public`]). The client's headers are removed before those of
/// the identity are set.
#[derive(Debug)]
#[must_use = "the request stands still until the edits are applied and it is resumed"]
pub struct Forward {
    edits: Vec<HeaderEdit>,
    /// The headers of the identity, which come after these.
    identity: Option<Arc<[HeaderEdit]>>,
    filter_state: Vec<(&'static str, String)>,
    audit: Option<String>,
}

impl Forward {
    /// Permits the request with the headers of its identity, including the roles that it has at
    /// this moment.
    ///
    /// # Errors
    /// [`HostFailure`] if the assertion cannot be signed.
    pub(crate) fn authenticated(
        permitted: &Permitted<'_>,
        config: &UpstreamConfig,
        env: &Env<'_>,
    ) -> Result<Self, HostFailure> {
        let (head, tenant, identity) = (permitted.head(), permitted.tenant(), permitted.identity());
        let roles = permitted.roles();
        // If the request has a bearer token, the identity comes from that token.
        let mut forward = Self::stripped(head, tenant, config, has_bearer_token(head));
        forward.identity = Some(identity.headers(|| identity_headers(permitted)));
        if let Some(assertion) = &config.assertion {
            let signed = assertion.for_identity(permitted, env)?;
            forward.edits.push(HeaderEdit::Set(assertion.header().to_owned(), signed.into_bytes()));
        }
        if config.filter_state {
            forward.filter_state = vec![
                (TENANT, tenant.name.as_str().to_owned()),
                (USER, header_value(identity.user(), None)),
                (ROLES, HeaderLines::list(roles, ListForm::Separated(b',')).first.unwrap_or_default()),
                (DECISION, ALLOW.to_owned()),
            ];
        }
        Ok(forward)
    }

    /// Permits a public request without an identity.
    pub(crate) fn anonymous(public: &Public<'_>, config: &UpstreamConfig) -> Self {
        let mut forward = Self::stripped(public.head(), public.tenant(), config, false);
        if config.filter_state {
            // Other filters take the tenant as a proof that somebody is signed in.
            forward.filter_state = vec![(DECISION, ALLOW.to_owned())];
        }
        forward
    }

    /// The same permission, with the audit line about it.
    pub(crate) fn with_audit(self, audit: Option<String>) -> Self {
        Self { audit, ..self }
    }

    /// Removes what the client must not send, and sets nothing. `verified`: Tenantgate verified the
    /// token in `Authorization`.
    fn stripped(head: &RequestHead, tenant: &Tenant, config: &UpstreamConfig, verified: bool) -> Self {
        let edits = strip(head, &tenant.headers, verified, &config.protected);
        Self { edits, identity: None, filter_state: Vec::new(), audit: None }
    }

    /// The changes to the request headers, in order.
    pub fn edits(&self) -> impl Iterator<Item = &HeaderEdit> {
        self.edits.iter().chain(self.identity.iter().flat_map(|edits| edits.iter()))
    }

    /// The filter state to set: names and values, in printable ASCII.
    pub fn filter_state(&self) -> &[(&'static str, String)] {
        &self.filter_state
    }

    /// The audit line to log, if there is one.
    pub fn audit(&self) -> Option<&str> {
        self.audit.as_deref()
    }
}

/// The filter state of a request that Tenantgate answers itself with this event, for access logs.
pub(crate) fn filter_state_of_reply(
    event: Event,
    tenant: Option<&TenantName>,
    user: Option<&str>,
) -> Vec<(&'static str, String)> {
    let tenant = tenant.map(|tenant| (TENANT, tenant.as_str().to_owned()));
    let user = user.map(|user| (USER, header_value(user, None)));
    tenant.into_iter().chain(user).chain([(DECISION, event.name().to_owned())]).collect()
}

const TENANT: &str = "tenantgate.tenant";
const USER: &str = "tenantgate.user";
const ROLES: &str = "tenantgate.roles";
const DECISION: &str = "tenantgate.decision";
/// The decision about a request that is forwarded. That of another one is the name of an event.
const ALLOW: &str = "allow";
