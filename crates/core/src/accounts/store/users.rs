use jiff::Timestamp;
use kalends_db::{Conn, Error, FromRow, Result, Row, Sql, Tx, sql};
use kalends_kernel::{EmailAddress, UserId, Zone};

use super::There;
use crate::accounts::{Card, Listed, NewAccount, User, Username};
use crate::ctx::GlobalRole;

const COLUMNS: &str = "id, username, email, email_verified_at, name, role, locale, time_zone, disabled, version, created_at, updated_at, deleted_at";

impl FromRow for User {
    fn from_row(row: &Row) -> Result<Self> {
        let zone = row.text("time_zone")?;
        Ok(User {
            id: row.get("id")?,
            username: row.get("username")?,
            email: row.opt("email")?,
            email_verified_at: row.opt("email_verified_at")?,
            name: row.get("name")?,
            role: GlobalRole::from_name(row.text("role")?),
            locale: row.get("locale")?,
            zone: Zone::parse(zone)
                .map_err(|unknown| Error::Decode { column: "time_zone".to_owned(), what: unknown.to_string() })?,
            disabled: row.get("disabled")?,
            version: row.get("version")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            deleted_at: row.opt("deleted_at")?,
        })
    }
}

impl FromRow for Card {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Card { id: row.get("id")?, name: row.get("name")?, username: row.get("username")? })
    }
}

/// What a sign-in is checked against.
pub(in crate::accounts) struct SecretOf {
    pub user: UserId,
    pub hash: Option<String>,
    pub open: bool,
}

impl FromRow for SecretOf {
    fn from_row(row: &Row) -> Result<Self> {
        let disabled: bool = row.get("disabled")?;
        let deleted: Option<Timestamp> = row.opt("deleted_at")?;
        Ok(SecretOf { user: row.get("id")?, hash: row.opt("password_hash")?, open: !disabled && deleted.is_none() })
    }
}

pub(in crate::accounts) async fn insert(tx: &mut Tx, id: UserId, new: &NewAccount, at: Timestamp) -> Result<()> {
    sql("INSERT INTO users (id, username, username_key, email, email_key, email_verified_at, name, name_key, password_hash, role, locale, time_zone,
                            disabled, version, created_at, updated_at, deleted_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1, $14, $14, $15)")
        .bind(id)
        .bind(new.username.as_str())
        .bind(new.username.key())
        .bind(new.email.as_str())
        .bind(new.email.key())
        .bind(new.email_verified.then_some(at))
        .bind(new.name.as_str())
        .bind(new.name.to_lowercase())
        .bind(new.password_hash.as_str())
        .bind(new.role.name())
        .bind(new.locale.as_str())
        .bind(new.zone.name())
        .bind(false)
        .bind(at)
        .bind(None::<Timestamp>)
        .run(tx)
        .await?;
    Ok(())
}

/// Whether there is any account, deleted ones included.
pub(in crate::accounts) async fn is_there_any(conn: &mut Conn) -> Result<bool> {
    Ok(sql("SELECT 1 AS n FROM users LIMIT 1").optional::<There>(conn).await?.is_some())
}

/// Whether an account has this user name. Asked before a write so that, when name and address are both taken, both engines
/// say the same; the unique index has the last word.
pub(in crate::accounts) async fn is_username_taken(conn: &mut Conn, key: &str) -> Result<bool> {
    Ok(sql("SELECT 1 AS n FROM users WHERE username_key = $1").bind(key).optional::<There>(conn).await?.is_some())
}

pub(in crate::accounts) async fn find(conn: &mut Conn, id: UserId) -> Result<Option<User>> {
    sql(format!("SELECT {COLUMNS} FROM users WHERE id = $1")).bind(id).optional(conn).await
}

/// The account, kept from being changed by others until the commit.
pub(in crate::accounts) async fn lock(tx: &mut Tx, id: UserId) -> Result<Option<User>> {
    const TEXT: &str = "SELECT id, username, email, email_verified_at, name, role, locale, time_zone, disabled, version, created_at, updated_at, deleted_at
                        FROM users WHERE id = $1";
    tx.lock_row(TEXT).bind(id).optional(tx).await
}

/// The administrators who can sign in, kept from being changed by others until the commit. Whoever takes this lock for
/// the same reason sees the outcome of the one before.
pub(in crate::accounts) async fn lock_admins(tx: &mut Tx) -> Result<Vec<UserId>> {
    struct UserRow(UserId);
    impl FromRow for UserRow {
        fn from_row(row: &Row) -> Result<Self> {
            row.get("id").map(UserRow)
        }
    }
    let statement =
        tx.lock_row("SELECT id FROM users WHERE role = 'admin' AND NOT disabled AND deleted_at IS NULL ORDER BY id");
    Ok(statement.all::<UserRow>(tx).await?.into_iter().map(|found| found.0).collect())
}

/// What a sign-in with this user name or e-mail address is checked against.
pub(in crate::accounts) async fn secret_of_login(conn: &mut Conn, login: &str) -> Result<Option<SecretOf>> {
    by_login("SELECT id, password_hash, disabled, deleted_at FROM users", login, "").optional(conn).await
}

/// The account that signs in with this user name or e-mail address.
pub(in crate::accounts) async fn card_of_login(conn: &mut Conn, login: &str) -> Result<Option<Card>> {
    by_login("SELECT id, name, username FROM users", login, "AND NOT disabled AND deleted_at IS NULL")
        .optional(conn)
        .await
}

fn by_login(select: &str, login: &str, and: &str) -> Sql {
    // A user name has no `@`, an address always has one.
    let column = if login.contains('@') { "email_key" } else { "username_key" };
    sql(format!("{select} WHERE {column} = $1 {and}")).bind(login.trim().to_lowercase())
}

/// What the account's password is checked against.
pub(in crate::accounts) async fn secret_of(conn: &mut Conn, id: UserId) -> Result<Option<SecretOf>> {
    sql("SELECT id, password_hash, disabled, deleted_at FROM users WHERE id = $1").bind(id).optional(conn).await
}

/// The same, kept from being changed by others until the commit.
pub(in crate::accounts) async fn lock_secret_of(tx: &mut Tx, id: UserId) -> Result<Option<SecretOf>> {
    tx.lock_row("SELECT id, password_hash, disabled, deleted_at FROM users WHERE id = $1").bind(id).optional(tx).await
}

pub(in crate::accounts) async fn set_password(tx: &mut Tx, id: UserId, hash: &str, at: Timestamp) -> Result<()> {
    sql("UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1")
        .bind(id)
        .bind(hash)
        .bind(at)
        .run(tx)
        .await?;
    Ok(())
}

/// Writes what can change of an account. The version must be the next one; false when somebody else was faster.
pub(in crate::accounts) async fn update(tx: &mut Tx, user: &User) -> Result<bool> {
    let changed = sql("UPDATE users SET username = $3, username_key = $4, email = $5, email_key = $6, email_verified_at = $7, name = $8, name_key = $9, role = $10,
                           locale = $11, time_zone = $12, disabled = $13, version = $14, updated_at = $15
                       WHERE id = $1 AND version = $2")
        .bind(user.id)
        .bind(user.version - 1)
        .bind(user.username.as_str())
        .bind(user.username.to_lowercase())
        .bind(user.email.clone())
        .bind(user.email.as_ref().map(|email| email.to_lowercase()))
        .bind(user.email_verified_at)
        .bind(user.name.as_str())
        .bind(user.name.to_lowercase())
        .bind(user.role.name())
        .bind(user.locale.as_str())
        .bind(user.zone.name())
        .bind(user.disabled)
        .bind(user.version)
        .bind(user.updated_at)
        .run(tx)
        .await?;
    Ok(changed == 1)
}

/// Takes everything that names a person out of the account.
pub(in crate::accounts) async fn anonymise(tx: &mut Tx, id: UserId, at: Timestamp) -> Result<()> {
    const NAME: &str = "Deleted user";
    let username = Username::of_deleted(id);
    sql("UPDATE users SET username = $2, username_key = $3, email = NULL, email_key = NULL, email_verified_at = NULL, name = $4, name_key = $5,
             password_hash = NULL, version = version + 1, updated_at = $6, deleted_at = $6
         WHERE id = $1")
        .bind(id)
        .bind(username.as_str())
        .bind(username.key())
        .bind(NAME)
        .bind(NAME.to_lowercase())
        .bind(at)
        .run(tx)
        .await?;
    Ok(())
}

/// Which accounts a list shows, before its place: `$1` whether disabled ones count, `$2` to `$4` what is searched for.
const LISTED: &str = "deleted_at IS NULL AND ($1 OR NOT disabled)
    AND (username_key LIKE $2 ESCAPE '!' OR name_key LIKE $2 ESCAPE '!' OR name_key LIKE $3 ESCAPE '!' OR email_key = $4)";

fn listed(select: &str, rest: &str, listed: &Listed) -> Sql {
    let key = listed.text.as_deref().map(str::to_lowercase).unwrap_or_default();
    let literal: String =
        key.chars().flat_map(|c| if matches!(c, '%' | '_' | '!') { vec!['!', c] } else { vec![c] }).collect();
    let email = EmailAddress::parse(&key).ok().filter(|_| listed.all).map(|email| email.key());
    sql(format!("{select} FROM users WHERE {LISTED} {rest}"))
        .bind(listed.all)
        .bind(format!("{literal}%"))
        .bind(format!("% {literal}%"))
        .bind(email)
}

/// A page of the list and one row more, by user name.
pub(in crate::accounts) async fn list(conn: &mut Conn, asked: &Listed) -> Result<Vec<User>> {
    let limit = i64::from(asked.limit) + 1;
    let select = format!("SELECT {COLUMNS}");
    match &asked.cursor {
        None => listed(&select, "ORDER BY username_key, id LIMIT $5", asked).bind(limit).all(conn).await,
        Some(cursor) => {
            listed(&select, "AND (username_key, id) > ($6, $7) ORDER BY username_key, id LIMIT $5", asked)
                .bind(limit)
                .bind(cursor.key.as_str())
                .bind(cursor.id)
                .all(conn)
                .await
        }
    }
}

/// How many there are in all.
pub(in crate::accounts) async fn count(conn: &mut Conn, asked: &Listed) -> Result<i64> {
    listed("SELECT count(*) AS n", "", asked).one(conn).await
}
