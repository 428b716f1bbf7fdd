//! The bell between processes: one session that hears of the commits of others and tells them of this process's.
//!
//! A NOTIFY inside a transaction would serialise the commits of the whole cluster. Here it follows them, and one stands for
//! all commits since the one before.

use std::future::poll_fn;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio_postgres::{AsyncMessage, Client, Config};

use super::address::Address;
use crate::bell::Bell;

/// The time between two NOTIFYs at least.
const SPACING: Duration = Duration::from_millis(20);
/// The bell rings in this interval while there is no session to hear others with.
const DEAF: Duration = Duration::from_secs(1);

const CHANNEL: &str = "kalends_commits";

#[derive(Clone)]
pub(crate) struct Listener(Arc<Inner>);

struct Inner {
    address: Address,
    bell: Bell,
    committed: Notify,
    task: OnceLock<AbortHandle>,
}

impl Listener {
    pub(crate) fn new(address: Address, bell: Bell) -> Listener {
        Listener(Arc::new(Inner { address, bell, committed: Notify::new(), task: OnceLock::new() }))
    }

    /// Tells other processes of a commit, soon.
    pub(crate) fn committed(&self) {
        self.start();
        self.0.committed.notify_one();
    }

    /// Starts to hear of other processes' commits, unless that has begun already.
    pub(crate) fn start(&self) {
        self.0.task.get_or_init(|| tokio::spawn(run(self.0.clone())).abort_handle());
    }

    pub(crate) fn stop(&self) {
        if let Some(task) = self.0.task.get() {
            task.abort();
        }
    }
}

async fn run(inner: Arc<Inner>) {
    loop {
        if let Err(error) = hear_and_tell(&inner).await {
            tracing::debug!(%error, "no session to hear of other processes' commits");
        }
        // Commits may have been missed.
        inner.bell.ring();
        #[expect(clippy::disallowed_methods, reason = "waits for the server to come back, not for the clock")]
        tokio::time::sleep(DEAF).await;
    }
}

async fn hear_and_tell(inner: &Inner) -> Result<(), tokio_postgres::Error> {
    let mut config: Config = inner.address.config.clone();
    // Idle by nature, and never in a transaction.
    config.application_name("kalends-bell");
    let (client, mut connection) = config.connect(inner.address.tls.clone()).await?;
    let bell = inner.bell.clone();
    let (own, mut is_own) = tokio::sync::watch::channel(0);
    let hear = async move {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            match message? {
                AsyncMessage::Notification(notification)
                    if notification.process_id() != *is_own.borrow_and_update() =>
                {
                    bell.ring();
                }
                _ => {}
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = hear => ended,
        ended = tell(&client, &own, inner) => ended,
    }
}

async fn tell(
    client: &Client,
    own: &tokio::sync::watch::Sender<i32>,
    inner: &Inner,
) -> Result<(), tokio_postgres::Error> {
    own.send_replace(client.query_one("SELECT pg_backend_pid()", &[]).await?.try_get(0)?);
    client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
    // What was committed before this session listened.
    inner.bell.ring();
    loop {
        inner.committed.notified().await;
        client.batch_execute(&format!("NOTIFY {CHANNEL}")).await?;
        #[expect(
            clippy::disallowed_methods,
            reason = "spaces NOTIFYs of one process, so that they cost next to nothing"
        )]
        tokio::time::sleep(SPACING).await;
    }
}
