//! The command-line tool: checks a configuration with the code that the filter runs in Envoy.

#[cfg(not(target_family = "wasm"))]
mod cli;

#[cfg(not(target_family = "wasm"))]
fn main() -> std::process::ExitCode {
    cli::main()
}

/// The WebAssembly build has no tool.
#[cfg(target_family = "wasm")]
fn main() {}
