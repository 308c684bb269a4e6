//! How the client authenticates at the token endpoint.

use crate::base::secret::Secret;
use crate::tenant::ClientAuthentication;

/// `provider.token_endpoint_auth_method`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AuthMethod {
    Basic,
    Post,
    PrivateKeyJwt,
    None,
}

/// What the client proves itself with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Credential {
    None,
    Secret,
    Key,
}

impl AuthMethod {
    /// The method with its secret or key, if it has the one that it needs.
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
