//! What all commands need to know: the configuration of the gates, and where etcd is.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::etcd::Reach;

/// The configuration of the gates, and where etcd is.
#[derive(clap::Args)]
pub(super) struct GateArguments {
    /// The file with the configuration of the gates, as for `check`. Its `tenants_from` says where
    /// the tenants are.
    #[arg(value_name = "GATE_FILE")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) reach: Reach,
    /// A variable; others come from `--env-file` and from this process.
    #[arg(long, value_name = "NAME=VALUE", value_parser = crate::cli::variable)]
    pub(super) env: Vec<(String, String)>,
    /// A file with lines NAME=VALUE.
    #[arg(long, value_name = "FILE")]
    pub(super) env_file: Option<PathBuf>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
}

/// A form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Human,
    /// One JSON object.
    Json,
}
