//! The program as a process: how fast it is ready, how much memory it takes, how large it is.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::load::{Connection, request};
use crate::report::{median, ms, table};

const STARTS: usize = 5;

pub async fn run() -> Result<()> {
    let program = program()?;
    let size = std::fs::metadata(&program)?.len();
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    // The first start makes the database; what counts is one on a database that is there.
    drop(Process::start(&program, &data, &[]).await?);
    let (mut starts, mut idle) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let process = Process::start(&program, &data, &[]).await?;
        starts.push(ms(process.ready_after));
        tokio::time::sleep(Duration::from_secs(2)).await;
        idle.push(process.rss()?);
    }
    let demo = Process::start(&program, &folder.path().join("demo"), &["--demo"]).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after_demo = demo.rss()?;
    table(
        "The program",
        &["", "measured", "aim"],
        &[
            vec![
                "start to readiness on an existing database, ms".to_owned(),
                format!("{:.0}", median(&starts)),
                "1,000".to_owned(),
            ],
            vec!["resident memory after the start, MB".to_owned(), format!("{:.0}", median(&idle)), "80".to_owned()],
            vec!["resident memory after loading the demo, MB".to_owned(), format!("{after_demo:.0}"), "".to_owned()],
            vec!["stripped release binary, MB".to_owned(), format!("{:.1}", size as f64 / 1e6), "60".to_owned()],
        ],
    );
    Ok(())
}

/// The release program: named by `KALENDS_BIN`, else beside this one.
fn program() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("KALENDS_BIN") {
        return Ok(path.into());
    }
    let beside = std::env::current_exe()?.with_file_name("kalends");
    if !beside.exists() {
        bail!("the program is not built: cargo build --release --package kalends-server, or cargo xtask bench");
    }
    Ok(beside)
}

struct Process {
    child: Child,
    ready_after: Duration,
}

impl Process {
    async fn start(program: &Path, data: &Path, arguments: &[&str]) -> Result<Process> {
        let addr: SocketAddr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let began = Instant::now();
        let child = Command::new(program)
            .args(["serve", "--listen", &addr.to_string(), "--data"])
            .arg(data)
            .args(arguments)
            .env_clear()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let mut process = Process { child, ready_after: Duration::ZERO };
        while began.elapsed() < Duration::from_secs(60) {
            if is_ready(addr).await {
                process.ready_after = began.elapsed();
                return Ok(process);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        bail!("the program is not ready after a minute")
    }

    /// Megabytes of resident memory (proc(5), VmRSS).
    fn rss(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1024.0 / 1e6)
    }
}

async fn is_ready(addr: SocketAddr) -> bool {
    let Ok(mut connection) = Connection::open(addr).await else { return false };
    matches!(connection.send(&request("GET", "/readyz", "x", "")).await, Ok(200))
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
