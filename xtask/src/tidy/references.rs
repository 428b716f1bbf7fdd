//! A reference to a document or a source file leads somewhere.

use std::collections::BTreeSet;

use super::File;

pub(super) fn check(files: &[File]) -> Vec<String> {
    let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is("md") || file.is("rs")) {
        for (number, line) in file.text.lines().enumerate() {
            let is_comment = file.is("md") || line.trim_start().starts_with("//");
            if !is_comment {
                continue;
            }
            let missing = documents(line).filter(|path| !paths.contains(path.as_str())).map(|path| format!("`{path}`"));
            let missing =
                missing.chain(records(line).filter(|number| !is_record(&paths, *number)).map(|n| format!("ADR {n}")));
            let sources = quoted(line).filter_map(source).filter(|path| !paths.contains(path.as_str()));
            for missing in missing.chain(sources.map(|path| format!("`{path}`"))) {
                complaints.push(format!("{}:{}: there is no {missing}", file.path, number + 1));
            }
        }
    }
    complaints
}

/// The documents that a line names by their path from the root.
fn documents(line: &str) -> impl Iterator<Item = String> + '_ {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
    let words = line.split(move |c| !is_part(c));
    words.filter(|word| word.starts_with("docs/")).filter_map(|word| {
        let end = word.find(".md")? + ".md".len();
        word.get(..end).map(str::to_owned)
    })
}

/// The numbers of the decision records that a line names: `ADR 9`.
fn records(line: &str) -> impl Iterator<Item = u32> + '_ {
    line.match_indices("ADR ").filter_map(|(at, found)| {
        let rest = line.get(at + found.len()..)?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    })
}

fn is_record(paths: &BTreeSet<&str>, number: u32) -> bool {
    let start = format!("docs/adr/{number:04}-");
    paths.iter().any(|path| path.starts_with(&start))
}

/// The words of a line in backticks.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The path of a source file that is written as `core/events/store.rs`.
fn source(quoted: &str) -> Option<String> {
    const CRATES: &[&str] =
        &["core", "rest", "web", "db", "server", "kernel", "ical", "recurrence", "testkit", "gate", "model"];
    let (name, rest) = quoted.split_once('/')?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "/_.".contains(c);
    if !CRATES.contains(&name) || !rest.ends_with(".rs") || !rest.chars().all(plain) {
        return None;
    }
    let rest = rest.strip_prefix("src/").unwrap_or(rest);
    Some(format!("crates/{name}/src/{rest}"))
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn a_reference_that_leads_nowhere_is_found() {
        let text = "See docs/operating.md, `docs/nowhere.md`, [ADR 3](docs/adr/0003-ids.md) and ADR 99.\n\
                    | rule | `core/events/store.rs`, `core/events/gone.rs`, `core/events/` |\n";
        let files = [
            file("ARCHITECTURE.md", text),
            file("docs/operating.md", ""),
            file("docs/adr/0003-ids.md", ""),
            file("crates/core/src/events/store.rs", "// docs/missing.md\nlet a = \"docs/in-a-text.md\";\n"),
        ];
        assert_eq!(
            check(&files),
            [
                "ARCHITECTURE.md:1: there is no `docs/nowhere.md`",
                "ARCHITECTURE.md:1: there is no ADR 99",
                "ARCHITECTURE.md:2: there is no `crates/core/src/events/gone.rs`",
                "crates/core/src/events/store.rs:1: there is no `docs/missing.md`",
            ]
        );
    }
}
