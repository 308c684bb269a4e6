//! The revocation of a refresh token whose session has ended (RFC 7009). It follows a sign-out, or
//! a refresh whose session was signed out in the meantime.
//!
//! No browser waits for it, and nothing depends on its success. Scenarios:
//! `tests/scenarios/token_revocation.rs`.

use crate::base::event::{Event, Level, LogLine};
use crate::base::secret::Secret;
use crate::env::Env;
use crate::error::ReplyContext;
use crate::http::call::{CallFailure, CallResponse, HttpCall};
use crate::oauth::discovery::Provider;
use crate::oauth::{ClientRequest, ProviderUnreachable, SentSecrets, read_revocation, revocation_request};

/// A revocation that waits for the response of the provider. It belongs to the plugin, as a refresh
/// does, because its stream has ended.
pub(crate) struct TokenRevocation {
    reply_context: ReplyContext,
    cluster: String,
    sent: SentSecrets,
}

impl TokenRevocation {
    /// Begins the revocation of `refresh_token`, with a call that is to be made. `None` if the
    /// provider has no endpoint for it, or the tenant does not want it.
    ///
    /// # Errors
    /// The line for the log if the client cannot be authenticated.
    pub(crate) fn begin(
        provider: &Provider,
        refresh_token: &Secret<String>,
        reply_context: &ReplyContext,
        env: &mut Env<'_>,
    ) -> Result<Option<(Self, HttpCall)>, LogLine> {
        if !provider.tenant().refresh.is_some_and(|refresh| refresh.revoke_at_sign_out) {
            return Ok(None);
        }
        let request = revocation_request(provider, refresh_token, env).transpose();
        let request = request.map_err(|error| failed(reply_context, &error.to_string()))?;
        Ok(request.map(|ClientRequest { call, sent }| {
            (
                Self {
                    reply_context: reply_context.clone(),
                    cluster: provider.tenant().provider.cluster.clone(),
                    sent,
                },
                reply_context.traced(call),
            )
        }))
    }

    /// Takes the response of the provider. There is no second attempt: the token would have to be
    /// kept for it.
    pub(crate) fn called(&self, result: Result<CallResponse, CallFailure>) -> LogLine {
        match read_revocation(result.map_err(|failure| ProviderUnreachable::new(&self.cluster, failure)), &self.sent) {
            Ok(()) => self.reply_context.log(Level::Debug, Event::TokenRevoked, "the issuer revoked a refresh token"),
            Err(error) => failed(&self.reply_context, &error.to_string()),
        }
    }
}

fn failed(reply_context: &ReplyContext, reason: &str) -> LogLine {
    let reason = ["a refresh token may be valid at the issuer until it expires: ", reason].concat();
    reply_context.log(Level::Warn, Event::RevocationFailed, &reason)
}
