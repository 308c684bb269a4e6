//! The headers that upstreams commonly take for the identity of the user, for a client certificate,
//! or for another path or method than that of the request. Clients must not send them, whoever the
//! upstream is. The list is in docs/configuration.md.

use crate::http::header_name::begins_with_any;

/// The folded names.
pub(super) static KNOWN_NAMES: [&str; 73] = [
    // oauth2-proxy, and the plugin of Jenkins for reverse proxies.
    "x-auth-request-access-token",
    "x-forwarded-access-token",
    "x-forwarded-displayname",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-id-token",
    "x-forwarded-mail",
    "x-forwarded-preferred-username",
    "x-forwarded-user",
    // CGI, WSGI (Airflow, Django, JupyterHub), Rack and Authelia.
    "auth-user",
    "logon-user",
    "remote-email",
    "remote-groups",
    "remote-name",
    "remote-user",
    "x-logon-user",
    // The API server of Kubernetes, its aggregated API servers, and its dashboard.
    "impersonate-group",
    "impersonate-uid",
    "impersonate-user",
    "x-remote-group",
    "x-remote-groups",
    "x-remote-uid",
    "x-remote-user",
    // Elasticsearch with Kibana.
    "es-secondary-authorization",
    "es-security-runas-user",
    // Gateways: Keycloak Gatekeeper and older releases of authentik, Kong, APISIX, ESP, WSO2,
    // Kubeflow, CloudBeaver, OpenSearch.
    "x-auth-email",
    "x-auth-groups",
    "x-auth-name",
    "x-auth-roles",
    "x-auth-subject",
    "x-auth-user",
    "x-auth-userid",
    "x-auth-username",
    "x-authenticated-groups",
    "x-authenticated-scope",
    "x-authenticated-user",
    "x-authenticated-userid",
    "x-apigateway-api-userinfo",
    "x-endpoint-api-userinfo",
    "x-jwt-assertion",
    "x-id-token",
    "x-userinfo",
    "kubeflow-userid",
    "x-groups",
    "x-proxy-roles",
    "x-proxy-user",
    "x-role",
    "x-roles",
    "x-user",
    "x-user-email",
    "x-user-id",
    "x-user-name",
    "x-username",
    // Single sign-on of enterprises: WebSEAL, SiteMinder, Oracle Access Manager, Shibboleth.
    "eppn",
    "iv-creds",
    "iv-groups",
    "iv-user",
    "oam-remote-user",
    "sm-universalid",
    "sm-user",
    "sm-userdn",
    // Client certificates: RFC 9440, ASP.NET Core, Traefik.
    "client-cert",
    "client-cert-chain",
    "x-arr-clientcert",
    "x-client-cert",
    // Another path: IIS, Symfony, Zend, nginx, Traefik.
    "x-forwarded-uri",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
    // Another method: Rails, Symfony, Spring.
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    // Credentials for a proxy, which is the last one that may read them (RFC 9110 section 11.7.2).
    "proxy-authorization",
];

/// The folded beginnings of names.
pub(super) static KNOWN_PREFIXES: [&str; 17] = [
    "cf-access-",
    "impersonate-extra-",
    "oidc-",
    "shib-",
    "ssl-client-",
    "tailscale-user-",
    "x-amzn-oidc-",
    "x-authentik-",
    "x-consumer-",
    "x-forwarded-tls-client-cert",
    "x-goog-authenticated-user-",
    "x-goog-iap-",
    "x-ms-client-principal",
    "x-pomerium-",
    "x-remote-extra-",
    "x-ssl-client-",
    "x-webauth-",
];

/// Whether `name` begins like a group of such names.
pub(super) fn has_known_prefix(name: &str) -> bool {
    begins_with_any(name, &KNOWN_PREFIXES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::header_name::fold;

    #[test]
    fn the_names_are_folded_and_different() {
        let all: Vec<&str> = KNOWN_NAMES.into_iter().chain(KNOWN_PREFIXES).collect();
        for (position, name) in all.iter().enumerate() {
            assert_eq!(fold(name), *name);
            assert!(
                !all[..position].contains(name) && (position >= KNOWN_NAMES.len() || !has_known_prefix(name)),
                "{name}"
            );
        }
    }

    /// The names in the reference, where `-groups` behind `x-forwarded-user` is
    /// `x-forwarded-groups`, and those that are removed are the same.
    #[test]
    fn the_reference_has_exactly_these_names() {
        let reference = include_str!("../../docs/configuration.md");
        let table = reference.split("| taken for |").nth(1).unwrap().split("\n\n").next().unwrap();
        let cells = table.lines().skip(2).map(|row| row.split('|').nth(2).unwrap());
        let mut listed = Vec::new();
        for cell in cells {
            let mut stem = "";
            for name in cell.split('`').skip(1).step_by(2) {
                listed.push(if name.starts_with('-') { format!("{stem}{name}") } else { name.to_owned() });
                stem = if name.starts_with('-') { stem } else { name.rsplit_once('-').map_or(name, |(stem, _)| stem) };
            }
        }
        let mut removed: Vec<String> = KNOWN_NAMES.iter().map(|name| (*name).to_owned()).collect();
        removed.extend(KNOWN_PREFIXES.iter().map(|prefix| format!("{prefix}*")));
        listed.sort();
        removed.sort();
        assert_eq!(listed, removed);
    }
}
