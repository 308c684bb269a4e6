//! The redirect URI, the client id and the scopes, by the authorization request that the filter
//! makes. A provider sends the browser back only to a redirect URI that it knows (RFC 6749 section
//! 4.1.2.1), and shows a page of its own otherwise.

use tenantgate::http::reply::LocalReply;
use tenantgate::tenant::Tenant;
use url::Url;

use super::finding::{Finding, quoted};
use super::page::Page;
use crate::browser::{AuthorizationRequest, Browser, Outcome};
use crate::client::{Answer, Client};

/// The finding about the request of one host.
pub(super) fn probe(
    client: &Client,
    tenant: &Tenant,
    browser: &mut Browser,
    request: &AuthorizationRequest,
) -> Finding {
    let redirect_uri = request.parameter("redirect_uri");
    let answer = match client.page(request.url()) {
        Ok(answer) => answer,
        Err(reason) => return Finding::error(ABOUT, format!("{redirect_uri}: the authorization endpoint: {reason}")),
    };
    match answer.header("location").filter(|_| (300..400).contains(&answer.status)) {
        Some(location) => {
            let target = request.url().join(location);
            match target.as_ref().ok().and_then(|target| returned(target, &redirect_uri)) {
                Some(query) => sent_back(tenant, browser, request, &redirect_uri, &query),
                None => sent_on(&redirect_uri, target.as_ref().map_or(location, Url::as_str)),
            }
        }
        None => shown(tenant, &redirect_uri, &answer),
    }
}

/// The query behind the redirect URI, if the browser is sent there.
fn returned(target: &Url, redirect_uri: &str) -> Option<String> {
    let expected = Url::parse(redirect_uri).ok()?;
    let same = target.origin() == expected.origin() && target.path() == expected.path();
    same.then(|| target.query().unwrap_or_default().to_owned())
}

/// The provider knows the redirect URI, and answers at once.
fn sent_back(
    tenant: &Tenant,
    browser: &mut Browser,
    request: &AuthorizationRequest,
    redirect_uri: &str,
    query: &str,
) -> Finding {
    let error = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "error");
    let Some((_, error)) = error else {
        return Finding::ok(ABOUT, format!("{redirect_uri}: known; the provider answers without asking the user"));
    };
    // The filter shows the error as it would log it.
    let outcome = browser.exchange(&request.callback(tenant, &format!("?{query}")), &mut |_| {
        Err(tenantgate::http::call::CallFailure::NoAnswer)
    });
    let reason = reason(&outcome);
    let scopes = request.parameter("scope");
    match &*error {
        "login_required" | "interaction_required" | "consent_required" | "account_selection_required" => {
            Finding::ok(ABOUT, format!("{redirect_uri}: known; the provider wants the user to act ({reason})"))
        }
        "invalid_scope" => Finding::error("scopes", format!("the provider refuses {scopes:?}: {reason}"))
            .help("write `login.scopes` with what the client may ask for, or permit these scopes to the client"),
        "unauthorized_client" | "unsupported_response_type" => {
            Finding::error("client", format!("the provider refuses the flow: {reason}"))
                .help("permit the authorization code flow (\"standard flow\") to the client")
        }
        "server_error" | "temporarily_unavailable" => {
            Finding::warning(ABOUT, format!("{redirect_uri}: known, but the provider fails: {reason}"))
        }
        _ => Finding::error(ABOUT, format!("{redirect_uri}: known, but the provider refuses the request: {reason}")),
    }
}

/// The provider sends the browser to a page of its own, which usually asks for a user name. Some
/// show errors there.
fn sent_on(redirect_uri: &str, location: &str) -> Finding {
    let page = location.split('?').next().unwrap_or_default();
    let looks_wrong = ["error", "invalid"].iter().any(|word| page.to_ascii_lowercase().contains(word));
    if looks_wrong {
        return Finding::error(ABOUT, format!("{redirect_uri}: expected a page to sign in, received {}", quoted(page)))
            .help(register(redirect_uri));
    }
    Finding::ok(ABOUT, format!("{redirect_uri}: the provider goes on to {}", quoted(page)))
}

/// The provider shows a page.
fn shown(tenant: &Tenant, redirect_uri: &str, answer: &Answer) -> Finding {
    let page = Page::of(answer);
    let status = answer.status;
    // Entra ID shows its errors with status 200.
    let entra = String::from_utf8_lossy(&answer.body)
        .split("AADSTS")
        .nth(1)
        .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    match (status, entra.filter(|code| !code.is_empty())) {
        (200..=299, None) => Finding::ok(ABOUT, format!("{redirect_uri}: the provider shows {}", page.describe())),
        (_, Some(code)) => {
            let help = match code.as_str() {
                "50011" => register(redirect_uri),
                "700016" => compare_client(tenant),
                _ => format!("look up AADSTS{code} in the documentation of Entra ID"),
            };
            Finding::error(ABOUT, format!("{redirect_uri}: expected a page to sign in, received AADSTS{code}"))
                .help(help)
        }
        (500..=599, None) => {
            Finding::warning(ABOUT, format!("{redirect_uri}: expected a page to sign in, received status {status}"))
        }
        (_, None) => {
            let text = page.text.to_ascii_lowercase();
            let message = format!(
                "{redirect_uri}: expected a page to sign in, received status {status} with {}",
                page.describe_whole()
            );
            let names = |words: &[&str]| words.iter().any(|word| text.contains(word));
            let help = if names(&["redirect", "callback", "reply url"]) {
                register(redirect_uri)
            } else if names(&["client", "application"]) {
                compare_client(tenant)
            } else {
                format!("{}; {}", register(redirect_uri), compare_client(tenant))
            };
            Finding::error(ABOUT, message).help(help)
        }
    }
}

fn register(redirect_uri: &str) -> String {
    format!("register the redirect URI {redirect_uri} at the provider, byte for byte")
}

fn compare_client(tenant: &Tenant) -> String {
    format!("compare `client_id: {}` with the registration", tenant.client.id)
}

/// The reason in the log of the filter.
pub(super) fn reason(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Replied(LocalReply { log, .. }) => log
            .first()
            .and_then(|line| line.text.split_once(": "))
            .map_or_else(|| "no reason".to_owned(), |(_, reason)| reason.to_owned()),
        Outcome::Forwarded(_) => "no reason".to_owned(),
        Outcome::AwaitsDocuments => "the filter has no metadata of the provider".to_owned(),
    }
}

const ABOUT: &str = "redirect URI";
