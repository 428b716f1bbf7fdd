//! Closing a connection so that the answer arrives. Whoever is refused before all was read (a file that is too large) is
//! still sending; a connection that is closed over bytes that nobody read is reset, and then a client or a proxy may see the
//! reset instead of the answer. So we stop sending, and read on for a while without keeping anything.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

/// For how long we read on, and how many bytes: enough for what is under way, too little to be of use to anybody.
const LONGEST: Duration = Duration::from_secs(5);
const MOST: u64 = 16 << 20;
/// How long we first do nothing: whoever sends as fast as it is taken (nginx) looks for an answer once nothing more is taken.
const PAUSE: Duration = Duration::from_millis(200);

/// A connection that lingers when it is dropped.
#[derive(Debug)]
pub struct Lingering(Option<TcpStream>);

impl Lingering {
    /// This connection.
    pub fn new(tcp: TcpStream) -> Lingering {
        Lingering(Some(tcp))
    }

    fn tcp(&mut self) -> Result<Pin<&mut TcpStream>> {
        self.0.as_mut().map(Pin::new).ok_or_else(|| std::io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let (Some(tcp), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) else { return };
        runtime.spawn(async move { tokio::time::timeout(LONGEST, read_on(tcp)).await.ok() });
    }
}

async fn read_on(mut tcp: TcpStream) {
    // An error means that there is nobody any more to wait for.
    if tcp.shutdown().await.is_ok() {
        #[expect(
            clippy::disallowed_methods,
            reason = "there is nothing to wait for: the other side shall find no room"
        )]
        tokio::time::sleep(PAUSE).await;
        tokio::io::copy(&mut tcp.take(MOST), &mut tokio::io::sink()).await.ok();
    }
}

impl AsyncRead for Lingering {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        self.tcp()?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        self.tcp()?.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        self.tcp()?.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.tcp()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.tcp()?.poll_shutdown(cx)
    }
}
