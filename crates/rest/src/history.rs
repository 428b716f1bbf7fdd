//! History over REST: versions, what is different between them, and the way back.

use axum::extract::State;
use kalends_core::changes::Position;
use kalends_core::events::Allowed;
use kalends_core::history::{self, Entry, Item, Line, Person, Place, RestoreWish, RoleChange, RollbackWish};
use kalends_core::sharing::Party;
use kalends_kernel::{CalendarId, Cursor, EventId, GroupId, UserId};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::conflicts::{ClashView, ReportView};
use crate::events::view::EventView;
use crate::events::written;
use crate::extract::{Body, IfMatch, OptionalBody, PathId, PathPair, PathTriple, SignedInCall};
use crate::problem::{Answer, Problem, ProblemDocument};
use crate::query::Query;
use crate::reply::Reply;
use crate::write::write;

/// The routes of history.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(diff))
        .routes(routes!(roll_back))
        .routes(routes!(changelog))
        .routes(routes!(restore_calendar))
}

/// Somebody, for people.
#[derive(Serialize, ToSchema)]
#[schema(title = "PersonCard")]
pub struct PersonView {
    /// The account.
    #[schema(value_type = uuid::Uuid)]
    id: UserId,
    /// The display name.
    name: String,
}

/// A version without its content.
#[derive(Serialize, ToSchema)]
#[schema(title = "HistoryEntry", example = json!({
    "version": 3, "at": "2027-01-15T10:05:00Z", "actor": {"id": "01941f29-7c00-7bbb-8000-3d1c7e9a5b10", "name": "Bob Baumann"},
    "door": "rest", "operation": "update", "comment": "the aula is taken", "changed": ["location"]
}))]
pub struct EntryView {
    /// The number of the version.
    version: i64,
    /// The instant at which it became current.
    at: String,
    /// The person who made it; null for the server itself.
    #[schema(required)]
    actor: Option<PersonView>,
    /// The interface that was used, such as `rest`, `cli` or `import`.
    door: String,
    /// The operation, such as `create`, `update`, `state`, `split`, `end`, `delete`, `restore` or `rollback`.
    operation: String,
    /// The comment of the person; null without one.
    #[schema(required)]
    comment: Option<String>,
    /// The fields that differ from the previous version.
    changed: Vec<String>,
}

/// A page of versions.
#[derive(Serialize, ToSchema)]
pub struct HistoryPage {
    /// The versions, newest first.
    items: Vec<EntryView>,
    /// The cursor of the next page; null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// The differences between two versions.
#[derive(Serialize, ToSchema)]
#[schema(title = "Diff", example = json!({
    "from": 2, "to": 3, "changes": {"location": {"from": "", "to": "Church"}, "categories": {"from": ["music"], "to": [], "added": [], "removed": ["music"]}},
    "patch": [{"op": "replace", "path": "/location", "value": "Church"}, {"op": "remove", "path": "/categories/0"}]
}))]
pub struct DiffView {
    /// The first version; null if there was none before `to`.
    #[schema(required)]
    from: Option<i64>,
    /// The second version.
    to: i64,
    /// By field `{from, to}`. Lists also have `added` and `removed`, `start` and `end` also `from_time_zone` and
    /// `to_time_zone`, `recurrence` also `from_words` and `to_words`, and `overrides` also `changed` by original start.
    #[schema(value_type = Object)]
    changes: Map<String, Value>,
    /// JSON Patch operations (RFC 6902) that turn the first version, as `GET …/history/{version}` returns it, into the
    /// second.
    #[schema(value_type = Vec<Object>)]
    patch: Value,
}

/// The name of a group.
#[derive(Serialize, ToSchema)]
#[schema(title = "GroupCard")]
pub struct NamedGroup {
    /// The group.
    #[schema(value_type = uuid::Uuid)]
    id: GroupId,
    /// The name of the group at that time.
    name: String,
}

/// A change of a role on the event.
#[derive(Serialize, ToSchema)]
#[schema(title = "RoleChange")]
pub struct RoleChangeView {
    /// The person whose role changed; null for a group or an email address.
    #[schema(required)]
    user: Option<PersonView>,
    /// The group whose role changed; null otherwise.
    #[schema(required)]
    group: Option<NamedGroup>,
    /// The email address whose role changed; null otherwise. Shown only to owners.
    #[schema(required)]
    email: Option<String>,
    /// The role before; null when there was none.
    #[schema(required)]
    from: Option<String>,
    /// The role after; null when it was taken away.
    #[schema(required)]
    to: Option<String>,
}

/// An entry of the changelog: a version with its differences, or a change of a role.
#[derive(Serialize, ToSchema)]
#[schema(title = "ChangelogLine")]
pub struct LineView {
    /// The version; null for a change of a role.
    #[schema(required)]
    version: Option<i64>,
    /// The instant of the change.
    at: String,
    /// The person who made it; null for the server itself.
    #[schema(required)]
    actor: Option<PersonView>,
    /// The interface that was used.
    door: String,
    /// The operation; for roles `share` or `unshare`.
    operation: String,
    /// The comment of the person; null without one.
    #[schema(required)]
    comment: Option<String>,
    /// The fields that differ from the previous version.
    changed: Vec<String>,
    /// The differences from the previous version; null for a change of a role.
    #[schema(required)]
    diff: Option<DiffView>,
    /// The change of a role; null for a version.
    #[schema(required)]
    permission: Option<RoleChangeView>,
}

/// A page of the changelog.
#[derive(Serialize, ToSchema)]
pub struct ChangelogPage {
    /// The entries, oldest first.
    items: Vec<LineView>,
    /// The cursor of the next page; null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// The options of a rollback.
#[derive(Serialize, ToSchema)]
#[schema(title = "RollbackInput", example = json!({"comment": "that was the right room"}))]
pub struct RollbackBody {
    /// A comment for the history; at most 2,000 characters.
    comment: Option<String>,
    /// What happens when the event conflicts with others. Defaults to the policies of the calendar and the venue.
    on_conflict: Option<String>,
}

/// The instant to restore a calendar to.
#[derive(Serialize, ToSchema)]
#[schema(title = "CalendarRestoreInput", example = json!({"at": "2027-01-15T10:00:00Z", "preview": true}))]
pub struct CalendarRestoreBody {
    /// The instant whose state is restored, with offset.
    at: String,
    /// Whether only to preview the result. Defaults to `true`.
    preview: Option<bool>,
    /// A comment for the history of each event; at most 2,000 characters.
    comment: Option<String>,
    /// What happens when an event conflicts with others: `reject` (the event stays as it is and its item says why),
    /// `warn` or `ignore`. Defaults to the policies of the calendar and the venue.
    on_conflict: Option<String>,
}

/// An event that has changed since the instant.
#[derive(Serialize, ToSchema)]
#[schema(title = "RestoreItem")]
pub struct RestoreItem {
    /// The event.
    #[schema(value_type = uuid::Uuid)]
    id: EventId,
    /// The title before the restore.
    title: String,
    /// What the restore does with the event. `delete` moves an event to the trash that did not exist at the instant;
    /// `restore` takes it out of the trash.
    action: &'static str,
    /// The version before the restore.
    from_version: i64,
    /// The version whose state the event gets; null if it did not exist.
    #[schema(required)]
    to_version: Option<i64>,
    /// The reason why the event stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ProblemDocument>, nullable = false)]
    problem: Option<Value>,
    /// The conflicts of the restored event, if the policy is `warn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    conflicts: Option<Vec<ClashView>>,
}

/// The result of restoring a calendar.
#[derive(Serialize, ToSchema)]
pub struct RestoreResult {
    /// The instant.
    at: String,
    /// Whether this is only a preview.
    preview: bool,
    /// All events that have changed since.
    items: Vec<RestoreItem>,
}

fn person(person: Person) -> PersonView {
    PersonView { id: person.id, name: person.name }
}

impl EntryView {
    fn of(entry: Entry) -> EntryView {
        let Entry { version, at, actor, door, operation, comment, changed } = entry;
        EntryView { version, at: at.to_string(), actor: actor.map(person), door, operation, comment, changed }
    }
}

fn difference(from: Option<&Allowed>, to: &Allowed) -> DiffView {
    let document = |of: &Allowed| serde_json::to_value(EventView::of(of)).unwrap_or_default();
    let history::Diff { changes, patch } = history::diff(&from.map_or_else(|| json!({}), document), &document(to));
    DiffView { from: from.map(|from| from.event.version), to: to.event.version, changes, patch }
}

/// List the versions of an event
///
/// Returns the versions of an event, newest first, without their content: who made each, when, and their comment.
/// Editors, owners and people with a role on the event itself see every version. People who only view its calendar see
/// the versions that viewers could see at the time.
#[utoipa::path(get, path = "/api/v1/events/{id}/history", tag = "history", operation_id = "list_history",
    params(("id" = uuid::Uuid, Path, description = "The event."), ("limit" = Option<u32>, Query, description = "The maximum number of items: 1 to 500. Defaults to 50."),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page.")),
    responses((status = 200, description = "A page of results.", body = HistoryPage), (status = 403, description = "You may see only when this event takes place, not its content.")))]
async fn list(State(app): State<App>, call: SignedInCall, PathId(id): PathId<EventId>, mut query: Query) -> Answer {
    let (limit, cursor, digest) = (i64::from(query.limit()), query.cursor(), query.digest());
    query.finish()?;
    let before = cursor.and_then(|cursor| cursor.key.parse().ok());
    let read =
        app.db.read(call.call.ctx.clone(), move |conn, ctx| Box::pin(history::list(conn, ctx, id, before, limit + 1)));
    let mut found = read.await?;
    let more = i64::try_from(found.len()).unwrap_or(i64::MAX) > limit;
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = found.last().filter(|_| more).map(|last| Cursor {
        key: last.version.to_string(),
        id: id.uuid(),
        part: String::new(),
        of: digest,
    });
    let items = found.into_iter().map(EntryView::of).collect();
    Ok(Reply::ok(&HistoryPage { items, next_cursor: next.map(|next| next.encode()) }))
}

/// Show a version of an event
///
/// Returns the whole event as of a version, in the form of `GET /events/{id}`.
#[utoipa::path(get, path = "/api/v1/events/{id}/history/{version}", tag = "history", operation_id = "get_version",
    params(("id" = uuid::Uuid, Path, description = "The event."), ("version" = i64, Path, description = "The number of the version.")),
    responses((status = 200, description = "The event as of that version.", body = EventView), (status = 304),
        (status = 403, description = "You may see only when this event takes place, not its content.")))]
async fn show(
    State(app): State<App>,
    call: SignedInCall,
    PathPair(id, version): PathPair<EventId, i64>,
    query: Query,
) -> Answer {
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let then = history::version(&mut conn, &call.call.ctx, id, version).await?;
    drop(conn);
    let view = EventView::of(&then);
    Ok(Reply::unless_known(&call.call, view.etag(), &view))
}

/// Compare two versions of an event
///
/// Returns the differences between two versions, in either order: by field for people, and as JSON Patch (RFC 6902) for
/// programs. You must be able to see the content of both versions.
#[utoipa::path(get, path = "/api/v1/events/{id}/diff/{v1}/{v2}", tag = "history", operation_id = "get_diff",
    params(("id" = uuid::Uuid, Path, description = "The event."), ("v1" = i64, Path, description = "The first version."), ("v2" = i64, Path, description = "The second version.")),
    responses((status = 200, description = "The differences.", body = DiffView), (status = 403, description = "You may see only when this event takes place, not its content.")))]
async fn diff(
    State(app): State<App>,
    call: SignedInCall,
    PathTriple(id, from, to): PathTriple<EventId, i64, i64>,
    query: Query,
) -> Answer {
    query.finish()?;
    let mut conn = app.db.reader().await?;
    let (from, to) = history::pair(&mut conn, &call.call.ctx, id, (from, to)).await?;
    drop(conn);
    Ok(Reply::ok(&difference(Some(&from), &to)))
}

/// Roll back an event
///
/// Makes an earlier version of the event the current one, as a new version, and returns it. Restores the content, the
/// editorial state, the calendar, and whether the event is in the trash. You need the same permissions as for making
/// each change by hand; moving the event into or out of the trash requires the owner role. No version is added if
/// nothing would change.
#[utoipa::path(post, path = "/api/v1/events/{id}/rollback/{version}", tag = "history", operation_id = "roll_back_event",
    params(("id" = uuid::Uuid, Path, description = "The event."), ("version" = i64, Path, description = "The version to roll back to.")),
    request_body = Option<RollbackBody>,
    responses((status = 200, description = "The updated resource.", body = EventView), (status = 403), (status = 409, description = "The change conflicts with the current state: `review-required`, `wrong-state`, `uid-taken` or `conflict`."),
        (status = 412)))]
async fn roll_back(
    State(app): State<App>,
    call: SignedInCall,
    PathPair(id, version): PathPair<EventId, i64>,
    body: OptionalBody,
) -> Answer {
    let (map, digest) = body.0.map_or_else(|| (Map::new(), [0; 32]), |body| (body.map, body.digest));
    let wish = RollbackWish::parse(&map, call.call.if_match.as_ref().map(IfMatch::versions))?;
    write(&app, call.call, digest, (id, version, wish), |tx, ctx, (id, version, wish)| {
        Box::pin(async move {
            let now = history::roll_back(tx, ctx, *id, *version, wish).await?;
            written(tx, ctx, &now, wish.on_conflict).await
        })
    })
    .await
}

/// List the changelog of an event
///
/// Returns the versions of the event, oldest first, each with its differences from the previous version. Changes of
/// roles are listed in between, if you may see roles and the change log still has them. A page may be shorter than
/// `limit` if the event is large.
#[utoipa::path(get, path = "/api/v1/events/{id}/changelog", tag = "history", operation_id = "list_changelog",
    params(("id" = uuid::Uuid, Path, description = "The event."), ("limit" = Option<u32>, Query, description = "The maximum number of items: 1 to 500. Defaults to 50."),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page.")),
    responses((status = 200, description = "A page of results.", body = ChangelogPage), (status = 403, description = "You may see only when this event takes place, not its content.")))]
async fn changelog(
    State(app): State<App>,
    call: SignedInCall,
    PathId(id): PathId<EventId>,
    mut query: Query,
) -> Answer {
    let (limit, digest) = (query.limit(), query.digest());
    let cursor = query.cursor();
    query.finish()?;
    let place = cursor.and_then(|cursor| {
        let (tx, seq) = cursor.part.split_once('.')?;
        let roles = Position { tx: tx.parse().ok()?, seq: seq.parse().ok()? };
        Some(Place { version: cursor.key.parse().ok()?, roles })
    });
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let read =
        app.db.read(call.call.ctx.clone(), move |conn, ctx| Box::pin(history::changelog(conn, ctx, id, place, limit)));
    let story = read.await?;
    let next = story.next.map(|place| Cursor {
        key: place.version.to_string(),
        id: id.uuid(),
        part: format!("{}.{}", place.roles.tx, place.roles.seq),
        of: digest,
    });
    let mut before = story.before;
    let mut items = Vec::new();
    for line in story.lines {
        match line {
            Line::Version(entry, then) => {
                let diff = difference(before.as_deref(), &then);
                before = Some(then);
                items.push(LineView::of_version(entry, diff));
            }
            Line::Role(role) => items.push(LineView::of_role(role)),
        }
    }
    Ok(Reply::ok(&ChangelogPage { items, next_cursor: next.map(|next| next.encode()) }))
}

impl LineView {
    fn of_version(entry: Entry, diff: DiffView) -> LineView {
        let EntryView { version, at, actor, door, operation, comment, changed } = EntryView::of(entry);
        LineView {
            version: Some(version),
            at,
            actor,
            door,
            operation,
            comment,
            changed,
            diff: Some(diff),
            permission: None,
        }
    }

    fn of_role(role: RoleChange) -> LineView {
        let RoleChange { at, actor, door, user, party, from, to, .. } = role;
        let (group, email) = match party {
            Some(Party::Group { id, name }) => (Some(NamedGroup { id, name }), None),
            Some(Party::Address { email, .. }) => (None, Some(email)),
            None => (None, None),
        };
        LineView {
            version: None,
            at: at.to_string(),
            actor: actor.map(person),
            door,
            operation: if to.is_some() { "share" } else { "unshare" }.to_owned(),
            comment: None,
            changed: vec!["permissions".to_owned()],
            diff: None,
            permission: Some(RoleChangeView { user: user.map(person), group, email, from, to }),
        }
    }
}

/// Restore a calendar to an instant
///
/// Takes all events of a calendar back to their state at an instant, in one transaction: changed events are rolled
/// back, deleted events are restored, and newer events are moved to the trash. Each gets a new version. An event that
/// cannot go back, for example because of a conflict, stays as it is, and its item says why. Only previews the result
/// by default. Requires the owner role. Fails with 422 if more than 1,000 events have changed since.
#[utoipa::path(post, path = "/api/v1/calendars/{id}/restore", tag = "history", operation_id = "restore_calendar", params(("id" = uuid::Uuid, Path, description = "The calendar.")), request_body = CalendarRestoreBody,
    responses((status = 200, description = "The events that would change, or have changed.", body = RestoreResult), (status = 403, description = "Requires the owner role."), (status = 422, description = "The request contains invalid values, or more than 1,000 events have changed since.")))]
async fn restore_calendar(
    State(app): State<App>,
    call: SignedInCall,
    PathId(id): PathId<CalendarId>,
    body: Body,
) -> Answer {
    let wish = RestoreWish::parse(&body.map)?;
    write(&app, call.call, body.digest, (id, wish), |tx, ctx, (id, wish)| {
        Box::pin(async move {
            let done = history::restore_calendar(tx, ctx, *id, wish).await?;
            let items = done.items.into_iter().map(restore_item).collect();
            Ok(Reply::ok(&RestoreResult { at: wish.at.to_string(), preview: wish.preview, items }))
        })
    })
    .await
}

fn restore_item(item: Item) -> RestoreItem {
    RestoreItem {
        id: item.id,
        title: item.title,
        action: item.action.name(),
        from_version: item.from,
        to_version: item.to,
        problem: item.problem.map(|problem| Problem::from(problem).to_json()),
        conflicts: item.clashes.map(|report| ReportView::of(&report).conflicts),
    }
}
