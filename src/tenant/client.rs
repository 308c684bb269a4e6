//! The client registration at the issuer.

use crate::base::secret::Secret;
use crate::jose::SigningKey;

/// The client registration at the issuer (RFC 6749 section 2).
#[derive(Debug)]
pub struct Client {
    /// The `client_id`.
    pub id: String,
    /// The client authentication at the token endpoint.
    pub authentication: ClientAuthentication,
}

/// The client authentication at the token endpoint (OpenID Connect Core section 9).
#[derive(Debug)]
pub enum ClientAuthentication {
    /// `client_secret_basic`: HTTP Basic authentication. The client identifier and the secret are
    /// form-encoded first (RFC 6749 section 2.3.1).
    Basic(Secret<String>),
    /// `client_secret_post`: the secret is a parameter of the form.
    Post(Secret<String>),
    /// `private_key_jwt`: a JWT that the client signs (RFC 7523).
    PrivateKeyJwt {
        /// The key that signs the JWT.
        key: Box<SigningKey>,
        /// The audience of the JWT.
        audience: AssertionAudience,
    },
    /// `none`: a public client.
    None,
}

/// The audience of a client assertion (`aud`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertionAudience {
    /// The Issuer Identifier. No other recipient can mistake the assertion for one that is
    /// addressed to it (draft-ietf-oauth-rfc7523bis).
    Issuer,
    /// The token endpoint (OpenID Connect Core section 9). Some issuers accept only this.
    TokenEndpoint,
}
