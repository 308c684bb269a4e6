//! The third leg: the code becomes a session.

use std::sync::Arc;
use std::time::Duration;

use super::attempt::Attempt;
use super::circle;
use super::token_request::token_request;
use super::token_response::TokenResponse;
use super::userinfo::{read_userinfo, userinfo_request};
use crate::asker::Asker;
use crate::call::{CallFailure, CallResponse, HttpCall};
use crate::cookie::Cookies;
use crate::denial::{Denial, Remedy};
use crate::env::Env;
use crate::gate::Gate;
use crate::host::Host;
use crate::page::Way;
use crate::provider::{Fetch, Progress, publish};
use crate::reply::{Level, LocalReply};
use crate::secret::Secret;
use crate::session::{self, Brought, Grant, Kept, LeftOut};
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
    /// What the UserInfo endpoint adds to the ID token, which is verified already.
    Userinfo(VerifiedIdToken, TokenResponse),
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
    pub(super) fn redeem(self, code: &Secret<String>, env: &mut Env<'_>) -> Result<(Redeeming, HttpCall), LocalReply> {
        let redirect_uri = self.tenant.redirect_uri(&self.host);
        match token_request(&self.tenant, code, &self.attempt.verifier(), &redirect_uri, env) {
            Ok(call) => Ok((Redeeming { returned: self, stage: Stage::Tokens }, call)),
            Err(denial) => Err(self.refuse(&denial)),
        }
    }

    /// Refuses, and offers to try again the page that was asked for. Where trying again helps only if the issuer asks who it is, the
    /// next login has it ask.
    pub(super) fn refuse(&self, denial: &Denial) -> LocalReply {
        let remedy = denial.remedy();
        let way = Way::Link { href: self.page(), label: remedy.label() };
        let reply = self.over(self.asker.refuse_with(denial, Some(way)));
        let cookies = Cookies::of(&self.tenant);
        match remedy {
            Remedy::TryAgain => reply,
            Remedy::SignInAgain | Remedy::AnotherAccount => {
                let ask = cookies.set(&cookies.ask(), "1", ASK_FOR);
                ask.into_iter().fold(reply, LocalReply::with_cookie)
            }
        }
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
            Stage::Userinfo(token, tokens) => returned.userinfo(token, tokens, result, gate, env),
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
        match self.verify(&tokens, env) {
            // The token comes from the issuer itself, so its keys are worth a look, whatever was fetched a moment ago.
            Err(Denial::IdToken(TokenRejection::UnknownKey)) => match Fetch::begin(&self.tenant) {
                Some((fetch, call)) => Leg::Call(self.waiting(Stage::Keys(tokens, fetch)), call),
                None => self.end(Err(TokenRejection::UnknownKey.into())),
            },
            verdict => self.judged(verdict, tokens, gate, env),
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
            Progress::Call(fetch, call) => Leg::Call(self.waiting(Stage::Keys(tokens, fetch)), call),
            Progress::Done(tenant, Ok(documents)) => {
                publish(&tenant, documents, env);
                let verdict = self.verify(&tokens, env);
                self.judged(verdict, tokens, gate, env)
            }
            Progress::Done(_, Err(problem)) => self.end(Err(Denial::KeysUnavailable(problem))),
        }
    }

    /// Goes on after the ID token was looked at: to the UserInfo endpoint where the tenant wants that, and to the end otherwise.
    fn judged(
        self,
        verdict: Result<VerifiedIdToken, Denial>,
        tokens: TokenResponse,
        gate: &Gate,
        env: &mut Env<'_>,
    ) -> Leg {
        match verdict {
            Ok(token) if self.tenant.login.userinfo => match userinfo_request(&self.tenant, &tokens.access_token) {
                Ok(call) => Leg::Call(self.waiting(Stage::Userinfo(token, tokens)), call),
                Err(problem) => self.end(Err(problem.into())),
            },
            verdict => {
                let outcome = verdict.and_then(|token| self.session(&token, &tokens, gate, env));
                self.end(outcome)
            }
        }
    }

    /// Adds what the UserInfo endpoint says to what the ID token says, if both speak of the same person.
    fn userinfo(
        self,
        token: VerifiedIdToken,
        tokens: TokenResponse,
        result: Result<CallResponse, CallFailure>,
        gate: &Gate,
        env: &mut Env<'_>,
    ) -> Leg {
        let outcome = result
            .map_err(Denial::ProviderUnreachable)
            .and_then(|response| Ok(token.with_userinfo(read_userinfo(&response)?)?))
            .and_then(|token| self.session(&token, &tokens, gate, env));
        self.end(outcome)
    }

    fn waiting(self, stage: Stage) -> Box<Redeeming> {
        Box::new(Redeeming { returned: self, stage })
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

    /// The ID token, verified.
    fn verify(&self, tokens: &TokenResponse, env: &Env<'_>) -> Result<VerifiedIdToken, Denial> {
        let Self { tenant, attempt, .. } = self;
        let nonce = attempt.nonce();
        let expected = Expected { nonce: &nonce, access_token: &tokens.access_token, asked_at: attempt.began(tenant) };
        let id_token = tokens.required_id_token()?.expose_secret();
        Ok(VerifiedIdToken::verify(id_token, tenant, &expected, env.now()?, env.verifier())?)
    }

    /// The `Set-Cookie` values of the session.
    fn session(
        &self,
        token: &VerifiedIdToken,
        tokens: &TokenResponse,
        gate: &Gate,
        env: &mut Env<'_>,
    ) -> Result<Vec<String>, Denial> {
        let Self { tenant, attempt, brought, .. } = self;
        let now = env.now()?;
        let refresh_token = tokens.refresh_token.as_ref().filter(|_| tenant.refresh.is_some());
        let grant = refresh_token.map(|refresh_token| Grant {
            refresh_token: refresh_token.expose_secret().clone(),
            nonce: attempt.nonce().expose_secret().clone(),
            auth_time: token.auth_time().map(|time| time.0),
            renewed: now.0,
            expires_in: tokens.expires_in,
            left_out: LeftOut::by(token, tenant),
        });
        let kept = Kept { grant, ..Kept::of(tokens, tenant) };
        Ok(session::start(token, kept, tenant, gate, now, brought, env)?)
    }
}

/// So long after a refusal the next login has the issuer ask.
const ASK_FOR: Duration = Duration::from_secs(5 * 60);
