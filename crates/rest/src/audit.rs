//! The audit log over REST, for administrators.

use axum::extract::State;
use kalends_core::audit::{self, Action, Audited, Filter, Seal};
use kalends_kernel::UserId;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::extract::SignedInCall;
use crate::problem::Answer;
use crate::query::Query;
use crate::reply::Reply;

/// The routes of the audit log.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(head))
}

/// An entry of the audit log.
#[derive(Serialize, ToSchema)]
#[schema(title = "Audited", example = json!({
    "id": "00000000000000000000000000000042", "at": "2027-01-15T10:00:00Z", "action": "write", "result": "ok",
    "actor_id": "01941f29-7c00-7bbb-8000-3d1c7e9a5b10", "door": "rest", "address": "203.0.113.9", "request_id": "01941f29-7c00-7ddd-8000-3d1c7e9a5b10",
    "operation": "deleted", "type": "event", "record_id": "01941f29-7c00-7ccc-8000-3d1c7e9a5b10", "count": 1, "detail": null
}))]
pub struct AuditedView {
    /// The opaque position in the log. Positions sort as text.
    id: String,
    /// The instant of the action.
    at: String,
    /// The kind of action. `admin_view` means that an administrator saw or used something of another person.
    action: String,
    /// The result. `failed` occurs for sign-ins only.
    result: String,
    /// The account that acted; null for the server itself and for failed sign-ins.
    #[schema(value_type = Option<Uuid>, required)]
    actor_id: Option<UserId>,
    /// The interface that was used, such as `rest`, `cli` or `import`.
    door: String,
    /// The IP address of the client; null for the server's own work.
    #[schema(required)]
    address: Option<String>,
    /// The `X-Request-Id` of the response.
    request_id: String,
    /// For a write: `created`, `updated` or `deleted`; otherwise null.
    #[schema(required)]
    operation: Option<String>,
    /// The type of the record; null without one.
    #[serde(rename = "type")]
    #[schema(required)]
    kind: Option<String>,
    /// The id of the record; null without one.
    #[schema(required)]
    record_id: Option<Uuid>,
    /// The number of occurrences. Failed sign-ins are counted per minute and address.
    count: i64,
    /// More about the action, such as the role before and after; null without more.
    #[schema(value_type = Option<Object>, required)]
    detail: Option<Value>,
}

impl AuditedView {
    fn of(row: Audited) -> AuditedView {
        AuditedView {
            id: row.position.to_string(),
            at: row.at.to_string(),
            action: row.action,
            result: row.result,
            actor_id: row.actor,
            door: row.door,
            address: row.address,
            request_id: row.request_id,
            operation: row.op,
            kind: row.kind,
            record_id: row.record,
            count: row.count,
            detail: row.detail.and_then(|text| serde_json::from_str(&text).ok()),
        }
    }
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub struct AuditPage {
    /// The entries, newest first.
    items: Vec<AuditedView>,
    /// The cursor of the next page; null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// The head of the hash chain. A copy of it kept elsewhere proves later that no earlier row was changed or removed.
#[derive(Serialize, ToSchema)]
#[schema(title = "AuditHead", example = json!({
    "n": 42, "id": "00000000000000000000000000000042", "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "sealed_at": "2027-01-15T10:00:00Z"
}))]
pub struct AuditHead {
    /// The number of seals; 0 before the first.
    n: i64,
    /// The last sealed row; null before the first seal.
    #[schema(required)]
    id: Option<String>,
    /// The SHA-256 hash of the previous seal and the rows since, in hexadecimal; null before the first seal.
    #[schema(required)]
    hash: Option<String>,
    /// The instant of the seal; null before the first.
    #[schema(required)]
    sealed_at: Option<String>,
}

impl AuditHead {
    fn of(seal: Option<Seal>) -> AuditHead {
        AuditHead {
            n: seal.as_ref().map_or(0, |seal| seal.n),
            id: seal.as_ref().map(|seal| seal.last.to_string()),
            hash: seal.as_ref().map(|seal| seal.hash.clone()),
            sealed_at: seal.map(|seal| seal.at.to_string()),
        }
    }
}

/// List the audit log
///
/// Returns writes, exports, administrators' views of other people's data, and sign-ins, newest first. Requires an
/// administrator; a personal token also needs the scope `admin`.
#[utoipa::path(get, path = "/api/v1/audit", tag = "operation", operation_id = "list_audit",
    params(("actor_id" = Option<uuid::Uuid>, Query, description = "Only actions of this account."),
        ("action" = Option<String>, Query, description = "Only actions of this kind."),
        ("record_id" = Option<uuid::Uuid>, Query, description = "Only entries about this record."),
        ("from" = Option<String>, Query, description = "Only entries from this instant on (RFC 3339 with offset)."), ("to" = Option<String>, Query, description = "Only entries before this instant (RFC 3339 with offset)."),
        ("limit" = Option<u32>, Query, description = "The maximum number of items: 1 to 500. Defaults to 50."), ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page.")),
    responses((status = 200, description = "A page of results.", body = AuditPage), (status = 403, description = "`role-needed`: the account must be an administrator. `scope-needed`: the personal token needs the scope `admin`.")))]
async fn list(State(app): State<App>, call: SignedInCall, mut query: Query) -> Answer {
    call.as_admin()?;
    let filter = Filter {
        actor: query.id("actor_id"),
        action: query.choice("action", Action::NAMES),
        record: query.parsed("record_id", "not-an-id", |text| text.parse().map_err(|_| "must be an id (a UUID)")),
        from: query.instant("from"),
        to: query.instant("to"),
        limit: query.limit(),
        cursor: query.cursor(),
        digest: query.digest(),
    };
    query.finish()?;
    let page = audit::list(&mut *app.db.reader().await?, &filter).await?;
    Ok(Reply::ok(&AuditPage {
        items: page.items.into_iter().map(AuditedView::of).collect(),
        next_cursor: page.next.map(|next| next.encode()),
    }))
}

/// Show the head of the audit log
///
/// Returns the newest seal of the audit log. The server seals new rows in a hash chain every second, and `kalends
/// check` verifies the chain. Keep a copy of the head elsewhere to prove later that no row was changed or removed.
/// Requires an administrator.
#[utoipa::path(get, path = "/api/v1/audit/head", tag = "operation", operation_id = "get_audit_head",
    responses((status = 200, description = "The newest seal.", body = AuditHead), (status = 403, description = "`role-needed`: the account must be an administrator. `scope-needed`: the personal token needs the scope `admin`.")))]
async fn head(State(app): State<App>, call: SignedInCall, query: Query) -> Answer {
    call.as_admin()?;
    query.finish()?;
    Ok(Reply::ok(&AuditHead::of(audit::head(&mut *app.db.reader().await?).await?)))
}
