//! Where a server is: names to addresses, with those that the user gives first.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::str::FromStr;
use std::sync::mpsc;
use std::thread;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver as UreqResolver};
use ureq::unversioned::transport::NextTimeout;

use super::TIMEOUT;

/// `HOST:PORT:ADDRESS:PORT` of `--connect-to`, as curl has it. An empty host or port means any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConnectTo {
    host: Option<String>,
    port: Option<u16>,
    address: String,
    address_port: Option<u16>,
}

impl FromStr for ConnectTo {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write it as HOST:PORT:ADDRESS:PORT, an IPv6 address in brackets";
        let (host, rest) = host(text).ok_or(FORM)?;
        let (port, rest) = rest.split_once(':').ok_or(FORM)?;
        let (address, rest) = self::host(rest).ok_or(FORM)?;
        let number = |text: &str| if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| FORM) };
        let host = (!host.is_empty()).then(|| host.to_ascii_lowercase());
        if address.is_empty() {
            return Err(FORM);
        }
        Ok(Self { host, port: number(port)?, address: address.to_owned(), address_port: number(rest)? })
    }
}

impl ConnectTo {
    /// To this address, whatever the host and the port are.
    pub(crate) fn always(address: String, port: u16) -> Self {
        Self { host: None, port: None, address, address_port: Some(port) }
    }
}

/// A host or an address in brackets, and what stands behind the colon after it.
fn host(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix('[') {
        Some(rest) => rest.split_once("]:"),
        None => text.split_once(':'),
    }
}

/// Finds the addresses of servers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resolver(Vec<ConnectTo>);

impl Resolver {
    pub(super) fn new(connect_to: Vec<ConnectTo>) -> Self {
        Self(connect_to)
    }

    /// The addresses of a server.
    pub(crate) fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
        let fits = |to: &&ConnectTo| {
            to.host.as_ref().is_none_or(|other| other.eq_ignore_ascii_case(host))
                && to.port.is_none_or(|other| other == port)
        };
        let (host, port) = match self.0.iter().find(fits) {
            Some(to) => (to.address.clone(), to.address_port.unwrap_or(port)),
            None => (host.to_owned(), port),
        };
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let (sender, receiver) = mpsc::channel();
        let name = host.clone();
        // The system offers no look-up with a limit of time.
        thread::spawn(move || sender.send((name, port).to_socket_addrs().map(Iterator::collect::<Vec<_>>)));
        match receiver.recv_timeout(TIMEOUT) {
            Ok(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
            Ok(Ok(_)) => Err(format!("{host} has no address")),
            Ok(Err(error)) => Err(format!("{host} has no address: {error}")),
            Err(_) => Err(format!("the addresses of {host} were not found within {} s", TIMEOUT.as_secs())),
        }
    }
}

impl UreqResolver for Resolver {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or_else(|| if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let addresses = self.addresses(host, port).map_err(|_| ureq::Error::HostNotFound)?;
        let mut resolved = self.empty();
        addresses.into_iter().take(MOST).for_each(|address| resolved.push(address));
        Ok(resolved)
    }
}

/// What the list of ureq holds.
const MOST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_where_the_user_says() {
        let parse = |text: &str| text.parse::<ConnectTo>();
        let resolver = Resolver::new(vec![
            parse("dex.acme.example:443:127.0.0.1:8443").unwrap(),
            parse("other.example::[::1]:").unwrap(),
            parse(":9000:10.0.0.1:9001").unwrap(),
        ]);
        for (host, port, address) in [
            ("dex.acme.example", 443, "127.0.0.1:8443"),
            ("DEX.acme.example", 443, "127.0.0.1:8443"),
            ("other.example", 444, "[::1]:444"),
            ("any.example", 9000, "10.0.0.1:9001"),
            ("192.0.2.1", 80, "192.0.2.1:80"),
        ] {
            assert_eq!(resolver.addresses(host, port), Ok(vec![address.parse().unwrap()]), "{host}:{port}");
        }
        for wrong in ["", "a", "a:1", "a:1:", "a:1:b", "a:x:b:1", "a:1:b:x", "::::", "[::1:1:b:1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
