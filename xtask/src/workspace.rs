//! Where things are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folder of the workspace's `Cargo.toml`.
pub fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// Cargo's target folder: this program runs from `<target>/debug/xtask`.
pub fn target() -> Result<PathBuf> {
    let own = std::env::current_exe().context("where this program is")?;
    let target = own.ancestors().nth(2).context("this program is not in a target folder")?;
    Ok(target.to_path_buf())
}

/// What tests and checks need besides Rust is installed here, never in the system where that can be avoided.
pub fn tools() -> Result<PathBuf> {
    let tools = target()?.join("tools");
    std::fs::create_dir_all(&tools).with_context(|| format!("making {}", tools.display()))?;
    Ok(tools)
}
