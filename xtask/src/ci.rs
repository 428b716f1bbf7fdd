//! `cargo xtask ci`: the script that CI runs, so that there is one list of steps.

use std::process::Command;

use anyhow::Result;

use crate::{command, workspace};

pub fn run() -> Result<()> {
    let script = workspace::root().join(".ci").join("run");
    command::run(Command::new("bash").arg(script).current_dir(workspace::root()))
}
