//! The authentication of the client at the token endpoint (OpenID Connect Core section 9).

use crate::base::secret::Secret;
use crate::tenant::ClientAuthentication;

/// The values of `provider.token_endpoint_auth_method`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AuthMethod {
    Basic,
    Post,
    PrivateKeyJwt,
    None,
}

/// The kind of credential that the tenant configures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Credential {
    None,
    Secret,
    Key,
}

impl AuthMethod {
    /// The authentication by this method. `None` if the credential that it needs is absent.
    pub(super) fn with(
        self,
        secret: Option<Secret<String>>,
        key: Option<ClientAuthentication>,
    ) -> Option<ClientAuthentication> {
        match self {
            Self::Basic => secret.map(ClientAuthentication::Basic),
            Self::Post => secret.map(ClientAuthentication::Post),
            Self::PrivateKeyJwt => key,
            Self::None => Some(ClientAuthentication::None),
        }
    }
}
