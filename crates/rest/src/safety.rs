//! What a handler cannot get wrong: every error is a problem document, nothing takes for ever, a panic is one failed
//! request.

use std::any::Any;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{StatusCode, header};

use crate::codes::{self, Code};
use crate::problem::Problem;

/// How long a request may take. Writes go on in a task of their own, so that ending the wait harms none.
const LONGEST: Duration = Duration::from_secs(30);

/// Runs the handler so that, whatever it does, an answer comes, and every error is a problem document. One layer for all of
/// it: each further one costs every request a copy of those inside.
pub async fn guarded(request: Request, next: Next) -> Response {
    let mut running = pin!(AssertUnwindSafe(next.run(request)).catch_unwind());
    // Many answers are there at once: no clock is set for those.
    let at_once = poll_fn(|cx| Poll::Ready(running.as_mut().poll(cx))).await;
    let ended = match at_once {
        Poll::Ready(ended) => Ok(ended),
        Poll::Pending => tokio::time::timeout(LONGEST, running).await,
    };
    let response = match ended {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => panicked(panic.as_ref()),
        Err(_) => Problem::new(&codes::BUSY).detail("the request took too long").retry_after(5).into_response(),
    };
    as_problem(response)
}

/// The answer to a request whose handler panicked: a fault of ours, logged; the caller gets the request id.
fn panicked(what: &(dyn Any + Send)) -> Response {
    let text = what.downcast_ref::<&str>().copied().or_else(|| what.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text.unwrap_or("without a text"), "a handler panicked");
    Problem::new(&codes::INTERNAL).into_response()
}

/// What is not there.
pub async fn not_found() -> Problem {
    Problem::new(&codes::NOT_FOUND)
}

/// Errors that the framework made (no such path, no such method, an unreadable path) become problem documents too.
fn as_problem(response: Response) -> Response {
    let status = response.status();
    let ours = response.headers().get(header::CONTENT_TYPE).is_some_and(|media| {
        // A page says in its own words what is wrong.
        media == "application/problem+json" || media.as_bytes().starts_with(b"text/html")
    });
    if ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let mut answer = Problem::new(code_of(status)).into_response();
    if let Some(allow) = response.headers().get(header::ALLOW) {
        answer.headers_mut().insert(header::ALLOW, allow.clone());
    }
    answer
}

fn code_of(status: StatusCode) -> &'static Code {
    match status.as_u16() {
        401 => &codes::SIGN_IN,
        403 => &codes::FORBIDDEN,
        404 => &codes::NOT_FOUND,
        405 => &codes::METHOD,
        406 => &codes::NOT_ACCEPTABLE,
        413 => &codes::TOO_LARGE,
        415 => &codes::MEDIA_TYPE,
        422 => &codes::INVALID,
        503 => &codes::BUSY,
        400..500 => &codes::UNREADABLE,
        _ => &codes::INTERNAL,
    }
}
