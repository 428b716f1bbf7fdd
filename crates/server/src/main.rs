//! The program `kalends`.

use std::process::ExitCode;

fn main() -> ExitCode {
    kalends_server::cli::main()
}
