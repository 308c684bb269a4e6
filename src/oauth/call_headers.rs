//! Calls to the provider. They always go through its cluster, whatever host the URL names.

use url::{Position, Url};

use crate::base::secret::Secret;
use crate::http::call::HttpCall;
use crate::tenant::ProviderConfig;

/// A GET request for a JSON document of the provider.
pub(super) fn get(provider: &ProviderConfig, url: &Url) -> HttpCall {
    let mut headers = request_line("GET", url);
    headers.push(("accept", Secret::new("application/json".to_owned())));
    let (cluster, timeout) = (provider.cluster.clone(), provider.timeout);
    HttpCall { cluster, headers, body: Secret::new(String::new()), timeout }
}

/// The pseudo-headers of a request to `url`.
pub(super) fn request_line(method: &str, url: &Url) -> Vec<(&'static str, Secret<String>)> {
    [
        (":method", method),
        (":scheme", url.scheme()),
        (":authority", &url[Position::BeforeHost..Position::AfterPort]),
        (":path", &url[Position::BeforePath..Position::AfterQuery]),
    ]
    .map(|(name, value)| (name, Secret::new(value.to_owned())))
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authority_and_path_are_those_of_the_url() {
        let headers = request_line("GET", &Url::parse("http://login.acme.example:8081/token?tenant=acme").unwrap());
        let values: Vec<&str> = headers.iter().map(|(_, value)| value.expose_secret().as_str()).collect();
        assert_eq!(values, ["GET", "http", "login.acme.example:8081", "/token?tenant=acme"]);
    }
}
