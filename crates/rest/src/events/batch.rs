//! Many changes of events in one request.

use axum::extract::State;
use kalends_core::calendars::Conflicts;
use kalends_core::ctx::Ctx;
use kalends_core::events::{self, Batch, BatchRefused, Done, Operation};
use kalends_db::Tx;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::view::EventView;
use super::view_of;
use crate::app::App;
use crate::codes;
use crate::extract::{LargeBody, SignedInCall};
use crate::problem::{Answer, Problem, ProblemDocument};
use crate::reply::Reply;
use crate::write::write;

/// The routes of batches.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(batch))
}

/// Many operations.
#[derive(Serialize, ToSchema)]
#[schema(title = "BatchInput", example = json!({"mode": "atomic", "operations": [
    {"op": "create", "event": {"title": "Rehearsal", "start": "2027-03-22T19:30:00", "end": "2027-03-22T21:00:00"}}]}))]
pub struct BatchBody {
    /// `atomic` (default): all or none. `each`: operations that fail do not affect the others.
    mode: Option<String>,
    /// 1 to 1,000 operations, carried out in order.
    operations: Vec<BatchOperation>,
}

/// One operation of a batch.
#[derive(Serialize, ToSchema)]
pub struct BatchOperation {
    /// The kind of operation.
    op: String,
    /// The event to update or delete.
    id: Option<Uuid>,
    /// The ETag or version number that you have seen. The operation fails if the event has changed.
    #[schema(value_type = Option<String>)]
    if_match: Option<Value>,
    /// For `create`, the body of `POST /events`. For `update`, the body of `PATCH /events/{id}`.
    #[schema(value_type = Option<Object>)]
    event: Option<Map<String, Value>>,
}

/// The results of a batch.
#[derive(Serialize, ToSchema)]
pub struct BatchResults {
    /// One result per operation, in the same order.
    results: Vec<BatchResult>,
}

/// The result of one operation.
#[derive(Serialize, ToSchema)]
pub struct BatchResult {
    /// The status that the single request would have had.
    status: u16,
    /// The event after the operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    event: Option<EventView>,
    /// The reason why the operation failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ProblemDocument>, nullable = false)]
    problem: Option<Value>,
}

impl BatchResult {
    async fn of(
        tx: &mut Tx,
        ctx: &Ctx,
        result: Result<Done, events::EventError>,
        wish: Option<Conflicts>,
    ) -> Answer<BatchResult> {
        let (status, event) = match result {
            Ok(Done::Created(event)) => (201, Some(event)),
            Ok(Done::Updated(event)) => (200, Some(event)),
            Ok(Done::Deleted) => (204, None),
            Err(error) => {
                let problem = Problem::from(error);
                return Ok(BatchResult { status: problem.status(), event: None, problem: Some(problem.to_json()) });
            }
        };
        let event = match event {
            Some(event) => Some(view_of(tx, ctx, &event, wish).await?),
            None => None,
        };
        Ok(BatchResult { status, event, problem: None })
    }
}

impl From<BatchRefused> for Problem {
    fn from(refused: BatchRefused) -> Problem {
        match refused {
            BatchRefused::One(index, error) => Problem::from(error).with("index", index),
            BatchRefused::Internal(error) => error.into(),
        }
    }
}

/// The largest answer, in bytes: a thousand events can be as many as half a gigabyte.
const LARGEST: usize = 16 << 20;

/// Change many events
///
/// Creates, updates and deletes up to 1,000 events, each under the rules of the single request. In `atomic` mode, the
/// first failure undoes everything and is returned as the problem, with its position in `index` (from 0). In `each`
/// mode, every operation has its own result. The body may have up to 8 MiB.
#[utoipa::path(post, path = "/api/v1/events/batch", tag = "events", operation_id = "batch_events", request_body = BatchBody,
    responses((status = 200, description = "The result of each operation.", body = BatchResults), (status = 403, description = "In `atomic` mode: your role does not allow the operation at `index`."),
        (status = 404, description = "In `atomic` mode: the event of the operation at `index` does not exist, or you are not allowed to see it."), (status = 409, description = "In `atomic` mode, for the operation at `index`: `conflict`, `edit-conflict`, `review-required`, `orphaned-overrides`, `wrong-state` or `uid-taken`."),
        (status = 412, description = "In `atomic` mode: the event of the operation at `index` has changed since the version in its `if_match`.")))]
async fn batch(State(app): State<App>, call: SignedInCall, LargeBody(body): LargeBody) -> Answer {
    let batch = Batch::parse(&body.map)?;
    write(&app, call.call, body.digest, batch, |tx, ctx, batch| {
        Box::pin(async move {
            let results = events::batch(tx, ctx, batch).await?;
            let mut told = Vec::with_capacity(results.len());
            for (result, operation) in results.into_iter().zip(&batch.operations) {
                let wish = operation.as_ref().ok().and_then(Operation::on_conflict);
                told.push(BatchResult::of(tx, ctx, result, wish).await?);
            }
            let reply = Reply::ok(&BatchResults { results: told });
            if reply.body.len() > LARGEST {
                let detail = format!("the answer would have more than {LARGEST} bytes; send fewer operations at once");
                return Err(Problem::new(&codes::TOO_LARGE).detail(detail));
            }
            Ok(reply)
        })
    })
    .await
}
