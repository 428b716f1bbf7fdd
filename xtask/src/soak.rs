//! `cargo xtask soak NAME`: long random runs. The seed is printed, so that a failure can be run again.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::{command, test, tools};

struct Soak {
    name: &'static str,
    what: &'static str,
    run: fn() -> Result<()>,
}

const SOAKS: &[Soak] = &[
    Soak {
        name: "recurrence",
        what: "100,000 random rules against python-dateutil and rrule-temporal (KALENDS_ORACLE_RULES, KALENDS_ORACLE_SEED)",
        run: recurrence,
    },
    Soak {
        name: "model",
        what: "1,000 random sequences of event operations on each database against a plain model (KALENDS_MODEL_RUNS, KALENDS_MODEL_SEED, KALENDS_MODEL_OPS)",
        run: model,
    },
    Soak {
        name: "many",
        what: "200 random runs of several people on each database, their histories and followers (KALENDS_RANDOM_RUNS, KALENDS_RANDOM_SEED)",
        run: many,
    },
    Soak {
        name: "fuzz",
        what: "an hour of made-up iCalendar files and recurrence lines (KALENDS_FUZZ_SECONDS)",
        run: fuzz,
    },
    Soak {
        name: "crash",
        what: "kill -9 during writes, 200 times on SQLite and 200 times on PostgreSQL (KALENDS_CRASH_ROUNDS)",
        run: crash,
    },
];

pub fn run(args: &[String]) -> Result<()> {
    let [name] = args else {
        for soak in SOAKS {
            println!("cargo xtask soak {:<12} {}", soak.name, soak.what);
        }
        return Ok(());
    };
    let soak = SOAKS.iter().find(|soak| soak.name == name);
    (soak.with_context(|| format!("no soak is called `{name}`"))?.run)()
}

fn recurrence() -> Result<()> {
    let rules = setting("KALENDS_ORACLE_RULES", || Ok("100000".to_owned()))?;
    let seed = setting("KALENDS_ORACLE_SEED", fresh_seed)?;
    let oracle = ["test", "--release", "--package", "kalends-recurrence", "--test", "oracle", "--", "--nocapture"];
    let mut command = command::cargo(oracle);
    command.env("KALENDS_ORACLE_RULES", &rules).env("KALENDS_ORACLE_SEED", &seed);
    with_oracles(&mut command)?;
    eprintln!("{rules} rules; again with KALENDS_ORACLE_SEED={seed}");
    command::run(&mut command)
}

fn model() -> Result<()> {
    let runs = setting("KALENDS_MODEL_RUNS", || Ok("1000".to_owned()))?;
    let seed = setting("KALENDS_MODEL_SEED", short_seed)?;
    eprintln!("{runs} sequences; again with KALENDS_MODEL_SEED={seed}");
    on_both("model", "events_are_what", &[("KALENDS_MODEL_RUNS", runs), ("KALENDS_MODEL_SEED", seed)])
}

fn many() -> Result<()> {
    let runs = setting("KALENDS_RANDOM_RUNS", || Ok("200".to_owned()))?;
    let seed = setting("KALENDS_RANDOM_SEED", short_seed)?;
    eprintln!("{runs} runs; again with KALENDS_RANDOM_SEED={seed}");
    on_both("it", "api::random", &[("KALENDS_RANDOM_RUNS", runs), ("KALENDS_RANDOM_SEED", seed)])
}

/// One test on both databases.
fn on_both(target: &str, name: &str, settings: &[(&str, String)]) -> Result<()> {
    let environment = test::Environment::prepare()?;
    for database in [test::Database::Sqlite, test::Database::Postgres] {
        eprintln!("\n== on {}", database.name());
        // Of the whole workspace, as it was just built.
        let tests = ["test", "--workspace", "--test", target, "--", "--nocapture", name];
        let mut command = command::cargo(tests);
        environment.describe(&mut command, database);
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        command::run(&mut command)?;
    }
    Ok(())
}

fn fuzz() -> Result<()> {
    let seconds: u64 =
        setting("KALENDS_FUZZ_SECONDS", || Ok("3600".to_owned()))?.parse().context("KALENDS_FUZZ_SECONDS")?;
    for (package, test) in [("kalends-ical", "anything"), ("kalends-recurrence", "fuzz")] {
        let run = ["test", "--release", "--package", package, "--test", test, "--", "--nocapture", "whatever_a_fuzzer"];
        let mut command = command::cargo(run);
        // Half of the time for each. Bolero prints the seed of what it finds.
        command.env("BOLERO_RANDOM_TEST_TIME_MS", (seconds * 500).to_string());
        command::run(&mut command)?;
    }
    Ok(())
}

fn crash() -> Result<()> {
    let rounds = setting("KALENDS_CRASH_ROUNDS", || Ok("200".to_owned()))?;
    let environment = test::Environment::prepare()?;
    // Of the whole workspace, as it was just built; each of the tests chooses its engine itself.
    let tests = ["test", "--workspace", "--test", "it", "--", "--nocapture", "--test-threads=1", "crash::kill"];
    let mut command = command::cargo(tests);
    environment.describe(&mut command, test::Database::Sqlite);
    command.env("KALENDS_CRASH_ROUNDS", &rounds);
    command::run(&mut command)
}

fn with_oracles(command: &mut Command) -> Result<()> {
    command.env("KALENDS_PYTHON", tools::python("requirements.txt")?);
    command.env("KALENDS_NODE_MODULES", tools::node_modules()?);
    Ok(())
}

fn setting(name: &str, default: impl FnOnce() -> Result<String>) -> Result<String> {
    match std::env::var(name) {
        Ok(value) => Ok(value),
        Err(std::env::VarError::NotPresent) => default(),
        Err(error) => bail!("{name}: {error}"),
    }
}

fn fresh_seed() -> Result<String> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos().to_string())
}

/// Seeds are counted up from the first; a smaller number is easier to say.
fn short_seed() -> Result<String> {
    Ok((fresh_seed()?.parse::<u128>()? % 1_000_000_000_000).to_string())
}
