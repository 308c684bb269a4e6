//! What the log has beside the line of each event.

/// What the log has beside the line of each event. By default it names no user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogSettings {
    /// The lines about a known user name the user.
    pub users: bool,
    /// Each decision about a request has an audit line, which names the user.
    pub audit: bool,
}
