//! `cargo xtask bench`: every benchmark in one run, because only ratios of one run mean something.

use std::process::Command;

use anyhow::Result;

use crate::{command, tools, workspace};

pub fn run() -> Result<()> {
    command::run(&mut command::cargo(["bench", "--package", "kalends-recurrence"]))?;
    let python = tools::python("requirements.txt")?;
    let script = workspace::root().join("crates/recurrence/benches/dateutil_bench.py");
    let criterion = workspace::target()?.join("criterion");
    command::run(Command::new(python).arg(script).arg(criterion))?;
    command::run(&mut command::cargo(["run", "--release", "--package", "kalends-bench"]))
}
