//! The command-line tool: looks at a configuration before Envoy does, with the code that Envoy will run.

#[cfg(not(target_family = "wasm"))]
mod cli;

#[cfg(not(target_family = "wasm"))]
fn main() -> std::process::ExitCode {
    cli::main()
}

/// The module has no tool in it.
#[cfg(target_family = "wasm")]
fn main() {}
