//! `cargo xtask test`: every test on SQLite, then those that touch the database again on PostgreSQL.

mod environment;
mod plan;
mod step;
mod tally;

use anyhow::{Result, bail};

pub use environment::Environment;
pub use plan::Database;
use plan::Plan;
use step::Step;
use tally::Tally;

pub fn run(args: &[String]) -> Result<()> {
    let plan = Plan::parse(args)?;
    let environment = Environment::prepare()?;
    let mut total = Tally::default();
    let mut complaints = Vec::new();

    for (database, mut step) in steps(&plan) {
        environment.describe(&mut step.command, database);
        eprintln!("\n== tests on {}", database.name());
        let (tally, complaint) = step.run()?;
        total += tally;
        complaints.extend(complaint);
    }

    drop(environment);
    println!("{total}");
    if !complaints.is_empty() {
        bail!("{}", complaints.join("; "));
    }
    if total.failed > 0 {
        bail!("tests failed: {}", total.failed);
    }
    if total.passed == 0 {
        bail!("no test was run");
    }
    Ok(())
}

fn steps(plan: &Plan) -> Vec<(Database, Step)> {
    let mut steps = Vec::new();
    if plan.sqlite {
        steps.extend(Step::tests(plan, Database::Sqlite).map(|step| (Database::Sqlite, step)));
        if plan.whole_workspace() {
            steps.push((Database::Sqlite, Step::telemetry()));
            steps.push((Database::Sqlite, Step::documentation()));
        }
    }
    if plan.postgres {
        match Step::tests(plan, Database::Postgres) {
            Some(step) => steps.push((Database::Postgres, step)),
            None => eprintln!("none of the chosen packages has database tests: nothing to run on PostgreSQL"),
        }
    }
    steps
}
