//! The OpenAPI document: what stands at its top, and what is true of every operation, added here so that handlers
//! describe only what is their own.

mod responses;
mod shapes;

use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, License, OpenApi, OpenApiBuilder, Ref, RefOr, Schema, Server, Type,
    tag::TagBuilder,
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
    responses::schemas(&mut inner);
    let mut components = ComponentsBuilder::new()
        .security_scheme("bearer", SecurityScheme::Http(token))
        .schemas_from_iter(inner)
        .build();
    responses::add_to(&mut components);
    shapes::add_to(&mut components);
    components
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
    if let Some(components) = &mut document.components {
        for (name, schema) in &mut components.schemas {
            if let RefOr::T(schema) = schema {
                refine_properties(name, schema);
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
    let owner = operation.operation_id.clone().unwrap_or_default();
    let can_be_repeated = method == "post"
        && !path.starts_with("/api/v1/auth/")
        && !path.ends_with("/tokens")
        && !["/api/v1/me/feeds", "/api/v1/share-links"].contains(&path);
    let answers = |status: &str| operation.responses.responses.contains_key(status);
    let (is_cached, is_guarded) = (answers("304"), answers("412"));
    let parameters = operation.parameters.get_or_insert_default();
    let mut has_query = false;
    for parameter in parameters.iter_mut() {
        if let RefOr::T(parameter) = parameter
            && matches!(parameter.parameter_in, ParameterIn::Query)
        {
            has_query = true;
            if let Some(schema) = &mut parameter.schema {
                // A parameter is left out or has a value: there is no null in an address.
                not_nullable(schema);
                shapes::refine(&owner, &parameter.name, schema);
            }
        }
    }
    if can_be_repeated {
        parameters.push(RefOr::Ref(Ref::new("#/components/parameters/IdempotencyKey")));
    }
    if is_cached {
        parameters.push(RefOr::Ref(Ref::new("#/components/parameters/IfNoneMatch")));
    }
    // The operations of a batch carry their own versions.
    if is_guarded && !path.ends_with("/batch") {
        parameters.push(RefOr::Ref(Ref::new("#/components/parameters/IfMatch")));
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
    let is_public = operation.security.as_deref() == Some(&[SecurityRequirement::default()]);
    let applies = |status: &str| match status {
        "400" | "413" | "415" => has_body,
        "401" => !is_public,
        "404" => path.contains('{'),
        "422" => has_body || has_query || can_be_repeated,
        "429" | "503" | "default" => true,
        _ => false,
    };
    responses::complete(operation, applies);
    if is_public {
        // Generators read `[{}]` as "something is needed".
        operation.security = Some(Vec::new());
    }
}

/// Takes the null out of a type.
fn not_nullable(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema
        && let SchemaType::Array(kinds) = &mut object.schema_type
    {
        kinds.retain(|kind| *kind != Type::Null);
        if let [kind] = kinds.as_slice() {
            object.schema_type = SchemaType::Type(kind.clone());
        }
    }
}

/// Refines the properties of a component's schema.
fn refine_properties(name: &str, schema: &mut Schema) {
    match schema {
        Schema::Object(object) => {
            for (property, schema) in &mut object.properties {
                shapes::refine(name, property, schema);
            }
        }
        Schema::AllOf(parts) => {
            for part in &mut parts.items {
                if let RefOr::T(part) = part {
                    refine_properties(name, part);
                }
            }
        }
        _ => {}
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
