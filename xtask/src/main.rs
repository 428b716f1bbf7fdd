//! `cargo xtask <command>`: what a contributor and CI run, the same way on every machine.
//! Each command installs what it needs; nothing has to be set up by hand.

#![expect(
    clippy::disallowed_methods,
    reason = "the rules are for the product: tasks read the environment, wait and take seeds from the clock"
)]

mod bench;
mod build;
mod ci;
mod command;
mod dev;
mod lint;
mod openapi;
mod postgres;
mod soak;
mod test;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask <command>

  test [--sqlite|--postgres] [-- ARGS]   every test, on SQLite and then on PostgreSQL; ARGS go to the test runner
  lint                                   format, clippy, docs, dependencies: warnings are errors
  tidy                                   lengths, names, references, dependencies of crates (part of lint)
  openapi [--check]                      write docs/openapi.json, or check that it is fresh
  ci                                     what CI runs (.ci/run)
  bench [NAME..]                         benchmarks, with ratios; a wrong NAME lists them
  soak [NAME]                            long random runs; without NAME, lists them
  dev [-- ARGS]                          build and run the server with the demo data
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = args.split_first() else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    let result = match name.as_str() {
        "test" => test::run(rest),
        "lint" => lint::run(),
        "tidy" => tidy::run(),
        "openapi" => openapi::run(rest),
        "ci" => ci::run(),
        "bench" => bench::run(rest),
        "soak" => soak::run(rest),
        "dev" => dev::run(rest),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        _ => {
            eprint!("unknown command `{name}`\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
