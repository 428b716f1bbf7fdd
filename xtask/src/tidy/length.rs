//! A source file has at most 500 lines, unless its first lines give the reason: `Long because …`.

use super::File;

const MOST: usize = 500;
/// The lines in which the reason may stand.
const TOP: usize = 15;

pub(super) fn check(files: &[File]) -> Vec<String> {
    let is_long = |file: &&File| {
        let has_reason = file.text.lines().take(TOP).any(|line| line.contains("Long because"));
        file.is("rs") && file.text.lines().count() > MOST && !has_reason
    };
    let complaint = |file: &File| {
        let lines = file.text.lines().count();
        format!("{}: {lines} lines. Divide it, or give the reason at its top: `Long because …`", file.path)
    };
    files.iter().filter(is_long).map(complaint).collect()
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn a_long_file_needs_a_reason() {
        let long = "//! A module.\n".to_owned() + &"fn f() {}\n".repeat(500);
        let excused = "//! Long because it is one table.\n".to_owned() + &"fn f() {}\n".repeat(500);
        let files = [file("a.rs", &long), file("b.rs", &excused), file("c.rs", "fn f() {}\n"), file("d.md", &long)];
        assert_eq!(check(&files), ["a.rs: 501 lines. Divide it, or give the reason at its top: `Long because …`"]);
    }
}
