//! The third leg: the code becomes a session.

use std::sync::Arc;
use std::time::Duration;

use super::attempt::Attempt;
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
use crate::identity::Tokens;
use crate::page::Way;
use crate::reply::{Level, LocalReply};
use crate::secret::Secret;
use crate::session;
use crate::tenant::Tenant;
use crate::token::{Expected, VerifiedIdToken};

/// A browser that came back with an answer to its own attempt. However it goes on, the attempt is over.
pub(super) struct Returned {
    pub(super) tenant: Arc<Tenant>,
    pub(super) host: Host,
    pub(super) attempt: Attempt,
    pub(super) asker: Asker,
}

/// A login that waits for the token endpoint.
pub(crate) struct Redeeming(Returned);

impl Returned {
    /// Asks the token endpoint for the tokens.
    pub(super) fn redeem(self, code: &Secret<String>, env: &mut Env<'_>) -> Result<(Redeeming, HttpCall), LocalReply> {
        let redirect_uri = self.tenant.redirect_uri(&self.host);
        match token_request(&self.tenant, code, &self.attempt.verifier(), &redirect_uri, env) {
            Ok(call) => Ok((Redeeming(self), call)),
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
    /// Verifies what the token endpoint answered. Then there is a session, or the UserInfo endpoint is asked for more first.
    pub(crate) fn redeemed(
        self,
        result: Result<CallResponse, CallFailure>,
        gate: &Gate,
        env: &mut Env<'_>,
    ) -> Redeemed {
        let Self(returned) = self;
        match returned.identify(result, env) {
            Ok((token, tokens)) if returned.tenant.login.userinfo => {
                match userinfo_request(&returned.tenant, &tokens.access_token) {
                    Ok(call) => Redeemed::Asks(Box::new(AwaitingUserinfo { returned, token, tokens }), call),
                    Err(problem) => Redeemed::Over(returned.refuse(&problem.into())),
                }
            }
            verdict => Redeemed::Over(returned.conclude(verdict, gate, env)),
        }
    }
}

/// A login that waits for the UserInfo endpoint. The ID token is verified already.
pub(crate) struct AwaitingUserinfo {
    returned: Returned,
    token: VerifiedIdToken,
    tokens: TokenResponse,
}

/// What becomes of a login after the token endpoint answered.
pub(crate) enum Redeemed {
    /// It is over, for good or ill.
    Over(LocalReply),
    /// There is one more call.
    Asks(Box<AwaitingUserinfo>, HttpCall),
}

impl AwaitingUserinfo {
    /// Adds what the UserInfo endpoint says to what the ID token says, if both speak of the same person.
    pub(crate) fn answered(
        self,
        result: Result<CallResponse, CallFailure>,
        gate: &Gate,
        env: &mut Env<'_>,
    ) -> LocalReply {
        let Self { returned, token, tokens } = self;
        returned.conclude(supplemented(token, result).map(|token| (token, tokens)), gate, env)
    }
}

fn supplemented(token: VerifiedIdToken, result: Result<CallResponse, CallFailure>) -> Result<VerifiedIdToken, Denial> {
    let response = result.map_err(Denial::ProviderUnreachable)?;
    Ok(token.with_userinfo(read_userinfo(&response)?)?)
}

impl Returned {
    /// The ID token, verified, and what came with it.
    fn identify(
        &self,
        result: Result<CallResponse, CallFailure>,
        env: &Env<'_>,
    ) -> Result<(VerifiedIdToken, TokenResponse), Denial> {
        let Self { tenant, attempt, .. } = self;
        let response = result.map_err(Denial::ProviderUnreachable)?;
        let tokens = TokenResponse::read(&response)?;
        let nonce = attempt.nonce();
        let expected = Expected { nonce: &nonce, access_token: &tokens.access_token, asked_at: attempt.began(tenant) };
        let id_token = tokens.id_token.expose_secret();
        let token = VerifiedIdToken::verify(id_token, tenant, &expected, env.now()?, env.verifier())?;
        Ok((token, tokens))
    }

    /// Starts the session and sends the browser to the page that it asked for, or says why not.
    fn conclude(
        &self,
        verdict: Result<(VerifiedIdToken, TokenResponse), Denial>,
        gate: &Gate,
        env: &mut Env<'_>,
    ) -> LocalReply {
        let started = verdict.and_then(|(token, TokenResponse { access_token, id_token })| {
            let tokens = Tokens { access_token: Some(access_token), id_token: Some(id_token) };
            Ok(session::start(&token, &tokens, &self.tenant, gate, env.now()?, env)?)
        });
        match started {
            Ok(cookie) => {
                let note = self.asker.note(Level::Debug, "login_finished", "session started");
                self.over(LocalReply::redirect(self.page(), note)).with_cookie(cookie)
            }
            Err(denial) => self.refuse(&denial),
        }
    }
}

/// So long after a refusal the next login has the issuer ask.
const ASK_FOR: Duration = Duration::from_secs(5 * 60);
