//! etcd, for commands that read and write there.

mod gateway;
mod pages;
mod range;
mod server;
mod servers;
mod transaction;

use tenantgate::config::Environment as _;

use super::variables::VmEnvironment;
use super::yaml::Node;

pub(crate) use gateway::{Failure, Gateway};
pub(crate) use pages::Pages;
pub(crate) use range::{Pair, Range};
pub(crate) use server::Reach;
pub(crate) use servers::Servers;
pub(crate) use transaction::{Transaction, Write};

/// The user of etcd at this section of a configuration, such as `store.etcd`, with the password.
pub(crate) fn user(configuration: &Node, section: &str, variables: &VmEnvironment<'_>) -> Option<(String, String)> {
    let name = configuration.at(&format!("{section}.username"))?.string()?.to_owned();
    Some((name, password(configuration, section, variables)?))
}

/// The password of that user.
pub(crate) fn password(configuration: &Node, section: &str, variables: &VmEnvironment<'_>) -> Option<String> {
    let password = configuration.at(&format!("{section}.password"))?;
    match password.get("env").and_then(Node::text) {
        Some(name) => variables.var(name),
        None => password.string().map(str::to_owned),
    }
}
