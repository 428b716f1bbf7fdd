//! All SQL of who is in a group.

use jiff::Timestamp;
use kalends_db::{Conn, FromRow, Result, Row, Tx, sql};
use kalends_kernel::{Cursor, GroupId, UserId};

use super::groups::{GroupRow, On};
use crate::access::Role;
use crate::sharing::groups::Member;

impl FromRow for Member {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Member {
            user: row.get("user_id")?,
            name: row.get("name")?,
            username: row.get("username")?,
            since: row.get("created_at")?,
        })
    }
}

/// The members of a group, by user name.
pub(crate) async fn members(
    conn: &mut Conn,
    group: GroupId,
    limit: i64,
    behind: Option<&Cursor>,
) -> Result<Vec<Member>> {
    const TEXT: &str = "SELECT m.user_id, u.name, u.username, m.created_at FROM group_members m JOIN users u ON u.id = m.user_id WHERE m.group_id = $1";
    match behind {
        None => sql(format!("{TEXT} ORDER BY u.username, u.id LIMIT $2")).bind(group).bind(limit).all(conn).await,
        Some(cursor) => {
            sql(format!("{TEXT} AND (u.username, u.id) > ($3, $4) ORDER BY u.username, u.id LIMIT $2"))
                .bind(group)
                .bind(limit)
                .bind(cursor.key.as_str())
                .bind(cursor.id)
                .all(conn)
                .await
        }
    }
}

/// How many members a group has.
pub(crate) async fn member_count(conn: &mut Conn, group: GroupId) -> Result<i64> {
    sql("SELECT count(*) AS n FROM group_members WHERE group_id = $1").bind(group).one(conn).await
}

/// Puts somebody in; false when they are already.
pub(crate) async fn add_member(tx: &mut Tx, group: GroupId, user: UserId, at: Timestamp) -> Result<bool> {
    let added = sql("INSERT INTO group_members (group_id, user_id, created_at) VALUES ($1, $2, $3) ON CONFLICT (group_id, user_id) DO NOTHING")
        .bind(group)
        .bind(user)
        .bind(at)
        .run(tx)
        .await?;
    Ok(added == 1)
}

pub(crate) async fn is_member(conn: &mut Conn, group: GroupId, user: UserId) -> Result<bool> {
    let found: i64 = sql("SELECT count(*) AS n FROM group_members WHERE group_id = $1 AND user_id = $2")
        .bind(group)
        .bind(user)
        .one(conn)
        .await?;
    Ok(found > 0)
}

pub(crate) async fn remove_member(tx: &mut Tx, group: GroupId, user: UserId) -> Result<()> {
    sql("DELETE FROM group_members WHERE group_id = $1 AND user_id = $2").bind(group).bind(user).run(tx).await?;
    Ok(())
}

/// The groups that somebody is in, addresses among them.
pub(crate) async fn memberships(conn: &mut Conn, user: UserId) -> Result<Vec<GroupId>> {
    let found: Vec<GroupRow> =
        sql("SELECT group_id AS id FROM group_members WHERE user_id = $1 ORDER BY 1").bind(user).all(conn).await?;
    Ok(found.into_iter().map(|found| found.0).collect())
}

/// Who has been in the group longest.
pub(crate) async fn first_member(conn: &mut Conn, group: GroupId) -> Result<Option<UserId>> {
    struct First(UserId);
    impl FromRow for First {
        fn from_row(row: &Row) -> Result<Self> {
            row.get("user_id").map(First)
        }
    }
    let found: Option<First> =
        sql("SELECT user_id FROM group_members WHERE group_id = $1 ORDER BY created_at, user_id LIMIT 1")
            .bind(group)
            .optional(conn)
            .await?;
    Ok(found.map(|found| found.0))
}

/// Who else than `but` owns something through a group: of the accounts that can sign in who has been in such a group longest.
/// An address counts for nothing here, even when it is somebody's: what follows would tell that it is.
pub(crate) async fn owner_by_group(conn: &mut Conn, on: On, but: UserId) -> Result<Option<UserId>> {
    struct Owner(UserId);
    impl FromRow for Owner {
        fn from_row(row: &Row) -> Result<Self> {
            row.get("user_id").map(Owner)
        }
    }
    let text = format!(
        "SELECT m.user_id FROM {} g JOIN user_groups s ON s.id = g.group_id AND s.email_key IS NULL
             JOIN group_members m ON m.group_id = g.group_id JOIN users u ON u.id = m.user_id
         WHERE g.{} = $1 AND g.rank = $2 AND m.user_id <> $3 AND NOT u.disabled AND u.deleted_at IS NULL
         ORDER BY m.created_at, m.user_id LIMIT 1",
        on.table(),
        on.column()
    );
    let found: Option<Owner> = on.bind(sql(text)).bind(Role::Owner.rank()).bind(but).optional(conn).await?;
    Ok(found.map(|found| found.0))
}
