//! Schemathesis makes requests from the OpenAPI document, sensible and senseless ones, and holds the answers against it.

use std::path::PathBuf;
use std::process::Stdio;

use kalends_testkit::{World, variable};
use serde_json::json;

const SETTINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/it/promises/schemathesis.toml");

/// What is left out, with the reason.
const LEFT_OUT: &[&str] = &[
    // Both would end the account that the run signs in with.
    "delete_me",
    "change_password",
];

async fn holds(world: &World, token: Option<&str>) {
    let python =
        PathBuf::from(variable("KALENDS_PYTHON").expect("KALENDS_PYTHON: run the tests with cargo xtask test"));
    let mut run = tokio::process::Command::new(python.with_file_name("schemathesis"));
    run.args(["--config-file", SETTINGS, "run", &format!("{}/api/v1/openapi.json", world.base())]);
    run.args(["--checks", "all", "--phases", "examples,coverage,fuzzing", "--max-examples", "10", "--workers", "1"]);
    // The same requests every time.
    run.args([
        "--seed",
        "1",
        "--generation-database",
        "none",
        "--continue-on-failure",
        "--no-color",
        "--warnings",
        "off",
    ]);
    for operation in LEFT_OUT {
        run.args(["--exclude-operation-id", operation]);
    }
    if let Some(token) = token {
        run.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let folder = tempfile::tempdir().expect("a folder for what it leaves behind");
    let output = run.current_dir(folder.path()).stdin(Stdio::null()).output().await.expect("schemathesis runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("generated"), "it tested nothing: {said}");
}

#[tokio::test]
async fn every_answer_to_an_administrator_fits_the_document() {
    let world = World::new().await;
    let admin = world.admin().await;
    let body = json!({"name": "schemathesis", "scopes": ["admin", "write", "read"]});
    let token = admin.post("/api/v1/me/tokens").json(&body).expect(201).await.str("/token").to_owned();
    holds(&world, Some(&token)).await;
}

#[tokio::test]
async fn every_answer_to_anybody_fits_the_document() {
    let world = World::new().await;
    holds(&world, None).await;
}
