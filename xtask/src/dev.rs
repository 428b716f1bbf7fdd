//! `cargo xtask dev`: the server with the demo data, to look at.

use anyhow::Result;

use crate::command;

pub fn run(args: &[String]) -> Result<()> {
    let args = args.iter().map(String::as_str).skip_while(|arg| *arg == "--");
    let serve = ["run", "--package", "kalends-server", "--bin", "kalends", "--", "serve", "--demo"];
    command::run(&mut command::cargo(serve.into_iter().chain(args)))
}
