//! TLS to a server: the certificate, its chain, and whether the server needs the name (SNI).

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, Error as TlsError};

use super::certificate::{Summary, day};
use super::finding::{Finding, listed};
use super::handshake::{Failure, Shown, unnamed, verified};
use crate::client::Client;
use crate::machine::now;
use crate::render::Destination;

/// The findings about a server. The last one is an error if it cannot be reached.
pub(super) fn probe(client: &Client, destination: &Destination) -> Vec<Finding> {
    let authority = destination.authority();
    if !destination.tls {
        let message = format!("{authority}: no TLS, so anybody on the way can sign in as any user");
        return vec![Finding::warning(ABOUT, message).help("use an https issuer; http is for development only")];
    }
    let Ok(name) = ServerName::try_from(destination.host.clone()) else {
        return vec![Finding::error(ABOUT, format!("{authority}: is no name of a server"))];
    };
    match verified(client, destination, name.clone()) {
        Ok(Shown { version, chain }) => {
            let without = unnamed(client, destination, name);
            vec![certificate(&authority, version, &chain), server_name(&destination.host, &chain, without.as_deref())]
        }
        Err(failure) => vec![failed(client, &authority, &destination.host, failure)],
    }
}

fn certificate(authority: &str, version: &str, chain: &[CertificateDer<'static>]) -> Finding {
    let Some(summary) = chain.first().and_then(Summary::of) else {
        return Finding::ok(ABOUT, format!("{authority}: {version}; the certificate is valid"));
    };
    let left = summary.not_after.saturating_sub(now().0).checked_div(SECONDS_OF_DAY).unwrap_or_default();
    let message = format!(
        "{authority}: {version}; the certificate is valid until {}, issued by {:?}; {} in the chain",
        day(summary.not_after),
        summary.issuer,
        chain.len()
    );
    if left < SOON {
        return Finding::warning(ABOUT, message)
            .help(format!("it ends in {left} days; tell the operator of the provider"));
    }
    Finding::ok(ABOUT, message)
}

/// Whether the server needs the name, by the certificate that comes without it.
fn server_name(host: &str, named: &[CertificateDer<'static>], unnamed: Option<&[CertificateDer<'static>]>) -> Finding {
    let needed = match unnamed {
        None => "without the name the server refuses the connection",
        Some(unnamed) if unnamed.first() != named.first() => "without the name the server shows another certificate",
        Some(_) => return Finding::ok("sni", "the server shows the same certificate without the name"),
    };
    Finding::ok("sni", format!("{needed}, so the cluster needs `sni: {host}`"))
}

fn failed(client: &Client, authority: &str, host: &str, failure: Failure) -> Finding {
    let (error, chain) = match failure {
        Failure::Tls(error, chain) => (error, chain),
        Failure::Unreachable(reason) => {
            return Finding::error(ABOUT, format!("{authority}: {reason}"))
                .help("the gateway needs a way there, too: compare DNS, network policies and the cluster of Envoy");
        }
        Failure::NoAuthorities => {
            let origin = &client.trust().origin;
            return Finding::error(ABOUT, format!("{authority}: {origin} has no certificates of authorities"))
                .help("give some with `--ca FILE`");
        }
    };
    let of = |message: String| Finding::error(ABOUT, format!("{authority}: {message}"));
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are shown as they are")]
    match &error {
        TlsError::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. }) => {
            let names = presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name));
            let message = format!("the certificate is for another name: expected {host:?}, received {}", listed(names));
            of(message)
                .help(format!("let the server show a certificate for {host}; or another server answers: compare DNS"))
        }
        TlsError::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => {
            of(format!("the certificate ended on {}", day(not_after.as_secs())))
                .help("the operator of the provider has to renew it; or the clock of this machine is wrong")
        }
        TlsError::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. }) => {
            of(format!("the certificate begins on {}", day(not_before.as_secs())))
                .help("the clock of this machine, or that of the authority, is wrong")
        }
        TlsError::InvalidCertificate(CertificateError::UnknownIssuer) => unknown_issuer(client, authority, &chain),
        TlsError::InvalidMessage(_) => of("what answers there speaks no TLS".to_owned()).help(
            "compare the port; for plain http, in development only, write an http issuer and `allow_insecure_issuer`",
        ),
        other => of(other.to_string()),
    }
}

/// The chain ends at an authority that is not trusted: a private one, or an intermediate one whose
/// certificate the server does not send.
fn unknown_issuer(client: &Client, authority: &str, chain: &[CertificateDer<'static>]) -> Finding {
    let last = chain.last().and_then(Summary::of);
    let issuer = last.as_ref().map_or_else(|| "unknown".to_owned(), |last| last.issuer.clone());
    let origin = &client.trust().origin;
    let message = format!(
        "{authority}: the certificate is issued by an authority that {origin} does not have: received {} in the chain, \
         the last one issued by {issuer:?}",
        chain.len()
    );
    let private = "for a private authority, give its certificate with `--ca FILE`, and to Envoy as `trusted_ca`";
    let help = match last.is_some_and(|last| last.is_self_signed()) {
        true => private.to_owned(),
        false => format!(
            "{private}; if {issuer:?} is an intermediate authority, the server has to send its certificate, too"
        ),
    };
    Finding::error(ABOUT, message).help(help)
}

const ABOUT: &str = "tls";
const SECONDS_OF_DAY: u64 = 24 * 60 * 60;
/// Days before its end at which a certificate is worth a warning. Most are renewed earlier.
const SOON: u64 = 7;
