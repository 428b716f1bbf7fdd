//! Tokens: an epoch, a question and a place, as a text that clients keep and hand back. They give nobody any right.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kalends_kernel::{CalendarId, EventId};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::changes::Position;

/// Where somebody stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    epoch: [u8; 8],
    of: Uuid,
    admin: bool,
    pub(super) place: Place,
}

/// The place of a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Reading everything. The log is followed from `start` once that is done.
    Listing { start: Position, at: Spot },
    /// Everything up to `position` has been seen; and of the row behind it, which is about a whole calendar, the events up
    /// to `within`.
    Following { position: Position, within: Option<EventId> },
}

/// How far a listing is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Spot {
    /// Calendar by calendar, each with its events: which was given last, and which of its events.
    Calendars { calendar: Option<CalendarId>, event: Option<EventId> },
    /// Single events of calendars that the reader does not see.
    Shares { event: Option<EventId> },
}

impl Place {
    /// What of the log must still be there.
    pub(super) fn position(&self) -> Position {
        match self {
            Place::Listing { start, .. } => *start,
            Place::Following { position, .. } => *position,
        }
    }
}

/// The text is no token that this program made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TokenError;

/// The form of the bytes; another form gets another number.
const FORM: u8 = 1;
/// Form, kind, epoch, question, tx, seq, two ids.
const LENGTH: usize = 2 + 8 + 16 + 16 + 32;
const CHECK: usize = 4;

impl Token {
    /// A token of this epoch for this question; without a place yet.
    pub(super) fn new(epoch: &str, of: Option<CalendarId>, admin: bool) -> Token {
        let digest: [u8; 32] = Sha256::digest(epoch.as_bytes()).into();
        let place = Place::Following { position: Position::default(), within: None };
        Token { epoch: first(&digest), of: of.map_or(Uuid::nil(), CalendarId::uuid), admin, place }
    }

    pub(super) fn at(self, place: Place) -> Token {
        Token { place, ..self }
    }

    pub(super) fn is_same_question(&self, other: &Token) -> bool {
        self.of == other.of
    }

    pub(super) fn is_same_time(&self, other: &Token) -> bool {
        (self.epoch, self.admin) == (other.epoch, other.admin)
    }
}

fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    array
}

fn check(bytes: &[u8]) -> [u8; CHECK] {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    first(&digest)
}

/// An id, or none as the nil UUID, which is nobody's.
fn id_of(uuid: Uuid) -> Option<Uuid> {
    (!uuid.is_nil()).then_some(uuid)
}

impl Display for Token {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let nil = Uuid::nil();
        let (kind, position, one, two) = match self.place {
            Place::Following { position, within } => (0, position, nil, within.map_or(nil, EventId::uuid)),
            Place::Listing { start, at: Spot::Calendars { calendar, event } } => {
                (1, start, calendar.map_or(nil, CalendarId::uuid), event.map_or(nil, EventId::uuid))
            }
            Place::Listing { start, at: Spot::Shares { event } } => (2, start, nil, event.map_or(nil, EventId::uuid)),
        };
        let mut bytes = vec![FORM, kind | if self.admin { 0x80 } else { 0 }];
        bytes.extend(self.epoch);
        bytes.extend(self.of.as_bytes());
        bytes.extend(position.tx.to_be_bytes());
        bytes.extend(position.seq.to_be_bytes());
        bytes.extend(one.as_bytes());
        bytes.extend(two.as_bytes());
        bytes.extend(check(&bytes));
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        if text.len() > 2 * (LENGTH + CHECK) {
            return Err(TokenError);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError)?;
        let (bytes, sum) = bytes.split_at_checked(LENGTH).ok_or(TokenError)?;
        let [FORM, kind, rest @ ..] = bytes else { return Err(TokenError) };
        if check(bytes) != sum {
            return Err(TokenError);
        }
        let mut rest = rest;
        let epoch = take(&mut rest)?;
        let of = Uuid::from_bytes(take(&mut rest)?);
        let position = Position { tx: i64::from_be_bytes(take(&mut rest)?), seq: i64::from_be_bytes(take(&mut rest)?) };
        let one = id_of(Uuid::from_bytes(take(&mut rest)?)).map(CalendarId::new);
        let two = id_of(Uuid::from_bytes(take(&mut rest)?)).map(EventId::new);
        if position.tx < 0 || position.seq < 0 {
            return Err(TokenError);
        }
        let place = match kind & 0x7f {
            0 => Place::Following { position, within: two },
            1 => Place::Listing { start: position, at: Spot::Calendars { calendar: one, event: two } },
            2 => Place::Listing { start: position, at: Spot::Shares { event: two } },
            _ => return Err(TokenError),
        };
        Ok(Token { epoch, of, admin: kind & 0x80 != 0, place })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], TokenError> {
    let (head, tail) = rest.split_at_checked(N).ok_or(TokenError)?;
    *rest = tail;
    Ok(first(head))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens() -> impl Strategy<Value = Token> {
        let id = || proptest::option::of((1..u128::MAX).prop_map(Uuid::from_u128));
        let position = (0..i64::MAX, 0..i64::MAX).prop_map(|(tx, seq)| Position { tx, seq });
        (position, id(), id(), id(), 0..3, any::<bool>()).prop_map(|(position, of, one, two, kind, admin)| {
            let (calendar, event) = (one.map(CalendarId::new), two.map(EventId::new));
            let place = match kind {
                0 => Place::Following { position, within: event },
                1 => Place::Listing { start: position, at: Spot::Calendars { calendar, event } },
                _ => Place::Listing { start: position, at: Spot::Shares { event } },
            };
            Token::new("an epoch", of.map(CalendarId::new), admin).at(place)
        })
    }

    proptest! {
        #[test]
        fn a_token_is_read_as_it_was_written_and_a_changed_one_is_none(token in tokens(), at in 0..100_usize, to in proptest::char::range('A', 'z')) {
            let text = token.to_string();
            prop_assert_eq!(text.parse::<Token>(), Ok(token));
            let at = at % text.len();
            let changed: String =
                text.chars().enumerate().map(|(n, c)| if n == at { to } else { c }).collect();
            prop_assert!(changed == text || changed.parse::<Token>().is_err());
        }

        #[test]
        fn anything_else_is_no_token(text in ".{0,300}") {
            prop_assert_eq!(text.parse::<Token>(), Err(TokenError));
        }
    }
}
