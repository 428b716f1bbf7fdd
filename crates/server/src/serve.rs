//! Answering connections. `axum::serve` would do but for one thing: it waits for ever for a client that opens a connection
//! and says nothing, and a few thousand of those keep everybody else out.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::ServiceExt;

use crate::linger::Lingering;

/// Answers until `stopped`, then lets running requests end. Who takes longer than `head` for the head of a request is
/// shut out.
pub async fn serve(listener: TcpListener, router: Router, head: Duration, stopped: impl Future<Output = ()>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head);
    let connections = watch::Sender::new(false);
    let mut stopped = pin!(stopped);
    loop {
        let (tcp, client) = tokio::select! {
            biased;
            () = &mut stopped => break,
            accepted = accept(&listener) => accepted,
        };
        // Answers are written whole: waiting for more to send only adds 40 ms.
        tcp.set_nodelay(true).ok();
        let router = router.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(client));
            router.clone().oneshot(request)
        });
        let connection = http.serve_connection(TokioIo::new(Lingering::new(tcp)), service).with_upgrades();
        let mut stopping = connections.subscribe();
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = said(&mut stopping) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, %client, "a connection broke");
            }
        });
    }
    drop(listener);
    connections.send_replace(true);
    // Each connection holds a receiver until it ends.
    connections.closed().await;
}

async fn said(stopping: &mut watch::Receiver<bool>) {
    // The sender lives until every receiver is gone, so an error cannot be.
    stopping.wait_for(|stopping| *stopping).await.ok();
}

/// The next connection. Errors of single connections are passed over; when the machine has no room for another one, a
/// moment's rest lets those that are there end.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) => {}
            Err(error) => {
                tracing::error!(%error, "a connection could not be accepted");
                #[expect(
                    clippy::disallowed_methods,
                    reason = "rests before it tries again; nothing else could be waited for"
                )]
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// What a client gets that sends this and then nothing more.
    async fn answer_to(sent: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().route("/", axum::routing::get(async || "here"));
        let serving = tokio::spawn(serve(listener, router, Duration::from_millis(300), std::future::pending()));
        let mut client = TcpStream::connect(address).await.expect("connected");
        client.write_all(sent.as_bytes()).await.expect("written");
        let mut answer = String::new();
        let read = tokio::time::timeout(Duration::from_secs(10), client.read_to_string(&mut answer)).await;
        read.expect("the server closes the connection").expect("read");
        serving.abort();
        answer
    }

    #[tokio::test]
    async fn a_connection_that_says_nothing_is_closed() {
        assert_eq!(answer_to("").await, "");
        assert_eq!(answer_to("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await, "");
    }

    #[tokio::test]
    async fn a_connection_without_a_next_request_is_closed_after_the_answer() {
        let answer = answer_to("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("here"), "{answer}");
    }

    /// What a proxy does: it sends all it has, and looks for the answer afterwards.
    #[tokio::test]
    async fn who_is_refused_while_sending_gets_the_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().route("/", axum::routing::post(async || axum::http::StatusCode::PAYLOAD_TOO_LARGE));
        let serving = tokio::spawn(serve(listener, router, Duration::from_secs(5), std::future::pending()));
        let mut client = TcpStream::connect(address).await.expect("connected");
        const LENGTH: usize = 12 << 20;
        let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {LENGTH}\r\n\r\n");
        client.write_all(head.as_bytes()).await.expect("written");
        client.write_all(&vec![b'x'; LENGTH]).await.expect("all of it is taken");
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("no reset");
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        serving.abort();
    }
}
