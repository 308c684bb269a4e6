//! The third leg: the code becomes a session.

use std::sync::Arc;

use super::attempt::Attempt;
use super::circle;
use super::token_request::token_request;
use super::token_response::TokenResponse;
use crate::asker::Asker;
use crate::call::{CallFailure, CallResponse, HttpCall};
use crate::cookie::Cookies;
use crate::denial::Denial;
use crate::env::Env;
use crate::gate::Gate;
use crate::host::Host;
use crate::page::Way;
use crate::provider::{Fetch, Progress, publish};
use crate::reply::{Level, LocalReply};
use crate::secret::Secret;
use crate::session::{self, Brought, Grant, Kept};
use crate::tenant::Tenant;
use crate::token::{Expected, TokenRejection, VerifiedIdToken};

/// A browser that came back with an answer to its own attempt. However it goes on, the attempt is over.
pub(super) struct Returned {
    pub(super) tenant: Arc<Tenant>,
    pub(super) host: Host,
    pub(super) attempt: Attempt,
    pub(super) brought: Brought,
    pub(super) asker: Asker,
}

/// A login that waits for the provider.
pub(crate) struct Redeeming {
    returned: Returned,
    stage: Stage,
}

/// What it waits for.
enum Stage {
    /// The tokens.
    Tokens,
    /// The key that signed the ID token in them: it was not known, so the issuer may have begun to use a new one.
    Keys(TokenResponse, Fetch),
}

/// What comes after an answer of the provider.
pub(crate) enum Leg {
    /// Another call.
    Call(Box<Redeeming>, HttpCall),
    /// The end of the login, well or not.
    Reply(LocalReply),
}

impl Returned {
    /// Asks the token endpoint for the tokens.
    pub(super) fn redeem(self, code: &Secret<String>) -> Result<(Redeeming, HttpCall), LocalReply> {
        let redirect_uri = self.tenant.redirect_uri(&self.host);
        match token_request(&self.tenant, code, &self.attempt.verifier(), &redirect_uri) {
            Ok(call) => Ok((Redeeming { returned: self, stage: Stage::Tokens }, call)),
            Err(undiscovered) => Err(self.refuse(&undiscovered.into())),
        }
    }

    /// Refuses, and offers to try again the page that was asked for.
    pub(super) fn refuse(&self, denial: &Denial) -> LocalReply {
        let way = Way::Link { href: self.page(), label: "Try again" };
        self.over(self.asker.refuse_with(denial, Some(way)))
    }

    /// The address that the browser asked for when the login began.
    fn page(&self) -> String {
        format!("{}{}", self.tenant.origin(&self.host), self.attempt.page)
    }

    /// Deletes the attempt's cookie: a state is good for one callback.
    fn over(&self, reply: LocalReply) -> LocalReply {
        let name = self.attempt.cookie_name(&self.tenant);
        reply.with_cookie(Cookies::of(&self.tenant).delete(&name))
    }
}

impl Redeeming {
    /// Takes the answer of the provider. At the end there is a session, and the browser goes to the page that it asked for.
    pub(crate) fn proceed(self, result: Result<CallResponse, CallFailure>, gate: &Gate, env: &mut Env<'_>) -> Leg {
        let Self { returned, stage } = self;
        match stage {
            Stage::Tokens => returned.tokens(result, gate, env),
            Stage::Keys(tokens, fetch) => returned.keys(tokens, fetch, result, gate, env),
        }
    }
}

impl Returned {
    fn tokens(self, result: Result<CallResponse, CallFailure>, gate: &Gate, env: &mut Env<'_>) -> Leg {
        let tokens = match result
            .map_err(Denial::ProviderUnreachable)
            .and_then(|response| Ok(TokenResponse::read(&response)?))
        {
            Ok(tokens) => tokens,
            Err(denial) => return Leg::Reply(self.refuse(&denial)),
        };
        match self.session(&tokens, gate, env) {
            // The token comes from the issuer itself, so its keys are worth a look, whatever was fetched a moment ago.
            Err(Denial::IdToken(TokenRejection::UnknownKey)) => match Fetch::begin(&self.tenant) {
                Some((fetch, call)) => Leg::Call(self.waiting(tokens, fetch), call),
                None => self.end(Err(TokenRejection::UnknownKey.into())),
            },
            outcome => self.end(outcome),
        }
    }

    fn keys(
        self,
        tokens: TokenResponse,
        fetch: Fetch,
        result: Result<CallResponse, CallFailure>,
        gate: &Gate,
        env: &mut Env<'_>,
    ) -> Leg {
        let now = match env.now() {
            Ok(now) => now,
            Err(no_time) => return self.end(Err(no_time.into())),
        };
        match fetch.proceed(result, now) {
            Progress::Call(fetch, call) => Leg::Call(self.waiting(tokens, fetch), call),
            Progress::Done(tenant, Ok(documents)) => {
                publish(&tenant, documents, env);
                let outcome = self.session(&tokens, gate, env);
                self.end(outcome)
            }
            Progress::Done(_, Err(problem)) => self.end(Err(Denial::KeysUnavailable(problem))),
        }
    }

    fn waiting(self, tokens: TokenResponse, fetch: Fetch) -> Box<Redeeming> {
        Box::new(Redeeming { returned: self, stage: Stage::Keys(tokens, fetch) })
    }

    /// Sends the browser to the page that it asked for, with the `Set-Cookie` values of its session, or says why there is none.
    fn end(&self, outcome: Result<Vec<String>, Denial>) -> Leg {
        Leg::Reply(match outcome {
            Ok(cookies) => {
                let note = self.asker.note(Level::Debug, "login_finished", "session started");
                let reply = self.over(LocalReply::redirect(self.page(), note));
                let count = circle::count(self.attempt.before, &self.tenant);
                cookies.into_iter().chain(count).fold(reply, LocalReply::with_cookie)
            }
            Err(denial) => self.refuse(&denial),
        })
    }

    /// The `Set-Cookie` values of the session.
    fn session(&self, tokens: &TokenResponse, gate: &Gate, env: &mut Env<'_>) -> Result<Vec<String>, Denial> {
        let Self { tenant, attempt, brought, .. } = self;
        let now = env.now()?;
        let expected = Expected { nonce: &attempt.nonce(), access_token: &tokens.access_token };
        let text = tokens.required_id_token()?.expose_secret();
        let token = VerifiedIdToken::verify(text, tenant, &expected, now, env.verifier())?;
        let refresh_token = tokens.refresh_token.as_ref().filter(|_| tenant.refresh.is_some());
        let grant = refresh_token.map(|refresh_token| Grant {
            refresh_token: refresh_token.expose_secret().clone(),
            nonce: attempt.nonce().expose_secret().clone(),
            renewed: now.0,
            expires_in: tokens.expires_in,
        });
        let kept = Kept { id_token: tenant.login.keep_id_token.then(|| text.clone()), grant };
        Ok(session::start(&token, kept, tenant, gate, now, brought, env)?)
    }
}
