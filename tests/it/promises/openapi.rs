//! What is true of the OpenAPI document, whatever operations it has.

use std::collections::{BTreeMap, BTreeSet};

use kalends_testkit::World;
use serde_json::Value;

use super::document;

#[tokio::test]
async fn the_document_is_the_same_every_time() {
    let (one, other) = (World::new().await, World::new().await);
    let first = one.anonymous().get("/api/v1/openapi.json").expect(200).await;
    let second = other.anonymous().get("/api/v1/openapi.json").expect(200).await;
    assert_eq!(first.text, second.text);
    let text = kalends_rest::openapi().to_pretty_json().expect("a document");
    assert_eq!(text, first.text);
    assert_eq!(first.json["openapi"], "3.1.0");
}

#[tokio::test]
async fn every_operation_says_what_it_is_and_how_it_can_fail() {
    let world = World::new().await;
    let document = document::of(&world.anonymous()).await;
    let operations = document::operations(&document);
    let tags: BTreeSet<&str> =
        document["tags"].as_array().expect("tags").iter().filter_map(|tag| tag["name"].as_str()).collect();
    let mut wrong = Vec::new();
    let mut seen = BTreeMap::new();
    for operation in &operations {
        let said = &operation.said;
        let name = format!("{} {}", operation.method, operation.path);
        let mut must = |what: &str, holds: bool| {
            if !holds {
                wrong.push(format!("{name}: {what}"));
            }
        };
        must(
            "has an operationId in snake_case",
            !operation.id.is_empty() && operation.id.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
        );
        must("has an operationId of its own", seen.insert(operation.id.clone(), name.clone()).is_none());
        must("has a summary", said["summary"].as_str().is_some_and(|text| !text.is_empty()));
        must("has a description", said["description"].as_str().is_some_and(|text| !text.is_empty()));
        let own: Vec<&str> = said["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        must("has one of the document's tags", own.len() == 1 && own.iter().all(|tag| tags.contains(tag)));
        let responses = said["responses"].as_object().expect("responses");
        must("says how it succeeds", responses.keys().any(|status| status.starts_with('2')));
        if !operation.path.starts_with("/api/v1") {
            continue;
        }
        let only_public = said["security"].as_array().is_some_and(Vec::is_empty);
        let has_body = said.get("requestBody").is_some();
        let mut wanted = vec!["429", "default"];
        if !only_public {
            wanted.push("401");
        }
        if operation.path.contains('{') {
            wanted.push("404");
        }
        if has_body {
            wanted.extend(["400", "413", "415", "422"]);
        }
        for status in wanted {
            must(&format!("says that it can answer {status}"), responses.contains_key(status));
        }
        for (status, response) in responses {
            let response = document::resolved(&document, response);
            must(&format!("describes {status}"), response["description"].as_str().is_some_and(|text| !text.is_empty()));
            let media: Vec<&String> =
                response["content"].as_object().into_iter().flatten().map(|(media, _)| media).collect();
            if status.starts_with(['4', '5']) || status == "default" {
                must(&format!("answers {status} with a problem document"), media == ["application/problem+json"]);
            } else if !["204", "304"].contains(&status.as_str()) {
                // A file comes in the form that is asked for.
                let right = operation.id == "export_events" || media == ["application/json"];
                must(&format!("answers {status} with JSON"), right);
            }
        }
        if has_body {
            for (media, content) in said["requestBody"]["content"].as_object().expect("content") {
                must(&format!("has an example of its {media} body"), has_example(&document, content));
            }
        }
        for (status, response) in responses.iter().filter(|(status, _)| status.starts_with('2')) {
            let response = document::resolved(&document, response);
            for (_, content) in response["content"].as_object().into_iter().flatten() {
                let schema = document::resolved(&document, &content["schema"]);
                must(
                    &format!("describes the body of {status}"),
                    schema.get("type").is_some() || schema.get("allOf").is_some() || schema.get("oneOf").is_some(),
                );
            }
        }
        for parameter in said["parameters"].as_array().into_iter().flatten() {
            let parameter = document::resolved(&document, parameter);
            let described = parameter["description"].as_str().is_some_and(|text| !text.is_empty());
            must(&format!("describes its parameter {}", parameter["name"]), described);
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    println!("{} operations", operations.len());
}

/// Whether a content, its schema, or (of a nullable one) a part of it has an example.
fn has_example(document: &Value, content: &Value) -> bool {
    if content.get("example").is_some() || content.get("examples").is_some() {
        return true;
    }
    let schema = document::resolved(document, &content["schema"]);
    let parts = ["oneOf", "anyOf", "allOf"].iter().filter_map(|word| schema[*word].as_array()).flatten();
    schema.get("example").is_some()
        || schema.get("examples").is_some()
        || parts.into_iter().any(|part| document::resolved(document, part).get("example").is_some())
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_everything_that_is_described_is_used() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(to)) = map.get("$ref") {
                    found.insert(to.clone());
                }
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(all) => all.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let world = World::new().await;
    let document = document::of(&world.anonymous()).await;
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for to in &found {
        assert!(document.pointer(to.trim_start_matches('#')).is_some(), "{to} leads nowhere");
    }
    for name in document["components"]["schemas"].as_object().expect("schemas").keys() {
        assert!(found.contains(&format!("#/components/schemas/{name}")), "nobody uses {name}");
    }
}
