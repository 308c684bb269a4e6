//! The command-line tool: checks a configuration with the code that the filter runs in Envoy. It is
//! not built for WebAssembly, where its dependencies are missing: `cargo build --lib` builds the
//! module.

mod browser;
mod check;
mod cli;
mod client;
mod codes;
mod configuration;
mod diagnostic;
mod etcd;
mod explain;
mod gate;
mod input;
mod known_provider;
mod lints;
mod machine;
mod onboard;
mod probe;
mod remedies;
mod render;
mod report;
mod schema;
mod secrets;
mod sign_out;
mod source;
mod spellings;
mod surroundings;
mod syntax;
mod tenants;
mod variables;
mod yaml;

fn main() -> std::process::ExitCode {
    cli::main()
}
