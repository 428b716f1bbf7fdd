//! What a handler takes from a request: who asks, ids in the path, the JSON body (`crate::query` has the query parameters).
//! Each gives a problem document when it cannot be read.

use std::str::FromStr;
use std::sync::Arc;

use axum::body::HttpBody;
#[expect(clippy::disallowed_types, reason = "the house extractors are made of axum's")]
use axum::extract::Path;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Request};
use bytes::Bytes;
use http::Method;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use kalends_core::ctx::{Actor, Credential, Ctx, GlobalRole, Scope, SignedIn};
use kalends_kernel::{Invalid, fields};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::codes;
use crate::json;
use crate::middleware::Known;
use crate::problem::Problem;

/// The largest JSON body.
pub const MAX_BODY: usize = 1 << 20;
/// The largest JSON body of a request that carries many things at once.
pub const MAX_LARGE_BODY: usize = 8 << 20;

/// What is asked by POST because a question has too much to say for an address; nothing is changed.
const QUESTIONS: &[&str] = &["/api/v1/conflicts", "/api/v1/free-slots"];

/// A request from anybody.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who asks, when.
    pub ctx: Ctx,
    /// Where the request comes from.
    pub address: std::net::IpAddr,
    /// `If-Match`: the version it names. `*` is taken as absent: whatever is there.
    pub if_match: Option<IfMatch>,
    /// `If-None-Match`.
    pub if_none_match: Option<String>,
    /// `If-Modified-Since`.
    pub if_modified_since: Option<String>,
    /// `Idempotency-Key`.
    pub idempotency_key: Option<GivenKey>,
}

/// An `Idempotency-Key` that came with a request.
#[derive(Clone, Debug)]
pub struct GivenKey {
    /// The key.
    pub key: String,
    /// Method and path, to which it belongs.
    pub route: String,
}

/// What `If-Match` names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IfMatch(Vec<String>);

impl IfMatch {
    /// Whether one of the tags is of this version. Only the version counts, not the digest behind it.
    pub fn is_version(&self, version: i64) -> bool {
        let version = version.to_string();
        self.0.iter().any(|tag| tag.split('-').next() == Some(version.as_str()))
    }

    /// The versions that it names.
    pub fn versions(&self) -> Vec<i64> {
        self.0.iter().filter_map(|tag| tag.split('-').next().and_then(|version| version.parse().ok())).collect()
    }

    fn parse(text: &str) -> Option<IfMatch> {
        if text.trim() == "*" {
            return None;
        }
        Some(IfMatch(
            text.split(',').map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"').to_owned()).collect(),
        ))
    }
}

static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A header that a request hangs on. One that cannot be read is refused, and so is one that is there twice: to do without it
/// would be something else than was asked for.
fn header<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Problem> {
    let mut all = headers.get_all(name).iter();
    let (first, another) = (all.next(), all.next());
    let wrong = |what: &str| Problem::new(&codes::UNREADABLE).detail(format!("{name}: {what}"));
    match (first.map(HeaderValue::to_str), another) {
        (None, _) => Ok(None),
        (Some(Ok(value)), None) => Ok(Some(value)),
        (Some(Err(_)), _) => Err(wrong("only printable ASCII characters can be read")),
        (_, Some(_)) => Err(wrong("must be there once, its values separated by commas")),
    }
}

impl<S: Sync> FromRequestParts<S> for Call {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let known = parts.extensions.get::<Arc<Known>>().ok_or_else(|| Problem::new(&codes::INTERNAL))?;
        if known.bad_token {
            return Err(Problem::new(&codes::BAD_TOKEN));
        }
        let header = |name: &HeaderName| header(&parts.headers, name);
        // Without these the answer is only longer.
        let hint = |name: &HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let key = header(&IDEMPOTENCY_KEY)?.map(str::trim);
        if let Some(key) = key
            && (key.is_empty() || key.len() > 255)
        {
            return Err(Problem::new(&codes::UNREADABLE).detail("Idempotency-Key must have 1 to 255 characters"));
        }
        if let Actor::User(SignedIn { by: Credential::PersonalToken(_, scopes), .. }) = &known.ctx.actor {
            let asks = parts.extensions.get::<MatchedPath>().is_some_and(|path| QUESTIONS.contains(&path.as_str()));
            let needed = if parts.method.is_safe() || asks { Scope::Read } else { Scope::Write };
            if !scopes.iter().any(|scope| *scope >= needed) {
                return Err(
                    Problem::new(&codes::SCOPE_NEEDED).detail(format!("this needs the scope {}", needed.name()))
                );
            }
        }
        Ok(Call {
            ctx: known.ctx.clone(),
            address: known.address,
            if_match: header(&header::IF_MATCH)?.and_then(IfMatch::parse),
            if_none_match: hint(&header::IF_NONE_MATCH),
            if_modified_since: hint(&header::IF_MODIFIED_SINCE),
            idempotency_key: key
                .map(|key| GivenKey { key: key.to_owned(), route: format!("{} {}", parts.method, parts.uri.path()) }),
        })
    }
}

impl Call {
    /// The call without its `Idempotency-Key`, for methods that are repeatable by themselves.
    pub fn without_key(self) -> Call {
        Call { idempotency_key: None, ..self }
    }

    /// Whether the caller already has what carries this ETag. The comparison is weak (RFC 9110 13.1.2).
    pub fn has(&self, etag: &str) -> bool {
        self.if_none_match.as_deref().is_some_and(|given| {
            given.trim() == "*" || given.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag)
        })
    }
}

/// A request from somebody signed in; others get 401.
#[derive(Clone, Debug)]
pub struct SignedInCall {
    /// The request.
    pub call: Call,
    /// Who asks.
    pub user: SignedIn,
}

impl<S: Sync> FromRequestParts<S> for SignedInCall {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let call = Call::from_request_parts(parts, state).await?;
        match call.ctx.actor.clone() {
            Actor::User(user) => Ok(SignedInCall { call, user }),
            Actor::Anonymous | Actor::System => Err(Problem::new(&codes::SIGN_IN)),
        }
    }
}

impl SignedInCall {
    /// Refuses personal tokens, which must not be able to make more of themselves or to change the password.
    pub fn by_session(self) -> Result<SignedInCall, Problem> {
        match self.user.by {
            Credential::Session(_) => Ok(self),
            Credential::PersonalToken(..) => {
                Err(Problem::new(&codes::SCOPE_NEEDED).detail("personal tokens cannot do this; sign in"))
            }
        }
    }

    /// Refuses whoever is no administrator (and personal tokens without the scope `admin`).
    pub fn as_admin(self) -> Result<SignedInCall, Problem> {
        if self.user.role != GlobalRole::Admin {
            return Err(Problem::new(&codes::ROLE_NEEDED).detail("this needs the role admin"));
        }
        match &self.user.by {
            Credential::PersonalToken(_, scopes) if !scopes.contains(&Scope::Admin) => {
                Err(Problem::new(&codes::SCOPE_NEEDED).detail("this needs the scope admin"))
            }
            _ => Ok(self),
        }
    }
}

/// An id in the path. What is no id is not there: 404.
pub struct PathId<T>(pub T);

impl<T: FromStr + Send, S: Send + Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        #[expect(clippy::disallowed_types, reason = "the house extractors are made of axum's")]
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|_| Problem::new(&codes::NOT_FOUND))?;
        text.parse().map(PathId).map_err(|_| Problem::new(&codes::NOT_FOUND))
    }
}

/// Two parts of the path, such as an event and one of its instances.
pub struct PathPair<A, B>(pub A, pub B);

impl<A: FromStr + Send, B: FromStr + Send, S: Send + Sync> FromRequestParts<S> for PathPair<A, B> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        #[expect(clippy::disallowed_types, reason = "the house extractors are made of axum's")]
        let Path((a, b)) = Path::<(String, String)>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::new(&codes::NOT_FOUND))?;
        match (a.parse(), b.parse()) {
            (Ok(a), Ok(b)) => Ok(PathPair(a, b)),
            _ => Err(Problem::new(&codes::NOT_FOUND)),
        }
    }
}

/// Three parts of the path, such as an event and two of its versions.
pub struct PathTriple<A, B, C>(pub A, pub B, pub C);

impl<A: FromStr + Send, B: FromStr + Send, C: FromStr + Send, S: Send + Sync> FromRequestParts<S>
    for PathTriple<A, B, C>
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        #[expect(clippy::disallowed_types, reason = "the house extractors are made of axum's")]
        let Path((a, b, c)) = Path::<(String, String, String)>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::new(&codes::NOT_FOUND))?;
        match (a.parse(), b.parse(), c.parse()) {
            (Ok(a), Ok(b), Ok(c)) => Ok(PathTriple(a, b, c)),
            _ => Err(Problem::new(&codes::NOT_FOUND)),
        }
    }
}

/// A JSON body: an object.
#[derive(Clone, Debug)]
pub struct Body {
    /// Its members.
    pub map: Map<String, Value>,
    /// SHA-256 of the bytes, for idempotency keys.
    pub digest: [u8; 32],
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        Body::read(request, MAX_BODY).await
    }
}

/// A JSON body that may be larger than others, because it carries many things at once.
pub struct LargeBody(pub Body);

impl<S: Send + Sync> FromRequest<S> for LargeBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        Body::read(request, MAX_LARGE_BODY).await.map(LargeBody)
    }
}

impl Body {
    async fn read(request: Request, limit: usize) -> Result<Body, Problem> {
        let patch = request.method() == Method::PATCH;
        let media =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if media != "application/json" && !(patch && media == "application/merge-patch+json") {
            return Err(Problem::new(&codes::MEDIA_TYPE));
        }
        Body::parse(&read_up_to(request, limit).await?)
    }

    /// Reads an object. A name that stands in it twice is refused: two readers would disagree about its value.
    pub fn parse(bytes: &[u8]) -> Result<Body, Problem> {
        let value = json::read(bytes)
            .map_err(|e| Problem::new(&codes::UNREADABLE).detail(format!("the body is not JSON: {e}")))?;
        match value {
            Value::Object(map) => Ok(Body { map, digest: Sha256::digest(bytes).into() }),
            other => Err(Invalid::one(
                "",
                "wrong-type",
                format!("the body must be an object, not {}", fields::kind_of(&other)),
            )
            .into()),
        }
    }
}

/// A body that may be left out. An empty JSON object counts as left out: many clients always send one.
pub struct OptionalBody(pub Option<Body>);

impl<S: Send + Sync> FromRequest<S> for OptionalBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        // Many programs announce JSON with every request, also where they send nothing.
        let nothing = request.headers().get(header::CONTENT_TYPE).is_none() || request.body().is_end_stream();
        if nothing {
            Ok(OptionalBody(None))
        } else {
            let body = Body::from_request(request, state).await?;
            Ok(OptionalBody(Some(body).filter(|body| !body.map.is_empty())))
        }
    }
}

/// The bytes of a body, up to the usual limit.
pub async fn read(request: Request) -> Result<Bytes, Problem> {
    read_up_to(request, MAX_BODY).await
}

async fn read_up_to(request: Request, limit: usize) -> Result<Bytes, Problem> {
    let too_large = || Problem::new(&codes::TOO_LARGE).detail(format!("a body may have {limit} bytes"));
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    axum::body::to_bytes(request.into_body(), limit).await.map_err(|_| too_large())
}
