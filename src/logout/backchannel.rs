//! The issuer says that somebody signed out (OpenID Connect Back-Channel Logout 1.0).

use std::sync::Arc;

use url::form_urlencoded;

use crate::asker::Asker;
use crate::denial::Denial;
use crate::env::Env;
use crate::gate::Gate;
use crate::reply::{Level, LocalReply};
use crate::request::{NoBody, RequestHead};
use crate::revocation::{Mark, NotRevoked, Revocation};
use crate::secret::Secret;
use crate::tenant::Tenant;
use crate::token::{TokenRejection, VerifiedLogoutToken, Whose};
use crate::visit::Visit;

/// A logout token that is on its way: the head of its request is here, the body is not.
pub(crate) struct Notice {
    tenant: Arc<Tenant>,
    asker: Asker,
}

impl Notice {
    /// Reads the head (section 2.5).
    pub(crate) fn announced(visit: Visit<'_>) -> Result<Self, LocalReply> {
        let asker = Asker { html: false, ..visit.asker() };
        let Visit { head, tenant, .. } = visit;
        if head.only(":method") != Some(b"POST") || !is_form(head) {
            return Err(asker.refuse(&Denial::LogoutMalformed));
        }
        Ok(Self { tenant, asker })
    }

    /// Takes the body, and ends the sessions that the token in it is about. The answer is 200 or says what is wrong (section 2.8).
    pub(crate) fn read(&self, body: Result<Secret<Vec<u8>>, NoBody>, gate: &Gate, env: &Env<'_>) -> LocalReply {
        match self.take(body, gate, env) {
            Ok(()) => LocalReply::empty(
                200,
                self.asker.note(Level::Info, "backchannel_logout", "sessions ended by the issuer"),
            ),
            Err(denial) => self.asker.refuse(&denial),
        }
    }

    fn take(&self, body: Result<Secret<Vec<u8>>, NoBody>, gate: &Gate, env: &Env<'_>) -> Result<(), Denial> {
        let tenant = &self.tenant;
        let body = body.map_err(Denial::BodyUnreadable)?;
        let token = only_token(body.expose_secret()).ok_or(Denial::LogoutMalformed)?;
        let now = env.now()?;
        let token = VerifiedLogoutToken::verify(token.expose_secret(), tenant, now, env.verifier());
        let token = token.map_err(|rejection| {
            // Anybody can send such a token, so nobody waits for the keys; the issuer may try again.
            if rejection == TokenRejection::UnknownKey && tenant.provider.source.is_some() {
                tenant.provider.want_keys();
                Denial::LogoutKeyUnknown
            } else {
                Denial::LogoutToken(rejection)
            }
        })?;
        let marks = match &token.whose {
            // A session that does not know its `sid` may be the one.
            Whose::Session(sid, Some(subject)) => vec![Mark::sid(sid), Mark::subject_without_sid(subject)],
            Whose::Session(sid, None) => vec![Mark::sid(sid)],
            Whose::Subject(subject) => vec![Mark::subject(subject)],
        };
        let marks = marks.into_iter().map(|mark| (mark, now)).collect();
        let revocation = Revocation { marks, token: Some((Mark::token(&token.id), token.expires)) };
        revocation.keep(tenant, gate.policy().lifetime, now, env).map_err(|problem| match problem {
            NotRevoked::Replayed => Denial::LogoutToken(TokenRejection::Replayed),
            NotRevoked::NotKept => Denial::HostFailed("it did not keep which sessions are over"),
        })
    }
}

/// Media types have no case, and parameters do not matter (RFC 9110 section 8.3.1).
fn is_form(head: &RequestHead) -> bool {
    let value = head.only("content-type").unwrap_or_default();
    let essence = value.split(|&b| b == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// The one logout token of a form. Other fields may be there and are not looked at.
fn only_token(body: &[u8]) -> Option<Secret<String>> {
    let mut tokens = form_urlencoded::parse(body).filter(|(name, _)| name == "logout_token");
    let (_, token) = tokens.next()?;
    tokens.next().is_none().then(|| Secret::new(token.into_owned()))
}
