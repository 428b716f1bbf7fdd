use kalends_db::{Conn, Result};
use kalends_kernel::UserId;

use super::{Card, User, store};

/// The account, deleted or not; whoever asks must be it or an administrator.
pub async fn find(conn: &mut Conn, id: UserId) -> Result<Option<User>> {
    store::find(conn, id).await
}

/// What everybody signed in may know of an account; of a deleted one that it is deleted.
pub async fn card(conn: &mut Conn, id: UserId) -> Result<Option<Card>> {
    Ok(store::find(conn, id).await?.map(|user| user.card()))
}

/// The account with exactly this user name or e-mail address, whatever the case, if it may sign in.
pub async fn find_by_login(conn: &mut Conn, login: &str) -> Result<Option<Card>> {
    store::card_of_login(conn, login).await
}
