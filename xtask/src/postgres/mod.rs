//! A real PostgreSQL for the tests: found or installed, run in a temporary folder, gone afterwards.

mod find;
mod server;

use anyhow::{Context, Result};

pub use server::Server;

/// The oldest PostgreSQL that the server supports.
const OLDEST: u32 = 14;

/// Starts the newest PostgreSQL that works. Not having one is an error: tests on it are never skipped.
pub fn start() -> Result<Server> {
    for installation in find::installed()? {
        match Server::start(&installation) {
            Ok(server) => return Ok(server),
            Err(error) => eprintln!("PostgreSQL in {} does not work: {error:#}", installation.bin.display()),
        }
    }
    let installation = find::install().context("no PostgreSQL was found and none could be installed")?;
    Server::start(&installation)
}
