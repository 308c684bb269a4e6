//! The flows of users and API clients: a bearer token, a login, a logout, a refresh of a session,
//! the revocation of a refresh token, and the question who is signed in.
//!
//! A flow combines the rooms below it. It does not know the callbacks of the host or which flow
//! comes next; `filter` decides that. No flow imports another.

pub(crate) mod bearer;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod refresh;
pub(crate) mod token_revocation;
pub(crate) mod whoami;
