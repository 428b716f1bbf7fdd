//! The OpenAPI document as the tests read it.

use kalends_testkit::{Method, Person};
use serde_json::Value;

/// An operation of the document.
#[derive(Clone, Debug)]
pub struct Operation {
    pub id: String,
    pub method: Method,
    pub path: String,
    pub said: Value,
}

/// The document that the server gives.
pub async fn of(anybody: &Person) -> Value {
    anybody.get("/api/v1/openapi.json").expect(200).await.json
}

/// Every operation of it.
pub fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, said) in item.as_object().expect("an item") {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let id = said["operationId"].as_str().unwrap_or_default().to_owned();
            all.push(Operation { id, method, path: path.clone(), said: said.clone() });
        }
    }
    all
}

/// A schema with its `$ref` followed.
pub fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(to) => resolved(document, document.pointer(to.trim_start_matches('#')).expect("a schema")),
        None => schema,
    }
}

/// The properties of an object's schema, those of `allOf` and `oneOf` included, each with its own schema.
pub fn properties(document: &Value, schema: &Value) -> Vec<(String, Value)> {
    let schema = resolved(document, schema);
    let mut all: Vec<(String, Value)> = Vec::new();
    for part in ["allOf", "oneOf", "anyOf"].iter().filter_map(|word| schema[*word].as_array()).flatten() {
        all.extend(properties(document, part));
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        all.push((name.clone(), schema.clone()));
    }
    all
}

/// The schema of an operation's JSON body, if it takes one.
pub fn body(operation: &Operation) -> Option<&Value> {
    operation.said.pointer("/requestBody/content/application~1json/schema")
}
