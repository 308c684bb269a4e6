//! The servers of a cluster, for a command that calls them as Envoy does.

use super::cluster::{Cluster, Name, Names, Platform, Sni, Tls, Transport};
use super::envoy_clusters::{Clusters, Lookup};
use super::landscape::Landscape;
use super::spot::Spot;
use crate::client::Pem;
use crate::yaml::{Node, documents};

/// How Envoy reaches the servers of a cluster.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Servers {
    /// Hosts or addresses with their ports.
    pub(crate) addresses: Vec<(String, u16)>,
    /// `None` for a connection in clear.
    pub(crate) tls: Option<ServerTls>,
}

/// The TLS of the connections to a server.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerTls {
    /// The name that the certificate of the server is for, if it is another one than its host.
    pub(crate) name: Option<String>,
    /// The authorities that are trusted.
    pub(crate) authorities: Option<Pem>,
    /// The certificate of the client, and its key.
    pub(crate) identity: Option<(Pem, Pem)>,
}

/// The servers of the Envoy cluster `name`, if this text of a configuration has it and says how to
/// connect.
pub(crate) fn servers(text: &str, name: &str) -> Option<Servers> {
    let documents: Vec<Node> = documents(text).into_iter().filter_map(Result::ok).collect();
    let mut landscape = Landscape::default();
    documents.iter().for_each(|node| landscape.add(0, text, node));
    let document = Spot { file: 0, text, node: documents.first()? };
    let platforms = [Platform::Envoy, Platform::Istio, Platform::EnvoyGateway].into_iter();
    platforms
        .filter_map(|platform| match Clusters::near(document, &landscape, platform).find(name) {
            Lookup::Found(clusters) => clusters.into_iter().next(),
            Lookup::Missing { .. } | Lookup::Unknown => None,
        })
        .find_map(|cluster| of(&cluster))
}

fn of(cluster: &Cluster<'_>) -> Option<Servers> {
    let tls = match &cluster.transport {
        Transport::PlainText => None,
        Transport::Tls(tls) => Some(server_tls(tls)),
        Transport::Unknown => return None,
    };
    let addresses = cluster.addresses.iter().filter_map(|address| Some((address.name.to_owned(), address.port?)));
    let addresses: Vec<_> = addresses.collect();
    (!addresses.is_empty()).then_some(Servers { addresses, tls })
}

fn server_tls(tls: &Tls<'_>) -> ServerTls {
    // With several names, each server has the one of its host.
    let listed = match &tls.names {
        Names::Listed(names) => {
            let mut exact = names.iter().filter_map(|name| match name {
                Name::Exact(name) => Some(*name),
                Name::Loose { .. } | Name::Other => None,
            });
            exact.next().filter(|_| exact.next().is_none())
        }
        Names::Any | Names::OfRequest | Names::ByVersion | Names::Unknown => None,
    };
    let name = match tls.sni {
        Sni::Fixed(name) => Some(name),
        Sni::None | Sni::Automatic => listed,
    };
    let common = tls.place.field("common_tls_context");
    let validations =
        [["validation_context"].as_slice(), ["combined_validation_context", "default_validation_context"].as_slice()];
    let mut validations = validations.iter().filter_map(|path| common?.find(path));
    let identity = common.and_then(|common| {
        let certificate = common.list(&["tls_certificates"]).next()?;
        Some((source(certificate, "certificate_chain")?, source(certificate, "private_key")?))
    });
    let authorities = validations.find_map(|validation| source(validation, "trusted_ca"));
    ServerTls { name: name.map(str::to_owned), authorities, identity }
}

/// A `DataSource` of Envoy, of the kinds that do not depend on the machine of Envoy.
fn source(message: Spot<'_>, field: &str) -> Option<Pem> {
    let source = message.field(field)?;
    let file = source.text_of(&["filename"]).map(|file| Pem::File(file.into()));
    file.or_else(|| Some(Pem::Inline(source.text_of(&["inline_string"])?.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDPOINT: &str = "load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: \
                            {address: 10.0.0.7, port_value: 2379}}}}, {endpoint: {address: {socket_address: {address: \
                            b.example, port_value: 2380}}}}]}]}";

    fn found(cluster: &str) -> Option<Servers> {
        servers(&format!("static_resources:\n  clusters:\n  - {{name: etcd, {ENDPOINT}{cluster}}}\n"), "etcd")
    }

    fn with_tls(context: &str) -> ServerTls {
        let socket = format!(
            ", transport_socket: {{name: envoy.transport_sockets.tls, typed_config: {{\"@type\": \
             type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, {context}}}}}"
        );
        found(&socket).unwrap().tls.unwrap()
    }

    #[test]
    fn servers_are_where_the_cluster_says() {
        let addresses = vec![("10.0.0.7".to_owned(), 2379), ("b.example".to_owned(), 2380)];
        assert_eq!(found(""), Some(Servers { addresses, tls: None }));
        assert_eq!(found(", transport_socket_matches: [{name: a}]"), None);
        assert_eq!(servers("session: {}\ntenants: []\n", "etcd"), None);
        assert_eq!(servers("static_resources: {clusters: [{name: other}]}\n", "etcd"), None);
        let patch = format!(
            "kind: Other\n---\nkind: EnvoyFilter\nspec:\n  configPatches:\n  - {{applyTo: CLUSTER, patch: {{value: \
             {{name: etcd, {ENDPOINT}}}}}}}\n"
        );
        assert_eq!(servers(&patch, "etcd"), found(""));
    }

    #[test]
    fn tls_is_that_of_the_cluster() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(with_tls("sni: etcd.example"), ServerTls { name: text("etcd.example"), ..ServerTls::default() });
        let validation = "trusted_ca: {filename: /ca.pem}, match_typed_subject_alt_names: [{san_type: DNS, matcher: \
                          {exact: etcd.example}}]";
        let authorities = Some(Pem::File("/ca.pem".into()));
        let expected = ServerTls { name: text("etcd.example"), authorities, identity: None };
        assert_eq!(with_tls(&format!("common_tls_context: {{validation_context: {{{validation}}}}}")), expected);
        let several = validation.replace("}]", "}, {san_type: DNS, matcher: {exact: b.example}}]");
        let several = with_tls(&format!("common_tls_context: {{validation_context: {{{several}}}}}"));
        assert_eq!((several.name, several.authorities.as_ref()), (None, expected.authorities.as_ref()));
        let combined = format!(
            "common_tls_context: {{combined_validation_context: {{default_validation_context: {{{validation}}}}}}}"
        );
        assert_eq!(with_tls(&combined).authorities, expected.authorities);
        let certificate = "common_tls_context: {tls_certificates: [{certificate_chain: {filename: /tls.pem}, \
                           private_key: {inline_string: key}}]}";
        let identity = Some((Pem::File("/tls.pem".into()), Pem::Inline("key".to_owned())));
        assert_eq!(with_tls(certificate), ServerTls { identity, ..ServerTls::default() });
    }
}
