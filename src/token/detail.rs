//! What a rejected token has, beside what is expected, for the log.

use std::fmt;

use serde_json::Value;

use super::signed::TokenContext;
use crate::base::encoding::{escaped, from_base64url};
use crate::base::json::{self, Members};
use crate::jose::TokenError;

/// What a rejected token has, and what is expected: issuer, audience, `kid`, algorithm, and by how
/// many seconds it is too early or too late. It names nothing about the user. Without such a
/// difference it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TokenDetail(String);

impl TokenDetail {
    /// The detail about `token`, which was rejected with `error`. `audiences` are those of which
    /// the token needs one.
    pub(crate) fn new(error: TokenError, token: &str, audiences: &[String], context: &TokenContext<'_>) -> Self {
        // Each part is read only where it is needed: the header, which has a limit, for errors that
        // anybody can cause, and the claims for a token whose signature was verified.
        let has = |name: &str| text(part(token, 0).as_ref().and_then(|header| header.get(name)));
        let claim = |name: &str| part(token, 1).and_then(|claims| claims.get(name).cloned());
        let seconds = |name: &str| claim(name).as_ref().and_then(Value::as_u64).unwrap_or_default();
        let now = context.now.0;
        Self(match error {
            TokenError::WrongClaim("iss") => {
                format!(
                    ": it is {}, and the configuration has {:?}",
                    text(claim("iss").as_ref()),
                    context.tenant.issuer
                )
            }
            TokenError::WrongClaim("aud") | TokenError::UntrustedAudience => {
                format!(": it is {}, and expected is {audiences:?}", text(claim("aud").as_ref()))
            }
            TokenError::UnknownKey | TokenError::OtherAlgorithm | TokenError::Signature => {
                let kids: Vec<&str> = context.keys.kids().take(MAX_KIDS).collect();
                format!(": `alg` is {}, `kid` is {}, and the keys have {kids:?}", has("alg"), has("kid"))
            }
            TokenError::UnsupportedAlgorithm | TokenError::OtherIdTokenAlgorithm => {
                format!(": `alg` is {}", has("alg"))
            }
            TokenError::WrongType => format!(": `typ` is {}", has("typ")),
            TokenError::Expired => format!(", {} seconds ago", now.saturating_sub(seconds("exp"))),
            TokenError::NotYetValid(name) => format!(", by {} seconds", seconds(name).saturating_sub(now)),
            TokenError::Busy
            | TokenError::Claim(_)
            | TokenError::HeaderTooLong
            | TokenError::Malformed
            | TokenError::MissingClaim(_)
            | TokenError::Parameter(_)
            | TokenError::Replayed
            | TokenError::TooLong
            | TokenError::TooOld
            | TokenError::WrongClaim(_) => return Self::default(),
        })
    }
}

impl fmt::Display for TokenDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The header (0) or the claims (1) of the token, which have passed the limits for tokens.
fn part(token: &str, number: usize) -> Option<Members> {
    json::parse_members(&from_base64url(token.split('.').nth(number)?)?).ok()
}

/// The value in quotes, in printable ASCII, of at most [`MAX_TEXT`] characters.
fn text(value: Option<&Value>) -> String {
    match value {
        None => "absent".to_owned(),
        Some(value) => {
            let text = value.as_str().map_or_else(|| json::write(value), str::to_owned);
            let shown = escaped(&text, MAX_TEXT);
            format!("\"{shown}\"")
        }
    }
}

const MAX_TEXT: usize = 120;
/// The most `kid`s that are named.
const MAX_KIDS: usize = 6;
