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
use crate::reply::{Level, LocalReply};
use crate::secret::Secret;
use crate::session::{self, Brought, Grant};
use crate::tenant::Tenant;
use crate::token::{Expected, VerifiedIdToken};

/// A browser that came back with an answer to its own attempt. However it goes on, the attempt is over.
pub(super) struct Returned {
    pub(super) tenant: Arc<Tenant>,
    pub(super) host: Host,
    pub(super) attempt: Attempt,
    pub(super) brought: Brought,
    pub(super) asker: Asker,
}

/// A login that waits for the token endpoint.
pub(crate) struct Redeeming(Returned);

impl Returned {
    /// Asks the token endpoint for the tokens.
    pub(super) fn redeem(self, code: &Secret<String>) -> (Redeeming, HttpCall) {
        let redirect_uri = self.tenant.redirect_uri(&self.host);
        let call = token_request(&self.tenant, code, &self.attempt.verifier(), &redirect_uri);
        (Redeeming(self), call)
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
    /// Turns the answer of the token endpoint into a session and sends the browser to the page that it asked for.
    pub(crate) fn finish(
        self,
        result: Result<CallResponse, CallFailure>,
        gate: &Gate,
        env: &mut Env<'_>,
    ) -> LocalReply {
        let Self(returned) = self;
        match returned.session(result, gate, env) {
            Ok(cookies) => {
                let note = returned.asker.note(Level::Debug, "login_finished", "session started");
                let reply = returned.over(LocalReply::redirect(returned.page(), note));
                let count = circle::count(returned.attempt.before, &returned.tenant);
                cookies.into_iter().chain(count).fold(reply, LocalReply::with_cookie)
            }
            Err(denial) => returned.refuse(&denial),
        }
    }
}

impl Returned {
    /// The `Set-Cookie` values of the session.
    fn session(
        &self,
        result: Result<CallResponse, CallFailure>,
        gate: &Gate,
        env: &mut Env<'_>,
    ) -> Result<Vec<String>, Denial> {
        let Self { tenant, attempt, brought, .. } = self;
        let response = result.map_err(Denial::ProviderUnreachable)?;
        let tokens = TokenResponse::read(&response)?;
        let now = env.now()?;
        let expected = Expected { nonce: &attempt.nonce(), access_token: &tokens.access_token };
        let token = VerifiedIdToken::verify(
            tokens.required_id_token()?.expose_secret(),
            tenant,
            &expected,
            now,
            env.verifier(),
        )?;
        let refresh_token = tokens.refresh_token.as_ref().filter(|_| tenant.refresh.is_some());
        let grant = refresh_token.map(|refresh_token| Grant {
            refresh_token: refresh_token.expose_secret().clone(),
            subject: token.subject().to_owned(),
            nonce: attempt.nonce().expose_secret().clone(),
            renewed: now.0,
            expires_in: tokens.expires_in,
        });
        Ok(session::start(&token, tenant, gate, now, grant, brought, env)?)
    }
}
