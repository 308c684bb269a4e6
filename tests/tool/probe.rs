//! The command `probe`, with a provider on loopback.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::authority::{Authority, Identity};
use super::web_server::{Received, Sent, serve};
use super::{KEY, run};

const HOST: &str = "dex.acme.example";
const ISSUER: &str = "https://dex.acme.example";
const SECRET: &str = "correct-horse-battery";
const FAR: (i32, u8, u8) = (2100, 1, 1);

/// How the provider answers.
#[derive(Clone)]
struct Provider {
    metadata: Value,
    keys: Value,
    /// Seconds that its clock is ahead.
    ahead: i64,
    redirect_uris: Vec<&'static str>,
    secret: &'static str,
    /// The answer to an authorization request with a known redirect URI.
    login: Sent,
    /// The answer to an invalid code of a known client.
    invalid_code: Value,
}

impl Provider {
    fn new() -> Self {
        Self {
            metadata: json!({
                "issuer": ISSUER,
                "authorization_endpoint": format!("{ISSUER}/auth"),
                "token_endpoint": format!("{ISSUER}/token"),
                "jwks_uri": format!("{ISSUER}/keys"),
                "end_session_endpoint": format!("{ISSUER}/logout"),
                "scopes_supported": ["openid", "email", "groups", "profile", "offline_access"],
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256", "plain"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            }),
            keys: json!([jwk("k1", EC_X, EC_Y), { "kty": "RSA", "use": "enc", "kid": "e", "n": "AQAB", "e": "AQAB" }]),
            ahead: 0,
            redirect_uris: vec!["https://acme.example.com/oauth2/callback"],
            secret: SECRET,
            login: Sent { status: 302, headers: vec![("location", "/login?state=x".to_owned())], body: String::new() },
            invalid_code: json!({ "error": "invalid_grant" }),
        }
    }

    fn answer(&self, request: &Received) -> Option<Sent> {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let mut sent = match path {
            "/.well-known/openid-configuration" => page(200, &self.metadata.to_string()),
            "/keys" => page(200, &json!({ "keys": self.keys }).to_string()),
            "/auth" => self.authorization(query),
            "/token" => self.token(request),
            _ => page(404, "not found"),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        sent.headers.push(("date", http_date(now.checked_add_signed(self.ahead).unwrap())));
        Some(sent)
    }

    fn authorization(&self, query: &str) -> Sent {
        let parameter = |name: &str| {
            let pair = url::form_urlencoded::parse(query.as_bytes()).find(|(other, _)| other == name);
            pair.map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        assert_eq!(
            (parameter("response_type").as_str(), parameter("code_challenge_method").as_str()),
            ("code", "S256")
        );
        let redirect_uri = parameter("redirect_uri");
        if parameter("client_id") != "tenantgate" {
            return page(400, "<title>Oops</title><p>Client not found.");
        }
        if !self.redirect_uris.contains(&redirect_uri.as_str()) {
            return page(400, "<title>Bad Request</title><script>x</script><h1>Unregistered redirect_uri</h1>");
        }
        let mut login = self.login.clone();
        for (name, value) in &mut login.headers {
            if *name == "location" {
                *value = value.replace("REDIRECT", &redirect_uri).replace("STATE", &parameter("state"));
            }
        }
        login
    }

    fn token(&self, request: &Received) -> Sent {
        assert_eq!(request.method, "POST");
        let is_basic = STANDARD.encode(format!("tenantgate:{}", self.secret));
        let asserted = request.body.contains("client_assertion=");
        if request.header("authorization") != Some(&format!("Basic {is_basic}")) && !asserted {
            // Some providers repeat what they have received.
            let sent = STANDARD.decode(request.header("authorization").unwrap_or_default().replace("Basic ", ""));
            let description = format!("bad credentials {}", String::from_utf8(sent.unwrap_or_default()).unwrap());
            return page(401, &json!({ "error": "invalid_client", "error_description": description }).to_string());
        }
        for part in ["grant_type=authorization_code", "code=", "code_verifier=", "redirect_uri="] {
            assert!(request.body.contains(part), "{}", request.body);
        }
        page(400, &self.invalid_code.to_string())
    }
}

fn page(status: u16, body: &str) -> Sent {
    Sent { status, headers: vec![("content-type", "text/html".to_owned())], body: body.to_owned() }
}

pub(super) fn http_date(seconds: u64) -> String {
    let time = UNIX_EPOCH + Duration::from_secs(seconds);
    let text = humantime::format_rfc3339_seconds(time).to_string();
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months[text[5..7].parse::<usize>().unwrap() - 1];
    format!("Thu, {} {month} {} {} GMT", &text[8..10], &text[..4], &text[11..19])
}

const EC_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const EC_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

fn jwk(kid: &str, x: &str, y: &str) -> Value {
    json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": "sig" })
}

/// A provider that listens, and how the tool gets there.
struct Stack {
    arguments: Vec<String>,
    received: Arc<Mutex<Vec<Received>>>,
    /// Holds the certificate of the authority.
    _folder: TempDir,
}

impl Stack {
    fn new(provider: Provider) -> Self {
        let authority = Authority::root("Acme Root");
        let server = authority.issue(&[HOST], FAR);
        Self::with(provider, server, &authority)
    }

    /// The server shows this certificate, and the tool trusts this authority.
    fn with(provider: Provider, server: Identity, trusted: &Authority) -> Self {
        Self::at(&trusted.pem(), |received| {
            serve(Some(server.server()), move |request| {
                received.lock().unwrap().push(request.clone());
                provider.answer(request)
            })
        })
    }

    fn at(trusted: &str, start: impl FnOnce(Arc<Mutex<Vec<Received>>>) -> SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, trusted).unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let to = format!("{HOST}::{}", start(received.clone()));
        let arguments = ["--ca", ca.to_str().unwrap(), "--connect-to", &to].map(str::to_owned).into();
        Self { arguments, received, _folder: folder }
    }

    /// Probes a configuration. Returns the exit code and the output, in which nothing is secret.
    fn probe_with(&self, configuration: &str, more: &[&str]) -> (i32, String) {
        let mut arguments = vec!["probe", "-"];
        arguments.extend(self.arguments.iter().map(String::as_str));
        arguments.extend(more);
        let (code, output, errors) = run(&arguments, configuration);
        assert_eq!(errors, "");
        for secret in [SECRET, KEY, &STANDARD.encode(format!("tenantgate:{SECRET}"))] {
            assert!(!output.contains(secret), "{output}");
        }
        (code, output)
    }

    fn probe(&self, configuration: &str) -> (i32, String) {
        self.probe_with(configuration, &["--env", &format!("SECRET={SECRET}")])
    }

    fn paths(&self) -> Vec<String> {
        let received = self.received.lock().unwrap();
        received.iter().map(|request| request.path.split('?').next().unwrap().to_owned()).collect()
    }
}

const TENANT: &str = "
session: {keys: [{id: a, env: TENANTGATE_SESSION_KEY}]}
tenants:
  - name: acme
    hosts: [acme.example.com]
    issuer: https://dex.acme.example
    client_id: tenantgate
    client_secret: {env: SECRET}
    provider: {cluster: dex, discovery: true}
";

/// What is found about a provider by a tenant, as lines.
fn found(provider: Provider, configuration: &str) -> (i32, String) {
    Stack::new(provider).probe(configuration)
}

/// The output has these lines, and it fails exactly if one of them is an error.
#[track_caller]
fn assert_found((code, output): (i32, String), lines: &[&str]) {
    let all: Vec<&str> = output.lines().collect();
    for line in lines {
        let has = all
            .iter()
            .any(|found| found == line || line.strip_suffix('…').is_some_and(|start| found.starts_with(start)));
        assert!(has, "{line}\n{output}");
    }
    let errors = all.iter().filter(|line| line.starts_with("error: ")).count();
    let expected = lines.iter().filter(|line| line.starts_with("error: ")).count();
    assert_eq!((code, errors), (i32::from(expected > 0), expected), "{output}");
}

#[test]
fn a_provider_that_fits() {
    let stack = Stack::new(Provider::new());
    let (code, output) = stack.probe(TENANT);
    let expected = "\
tenant \"acme\" at https://dex.acme.example
ok: tls: dex.acme.example: TLS 1.3; the certificate is valid until 2100-01-01, issued by \"CN=Acme Root\"; 1 in the chain
ok: sni: the server shows the same certificate without the name
ok: discovery: `issuer` is \"https://dex.acme.example\", byte for byte
ok: clock: the clock of the provider agrees with that of this machine
ok: scopes: asks for \"openid profile email groups\", which the provider lists
ok: response type: the provider supports `code`
ok: pkce: the provider supports S256
ok: client: the provider supports client_secret_basic
ok: signatures: the provider signs ID tokens with RS256, ES256
ok: keys: the provider publishes key \"k1\" (ES256); 1 of no use were left out
ok: redirect URI: https://acme.example.com/oauth2/callback: the provider goes on to \"https://dex.acme.example/login\"
ok: client: the provider knows the client and its secret: an invalid code is `invalid_grant`
0 errors, 0 warnings
";
    assert_eq!((code, output.as_str()), (0, expected));
    // Each is asked once.
    assert_eq!(stack.paths(), ["/.well-known/openid-configuration", "/keys", "/auth", "/token"]);
}

#[test]
fn the_certificate_is_for_another_host() {
    let authority = Authority::root("Acme Root");
    let server = authority.issue(&["login.globex.example", "globex.example"], FAR);
    let stack = Stack::with(Provider::new(), server, &authority);
    assert_found(
        stack.probe(TENANT),
        &[
            "error: tls: dex.acme.example: the certificate is for another name: expected \"dex.acme.example\", received \
             \"login.globex.example\", \"globex.example\"",
            "   help: let the server show a certificate for dex.acme.example; or another server answers: compare DNS",
            "warning: discovery: the rest was not asked, because the provider is not reached",
        ],
    );
    // Nothing was sent.
    assert_eq!(stack.paths(), <[String; 0]>::default());
}

#[test]
fn a_wildcard_is_for_the_host() {
    let authority = Authority::root("Acme Root");
    let stack = Stack::with(Provider::new(), authority.issue(&["*.acme.example"], FAR), &authority);
    assert_eq!(stack.probe(TENANT).0, 0);
}

#[test]
fn the_authority_is_not_trusted() {
    let (private, other) = (Authority::root("Acme Root"), Authority::root("Public Root"));
    let stack = Stack::with(Provider::new(), private.issue(&[HOST], FAR), &other);
    let (code, output) = stack.probe(TENANT);
    let line = "the certificate is issued by an authority that ";
    assert!(
        output.contains(line) && output.contains("1 in the chain, the last one issued by \"CN=Acme Root\"\n"),
        "{output}"
    );
    assert!(output.contains("give its certificate with `--ca FILE`, and to Envoy as `trusted_ca`"), "{output}");
    assert_eq!((code, stack.paths().len()), (1, 0));
}

/// The server forgets the certificate of the authority between its own and the root.
#[test]
fn an_intermediate_certificate_is_missing() {
    let root = Authority::root("Acme Root");
    let between = root.intermediate("Acme Servers");
    let stack = Stack::with(Provider::new(), between.issue(&[HOST], FAR), &root);
    let (code, output) = stack.probe(TENANT);
    assert_eq!(code, 1);
    let help = "if \"CN=Acme Servers\" is an intermediate authority, the server has to send its certificate, too";
    assert!(output.contains(help), "{output}");
    let mut whole = between.issue(&[HOST], FAR);
    whole.chain.push(between.certificate());
    let (code, output) = Stack::with(Provider::new(), whole, &root).probe(TENANT);
    assert!(code == 0 && output.contains("issued by \"CN=Acme Servers\"; 2 in the chain"), "{output}");
}

#[test]
fn the_certificate_has_ended_or_will() {
    let authority = Authority::root("Acme Root");
    let stack = Stack::with(Provider::new(), authority.issue(&[HOST], (2024, 3, 1)), &authority);
    assert_found(
        stack.probe(TENANT),
        &[
            "error: tls: dex.acme.example: the certificate ended on 2024-03-01",
            "   help: the operator of the provider has to renew it; or the clock of this machine is wrong",
        ],
    );
    let soon = SystemTime::now() + Duration::from_secs(3 * 24 * 60 * 60);
    let soon = humantime::format_rfc3339_seconds(soon).to_string();
    let part = |range: std::ops::Range<usize>| soon[range].parse::<u16>().unwrap();
    let until = (part(0..4).into(), part(5..7).try_into().unwrap(), part(8..10).try_into().unwrap());
    let stack = Stack::with(Provider::new(), authority.issue(&[HOST], until), &authority);
    let warning =
        format!("warning: tls: dex.acme.example: TLS 1.3; the certificate is valid until {}, issued by…", &soon[..10]);
    assert_found(stack.probe(TENANT), &[&warning, "   help: it ends in 2 days; tell the operator of the provider"]);
}

#[test]
fn the_server_wants_its_name() {
    let authority = Authority::root("Acme Root");
    let other = authority.issue(&["default.example"], FAR);
    for (other, message) in [
        (Some(other), "without the name the server shows another certificate"),
        (None, "without the name the server refuses the connection"),
    ] {
        let provider = Provider::new();
        let config = authority.issue(&[HOST], FAR).server_by_name(HOST, other);
        let stack = Stack::at(&authority.pem(), |_| serve(Some(config), move |request| provider.answer(request)));
        let line = format!("ok: sni: {message}, so the cluster needs `sni: dex.acme.example`");
        assert_found(stack.probe(TENANT), &[&line]);
    }
}

#[test]
fn nobody_is_there() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let root = Authority::root("Acme Root");
    let stack = Stack::at(&root.pem(), |_| closed);
    let (code, output) = stack.probe(TENANT);
    assert_eq!(code, 1);
    assert!(output.contains(&format!("error: tls: dex.acme.example: no connection to {closed}: ")), "{output}");
    let plain = Stack::at(&root.pem(), |_| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
            // Until the client goes.
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        });
        address
    });
    let line = "error: tls: dex.acme.example: what answers there speaks no TLS";
    assert_found(plain.probe(TENANT), &[line]);
}

/// A provider that accepts and never answers costs five seconds, and not more.
#[test]
fn nobody_answers() {
    let authority = Authority::root("Acme Root");
    let config = authority.issue(&[HOST], FAR).server();
    let stack = Stack::at(&authority.pem(), |_| serve(Some(config), |_| None));
    let (code, output) = stack.probe(TENANT);
    assert_eq!(code, 1);
    let line = "error: discovery: https://dex.acme.example/.well-known/openid-configuration: no answer within 5 s\n";
    assert!(output.contains(line), "{output}");
    // The queue of the listener accepts, and nobody reads.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let stack = Stack::at(&authority.pem(), |_| listener.local_addr().unwrap());
    assert_found(stack.probe(TENANT), &["error: tls: dex.acme.example: no answer within 5 s"]);
}

/// Both values are shown, and the rest is asked with the issuer that the provider has.
#[test]
fn the_issuer_differs() {
    let with = |issuer: &str| {
        let mut provider = Provider::new();
        provider.metadata["issuer"] = json!(issuer);
        found(provider, TENANT)
    };
    assert_found(
        with("https://dex.acme.example/"),
        &[
            "error: discovery: `issuer`: expected \"https://dex.acme.example\", received \"https://dex.acme.example/\"",
            "   help: write `issuer: https://dex.acme.example/`; the two differ by the final slash, and an issuer is compared byte \
             for byte",
            "ok: redirect URI: https://acme.example.com/oauth2/callback: the provider goes on to…",
            "ok: client: the provider knows the client and its secret: an invalid code is `invalid_grant`",
        ],
    );
    assert_found(
        with("https://dex.acme.example/dex"),
        &[
            "error: discovery: `issuer`: expected \"https://dex.acme.example\", received \"https://dex.acme.example/dex\"",
            "warning: login: the rest was not asked, because the provider is another issuer",
        ],
    );
    let (code, output) = with("https://DEX.acme.example");
    assert!(code == 1 && output.contains("the two differ by upper and lower case"), "{output}");
    // The secret is not sent to where another issuer points.
    let mut provider = Provider::new();
    provider.metadata["issuer"] = json!("https://evil.example");
    provider.metadata["token_endpoint"] = json!("https://evil.example/token");
    let stack = Stack::new(provider);
    let (code, output) = stack.probe(TENANT);
    assert!(code == 1 && output.contains("received \"https://evil.example\""), "{output}");
    assert!(!stack.paths().contains(&"/token".to_owned()), "{output}");
}

#[test]
fn the_metadata_are_elsewhere() {
    let authority = Authority::root("Acme Root");
    for (sent, received) in [
        (page(404, "not found"), "expected status 200, received 404"),
        (page(200, "<html>"), "expected a JSON object, received \"text/html\""),
        (
            Sent { status: 301, headers: vec![("location", "https://x.example".to_owned())], body: String::new() },
            "expected status 200, received 301 to \"https://x.example\"",
        ),
    ] {
        let config = authority.issue(&[HOST], FAR).server();
        let stack = Stack::at(&authority.pem(), |_| serve(Some(config), move |_| Some(sent.clone())));
        let (code, output) = stack.probe(TENANT);
        let line = format!("error: discovery: https://dex.acme.example/.well-known/openid-configuration: {received}\n");
        assert!(code == 1 && output.contains(&line), "{output}");
        assert!(output.contains("warning: redirect URI: not asked, because no login begins: "), "{output}");
    }
}

/// An address at another origin is refused by the filter, and the tool says what to write.
#[test]
fn an_address_is_at_another_origin() {
    let mut provider = Provider::new();
    provider.metadata["token_endpoint"] = json!("https://tokens.example/token");
    assert_found(
        found(provider, TENANT),
        &[
            "error: discovery: `token_endpoint` is at https://tokens.example, which is not the origin of the issuer; if it belongs \
           to the issuer, add it to `provider.trusted_origins`",
        ],
    );
}

#[test]
fn the_clock_is_wrong() {
    for (ahead, line) in [
        (120, "error: clock: the clock of the provider is 1"),
        (-120, "error: clock: the clock of the provider is 1"),
        (30, "warning: clock: the clock of the provider is "),
        (3, "ok: clock: the clock of the provider is "),
    ] {
        let (code, output) = found(Provider { ahead, ..Provider::new() }, TENANT);
        assert!(output.lines().any(|found| found.starts_with(line)), "{ahead}: {output}");
        let which = if ahead > 0 { " s ahead of this machine's\n" } else { " s behind this machine's\n" };
        assert!(output.contains(which), "{output}");
        assert_eq!(code, i32::from(line.starts_with("error")));
    }
}

#[test]
fn the_redirect_uri_is_not_registered() {
    let provider = Provider { redirect_uris: vec!["https://acme.example.com/callback"], ..Provider::new() };
    assert_found(
        found(provider.clone(), TENANT),
        &[
            "error: redirect URI: https://acme.example.com/oauth2/callback: expected a page to sign in, received status 400 with a \
             page \"Bad Request\": \"Unregistered redirect_uri\"",
            "   help: register the redirect URI https://acme.example.com/oauth2/callback at the provider, byte for byte",
        ],
    );
    // Each host has its own.
    let both = TENANT.replace("[acme.example.com]", "[acme.example.com, www.acme.example.com]");
    assert_found(
        found(Provider::new(), &both),
        &[
            "ok: redirect URI: https://acme.example.com/oauth2/callback: the provider goes on to…",
            "error: redirect URI: https://www.acme.example.com/oauth2/callback: expected a page to sign in, received…",
        ],
    );
    let other = TENANT.replace("client_id: tenantgate", "client_id: gate");
    let (code, output) = found(Provider::new(), &other);
    assert!(code == 1 && output.contains("   help: compare `client_id: gate` with the registration\n"), "{output}");
}

#[test]
fn the_provider_answers_the_authorization_request() {
    let back = |query: &str| Sent {
        status: 303,
        headers: vec![("location", format!("REDIRECT?{query}&state=STATE"))],
        body: String::new(),
    };
    let login = |login: Sent| found(Provider { login, ..Provider::new() }, TENANT);
    let uri = "https://acme.example.com/oauth2/callback";
    assert_found(
        login(back("error=login_required")),
        &[&format!("ok: redirect URI: {uri}: known; the provider wants the user to act…")],
    );
    assert_found(login(back("code=abc")), &[&format!("ok: redirect URI: {uri}: known; the provider answers without…")]);
    assert_found(
        login(back("error=invalid_scope&error_description=Invalid+scopes:+groups")),
        &[
            "error: scopes: the provider refuses \"openid profile email groups\": authorization endpoint: it answered \
             `invalid_scope` (\"Invalid scopes: groups\")…",
            "   help: write `login.scopes` with what the client may ask for, or permit these scopes to the client",
        ],
    );
    assert_found(login(back("error=unauthorized_client")), &["error: client: the provider refuses the flow: …"]);
    assert_found(
        login(back("error=invalid_request")),
        &[&format!("error: redirect URI: {uri}: known, but the provider refuses…")],
    );
    assert_found(
        login(Sent {
            status: 302,
            headers: vec![("location", "/signin/oauth/error?x".to_owned())],
            body: String::new(),
        }),
        &[&format!(
            "error: redirect URI: {uri}: expected a page to sign in, received \"https://dex.acme.example/signin/oauth/error\""
        )],
    );
    assert_found(
        login(page(200, "<html><title>Sign in to Acme</title>")),
        &[&format!("ok: redirect URI: {uri}: the provider shows a page \"Sign in to Acme\"")],
    );
    // Whoever knows the secret may show it.
    let shown = login(page(200, &format!("<title>Hello {SECRET}</title>")));
    assert_found(shown, &[&format!("ok: redirect URI: {uri}: the provider shows a page \"Hello [not shown]\"")]);
    // Entra ID shows its errors so.
    let (code, output) = login(page(200, "<script>\"AADSTS50011: The redirect URI ...\"</script>"));
    assert!(code == 1 && output.contains("received AADSTS50011\n   help: register the redirect URI"), "{output}");
    assert_found(
        login(page(502, "")),
        &[&format!("warning: redirect URI: {uri}: expected a page to sign in, received status 502")],
    );
}

/// The provider repeats the wrong secret in its answer, which is not shown.
#[test]
fn the_secret_is_wrong() {
    let provider = Provider { secret: "another-one", ..Provider::new() };
    let (code, output) = found(provider.clone(), TENANT);
    assert_eq!(code, 1);
    let line = "error: client: expected `invalid_grant` for an invalid code, received status 401: ";
    assert!(output.contains(line) && output.contains("`invalid_client`"), "{output}");
    assert!(output.contains("   help: compare `client_id` and `client_secret` with the registration"), "{output}");
    let public = TENANT.replace("    client_secret: {env: SECRET}\n", "");
    let (code, output) = found(provider, &public);
    assert!(code == 1 && output.contains("   help: the client is registered as a confidential one"), "{output}");
}

#[test]
fn the_token_endpoint_answers() {
    let with = |invalid_code: Value| found(Provider { invalid_code, ..Provider::new() }, TENANT);
    // As dex does.
    assert_found(
        with(json!({ "error": "invalid_request", "error_description": "Invalid or expired code parameter." })),
        &["ok: client: the provider knows the client and its secret: an invalid code is `invalid_request`"],
    );
    assert_found(
        with(json!({ "error": "invalid_request" })),
        &["warning: client: expected `invalid_grant` for an invalid code, received…"],
    );
    assert_found(
        with(json!({ "error": "unauthorized_client" })),
        &["error: client: expected `invalid_grant` for an invalid code, received…"],
    );
    let (code, output) = with(json!({ "message": "no" }));
    assert!(code == 1 && output.contains("   help: compare `provider.token_endpoint` with"), "{output}");
}

/// A value that is not known is not replaced by another one, which could lock the client.
#[test]
fn a_secret_that_is_not_known_is_not_tried() {
    let stack = Stack::new(Provider::new());
    assert_found(
        stack.probe_with(TENANT, &[]),
        &[
            "warning: client: not asked, because the variable SECRET has no value here",
            "   help: give it with `--env SECRET=…` or `--env-file`",
        ],
    );
    assert!(!stack.paths().contains(&"/token".to_owned()));
}

/// A client that signs: with RSA as Envoy does, and with the keys that the module knows.
#[test]
fn a_client_that_signs() {
    for key in ["rsa", "ec", "ed"] {
        let pem =
            std::fs::read_to_string(format!("{}/tests/vectors/keys/{key}.private.pem", env!("CARGO_MANIFEST_DIR")));
        let configuration = TENANT.replace("client_secret: {env: SECRET}", "client_key: {pem: {env: CLIENT_KEY}}");
        let mut provider = Provider::new();
        provider.metadata["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt"]);
        let stack = Stack::new(provider);
        let variable = format!("CLIENT_KEY={}", pem.unwrap());
        assert_found(
            stack.probe_with(&configuration, &["--env", &variable]),
            &[
                "ok: client: the provider supports private_key_jwt",
                "ok: client: the provider knows the client and its key: an invalid code is `invalid_grant`",
            ],
        );
    }
}

#[test]
fn what_the_provider_supports() {
    let with = |changes: &[(&str, Value)], more: &str| {
        let mut provider = Provider::new();
        for (name, value) in changes {
            provider.metadata[name] = value.clone();
        }
        found(provider, &format!("{TENANT}{more}"))
    };
    let own = "    login: {scopes: [openid, email, groups]}\n";
    assert_found(
        with(&[("scopes_supported", json!(["openid", "email"]))], own),
        &[
            "warning: scopes: asks for \"groups\": expected in `scopes_supported`, received \"openid\", \"email\"",
            "   help: write `login.scopes: [openid, email]`, or add the scope at the provider; a list may be incomplete",
        ],
    );
    assert_found(
        with(&[("response_types_supported", json!(["id_token"]))], ""),
        &["error: response type: `response_types_supported`: expected \"code\", received \"id_token\""],
    );
    assert_found(
        with(&[("code_challenge_methods_supported", json!(["plain"]))], ""),
        &["warning: pkce: `code_challenge_methods_supported`: expected \"S256\", received \"plain\""],
    );
    assert_found(
        with(&[("token_endpoint_auth_methods_supported", json!(["client_secret_post"]))], ""),
        &[
            "error: client: `token_endpoint_auth_methods_supported`: expected \"client_secret_basic\", received \"client_secret_post\"",
            "   help: write `provider.token_endpoint_auth_method: client_secret_post`",
        ],
    );
    assert_found(
        with(&[("id_token_signing_alg_values_supported", json!(["HS256"]))], ""),
        &["error: signatures: expected an algorithm of a public key, received \"HS256\""],
    );
    assert_found(
        with(&[("grant_types_supported", json!(["authorization_code"]))], "    refresh: {}\n"),
        &["warning: refresh: `grant_types_supported`: expected \"refresh_token\", received \"authorization_code\""],
    );
    let sign_out = "    login: {post_logout_redirect_uri: https://acme.example.com/, backchannel_logout_path: /b, userinfo: true}\n";
    assert_found(
        with(&[("end_session_endpoint", Value::Null)], sign_out),
        &[
            "warning: sign-out: the provider has no `end_session_endpoint`, so a sign-out ends the session here only",
            "warning: sign-out: `backchannel_logout_supported`: expected true, received another value",
            "error: userinfo: `userinfo_endpoint`: expected an address, received nothing",
        ],
    );
}

/// A tenant that fetches nothing: its keys and addresses are compared with the published ones.
#[test]
fn configured_keys_and_addresses_are_compared() {
    let configuration = |keys: &str| {
        let provider = "provider: {cluster: dex, authorization_endpoint: \"https://dex.acme.example/auth\", token_endpoint: \
                        \"https://dex.acme.example/token\"}";
        let tenant = TENANT.replace("provider: {cluster: dex, discovery: true}", provider);
        format!("{tenant}    login: {{scopes: [openid, email]}}\n    keys: [{keys}]\n")
    };
    let own = |kid: &str| format!("{{jwk: {{kty: EC, crv: P-256, x: {EC_X}, y: {EC_Y}{kid}}}}}");
    let ed = "{jwk: {kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo, kid: old}}";
    for kid in [", kid: k1", ""] {
        let line = if kid.is_empty() { "key without `kid` (ES256)" } else { "key \"k1\" (ES256)" };
        assert_found(
            found(Provider::new(), &configuration(&own(kid))),
            &[&format!("ok: keys: the configured {line} is published")],
        );
    }
    assert_found(
        found(Provider::new(), &configuration(&own(", kid: k0"))),
        &[
            "error: keys: `kid` of a configured key: expected \"k0\", received \"k1\"",
            "   help: write the published `kid`, which tokens name, or remove it",
        ],
    );
    let rotated = ed.replace("old", "k1");
    let (code, output) = found(Provider::new(), &configuration(&rotated));
    assert!(
        code == 1 && output.contains("error: keys: \"k1\" is published with another key than the configured one\n"),
        "{output}"
    );
    let (code, output) = found(Provider::new(), &configuration(ed));
    assert!(
        code == 1 && output.contains("error: keys: the configured key \"old\" (EdDSA) is not published\n"),
        "{output}"
    );
    assert!(output.contains(
        "warning: keys: the published key \"k1\" (ES256) is not configured: a token that it signs is refused\n"
    ));
    assert!(output.contains(&format!(
        "   help: add to `keys`: {{jwk: {{\"crv\":\"P-256\",\"kid\":\"k1\",\"kty\":\"EC\",\"x\":\"{EC_X}\""
    )));

    let mut provider = Provider::new();
    provider.metadata["token_endpoint"] = json!("https://dex.acme.example/oauth/token");
    // Nothing of the metadata is used, so that is no error.
    provider.metadata["issuer"] = json!(ISSUER);
    assert_found(
        found(provider, &configuration(&own(""))),
        &[
            "warning: endpoints: `token_endpoint`: expected \"https://dex.acme.example/token\", received \
             \"https://dex.acme.example/oauth/token\"",
            "   help: write `provider.token_endpoint: https://dex.acme.example/oauth/token`",
        ],
    );
}

#[test]
fn keys_that_verify_nothing() {
    let provider = Provider { keys: json!([{ "kty": "oct", "k": "AAAA" }]), ..Provider::new() };
    let (code, output) = found(provider, TENANT);
    let line =
        "error: keys: https://dex.acme.example/keys: expected a key that verifies signatures, received 1 that do not\n";
    assert!(code == 1 && output.contains(line), "{output}");
}

/// Development: no TLS, and a provider that the filter is told to accept without.
#[test]
fn a_provider_without_tls() {
    let mut provider = Provider::new();
    let text = provider.metadata.to_string().replace("https://", "http://");
    provider.metadata = serde_json::from_str(&text).unwrap();
    let stack = Stack::at(&Authority::root("x").pem(), |_| serve(None, move |request| provider.answer(request)));
    let configuration = TENANT.replace("issuer: https://dex", "allow_insecure_issuer: true\n    issuer: http://dex");
    assert_found(
        stack.probe(&configuration),
        &["warning: tls: dex.acme.example: no TLS, so anybody on the way can sign in as any user"],
    );
}

#[test]
fn one_tenant_of_several() {
    let globex = TENANT.split_once("tenants:\n").unwrap().1.replace("name: acme", "name: globex");
    let globex = globex.replace("acme.example.com", "globex.example.com");
    let broken = globex.replace("globex", "initech").replace("client_id: tenantgate", "client_id: ''");
    let all = format!("{TENANT}{globex}{broken}");
    let stack = Stack::new(Provider::new());
    let secret = format!("SECRET={SECRET}");
    let (code, output) = stack.probe_with(&all, &["--tenant", "acme", "--env", &secret]);
    assert!(code == 0 && !output.contains("globex"), "{output}");
    let (code, output) = stack.probe_with(&all, &["--tenant", "globex", "--env", &secret]);
    assert!(code == 1 && output.contains("globex.example.com/oauth2/callback: expected a page"), "{output}");
    let (code, output) = stack.probe_with(&all, &["--tenant", "initech", "--env", &secret]);
    assert!(code == 1 && output.contains("error: configuration: client_id: "), "{output}");
    let (code, output) = stack.probe(&all);
    assert!(code == 1 && output.matches("tenant \"").count() == 3, "{output}");
    let mut arguments: Vec<&str> = vec!["probe", "-", "--tenant", "nobody"];
    arguments.extend(stack.arguments.iter().map(String::as_str));
    let (code, _, errors) = run(&arguments, TENANT);
    assert!(code == 2 && errors.contains("there is no tenant \"nobody\""), "{errors}");
}

#[test]
fn findings_for_programs() {
    let stack = Stack::new(Provider { secret: "another-one", ..Provider::new() });
    let (code, output) = stack.probe_with(TENANT, &["--json", "--env", &format!("SECRET={SECRET}")]);
    let report: Value = serde_json::from_str(&output).unwrap();
    assert_eq!((code, &report["tenants"][0]["tenant"]), (1, &json!("acme")));
    let findings = report["tenants"][0]["findings"].as_array().unwrap();
    let error: Vec<&Value> = findings.iter().filter(|finding| finding["severity"] == "error").collect();
    assert_eq!(error.len(), 1);
    assert_eq!(error[0]["about"], "client");
    assert!(error[0]["help"].as_str().unwrap().starts_with("compare `client_id`"));
}

#[test]
fn what_cannot_be_asked() {
    for (arguments, message) in [
        (&["--ca", "/does/not/exist"][..], "/does/not/exist"),
        (&["--connect-to", "a:b"], "HOST:PORT:ADDRESS:PORT"),
        (&["--env-file", "/does/not/exist"], "/does/not/exist"),
    ] {
        let (code, output, errors) = run(&[&["probe", "-"][..], arguments].concat(), TENANT);
        assert_eq!((code, output.as_str()), (2, ""));
        assert!(errors.contains(message), "{errors}");
    }
    let (code, _, errors) = run(&["probe", "-"], "session: {}\ntenants: []");
    assert!(code == 2 && errors.contains("the configuration is refused"), "{errors}");
}
