//! Certificates and keys in PEM.

use std::fs;
use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// Where a text in PEM is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pem {
    File(PathBuf),
    Inline(String),
}

impl Pem {
    /// The name of the file, or what stands for it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(file) => file.display().to_string(),
            Self::Inline(_) => "the text in PEM".to_owned(),
        }
    }

    pub(crate) fn read(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::File(file) => fs::read(file).map_err(|error| format!("{}: {error}", self.name())),
            Self::Inline(text) => Ok(text.clone().into_bytes()),
        }
    }

    /// The certificates in it, of which there is at least one.
    pub(crate) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, String> {
        let read = CertificateDer::pem_slice_iter(&self.read()?).collect::<Result<Vec<_>, _>>();
        let certificates = read.map_err(|error| format!("{}: {error}", self.name()))?;
        if certificates.is_empty() {
            return Err(format!("{}: has no certificate in PEM", self.name()));
        }
        Ok(certificates)
    }
}
