//! The texts that people carry to show who they are: a prefix that secret scanners know, then 32 random bytes in
//! base64url. Only SHA-256 digests of them are stored; 256 bits of chance need no salt and no slow hash.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use kalends_db::{Conn, Tx};
use kalends_kernel::{Ids, Secret, TokenId};
use sha2::{Digest, Sha256};

use super::store;
use crate::ctx::SignedIn;

/// What a token is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TokenKind {
    /// Shown with each request, for minutes.
    Access,
    /// Exchanged once for the next pair.
    Refresh,
    /// A program's, for as long as its owner wants.
    Personal,
}

impl TokenKind {
    fn prefix(self) -> &'static str {
        match self {
            TokenKind::Access => "kla_",
            TokenKind::Refresh => "klr_",
            TokenKind::Personal => "klp_",
        }
    }

    /// The digest of a text that has the form of such a token.
    pub(super) fn digest(self, text: &str) -> Option<[u8; 32]> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(self.prefix())?).ok()?;
        (bytes.len() == 32).then(|| Sha256::digest(text.as_bytes()).into())
    }

    /// A fresh token and its digest.
    pub(super) fn make(self, ids: Ids) -> (Secret, [u8; 32]) {
        let text = format!("{}{}", self.prefix(), URL_SAFE_NO_PAD.encode(ids.secret()));
        let digest = Sha256::digest(text.as_bytes()).into();
        (Secret::new(text), digest)
    }
}

/// The digest of a text that has the form of an access or personal token of ours.
pub fn token_digest(text: &str) -> Option<[u8; 32]> {
    TokenKind::Access.digest(text).or_else(|| TokenKind::Personal.digest(text))
}

/// A token that was good when the database was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// Whose it is, with the role of that moment.
    pub user: SignedIn,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// A personal token whose use should be noted, because that was not done lately.
    pub note: Option<TokenId>,
}

impl Verified {
    /// Whether it has not expired since.
    pub fn still(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }
}

/// Who shows this token, if it is good: known, not expired, not revoked, its session not ended, its account neither
/// disabled nor deleted. The role is the account's own, of now.
pub async fn verify(conn: &mut Conn, token: &str, now: Timestamp) -> kalends_db::Result<Option<Verified>> {
    if let Some(digest) = TokenKind::Access.digest(token) {
        return store::by_access_token(conn, digest, now).await;
    }
    match TokenKind::Personal.digest(token) {
        Some(digest) => store::by_personal_token(conn, digest, now).await,
        None => Ok(None),
    }
}

/// Notes that a personal token is in use, so that its owner sees which ones are; to the hour, which is one write an hour.
pub async fn note_use(tx: &mut Tx, id: TokenId, now: Timestamp) -> kalends_db::Result<()> {
    store::note_use(tx, id, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_texts_of_our_form_are_looked_up_and_each_kind_only_as_itself() {
        let ids = Ids::at(Timestamp::UNIX_EPOCH);
        let (access, digest) = TokenKind::Access.make(ids);
        assert_eq!(access.reveal().len(), 47);
        assert_eq!(token_digest(access.reveal()), Some(digest));
        assert_eq!(TokenKind::Refresh.digest(access.reveal()), None);
        let (refresh, _) = TokenKind::Refresh.make(ids);
        assert_eq!(token_digest(refresh.reveal()), None, "a refresh token opens nothing by itself");
        for bad in [
            "",
            "kla_",
            "kla_short",
            "kla_%%%",
            &format!("{}A", access.reveal()),
            &access.reveal().replace("kla_", "klx_"),
        ] {
            assert_eq!(token_digest(bad), None, "{bad}");
        }
    }
}
