//! One call of a test runner, and what it reported.

use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::plan::{Database, Plan};
use super::tally::{Runner, Tally};
use crate::command;

/// One call of a test runner.
pub struct Step {
    pub runner: Runner,
    pub command: Command,
}

impl Step {
    /// The chosen tests; none if there is nothing to run.
    pub fn tests(plan: &Plan, database: Database) -> Option<Self> {
        let packages = plan.packages_on(database);
        if packages.is_empty() && matches!(database, Database::Postgres) {
            return None;
        }
        let mut step =
            if has_nextest() { Self::nextest(plan.filter_on(database)) } else { Self::cargo_test(&packages) };
        step.command.args(&plan.args);
        Some(step)
    }

    fn nextest(filter: Option<String>) -> Self {
        let colour = if std::io::stderr().is_terminal() { "always" } else { "never" };
        let run = ["nextest", "run", "--workspace", "--no-fail-fast", "--no-tests=pass", "--color", colour];
        let mut command = command::cargo(run);
        if let Some(filter) = filter {
            command.args(["--filterset", &filter]);
        }
        Self { runner: Runner::Nextest, command }
    }

    fn cargo_test(packages: &[&str]) -> Self {
        let mut command = command::cargo(["test", "--no-fail-fast", "--bins", "--lib", "--tests"]);
        match packages {
            [] => command.arg("--workspace"),
            _ => command.args(packages.iter().flat_map(|package| ["--package", package])),
        };
        Self { runner: Runner::Cargo, command }
    }

    /// What only a program with the feature `otel` does. Features of the whole workspace, so that nothing else is compiled anew.
    pub fn telemetry() -> Self {
        let only = ["--workspace", "--features", "kalends-server/otel", "--test", "otel"];
        let (runner, first) =
            if has_nextest() { (Runner::Nextest, &["nextest", "run"][..]) } else { (Runner::Cargo, &["test"][..]) };
        let mut command = command::cargo(first.iter().copied());
        command.args(only);
        Self { runner, command }
    }

    /// The examples in the documentation, which nextest does not run.
    pub fn documentation() -> Self {
        let command = command::cargo(["test", "--workspace", "--doc", "--no-fail-fast"]);
        Self { runner: Runner::Cargo, command }
    }
}

/// `KALENDS_TEST_RUNNER=cargo` asks for plain `cargo test`.
fn has_nextest() -> bool {
    let plain = std::env::var("KALENDS_TEST_RUNNER").is_ok_and(|runner| runner == "cargo");
    !plain && command::succeeds(&mut command::cargo(["nextest", "--version"]))
}

impl Step {
    /// Runs it, shows its output and counts; a complaint if it failed without a failed test.
    pub fn run(self) -> Result<(Tally, Option<String>)> {
        let Self { runner, mut command } = self;
        command::show(&command);

        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run the test runner")?;
        let errors = child.stderr.take();
        let reader = std::thread::spawn(move || errors.map(|errors| copy(runner, errors, std::io::stderr())));
        let mut seen = Tally::default();
        if let Some(output) = child.stdout.take() {
            seen += copy(runner, output, std::io::stdout());
        }
        if let Ok(Some(more)) = reader.join() {
            seen += more;
        }
        let status = child.wait().context("waiting for the test runner")?;
        let unexplained = !status.success() && seen.failed == 0;
        Ok((seen, unexplained.then(|| format!("the test runner failed ({status})"))))
    }
}

/// Passes lines on and counts what they report.
fn copy(runner: Runner, from: impl std::io::Read, mut to: impl Write) -> Tally {
    let mut tally = Tally::default();
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        // Nobody may be reading any more: the count still matters.
        let _ = to.write_all(&line);
        tally.read(runner, &String::from_utf8_lossy(&line));
        line.clear();
    }
    tally
}
