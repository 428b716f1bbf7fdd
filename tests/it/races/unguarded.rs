//! A way to PostgreSQL on which words of statements get lost, so that a test can take one guard of the program away: the
//! program itself has no switch for it. What remains is everything else, the check beside the lock included; what goes wrong
//! then is what the guard is there for, and what its tests see.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kalends_db::testing::TestDb;
use kalends_db::{Engine, Options};
use kalends_kernel::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Without `FOR UPDATE`: rows that are read are not kept from others.
pub const NO_ROW_LOCKS: &[(&str, &str)] = &[(" FOR UPDATE", "           "), (" SKIP LOCKED", "            ")];
/// Without the locks on ids (`Tx::hold`): each is only counted.
pub const NO_HELD_IDS: &[(&str, &str)] = &[("pg_advisory_xact_lock(k)", "k                       ")];
/// Up to the newest transaction that is known instead of the oldest that is running.
pub const NO_HORIZON: &[(&str, &str)] = &[("pg_snapshot_xmin", "pg_snapshot_xmax")];

/// A database of its own that is reached that way.
pub struct Unguarded {
    /// What a server is given.
    pub db: TestDb,
    /// In how many places something was replaced: none would be no control.
    pub lost: Arc<AtomicUsize>,
    /// How many transactions PostgreSQL has broken off because they waited for each other.
    pub deadlocks: Arc<AtomicUsize>,
}

impl Unguarded {
    /// With these words replaced by others, which are as long.
    pub async fn database(words: &'static [(&'static str, &'static str)]) -> Unguarded {
        assert!(words.iter().all(|(word, other)| word.len() == other.len()), "{words:?}");
        let mut db = TestDb::on(Engine::Postgres).await;
        let address = address_of(&db.url).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own = listener.local_addr().expect("an address").to_string();
        db.url = db.url.replacen(&address, &own, 1);
        db.options = Options::Postgres { url: Secret::new(db.url.clone()), connections: 8 };
        let (lost, deadlocks) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        tokio::spawn({
            let counted = (lost.clone(), deadlocks.clone());
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    let server = TcpStream::connect(&address).await.expect("PostgreSQL answers");
                    tokio::spawn(pass(client, server, words, counted.clone()));
                }
            }
        });
        Unguarded { db, lost, deadlocks }
    }
}

/// `host:port` of `postgres://user@host:port/name`.
fn address_of(url: &str) -> &str {
    let behind = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = behind.split(['/', '?']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

async fn pass(
    client: TcpStream,
    server: TcpStream,
    words: &[(&str, &str)],
    (lost, deadlocks): (Arc<AtomicUsize>, Arc<AtomicUsize>),
) {
    client.set_nodelay(true).expect("set");
    server.set_nodelay(true).expect("set");
    let ((asked, answers), (answered, asks)) = (client.into_split(), server.into_split());
    let back = tokio::spawn(async move {
        // The code of a deadlock in an error (protocol 3.0, field C).
        forward(answered, answers, &[("C40P01", "C40P01")], &deadlocks).await;
    });
    forward(asked, asks, words, &lost).await;
    back.await.ok();
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, words: &[(&str, &str)], found: &AtomicUsize) {
    let mut waiting: Vec<u8> = Vec::with_capacity(1 << 14);
    while let Ok(1..) = from.read_buf(&mut waiting).await {
        for (word, other) in words {
            found.fetch_add(replace(&mut waiting, word.as_bytes(), other.as_bytes()), Ordering::SeqCst);
        }
        // What may be the beginning of a word waits for the rest. (No flight of messages ends so: the last of one ends with
        // its length, or with the state of the transaction.)
        let begun = words.iter().map(|(word, _)| begun_at_end(&waiting, word.as_bytes())).max().unwrap_or(0);
        let rest = waiting.split_off(waiting.len() - begun);
        if to.write_all(&std::mem::replace(&mut waiting, rest)).await.is_err() {
            break;
        }
    }
    to.shutdown().await.ok();
}

fn replace(text: &mut [u8], word: &[u8], other: &[u8]) -> usize {
    let mut replaced = 0;
    for at in 0..(text.len() + 1).saturating_sub(word.len()) {
        if let Some(found) = text.get_mut(at..at + word.len()).filter(|found| *found == word) {
            found.copy_from_slice(other);
            replaced += 1;
        }
    }
    replaced
}

/// How many bytes at the end are the beginning of the word.
fn begun_at_end(text: &[u8], word: &[u8]) -> usize {
    (1..word.len()).rev().find(|length| text.ends_with(&word[..*length])).unwrap_or(0)
}
