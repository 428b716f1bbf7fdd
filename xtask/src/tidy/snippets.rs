//! Code that a document quotes under the name of a file is still in that file.

use super::File;

pub(super) fn check(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for document in files.iter().filter(|file| file.is("md")) {
        for snippet in snippets(&document.text) {
            let here = format!("{}:{}", document.path, snippet.line);
            match files.iter().find(|file| file.path == snippet.path) {
                None => complaints.push(format!("{here}: there is no `{}`", snippet.path)),
                Some(file) if !contains(&file.text, &snippet.code) => {
                    complaints.push(format!("{here}: `{}` has no such lines (any more)", snippet.path));
                }
                Some(_) => {}
            }
        }
    }
    complaints
}

struct Snippet {
    line: usize,
    path: String,
    code: Vec<String>,
}

/// The blocks of Rust whose first line is a comment with a path.
fn snippets(text: &str) -> Vec<Snippet> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line.trim_start() != "```rust" {
            continue;
        }
        let block: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim_start() != "```").collect();
        let Some((first, code)) = block.split_first() else { continue };
        if let Some(path) = first.trim_start().strip_prefix("// ").filter(|path| path.ends_with(".rs")) {
            let code = code.iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
            found.push(Snippet { line: number + 1, path: path.to_owned(), code });
        }
    }
    found
}

/// Returns whether these lines follow each other in a text; blanks at their ends and empty lines do not count.
fn contains(text: &str, code: &[String]) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.windows(code.len().max(1)).any(|window| window == code)
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn a_snippet_that_the_file_does_not_have_any_more_is_found() {
        let source = file("crates/a.rs", "fn one() {\n    two();\n\n    three();\n}\n");
        let document = "```rust\n// crates/a.rs\nfn one() {\n    two();\n    three();\n```\n\
            ```rust\n// crates/a.rs\nfn four() {\n```\n```rust\n// crates/b.rs\nfn one() {\n```\n```rust\nlet free = 1;\n```\n";
        let files = [source, file("docs/a.md", document)];
        assert_eq!(
            check(&files),
            ["docs/a.md:7: `crates/a.rs` has no such lines (any more)", "docs/a.md:11: there is no `crates/b.rs`"]
        );
    }
}
