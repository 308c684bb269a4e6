//! The way to a provider, as far as the files tell, whatever platform they are for.

use super::spot::Spot;
use super::tenants::Provider;

/// The kind of configuration that a cluster and its remedies are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Platform {
    Envoy,
    Istio,
    EnvoyGateway,
}

/// A cluster of Envoy, or the manifests that it is made of.
pub(super) struct Cluster<'d> {
    pub(super) platform: Platform,
    /// Such as `cluster "provider_acme"`.
    pub(super) subject: String,
    /// The message or manifest to change.
    pub(super) place: Spot<'d>,
    pub(super) addresses: Vec<Address<'d>>,
    pub(super) transport: Transport<'d>,
    /// Whether it leads to an internal listener, whose routes decide about each request.
    pub(super) is_internal: bool,
    /// Why the filter cannot call it, and what to write.
    pub(super) uncallable: Option<Uncallable<'d>>,
}

/// A name of a server that a cluster leads to.
#[derive(Clone, Copy)]
pub(super) struct Address<'d> {
    pub(super) name: &'d str,
    pub(super) port: Option<u16>,
    /// Where it stands. `None` if it is part of the name of the cluster.
    pub(super) place: Option<Spot<'d>>,
}

/// A kind of cluster that has no server of its own.
pub(super) struct Uncallable<'d> {
    /// The message or manifest that says so.
    pub(super) place: Spot<'d>,
    pub(super) subject: String,
    pub(super) path: &'static str,
    pub(super) message: &'static str,
    pub(super) help: &'static str,
}

/// What the connection is made of.
pub(super) enum Transport<'d> {
    PlainText,
    Tls(Tls<'d>),
    /// The files do not say, for instance because Envoy fetches it.
    Unknown,
}

/// The checks of a TLS connection.
pub(super) struct Tls<'d> {
    /// The message or manifest that says so, with its subject.
    pub(super) place: Spot<'d>,
    pub(super) subject: String,
    pub(super) trust: Trust,
    pub(super) names: Names<'d>,
    pub(super) sni: Sni<'d>,
    /// The field with the names, and that with the SNI.
    pub(super) fields: [&'static str; 2],
}

/// Which certificates count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Those of an authority that is named, or one that is pinned.
    Checked,
    /// Those of the system's authorities, in some versions of Istio only.
    ByVersion,
    /// All, because no authority is named.
    Any,
    /// All, because the field at this path says so.
    Off(&'static str),
    Unknown,
}

/// Which names in a certificate count.
pub(super) enum Names<'d> {
    /// Every name.
    Any,
    /// The host of the request.
    OfRequest,
    /// The host of the request, in newer versions of Istio only.
    ByVersion,
    Listed(Vec<Name<'d>>),
    Unknown,
}

/// A name that a certificate may have.
pub(super) enum Name<'d> {
    Exact(&'d str),
    /// What begins or ends with the text, or has it in it.
    Loose {
        kind: &'d str,
        text: &'d str,
    },
    /// One that is not compared here, such as an URI or a regular expression.
    Other,
}

/// The name that is sent to the server in the clear.
pub(super) enum Sni<'d> {
    None,
    /// The host of the request, or that of the address.
    Automatic,
    Fixed(&'d str),
}

impl Cluster<'_> {
    /// Whether each request reaches only the server of its host, so that several providers can
    /// share the cluster.
    pub(super) fn is_for_many(&self) -> bool {
        let is_checked = match &self.transport {
            Transport::Tls(tls) => {
                matches!(tls.trust, Trust::Checked | Trust::Unknown) && matches!(tls.names, Names::OfRequest)
            }
            Transport::PlainText | Transport::Unknown => false,
        };
        is_checked || self.is_internal
    }

    /// The names of servers that it is made for.
    pub(super) fn made_for(&self) -> impl Iterator<Item = &str> {
        let tls = match &self.transport {
            Transport::Tls(tls) => Some(tls),
            Transport::PlainText | Transport::Unknown => None,
        };
        let names = tls.into_iter().flat_map(|tls| match &tls.names {
            Names::Listed(names) => names.as_slice(),
            Names::Any | Names::OfRequest | Names::ByVersion | Names::Unknown => &[],
        });
        let exact = names.filter_map(|name| match name {
            Name::Exact(name) => Some(*name),
            Name::Loose { .. } | Name::Other => None,
        });
        let sni = tls.and_then(|tls| match tls.sni {
            Sni::Fixed(name) => Some(name),
            Sni::None | Sni::Automatic => None,
        });
        exact.chain(sni).chain(self.addresses.iter().map(|address| address.name))
    }
}

impl<'d> Address<'d> {
    /// The address in a message with these fields.
    pub(super) fn of(message: Spot<'d>, name: &str, port: &str) -> Option<Self> {
        let port = message.text_of(&[port]).and_then(|port| port.parse().ok());
        Some(Self { name: message.text_of(&[name])?, port, place: Some(message) })
    }
}

impl Name<'_> {
    /// Whether certificates of the provider may have this name.
    pub(super) fn fits(&self, provider: &Provider<'_>) -> bool {
        provider.hosts.iter().any(|host| self.matches(host) != Some(false))
    }

    /// Whether a certificate for `host` has this name. `None` if that is not known.
    fn matches(&self, host: &str) -> Option<bool> {
        let host = host.to_ascii_lowercase();
        match self {
            Self::Exact(name) => {
                let name = name.to_ascii_lowercase();
                let below = name.strip_prefix('*').filter(|domain| domain.starts_with('.'));
                let is_below =
                    |domain: &str| host.split_once('.').is_some_and(|(_, rest)| domain.get(1..) == Some(rest));
                Some(name == host || below.is_some_and(is_below))
            }
            Self::Loose { kind, text } => {
                let text = text.to_ascii_lowercase();
                Some(match *kind {
                    "prefix" => host.starts_with(&text),
                    "suffix" => host.ends_with(&text),
                    _ => host.contains(&text),
                })
            }
            Self::Other => None,
        }
    }
}
