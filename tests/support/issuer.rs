//! A simulated issuer: correct by default, hostile or broken on demand.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};

use super::clock::Clock;
use super::etcd::EtcdAccess;
use super::gate::Gate;
use super::harness::{Lines, values};
use super::http::{base64url, from_base64url};
use super::signer::Signer;

/// The issuers, by the name of their cluster.
pub type Issuers = Arc<Mutex<BTreeMap<String, Issuer>>>;

/// An issuer, and the filter's client there.
pub struct Issuer {
    pub url: String,
    /// The path of `url`, without a final slash.
    base: String,
    pub client_id: String,
    /// `token_endpoint_auth_method` and the secret, or the private key.
    pub authentication: (&'static str, String),
    /// The public key of the client, and the audience of its assertions.
    pub client_key: Option<(Signer, String)>,
    pub signer: Signer,
    pub clock: Clock,
    /// How the token endpoint answers.
    pub answer: Answer,
    /// Holds the requests to a real server of this issuer back, while it is closed.
    pub gate: Gate,
    /// How the UserInfo endpoint answers, and with which claims.
    pub userinfo: (Answer, Value),
    /// The metadata and the JWKS that the issuer publishes.
    pub metadata: Value,
    pub published: Vec<Value>,
    /// How these two endpoints answer, and how often they were called.
    pub document_answer: Answer,
    pub documents: usize,
    /// The `kid` of the tokens.
    pub kid: Option<&'static str>,
    /// Changes header and claims before the token is signed.
    pub forge: fn(&mut Value, &mut Value),
    /// Changes the token after it is signed.
    pub tamper: Box<dyn Fn(String) -> String + Send>,
    /// The additional parameters that an authorization request must have, in this order.
    pub parameters: Vec<(String, String)>,
    /// How often the token endpoint was called.
    pub calls: usize,
    /// `resource` of the last token request.
    pub resources: Vec<String>,
    /// The paths that were asked for, in order.
    pub paths: Vec<String>,
    /// `traceparent` of the calls that had one.
    pub traces: Vec<String>,
    /// Every secret value that was issued.
    pub secrets: Vec<String>,
    /// The current claims of each `sub` for a refresh; `null` for a deleted user.
    pub directory: HashMap<String, Value>,
    /// Whether the issuer gives refresh tokens, and whether it rotates them.
    pub refresh: Refresh,
    /// `expires_in` of the tokens.
    pub expires_in: u64,
    /// Whether a refresh gives an ID token.
    pub refreshed_id_token: bool,
    /// How the revocation endpoint answers, and the tokens that a client whom this issuer knows
    /// has sent there.
    pub revocation: (Answer, Vec<String>),
    /// How long the answers to calls of the plugin take, in the tier `core`.
    pub delay: Duration,
    /// The way to an etcd that the cluster of this issuer has, too.
    pub etcd: Option<EtcdAccess>,
    /// The last access token.
    access_token: String,
    codes: HashMap<String, Grant>,
    refresh_tokens: HashMap<String, (Grant, bool)>,
    issued: usize,
}

/// The issuer's use of refresh tokens.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// No refresh tokens.
    None,
    /// A new one each time. Reuse of an old one revokes all.
    Rotating,
    /// The same one each time.
    Reused,
    /// As dex 2.45: a new one each time, and one for each user. A login ends the refresh token of
    /// the user's login before. The answers are those of `REFRESH_ANSWERS` in scenarios/refresh.rs.
    Dex,
}

/// The answer of an endpoint.
#[derive(Clone)]
pub enum Answer {
    /// A correct answer.
    Normal,
    /// No answer.
    Silence,
    /// This status and body.
    Raw(u16, Vec<u8>),
    /// An error whose description repeats the client secret, the credentials and the body of the
    /// request.
    Repeat,
}

#[derive(Clone)]
struct Grant {
    nonce: String,
    challenge: String,
    redirect_uri: String,
    person: Value,
}

impl Issuer {
    pub fn new(url: &str, method: &'static str, signer: Signer, clock: Clock) -> Self {
        let secret = format!("client-secret+/: of {url}");
        Self {
            url: url.to_owned(),
            base: Url::parse(url).unwrap().path().trim_end_matches('/').to_owned(),
            client_id: "gate".to_owned(),
            authentication: (method, secret),
            client_key: None,
            signer,
            clock,
            answer: Answer::Normal,
            gate: Gate::default(),
            userinfo: (Answer::Normal, json!({})),
            metadata: metadata(url),
            published: Vec::new(),
            document_answer: Answer::Normal,
            documents: 0,
            kid: None,
            forge: |_, _| {},
            tamper: Box::new(|token| token),
            parameters: Vec::new(),
            calls: 0,
            resources: Vec::new(),
            paths: Vec::new(),
            traces: Vec::new(),
            secrets: Vec::new(),
            directory: HashMap::new(),
            refresh: Refresh::None,
            expires_in: 300,
            refreshed_id_token: true,
            revocation: (Answer::Normal, Vec::new()),
            delay: Duration::ZERO,
            etcd: None,
            access_token: String::new(),
            codes: HashMap::new(),
            refresh_tokens: HashMap::new(),
            issued: 0,
        }
    }

    /// An issuer with `private_key_jwt`, where `key` is the client's key.
    pub fn with_client_key(url: &str, key: Signer, clock: Clock) -> Self {
        let mut issuer = Self::new(url, "private_key_jwt", Signer::eddsa(), clock);
        issuer.authentication.1 = key.private_pem().to_owned();
        issuer.client_key = Some((key, url.to_owned()));
        issuer
    }

    /// Signs `person` (claims) in at the authorization URL. Returns the URL of the callback.
    pub fn authorize(&mut self, url: &str, person: &Value) -> String {
        let request = Url::parse(url).unwrap();
        let parameters: Vec<(String, String)> = request.query_pairs().into_owned().collect();
        let one = |name: &str| {
            let values: Vec<&String> = parameters.iter().filter(|(n, _)| n == name).map(|(_, value)| value).collect();
            assert_eq!(values.len(), 1, "{name} in {url}");
            values[0].clone()
        };
        assert!(url.starts_with(&format!("{}/auth?", self.url.trim_end_matches('/'))), "{url}");
        assert_eq!(parameters[8..], self.parameters, "{url}");
        assert_eq!((one("response_type").as_str(), one("code_challenge_method").as_str()), ("code", "S256"));
        assert_eq!(one("client_id"), self.client_id);
        assert!(one("scope").split(' ').any(|scope| scope == "openid"));

        self.issued += 1;
        let code = base64url(Sha256::digest(format!("{} {}", self.url, self.issued)));
        let grant = Grant {
            nonce: one("nonce"),
            challenge: one("code_challenge"),
            redirect_uri: one("redirect_uri"),
            person: person.clone(),
        };
        self.secrets.extend([code.clone(), grant.nonce.clone(), one("state")]);
        let mut back = Url::parse(&grant.redirect_uri).unwrap();
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &one("state"))
            .append_pair("iss", &self.url);
        self.codes.insert(code, grant);
        back.into()
    }

    /// Serves a request to any endpoint. `None` never answers.
    pub fn serve(&mut self, head: &Lines, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        let path = head.iter().find(|(name, _)| name == ":path").map(|(_, value)| value.as_slice());
        self.paths.extend(path.map(|path| String::from_utf8_lossy(path).into_owned()));
        if let Some(etcd) = &mut self.etcd
            && let Some(path) =
                path.and_then(|path| std::str::from_utf8(path).ok()).filter(|path| path.starts_with("/v3/"))
        {
            return etcd.serve(path, head, body);
        }
        self.traces.extend(values(head, "traceparent"));
        let base = self.base.clone();
        let document = match path.and_then(|path| path.strip_prefix(base.as_bytes())) {
            Some(b"/.well-known/openid-configuration") => self.metadata.clone(),
            Some(b"/keys") => json!({ "keys": self.published }),
            Some(b"/userinfo") => return self.userinfo(head, body),
            Some(b"/revoke") => return self.revoke(head, body),
            _ => return self.token(head, body),
        };
        self.documents += 1;
        match &self.document_answer {
            Answer::Silence => None,
            Answer::Raw(status, body) => Some((*status, body.clone())),
            Answer::Repeat => unreachable!("the text of this endpoint is not logged"),
            Answer::Normal => Some((200, document.to_string().into_bytes())),
        }
    }

    /// The UserInfo endpoint. It accepts the last access token of this issuer.
    fn userinfo(&mut self, head: &Lines, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        let line = |name: &str| head.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_slice());
        self.calls += 1;
        assert_eq!((line(":method"), body), (Some(&b"GET"[..]), &b""[..]));
        let token = line("authorization").and_then(|value| value.strip_prefix(b"Bearer ")).unwrap_or_default();
        match &self.userinfo {
            (Answer::Silence, _) => None,
            (Answer::Raw(status, body), _) => Some((*status, body.clone())),
            (Answer::Repeat, _) => unreachable!("the text of this endpoint is not logged"),
            _ if self.access_token.as_bytes() != token => Some((401, Vec::new())),
            (Answer::Normal, claims) => Some((200, claims.to_string().into_bytes())),
        }
    }

    /// The revocation endpoint (RFC 7009).
    fn revoke(&mut self, head: &Lines, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        let line = |name: &str| head.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_slice());
        assert_eq!(line(":method"), Some(&b"POST"[..]));
        assert_eq!(line("content-type"), Some(&b"application/x-www-form-urlencoded"[..]));
        let mut form: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
        if !self.knows_client(head, &form) {
            return Some((401, br#"{"error":"invalid_client"}"#.to_vec()));
        }
        let token = form.remove("token").unwrap();
        form.retain(|name, _| !name.starts_with("client_"));
        assert_eq!(form, HashMap::from([("token_type_hint".to_owned(), "refresh_token".to_owned())]));
        self.revocation.1.push(token.clone());
        match &self.revocation.0 {
            Answer::Silence => None,
            Answer::Raw(status, body) => Some((*status, body.clone())),
            Answer::Repeat => Some(self.repeat(head, body)),
            // A token that is not known is revoked already (section 2.2).
            Answer::Normal => {
                self.refresh_tokens.remove(&token);
                Some((200, Vec::new()))
            }
        }
    }

    /// The token endpoint. `None` never answers.
    fn token(&mut self, head: &Lines, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        self.calls += 1;
        match &self.answer {
            Answer::Silence => None,
            Answer::Raw(status, body) => Some((*status, body.clone())),
            Answer::Repeat => Some(self.repeat(head, body)),
            Answer::Normal => Some(match self.redeem(head, body) {
                Ok(tokens) => (200, tokens.to_string().into_bytes()),
                Err((status, error)) => (status, json!({ "error": error }).to_string().into_bytes()),
            }),
        }
    }

    /// See [`Answer::Repeat`].
    fn repeat(&self, head: &Lines, body: &[u8]) -> (u16, Vec<u8>) {
        let authorization = head.iter().find(|(name, _)| name == "authorization").map(|(_, value)| value.as_slice());
        let [authorization, body] = [authorization.unwrap_or_default(), body].map(String::from_utf8_lossy);
        let description = format!("{} {authorization} {body}", self.authentication.1);
        (400, json!({ "error": "invalid_request", "error_description": description }).to_string().into_bytes())
    }

    fn redeem(&mut self, head: &Lines, body: &[u8]) -> Result<Value, (u16, &'static str)> {
        let form: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
        let pairs = form_urlencoded::parse(body).filter(|(name, _)| name == "resource");
        self.resources = pairs.map(|(_, value)| value.into_owned()).collect();
        let field = |name: &str| form.get(name).cloned().unwrap_or_default();
        self.secrets.push(field("code_verifier"));
        self.secrets.extend(head.iter().filter(|(name, _)| name == "authorization").map(|(_, value)| {
            let credentials = value.strip_prefix(b"Basic ").unwrap_or(value);
            String::from_utf8(credentials.to_vec()).unwrap()
        }));
        if !self.knows_client(head, &form) {
            return Err((401, "invalid_client"));
        }
        let line = |name: &str| head.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_slice());
        assert_eq!(line(":method"), Some(&b"POST"[..]));
        assert_eq!(line(":path"), Some(format!("{}/token", self.base).as_bytes()));
        assert_eq!(line("content-type"), Some(&b"application/x-www-form-urlencoded"[..]));
        if field("grant_type") == "refresh_token" {
            return self.refresh(&field("refresh_token"));
        }
        assert_eq!(field("grant_type"), "authorization_code");
        // A code is accepted once.
        let grant = self.codes.remove(&field("code")).ok_or((400, "invalid_grant"))?;
        if field("redirect_uri") != grant.redirect_uri
            || base64url(Sha256::digest(field("code_verifier"))) != grant.challenge
        {
            return Err((400, "invalid_grant"));
        }
        if self.refresh == Refresh::Dex {
            self.refresh_tokens.retain(|_, (other, _)| other.person["sub"] != grant.person["sub"]);
        }
        Ok(self.tokens(&grant, true, None))
    }

    /// A refresh (RFC 6749 section 6), with the current claims of the directory.
    fn refresh(&mut self, token: &str) -> Result<Value, (u16, &'static str)> {
        let is_dex = self.refresh == Refresh::Dex;
        let invalid = (400, if is_dex { "invalid_request" } else { "invalid_grant" });
        let (mut grant, used) = self.refresh_tokens.get(token).cloned().ok_or(invalid)?;
        if used {
            // dex ends nothing at a reuse.
            if !is_dex {
                self.refresh_tokens.clear();
            }
            return Err(invalid);
        }
        match self.directory.get(grant.person["sub"].as_str().unwrap()) {
            // dex keeps the refresh token, for when the directory finds the user again.
            Some(Value::Null) if is_dex => return Err((500, "invalid_request")),
            Some(Value::Null) => return Err(invalid),
            Some(person) => grant.person = person.clone(),
            None => {}
        }
        let rotating = self.refresh != Refresh::Reused;
        if rotating {
            self.refresh_tokens.insert(token.to_owned(), (grant.clone(), true));
        }
        Ok(self.tokens(&grant, self.refreshed_id_token, (!rotating).then_some(token)))
    }

    fn tokens(&mut self, grant: &Grant, with_id_token: bool, kept: Option<&str>) -> Value {
        self.issued += 1;
        let access_token = format!("access-token-{}", self.issued);
        let mut tokens = json!({ "access_token": access_token, "token_type": "Bearer", "expires_in": self.expires_in });
        if with_id_token {
            tokens["id_token"] = json!(self.id_token(grant, &access_token));
            self.secrets.push(tokens["id_token"].as_str().unwrap().to_owned());
        }
        if self.refresh != Refresh::None && kept.is_none() {
            let refresh_token = base64url(Sha256::digest(format!("refresh {} {}", self.url, self.issued)));
            tokens["refresh_token"] = json!(refresh_token);
            self.refresh_tokens.insert(refresh_token.clone(), (grant.clone(), false));
            self.secrets.push(refresh_token);
        }
        self.secrets.push(access_token.clone());
        self.access_token = access_token;
        tokens
    }

    fn id_token(&self, grant: &Grant, access_token: &str) -> String {
        let now = self.clock.now();
        let mut header = self.header("JWT");
        let mut claims = json!({
            "iss": self.url, "aud": self.client_id, "iat": now, "exp": now + 300,
            "nonce": grant.nonce, "at_hash": self.signer.half_hash(access_token),
        });
        claims.as_object_mut().unwrap().extend(grant.person.as_object().unwrap().clone());
        (self.forge)(&mut header, &mut claims);
        (self.tamper)(self.signer.jws(&header, &claims))
    }

    /// The header of a token with this `typ`.
    pub fn header(&self, typ: &str) -> Value {
        let mut header = json!({ "alg": self.signer.alg(), "typ": typ });
        if let Some(kid) = self.kid {
            header["kid"] = json!(kid);
        }
        header
    }

    /// The refresh tokens that were issued and neither used nor revoked.
    pub fn live_refresh_tokens(&self) -> Vec<String> {
        let live = self.refresh_tokens.iter().filter(|(_, (_, used))| !used);
        live.map(|(token, _)| token.clone()).collect()
    }

    /// Signs with `signer` from now on, and publishes its key under `kid` in addition to the
    /// others.
    pub fn rotate(&mut self, signer: Signer, kid: &'static str) {
        let mut key = signer.jwk();
        key["kid"] = json!(kid);
        self.published.push(key);
        (self.signer, self.kid) = (signer, Some(kid));
    }

    /// Client authentication (OpenID Connect Core section 9).
    fn knows_client(&mut self, head: &Lines, form: &HashMap<String, String>) -> bool {
        if let Some(assertion) = form.get("client_assertion") {
            return self.knows_assertion(assertion, form);
        }
        let (method, secret) = &self.authentication;
        let authorization = head.iter().find(|(name, _)| name == "authorization").map(|(_, value)| value.clone());
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let basic = format!("Basic {}", super::http::base64(format!("{}:{}", encode(&self.client_id), encode(secret))));
        let in_form = (form.get("client_id").map(String::as_str), form.get("client_secret").map(String::as_str));
        match *method {
            "client_secret_basic" => authorization == Some(basic.into_bytes()) && in_form == (None, None),
            "client_secret_post" => authorization.is_none() && in_form == (Some(&self.client_id), Some(secret)),
            _ => authorization.is_none() && in_form == (Some(&self.client_id), None),
        }
    }

    /// Client assertions (RFC 7523 section 3). An assertion is accepted once.
    fn knows_assertion(&mut self, assertion: &str, form: &HashMap<String, String>) -> bool {
        let Some((key, audience)) = &self.client_key else { return false };
        if self.secrets.iter().any(|seen| seen == assertion) || !key.verifies(assertion) {
            return false;
        }
        let part = |index| serde_json::from_slice(&from_base64url(assertion.split('.').nth(index).unwrap())).unwrap();
        let (header, claims): (Value, Value) = (part(0), part(1));
        assert_eq!(header, json!({ "alg": key.alg(), "typ": "JWT", "kid": "client-key" }));
        let now = self.clock.now();
        let (issued, expires) = (claims["iat"].as_u64().unwrap(), claims["exp"].as_u64().unwrap());
        assert!(issued <= now && now < expires && expires - issued <= 60, "{claims}");
        assert_eq!(claims["jti"].as_str().unwrap().len(), 22);
        let type_ = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        assert_eq!((form["client_assertion_type"].as_str(), form["client_id"].as_str()), (type_, &*self.client_id));
        let good = claims["aud"] == json!(audience);
        let good = good && claims["iss"] == json!(self.client_id) && claims["sub"] == json!(self.client_id);
        self.secrets.push(assertion.to_owned());
        good && !form.contains_key("client_secret")
    }
}

/// The metadata (OpenID Connect Discovery 1.0 section 3).
fn metadata(url: &str) -> Value {
    let base = url.trim_end_matches('/');
    json!({
        "issuer": url,
        "authorization_endpoint": format!("{base}/auth"),
        "token_endpoint": format!("{base}/token"),
        "userinfo_endpoint": format!("{base}/userinfo"),
        "end_session_endpoint": format!("{base}/logout"),
        "revocation_endpoint": format!("{base}/revoke"),
        "jwks_uri": format!("{base}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
    })
}
