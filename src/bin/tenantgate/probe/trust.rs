//! The authorities whose certificates are trusted.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The certificates of authorities, and where they come from.
pub(super) struct Trust {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    pub(super) origin: String,
}

impl Trust {
    /// Those of a PEM file, or those of this system.
    pub(super) fn new(file: Option<&Path>) -> Result<Self, String> {
        let Some(file) = file else {
            let certificates = rustls_native_certs::load_native_certs().certs;
            return Ok(Self { certificates, origin: "this system".to_owned() });
        };
        let name = file.display();
        let read = CertificateDer::pem_file_iter(file).map_err(|error| format!("{name}: {error}"))?;
        let certificates = read.collect::<Result<Vec<_>, _>>().map_err(|error| format!("{name}: {error}"))?;
        if certificates.is_empty() {
            return Err(format!("{name}: has no certificate in PEM"));
        }
        Ok(Self { certificates, origin: name.to_string() })
    }

    pub(super) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        // What this system has beside the usable ones is of no interest.
        roots.add_parsable_certificates(self.certificates.iter().cloned());
        roots
    }
}
