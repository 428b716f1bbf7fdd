//! `cargo xtask bench`: every benchmark in one run, because only ratios of one run mean something.
//!
//! Prints Markdown for `docs/performance.md`. With names of sections (see `crates/bench`) only those.

use std::process::Command;

use anyhow::Result;

use crate::{command, postgres, tools, workspace};

pub fn run(wanted: &[String]) -> Result<()> {
    command::run(&mut command::cargo(["build", "--release", "-p", "kalends-server", "-p", "kalends-bench"]))?;
    let mut bench = Command::new(workspace::target()?.join("release").join("kalends-bench"));
    bench.args(wanted);
    if wanted.is_empty() || wanted.iter().any(|name| name == "recurrence") {
        // Criterion measures ours and the rrule crate, the script python-dateutil; the table is made of both.
        command::run(&mut command::cargo(["bench", "--package", "kalends-recurrence"]))?;
        let python = tools::python("requirements.txt")?;
        let script = workspace::root().join("crates/recurrence/benches/dateutil_bench.py");
        bench.env("KALENDS_BENCH_DATEUTIL", command::output(Command::new(python).arg(script))?);
        bench.env("KALENDS_BENCH_CRITERION", workspace::target()?.join("criterion"));
    }
    // Somebody else's server may be named; otherwise we run our own.
    let _server = match std::env::var_os("KALENDS_TEST_POSTGRES") {
        Some(_) => None,
        None => {
            let server = postgres::start()?;
            bench.env("KALENDS_TEST_POSTGRES", server.url());
            Some(server)
        }
    };
    command::run(&mut bench)
}
