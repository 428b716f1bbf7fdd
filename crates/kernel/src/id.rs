use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// The id of one kind of thing: a UUIDv7 (RFC 9562), so ids sort by the time they were made. The kind keeps
/// a calendar's id from being taken for an event's.
pub struct Id<Kind>(Uuid, PhantomData<fn() -> Kind>);

/// The kinds of things that have ids.
pub mod kind {
    /// An account.
    pub enum User {}
    /// A signed-in session.
    pub enum Session {}
    /// A personal token.
    pub enum Token {}
    /// A calendar.
    pub enum Calendar {}
    /// An event or series.
    pub enum Event {}
    /// A secret feed.
    pub enum Feed {}
    /// A link that shares events.
    pub enum ShareLink {}
    /// A unit of background work.
    pub enum Job {}
    /// A file that somebody sent.
    pub enum Upload {}
    /// A place that can be double-booked.
    pub enum Venue {}
    /// A group of people.
    pub enum Group {}
}

/// The id of an account.
pub type UserId = Id<kind::User>;
/// The id of a signed-in session.
pub type SessionId = Id<kind::Session>;
/// The id of a personal token.
pub type TokenId = Id<kind::Token>;
/// The id of a calendar.
pub type CalendarId = Id<kind::Calendar>;
/// The id of an event or series.
pub type EventId = Id<kind::Event>;
/// The id of a secret feed.
pub type FeedId = Id<kind::Feed>;
/// The id of a link that shares events.
pub type ShareLinkId = Id<kind::ShareLink>;
/// The id of a unit of background work.
pub type JobId = Id<kind::Job>;
/// The id of a file that somebody sent.
pub type UploadId = Id<kind::Upload>;
/// The id of a place that can be double-booked.
pub type VenueId = Id<kind::Venue>;
/// The id of a group of people.
pub type GroupId = Id<kind::Group>;

impl<K> Id<K> {
    /// Takes a UUID as the id of this kind.
    pub const fn new(uuid: Uuid) -> Self {
        Id(uuid, PhantomData)
    }

    /// The bare UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl<K> FromStr for Id<K> {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Only the hyphenated form: one id has one spelling (in URLs, ETags and caches).
        if text.len() == 36 { Uuid::try_parse(text).map(Id::new) } else { Uuid::try_parse("").map(Id::new) }
    }
}
impl<K> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
impl<'de, K> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Uuid::deserialize(deserializer).map(Id::new)
    }
}
