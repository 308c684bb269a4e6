//! The code exchange: the code becomes tokens, and the tokens become a session.
//!
//! Scenarios: `tests/scenarios/{login,id_token,keys,userinfo}.rs`.

use super::returned::{Returned, StartedSession};
use crate::base::secret::Secret;
use crate::env::{Env, HostFailure};
use crate::error::LoginError;
use crate::http::call::{CallFailure, CallResponse, HttpCall};
use crate::http::reply::LocalReply;
use crate::identity::OmittedClaims;
use crate::jose::TokenError;
use crate::oauth::discovery::{Fetch, FetchStep, publish};
use crate::oauth::{
    ClientRequest, ProviderUnreachable, SentSecrets, TokenResponse, read_userinfo, token_request, userinfo_request,
};
use crate::session::{RefreshGrant, RetainedTokens};
use crate::token::{LoginExpectation, TokenDetail, VerifiedIdToken};

/// A login that waits for a response of the provider.
pub(crate) struct CodeExchange {
    returned: Returned,
    awaited: Awaited,
}

/// The response that the login waits for.
enum Awaited {
    /// The token response to a request with these secrets.
    Tokens(SentSecrets),
    /// The JWK Set: the ID token was signed with an unknown key, which may be a new one.
    Jwks(TokenResponse, Fetch),
    /// The UserInfo response. The ID token is verified.
    Userinfo(VerifiedIdToken, TokenResponse),
}

/// The next step of a login.
pub(crate) enum ExchangeStep {
    /// Make another call.
    Call(Box<CodeExchange>, HttpCall),
    /// End the login with this answer: a session or a refusal.
    Reply(LocalReply),
}

impl CodeExchange {
    /// Makes the token request.
    ///
    /// # Errors
    /// The answer if the request cannot be made.
    pub(super) fn begin(
        returned: Returned,
        code: &Secret<String>,
        env: &mut Env<'_>,
    ) -> Result<(Self, HttpCall), LocalReply> {
        let redirect_uri = returned.served.model.redirect_uri(&returned.host);
        match token_request(&returned.served.provider, code, &returned.attempt.verifier(), &redirect_uri, env) {
            Ok(ClientRequest { call, sent }) => {
                let call = returned.reply_context.traced(call);
                Ok((Self { returned, awaited: Awaited::Tokens(sent) }, call))
            }
            Err(error) => Err(returned.refuse(&LoginError::from(error).into())),
        }
    }

    /// Takes a response of the provider. After the last one the session begins, and the browser is
    /// redirected to the page where the login began.
    pub(crate) fn proceed(self, result: Result<CallResponse, CallFailure>, env: &mut Env<'_>) -> ExchangeStep {
        let Self { returned, awaited } = self;
        match awaited {
            Awaited::Tokens(sent) => returned.tokens(result, &sent, env),
            Awaited::Jwks(tokens, fetch) => returned.jwks(tokens, fetch, result, env),
            Awaited::Userinfo(token, tokens) => {
                let outcome = result
                    .map_err(|failure| returned.unreachable(failure))
                    .and_then(|response| Ok(token.with_userinfo(read_userinfo(&response)?)?))
                    .and_then(|token| returned.start_session(&token, &tokens, env));
                ExchangeStep::Reply(returned.end(outcome))
            }
        }
    }
}

impl Returned {
    fn unreachable(&self, failure: CallFailure) -> LoginError {
        LoginError::ProviderUnreachable(ProviderUnreachable::new(&self.served.model.provider.cluster, failure))
    }

    fn tokens(self, result: Result<CallResponse, CallFailure>, sent: &SentSecrets, env: &mut Env<'_>) -> ExchangeStep {
        let tokens = match result
            .map_err(|failure| self.unreachable(failure))
            .and_then(|response| Ok(TokenResponse::read(&response, sent)?))
        {
            Ok(tokens) => tokens,
            Err(error) => return ExchangeStep::Reply(self.end(Err(error))),
        };
        match self.verify(&tokens, env) {
            // The issuer itself sent the token, so the JWK Set is fetched however recent the last
            // fetch was.
            Err(error @ LoginError::IdToken(TokenError::UnknownKey | TokenError::OtherAlgorithm, _)) => {
                match Fetch::begin(&self.served.provider) {
                    Some((fetch, call)) => self.wait(Awaited::Jwks(tokens, fetch), call),
                    None => ExchangeStep::Reply(self.end(Err(error))),
                }
            }
            verified => self.verified(verified, tokens, env),
        }
    }

    fn jwks(
        self,
        tokens: TokenResponse,
        fetch: Fetch,
        result: Result<CallResponse, CallFailure>,
        env: &mut Env<'_>,
    ) -> ExchangeStep {
        let now = match env.now() {
            Ok(now) => now,
            Err(no_time) => return ExchangeStep::Reply(self.end(Err(HostFailure::from(no_time).into()))),
        };
        match fetch.proceed(result, now) {
            FetchStep::Call(fetch, call) => self.wait(Awaited::Jwks(tokens, fetch), call),
            FetchStep::Done(provider, Ok(documents)) => {
                publish(&provider, documents, env);
                let verified = self.verify(&tokens, env);
                self.verified(verified, tokens, env)
            }
            FetchStep::Done(_, Err(error)) => ExchangeStep::Reply(self.end(Err(LoginError::Jwks(error)))),
        }
    }

    /// Continues after the verification of the ID token: with the UserInfo request if the tenant
    /// wants it, else with the session.
    fn verified(
        self,
        verified: Result<VerifiedIdToken, LoginError>,
        tokens: TokenResponse,
        env: &mut Env<'_>,
    ) -> ExchangeStep {
        let outcome = match verified {
            Ok(token) if self.served.model.login.userinfo => {
                match userinfo_request(&self.served.provider, &tokens.access_token) {
                    Ok(call) => return self.wait(Awaited::Userinfo(token, tokens), call),
                    Err(error) => Err(error.into()),
                }
            }
            verified => verified.and_then(|token| self.start_session(&token, &tokens, env)),
        };
        ExchangeStep::Reply(self.end(outcome))
    }

    fn wait(self, awaited: Awaited, call: HttpCall) -> ExchangeStep {
        let call = self.reply_context.traced(call);
        ExchangeStep::Call(Box::new(CodeExchange { returned: self, awaited }), call)
    }

    /// Verifies the ID token.
    fn verify(&self, tokens: &TokenResponse, env: &Env<'_>) -> Result<VerifiedIdToken, LoginError> {
        let Self { served, attempt, .. } = self;
        let nonce = attempt.nonce();
        let asked_at = attempt.began(&served.model.login);
        let expected = LoginExpectation { nonce: &nonce, access_token: &tokens.access_token, asked_at };
        let id_token = tokens.required_id_token()?.expose_secret();
        let now = env.now().map_err(HostFailure::from)?;
        let keys = served.provider.trusted_keys(now);
        let context = served.token_context(&keys, now, env.verifier());
        VerifiedIdToken::verify(id_token, &expected, &context).map_err(|error| {
            let audience = std::slice::from_ref(&context.tenant.client.id);
            LoginError::IdToken(error, TokenDetail::new(error, id_token, audience, &context))
        })
    }

    /// Makes the session.
    fn start_session(
        &self,
        token: &VerifiedIdToken,
        tokens: &TokenResponse,
        env: &mut Env<'_>,
    ) -> Result<StartedSession, LoginError> {
        let Self { runtime, served, attempt, sent, .. } = self;
        let tenant = &served.model;
        let now = env.now().map_err(HostFailure::from)?;
        let refresh_token = tokens.refresh_token.as_ref().filter(|_| tenant.refresh.is_some());
        let is_refreshable = refresh_token.is_some();
        let grant = refresh_token.map(|refresh_token| RefreshGrant {
            refresh_token: refresh_token.expose_secret().clone(),
            nonce: attempt.nonce().expose_secret().clone(),
            auth_time: token.auth_time().map(|time| time.0),
            renewed: now.0,
            expires_in: tokens.expires_in,
            omitted: OmittedClaims::new(token, tenant),
        });
        let retained = RetainedTokens::new(&tokens.access_token, tokens.id_token.as_ref(), &served.provider);
        let retained = RetainedTokens { grant, ..retained };
        let sessions = runtime.sessions(served, now);
        let record = sessions.start(token, retained, env)?;
        let cookies = sessions.write(&record, sent, env)?.cookies;
        Ok(StartedSession { cookies, user: record.identity.user, at: now, is_refreshable })
    }
}
