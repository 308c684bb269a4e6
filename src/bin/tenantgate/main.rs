//! The command-line tool: checks a configuration with the code that the filter runs in Envoy.

#[cfg(not(target_family = "wasm"))]
mod audiences;
#[cfg(not(target_family = "wasm"))]
mod cli;
#[cfg(not(target_family = "wasm"))]
mod scopes;
#[cfg(not(target_family = "wasm"))]
mod spellings;

#[cfg(not(target_family = "wasm"))]
fn main() -> std::process::ExitCode {
    cli::main()
}

/// The empty program of the WebAssembly build, which has no command-line tool.
#[cfg(target_family = "wasm")]
fn main() {}
