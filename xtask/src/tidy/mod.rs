//! `cargo xtask tidy`, part of lint: what keeps the repository readable and no compiler checks.

mod doors;
mod length;
mod names;
mod references;
mod snippets;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// A text file of the repository.
struct File {
    /// The path from the root of the repository, with `/`.
    path: String,
    text: String,
}

impl File {
    fn is(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|own| own == extension)
    }
}

/// Runs every check and prints everything that is wrong.
pub fn run() -> Result<()> {
    let files = files(workspace::root())?;
    let mut complaints = length::check(&files);
    complaints.extend(names::check(&files));
    complaints.extend(references::check(&files));
    complaints.extend(snippets::check(&files));
    complaints.extend(doors::check(&files));
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    if !complaints.is_empty() {
        bail!("tidy: {} complaints", complaints.len());
    }
    println!("tidy: {} files are in order", files.len());
    Ok(())
}

/// Reads the files that people write: sources, documents, configuration, SQL.
fn files(root: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                let skipped = ["target", ".git", "node_modules", "data"].contains(&name.as_str());
                if !skipped {
                    folders.push(path);
                }
            } else if ["rs", "md", "toml", "sql"].iter().any(|wanted| name.ends_with(&format!(".{wanted}"))) {
                let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
                let path = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                files.push(File { path, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

#[cfg(test)]
fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}
