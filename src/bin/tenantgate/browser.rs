//! A browser in front of the filter of this crate, in this process. Whoever drives it carries out
//! the calls of the filter.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use tenantgate::base::secret::Secret;
use tenantgate::env::ClientAddress;
use tenantgate::env::shared::NoSharedData;
use tenantgate::filter::{Effect, Filter, Input, RequestEffect};
use tenantgate::http::call::{CallFailure, CallResponse, HttpCall};
use tenantgate::http::reply::LocalReply;
use tenantgate::http::request::RequestHead;
use tenantgate::runtime::Runtime;
use tenantgate::tenant::Tenant;
use tenantgate::upstream::HeaderEdit;
use url::Url;

use super::machine::with_env;

/// A request of a client.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) host: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) client: Option<IpAddr>,
}

/// What the filter does with a request.
pub(crate) enum Outcome {
    /// It goes to the upstream with these changes of its head.
    Forwarded(Vec<HeaderEdit>),
    Replied(LocalReply),
    /// It waits for the metadata or the keys of the provider, which were not fetched.
    AwaitsDocuments,
}

/// Answers the calls of the filter.
pub(crate) type Provider<'p> = dyn FnMut(&HttpCall) -> Result<CallResponse, CallFailure> + 'p;

/// The filter, and the cookies that it has set.
pub(crate) struct Browser {
    runtime: Arc<Runtime>,
    cookies: BTreeMap<String, String>,
}

/// The authorization request of a login.
pub(crate) struct AuthorizationRequest(Url);

impl Request {
    /// A page that a user opens.
    pub(crate) fn page(host: &str, path: String) -> Self {
        Self {
            host: host.to_owned(),
            method: "GET".to_owned(),
            path,
            headers: NAVIGATION.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            client: None,
        }
    }
}

impl Browser {
    pub(crate) fn new(runtime: Arc<Runtime>) -> Self {
        Self { runtime, cookies: BTreeMap::new() }
    }

    /// Sends a request, with the cookies that were set before. No call is answered.
    pub(crate) fn send(&mut self, request: &Request) -> Outcome {
        self.exchange(request, &mut |_| Err(CallFailure::NoAnswer))
    }

    /// Begins a login. The error is what happens instead.
    pub(crate) fn begin_login(&mut self, tenant: &Tenant, host: &str) -> Result<AuthorizationRequest, Box<Outcome>> {
        let path = query(&tenant.login.initiate_login_path, &[("iss", &tenant.issuer)]);
        let outcome = self.send(&Request::page(host, path));
        let location = match &outcome {
            Outcome::Replied(reply) if reply.status == 302 => {
                reply.headers.iter().find(|(name, _)| *name == "location")
            }
            Outcome::Replied(_) | Outcome::Forwarded(_) | Outcome::AwaitsDocuments => None,
        };
        let url = location.and_then(|(_, value)| Url::parse(value).ok());
        url.map(AuthorizationRequest).ok_or_else(|| Box::new(outcome))
    }

    /// A request and the calls that it makes, which `provider` answers.
    pub(crate) fn exchange(&mut self, request: &Request, provider: &mut Provider<'_>) -> Outcome {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let own = [(":method", &request.method), (":authority", &request.host), (":path", &request.path)];
        let lines = own.into_iter().map(|(name, value)| (name, value.as_str()));
        let more = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let cookie = (!cookies.is_empty()).then(|| cookies.join("; "));
        let lines =
            lines.chain([(":scheme", "https")]).chain(more).chain(cookie.as_deref().map(|line| ("cookie", line)));
        let head = RequestHead::new(lines.map(|(name, value)| (name.to_ascii_lowercase(), value.as_bytes().to_vec())));
        let mut filter = Filter::new(self.runtime.clone());
        let mut input = Input::Request(head);
        let client = Client(request.client);
        loop {
            let effect = with_env(&NoSharedData, &client, |env| filter.step(input, env));
            let reply = match effect {
                Effect::Request(RequestEffect::Forward(forward)) => {
                    return Outcome::Forwarded(forward.edits().cloned().collect());
                }
                Effect::Request(RequestEffect::Call(call)) => {
                    input = Input::Called(provider(&call));
                    continue;
                }
                Effect::Request(RequestEffect::Reply(reply) | RequestEffect::ReplyAndCall(reply, _)) => reply,
                // What it would wait for does not come. The filter refuses the request.
                Effect::Request(RequestEffect::ReadBody) => {
                    input = Input::Body(Ok(Secret::new(Vec::new())));
                    continue;
                }
                Effect::Request(RequestEffect::AwaitFetch) => return Outcome::AwaitsDocuments,
                Effect::Request(RequestEffect::AwaitRefresh(_) | RequestEffect::AwaitStore(_))
                | Effect::Response(_) => {
                    input = Input::Called(Err(CallFailure::NoAnswer));
                    continue;
                }
            };
            self.keep(&reply);
            return Outcome::Replied(reply);
        }
    }

    fn keep(&mut self, reply: &LocalReply) {
        for (_, line) in reply.headers.iter().filter(|(name, _)| *name == "set-cookie") {
            let Some((name, value)) = line.split(';').next().and_then(|pair| pair.split_once('=')) else { continue };
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl AuthorizationRequest {
    /// Where the browser is sent.
    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    /// A parameter of the request, or an empty text.
    pub(crate) fn parameter(&self, name: &str) -> String {
        let pair = self.0.query_pairs().find(|(other, _)| other == name);
        pair.map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    /// The authorization response with this code.
    pub(crate) fn response(&self, tenant: &Tenant, code: &str) -> Request {
        let parameters = [("code", code), ("state", &self.parameter("state")), ("iss", &tenant.issuer)];
        self.callback(tenant, &query("", &parameters))
    }

    /// A request of the redirect URI with this query, which begins with a question mark.
    pub(crate) fn callback(&self, tenant: &Tenant, query: &str) -> Request {
        let redirect_uri = Url::parse(&self.parameter("redirect_uri")).ok();
        let host = redirect_uri.as_ref().and_then(Url::host_str).unwrap_or_default();
        Request::page(host, format!("{}{query}", tenant.login.callback_path))
    }
}

fn query(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut serializer = url::form_urlencoded::Serializer::new(String::new());
    serializer.extend_pairs(parameters);
    format!("{path}?{}", serializer.finish())
}

/// The address of the client. Without one, it stands for a client outside of the networks of rules.
struct Client(Option<IpAddr>);

impl ClientAddress for Client {
    fn client_address(&self) -> Option<IpAddr> {
        self.0.or(Some(IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED)))
    }
}

/// What a browser sends that opens an address.
pub(crate) const NAVIGATION: [(&str, &str); 4] = [
    ("accept", "text/html,*/*;q=0.8"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-site", "none"),
];
