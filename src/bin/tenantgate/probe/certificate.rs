//! What a certificate says, for people.

use std::time::Duration;

use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::{DateTime, Decode as _};

/// Subject, issuer and end of a certificate.
pub(super) struct Summary {
    pub(super) subject: String,
    pub(super) issuer: String,
    /// In seconds since 1970.
    pub(super) not_after: u64,
}

impl Summary {
    /// `None` if the certificate cannot be read.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let certificate = Certificate::from_der(certificate).ok()?;
        let signed = certificate.tbs_certificate();
        Some(Self {
            subject: signed.subject().to_string(),
            issuer: signed.issuer().to_string(),
            not_after: signed.validity().not_after.to_unix_duration().as_secs(),
        })
    }

    pub(super) fn is_self_signed(&self) -> bool {
        self.subject == self.issuer
    }
}

/// A day, as `2026-11-26`.
pub(super) fn day(seconds: u64) -> String {
    match DateTime::from_unix_duration(Duration::from_secs(seconds)) {
        Ok(time) => format!("{:04}-{:02}-{:02}", time.year(), time.month(), time.day()),
        Err(_) => format!("second {seconds}"),
    }
}
