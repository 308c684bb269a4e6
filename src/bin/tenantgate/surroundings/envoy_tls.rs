//! The transport sockets of Envoy's clusters.

use super::cluster::{Name, Names, Sni, Tls, Transport, Trust};
use super::spot::Spot;

/// What a cluster connects with.
pub(super) fn transport(cluster: Spot<'_>) -> Transport<'_> {
    if cluster.has("transport_socket_matches") {
        return Transport::Unknown;
    }
    match cluster.field("transport_socket") {
        None => Transport::PlainText,
        Some(socket) => of_socket(cluster, socket),
    }
}

fn of_socket<'d>(cluster: Spot<'d>, socket: Spot<'d>) -> Transport<'d> {
    if socket.text_of(&["name"]) == Some("envoy.transport_sockets.raw_buffer") {
        return Transport::PlainText;
    }
    let Some(config) = socket.field("typed_config") else { return Transport::Unknown };
    // Sockets around another one, such as that of a forward proxy.
    if let Some(inner) = config.field("transport_socket") {
        return of_socket(cluster, inner);
    }
    let context =
        if config.is_type("UpstreamTlsContext") { Some(config) } else { config.field("upstream_tls_context") };
    context.map_or(Transport::Unknown, |context| Transport::Tls(tls(cluster, context)))
}

fn tls<'d>(cluster: Spot<'d>, context: Spot<'d>) -> Tls<'d> {
    let automatic = |name: &str| automatic(cluster, name);
    let sni = match context.text_of(&["sni"]).filter(|name| !name.is_empty()) {
        _ if automatic("auto_sni") || context.node.flag("auto_host_sni") == Some(true) => Sni::Automatic,
        Some(name) => Sni::Fixed(name),
        None => Sni::None,
    };
    let (trust, listed) = validation(context);
    let names = match (&sni, listed) {
        _ if automatic("auto_san_validation") => Names::OfRequest,
        (Sni::Fixed(name), _) if context.node.flag("auto_sni_san_validation") == Some(true) => {
            Names::Listed(vec![Name::Exact(name)])
        }
        (Sni::Automatic, _) if context.node.flag("auto_sni_san_validation") == Some(true) => Names::OfRequest,
        (_, listed) => listed,
    };
    let subject = format!("cluster \"{}\"", cluster.text_of(&["name"]).unwrap_or_default());
    Tls { place: context, subject, trust, names, sni, fields: [NAMES, "sni"] }
}

/// Whether the options of the cluster take this from each request.
fn automatic(cluster: Spot<'_>, name: &str) -> bool {
    let options =
        cluster.find(&["typed_extension_protocol_options", "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]);
    let places = [options, Some(cluster)];
    places.iter().flatten().any(|place| {
        place.field("upstream_http_protocol_options").is_some_and(|options| options.node.flag(name) == Some(true))
    })
}

/// Which certificates count, and which of their names.
fn validation(context: Spot<'_>) -> (Trust, Names<'_>) {
    let Some(common) = context.field("common_tls_context") else { return (Trust::Any, Names::Any) };
    // What Envoy fetches is not known here.
    if FETCHED.iter().any(|name| common.has(name)) {
        return (Trust::Unknown, Names::Unknown);
    }
    let Some(context) = common.field("validation_context") else { return (Trust::Any, Names::Any) };
    let is_pinned = context.has("verify_certificate_spki") || context.has("verify_certificate_hash");
    let trust = if context.text_of(&["trust_chain_verification"]) == Some("ACCEPT_UNTRUSTED") && !is_pinned {
        Trust::Off(UNTRUSTED)
    } else if PROVIDED.iter().any(|name| context.field(name).is_some()) {
        Trust::Unknown
    } else if is_pinned || context.has("trusted_ca") {
        Trust::Checked
    } else {
        Trust::Any
    };
    let typed = context.list(&["match_typed_subject_alt_names"]).map(|typed| {
        let kind = typed.text_of(&["san_type"]).unwrap_or_default();
        let other = Name::Other;
        if matches!(kind, "DNS" | "IP_ADDRESS") { typed.field("matcher").map_or(other, name) } else { other }
    });
    let names: Vec<Name<'_>> = typed.chain(context.list(&["match_subject_alt_names"]).map(name)).collect();
    let names = if is_pinned || context.field("custom_validator_config").is_some() {
        Names::Unknown
    } else if names.is_empty() {
        Names::Any
    } else {
        Names::Listed(names)
    };
    (trust, names)
}

/// The name that a `StringMatcher` is about.
fn name(matcher: Spot<'_>) -> Name<'_> {
    if let Some(exact) = matcher.text_of(&["exact"]) {
        return Name::Exact(exact);
    }
    let loose = ["prefix", "suffix", "contains"].into_iter();
    let mut loose = loose.filter_map(|kind| Some(Name::Loose { kind, text: matcher.text_of(&[kind])? }));
    loose.next().unwrap_or(Name::Other)
}

/// The path of the option that accepts every certificate.
const UNTRUSTED: &str = "common_tls_context.validation_context.trust_chain_verification";
const NAMES: &str = "common_tls_context.validation_context.match_typed_subject_alt_names";
const FETCHED: [&str; 4] = [
    "validation_context_sds_secret_config",
    "combined_validation_context",
    "validation_context_certificate_provider",
    "validation_context_certificate_provider_instance",
];
const PROVIDED: [&str; 2] = ["ca_certificate_provider_instance", "custom_validator_config"];
