//! The SQL of what others have shared with somebody.

use jiff::Timestamp;
use kalends_db::{Conn, Error, FromRow, Result, Row, sql};
use kalends_kernel::{Cursor, GroupId, UserId};
use uuid::Uuid;

use crate::access::Role;

/// A role that was given to somebody.
pub(crate) struct Given {
    pub(crate) is_calendar: bool,
    pub(crate) record: Uuid,
    pub(crate) role: Role,
    pub(crate) at: Timestamp,
    pub(crate) from: Option<(UserId, String)>,
    /// Through whom: the person themselves, or a group.
    pub(crate) source: Uuid,
    pub(crate) group: Option<(GroupId, String)>,
    pub(crate) by_address: bool,
}

impl FromRow for Given {
    fn from_row(row: &Row) -> Result<Self> {
        let rank: i64 = row.get("rank")?;
        let source: Uuid = row.get("source")?;
        let group: Option<String> = row.opt("group_name")?;
        let from: Option<UserId> = row.opt("granted_by")?;
        let name: Option<String> = row.opt("from_name")?;
        Ok(Given {
            is_calendar: row.get("is_calendar")?,
            record: row.get("record")?,
            role: Role::from_rank(rank)
                .ok_or_else(|| Error::Decode { column: "rank".to_owned(), what: rank.to_string() })?,
            at: row.get("at")?,
            from: from.zip(name),
            source,
            group: group.map(|name| (GroupId::new(source), name)),
            by_address: row.opt::<String>("email")?.is_some(),
        })
    }
}

/// Every way in which something was given to user `$1` that is not their own.
const GIVEN: &str = "
    SELECT true AS is_calendar, p.calendar_id AS record, CASE p.role WHEN 'owner' THEN 4 WHEN 'editor' THEN 3 WHEN 'viewer' THEN 2 ELSE 1 END AS role_rank,
        p.created_at AS at, p.granted_by, p.user_id AS source
    FROM calendar_permissions p JOIN calendars c ON c.id = p.calendar_id AND c.deleted_at IS NULL AND c.owner_id <> $1 WHERE p.user_id = $1
    UNION ALL
    SELECT false, p.event_id, CASE p.role WHEN 'owner' THEN 4 WHEN 'editor' THEN 3 WHEN 'viewer' THEN 2 ELSE 1 END, p.created_at, p.granted_by, p.user_id
    FROM event_permissions p JOIN events e ON e.id = p.event_id AND e.deleted_at IS NULL AND e.author_id <> $1 WHERE p.user_id = $1
    UNION ALL
    SELECT true, p.calendar_id, p.rank, p.created_at, p.granted_by, p.group_id
    FROM group_members m JOIN calendar_group_permissions p ON p.group_id = m.group_id
        JOIN calendars c ON c.id = p.calendar_id AND c.deleted_at IS NULL AND c.owner_id <> $1 WHERE m.user_id = $1
    UNION ALL
    SELECT false, p.event_id, p.rank, p.created_at, p.granted_by, p.group_id
    FROM group_members m JOIN event_group_permissions p ON p.group_id = m.group_id
        JOIN events e ON e.id = p.event_id AND e.deleted_at IS NULL AND e.author_id <> $1 WHERE m.user_id = $1";

/// What was given to a person, the newest first.
pub(crate) async fn given_to(conn: &mut Conn, user: UserId, limit: i64, behind: Option<&Cursor>) -> Result<Vec<Given>> {
    let text = |and: &str| {
        format!(
            "SELECT x.is_calendar, x.record, CAST(x.role_rank AS BIGINT) AS rank, x.at, x.granted_by, x.source,
                u.name AS from_name, g.name AS group_name, g.email
             FROM ({GIVEN}) x LEFT JOIN users u ON u.id = x.granted_by LEFT JOIN user_groups g ON g.id = x.source
             {and} ORDER BY x.at DESC, x.record DESC, x.source DESC LIMIT $2"
        )
    };
    match behind {
        None => sql(text("")).bind(user).bind(limit).all(conn).await,
        Some(cursor) => {
            let micros = cursor.key.parse().unwrap_or(0);
            sql(text("WHERE (x.at, x.record, x.source) < ($3, $4, $5)"))
                .bind(user)
                .bind(limit)
                .bind(Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH))
                .bind(cursor.id)
                .bind(cursor.part.parse::<Uuid>().unwrap_or(Uuid::nil()))
                .all(conn)
                .await
        }
    }
}
