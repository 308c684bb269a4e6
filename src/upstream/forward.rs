//! The permission to send a request to the upstream.

use super::config::UpstreamConfig;
use super::header_edit::HeaderEdit;
use super::header_lines::HeaderLines;
use super::strip::strip;
use crate::access::{Permitted, Public};
use crate::base::encoding::header_value;
use crate::env::{Env, HostFailure};
use crate::http::authorization::has_bearer_token;
use crate::http::request::RequestHead;
use crate::identity::Tokens;
use crate::tenant::{ListForm, Tenant};

/// Permission to send this request on, with what is to be changed in its head first.
///
/// It cannot be made without the proof that the rules of the tenant let this very request go, as somebody ([`Permitted`]) or as anybody
/// ([`Public`]), and it strips before it sets.
#[derive(Debug)]
#[must_use = "the request stands still until the edits are applied and it is resumed"]
pub struct Forward {
    edits: Vec<HeaderEdit>,
    filter_state: Vec<(&'static str, String)>,
}

impl Forward {
    /// Lets the request go as the identity that may make it, with the roles that it has at this moment.
    ///
    /// # Errors
    /// What keeps the assertion from being signed.
    pub(crate) fn authenticated(
        permitted: &Permitted<'_>,
        config: &UpstreamConfig,
        env: &Env<'_>,
    ) -> Result<Self, HostFailure> {
        let (head, tenant, identity) = (permitted.head(), permitted.tenant(), permitted.identity());
        let (names, roles) = (&tenant.headers, permitted.roles());
        // Where a bearer token was sent, the identity is that of the token.
        let mut forward = Self::stripped(head, tenant, config, has_bearer_token(head));
        forward.set(names.tenant.as_deref(), HeaderLines::value(tenant.name.as_str()));
        forward.set(names.user.as_deref(), HeaderLines::value(identity.user()));
        if let Some(email) = identity.email() {
            forward.set(names.email.as_deref(), HeaderLines::value(email));
        }
        forward.set(names.groups.as_deref(), HeaderLines::list(identity.groups(), names.lists));
        forward.set(names.roles.as_deref(), HeaderLines::list(roles, names.lists));
        for (header, claim) in &names.claims {
            if let Some(value) = identity.claim(claim) {
                forward.set(Some(header), HeaderLines::claim(value, names.lists));
            }
        }
        let Tokens { access_token, id_token } = identity.tokens();
        for (name, token) in [(&names.access_token, access_token), (&names.id_token, id_token)] {
            if let (Some(name), Some(token)) = (name, token) {
                forward.set(Some(name), HeaderLines::value(&token_value(name, token.expose_secret())));
            }
        }
        if let Some(assertion) = &config.assertion {
            let signed = assertion.for_identity(tenant, identity, roles, env)?;
            forward.edits.push(HeaderEdit::Set(assertion.header().to_owned(), signed.into_bytes()));
        }
        if config.filter_state {
            forward.filter_state = vec![
                ("tenantgate.tenant", tenant.name.as_str().to_owned()),
                ("tenantgate.user", header_value(identity.user(), None)),
                ("tenantgate.roles", HeaderLines::list(roles, ListForm::Separated(b',')).first.unwrap_or_default()),
            ];
        }
        Ok(forward)
    }

    /// Lets a request go that anybody may make, as nobody.
    pub(crate) fn anonymous(public: &Public<'_>, config: &UpstreamConfig) -> Self {
        Self::stripped(public.head(), public.tenant(), config, false)
    }

    /// The request without what the client may not say, and nothing said in its place. `verified`: the gate verified what is in
    /// `Authorization`.
    fn stripped(head: &RequestHead, tenant: &Tenant, config: &UpstreamConfig, verified: bool) -> Self {
        Self { edits: strip(head, tenant.headers.authorization, verified, &config.protected), filter_state: Vec::new() }
    }

    /// What is to be changed, in order.
    pub fn edits(&self) -> &[HeaderEdit] {
        &self.edits
    }

    /// What is to be set as filter state: names and values, printable ASCII.
    pub fn filter_state(&self) -> &[(&'static str, String)] {
        &self.filter_state
    }

    /// Everything under `name` was stripped; the lines come in its place, if there is a name for them.
    fn set(&mut self, name: Option<&str>, lines: HeaderLines) {
        let Some(name) = name else { return };
        for (position, line) in lines.into_iter().enumerate() {
            let edit = if position == 0 { HeaderEdit::Set } else { HeaderEdit::Add };
            self.edits.push(edit(name.to_owned(), line.into_bytes()));
        }
    }
}

/// A token as it stands under `name`.
fn token_value(name: &str, token: &str) -> String {
    if name == "authorization" { format!("Bearer {token}") } else { token.to_owned() }
}
