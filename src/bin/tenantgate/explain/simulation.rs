//! One request through the filter of this crate, with a provider that answers in its place.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Map, Value, json};
use tenantgate::base::secret::Secret;
use tenantgate::base::time::UnixTime;
use tenantgate::env::shared::NoSharedData;
use tenantgate::env::{ClientAddress, Entropy, Env, NoEntropy};
use tenantgate::filter::{Effect, Filter, Input, RequestEffect};
use tenantgate::http::call::{CallFailure, CallResponse};
use tenantgate::http::reply::LocalReply;
use tenantgate::http::request::RequestHead;
use tenantgate::jose::{HostAlgorithms, NoHostVerifier, Verifier};
use tenantgate::runtime::Runtime;
use tenantgate::tenant::Tenant;
use tenantgate::upstream::HeaderEdit;
use url::Url;

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
}

/// The filter with a provider that signs with a key of its own.
pub(crate) struct Simulation {
    runtime: Arc<Runtime>,
    key: SigningKey,
    cookies: BTreeMap<String, String>,
}

/// A configuration in which `tenant` trusts the key of a simulation, and fetches nothing.
pub(crate) fn simulated(configuration: &Value, tenant: usize, issuer: &str) -> (Value, SigningKey) {
    let key = SigningKey::from_bytes(&[7; 32]);
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().to_bytes());
    let mut configuration = configuration.clone();
    let tenants = configuration.get_mut("tenants").and_then(Value::as_array_mut);
    if let Some(tenant) = tenants.and_then(|tenants| tenants.get_mut(tenant)).and_then(Value::as_object_mut) {
        tenant.insert("keys".to_owned(), json!([{ "jwk": { "kty": "OKP", "crv": "Ed25519", "x": x } }]));
        tenant.remove("id_token_signed_response_alg");
        // The claims that a UserInfo endpoint would add are in the ID token here.
        without(tenant.get_mut("login"), &["userinfo", "max_age"]);
        let provider = tenant.get_mut("provider");
        let removed = ["discovery", "jwks_uri", "jwks_interval", "jwks_max_age", "trusted_origins"];
        if let Some(provider) = without(provider, &removed) {
            for (name, path) in [("authorization_endpoint", "authorize"), ("token_endpoint", "token")] {
                let endpoint = format!("{}/{path}", issuer.trim_end_matches('/'));
                provider.entry(name).or_insert_with(|| endpoint.into());
            }
        }
    }
    (configuration, key)
}

fn without<'v>(section: Option<&'v mut Value>, names: &[&str]) -> Option<&'v mut Map<String, Value>> {
    let section = section.and_then(Value::as_object_mut)?;
    names.iter().for_each(|name| drop(section.remove(*name)));
    Some(section)
}

impl Simulation {
    pub(crate) fn new(runtime: Arc<Runtime>, key: SigningKey) -> Self {
        Self { runtime, key, cookies: BTreeMap::new() }
    }

    /// Sends a request, with the cookies that were set before.
    pub(crate) fn send(&mut self, request: &Request) -> Outcome {
        self.exchange(request, &mut |_| Err(CallFailure::NoAnswer))
    }

    /// Signs in with an ID token of these claims. The error is the reply that the person gets.
    pub(crate) fn sign_in(
        &mut self,
        tenant: &Tenant,
        host: &str,
        claims: &Map<String, Value>,
    ) -> Result<(), Box<LocalReply>> {
        let page = |host: &str, path: String| Request {
            host: host.to_owned(),
            method: "GET".to_owned(),
            path,
            headers: NAVIGATION.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            client: None,
        };
        let begin = query(&tenant.login.initiate_login_path, &[("iss", &tenant.issuer)]);
        let location = redirect(self.send(&page(host, begin)))?;
        let url = Url::parse(&location).ok();
        let parameter = |name: &str| {
            let pairs = url.iter().flat_map(Url::query_pairs).find(|(other, _)| other == name);
            pairs.map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        let token = self.id_token(tenant, claims, &parameter("nonce"));
        let callback = Url::parse(&parameter("redirect_uri")).ok();
        let callback_host = callback.as_ref().and_then(Url::host_str).unwrap_or(host);
        let path = query(
            &tenant.login.callback_path,
            &[("code", "code"), ("state", &parameter("state")), ("iss", &tenant.issuer)],
        );
        let outcome = self.exchange(&page(callback_host, path), &mut |_| {
            let body =
                json!({ "access_token": "access", "token_type": "Bearer", "expires_in": 3600, "id_token": token });
            Ok(CallResponse { status: 200, body: Secret::new(body.to_string().into_bytes()) })
        });
        redirect(outcome).map(drop)
    }

    fn id_token(&self, tenant: &Tenant, claims: &Map<String, Value>, nonce: &str) -> String {
        let now = now().0;
        let mut all = Map::new();
        for (name, value) in [
            ("iss", json!(tenant.issuer)),
            ("aud", json!(tenant.client.id)),
            ("iat", json!(now)),
            ("auth_time", json!(now)),
            ("exp", json!(now.saturating_add(3600))),
            ("nonce", json!(nonce)),
        ] {
            all.insert(name.to_owned(), value);
        }
        all.extend(claims.iter().map(|(name, value)| (name.clone(), value.clone())));
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", encode(&json!({ "alg": "EdDSA" })), encode(&Value::Object(all)));
        let signature = self.key.sign(input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// A request and the calls that it makes, which `provider` answers.
    fn exchange(
        &mut self,
        request: &Request,
        provider: &mut dyn FnMut(&str) -> Result<CallResponse, CallFailure>,
    ) -> Outcome {
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
            let verifier = Verifier { host: &NoHostVerifier, trusted: HostAlgorithms::NONE };
            let mut entropy = SystemEntropy;
            let mut env = Env::new(Some(now()), &mut entropy, verifier, &NoSharedData).with_client(&client);
            let reply = match filter.step(input, &mut env) {
                Effect::Request(RequestEffect::Forward(forward)) => {
                    return Outcome::Forwarded(forward.edits().to_vec());
                }
                Effect::Request(RequestEffect::Call(call)) => {
                    input = Input::Called(provider(&call.cluster));
                    continue;
                }
                Effect::Request(RequestEffect::Reply(reply) | RequestEffect::ReplyAndCall(reply, _)) => reply,
                // What it would wait for does not come. The filter refuses the request.
                Effect::Request(RequestEffect::ReadBody) => {
                    input = Input::Body(Ok(Secret::new(Vec::new())));
                    continue;
                }
                Effect::Request(RequestEffect::AwaitRefresh(_) | RequestEffect::AwaitFetch) | Effect::Response(_) => {
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

fn redirect(outcome: Outcome) -> Result<String, Box<LocalReply>> {
    match outcome {
        Outcome::Replied(reply) if reply.status == 302 => {
            let location = reply.headers.iter().find(|(name, _)| *name == "location");
            Ok(location.map(|(_, value)| value.clone()).unwrap_or_default())
        }
        Outcome::Replied(reply) => Err(Box::new(reply)),
        // The paths of a login are never forwarded.
        Outcome::Forwarded(_) => Ok(String::new()),
    }
}

fn query(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut serializer = url::form_urlencoded::Serializer::new(String::new());
    serializer.extend_pairs(parameters);
    format!("{path}?{}", serializer.finish())
}

/// The current time.
pub(super) fn now() -> UnixTime {
    #[expect(clippy::disallowed_methods, reason = "the tool is no part of the core")]
    let now = SystemTime::now();
    UnixTime(now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "the tool is no part of the core")]
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
        getrandom::fill(buffer).map_err(|_| NoEntropy)
    }
}

/// The address of the client. Without one, it stands for a client outside of the networks of rules.
struct Client(Option<IpAddr>);

impl ClientAddress for Client {
    fn client_address(&self) -> Option<IpAddr> {
        self.0.or(Some(IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED)))
    }
}

/// What a browser sends that opens an address.
pub(super) const NAVIGATION: [(&str, &str); 4] = [
    ("accept", "text/html,*/*;q=0.8"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-site", "none"),
];
