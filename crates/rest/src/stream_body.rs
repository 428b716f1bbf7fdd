//! Answers that are made while they are sent: no connection of the database is held while a slow client takes its time,
//! and no more than one piece is in memory.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt};
use kalends_core::events::EventError;
use kalends_db::Conn;

use crate::app::App;
use crate::problem::{Answer, Problem};

/// Makes the next piece of something; none after the last.
pub type Next<S> = for<'a> fn(&'a mut S, &'a mut Conn) -> BoxFuture<'a, Result<Option<String>, EventError>>;

/// The body that `next` makes of `state`. The first piece is made now, so that what fails at once is still a problem
/// document; what fails later breaks the connection, and the client sees that the text is not whole.
pub async fn body<S: Send + 'static>(app: &App, state: S, next: Next<S>) -> Answer<Body> {
    let (state, first) = piece(app, state, next).await?;
    let first = Some(Ok(Bytes::from(first.unwrap_or_default())));
    let app = Arc::new(app.clone());
    let pieces = stream::unfold((first, Some(state)), move |(first, state)| {
        let app = app.clone();
        async move {
            if let Some(first) = first {
                return Some((first, (None, state)));
            }
            match piece(&app, state?, next).await {
                Ok((state, piece)) => Some((Ok(Bytes::from(piece?)), (None, Some(state)))),
                Err(problem) => {
                    tracing::warn!(problem = problem.code().slug, "an answer broke off");
                    Some((Err(std::io::Error::other(problem.code().slug)), (None, None)))
                }
            }
        }
    });
    // What packs an answer asks once more after its end.
    Ok(Body::from_stream(pieces.fuse()))
}

async fn piece<S: Send + 'static>(app: &App, mut state: S, next: Next<S>) -> Result<(S, Option<String>), Problem> {
    let read = app.db.read((), move |conn, ()| {
        Box::pin(async move {
            let piece = next(&mut state, conn).await?;
            Ok::<_, EventError>((state, piece))
        })
    });
    Ok(read.await?)
}
