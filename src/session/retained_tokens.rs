//! The tokens of a login that a session retains.

use serde::{Deserialize, Serialize};

use super::refresh_grant::RefreshGrant;
use crate::base::secret::Secret;
use crate::identity::Tokens;
use crate::oauth::discovery::Provider;
use crate::tenant::IdTokenHint;

/// The tokens of a login that a session retains.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct RetainedTokens {
    /// The ID token, if the tenant uses it as `id_token_hint` or forwards it. It was verified when
    /// it was received.
    pub(crate) id_token: Option<String>,
    /// The access token, if the tenant forwards it.
    pub(crate) access_token: Option<String>,
    /// The data for a refresh, if the tenant refreshes sessions and the issuer issued a refresh
    /// token.
    pub(crate) grant: Option<RefreshGrant>,
}

impl RetainedTokens {
    /// Retains those of the tokens that the tenant uses. The ID token has to be verified.
    pub(crate) fn new(access_token: &Secret<String>, id_token: Option<&Secret<String>>, provider: &Provider) -> Self {
        let text = |token: &Secret<String>| token.expose_secret().clone();
        let tenant = provider.tenant();
        let is_hint = || tenant.login.id_token_hint != IdTokenHint::Never && provider.end_session_endpoint().is_some();
        let keeps_id_token = tenant.headers.id_token.is_some() || is_hint();
        Self {
            id_token: id_token.filter(|_| keeps_id_token).map(text),
            access_token: tenant.headers.access_token.as_ref().map(|_| text(access_token)),
            grant: None,
        }
    }

    /// Replaces the tokens by those of a refresh. If it brought no ID token, the old one stays.
    pub(crate) fn renew(&mut self, newer: Self, grant: RefreshGrant) {
        self.id_token = newer.id_token.or_else(|| self.id_token.take());
        self.access_token = newer.access_token;
        self.grant = Some(grant);
    }

    /// The tokens that the upstream may receive.
    pub(super) fn into_forwarded(self) -> Tokens {
        let Self { access_token, id_token, grant: _ } = self;
        Tokens { access_token: access_token.map(Secret::new), id_token: id_token.map(Secret::new) }
    }
}
