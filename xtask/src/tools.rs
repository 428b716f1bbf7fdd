//! What tests and checks need besides Rust: Python and Node packages in `target/tools`, a few system programs.
//! Everything is installed once and found again in no time.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{command, workspace};

/// The Python of a virtual environment with the packages of a requirements file in `xtask/`.
pub fn python(requirements: &str) -> Result<PathBuf> {
    let wanted = workspace::root().join("xtask").join(requirements);
    let home = workspace::tools()?.join(requirements.trim_end_matches(".txt"));
    let python = home.join("bin").join("python");
    once(&home, &[&wanted], || {
        new_environment(&home)?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        command::run(Command::new(&python).args(pip).arg(&wanted))
    })?;
    Ok(python)
}

/// The `node_modules` folder with the packages of `xtask/package.json`.
pub fn node_modules() -> Result<PathBuf> {
    need("npm", &["nodejs", "npm"])?;
    let home = workspace::tools()?.join("node");
    let list = workspace::root().join("xtask").join("package.json");
    let lock = workspace::root().join("xtask").join("package-lock.json");
    once(&home, &[&list, &lock], || {
        std::fs::create_dir_all(&home)?;
        std::fs::copy(&list, home.join("package.json"))?;
        std::fs::copy(&lock, home.join("package-lock.json"))?;
        let ci = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        command::run(Command::new("npm").args(ci).current_dir(&home))
    })?;
    Ok(home.join("node_modules"))
}

/// The source distributions whose calendars `crates/ical/tests/corpus.rs` reads: their licences do not let us copy all of
/// them, so they are fetched. The test knows each file by its hash.
const CORPUS: &[&str] = &[
    "icalendar==7.3.0",
    "recurring_ical_events==3.8.2",
    "khal==0.14.1",
    "open_web_calendar==1.51",
    "ics_query==0.5.34",
];

/// The folder in which they are unpacked.
pub fn corpus() -> Result<PathBuf> {
    let python = python("requirements.txt")?;
    let home = workspace::tools()?.join("corpus");
    let stamp = home.join("installed");
    let wanted = CORPUS.join("\n");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(home);
    }
    std::fs::create_dir_all(&home)?;
    for package in CORPUS {
        // The sources of this one alone: pip asks it for its metadata, and would else make the tools for that from source, too.
        let name = package.split("==").next().unwrap_or(package);
        let pip = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", name];
        command::run(Command::new(&python).args(pip).arg("--dest").arg(&home).arg(package))?;
    }
    for entry in std::fs::read_dir(&home)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "gz") {
            command::run(Command::new("tar").arg("-xzf").arg(&path).arg("-C").arg(&home))?;
        }
    }
    std::fs::write(&stamp, wanted).with_context(|| format!("writing {}", stamp.display()))?;
    Ok(home)
}

/// Makes sure that a program is on PATH: as root with apt, else says what is missing.
pub fn need(program: &str, debian_packages: &[&str]) -> Result<()> {
    if command::on_path(program).is_some() {
        return Ok(());
    }
    apt_install(debian_packages).with_context(|| format!("`{program}` is needed and was not found"))?;
    if command::on_path(program).is_none() {
        bail!("`{program}` is not on PATH after installing {}", debian_packages.join(", "));
    }
    Ok(())
}

/// The system's Python with the bindings of libical, which no package registry has.
pub fn libical() -> Result<PathBuf> {
    let python = PathBuf::from("/usr/bin/python3");
    let import = "import gi; gi.require_version('ICalGLib', '3.0'); from gi.repository import ICalGLib";
    let there = || command::succeeds(Command::new(&python).args(["-c", import]));
    if !there() {
        apt_install(&["python3", "python3-gi", "gir1.2-ical-3.0"]).context("libical's bindings are needed")?;
    }
    if !there() {
        bail!("{} does not find libical after installing python3-gi and gir1.2-ical-3.0", python.display());
    }
    Ok(python)
}

/// Installs Debian packages, where that is possible without asking anybody.
pub fn apt_install(packages: &[&str]) -> Result<()> {
    if !is_root() || command::on_path("apt-get").is_none() {
        bail!("install {} with the system's package manager", packages.join(", "));
    }
    let apt = |args: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(args);
        apt
    };
    command::run(&mut apt(&["update", "-qq"]))?;
    command::run(apt(&["install", "-y", "-qq", "--no-install-recommends"]).args(packages))
}

pub fn is_root() -> bool {
    command::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn new_environment(home: &Path) -> Result<()> {
    need("python3", &["python3", "python3-venv"])?;
    let venv = || {
        let mut python = Command::new("python3");
        python.args(["-m", "venv", "--clear"]).arg(home);
        python
    };
    // Debian's python3 comes without the part that makes environments.
    if !command::succeeds(&mut venv()) {
        apt_install(&["python3-venv"]).context("python3 cannot make a virtual environment")?;
        command::run(&mut venv())?;
    }
    Ok(())
}

/// Installs into `home` unless it was done before from the same lists.
fn once(home: &Path, lists: &[&Path], install: impl FnOnce() -> Result<()>) -> Result<()> {
    let mut wanted = String::new();
    for list in lists {
        wanted += &std::fs::read_to_string(list).with_context(|| format!("reading {}", list.display()))?;
    }
    let stamp = home.join("installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    install()?;
    std::fs::write(&stamp, wanted).with_context(|| format!("writing {}", stamp.display()))
}
