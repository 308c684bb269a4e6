//! The sessions that an operator ends.

use super::list::RevocationEntry;
use super::sync::Revocation;
use crate::base::time::UnixTime;

/// Sessions of a tenant, as an operator names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectedSessions<'a> {
    /// Those of a user, by the name that the upstream receives (`identity.user`).
    User(&'a str),
    /// Those of a user, by the subject at the issuer (`sub`).
    Subject(&'a str),
    /// Those of a session at the issuer (`sid`).
    IssuerSession(&'a str),
    /// Those of everybody.
    All,
}

impl Revocation {
    /// Ends these sessions of a tenant, if they began at `now` or before. A session at the issuer
    /// has ended whenever that of Tenantgate began.
    pub(crate) fn of_selected(selected: SelectedSessions<'_>, now: UnixTime) -> Self {
        let entry = match selected {
            SelectedSessions::User(name) => RevocationEntry::user(name),
            SelectedSessions::Subject(subject) => RevocationEntry::subject(subject),
            SelectedSessions::IssuerSession(sid) => RevocationEntry::sid(sid),
            SelectedSessions::All => RevocationEntry::everybody(),
        };
        Self { entries: vec![(entry, now)], ..Self::default() }
    }
}
