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
pub async fn body<S: Send + 'static>(app: &App, mut state: S, next: Next<S>) -> Answer<Body> {
    let mut conn = app.db.reader().await?;
    let first = next(&mut state, &mut conn).await?.unwrap_or_default();
    drop(conn);
    let first = Some(Ok(Bytes::from(first)));
    let app = Arc::new(app.clone());
    let pieces = stream::unfold((first, Some(state)), move |(first, state)| {
        let app = app.clone();
        async move {
            if let Some(first) = first {
                return Some((first, (None, state)));
            }
            let mut state = state?;
            match piece(&app, &mut state, next).await {
                Ok(piece) => Some((Ok(Bytes::from(piece?)), (None, Some(state)))),
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

async fn piece<S>(app: &App, state: &mut S, next: Next<S>) -> Result<Option<String>, Problem> {
    let mut conn = app.db.reader().await?;
    Ok(next(state, &mut conn).await?)
}
