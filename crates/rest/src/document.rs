//! The OpenAPI document: what stands at its top, and what is true of every operation, added here so that handlers
//! describe only what is their own.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, ContentBuilder, InfoBuilder, License, ObjectBuilder, OpenApi, OpenApiBuilder, Ref,
    RefOr, Required, Response, ResponseBuilder, Schema, Server, Type, path, tag::TagBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use crate::BASE;
use crate::problem::ProblemDocument;

const DESCRIPTION: &str = "\
Calendars, events and everything around them, over one model and one set of rules.

**Signing in.** `POST /api/v1/auth/login` gives an access token for 15 minutes and a refresh token; send the former as \
`Authorization: Bearer …`. Programs use personal tokens (`POST /api/v1/me/tokens`).

**Errors** are problem documents (RFC 9457, `application/problem+json`): `type` names the kind and is the address of a \
page that explains it, `errors` lists everything that is wrong with an input. What you may not see answers 404.

**Lists** are `{items, next_cursor}`; pass `cursor` to go on, `limit` for the size of a page, `include=total` for the \
number of all.

**Editing.** Resources carry an `ETag`. Send it as `If-Match` to change only what you have seen (412 if it changed), or \
`base_version` in the body to merge by field. PATCH is JSON merge patch (RFC 7396).

**Retrying.** A POST with an `Idempotency-Key` has one effect however often it is sent.

**Limits.** Requests are counted per client and kind of route; `RateLimit-*` headers say what is left.";

/// The tags, with what they are about.
const TAGS: &[(&str, &str)] = &[
    ("accounts", "Signing up, in and out; one's own account, sessions and personal tokens."),
    ("users", "Other people: a card for everybody signed in, administration for administrators."),
    ("calendars", "Containers of events, with an owner, a time zone, a visibility and a review policy."),
    (
        "events",
        "Events and series, whole or by instance: making, finding, changing, publishing, deleting and restoring them.",
    ),
    ("history", "What an event was, what changed, and the way back."),
    ("conflicts", "What takes the same time, when people and venues are busy, finding a time."),
    ("venues", "Places that can be double-booked, and what happens then."),
    ("sharing", "Who may do what on a calendar or an event; links for people without an account."),
    ("sync", "Following what changes, from token to token, without missing anything."),
    ("feeds", "Calendars and events as iCalendar text for calendar apps, live; secret addresses of one's own."),
    ("jobs", "Background work: imports, with their progress, their result, and a way back."),
    ("groups", "People that one can share with together."),
    ("operation", "For whoever runs the server: health, readiness, metrics."),
];

/// The headers that every answer of the API carries.
const HEADERS: &[(&str, &str, Type)] = &[
    ("X-Request-Id", "Names this request in the server's log.", Type::String),
    ("RateLimit-Limit", "How many requests of this kind a client may make a minute.", Type::Integer),
    ("RateLimit-Remaining", "How many are left now.", Type::Integer),
    ("RateLimit-Reset", "Seconds until the full number is there again.", Type::Integer),
];

/// The problems that any operation may answer with: component, status, description.
const PROBLEMS: &[(&str, &str, &str)] = &[
    ("Unreadable", "400", "The request cannot be read."),
    ("SignInNeeded", "401", "Nobody is signed in, or the token is not valid."),
    ("NotFound", "404", "It is not there, or it is not yours to see."),
    ("TooLarge", "413", "The body is too large."),
    ("MediaType", "415", "The body's content type is not read here."),
    ("Invalid", "422", "Some values are not right; `errors` lists all of them."),
    ("TooManyRequests", "429", "Too many requests: wait as many seconds as `Retry-After` says."),
    (
        "Unexpected",
        "default",
        "Any other problem. 5xx: nothing was changed; where asking again helps, it comes with `Retry-After`.",
    ),
];

/// The document without operations.
pub fn bare() -> OpenApi {
    let mut licence = License::new("MIT OR Apache-2.0");
    licence.identifier = Some("MIT OR Apache-2.0".to_owned());
    let info = InfoBuilder::new()
        .title("Kalends")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(licence))
        .build();
    let tags = TAGS.iter().map(|(name, about)| TagBuilder::new().name(*name).description(Some(*about)).build());
    OpenApiBuilder::new()
        .info(info)
        // Relative to the document: right behind every proxy.
        .servers(Some([Server::new("/")]))
        .security(Some([bearer()]))
        .tags(Some(tags))
        .components(Some(components()))
        .build()
}

fn bearer() -> SecurityRequirement {
    SecurityRequirement::new::<_, [&str; 0], &str>("bearer", [])
}

fn components() -> utoipa::openapi::Components {
    let mut token = Http::new(HttpAuthScheme::Bearer);
    token.description = Some("An access token from `POST /api/v1/auth/login`, or a personal token.".to_owned());
    let mut inner: Vec<(String, RefOr<Schema>)> =
        vec![(ProblemDocument::name().into_owned(), ProblemDocument::schema())];
    ProblemDocument::schemas(&mut inner);
    let mut components = ComponentsBuilder::new()
        .security_scheme("bearer", SecurityScheme::Http(token))
        .schemas_from_iter(inner)
        .build();
    for (name, about, kind) in HEADERS {
        let schema = ObjectBuilder::new().schema_type(kind.clone()).build();
        let header = HeaderBuilder::new().schema(Some(schema)).description(Some(*about)).build();
        components.headers.insert((*name).to_owned(), header.into());
    }
    for (name, status, about) in PROBLEMS {
        components.responses.insert((*name).to_owned(), problem(status, about).into());
    }
    components
}

fn problem(status: &str, about: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemDocument::name()))).build();
    let mut response = ResponseBuilder::new().description(about).content("application/problem+json", content).build();
    let integer = || ObjectBuilder::new().schema_type(Type::Integer).build();
    if status == "429" {
        let about = "Seconds after which another try makes sense.";
        let header = HeaderBuilder::new().schema(Some(integer())).description(Some(about)).build();
        response.headers.insert("Retry-After".to_owned(), header.into());
    }
    if status == "401" {
        let text = ObjectBuilder::new().schema_type(Type::String).build();
        let header = HeaderBuilder::new().schema(Some(text)).description(Some("`Bearer`")).build();
        response.headers.insert("WWW-Authenticate".to_owned(), header.into());
    }
    add_headers(&mut response);
    response
}

fn add_headers(response: &mut Response) {
    for (name, ..) in HEADERS {
        let there = response.headers.keys().any(|given| given.eq_ignore_ascii_case(name));
        if !there {
            response.headers.insert((*name).to_owned(), RefOr::Ref(Ref::new(format!("#/components/headers/{name}"))));
        }
    }
}

/// Adds what is true of every operation.
pub fn complete(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        if path.starts_with(BASE) || path.ends_with(".ics") {
            for (method, operation) in operations(item) {
                complete_one(path, method, operation);
            }
        }
    }
}

/// The operations of a path.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("get", item.get.as_mut()),
        ("put", item.put.as_mut()),
        ("post", item.post.as_mut()),
        ("patch", item.patch.as_mut()),
        ("delete", item.delete.as_mut()),
    ];
    all.into_iter().filter_map(|(method, operation)| operation.map(|operation| (method, operation)))
}

fn complete_one(path: &str, method: &str, operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            add_headers(response);
            // Every error is a problem document, also where a handler only names the schema.
            if status.starts_with(['4', '5'])
                && let Some(content) = response.content.shift_remove("application/json")
            {
                response.content.insert("application/problem+json".to_owned(), content);
            }
        }
    }
    let parameters = operation.parameters.get_or_insert_default();
    let has_query = parameters
        .iter()
        .any(|parameter| matches!(parameter, RefOr::T(p) if matches!(p.parameter_in, ParameterIn::Query)));
    let can_be_repeated = method == "post"
        && !path.starts_with("/api/v1/auth/")
        && !path.ends_with("/tokens")
        && !["/api/v1/me/feeds", "/api/v1/share-links"].contains(&path);
    if can_be_repeated {
        parameters.push(idempotency_key().into());
    }
    if parameters.is_empty() {
        operation.parameters = None;
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        for content in body.content.values_mut() {
            if let RefOr::T(content) = content {
                not_null(content);
            }
        }
    }
    let has_body = operation.request_body.is_some();
    let public = operation.security.as_deref() == Some(&[SecurityRequirement::default()]);
    for (name, status, _) in PROBLEMS {
        let applies = match *status {
            "400" | "413" | "415" => has_body,
            "401" => !public,
            "404" => path.contains('{'),
            "422" => has_body || has_query || can_be_repeated,
            _ => true,
        };
        if applies {
            let response = || RefOr::Ref(Ref::from_response_name(*name));
            operation.responses.responses.entry((*status).to_owned()).or_insert_with(response);
        }
    }
}

/// A body that may be left out is described as "this or null"; but null is not read, leaving it out is.
fn not_null(content: &mut Content) {
    if let Some(RefOr::T(Schema::OneOf(choices))) = &content.schema {
        let mut real = choices.items.iter().filter(|choice| matches!(choice, RefOr::Ref(_)));
        if let (Some(one), None) = (real.next(), real.next()) {
            content.schema = Some(one.clone());
        }
    }
}

fn idempotency_key() -> path::Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255)).build();
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("Makes a retry safe: the same key and request have one effect and get the same answer."))
        .schema(Some(schema))
        .build()
}
