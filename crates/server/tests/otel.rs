//! Spans over a real socket: `cargo xtask test` runs this once, with the feature `otel`.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "the helpers of tests may fail like the tests")]

use std::net::SocketAddr;

use kalends_core::accounts::Cost;
use kalends_kernel::Clock;
use kalends_server::{Config, Flags, Running, start_with};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A collector that takes everything: gives the head and the body of each request.
async fn collector() -> (String, mpsc::UnboundedReceiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (took, taken) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut bytes = Vec::new();
            loop {
                tcp.read_buf(&mut bytes).await.expect("read");
                let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
                let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
                let length =
                    head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse::<usize>().ok());
                let body = &bytes[end + 4..];
                if body.len() == length.expect("a length") {
                    took.send((head, body.to_vec())).expect("somebody listens");
                    break;
                }
            }
            tcp.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.expect("answered");
        }
    });
    (format!("http://{address}"), taken)
}

/// A server that tells this collector.
async fn telling(endpoint: &str) -> (Running, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let flags = Flags { data: Some(folder.path().to_owned()), ..Flags::default() };
    let settings = [("KALENDS__HTTP__LISTEN", "127.0.0.1:0"), ("KALENDS__TELEMETRY__OTLP_ENDPOINT", endpoint)];
    let config = Config::read(&flags, settings.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let cheap = Cost { memory: 16, passes: 1, lanes: 1 };
    (start_with(config.expect("right"), Clock::system(), cheap).await.expect("it starts"), folder)
}

async fn get(address: SocketAddr, path: &str, headers: &str) -> String {
    let mut tcp = TcpStream::connect(address).await.expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    tcp.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_is_a_span_with_route_status_and_request_id_under_its_callers_trace() {
    let (endpoint, mut taken) = collector().await;
    let (running, _folder) = telling(&endpoint).await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let caller = format!("traceparent: 00-{trace}-b7ad6b7169203331-01\r\n");
    let event = "01890000-0000-7000-8000-000000000000";
    let answer = get(running.addr, &format!("/api/v1/events/{event}?at=2027-01-01T00:00:00Z"), &caller).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    let id = answer.lines().find_map(|line| line.strip_prefix("x-request-id: ")).expect("a request id").to_owned();
    // What is still here is handed over before it stops.
    running.stop().await;
    let (head, body) = taken.recv().await.expect("a batch");
    assert!(head.starts_with("post /v1/traces http/1.1") && head.contains("application/x-protobuf"), "{head}");
    // Strings and ids stand in protobuf as they are.
    let has = |bytes: &[u8]| body.windows(bytes.len()).any(|some| some == bytes);
    let said =
        ["kalends", "GET /api/v1/events/{id}", "http.route", "http.response.status_code", "kalends.request_id", &id];
    for text in said {
        assert!(has(text.as_bytes()), "{text}: {:?}", String::from_utf8_lossy(&body));
    }
    let number = |hex: &str| u128::from_str_radix(hex, 16).expect("hex");
    assert!(has(&number(trace).to_be_bytes()) && has(&number("b7ad6b7169203331").to_be_bytes()[8..]), "{body:?}");
    assert!(!has(event.as_bytes()) && !has(b"2027-01-01"), "whose data it was about is not told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_costs_nothing() {
    let free = TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr()).expect("a port");
    let (running, _folder) = telling(&format!("http://{free}")).await;
    assert!(get(running.addr, "/healthz", "").await.starts_with("HTTP/1.1 200 "));
    running.stop().await;
}
