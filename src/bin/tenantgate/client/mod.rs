//! Calls of the filter, over real sockets.

mod clock;
mod identity;
mod pem;
mod progress;
mod resolve;
mod trust;

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{ErrorKind, Read as _};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tenantgate::base::secret::Secret;
use tenantgate::http::call::{CallFailure, CallResponse, HttpCall};
use ureq::http::Request;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Error};
use url::Url;

use crate::machine::now;
use progress::Progress;
use resolve::Resolver;

pub(crate) use clock::Skew;
pub(crate) use identity::Identity;
pub(crate) use pem::Pem;
pub(crate) use resolve::ConnectTo;
pub(crate) use trust::Trust;

/// Makes calls. A document is fetched once.
pub(crate) struct Client {
    agent: Agent,
    trust: Trust,
    resolver: Resolver,
    progress: Progress,
    documents: RefCell<HashMap<String, Result<Rc<Answer>, String>>>,
}

/// A response.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// When the request was sent and when the response was there, in seconds since 1970.
    pub(crate) between: (u64, u64),
}

impl Answer {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

impl Client {
    /// A client that trusts these authorities. A server may want a certificate of it.
    pub(crate) fn new(trust: Trust, identity: Option<Identity>, connect_to: Vec<ConnectTo>) -> Self {
        let certificates: Vec<Certificate<'static>> =
            trust.certificates.iter().map(|one| Certificate::from_der(one).to_owned()).collect();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(certificates)))
            .client_cert(identity.map(Identity::into_certificate))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            // Where a redirect leads is what is asked.
            .max_redirects(0)
            .max_redirects_will_error(false)
            // Envoy uses no proxy either.
            .proxy(None)
            .user_agent(concat!("tenantgate/", env!("CARGO_PKG_VERSION")))
            .build();
        let resolver = Resolver::new(connect_to);
        let agent = Agent::with_parts(config, DefaultConnector::new(), resolver.clone());
        Self { agent, trust, resolver, progress: Progress::default(), documents: RefCell::default() }
    }

    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    pub(crate) fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Fetches a JSON document.
    pub(crate) fn document(&self, url: &Url) -> Result<Rc<Answer>, String> {
        let known = self.documents.borrow().get(url.as_str()).cloned();
        known.unwrap_or_else(|| {
            let answer = self.send("GET", url.as_str(), &[("accept", "application/json")], "").map(Rc::new);
            self.documents.borrow_mut().insert(url.as_str().to_owned(), answer.clone());
            answer
        })
    }

    /// Opens a page as a browser does.
    pub(crate) fn page(&self, url: &Url) -> Result<Answer, String> {
        self.send("GET", url.as_str(), &[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")], "")
    }

    /// Makes a call of the filter.
    pub(crate) fn call(&self, call: &HttpCall) -> Result<Rc<Answer>, String> {
        let origin = format!("{}://{}", header(call, ":scheme"), header(call, ":authority"));
        if header(call, ":method") == "GET"
            && let Ok(url) = Url::parse(&format!("{origin}{}", header(call, ":path")))
        {
            return self.document(&url);
        }
        self.call_at(&origin, call)
    }

    /// Makes a call of the filter to the server at this origin. The one in the call may be a name
    /// that only Envoy gives to its cluster.
    pub(crate) fn call_at(&self, origin: &str, call: &HttpCall) -> Result<Rc<Answer>, String> {
        let url = format!("{origin}{}", header(call, ":path"));
        let lines = call.headers.iter().filter(|(name, _)| !name.starts_with(':'));
        let lines: Vec<(&str, &str)> = lines.map(|(name, value)| (*name, value.expose_secret().as_str())).collect();
        self.send(header(call, ":method"), &url, &lines, call.body.expose_secret()).map(Rc::new)
    }

    /// Posts a JSON text, with a token in the form of etcd. The answer has at most `limit` bytes,
    /// and one more if it is longer.
    pub(crate) fn post_json(&self, url: &str, token: Option<&str>, body: &str, limit: usize) -> Result<Answer, String> {
        let token = token.map(|token| ("authorization", token));
        let headers: Vec<(&str, &str)> = [("content-type", "application/json")].into_iter().chain(token).collect();
        self.send_within("POST", url, &headers, body, limit)
    }

    fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer, String> {
        self.send_within(method, url, headers, body, CallResponse::MAX_BODY)
    }

    fn send_within(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &str,
        limit: usize,
    ) -> Result<Answer, String> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // The error would have the address, and nothing else.
        let invalid = |_| "the address is no URL that can be called".to_owned();
        let began = now().0;
        let response = self.progress.during(url, || match body {
            "" => request.body(()).map_err(invalid).map(|request| self.agent.run(request)),
            body => request.body(body.to_owned()).map_err(invalid).map(|request| self.agent.run(request)),
        })?;
        let mut response = response.map_err(reason)?;
        let ended = now().0;
        let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let status = response.status().as_u16();
        let mut body = Vec::new();
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let read = response.body_mut().as_reader().take(limit).read_to_end(&mut body);
        read.map_err(|error| format!("the response broke off: {error}"))?;
        Ok(Answer { status, headers, body, between: (began, ended) })
    }
}

fn header<'c>(call: &'c HttpCall, name: &str) -> &'c str {
    let found = call.headers.iter().find(|(other, _)| *other == name);
    found.map_or("", |(_, value)| value.expose_secret().as_str())
}

/// The answer as the filter gets it.
pub(crate) fn response(answer: &Result<Rc<Answer>, String>) -> Result<CallResponse, CallFailure> {
    let answer = answer.as_ref().map_err(|_| CallFailure::NoAnswer)?;
    Ok(CallResponse { status: answer.status, body: Secret::new(answer.body.clone()) })
}

/// Why there is no response.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others are shown as they are")]
fn reason(error: Error) -> String {
    match error {
        Error::Timeout(_) => format!("no answer within {} s", TIMEOUT.as_secs()),
        Error::HostNotFound => "the host has no address".to_owned(),
        Error::Io(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
            "the server closed the connection".to_owned()
        }
        Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// How long a call may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);
