//! Whose sessions end.

use std::time::{Duration, UNIX_EPOCH};

use clap::builder::NonEmptyStringValueParser as NonEmpty;
use tenantgate::base::time::UnixTime;
use tenantgate::session::revocation::SelectedSessions;

/// The sessions that end.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Selection {
    /// The sessions of a user, by the name that the upstream gets (`identity.user`).
    #[arg(long, value_name = "NAME", value_parser = NonEmpty::new())]
    user: Option<String>,
    /// The sessions of a user, by the subject at the issuer (`sub`).
    #[arg(long, value_name = "SUB", value_parser = NonEmpty::new())]
    subject: Option<String>,
    /// The sessions of one session at the issuer (`sid`).
    #[arg(long, value_name = "SID", value_parser = NonEmpty::new())]
    session: Option<String>,
    /// The sessions of everybody.
    #[arg(long)]
    all: bool,
}

impl Selection {
    pub(super) fn sessions(&self) -> SelectedSessions<'_> {
        match (&self.user, &self.subject, &self.session) {
            (Some(name), _, _) => SelectedSessions::User(name),
            (_, Some(subject), _) => SelectedSessions::Subject(subject),
            (_, _, Some(sid)) => SelectedSessions::IssuerSession(sid),
            (None, None, None) => SelectedSessions::All,
        }
    }

    /// The sessions in words, and the verb for them.
    pub(super) fn described(&self, until: UnixTime) -> (String, &'static str) {
        let began = || {
            let time = UNIX_EPOCH.checked_add(Duration::from_secs(until.0)).unwrap_or(UNIX_EPOCH);
            format!("that began until {}", humantime::format_rfc3339_seconds(time))
        };
        match self.sessions() {
            SelectedSessions::User(name) => (format!("all sessions of user {name:?} {}", began()), "end"),
            SelectedSessions::Subject(subject) => (format!("all sessions of subject {subject:?} {}", began()), "end"),
            SelectedSessions::IssuerSession(sid) => (format!("the session {sid:?} of the issuer"), "ends"),
            SelectedSessions::All => (format!("all sessions {}", began()), "end"),
        }
    }
}
