//! One build for everything that is run afterwards.

use std::path::PathBuf;

use anyhow::Result;

use crate::{command, workspace};

/// Builds the tests and the programs, and says where the server is.
///
/// The whole workspace in one call: with fewer packages cargo would choose other features for shared dependencies and
/// compile them a second time.
pub fn tests_and_server() -> Result<PathBuf> {
    command::run(&mut command::cargo(["build", "--workspace", "--lib", "--bins", "--tests", "--examples"]))?;
    Ok(workspace::target()?.join("debug").join("kalends"))
}
