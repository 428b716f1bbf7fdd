//! The real program as a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Method;

use crate::request::Request;

/// How long a start or a stop may take. The aim is a second; a loaded machine gets more.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program with its data folder, to be run again and again.
pub struct Setup {
    program: PathBuf,
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
    wrapper: Vec<String>,
}

/// What a run that ended has said.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its exit code; None when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

#[expect(clippy::expect_used, clippy::new_without_default, reason = "for tests only")]
impl Setup {
    /// The program with an empty data folder, on SQLite. Only what is said here is in its environment.
    pub fn new() -> Setup {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Setup { program: program(), folder, environment: Vec::new(), wrapper: Vec::new() }
    }

    /// With a setting, as a variable of the environment: `set("http.listen", "127.0.0.1:0")`.
    pub fn set(self, key: &str, value: &str) -> Setup {
        self.env(&format!("KALENDS__{}", key.replace('.', "__").to_uppercase()), value)
    }

    /// With a variable of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Setup {
        self.environment.retain(|(given, _)| given != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Run under another program, such as `strace -D -f -o FILE` (`-D`: the server stays our child, and hears our signals).
    pub fn under(mut self, wrapper: &[&str]) -> Setup {
        self.wrapper = wrapper.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = match self.wrapper.split_first() {
            Some((wrapper, rest)) => {
                let mut command = Command::new(wrapper);
                command.args(rest).arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        command.args(arguments).current_dir(self.folder.path());
        command.env_clear().env("KALENDS__DATA_DIR", self.folder.path()).envs(self.environment.iter().cloned());
        for name in ["PATH", "HOME", "TMPDIR"] {
            if let Some(value) = variable(name) {
                command.env(name, value);
            }
        }
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_with_input(arguments, "")
    }

    /// Runs a command to its end with this on its standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A command that does not read its input may be gone already.
        stdin.write_all(input.as_bytes()).ok();
        drop(stdin);
        let output = child.wait_with_output().expect("the program ends");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Output { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Starts the server on a free port and waits until it is ready.
    pub async fn serve(&self, arguments: &[&str]) -> Binary {
        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).expect("a port").port();
        let listen = format!("127.0.0.1:{port}");
        let mut all = vec!["serve", "--listen", &listen];
        all.extend(arguments);
        let mut command = self.command(&all);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let began = Instant::now();
        let mut child = command.spawn().expect("the program starts");
        let said = Arc::new(Mutex::new(String::new()));
        collect(child.stdout.take().expect("a pipe"), said.clone());
        collect(child.stderr.take().expect("a pipe"), said.clone());
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut binary = Binary { child, said, client, base: format!("http://{listen}"), ready_after: Duration::ZERO };
        binary.wait_until_ready(began).await;
        binary
    }
}

/// The built program: `KALENDS_BIN`, else beside the test's own executable.
#[expect(clippy::expect_used, reason = "for tests only")]
fn program() -> PathBuf {
    if let Some(path) = variable("KALENDS_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("a path");
    let debug = test.parent().and_then(Path::parent).expect("target/debug");
    let path = debug.join("kalends");
    assert!(path.exists(), "{} is not built: cargo build -p kalends-server, or cargo xtask test", path.display());
    path
}

/// What `cargo xtask test` says in the environment.
#[expect(clippy::disallowed_methods, reason = "tests are configured by cargo xtask test")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn collect(from: impl Read + Send + 'static, into: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut said = into.lock().unwrap_or_else(PoisonError::into_inner);
            said.push_str(&line);
            said.push('\n');
        }
    });
}

/// A server in a process of its own; killed when dropped.
pub struct Binary {
    child: Child,
    said: Arc<Mutex<String>>,
    client: reqwest::Client,
    base: String,
    /// How long it took from its start to being ready.
    pub ready_after: Duration,
}

#[expect(clippy::expect_used, clippy::panic, reason = "for tests only")]
impl Binary {
    async fn wait_until_ready(&mut self, began: Instant) {
        loop {
            if let Ok(reply) = self.get("/readyz").try_send().await
                && reply.status.is_success()
            {
                self.ready_after = began.elapsed();
                return;
            }
            let gone = self.child.try_wait().expect("a state");
            if gone.is_some() || began.elapsed() > PATIENCE {
                panic!("the server is not ready ({gone:?}); it said:\n{}", self.said());
            }
            pause().await;
        }
    }

    /// The address, without a slash at the end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The id of the process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has said so far, on both outputs.
    pub fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// GET.
    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    /// POST.
    pub fn post(&self, path: &str) -> Request {
        self.request(Method::POST, path)
    }

    /// Any method.
    pub fn request(&self, method: Method, path: &str) -> Request {
        let what = format!("{method} {path}");
        Request::new(self.client.request(method, format!("{}{path}", self.base)), what)
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        // The shell's own: a small machine has no other.
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.pid())).status();
        assert!(sent.is_ok_and(|status| status.success()), "the signal {name} reaches the server");
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a state") {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "the server does not end; it said:\n{}", self.said());
            pause().await;
        }
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[expect(clippy::disallowed_methods, reason = "waits for another process, with a deadline around it")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}
