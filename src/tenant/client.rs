//! The client registration at the issuer.

use crate::base::secret::Secret;
use crate::jose::SigningKey;

/// The client registration at the issuer (RFC 6749 section 2).
#[derive(Debug)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// How the token endpoint knows us.
    pub authentication: ClientAuthentication,
}

/// Client authentication at the token endpoint (OpenID Connect Core section 9).
#[derive(Debug)]
pub enum ClientAuthentication {
    /// `client_secret_basic`: HTTP Basic, both parts form-encoded first (RFC 6749 section 2.3.1).
    Basic(Secret<String>),
    /// `client_secret_post`: in the form.
    Post(Secret<String>),
    /// `private_key_jwt`: a JWT that the client signs (RFC 7523).
    PrivateKeyJwt {
        /// The key that signs it.
        key: Box<SigningKey>,
        /// Whom the JWT is for.
        audience: AssertionAudience,
    },
    /// `none`: a public client.
    None,
}

/// Whom a client assertion is for (`aud`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertionAudience {
    /// The Issuer Identifier: nobody else can take the assertion for one that was made out to it (draft-ietf-oauth-rfc7523bis).
    Issuer,
    /// The token endpoint (OpenID Connect Core section 9), which is all that some issuers take.
    TokenEndpoint,
}
