//! What criterion has measured in `kalends-recurrence`, and the script beside it with python-dateutil, as one table.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::report::table;

const CASES: &[&str] = &["ten years weekly in a zone", "a week 500 years ahead"];

pub fn run() -> Result<()> {
    let Some(criterion) = std::env::var_os("KALENDS_BENCH_CRITERION").map(PathBuf::from) else {
        eprintln!("the recurrence is measured by criterion and Python first: cargo xtask bench");
        return Ok(());
    };
    let dateutil: Value = serde_json::from_str(&std::env::var("KALENDS_BENCH_DATEUTIL")?)?;
    // Nanoseconds.
    let measured = |case: &str, engine: &str| -> Result<f64> {
        let path = criterion.join(case).join(engine).join("new").join("estimates.json");
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let estimates: Value = serde_json::from_str(&text)?;
        estimates.pointer("/mean/point_estimate").and_then(Value::as_f64).context("no mean")
    };
    let mut rows = Vec::new();
    for case in CASES {
        let (ours, rrule) = (measured(case, "kalends")? / 1e3, measured(case, "rrule")? / 1e3);
        let python = dateutil.pointer(&format!("/cases/{case}")).and_then(Value::as_f64).context("no such case")?;
        rows.push(vec![
            (*case).to_owned(),
            format!("{ours:.1}"),
            format!("{rrule:.0}"),
            format!("{:.0} ×", rrule / ours),
            format!("{python:.0}"),
            format!("{:.0} ×", python / ours),
        ]);
    }
    table("Recurrence", &["", "Kalends, µs", "rrule crate, µs", "faster", "python-dateutil, µs", "faster"], &rows);
    Ok(())
}
