//! Running a command: one transaction, and at most once for one `Idempotency-Key` (rule 8).

use std::sync::Arc;

use futures_util::future::BoxFuture;
use kalends_core::ctx::{Actor, Ctx};
use kalends_db::{Error, FromRow, Row, Tx, sql};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::codes;
use crate::extract::{Call, GivenKey};
use crate::problem::{Answer, Problem};
use crate::reply::Reply;

/// Runs a command as one transaction. With an `Idempotency-Key` its answer is stored in the same transaction, and a
/// repeat gets that answer instead of a second effect.
pub async fn write<A, F>(app: &App, call: Call, body_digest: [u8; 32], args: A, command: F) -> Answer
where
    A: Send + Sync + 'static,
    F: for<'a> Fn(&'a mut Tx, &'a Ctx, &'a A) -> BoxFuture<'a, Answer> + Send + Sync + 'static,
{
    let key = call.idempotency_key.as_ref().map(|given| Key::of(&call.ctx.actor, given, body_digest));
    let command = Arc::new(command);
    app.db
        .write((call.ctx, key, args), move |tx, (ctx, key, args)| {
            let command = command.clone();
            Box::pin(async move {
                ctx.begin();
                let Some(key) = key else { return command(tx, ctx, args).await };
                if let Some(reply) = begin(tx, ctx, key).await? {
                    return Ok(reply);
                }
                let reply = command(tx, ctx, args).await?;
                store(tx, key, &reply).await?;
                Ok(reply)
            })
        })
        .await
}

/// An idempotency key as the database knows it.
#[derive(Clone, Debug)]
struct Key {
    id: [u8; 32],
    body: [u8; 32],
}

impl Key {
    /// The key belongs to the actor, the method and the path. An anonymous one also to the body: a guessed key never
    /// gives away another guest's answer.
    fn of(actor: &Actor, given: &GivenKey, body: [u8; 32]) -> Key {
        let mut digest = Sha256::new();
        match actor {
            Actor::User(user) => digest.update(user.id.uuid().as_bytes()),
            Actor::Anonymous | Actor::System => digest.update(body),
        }
        for part in [given.route.as_str(), given.key.as_str()] {
            digest.update([0]);
            digest.update(part.as_bytes());
        }
        Key { id: digest.finalize().into(), body }
    }
}

struct StoredReply {
    body_digest: Vec<u8>,
    reply: Option<Reply>,
}

impl FromRow for StoredReply {
    fn from_row(row: &Row) -> kalends_db::Result<Self> {
        let status: i64 = row.get("status")?;
        Ok(StoredReply {
            body_digest: row.get("body_digest")?,
            reply: if status == 0 { None } else { Some(row.json("reply")?) },
        })
    }
}

/// The stored answer of a twin, or the right to be the first. The row is written before the command runs: a twin then
/// waits for it (PostgreSQL: up to 3 s at the unique index; SQLite: in the writer's queue) instead of running into the
/// first one's effects.
async fn begin(tx: &mut Tx, ctx: &Ctx, key: &Key) -> Answer<Option<Reply>> {
    let found: Option<StoredReply> =
        sql("SELECT status, body_digest, reply FROM idempotency_keys WHERE id = $1").bind(key.id).optional(tx).await?;
    if let Some(stored) = found {
        if stored.body_digest != key.body {
            return Err(Problem::new(&codes::KEY_REUSED));
        }
        return Ok(stored.reply);
    }
    tx.wait_at_most(3).await?;
    let inserted =
        sql("INSERT INTO idempotency_keys (id, body_digest, status, reply, created_at) VALUES ($1, $2, 0, '', $3)")
            .bind(key.id)
            .bind(key.body)
            .bind(ctx.now)
            .run(tx)
            .await;
    match inserted {
        Ok(_) => Ok(None),
        // The twin has committed: run again and find its answer.
        Err(Error::Unique(_)) => Err(tx.stale().into()),
        Err(Error::Busy(_)) => Err(Problem::new(&codes::IN_PROGRESS).retry_after(1)),
        Err(other) => Err(other.into()),
    }
}

async fn store(tx: &mut Tx, key: &Key, reply: &Reply) -> Answer<()> {
    sql("UPDATE idempotency_keys SET status = $2, reply = $3 WHERE id = $1")
        .bind(key.id)
        .bind(i64::from(reply.status))
        .bind_json(reply)?
        .run(tx)
        .await?;
    Ok(())
}
