//! What tests find around them: a PostgreSQL, the built server, Python and Node packages.

use std::process::Command;

use anyhow::Result;

use super::plan::Database;
use crate::{build, postgres, tools};

/// What tests find in their environment. Dropping it stops the database server.
pub struct Environment {
    variables: Vec<(&'static str, std::ffi::OsString)>,
    _server: Option<postgres::Server>,
}

impl Environment {
    pub fn prepare() -> Result<Self> {
        if cfg!(target_os = "linux") {
            tools::need("strace", &["strace"])?;
        }
        let python = tools::python("requirements.txt")?;
        let node_modules = tools::node_modules()?;
        let libical = tools::libical()?;
        let program = build::tests_and_server()?;
        let mut variables = vec![
            ("KALENDS_BIN", program.into()),
            ("KALENDS_PYTHON", python.into()),
            ("KALENDS_NODE_MODULES", node_modules.into()),
            ("KALENDS_ICS_CORPUS", tools::corpus()?.into()),
            ("KALENDS_LIBICAL_PYTHON", libical.into()),
        ];
        // Somebody else's server may be named; otherwise we run our own.
        let server = match std::env::var_os("KALENDS_TEST_POSTGRES") {
            Some(_) => None,
            None => {
                let server = postgres::start()?;
                variables.push(("KALENDS_TEST_POSTGRES", server.url().into()));
                Some(server)
            }
        };
        Ok(Self { variables, _server: server })
    }

    /// Tells a test runner about it, and nothing else about Kalends.
    pub fn describe(&self, command: &mut Command, database: Database) {
        for (name, _) in std::env::vars_os() {
            // A developer's own configuration must not be what the tests run with.
            if name.to_string_lossy().starts_with("KALENDS__") {
                command.env_remove(name);
            }
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.env("KALENDS_TEST_DATABASE", database.name());
    }
}
