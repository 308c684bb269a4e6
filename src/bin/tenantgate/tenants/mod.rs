//! The commands `tenants`: tenants as signed documents in etcd (`tenants_from`). What a document is
//! made of, and what a gate makes of it, is the code of the filter.

mod apply;
mod arguments;
mod check;
mod confirm;
mod conflicts;
mod cookies;
mod delete;
mod diff;
mod document;
mod files;
mod found;
mod gate;
mod get;
mod index;
mod key;
mod list;
mod output;
mod plan;
mod sheet;
mod status;
mod stored;
mod text;
mod write;

use clap::Subcommand;

pub(crate) use found::found;
pub(crate) use gate::Given;

/// What to do with the tenants in etcd.
#[derive(Subcommand)]
pub(crate) enum Arguments {
    /// Write tenants to etcd, checked, with sealed secrets, and signed.
    ///
    /// The difference to what is there is shown first. Each tenant is written in one transaction,
    /// which fails if somebody else has written in between.
    Apply(apply::Arguments),
    /// Show what `apply` would change. The exit code is 1 if it would change something.
    Diff(apply::DiffArguments),
    /// Print tenants as they are in etcd, without their secrets.
    Get(get::Arguments),
    /// Print a table of the tenants in etcd.
    List(list::Arguments),
    /// Say what a gate makes of each tenant in etcd. The exit code is 1 if something is wrong.
    Status(status::Arguments),
    /// Delete tenants from etcd, with their hosts.
    Delete(delete::Arguments),
}

impl Arguments {
    /// Whether all is well.
    pub(crate) fn run(self) -> Result<bool, String> {
        match self {
            Self::Apply(arguments) => arguments.run(),
            Self::Diff(arguments) => arguments.run(),
            Self::Get(arguments) => arguments.run(),
            Self::List(arguments) => arguments.run(),
            Self::Status(arguments) => arguments.run(),
            Self::Delete(arguments) => arguments.run(),
        }
    }
}
