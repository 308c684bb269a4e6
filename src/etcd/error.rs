//! The reasons why an operation failed.

use std::fmt;

use super::answer::COMMON_NAME;
use crate::base::encoding::escaped;
use crate::http::call::CallFailure;

/// The reason why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EtcdError {
    /// There was no answer.
    Unreachable(CallFailure),
    /// etcd answered with this status and text.
    Refused(u16, String),
    /// The answer is longer than one is read.
    TooLong,
    /// The answer is not one of etcd.
    Invalid,
}

impl fmt::Display for EtcdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(failure) => failure.fmt(f),
            Self::Refused(status, text) => {
                write!(f, "status {status}")?;
                if !text.is_empty() {
                    write!(f, ": {}", escaped(text, MAX_TEXT))?;
                }
                f.write_str(if text.contains("user name is empty") {
                    "; set `etcd.username` and `password`"
                } else if text == COMMON_NAME {
                    "; the certificate of the client must have no common name (CN)"
                } else {
                    ""
                })
            }
            Self::TooLong => f.write_str("the answer is too long"),
            Self::Invalid => f.write_str("the answer is not one of etcd's JSON gateway (/v3)"),
        }
    }
}

impl std::error::Error for EtcdError {}

const MAX_TEXT: usize = 120;
