//! The authentication of the client at the token endpoint (OpenID Connect Core section 9).

use crate::base::secret::Secret;
use crate::tenant::ClientAuthentication;

/// The values of `provider.token_endpoint_auth_method`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AuthMethod {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
    /// `private_key_jwt`.
    PrivateKeyJwt,
    /// `none`: a public client.
    None,
}

/// The kind of credential that the tenant configures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Credential {
    /// No credential.
    None,
    /// `client_secret`.
    Secret,
    /// `client_key`.
    Key,
}

impl AuthMethod {
    /// The client authentication by this method. `None` if the credential that it needs is absent.
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
