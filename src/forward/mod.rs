//! The one way to the upstream: what a forwarded request carries, and the proof that it may go.

mod folded;
mod headers;
mod lines;
mod strip;

use std::fmt;

use crate::access::{Permitted, Public};
use crate::bearer;
use crate::denial::Denial;
use crate::encode::header_value;
use crate::env::Env;
use crate::gate::Gate;
use crate::identity::Tokens;
use crate::request::RequestHead;
use crate::tenant::Tenant;
use lines::Lines;
use strip::strip;

pub(crate) use folded::FoldedNames;
pub use folded::fold;
pub(crate) use headers::DEFAULT_NAMES;
pub use headers::{
    Authorization, DEFAULT_ASSERTION, DEFAULT_EMAIL, DEFAULT_GROUPS, DEFAULT_PREFERRED_USERNAME, DEFAULT_ROLES,
    DEFAULT_TENANT, DEFAULT_USER, IdentityHeaders, ListForm,
};
pub(crate) use strip::strip_trailers;

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

/// One change to the head. They are applied in order, all of them, or the request does not go.
#[derive(Clone, PartialEq, Eq)]
pub enum HeaderEdit {
    /// Every line under this name goes.
    Remove(String),
    /// One line with this value, whatever was there.
    Set(String, Vec<u8>),
    /// One more line under this name.
    Add(String, Vec<u8>),
}

/// Names only: the values are cookies and personal data.
impl fmt::Debug for HeaderEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remove(name) => f.debug_tuple("Remove").field(name).finish(),
            Self::Set(name, _) => f.debug_tuple("Set").field(name).finish_non_exhaustive(),
            Self::Add(name, _) => f.debug_tuple("Add").field(name).finish_non_exhaustive(),
        }
    }
}

impl Forward {
    /// Lets the request go as the identity that may make it, with the roles that it has at this moment.
    ///
    /// # Errors
    /// What keeps the assertion from being signed.
    pub(crate) fn authenticated(permitted: &Permitted<'_>, gate: &Gate, env: &Env<'_>) -> Result<Self, Denial> {
        let (head, tenant, identity) = (permitted.head(), permitted.tenant(), permitted.identity());
        let (names, roles) = (&tenant.headers, permitted.roles());
        // Where a bearer token was sent, the identity is that of the token.
        let mut forward = Self::stripped(head, tenant, gate, bearer::is_sent(head));
        forward.set(names.tenant.as_deref(), Lines::of(tenant.name.as_str()));
        forward.set(names.user.as_deref(), Lines::of(identity.user()));
        if let Some(email) = identity.email() {
            forward.set(names.email.as_deref(), Lines::of(email));
        }
        forward.set(names.groups.as_deref(), Lines::list(identity.groups(), names.lists));
        forward.set(names.roles.as_deref(), Lines::list(roles, names.lists));
        for (header, claim) in &names.claims {
            if let Some(value) = identity.claim(claim) {
                forward.set(Some(header), Lines::claim(value, names.lists));
            }
        }
        let Tokens { access_token, id_token } = identity.tokens();
        for (name, token) in [(&names.access_token, access_token), (&names.id_token, id_token)] {
            if let (Some(name), Some(token)) = (name, token) {
                forward.set(Some(name), Lines::of(&token_value(name, token.expose_secret())));
            }
        }
        if let Some(assertion) = gate.assertion() {
            let signed = assertion.about(tenant, identity, roles, env)?;
            forward.edits.push(HeaderEdit::Set(assertion.header().to_owned(), signed.into_bytes()));
        }
        if gate.sets_filter_state() {
            forward.filter_state = vec![
                ("tenantgate.tenant", tenant.name.as_str().to_owned()),
                ("tenantgate.user", header_value(identity.user(), None)),
                ("tenantgate.roles", Lines::list(roles, ListForm::Separated(b',')).first.unwrap_or_default()),
            ];
        }
        Ok(forward)
    }

    /// Lets a request go that anybody may make, as nobody.
    pub(crate) fn anonymous(public: &Public<'_>, gate: &Gate) -> Self {
        Self::stripped(public.head(), public.tenant(), gate, false)
    }

    /// The request without what the client may not say, and nothing said in its place. `verified`: the gate verified what is in
    /// `Authorization`.
    fn stripped(head: &RequestHead, tenant: &Tenant, gate: &Gate, verified: bool) -> Self {
        Self { edits: strip(head, tenant.headers.authorization, verified, gate), filter_state: Vec::new() }
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
    fn set(&mut self, name: Option<&str>, lines: Lines) {
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
