//! A lean load generator: one thread, raw TCP, requests written as they were made beforehand, answers read by their length.
//! A client library would cost more than the server that is measured.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::report;

/// What one round of load has shown.
#[derive(Clone, Debug)]
pub struct Round {
    /// Answers a second.
    pub per_second: f64,
    /// How long each took, in milliseconds.
    pub latencies: Vec<f64>,
    /// Microseconds of CPU for each answer in this process, without the generator.
    pub server_cpu: f64,
}

impl Round {
    /// The middle latency in milliseconds.
    pub fn median(&self) -> f64 {
        report::median(&self.latencies)
    }
}

/// A request as it goes over the wire; an empty token is none.
pub fn request(method: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    request_with(method, path, token, "", body)
}

/// The same with more header lines, each with its line end.
pub fn request_with(method: &str, path: &str, token: &str, headers: &str, body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{headers}");
    if !token.is_empty() {
        text.push_str(&format!("authorization: Bearer {token}\r\n"));
    }
    if !body.is_empty() {
        text.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

/// Sends the requests again and again over some connections that stay open, for a while; every answer must have this status.
pub async fn round(
    addr: SocketAddr,
    requests: &Arc<Vec<Vec<u8>>>,
    connections: usize,
    time: Duration,
    status: u16,
) -> Result<Round> {
    let requests = requests.clone();
    tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (before, own_before) = (cpu("/proc/self/stat"), cpu("/proc/thread-self/stat"));
        let began = Instant::now();
        let latencies = runtime.block_on(all(addr, &requests, connections, time, status))?;
        let elapsed = began.elapsed();
        let (after, own_after) = (cpu("/proc/self/stat"), cpu("/proc/thread-self/stat"));
        let answers = latencies.len() as f64;
        let server_cpu = ((after - before) - (own_after - own_before)) * 1e6 / answers;
        Ok(Round { per_second: answers / elapsed.as_secs_f64(), latencies, server_cpu })
    })
    .await?
}

async fn all(
    addr: SocketAddr,
    requests: &Arc<Vec<Vec<u8>>>,
    connections: usize,
    time: Duration,
    status: u16,
) -> Result<Vec<f64>> {
    let until = Instant::now() + time;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..connections {
        let requests = requests.clone();
        tasks.spawn(async move {
            let mut connection = Connection::open(addr).await?;
            let mut latencies = Vec::with_capacity(1 << 16);
            let own = requests.iter().cycle().skip(number * requests.len() / connections);
            for request in own {
                let began = Instant::now();
                if began >= until {
                    break;
                }
                let got = connection.send(request).await?;
                if got != status {
                    bail!("the answer was {got}, not {status}: {}", String::from_utf8_lossy(connection.body()));
                }
                latencies.push(report::ms(began.elapsed()));
            }
            Ok(latencies)
        });
    }
    let mut together = Vec::new();
    while let Some(done) = tasks.join_next().await {
        together.extend(done??);
    }
    Ok(together)
}

/// One connection that stays open.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    body_at: usize,
}

impl Connection {
    /// Opens it.
    pub async fn open(addr: SocketAddr) -> Result<Connection> {
        let stream = TcpStream::connect(addr).await.context("connecting")?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: Vec::with_capacity(1 << 16), body_at: 0 })
    }

    /// Sends a request, waits for the whole answer, gives its status.
    pub async fn send(&mut self, request: &[u8]) -> Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let mut end = None;
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the server closed the connection");
            }
            if end.is_none()
                && let Some(head) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n")
            {
                self.body_at = head + 4;
                let head = String::from_utf8_lossy(self.buffer.get(..head).unwrap_or_default());
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.map_or(Ok(0), str::parse)?;
                // What is streamed ends with an empty chunk.
                let streamed = head.contains("transfer-encoding: chunked");
                self.buffer.reserve(length);
                end = Some(if streamed { usize::MAX } else { self.body_at + length });
            }
            let last_chunk = end == Some(usize::MAX) && self.buffer.ends_with(b"\r\n0\r\n\r\n");
            if last_chunk || end.is_some_and(|end| self.buffer.len() >= end) {
                break;
            }
        }
        // HTTP/1.1 200
        let digits = self.buffer.get(9..12).unwrap_or_default();
        Ok(std::str::from_utf8(digits)?.parse()?)
    }

    /// The body of the last answer.
    pub fn body(&self) -> &[u8] {
        self.buffer.get(self.body_at..).unwrap_or_default()
    }

    /// A header of the last answer, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = String::from_utf8_lossy(self.buffer.get(..self.body_at).unwrap_or_default()).into_owned();
        head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
    }

    /// The body of the last answer as JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        Ok(serde_json::from_slice(self.body())?)
    }
}

/// Seconds of CPU of a process or thread, user and system together (proc(5): fields 14 and 15, hundredths of a second).
fn cpu(file: &str) -> f64 {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    // The name in parentheses may hold blanks.
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}
