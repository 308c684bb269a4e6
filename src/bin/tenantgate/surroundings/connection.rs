//! Whether a cluster leads to the provider that it is for, and checks that it does.

use super::cluster::{Cluster, Name, Names, Platform, Sni, Tls, Transport, Trust};
use super::tenants::{Client, Provider};
use super::{Finding, address, remedy};
use crate::codes;
use crate::diagnostic::Severity;

/// The findings about a cluster that is for this tenant. `others` are the providers of other
/// tenants.
pub(super) fn check(cluster: &Cluster<'_>, client: Client<'_, '_>, others: &[&Provider<'_>]) -> Vec<Finding> {
    let provider = client.1;
    if let Some(problem) = &cluster.uncallable {
        let found = problem.place.error(codes::CLUSTER_UNCALLABLE, &problem.subject, problem.path, problem.message);
        return vec![found.help(problem.help)];
    }
    let elsewhere = address::check(cluster, client, others);
    // A cluster with all settings of another server is one mistake.
    if elsewhere.as_ref().is_some_and(|found| found.diagnostic.severity == Severity::Error) {
        return elsewhere.into_iter().collect();
    }
    let mut found = match &cluster.transport {
        Transport::PlainText if provider.is_https() => vec![plain_text(cluster, provider)],
        Transport::Tls(tls) if provider.is_https() => {
            let trust = trust(tls, cluster.platform, provider);
            let names = names(tls, cluster.platform, provider);
            // All names of another server are one mistake.
            let is_other = names.is_some() && matches!((&tls.names, &tls.sni), (Names::Listed(_), Sni::Fixed(_)));
            let sni = sni(tls, provider).filter(|_| !is_other);
            [trust, names, sni].into_iter().flatten().collect()
        }
        Transport::Tls(tls) => vec![needless(tls, provider)],
        Transport::PlainText | Transport::Unknown => Vec::new(),
    };
    found.extend(elsewhere);
    if found.is_empty() {
        found.extend(address::port(cluster, client));
    }
    found
}

fn plain_text(cluster: &Cluster<'_>, provider: &Provider<'_>) -> Finding {
    let message =
        format!("has no TLS, so codes, tokens and the client secret for {} would travel in clear", provider.issuer);
    let is_rule = cluster.subject.starts_with("DestinationRule");
    let (path, is_shown) = match cluster.platform {
        Platform::Envoy => ("transport_socket", true),
        Platform::Istio if is_rule => ("spec.trafficPolicy.tls.mode", true),
        Platform::Istio | Platform::EnvoyGateway => ("metadata.name", false),
    };
    let found = cluster.place.error(codes::PLAIN_TEXT, &cluster.subject, path, message);
    let found = found.help(remedy::tls(cluster.platform, cluster.place, provider));
    if is_shown { found } else { found.without_path() }
}

/// Whether certificates are checked against an authority.
fn trust(tls: &Tls<'_>, platform: Platform, provider: &Provider<'_>) -> Option<Finding> {
    let help = remedy::trust(platform, provider.host());
    let error = |path: &str, message: &str| {
        Some(tls.place.error(codes::CERTIFICATE_UNCHECKED, &tls.subject, path, message).help(help.clone()))
    };
    match (tls.trust, platform) {
        (Trust::Off(path), Platform::Envoy) => {
            let help = "write `trust_chain_verification: VERIFY_TRUST_CHAIN`, with `trusted_ca` beside it";
            error(path, ANY_SERVER).map(|found| found.help(help))
        }
        (Trust::Off(path), Platform::Istio | Platform::EnvoyGateway) => {
            error(path, ANY_SERVER).map(|found| found.help(format!("remove `insecureSkipVerify`, and {help}")))
        }
        (Trust::Any, Platform::Envoy) => {
            error("common_tls_context.validation_context.trusted_ca", &format!("is missing: {ANY_SERVER}"))
        }
        (Trust::Any, Platform::Istio | Platform::EnvoyGateway) => {
            error("wellKnownCACertificates", "is missing: no authority is named that could confirm the certificate")
        }
        (Trust::ByVersion, _) => {
            let message = "is missing, and some versions of Istio then verify nothing";
            error("caCertificates", message).map(Finding::into_warning)
        }
        (Trust::Checked | Trust::Unknown, _) => None,
    }
}

/// Whether certificates have to be for the host of the provider.
fn names(tls: &Tls<'_>, platform: Platform, provider: &Provider<'_>) -> Option<Finding> {
    let host = provider.host();
    let [field, _] = tls.fields;
    let error = |message: String| {
        let found = tls.place.error(codes::CERTIFICATE_NAME, &tls.subject, field, message);
        Some(found.help(remedy::name(platform, field, host)))
    };
    let names = match &tls.names {
        // What is missing as a whole is one finding.
        Names::Any if tls.trust == Trust::Any || matches!(tls.trust, Trust::Off(_)) => return None,
        Names::Any => {
            return error(format!("is missing, so any server with a certificate could answer in place of {host}"));
        }
        Names::ByVersion => {
            let found =
                error("is missing, and older versions of Istio then take a certificate for any host".to_owned());
            return found.map(Finding::into_warning);
        }
        Names::OfRequest | Names::Unknown => return None,
        Names::Listed(names) => names,
    };
    match names.iter().find(|name| name.fits(provider)) {
        None => error(format!(
            "has no name for {host}, so the certificate of another server is accepted, and its own is not"
        )),
        Some(_) => {
            let (kind, text) = names.iter().find_map(|name| match name {
                Name::Loose { kind, text } => Some((*kind, *text)),
                Name::Exact(_) | Name::Other => None,
            })?;
            error(format!("has `{kind}: {text}`, which certificates for other hosts have, too"))
                .map(Finding::into_warning)
        }
    }
}

/// Whether the server learns which certificate to show.
fn sni(tls: &Tls<'_>, provider: &Provider<'_>) -> Option<Finding> {
    let [_, field] = tls.fields;
    let warning = |message: String| {
        let found = tls.place.warning(codes::SNI, &tls.subject, field, message);
        Some(found.help(format!("write `{field}: {}`", provider.host())))
    };
    match tls.sni {
        _ if provider.is_address() => None,
        Sni::Automatic => None,
        Sni::None => warning("is missing, and servers with several certificates then show a wrong one".to_owned()),
        Sni::Fixed(name) if provider.calls(name) => None,
        Sni::Fixed(_) => {
            warning(format!("is not {}, so the server may show the certificate of another host", provider.host()))
        }
    }
}

fn needless(tls: &Tls<'_>, provider: &Provider<'_>) -> Finding {
    let message = format!("is TLS, but {} is http, so no call succeeds", provider.issuer);
    let help = "write https in the URLs of the tenant, and remove `allow_insecure_issuer`; or remove TLS here";
    tls.place.warning(codes::NEEDLESS_TLS, &tls.subject, "", message).help(help)
}

const ANY_SERVER: &str = "any server could answer in place of the issuer, and sign in as any user";
