//! The command-line tool: checks a configuration with the code that the filter runs in Envoy.

#[cfg(not(target_family = "wasm"))]
mod browser;
#[cfg(not(target_family = "wasm"))]
mod check;
#[cfg(not(target_family = "wasm"))]
mod cli;
#[cfg(not(target_family = "wasm"))]
mod codes;
#[cfg(not(target_family = "wasm"))]
mod configuration;
#[cfg(not(target_family = "wasm"))]
mod diagnostic;
#[cfg(not(target_family = "wasm"))]
mod explain;
#[cfg(not(target_family = "wasm"))]
mod gate;
#[cfg(not(target_family = "wasm"))]
mod input;
#[cfg(not(target_family = "wasm"))]
mod lints;
#[cfg(not(target_family = "wasm"))]
mod machine;
#[cfg(not(target_family = "wasm"))]
mod onboard;
#[cfg(not(target_family = "wasm"))]
mod probe;
#[cfg(not(target_family = "wasm"))]
mod remedies;
#[cfg(not(target_family = "wasm"))]
mod render;
#[cfg(not(target_family = "wasm"))]
mod report;
#[cfg(not(target_family = "wasm"))]
mod schema;
#[cfg(not(target_family = "wasm"))]
mod secrets;
#[cfg(not(target_family = "wasm"))]
mod source;
#[cfg(not(target_family = "wasm"))]
mod spellings;
#[cfg(not(target_family = "wasm"))]
mod surroundings;
#[cfg(not(target_family = "wasm"))]
mod syntax;
#[cfg(not(target_family = "wasm"))]
mod variables;
#[cfg(not(target_family = "wasm"))]
mod yaml;

#[cfg(not(target_family = "wasm"))]
fn main() -> std::process::ExitCode {
    cli::main()
}

/// The empty program of the WebAssembly build, which has no command-line tool.
#[cfg(target_family = "wasm")]
fn main() {}
