//! Names that were given up do not come back: each said too little of what it named.

use super::File;

/// Types that must not be defined any more.
const TYPES: &[&str] = &[
    "Said",
    "Made",
    "Taken",
    "Theirs",
    "Mine",
    "Held",
    "WayBack",
    "Taking",
    "Eyes",
    "Judged",
    "InCalendar",
    "Sight",
    "Found",
    "Stored",
];
/// Files that must not exist any more, without their extension.
const FILES: &[&str] = &[
    "reach",
    "roll_on",
    "take_in",
    "follow",
    "past",
    "hot",
    "pieces",
    "front",
    "call",
    "denied",
    "leave",
    "mine",
    "fresh",
    "unmodelled",
    "what_if",
    "work",
];

pub(super) fn check(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is("rs")) {
        let stem = file.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
        if FILES.contains(&stem) {
            complaints.push(format!("{}: the name `{stem}` was given up for a clearer one", file.path));
        }
        for (number, line) in file.text.lines().enumerate() {
            if let Some(name) = defined(line).filter(|name| TYPES.contains(name)) {
                complaints.push(format!("{}:{}: a type must not be named `{name}`", file.path, number + 1));
            }
        }
    }
    complaints
}

/// The name of the type that a line defines.
fn defined(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace().skip_while(|word| word.starts_with("pub"));
    let keyword = words.next()?;
    let name = words.next()?;
    ["struct", "enum", "type"]
        .contains(&keyword)
        .then(|| name.split(|c: char| !c.is_alphanumeric() && c != '_').next())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn a_name_that_was_given_up_is_found() {
        let bad = "pub(crate) struct Found(Uuid);\nenum Sight {\n    Busy,\n}\nstruct FoundRow;\n// struct Mine\n";
        let files = [file("crates/core/src/a.rs", bad), file("crates/core/src/reach.rs", "")];
        assert_eq!(
            check(&files),
            [
                "crates/core/src/a.rs:1: a type must not be named `Found`",
                "crates/core/src/a.rs:2: a type must not be named `Sight`",
                "crates/core/src/reach.rs: the name `reach` was given up for a clearer one",
            ]
        );
    }
}
