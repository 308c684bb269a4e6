//! The authorities whose certificates are trusted.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::pem::Pem;

/// The certificates of authorities, and where they come from.
pub(crate) struct Trust {
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    pub(crate) origin: String,
}

impl Trust {
    /// Those of a PEM file, or those of this system.
    pub(crate) fn new(file: Option<&Path>) -> Result<Self, String> {
        match file {
            Some(file) => Self::in_pem(&Pem::File(file.to_owned())),
            None => {
                let certificates = rustls_native_certs::load_native_certs().certs;
                Ok(Self { certificates, origin: "this system".to_owned() })
            }
        }
    }

    /// Those of a text in PEM.
    pub(crate) fn in_pem(pem: &Pem) -> Result<Self, String> {
        Ok(Self { certificates: pem.certificates()?, origin: pem.name() })
    }

    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        // What this system has beside the usable ones is of no interest.
        roots.add_parsable_certificates(self.certificates.iter().cloned());
        roots
    }
}
