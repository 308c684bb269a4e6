//! Where etcd is: at the address of the command line, or where Envoy's cluster leads.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser as NonEmpty;
use url::Url;

use super::servers::Servers;
use crate::client::{Client, ConnectTo, Identity, Pem, Trust};
use crate::source::Source;
use crate::surroundings::{self, ServerTls};
use crate::yaml::Node;

/// An address of etcd, and how to connect to it.
pub(crate) struct Server {
    /// For people.
    pub(crate) name: String,
    /// Scheme, host and port of the calls.
    pub(crate) origin: String,
    pub(crate) client: Client,
}

/// How to reach etcd, as the command line has it.
#[derive(clap::Args)]
pub(crate) struct Reach {
    /// The address of etcd, http or https; by default that of the cluster in the file.
    #[arg(long, value_name = "URL")]
    etcd: Option<String>,
    /// The certificates of the authorities that are trusted for etcd, in PEM; by default those of
    /// the cluster, or of this system.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The certificate of this client, in PEM, if etcd wants one.
    #[arg(long, value_name = "FILE", requires = "private_key")]
    certificate: Option<PathBuf>,
    /// The key of the certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    private_key: Option<PathBuf>,
    /// The user of etcd for this command, in the place of `username` in the file.
    #[arg(long, value_name = "NAME", requires = "etcd_password_env", value_parser = NonEmpty::new())]
    etcd_user: Option<String>,
    /// The variable that has the password of that user; its value comes from where those of the
    /// file come from.
    #[arg(long, value_name = "VARIABLE", requires = "etcd_user", value_parser = NonEmpty::new())]
    etcd_password_env: Option<String>,
}

impl Reach {
    /// Lets the configuration have the user of the command line, if there is one.
    pub(crate) fn set_user(&self, configuration: &mut Node) {
        let Some((name, variable)) = self.etcd_user.as_ref().zip(self.etcd_password_env.as_ref()) else { return };
        for section in ["store", "tenants_from"] {
            if let Some(etcd) = configuration.get_mut(section).and_then(|section| section.get_mut("etcd")) {
                etcd.set("username", Node::of_text(name));
                let mut password = Node::of_map();
                password.set("env", Node::of_text(variable));
                etcd.set("password", password);
            }
        }
    }

    /// The servers of etcd: that of the command line, or those of the cluster that `section` of the
    /// configuration names.
    pub(crate) fn servers(&self, source: &Source, section: &str, cluster: &str) -> Result<Servers, String> {
        if let Some(address) = &self.etcd {
            return self.server_at(address, section).map(|server| Servers::new(vec![server]));
        }
        let found = surroundings::servers(&source.text, cluster).ok_or_else(|| {
            format!(
                "{}: has no address of the cluster {cluster:?}, which `{section}.cluster` names; say where etcd is \
                 with `--etcd URL`",
                source.name
            )
        })?;
        self.servers_of(cluster, &found).map(Servers::new)
    }

    /// The server at this address.
    fn server_at(&self, address: &str, section: &str) -> Result<Server, String> {
        let url = Url::parse(address).map_err(|error| format!("--etcd: {error}; {FORM}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!(
                "--etcd: a user does not belong into the address; write `{section}.username` and `password`, or give \
                 `--etcd-user` and `--etcd-password-env`"
            ));
        }
        let is_origin = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !is_origin || !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            // It is not repeated: it may have a password.
            return Err(format!("--etcd: this is not the address of an etcd; {FORM}"));
        }
        let origin = url.as_str().trim_end_matches('/').to_owned();
        let client = Client::new(self.trust(None)?, self.identity(None)?, Vec::new());
        Ok(Server { name: origin.clone(), origin, client })
    }

    /// The servers of a cluster.
    fn servers_of(&self, cluster: &str, servers: &surroundings::Servers) -> Result<Vec<Server>, String> {
        let of = |(host, port): &(String, u16)| {
            let scheme = if servers.tls.is_some() { "https" } else { "http" };
            let name = servers.tls.as_ref().and_then(|tls| tls.name.as_ref()).unwrap_or(host);
            let to = ConnectTo::always(host.clone(), *port);
            let client = Client::new(self.trust(servers.tls.as_ref())?, self.identity(servers.tls.as_ref())?, vec![to]);
            Ok(Server {
                name: format!("{scheme}://{}:{port} (cluster {cluster:?})", in_url(host)),
                origin: format!("{scheme}://{}:{port}", in_url(name)),
                client,
            })
        };
        servers.addresses.iter().map(of).collect()
    }

    fn trust(&self, cluster: Option<&ServerTls>) -> Result<Trust, String> {
        match (&self.ca, cluster.and_then(|tls| tls.authorities.as_ref())) {
            (Some(file), _) => Trust::new(Some(file)),
            (None, Some(pem)) => Trust::in_pem(pem)
                .map_err(|error| format!("{error}; it is the `trusted_ca` of the cluster: give it with `--ca FILE`")),
            (None, None) => Trust::new(None),
        }
    }

    fn identity(&self, cluster: Option<&ServerTls>) -> Result<Option<Identity>, String> {
        let given = self.certificate.as_ref().zip(self.private_key.as_ref());
        match (given, cluster.and_then(|tls| tls.identity.as_ref())) {
            (Some((certificate, key)), _) => {
                Identity::new(&Pem::File(certificate.clone()), &Pem::File(key.clone())).map(Some)
            }
            (None, Some((certificate, key))) => Identity::new(certificate, key).map(Some).map_err(|error| {
                format!(
                    "{error}; it is of the `tls_certificates` of the cluster: give them with `--certificate FILE` and \
                     `--private-key FILE`"
                )
            }),
            (None, None) => Ok(None),
        }
    }
}

/// A host or an address as a URL has it.
fn in_url(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

const FORM: &str = "write it as https://etcd.example:2379";
