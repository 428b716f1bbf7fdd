//! All SQL of groups and what they may do. Who is in them: `members`.

use jiff::Timestamp;
use kalends_db::{Conn, Error, FromRow, Result, Row, Sql, Tx, sql};
use kalends_kernel::{CalendarId, Cursor, EmailAddress, EventId, GroupId, UserId};

use crate::access::Role;
use crate::ctx::Ctx;
use crate::sharing::Party;
use crate::sharing::groups::Group;

/// What is shared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum On {
    Calendar(CalendarId),
    Event(EventId),
}

impl On {
    pub(super) fn table(self) -> &'static str {
        match self {
            On::Calendar(_) => "calendar_group_permissions",
            On::Event(_) => "event_group_permissions",
        }
    }

    pub(super) fn column(self) -> &'static str {
        match self {
            On::Calendar(_) => "calendar_id",
            On::Event(_) => "event_id",
        }
    }

    pub(super) fn bind(self, statement: Sql) -> Sql {
        match self {
            On::Calendar(id) => statement.bind(id),
            On::Event(id) => statement.bind(id),
        }
    }
}

/// A group's role on a calendar or event.
pub(crate) struct Grant {
    pub(crate) group: GroupId,
    pub(crate) name: String,
    pub(crate) email: Option<String>,
    pub(crate) role: Role,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

fn read_rank(row: &Row) -> Result<Role> {
    let rank: i64 = row.get("rank")?;
    Role::from_rank(rank).ok_or_else(|| Error::Decode { column: "rank".to_owned(), what: rank.to_string() })
}

impl FromRow for Grant {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Grant {
            group: row.get("group_id")?,
            name: row.get("name")?,
            email: row.opt("email")?,
            role: read_rank(row)?,
            expires_at: row.opt("expires_at")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// The groups and addresses with a role, in the order they were given.
pub(crate) async fn grants(conn: &mut Conn, on: On) -> Result<Vec<Grant>> {
    let text = format!(
        "SELECT p.group_id, g.name, g.email, p.rank, p.expires_at, p.created_at, p.updated_at
         FROM {} p JOIN user_groups g ON g.id = p.group_id WHERE p.{} = $1 ORDER BY p.created_at, g.name, g.id",
        on.table(),
        on.column()
    );
    on.bind(sql(text)).all(conn).await
}

impl FromRow for Party {
    fn from_row(row: &Row) -> Result<Self> {
        let id = row.get("id")?;
        Ok(match row.opt("email")? {
            Some(email) => Party::Address { id, email },
            None => Party::Group { id, name: row.get("name")? },
        })
    }
}

/// What stands in the log for a group or an address.
pub(crate) async fn party(conn: &mut Conn, group: GroupId) -> Result<Option<Party>> {
    sql("SELECT id, name, email FROM user_groups WHERE id = $1").bind(group).optional(conn).await
}

/// On how much a group has a role.
pub(crate) async fn count_grants(conn: &mut Conn, group: GroupId) -> Result<i64> {
    sql("SELECT (SELECT count(*) FROM calendar_group_permissions WHERE group_id = $1)
         + (SELECT count(*) FROM event_group_permissions WHERE group_id = $1) AS n")
    .bind(group)
    .one(conn)
    .await
}

pub(crate) async fn put_grant(
    tx: &mut Tx,
    ctx: &Ctx,
    on: On,
    group: GroupId,
    role: Role,
    expires_at: Option<Timestamp>,
) -> Result<()> {
    let text = format!(
        "INSERT INTO {table} ({column}, group_id, rank, granted_by, created_at, updated_at, expires_at) VALUES ($1, $2, $3, $4, $5, $5, $6)
         ON CONFLICT ({column}, group_id) DO UPDATE SET rank = excluded.rank, updated_at = excluded.updated_at, expires_at = excluded.expires_at",
        table = on.table(),
        column = on.column()
    );
    on.bind(sql(text)).bind(group).bind(role.rank()).bind(ctx.user()).bind(ctx.now).bind(expires_at).run(tx).await?;
    Ok(())
}

pub(crate) async fn remove_grant(tx: &mut Tx, on: On, group: GroupId) -> Result<u64> {
    let text = format!("DELETE FROM {} WHERE {} = $1 AND group_id = $2", on.table(), on.column());
    on.bind(sql(text)).bind(group).run(tx).await
}

/// The addresses of this person that have a role.
pub(crate) async fn addresses_of(conn: &mut Conn, on: On, user: UserId) -> Result<Vec<GroupId>> {
    let text = format!(
        "SELECT g.id FROM {} p JOIN user_groups g ON g.id = p.group_id JOIN group_members m ON m.group_id = g.id
         WHERE p.{} = $1 AND g.email_key IS NOT NULL AND m.user_id = $2",
        on.table(),
        on.column()
    );
    let found: Vec<GroupRow> = on.bind(sql(text)).bind(user).all(conn).await?;
    Ok(found.into_iter().map(|found| found.0).collect())
}

/// Gives what a group may do with one event on to another (a series that was split).
pub(crate) async fn copy_grants_to_event(tx: &mut Tx, from: EventId, to: EventId) -> Result<()> {
    sql("INSERT INTO event_group_permissions (event_id, group_id, rank, granted_by, created_at, updated_at, expires_at)
         SELECT $2, group_id, rank, granted_by, created_at, updated_at, expires_at FROM event_group_permissions WHERE event_id = $1")
        .bind(from)
        .bind(to)
        .run(tx)
        .await?;
    Ok(())
}

/// Which rows of the change log a change of groups writes: one for each person and record that it is about.
pub(crate) struct Reach {
    pub(crate) group: GroupId,
    /// Only this member.
    pub(crate) member: Option<UserId>,
    /// Only this record.
    pub(crate) on: Option<On>,
    /// `created`, `updated` or `deleted`.
    pub(crate) op: &'static str,
    /// The rank that the group had before, 0 for none; none when it is about to be taken away and still has it.
    pub(crate) was: Option<i64>,
}

/// Somebody's role in all, by their own name and through groups.
pub(crate) async fn effective(conn: &mut Conn, on: On, user: UserId) -> Result<Option<Role>> {
    let (own, column) = match on {
        On::Calendar(_) => ("calendar_permissions", "calendar_id"),
        On::Event(_) => ("event_permissions", "event_id"),
    };
    struct Rank(Option<Role>);
    impl FromRow for Rank {
        fn from_row(row: &Row) -> Result<Self> {
            Ok(Rank(row.opt("rank")?.and_then(Role::from_rank)))
        }
    }
    let text = format!(
        "SELECT CAST(max(r.rank) AS BIGINT) AS rank FROM (
            SELECT {RANK} AS rank FROM {own} d WHERE d.{column} = $1 AND d.user_id = $2
            UNION ALL SELECT g.rank FROM group_members m JOIN {table} g ON g.group_id = m.group_id
                WHERE m.user_id = $2 AND g.{column} = $1) r",
        table = on.table()
    );
    Ok(on.bind(sql(text)).bind(user).one::<Rank>(conn).await?.0)
}

const RANK: &str = "CASE d.role WHEN 'owner' THEN 4 WHEN 'editor' THEN 3 WHEN 'viewer' THEN 2 ELSE 1 END";

/// Writes them: people's rights have changed, as if each had been given or taken the role. `from` in the row's detail is what
/// the person was in all, which delta sync goes back by.
pub(crate) async fn record(tx: &mut Tx, ctx: &Ctx, reach: &Reach) -> Result<()> {
    const COLUMNS: &str =
        "INSERT INTO changes (at, kind, op, record_id, calendar_id, user_id, actor_id, door, request_id, detail)";
    let before = |own: &str, of_groups: &str, column: &str| {
        format!(
            "CASE (SELECT max(r.rank) FROM (
                SELECT {RANK} AS rank FROM {own} d WHERE d.{column} = p.{column} AND d.user_id = m.user_id
                UNION ALL SELECT CASE WHEN g.group_id = $6 AND $11 THEN $12 ELSE g.rank END
                    FROM group_members n JOIN {of_groups} g ON g.group_id = n.group_id
                    WHERE n.user_id = m.user_id AND g.{column} = p.{column}) r)
             WHEN 4 THEN '{{\"from\":\"owner\"}}' WHEN 3 THEN '{{\"from\":\"editor\"}}' WHEN 2 THEN '{{\"from\":\"viewer\"}}'
             WHEN 1 THEN '{{\"from\":\"free_busy\"}}' ELSE '{{\"from\":null}}' END"
        )
    };
    let calendars = format!(
        "{COLUMNS} SELECT $1, 'calendar_permission', $2, p.calendar_id, p.calendar_id, m.user_id, $3, $4, $5, {}
         FROM calendar_group_permissions p JOIN group_members m ON m.group_id = p.group_id
         WHERE p.group_id = $6 AND ($7 OR m.user_id = $8) AND ($9 OR p.calendar_id = $10)",
        before("calendar_permissions", "calendar_group_permissions", "calendar_id")
    );
    let events = format!(
        "{COLUMNS} SELECT $1, 'event_permission', $2, p.event_id, e.calendar_id, m.user_id, $3, $4, $5, {}
         FROM event_group_permissions p JOIN events e ON e.id = p.event_id JOIN group_members m ON m.group_id = p.group_id
         WHERE p.group_id = $6 AND ($7 OR m.user_id = $8) AND ($9 OR p.event_id = $10)",
        before("event_permissions", "event_group_permissions", "event_id")
    );
    let texts = match reach.on {
        Some(On::Calendar(id)) => vec![(calendars, Some(id.uuid()))],
        Some(On::Event(id)) => vec![(events, Some(id.uuid()))],
        None => vec![(calendars, None), (events, None)],
    };
    for (text, record) in texts {
        sql(text)
            .bind(ctx.now)
            .bind(reach.op)
            .bind(ctx.user())
            .bind(ctx.door.name())
            .bind(&*ctx.request_id)
            .bind(reach.group)
            .bind(reach.member.is_none())
            .bind(reach.member)
            .bind(record.is_none())
            .bind(kalends_db::Value::Uuid(record))
            .bind(reach.was.is_some())
            .bind(reach.was.unwrap_or(0))
            .run(tx)
            .await?;
    }
    Ok(())
}

pub(super) struct GroupRow(pub(super) GroupId);

impl FromRow for GroupRow {
    fn from_row(row: &Row) -> Result<Self> {
        row.get("id").map(GroupRow)
    }
}

/// The group that stands for an address; made when there is none.
pub(crate) async fn of_address(tx: &mut Tx, ctx: &Ctx, address: &EmailAddress) -> Result<GroupId> {
    sql("INSERT INTO user_groups (id, name, description, owner_id, email, email_key, version, created_at, updated_at)
         VALUES ($1, $2, '', NULL, $2, $3, 1, $4, $4) ON CONFLICT (email_key) DO NOTHING")
    .bind(ctx.ids.next::<kalends_kernel::kind::Group>())
    .bind(address.as_str())
    .bind(address.key())
    .bind(ctx.now)
    .run(tx)
    .await?;
    sql("SELECT id FROM user_groups WHERE email_key = $1")
        .bind(address.key())
        .one::<GroupRow>(tx)
        .await
        .map(|found| found.0)
}

/// Keeps the account with this address from being changed until the commit, so that nobody shows it to be theirs meanwhile.
pub(crate) async fn lock_address(tx: &mut Tx, key: &str) -> Result<()> {
    tx.lock_row("SELECT version AS n FROM users WHERE email_key = $1").bind(key).optional::<i64>(tx).await?;
    Ok(())
}

/// Makes whoever has shown that the address is theirs the member of its group.
pub(crate) async fn link_holder(tx: &mut Tx, group: GroupId, key: &str, at: Timestamp) -> Result<()> {
    sql("INSERT INTO group_members (group_id, user_id, created_at)
         SELECT $1, u.id, $2 FROM users u WHERE u.email_key = $3 AND u.email_verified_at IS NOT NULL AND u.deleted_at IS NULL
         ON CONFLICT (group_id, user_id) DO NOTHING")
    .bind(group)
    .bind(at)
    .bind(key)
    .run(tx)
    .await?;
    Ok(())
}

/// The group that stands for an address, if there is one.
pub(crate) async fn find_address(conn: &mut Conn, key: &str) -> Result<Option<GroupId>> {
    let found: Option<GroupRow> =
        sql("SELECT id FROM user_groups WHERE email_key = $1").bind(key).optional(conn).await?;
    Ok(found.map(|found| found.0))
}

/// Lets go of what waited too long for somebody to show that an address is theirs.
pub(crate) async fn remove_expired(tx: &mut Tx, group: GroupId, now: Timestamp) -> Result<()> {
    for table in ["calendar_group_permissions", "event_group_permissions"] {
        sql(format!("DELETE FROM {table} WHERE group_id = $1 AND expires_at <= $2"))
            .bind(group)
            .bind(now)
            .run(tx)
            .await?;
    }
    Ok(())
}

/// What a group may do where.
pub(crate) async fn grants_of(conn: &mut Conn, group: GroupId) -> Result<Vec<(On, Role)>> {
    struct Calendar(On, Role);
    impl FromRow for Calendar {
        fn from_row(row: &Row) -> Result<Self> {
            Ok(Calendar(On::Calendar(row.get("id")?), read_rank(row)?))
        }
    }
    struct Event(On, Role);
    impl FromRow for Event {
        fn from_row(row: &Row) -> Result<Self> {
            Ok(Event(On::Event(row.get("id")?), read_rank(row)?))
        }
    }
    let calendars: Vec<Calendar> =
        sql("SELECT calendar_id AS id, rank FROM calendar_group_permissions WHERE group_id = $1 ORDER BY 1")
            .bind(group)
            .all(conn)
            .await?;
    let events: Vec<Event> =
        sql("SELECT event_id AS id, rank FROM event_group_permissions WHERE group_id = $1 ORDER BY 1")
            .bind(group)
            .all(conn)
            .await?;
    let calendars = calendars.into_iter().map(|one| (one.0, one.1));
    Ok(calendars.chain(events.into_iter().map(|one| (one.0, one.1))).collect())
}

impl FromRow for Group {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Group {
            id: row.get("id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            owner: row.get("owner_id")?,
            version: row.get("version")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            is_member: row.get::<i64>("member")? > 0,
        })
    }
}

/// The columns of a group of people, with whether user `$1` is in it.
const GROUP: &str = "SELECT g.id, g.name, g.description, g.owner_id, g.version, g.created_at, g.updated_at,
    (SELECT count(*) FROM group_members m WHERE m.group_id = g.id AND m.user_id = $1) AS member
    FROM user_groups g WHERE g.email_key IS NULL";

pub(crate) async fn group(conn: &mut Conn, user: Option<UserId>, id: GroupId) -> Result<Option<Group>> {
    sql(format!("{GROUP} AND g.id = $2")).bind(user).bind(id).optional(conn).await
}

/// The groups that a person owns or is in, by name.
pub(crate) async fn groups_of(
    conn: &mut Conn,
    user: UserId,
    limit: i64,
    behind: Option<&Cursor>,
) -> Result<Vec<Group>> {
    let mine = "AND (g.owner_id = $1 OR g.id IN (SELECT m.group_id FROM group_members m WHERE m.user_id = $1))";
    let order = "ORDER BY g.name, g.id LIMIT $2";
    match behind {
        None => sql(format!("{GROUP} {mine} {order}")).bind(user).bind(limit).all(conn).await,
        Some(cursor) => {
            sql(format!("{GROUP} {mine} AND (g.name, g.id) > ($3, $4) {order}"))
                .bind(user)
                .bind(limit)
                .bind(cursor.key.as_str())
                .bind(cursor.id)
                .all(conn)
                .await
        }
    }
}

/// How many groups a person owns.
pub(crate) async fn owned_groups(conn: &mut Conn, user: UserId) -> Result<i64> {
    sql("SELECT count(*) AS n FROM user_groups WHERE owner_id = $1").bind(user).one(conn).await
}

/// Keeps others from changing the group, its members and what it may do until the commit.
pub(crate) async fn lock(tx: &mut Tx, id: GroupId) -> Result<()> {
    tx.lock_row("SELECT version AS n FROM user_groups WHERE id = $1").bind(id).optional::<i64>(tx).await?;
    Ok(())
}

pub(crate) async fn insert(tx: &mut Tx, group: &Group) -> Result<()> {
    sql("INSERT INTO user_groups (id, name, description, owner_id, version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(group.id)
        .bind(group.name.as_str())
        .bind(group.description.as_str())
        .bind(group.owner)
        .bind(group.version)
        .bind(group.created_at)
        .bind(group.updated_at)
        .run(tx)
        .await?;
    Ok(())
}

/// Writes a group that is locked.
pub(crate) async fn update(tx: &mut Tx, group: &Group) -> Result<()> {
    sql("UPDATE user_groups SET name = $2, description = $3, owner_id = $4, version = $5, updated_at = $6 WHERE id = $1")
        .bind(group.id)
        .bind(group.name.as_str())
        .bind(group.description.as_str())
        .bind(group.owner)
        .bind(group.version)
        .bind(group.updated_at)
        .run(tx)
        .await?;
    Ok(())
}

pub(crate) async fn delete(tx: &mut Tx, id: GroupId) -> Result<()> {
    sql("DELETE FROM user_groups WHERE id = $1").bind(id).run(tx).await?;
    Ok(())
}

/// The groups that somebody owns.
pub(crate) async fn owned_by(conn: &mut Conn, user: UserId) -> Result<Vec<GroupId>> {
    let found: Vec<GroupRow> =
        sql("SELECT id FROM user_groups WHERE owner_id = $1 ORDER BY 1").bind(user).all(conn).await?;
    Ok(found.into_iter().map(|found| found.0).collect())
}

pub(crate) async fn set_owner(tx: &mut Tx, group: GroupId, owner: UserId, at: Timestamp) -> Result<()> {
    sql("UPDATE user_groups SET owner_id = $2, version = version + 1, updated_at = $3 WHERE id = $1")
        .bind(group)
        .bind(owner)
        .bind(at)
        .run(tx)
        .await?;
    Ok(())
}

/// Whether this person deleted this group.
pub(crate) async fn was_deleted_by(conn: &mut Conn, id: GroupId, user: Option<UserId>) -> Result<bool> {
    let found: i64 = sql("SELECT count(*) AS n FROM changes WHERE record_id = $1 AND kind = 'group' AND op = 'deleted' AND actor_id = $2")
        .bind(id)
        .bind(user)
        .one(conn)
        .await?;
    Ok(found > 0)
}
