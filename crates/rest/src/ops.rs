//! For whoever runs the server: is it up, can it work, what does it do.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use kalends_db::sql;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::codes;
use crate::problem::{Answer, Problem};
use crate::reply::Reply;

/// The routes, outside `/api/v1`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(healthz)).routes(routes!(readyz)).routes(routes!(metrics))
}

/// The state of the server.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"status": "ok"}))]
struct Health {
    /// `ok`.
    status: &'static str,
}

/// Check that the process is up
///
/// Returns 200 as long as the process runs, whatever the state of the database. Use it to decide whether to restart the
/// server.
#[utoipa::path(get, path = "/healthz", tag = "operation", security(()), responses((status = 200, description = "The process is running.", body = Health)))]
async fn healthz() -> Reply {
    Reply::ok(&Health { status: "ok" })
}

/// Check that the server is ready
///
/// Queries the database. Load balancers should send requests elsewhere while the response is 503.
#[utoipa::path(get, path = "/readyz", tag = "operation", security(()), responses(
    (status = 200, description = "The database responds.", body = Health),
    (status = 503, description = "The database does not respond."),
))]
async fn readyz(State(app): State<App>) -> Answer {
    let asked = async {
        let mut conn = app.db.reader().await?;
        sql("SELECT count(*) AS n FROM settings").one::<i64>(&mut conn).await
    };
    match tokio::time::timeout(std::time::Duration::from_secs(5), asked).await {
        Ok(Ok(_)) => Ok(Reply::ok(&Health { status: "ok" })),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready");
            Err(unready())
        }
        Err(_) => Err(unready()),
    }
}

fn unready() -> Problem {
    Problem::new(&codes::BUSY).detail("the database does not answer").retry_after(5)
}

/// Show metrics
///
/// Returns counters and durations in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operation", security(()), responses(
    (status = 200, description = "The metrics", body = String, content_type = "text/plain"),
))]
async fn metrics(State(app): State<App>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (app.metrics)()).into_response()
}
