//! The OpenAPI document: its head, and the parameters, headers, problems and types that operations share. They are added here
//! so that a handler describes only what is its own.

mod responses;
mod shapes;

use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, License, OpenApi, OpenApiBuilder, Ref, RefOr, Required, Schema, Server,
    Type, tag::TagBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use crate::BASE;
use crate::problem::ProblemDocument;

const DESCRIPTION: &str = "\
Calendars, events and everything around them.

**Signing in.** `POST /api/v1/auth/login` returns an access token, which is valid for 15 minutes, and a refresh token. Send \
the access token as `Authorization: Bearer …`. Programs use personal tokens (`POST /api/v1/me/tokens`).

**Errors** are problem documents (RFC 9457, `application/problem+json`). `type` names the kind of problem and is the address \
of a page that explains it. `errors` lists all invalid values of a request. A resource that you may not see responds with 404.

**Lists** have the form `{items, next_cursor}`. Pass `next_cursor` as `cursor` to get the next page, `limit` to set the size \
of a page, and `include=total` to get the total number of items.

**Editing.** Resources have an `ETag`. Send it as `If-Match` to change only the version that you have seen (412 if it has \
changed), or send `base_version` in the body to merge by field. PATCH takes a JSON merge patch (RFC 7396).

**Retrying.** A POST with an `Idempotency-Key` has one effect, however often it is sent.

**Limits.** Requests are counted per client and kind of route. The `RateLimit-*` headers say how many are left.";

/// The tags, with their descriptions.
const TAGS: &[(&str, &str)] = &[
    ("accounts", "Sign-up, sign-in, and your own account with its sessions and personal tokens."),
    ("users", "Other people's accounts: a public part for everyone who is signed in, and administration."),
    ("calendars", "Containers of events with an owner, a time zone, a visibility and a review policy."),
    ("events", "Events, series and their instances: create, find, change, publish, delete and restore them."),
    ("history", "The versions of an event, their differences, and rollback."),
    ("conflicts", "Conflicts between events, busy times, and the search for free slots."),
    ("venues", "Places at which events can conflict, and their policies."),
    ("sharing", "Permissions on calendars and events, and links for people without an account."),
    ("sync", "Incremental synchronisation by tokens."),
    ("feeds", "Calendars and events as iCalendar text for calendar apps, also at secret addresses."),
    ("jobs", "Background jobs such as imports, with their progress and result, and their undo."),
    ("groups", "Groups of people to share with."),
    ("operation", "Health, readiness, metrics and the audit log, for the operator of the server."),
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
        let mut may_be_left_out = false;
        for content in body.content.values_mut() {
            if let RefOr::T(content) = content {
                may_be_left_out |= not_null(content);
            }
        }
        body.required = Some(if may_be_left_out { Required::False } else { Required::True });
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

/// Takes the null out of a body that may be left out, and returns whether there was one: `Option` is described as "this or
/// null", but a null is not read.
fn not_null(content: &mut Content) -> bool {
    if let Some(RefOr::T(Schema::OneOf(choices))) = &content.schema {
        let mut real = choices.items.iter().filter(|choice| matches!(choice, RefOr::Ref(_)));
        if let (Some(one), None) = (real.next(), real.next()) {
            content.schema = Some(one.clone());
            return true;
        }
    }
    false
}
