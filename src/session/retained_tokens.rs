//! The tokens that a session keeps.

use serde::{Deserialize, Serialize};

use super::refresh_grant::RefreshGrant;
use crate::base::secret::Secret;
use crate::identity::Tokens;
use crate::tenant::Tenant;

/// The tokens of the login that a session keeps.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct RetainedTokens {
    /// The ID token, where the tenant keeps it for the sign-out or forwards it. It was verified when it came.
    pub(crate) id_token: Option<String>,
    /// The access token, where the tenant forwards it.
    pub(crate) access_token: Option<String>,
    /// What a refresh needs, where the tenant refreshes sessions and the issuer gave a refresh token.
    pub(crate) grant: Option<RefreshGrant>,
}

impl RetainedTokens {
    /// What the tenant keeps of these tokens. The ID token was verified.
    pub(crate) fn new(access_token: &Secret<String>, id_token: Option<&Secret<String>>, tenant: &Tenant) -> Self {
        let text = |token: &Secret<String>| token.expose_secret().clone();
        let keeps_id_token = tenant.login.keep_id_token || tenant.headers.id_token.is_some();
        Self {
            id_token: id_token.filter(|_| keeps_id_token).map(text),
            access_token: tenant.headers.access_token.as_ref().map(|_| text(access_token)),
            grant: None,
        }
    }

    /// Replaces the tokens by those of a refresh. An ID token that did not come again stays.
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
