//! The responses, headers and parameters that operations share. A handler names only the statuses that are its own; an
//! empty description stands for the shared text of that status. Every problem comes with an example of each of its codes.

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{
    Components, ContentBuilder, ObjectBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Schema, Type,
};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::codes::{self, Code};
use crate::conflicts::ClashView;
use crate::problem::{Problem, ProblemDocument};

/// The headers of every response of the API.
const COMMON: &[&str] = &["X-Request-Id", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"];

/// Every header, with its type.
const HEADERS: &[(&str, &str, Type)] = &[
    ("X-Request-Id", "Identifies this request in the server's log.", Type::String),
    ("RateLimit-Limit", "The number of requests of this kind that a client may send per minute.", Type::Integer),
    ("RateLimit-Remaining", "The number of requests that are left now.", Type::Integer),
    ("RateLimit-Reset", "The number of seconds until the full number is available again.", Type::Integer),
    ("Retry-After", "The number of seconds to wait before the next attempt.", Type::Integer),
    ("ETag", "The version of the representation, for `If-Match` and `If-None-Match`.", Type::String),
    ("Location", "The path of the resource that the request created.", Type::String),
    ("WWW-Authenticate", "The authentication scheme: `Bearer`.", Type::String),
];

/// The problems that operations share: status, component, description.
const PROBLEMS: &[(&str, &str, &str)] = &[
    ("400", "Unreadable", "The request cannot be parsed: the body is not JSON, or a header is malformed."),
    ("401", "SignInNeeded", "The request needs a valid access token or personal token."),
    ("403", "Forbidden", "You can see this resource, but your role does not allow the request."),
    ("404", "NotFound", "The resource does not exist, or you are not allowed to see it."),
    (
        "412",
        "Changed",
        "The resource has changed since the version in `If-Match`. `current` holds the current representation.",
    ),
    ("413", "TooLarge", "The body is larger than the limit that `detail` names."),
    ("415", "MediaType", "The content type of the body is not supported."),
    (
        "422",
        "Invalid",
        "`invalid`: the request contains invalid values, and `errors` lists all of them. `too-much-work`: the request needs more \
         work than one request may cause.",
    ),
    ("428", "PreconditionNeeded", "The request needs `If-Match`, or `base_version` in the body."),
    (
        "429",
        "TooManyRequests",
        "The client has sent too many requests. Wait for the number of seconds in `Retry-After`.",
    ),
    ("503", "Busy", "The server is busy and has changed nothing. Retry after the number of seconds in `Retry-After`."),
    ("default", "Unexpected", "Any other problem. A 5xx response means that nothing was changed."),
];

/// The problem of events that are in the way (`conflict`).
#[derive(Serialize, ToSchema)]
#[schema(title = "ConflictProblem")]
struct ConflictProblem {
    #[serde(flatten)]
    problem: ProblemDocument,
    /// The events that take the same time, by start, as far as you may see them; at most 100.
    conflicts: Vec<ClashView>,
    /// Whether there are more conflicts than are listed.
    more: bool,
    /// The instant up to which conflicts were checked.
    checked_until: String,
    /// The events of the calendar that would conflict, when the calendar's time zone changes.
    #[schema(nullable = false)]
    event_ids: Option<Vec<Uuid>>,
    /// The position in the request, from 0, of the item that failed.
    #[schema(nullable = false)]
    index: Option<i64>,
}

/// The problem of two people who changed the same fields (`edit-conflict`).
#[derive(Serialize, ToSchema)]
#[schema(title = "EditConflictProblem")]
struct EditConflictProblem {
    #[serde(flatten)]
    problem: ProblemDocument,
    /// The fields that both sides changed.
    conflicts: Vec<FieldClash>,
    /// The current version. Send it as `base_version` when you try again.
    current_version: i64,
}

/// A field that two people changed.
#[derive(Serialize, ToSchema)]
#[schema(title = "FieldConflict")]
struct FieldClash {
    /// The name of the field.
    field: String,
    /// The value in `base_version`.
    base: Value,
    /// The current value.
    theirs: Value,
    /// The value in your request.
    yours: Value,
}

/// The problem of overrides that would lose their occurrence (`orphaned-overrides`).
#[derive(Serialize, ToSchema)]
#[schema(title = "OrphansProblem")]
struct OrphansProblem {
    #[serde(flatten)]
    problem: ProblemDocument,
    /// The original starts of the overrides that would have no occurrence.
    orphans: Vec<String>,
}

/// A problem that says which of several items failed.
#[derive(Serialize, ToSchema)]
#[schema(title = "ItemProblem")]
struct ItemsProblem {
    #[serde(flatten)]
    problem: ProblemDocument,
    /// The position in the request, from 0, of the first item that failed.
    #[schema(nullable = false)]
    index: Option<i64>,
    /// The problem of each item that failed.
    #[schema(nullable = false)]
    problems: Option<Vec<ItemProblem>>,
}

/// The problem of one item of a request.
#[derive(Serialize, ToSchema)]
#[schema(title = "OneItemProblem")]
struct ItemProblem {
    /// The position of the item in the request, from 0.
    #[schema(nullable = false)]
    index: Option<i64>,
    /// The event.
    id: Uuid,
    /// What is wrong with it.
    problem: ProblemDocument,
}

/// The problem of a sync token that is no longer valid (`gone`).
#[derive(Serialize, ToSchema)]
#[schema(title = "GoneProblem")]
struct GoneProblem {
    #[serde(flatten)]
    problem: ProblemDocument,
    /// The path of the request to start again with.
    #[schema(nullable = false)]
    start_again: Option<String>,
}

/// The problem of an `If-Match` that names another version (`precondition-failed`).
#[derive(Serialize, ToSchema)]
#[schema(title = "ChangedProblem")]
struct ChangedProblem {
    #[serde(flatten)]
    problem: ProblemDocument,
    /// The current representation, in the form in which a GET returns it.
    #[schema(value_type = Object, nullable = false)]
    current: Option<Value>,
    /// The position in the request, from 0, of the item that failed.
    #[schema(nullable = false)]
    index: Option<i64>,
}

/// Adds the schemas of problems.
pub fn schemas(into: &mut Vec<(String, RefOr<Schema>)>) {
    fn add<T: ToSchema + PartialSchema>(into: &mut Vec<(String, RefOr<Schema>)>) {
        into.push((T::name().into_owned(), T::schema()));
        T::schemas(into);
    }
    add::<ConflictProblem>(into);
    add::<EditConflictProblem>(into);
    add::<OrphansProblem>(into);
    add::<ItemsProblem>(into);
    add::<GoneProblem>(into);
    add::<ChangedProblem>(into);
}

/// The schema of a problem, and what its example has beside the members that every problem has.
fn shape(code: &Code) -> (&'static str, Value) {
    match code.slug {
        "conflict" => (
            "ConflictProblem",
            json!({"conflicts": [{
                "event_id": "01941f29-7c00-7ccc-8000-3d1c7e9a5b10", "title": "Rehearsal", "start": "2027-03-29T19:30:00+02:00",
                "end": "2027-03-29T21:00:00+02:00", "original_start": "2027-03-29T19:30:00+02:00", "reason": "venue", "reasons": ["venue"]
            }], "more": false, "checked_until": "2037-01-15T10:00:00Z"}),
        ),
        "edit-conflict" => (
            "EditConflictProblem",
            json!({"conflicts": [{"field": "title", "base": "Rehearsal", "theirs": "Dress rehearsal", "yours": "Concert"}], "current_version": 4}),
        ),
        "orphaned-overrides" => ("OrphansProblem", json!({"orphans": ["2027-04-05T19:30:00"]})),
        "gone" => ("GoneProblem", json!({"start_again": "/api/v1/changes?representation=ids"})),
        "precondition-failed" => ("ChangedProblem", json!({"current": {"version": 4}})),
        _ => ("ProblemDocument", json!({})),
    }
}

fn example(code: &'static Code) -> Value {
    let mut problem = Problem::new(code).detail(code.help).to_json();
    if let (Value::Object(problem), (_, Value::Object(more))) = (&mut problem, shape(code)) {
        if code.slug == codes::INVALID.slug {
            problem.insert("detail".to_owned(), "/start: must be given".into());
            let error = json!({"pointer": "/start", "code": "required", "detail": "must be given"});
            problem.insert("errors".to_owned(), json!([error]));
        }
        problem.extend::<Map<String, Value>>(more);
    }
    problem
}

/// The usual code of a status.
fn usual(status: &str) -> &'static Code {
    match status {
        "400" => &codes::UNREADABLE,
        "401" => &codes::SIGN_IN,
        "403" => &codes::FORBIDDEN,
        "404" => &codes::NOT_FOUND,
        "409" => &codes::WRONG_STATE,
        "410" => &codes::GONE,
        "412" => &codes::PRECONDITION_FAILED,
        "413" => &codes::TOO_LARGE,
        "415" => &codes::MEDIA_TYPE,
        "422" => &codes::INVALID,
        "428" => &codes::PRECONDITION_NEEDED,
        "429" => &codes::TOO_MANY_REQUESTS,
        "503" => &codes::BUSY,
        _ => &codes::INTERNAL,
    }
}

/// The codes that a description names between backquotes, or the usual one of the status.
fn codes_in(status: &str, description: &str) -> Vec<&'static Code> {
    let named = description.split('`').skip(1).step_by(2);
    let named: Vec<&'static Code> = named
        .filter_map(|word| {
            codes::ALL.iter().find(|code| code.slug == word && code.status.to_string() == status).copied()
        })
        .collect();
    if named.is_empty() { vec![usual(status)] } else { named }
}

/// The response that describes a problem: its schemas, an example for each code, and its headers.
fn problem(status: &str, description: &str) -> Response {
    let codes = codes_in(status, description);
    // A description that says that `index` or `problems` names an item is of a request with several.
    let of_items = description.contains("`index`") || description.contains("`problems`");
    let mut shapes: Vec<&str> = Vec::new();
    for code in &codes {
        let (shape, _) = shape(code);
        let shape = if of_items && shape == "ProblemDocument" { "ItemsProblem" } else { shape };
        if !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
    // Generated clients take the first that fits, and everything fits the general one.
    shapes.sort_by_key(|shape| *shape == "ProblemDocument");
    let schema: RefOr<Schema> = match shapes.as_slice() {
        [one] => Ref::from_schema_name(*one).into(),
        several => {
            let mut any = utoipa::openapi::schema::AnyOfBuilder::new();
            for shape in several {
                any = any.item(Ref::from_schema_name(*shape));
            }
            RefOr::T(any.build().into())
        }
    };
    let examples = codes.iter().map(|code| {
        let example = ExampleBuilder::new().summary(code.title).value(Some(example(code))).build();
        (code.slug, example)
    });
    let content = ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build();
    let mut response =
        ResponseBuilder::new().description(description).content("application/problem+json", content).build();
    let more: &[&str] = match status {
        "401" => &["WWW-Authenticate"],
        "409" if codes.iter().any(|code| code.slug == codes::IN_PROGRESS.slug) => &["Retry-After"],
        "412" => &["ETag"],
        "429" | "503" | "default" => &["Retry-After"],
        _ => &[],
    };
    add_headers(&mut response, more);
    response
}

fn add_headers(response: &mut Response, more: &[&str]) {
    for name in COMMON.iter().chain(more) {
        let reference = RefOr::Ref(Ref::new(format!("#/components/headers/{name}")));
        response.headers.entry((*name).to_owned()).or_insert(reference);
    }
}

/// Adds the headers, parameters and problems that operations share.
pub fn add_to(components: &mut Components) {
    for (name, about, kind) in HEADERS {
        let schema = ObjectBuilder::new().schema_type(kind.clone()).build();
        let header = HeaderBuilder::new().schema(Some(schema)).description(Some(*about)).build();
        components.headers.insert((*name).to_owned(), header.into());
    }
    for (status, name, about) in PROBLEMS {
        components.responses.insert((*name).to_owned(), problem(status, about).into());
    }
    for (name, parameter) in parameters() {
        components.parameters.insert(name.to_owned(), parameter.into());
    }
}

fn parameters() -> [(&'static str, Parameter); 3] {
    let header = |name: &str, most: Option<usize>, about: &str| {
        let least = most.map(|_| 1);
        let schema = ObjectBuilder::new().schema_type(Type::String).min_length(least).max_length(most).build();
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(schema))
            .build()
    };
    let key = "Makes a retry safe: requests with the same key and body have one effect and get the same response. \
               The server keeps keys for 24 hours.";
    let if_match =
        "The `ETag` of the version that you have seen. The request fails with 412 if the resource has changed.";
    let if_none_match = "The `ETag` of the representation that you have. The response is 304 if it is still current.";
    [
        ("IdempotencyKey", header("Idempotency-Key", Some(255), key)),
        ("IfMatch", header("If-Match", None, if_match)),
        ("IfNoneMatch", header("If-None-Match", None, if_none_match)),
    ]
}

/// The views that are sent with an `ETag`.
const TAGGED: &[&str] = &["EventView", "CalendarView", "VenueView", "GroupView", "AccountView", "SignedUpView"];

/// Completes the responses of an operation: shared texts, schemas, examples and headers, and the shared problems that
/// `applies` says it has.
pub fn complete(operation: &mut Operation, applies: impl Fn(&str) -> bool) {
    let is_tagged = operation.responses.responses.contains_key("304");
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(own) = response else { continue };
        if status.starts_with(['4', '5']) {
            let shared = PROBLEMS.iter().find(|(number, ..)| number == status);
            *response = match shared {
                Some((_, name, _)) if own.description.is_empty() => RefOr::Ref(Ref::from_response_name(*name)),
                _ => problem(status, &own.description).into(),
            };
            continue;
        }
        if status == "304" && own.description.is_empty() {
            "The representation that `If-None-Match` names is still current.".clone_into(&mut own.description);
        }
        let has_view = own.content.values().any(|content| match content {
            RefOr::T(content) => matches!(&content.schema, Some(RefOr::Ref(to))
                if TAGGED.iter().any(|view| to.ref_location.ends_with(&format!("/{view}")))),
            RefOr::Ref(_) => false,
        });
        let more: &[&str] = match status.as_str() {
            "201" if has_view => &["Location", "ETag"],
            "201" | "202" => &["Location"],
            "304" => &["ETag"],
            "200" if has_view || is_tagged => &["ETag"],
            _ => &[],
        };
        add_headers(own, more);
    }
    for (status, name, _) in PROBLEMS {
        if applies(status) {
            let shared = || RefOr::Ref(Ref::from_response_name(*name));
            operation.responses.responses.entry((*status).to_owned()).or_insert_with(shared);
        }
    }
}
