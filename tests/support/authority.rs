//! Certificates for servers of tests, and the authorities that issue them.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

/// An authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate, and those of the authorities above it but the root.
    chain: Vec<CertificateDer<'static>>,
}

/// A certificate with its chain and key.
pub struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

impl Authority {
    pub fn root(name: &str) -> Self {
        let (params, key) = (authority(name), KeyPair::generate().unwrap());
        let certificate = params.self_signed(&key).unwrap();
        Self { chain: vec![certificate.der().clone()], issuer: Issuer::new(params, key) }
    }

    /// An authority below this one.
    pub fn intermediate(&self, name: &str) -> Self {
        let (params, key) = (authority(name), KeyPair::generate().unwrap());
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Self { chain: vec![certificate.der().clone()], issuer: Issuer::new(params, key) }
    }

    /// A certificate for these names, until the beginning of a day.
    pub fn issue(&self, names: &[&str], until: (i32, u8, u8)) -> Identity {
        let mut params = for_names(names);
        params.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
        self.sign(&params)
    }

    /// A certificate for these names and for servers only.
    pub fn issue_for_servers(&self, names: &[&str]) -> Identity {
        let mut params = for_names(names);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    /// A certificate for clients only, with this common name if there is one.
    pub fn issue_for_clients(&self, common_name: Option<&str>) -> Identity {
        let mut params = for_names(&[]);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.distinguished_name = DistinguishedName::new();
        let names = common_name.map(|name| (DnType::CommonName, name)).into_iter();
        names.for_each(|(kind, name)| params.distinguished_name.push(kind, name));
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { chain: vec![certificate.der().clone()], key: key.serialize_der() }
    }

    /// The certificate of the authority.
    pub fn pem(&self) -> String {
        pem("CERTIFICATE", &self.chain[0])
    }

    pub fn certificate(&self) -> CertificateDer<'static> {
        self.chain[0].clone()
    }
}

fn pem(label: &str, bytes: &[u8]) -> String {
    let lines = STANDARD.encode(bytes);
    let lines: Vec<&str> = lines.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn for_names(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

impl Identity {
    /// A server with this certificate.
    pub fn server(self) -> Arc<ServerConfig> {
        let config = builder().with_single_cert(self.chain.clone(), self.private_key()).unwrap();
        Arc::new(config)
    }

    /// A server with this certificate that takes this version of TLS only.
    pub fn server_with(self, version: &'static SupportedProtocolVersion) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
        Arc::new(versions.with_no_client_auth().with_single_cert(self.chain.clone(), self.private_key()).unwrap())
    }

    /// A server with this certificate, for clients with one of this authority.
    pub fn server_for(self, clients: &Authority) -> Arc<ServerConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(clients.certificate()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
        let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let builder = versions.with_client_cert_verifier(verifier);
        Arc::new(builder.with_single_cert(self.chain.clone(), self.private_key()).unwrap())
    }

    /// The certificate and its key.
    pub fn pem(&self) -> (String, String) {
        (pem("CERTIFICATE", &self.chain[0]), pem("PRIVATE KEY", &self.key))
    }

    /// A server that shows this certificate to clients that ask for `name`, and `other` to others.
    pub fn server_by_name(self, name: &'static str, other: Option<Self>) -> Arc<ServerConfig> {
        let certified = |identity: Self| {
            let key = rustls::crypto::ring::sign::any_supported_type(&identity.private_key()).unwrap();
            Arc::new(CertifiedKey::new(identity.chain, key))
        };
        let resolver = ByName { name, named: certified(self), other: other.map(certified) };
        Arc::new(builder().with_cert_resolver(Arc::new(resolver)))
    }

    fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }
}

#[derive(Debug)]
struct ByName {
    name: &'static str,
    named: Arc<CertifiedKey>,
    other: Option<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if hello.server_name() == Some(self.name) { Some(self.named.clone()) } else { self.other.clone() }
    }
}

fn builder() -> rustls::ConfigBuilder<ServerConfig, rustls::server::WantsServerCert> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    versions.unwrap().with_no_client_auth()
}
