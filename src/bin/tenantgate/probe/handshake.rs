//! A TLS connection that ends after the handshake.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error as TlsError, ProtocolVersion, SignatureScheme,
};

use crate::client::{Client, TIMEOUT};
use crate::render::Destination;

/// A certificate with those that the server sent to explain it.
pub(super) type Chain = Vec<CertificateDer<'static>>;

/// What a server has shown. The connection is over: nothing is sent on it.
pub(super) struct Shown {
    pub(super) version: &'static str,
    pub(super) chain: Chain,
}

/// The reason why there is no TLS connection.
pub(super) enum Failure {
    Unreachable(String),
    /// No authority is trusted.
    NoAuthorities,
    Tls(TlsError, Chain),
}

/// Connects with the name of the server, as Envoy does, and verifies the certificate.
pub(super) fn verified(
    client: &Client,
    destination: &Destination,
    name: ServerName<'static>,
) -> Result<Shown, Failure> {
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(client.trust().roots()), provider());
    let inner = builder.build().map_err(|_| Failure::NoAuthorities)?;
    handshake(client, destination, name, true, Some(inner))
}

/// What the server shows to a client that does not name it. Nobody has verified that.
pub(super) fn unnamed(client: &Client, destination: &Destination, name: ServerName<'static>) -> Option<Chain> {
    handshake(client, destination, name, false, None).ok().map(|shown| shown.chain)
}

fn handshake(
    client: &Client,
    destination: &Destination,
    name: ServerName<'static>,
    sni: bool,
    inner: Option<Arc<WebPkiServerVerifier>>,
) -> Result<Shown, Failure> {
    let addresses = client.resolver().addresses(&destination.host, destination.port).map_err(Failure::Unreachable)?;
    let mut unreachable = format!("{} has no address", destination.host);
    let mut socket = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, TIMEOUT) {
            Ok(stream) => {
                socket = Some(stream);
                break;
            }
            Err(error) => unreachable = format!("no connection to {address}: {error}"),
        }
    }
    let mut socket = socket.ok_or(Failure::Unreachable(unreachable))?;
    let limited = socket.set_read_timeout(Some(TIMEOUT)).and_then(|()| socket.set_write_timeout(Some(TIMEOUT)));
    limited.map_err(|error| Failure::Unreachable(error.to_string()))?;
    let seen = Arc::new(Mutex::new(Chain::new()));
    let chain = || seen.lock().map(|chain| chain.clone()).unwrap_or_default();
    let failed = |error| Failure::Tls(error, chain());
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier { seen: seen.clone(), inner }))
        .with_no_client_auth();
    config.enable_sni = sni;
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(failed)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut socket).map_err(|error| {
            match error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
                Some(tls) => failed(tls.clone()),
                None if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    Failure::Unreachable(format!("no answer within {} s", TIMEOUT.as_secs()))
                }
                None => Failure::Unreachable(format!("the connection broke: {error}")),
            }
        })?;
    }
    let is_older = connection.protocol_version() == Some(ProtocolVersion::TLSv1_2);
    Ok(Shown { version: if is_older { "TLS 1.2" } else { "TLS 1.3" }, chain: chain() })
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Keeps the chain, and verifies it if there is a verifier.
#[derive(Debug)]
struct Verifier {
    seen: Arc<Mutex<Chain>>,
    inner: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        if let Ok(mut chain) = self.seen.lock() {
            *chain = std::iter::once(certificate).chain(intermediates).map(|one| one.clone().into_owned()).collect();
        }
        match &self.inner {
            Some(inner) => inner.verify_server_cert(certificate, intermediates, name, ocsp, now),
            None => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        match &self.inner {
            Some(inner) => inner.verify_tls12_signature(message, certificate, signature),
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        match &self.inner {
            Some(inner) => inner.verify_tls13_signature(message, certificate, signature),
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
