//! What happens to every request before and after its handler: request id, client address, sign-in, rate limit, log line,
//! metrics, headers.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use ipnet::IpNet;
use kalends_core::accounts;
use kalends_core::audit::{self, Trail};
use kalends_core::budget::Budget;
use kalends_core::ctx::{Actor, Ctx, Door, SignedIn};
use kalends_kernel::Ids;
use tower::{Layer, ServiceExt};
use tower_http::compression::CompressionLayer;

use crate::app::App;
use crate::codes;
use crate::limits::{Class, Left};
use crate::meters;
use crate::problem::Problem;
use crate::safety::guarded;

/// What is known of a request before its handler runs; handlers take it as [`crate::extract::Call`].
#[derive(Clone, Debug)]
pub struct Known {
    /// Who asks, when.
    pub ctx: Ctx,
    /// A token was shown and is not valid: a handler that looks at the caller refuses.
    pub bad_token: bool,
    /// Where the request comes from.
    pub address: IpAddr,
}

/// The layer around the whole API.
pub async fn around(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let now = app.clock.now();
    let ids = Ids::at(now);
    let request_id: Arc<str> = Arc::from(&*ids.label().hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()));
    let address = client_address(&request, &app.settings.trusted_proxies);
    let mut refused = None;
    let (actor, bad_token) = match bearer(request.headers()) {
        None => (Actor::Anonymous, false),
        Some(token) => match who(&app, token, now).await {
            Ok(Some(user)) => (Actor::User(user), false),
            Ok(None) => (Actor::Anonymous, true),
            Err(problem) => {
                refused = Some(problem);
                (Actor::Anonymous, false)
            }
        },
    };
    let anonymous = actor == Actor::Anonymous;
    let mut left = None;
    if app.settings.rate_limits && refused.is_none() {
        let class = class_of(request.method(), request.uri().path(), bad_token);
        let client = match (&actor, class) {
            (Actor::User(user), Class::Read | Class::Write) => user.id.to_string(),
            _ => network(address).to_string(),
        };
        let counted = app.limits.count(class, &client);
        left = Some(counted);
        if !counted.allowed {
            refused = Some(Problem::new(&codes::TOO_MANY_REQUESTS).retry_after(counted.reset));
        }
    }
    let user = if let Actor::User(user) = &actor { Some(user.id) } else { None };
    let (trail, horizon_years) = (Trail::from(address), app.settings.horizon_years);
    let budget = Budget::default();
    let ctx = Ctx { actor, now, ids, door: Door::Rest, horizon_years, request_id: request_id.clone(), trail, budget };
    let admin = matches!(&ctx.actor, Actor::User(user) if user.is_admin()).then(|| ctx.clone());
    request.extensions_mut().insert(Arc::new(Known { ctx, bad_token, address }));
    let accepts = request.headers().get(header::ACCEPT_ENCODING).cloned();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let path = route.as_ref().map_or("(none)", MatchedPath::as_str);
    let began = Instant::now();
    let mut response = match refused {
        None => guarded(request, next).await,
        Some(problem) => problem.into_response(),
    };
    if let Some(ctx) = admin {
        response = Box::pin(audited(&app, ctx, method.as_str(), path, response)).await;
    }
    let took = began.elapsed();
    let status = response.status().as_u16();
    meters::count(&method, path, status, took.as_secs_f64());
    // To the microsecond.
    let ms = took.as_micros() as f64 / 1_000.0;
    tracing::info!(
        request_id = &*request_id,
        method = method.as_str(),
        path,
        status,
        user = user.map(tracing::field::display),
        ms,
        "request"
    );
    let response = finish(response, &request_id, left, anonymous);
    match accepts {
        Some(accepts) => Box::pin(compressed(accepts, response)).await,
        None => response,
    }
}

/// The answer in an encoding that the client accepts.
async fn compressed(accepts: HeaderValue, response: Response) -> Response {
    let mut asked = Request::new(Body::empty());
    asked.headers_mut().insert(header::ACCEPT_ENCODING, accepts);
    let mut response = Some(response);
    let answered =
        tower::service_fn(move |_| std::future::ready(Ok::<_, Infallible>(response.take().unwrap_or_default())));
    match CompressionLayer::new().layer(answered).oneshot(asked).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    }
}

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
static REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
static RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

fn finish(response: Response, request_id: &str, left: Option<Left>, anonymous: bool) -> Response {
    let mut response = if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
        // The caller of a failed request gets the id to quote, and nothing else.
        Problem::new(&codes::INTERNAL).detail(format!("request id {request_id}")).into_response()
    } else {
        response
    };
    let headers = response.headers_mut();
    let mut set = |name: &HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(&REQUEST_ID, request_id);
    if let Some(left) = left {
        set(&LIMIT, &left.limit.to_string());
        set(&REMAINING, &left.remaining.to_string());
        set(&RESET, &left.reset.to_string());
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        let value = if anonymous { "no-cache" } else { "private, no-cache" };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
    }
    headers.append(header::VARY, HeaderValue::from_static("Authorization, Accept-Encoding"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Addresses of secret feeds and share links are secrets.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Whom an address stands for: an IPv6 host has a whole network of 64 bits to itself (RFC 6177).
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => {
            v6.to_ipv4_mapped().map_or_else(|| IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()), IpAddr::V4)
        }
        v4 => v4,
    }
}

/// The bearer token of a request (RFC 6750 2.1); the scheme's case does not matter.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?;
    // An unreadable or other scheme is a token that is not ours.
    let Some((scheme, token)) = value.to_str().ok().and_then(|text| text.split_once(' ')) else { return Some("") };
    Some(if scheme.eq_ignore_ascii_case("bearer") { token.trim() } else { "" })
}

async fn who(app: &App, token: &str, now: jiff::Timestamp) -> Result<Option<SignedIn>, Problem> {
    let Some(digest) = accounts::token_digest(token) else { return Ok(None) };
    let verified = match app.tokens.get(&digest) {
        Some(verified) => verified,
        None => {
            let generation = app.tokens.generation();
            let mut conn = app.db.reader().await?;
            let Some(verified) = accounts::verify(&mut conn, token, now).await? else { return Ok(None) };
            let verified = Arc::new(verified);
            app.tokens.put(digest, verified.clone(), generation);
            if let Some(id) = verified.note {
                // Nobody waits for this, and losing it harms nobody.
                let db = app.db.clone();
                tokio::spawn(async move {
                    db.write((id, now), |tx, (id, now)| Box::pin(accounts::note_use(tx, *id, *now))).await
                });
            }
            verified
        }
    };
    Ok(verified.still(now).then(|| verified.user.clone()))
}

/// What an administrator saw by that right alone is in the audit log before they see it.
async fn audited(app: &App, ctx: Ctx, method: &str, path: &str, response: Response) -> Response {
    let Some(viewed) = ctx.trail.take() else { return response };
    let result = if response.status().as_u16() < 400 { "ok" } else { "refused" };
    let entry = audit::of_view(
        &viewed,
        result,
        [("method", method), ("path", path)].map(|(name, text)| (name.to_owned(), text.into())).into_iter().collect(),
    );
    let written: Result<(), kalends_db::Error> =
        app.db.write((ctx, entry), |tx, (ctx, entry)| Box::pin(audit::record(tx, ctx, entry.clone()))).await;
    match written {
        Ok(()) => response,
        Err(error) => Problem::from(error).into_response(),
    }
}

fn class_of(method: &Method, path: &str, bad_token: bool) -> Class {
    // Guessing tokens is guessing passwords.
    if bad_token || path.starts_with("/api/v1/auth/") || path == "/api/v1/me/password" {
        Class::Auth
    } else if method.is_safe() {
        Class::Read
    } else {
        Class::Write
    }
}

/// The address of the client: the peer's, or, behind trusted proxies, the last address of `X-Forwarded-For` that is not
/// one of theirs. Whatever stands further left could have been written by anybody.
fn client_address(request: &Request, trusted: &[IpNet]) -> IpAddr {
    let unmapped = |address: IpAddr| address.to_canonical();
    let is_proxy = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |info| unmapped(info.0.ip()));
    if !is_proxy(&peer) {
        return peer;
    }
    let forwarded: Vec<&str> = request
        .headers()
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let mut client = peer;
    for hop in forwarded.into_iter().rev() {
        let Some(address) = address_of(hop.trim()).map(unmapped) else { break };
        client = address;
        if !is_proxy(&address) {
            break;
        }
    }
    client
}

/// Reads an address that may have a port, as some proxies write it: `198.51.100.1:4711`, `[2001:db8::1]:4711`.
fn address_of(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(peer: &str, forwarded: &[&str]) -> Request {
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer.parse().expect("an address"), 1)));
        for value in forwarded {
            request.headers_mut().append("x-forwarded-for", HeaderValue::from_str(value).expect("a header"));
        }
        request
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_about_the_clients_address() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().expect("a net")];
        let seen = |peer, forwarded: &[&str]| client_address(&request(peer, forwarded), &trusted).to_string();
        assert_eq!(seen("203.0.113.9", &["198.51.100.1"]), "203.0.113.9", "a stranger's header is not believed");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(
            seen("10.0.0.1", &["1.2.3.4, 198.51.100.1, 10.9.9.9"]),
            "198.51.100.1",
            "what a client wrote itself stands further left"
        );
        assert_eq!(seen("10.0.0.1", &["nonsense"]), "10.0.0.1");
        for with_port in ["198.51.100.1:4711", "198.51.100.1:4711, 10.2.2.2:80"] {
            assert_eq!(seen("10.0.0.1", &[with_port]), "198.51.100.1");
        }
        for v6 in ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:4711"] {
            assert_eq!(seen("10.0.0.1", &[v6]), "2001:db8::1");
        }
        assert_eq!(seen("::ffff:203.0.113.9", &[]), "203.0.113.9");
    }
}
