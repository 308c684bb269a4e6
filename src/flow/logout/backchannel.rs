//! Logout from server to server: the issuer posts a logout token (OpenID Connect Back-Channel
//! Logout 1.0).
//!
//! Scenarios: `tests/scenarios/backchannel.rs`.

use std::sync::Arc;

use super::end_session::folded;
use crate::base::event::{Event, Level};
use crate::base::secret::Secret;
use crate::env::{Env, HostFailure};
use crate::error::{LogoutError, ReplyContext};
use crate::http::form::parameter;
use crate::http::reply::LocalReply;
use crate::http::request::BodyError;
use crate::jose::{TokenError, TrustedKeys};
use crate::oauth::discovery::{Provider, catch_up_newer};
use crate::runtime::{RequestContext, Runtime, ServedTenant};
use crate::session::revocation::{Folded, Revocation, RevocationEntry, RevocationError};
use crate::session::store::{Ended, StartStoreWork, StoreWait, publish};
use crate::token::{LogoutSubject, VerifiedLogoutToken};

/// A back-channel logout request whose head has arrived and whose body has not.
pub(crate) struct BackchannelRequest {
    runtime: Arc<Runtime>,
    served: Arc<ServedTenant>,
    reply_context: ReplyContext,
}

impl BackchannelRequest {
    /// Checks the head (section 2.5).
    ///
    /// # Errors
    /// The answer to a request that is not a POST of a form.
    pub(crate) fn new(context: RequestContext) -> Result<Self, LocalReply> {
        let reply_context = ReplyContext { html: false, ..context.reply_context() };
        let RequestContext { head, runtime, served, .. } = context;
        if head.only(":method") != Some(b"POST") || !head.is_form() {
            return Err(reply_context.refuse(&LogoutError::Malformed.into()));
        }
        Ok(Self { runtime, served, reply_context })
    }

    /// The provider whose keys verify the logout token.
    pub(crate) fn provider(&self) -> &Arc<Provider> {
        &self.served.provider
    }

    /// Takes the body. The result is what its logout token revokes.
    ///
    /// # Errors
    /// The answer to an invalid request (section 2.8).
    pub(crate) fn read(
        &self,
        body: Result<Secret<Vec<u8>>, BodyError>,
        env: &mut Env<'_>,
    ) -> Result<Revocation, LocalReply> {
        self.revocation(body, env).map_err(|error| self.reply_context.refuse(&error.into()))
    }

    /// Begins to tell the other replicas, if there is a store. It also finds out whether one of
    /// them has accepted the logout token. `None` without a store.
    ///
    /// # Errors
    /// The answer if the host fails.
    pub(crate) fn publish(
        &self,
        revocation: &Revocation,
        env: &mut Env<'_>,
    ) -> Result<Option<(StoreWait, StartStoreWork)>, LocalReply> {
        let Some(store) = self.runtime.store() else { return Ok(None) };
        let begun = publish(store, &self.served.revocations, revocation, false, env);
        begun.map(Some).map_err(|failure| self.reply_context.refuse(&LogoutError::Host(failure).into()))
    }

    /// Ends the sessions here, too, after the answer of the store. If the store did not take it,
    /// the issuer can send a logout token again.
    pub(crate) fn published(&self, ended: Ended, revocation: Revocation, env: &mut Env<'_>) -> LocalReply {
        let error = match ended {
            Ended::Done => return self.end(&revocation, env),
            Ended::Replayed => LogoutError::Token(TokenError::Replayed),
            Ended::Failed => {
                let _ = self.store(&Revocation { token: None, ..revocation }, env);
                LogoutError::NotStored
            }
        };
        self.reply_context.refuse(&error.into())
    }

    /// Revokes the sessions. The answer is 200 or an error (section 2.8).
    pub(crate) fn end(&self, revocation: &Revocation, env: &mut Env<'_>) -> LocalReply {
        match self.store(revocation, env) {
            Ok(stored) => {
                let log = self.reply_context.log(Level::Info, Event::BackchannelLogout, "sessions ended by the issuer");
                let line = folded(stored, &self.reply_context);
                line.into_iter().fold(LocalReply::empty(200, log), LocalReply::with_log)
            }
            Err(error) => self.reply_context.refuse(&error.into()),
        }
    }

    fn revocation(
        &self,
        body: Result<Secret<Vec<u8>>, BodyError>,
        env: &mut Env<'_>,
    ) -> Result<Revocation, LogoutError> {
        let provider = &self.served.provider;
        let body = body.map_err(LogoutError::Body)?;
        let token = only_token(body.expose_secret()).ok_or(LogoutError::Malformed)?;
        let now = env.now().map_err(HostFailure::from)?;
        let verify = |keys: &TrustedKeys<'_>| {
            let context = self.served.logout_context(keys, now, env.verifier());
            VerifiedLogoutToken::verify(token.expose_secret(), &context)
        };
        let mut verified = verify(&provider.trusted_keys(now));
        if matches!(verified, Err(TokenError::UnknownKey)) && catch_up_newer(provider, env) {
            verified = verify(&provider.trusted_keys(now));
        }
        let token = verified.map_err(|error| {
            // Anyone can send such a token, so the request does not wait for the keys. The issuer
            // can retry.
            if error == TokenError::UnknownKey && self.served.model.provider.source.is_some() {
                provider.request_refresh();
                LogoutError::KeyUnknown
            } else if error == TokenError::Busy {
                LogoutError::Busy
            } else {
                LogoutError::Token(error)
            }
        })?;
        let mut revocation = match &token.subject {
            // A session without a `sid` may be the one that ended, so the subject's sessions
            // without a `sid` are revoked, too.
            LogoutSubject::Session(sid, subject) => {
                let without_sid = subject.as_deref().map(RevocationEntry::subject_without_sid);
                let entries = [RevocationEntry::sid(sid)].into_iter().chain(without_sid);
                Revocation { entries: entries.map(|entry| (entry, now)).collect(), ..Revocation::default() }
            }
            LogoutSubject::Subject(subject) => Revocation::of_user(subject, now),
        };
        revocation.token = Some((RevocationEntry::token(&token.id), token.expires));
        Ok(revocation)
    }

    fn store(&self, revocation: &Revocation, env: &mut Env<'_>) -> Result<Folded, LogoutError> {
        let now = env.now().map_err(HostFailure::from)?;
        self.runtime.revoke(&self.served, revocation, now, env).map_err(|error| match error {
            RevocationError::Replayed => LogoutError::Token(TokenError::Replayed),
            RevocationError::NotStored => HostFailure("it did not store the revoked sessions").into(),
        })
    }
}

/// The logout token of a form that has exactly one. Other fields are ignored.
fn only_token(body: &[u8]) -> Option<Secret<String>> {
    parameter(body, "logout_token").ok().flatten().map(Secret::new)
}
