//! The one way to the upstream: what a forwarded request carries, and the proof that it may go.

mod headers;
mod lines;
mod strip;

use std::fmt;

use crate::bearer;
use crate::denial::Denial;
use crate::env::Env;
use crate::identity::VerifiedIdentity;
use crate::visit::Visit;
use lines::Lines;
use strip::strip;

pub use headers::{
    Authorization, DEFAULT_ASSERTION, DEFAULT_EMAIL, DEFAULT_GROUPS, DEFAULT_PREFERRED_USERNAME, DEFAULT_ROLES,
    DEFAULT_TENANT, DEFAULT_USER, HeaderNames, IdentityHeaders, ListForm, fold,
};
pub use strip::Protected;

/// Permission to send this request on, with what is to be changed in its head first.
///
/// It cannot be made without a [`VerifiedIdentity`] of the tenant that the host selected, and it strips before it sets.
#[derive(Debug)]
#[must_use = "the request stands still until the edits are applied and it is resumed"]
pub struct Forward {
    edits: Vec<HeaderEdit>,
    filter_state: Vec<(&'static str, String)>,
    protected: Protected,
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

/// The identity was verified for another tenant than the one that the host selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherTenant;

impl Forward {
    /// Lets the request go as `identity`, which has these roles.
    ///
    /// # Errors
    /// [`Denial::OtherTenant`] if the identity is not one of the tenant, and what keeps the assertion from being signed.
    pub(crate) fn authenticated(
        visit: &Visit<'_>,
        identity: &VerifiedIdentity,
        roles: &[String],
        env: &Env<'_>,
    ) -> Result<Self, Denial> {
        let Visit { head, gate, tenant, .. } = visit;
        if identity.tenant() != &tenant.name {
            return Err(OtherTenant.into());
        }
        let assertion = gate.assertion();
        let names = tenant.headers.names();
        // Where a bearer token was sent, the identity is that of the token.
        let mut forward = Self::stripped(visit, bearer::is_sent(head));
        forward.set(names.tenant.as_deref(), Lines::of(tenant.name.as_str()));
        forward.set(names.user.as_deref(), Lines::of(identity.user()));
        if let Some(email) = identity.email() {
            forward.set(names.email.as_deref(), Lines::of(email));
        }
        forward.set(names.groups.as_deref(), Lines::list(identity.groups(), names.lists));
        forward.set(names.roles.as_deref(), Lines::list(roles, names.lists));
        for (header, claim) in &names.claims {
            if let Some(value) = identity.claims().get(claim) {
                forward.set(Some(header), Lines::claim(value, names.lists));
            }
        }
        if let Some(assertion) = assertion {
            let signed = assertion.about(tenant, identity, roles, env)?;
            forward.edits.push(HeaderEdit::Set(assertion.header().to_owned(), signed.into_bytes()));
        }
        if gate.sets_filter_state() {
            forward.filter_state = vec![
                ("tenantgate.tenant", tenant.name.as_str().to_owned()),
                ("tenantgate.user", Lines::of(identity.user()).0.concat()),
                ("tenantgate.roles", Lines::list(roles, ListForm::Separated(b',')).0.concat()),
            ];
        }
        Ok(forward)
    }

    /// The request without what the client may not say, and nothing said in its place. `verified`: the gate verified what is in
    /// `Authorization`.
    fn stripped(visit: &Visit<'_>, verified: bool) -> Self {
        let protected = Protected::of(visit);
        let authorization = visit.tenant.headers.names().authorization.stays(verified);
        Self { edits: strip(visit.head, authorization, &protected), filter_state: Vec::new(), protected }
    }

    /// What is to be changed, in order.
    pub fn edits(&self) -> &[HeaderEdit] {
        &self.edits
    }

    /// What is to be set as filter state: names and values, printable ASCII.
    pub fn filter_state(&self) -> &[(&'static str, String)] {
        &self.filter_state
    }

    /// What trailers are to be measured by, once the rest is done.
    pub fn into_protected(self) -> Protected {
        self.protected
    }

    /// Everything under `name` was stripped; the lines come in its place, if there is a name for them.
    fn set(&mut self, name: Option<&str>, Lines(lines): Lines) {
        let Some(name) = name else { return };
        for (position, line) in lines.into_iter().enumerate() {
            let edit = if position == 0 { HeaderEdit::Set } else { HeaderEdit::Add };
            self.edits.push(edit(name.to_owned(), line.into_bytes()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::RequestHead;
    use crate::testing::{TestHost, gate, identity, tenants};

    fn head(authority: &str) -> RequestHead {
        let lines = [(":authority", authority), (":path", "/")];
        RequestHead::new(lines.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())))
    }

    #[test]
    fn roles_go_where_groups_go() {
        let gate = gate(&["k"]).with_filter_state(true);
        let [a, _] = tenants(&gate);
        let identity = identity(&gate, a, "ada");
        let (mut host, head) = (TestHost::default(), head("a.example"));
        let env = &mut host.env();
        let Ok(visit) = Visit::read(&head, &gate, env) else { panic!("no tenant") };
        for (roles, line) in [(vec![], None), (vec!["admin".to_owned(), "a,b".to_owned()], Some("admin,a%2Cb"))] {
            let forward = Forward::authenticated(&visit, &identity, &roles, env).unwrap();
            let edit = line.map(|line| HeaderEdit::Set(DEFAULT_ROLES.to_owned(), line.as_bytes().to_vec()));
            let is_roles = |edit: &&HeaderEdit| matches!(edit, HeaderEdit::Set(name, _) if name == DEFAULT_ROLES);
            assert_eq!(forward.edits().iter().find(is_roles), edit.as_ref());
            assert!(forward.filter_state().contains(&("tenantgate.roles", line.unwrap_or_default().to_owned())));
        }
    }

    #[test]
    fn trailers_say_nothing_under_protected_names() {
        let gate = gate(&["k"]);
        let (mut host, head) = (TestHost::default(), head("a.example"));
        let Ok(visit) = Visit::read(&head, &gate, &mut host.env()) else { panic!("no tenant") };
        let names = ["grpc-status", "x_auth_request_user", "x-tenantgate-assertion", "Authorization", "cookie", "x-a"];
        let gone: Vec<&str> = Protected::of(&visit).among_trailers(names).into_iter().collect();
        assert_eq!(gone, ["Authorization", "cookie", "x-tenantgate-assertion", "x_auth_request_user"]);
    }

    #[test]
    fn an_identity_of_another_tenant_forwards_nothing() {
        let gate = gate(&["k"]);
        let [a, _] = tenants(&gate);
        let identity = identity(&gate, a, "ada");
        let mut host = TestHost::default();
        let env = &mut host.env();
        for (authority, expected) in [("a.example", None), ("b.example", Some(Denial::OtherTenant))] {
            let head = head(authority);
            let Ok(visit) = Visit::read(&head, &gate, env) else { panic!("no tenant") };
            assert_eq!(Forward::authenticated(&visit, &identity, &[], env).err(), expected);
        }
    }
}
