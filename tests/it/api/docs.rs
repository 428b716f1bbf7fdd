//! The OpenAPI document and the pages about it.

use std::collections::{BTreeMap, BTreeSet};

use kalends_testkit::World;
use serde_json::Value;

const METHODS: &[&str] = &["get", "put", "post", "patch", "delete"];

/// Every operation of a document: method, path, itself.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                all.push((*method, path.as_str(), operation));
            }
        }
    }
    all
}

/// Every value in a document, with its pointer.
fn walk<'d>(value: &'d Value, at: &str, visit: &mut impl FnMut(&str, &'d Value)) {
    visit(at, value);
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                walk(inner, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), visit);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                walk(inner, &format!("{at}/{index}"), visit);
            }
        }
        _ => {}
    }
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

#[tokio::test]
async fn the_document_names_itself_its_licence_and_its_sign_in() {
    let world = World::new().await;
    let reply = world.anonymous().get("/api/v1/openapi.json").expect(200).await;
    let document = &reply.json;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["title"], "Kalends");
    assert!(is_text(&document["info"]["version"]) && is_text(&document["info"]["description"]));
    assert_eq!(document["info"]["license"]["identifier"], "MIT OR Apache-2.0");
    assert_eq!(document["servers"][0]["url"], "/");
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let again = world.anonymous().get("/api/v1/openapi.json").header("if-none-match", &reply.etag()).send().await;
    assert_eq!(again.expect(304).text, "");
}

#[tokio::test]
async fn every_operation_is_described() {
    let world = World::new().await;
    let document = world.anonymous().get("/api/v1/openapi.json").expect(200).await.json;
    let tags: BTreeSet<&str> =
        document["tags"].as_array().expect("tags").iter().filter_map(|tag| tag["name"].as_str()).collect();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
    let mut missing = Vec::new();
    for (method, path, operation) in operations(&document) {
        let mut need = |what: &str, there: bool| {
            if !there {
                missing.push(format!("{method} {path}: {what}"));
            }
        };
        need("a summary", is_text(&operation["summary"]));
        need("a description", is_text(&operation["description"]));
        need("an operationId", is_text(&operation["operationId"]));
        *ids.entry(operation["operationId"].as_str().unwrap_or_default()).or_default() += 1;
        let tag = operation["tags"][0].as_str().unwrap_or_default();
        need("a tag that is described", tags.contains(tag));
        used.insert(tags.get(tag).copied().unwrap_or_default());
        let responses = operation["responses"].as_object().expect("responses");
        need("a success", responses.keys().any(|status| status.starts_with('2')));
        for (status, response) in responses {
            need(&format!("what {status} means"), is_text(&response["description"]) || response.get("$ref").is_some());
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let shared = parameter["$ref"].as_str().and_then(|to| document.pointer(to.trim_start_matches('#')));
            let parameter = shared.unwrap_or(parameter);
            need(&format!("what the parameter {} is", parameter["name"]), is_text(&parameter["description"]));
        }
        if path.starts_with("/api/v1/") {
            need("429 and the default problem", responses.contains_key("429") && responses.contains_key("default"));
        }
        if operation.get("requestBody").is_some() {
            need(
                "400, 413, 415 and 422 for its body",
                ["400", "413", "415", "422"].iter().all(|status| responses.contains_key(*status)),
            );
        }
        for name in path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
            let parameters = operation["parameters"].as_array();
            let given = parameters.is_some_and(|all| all.iter().any(|one| one["name"] == name && one["in"] == "path"));
            need(&format!("the path parameter {name}"), given);
        }
    }
    ids.retain(|_, count| *count > 1);
    assert_eq!(missing, Vec::<String>::new());
    assert!(ids.is_empty(), "used twice: {ids:?}");
    assert_eq!(used, tags, "every tag is used");
}

#[tokio::test]
async fn every_reference_resolves_and_every_component_is_used() {
    let world = World::new().await;
    let document = world.anonymous().get("/api/v1/openapi.json").expect(200).await.json;
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut broken = Vec::new();
    walk(&document, "", &mut |at, value| {
        if let Some(target) = value.get("$ref").and_then(Value::as_str) {
            let pointer = target.trim_start_matches('#');
            if document.pointer(pointer).is_none() {
                broken.push(format!("{at} → {target}"));
            }
            used.insert(pointer.to_owned());
        }
    });
    assert_eq!(broken, Vec::<String>::new());
    for kind in ["schemas", "responses", "headers"] {
        for name in document["components"][kind].as_object().into_iter().flatten().map(|(name, _)| name) {
            assert!(used.contains(&format!("/components/{kind}/{name}")), "nobody refers to {kind}/{name}");
        }
    }
}

#[tokio::test]
async fn every_body_has_an_example() {
    let world = World::new().await;
    let document = world.anonymous().get("/api/v1/openapi.json").expect(200).await.json;
    let has_example = |schema: &Value| schema.get("example").is_some() || schema.get("examples").is_some();
    let mut missing = Vec::new();
    for (method, path, operation) in operations(&document) {
        for (media, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
            let target = content["schema"]["$ref"].as_str().unwrap_or_default();
            let schema = document.pointer(target.trim_start_matches('#'));
            if !has_example(content) && !schema.is_some_and(has_example) {
                missing.push(format!("{method} {path}: an example of its body ({media}, {target})"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[tokio::test]
async fn every_kind_of_problem_has_its_page() {
    let world = World::new().await;
    let anyone = world.anonymous();
    let index = anyone.get("/problems").expect(200).await;
    for code in kalends_rest::codes::ALL {
        assert!(index.text.contains(&format!("href=\"/problems/{}\"", code.slug)), "{} is listed", code.slug);
        let page = anyone.get(&format!("/problems/{}", code.slug)).expect(200).await;
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(page.text.contains(&format!("Status {}", code.status)), "{}", code.slug);
        assert!(page.text.contains("<html lang=\"en\">") && page.text.contains("<h1>"), "{}", page.text);
        assert!(page.header("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'")));
    }
    anyone.get("/problems/no-such-problem").send().await.expect_problem("not-found");
}

/// The addresses that a page loads: of scripts, styles, pictures.
fn loaded(page: &str) -> Vec<&str> {
    let attributes = ["src=\"", "href=\"", "spec-url=\""];
    let found = attributes.iter().flat_map(|attribute| page.split(attribute).skip(1));
    found.filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test]
async fn the_documentation_pages_load_nothing_from_other_hosts() {
    let world = World::new().await;
    let anyone = world.anonymous();
    assert_eq!(anyone.get("/api/docs").expect(303).await.header("location"), Some("/api/docs/"));
    for (page, base) in [("/api/docs/", "/api/docs/"), ("/api/redoc", "/api/")] {
        let reply = anyone.get(page).expect(200).await;
        let policy = reply.header("content-security-policy").expect("a policy");
        assert!(policy.contains("default-src 'self'") && !policy.contains("script-src"), "{policy}");
        let addresses = loaded(&reply.text);
        assert!(addresses.len() >= 2, "{addresses:?}");
        for address in addresses {
            assert!(!address.contains("//"), "{page} loads {address}");
            if !address.starts_with("data:") {
                let path = if address.starts_with('/') {
                    address.to_owned()
                } else {
                    format!("{base}{}", address.trim_start_matches("./"))
                };
                anyone.get(&path).expect(200).await;
            }
        }
    }
    let initializer = anyone.get("/api/docs/swagger-initializer.js").expect(200).await;
    assert!(initializer.text.contains("/api/v1/openapi.json"), "{}", initializer.text);
    assert!(initializer.text.contains("\"validatorUrl\": \"none\""), "nobody else is told: {}", initializer.text);
}

#[tokio::test]
async fn the_packed_script_is_unpacked_for_who_cannot() {
    let world = World::new().await;
    let script = "/api/redoc/redoc.standalone.js";
    let packed = world.anonymous().get(script).header("accept-encoding", "gzip, br").expect(200).await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert_eq!(packed.bytes[..2], [0x1f, 0x8b]);
    for refusing in ["identity", "gzip;q=0", "br"] {
        let plain = world.anonymous().get(script).header("accept-encoding", refusing).expect(200).await;
        assert_eq!(plain.header("content-encoding"), None, "{refusing}");
        assert!(plain.text.len() > 800_000 && plain.text.contains("function"), "{refusing}");
    }
}
