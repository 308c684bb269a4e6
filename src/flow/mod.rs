//! What happens when a person or a program comes: a bearer token, a login, a logout, a refresh of a session.
//!
//! A flow puts the rooms below together. It does not know the host's callbacks, or which flow comes next: that is up to
//! `filter`. No flow imports another.

pub(crate) mod bearer;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod refresh;
