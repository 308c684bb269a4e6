//! The certificate of a client, which a server may want (mutual TLS).

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use ureq::tls::{Certificate, ClientCert, PrivateKey};

use super::pem::Pem;

/// A certificate with its chain and key.
pub(crate) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKey<'static>,
}

impl Identity {
    /// Reads both. The key has to belong to the certificate.
    pub(crate) fn new(certificate: &Pem, key: &Pem) -> Result<Self, String> {
        let chain = certificate.certificates()?;
        let text = key.read()?;
        // What is wrong with a key is not said: it could be part of it.
        let invalid = || format!("{}: has no private key in PEM that can be used", key.name());
        let der = PrivateKeyDer::from_pem_slice(&text).map_err(|_| invalid())?;
        CertifiedKey::from_der(chain.clone(), der, &default_provider())
            .map_err(|error| format!("{} and {}: {error}", certificate.name(), key.name()))?;
        let key = PrivateKey::from_pem(&text).map_err(|_| invalid())?;
        Ok(Self { chain, key })
    }

    pub(super) fn into_certificate(self) -> ClientCert {
        let chain: Vec<Certificate<'static>> =
            self.chain.iter().map(|one| Certificate::from_der(one).to_owned()).collect();
        ClientCert::new_with_certs(&chain, self.key)
    }
}
