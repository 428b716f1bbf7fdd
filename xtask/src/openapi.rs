//! `cargo xtask openapi`: the API document that the program prints, kept in `docs/openapi.json`, and what linters
//! say about it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{build, command, tools, workspace};

pub fn run(args: &[String]) -> Result<()> {
    let check = match args {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => bail!("usage: cargo xtask openapi [--check]"),
    };
    let server = build::tests_and_server()?;
    let fresh = command::output(Command::new(server).arg("openapi"))?;
    let file = workspace::root().join("docs").join("openapi.json");
    if !check {
        return std::fs::write(&file, fresh).with_context(|| format!("writing {}", file.display()));
    }
    let kept = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    if let Some(difference) = first_difference(&kept, &fresh) {
        bail!("docs/openapi.json is not what the program says; run `cargo xtask openapi` and commit it\n{difference}");
    }
    eprintln!("docs/openapi.json is fresh");
    lint(&file)
}

/// What two linters of API documents find; a warning is an error.
fn lint(document: &Path) -> Result<()> {
    let programs = tools::node_modules()?.join(".bin");
    let settings = workspace::root().join("xtask");
    let mut spectral = Command::new(programs.join("spectral"));
    spectral.args(["lint", "--fail-severity=warn", "--ruleset"]).arg(settings.join("spectral.yaml")).arg(document);
    command::run(&mut spectral)?;
    let mut redocly = Command::new(programs.join("redocly"));
    redocly.args(["lint", "--format=github-actions", "--config"]).arg(settings.join("redocly.yaml")).arg(document);
    redocly.env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    let said = command::output(&mut redocly)?;
    if !said.trim().is_empty() {
        bail!("redocly finds in docs/openapi.json:\n{said}");
    }
    Ok(())
}

fn first_difference(kept: &str, fresh: &str) -> Option<String> {
    if kept == fresh {
        return None;
    }
    let (mut kept, mut fresh) = (kept.lines(), fresh.lines());
    for number in 1_u32.. {
        match (kept.next(), fresh.next()) {
            (None, None) => break,
            (a, b) if a == b => {}
            (a, b) => {
                let (a, b) = (a.unwrap_or("(end)"), b.unwrap_or("(end)"));
                return Some(format!("first difference, line {number}\n  kept  {a}\n  fresh {b}"));
            }
        }
    }
    Some("only line ends differ".to_owned())
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn the_first_differing_line_is_named() {
        assert_eq!(first_difference("{\n}\n", "{\n}\n"), None);
        let difference = first_difference("{\n  1\n}\n", "{\n  2\n}\n").unwrap_or_default();
        assert!(difference.contains("line 2"), "{difference}");
        assert!(first_difference("{\n", "{\n}\n").is_some_and(|d| d.contains("kept  (end)")));
        assert!(first_difference("{}", "{}\n").is_some());
    }
}
