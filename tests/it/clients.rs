//! Clients that programs generate from the OpenAPI document: they compile as they come, and do the ten tasks of
//! `docs/api-guide.md` against the running server.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use kalends_testkit::{World, variable};
use tokio::process::Command;

const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients");
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/public-holidays.ics");

/// A folder with the document that the server serves.
async fn folder(world: &World) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let document = world.anonymous().get("/api/v1/openapi.json").expect(200).await.text;
    std::fs::write(folder.path().join("openapi.json"), document).expect("the document is written");
    folder
}

async fn run(step: &str, command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().await.unwrap_or_else(|error| panic!("{step}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{step}:\n{out}\n{err}");
    format!("{out}\n{err}")
}

fn copy(program: &str, to: &Path) {
    let name = Path::new(program).file_name().expect("a name");
    std::fs::copy(Path::new(CLIENTS).join(program), to.join(name)).expect("the program is copied");
}

#[tokio::test]
async fn a_typescript_client_compiles_and_does_the_ten_tasks() {
    let world = World::new().await;
    world.alice().await;
    let folder = folder(&world).await;
    let modules = variable("KALENDS_NODE_MODULES").expect("KALENDS_NODE_MODULES: run the tests with cargo xtask test");
    let modules = PathBuf::from(modules);
    std::os::unix::fs::symlink(&modules, folder.path().join("node_modules")).expect("a link to the modules");
    for program in ["typescript/package.json", "typescript/tsconfig.json", "typescript/tasks.ts"] {
        copy(program, folder.path());
    }
    let program = |name: &str| {
        let mut command = Command::new(modules.join(".bin").join(name));
        command.current_dir(folder.path());
        command
    };
    run("openapi-typescript", program("openapi-typescript").args(["openapi.json", "-o", "schema.d.ts"])).await;
    run("tsc", &mut program("tsc")).await;
    let mut node = Command::new("node");
    node.current_dir(folder.path()).arg("tasks.js").env("API", world.base()).env("SAMPLE", SAMPLE);
    let output = run("the tasks", &mut node).await;
    assert!(output.contains("ten tasks done"), "{output}");
}

#[tokio::test]
async fn a_python_client_is_generated_and_does_the_ten_tasks() {
    let world = World::new().await;
    world.alice().await;
    let folder = folder(&world).await;
    let python = variable("KALENDS_PYTHON").expect("KALENDS_PYTHON: run the tests with cargo xtask test");
    let python = PathBuf::from(python);
    let programs = python.parent().expect("a folder").to_path_buf();
    // The generator formats with `ruff`, which lies beside it.
    let path = format!("{}:{}", programs.display(), variable("PATH").unwrap_or_default());
    let mut generate = Command::new(programs.join("openapi-python-client"));
    generate.current_dir(folder.path()).env("PATH", path);
    generate.args(["generate", "--path", "openapi.json", "--output-path", "client", "--fail-on-warning"]);
    run("openapi-python-client", &mut generate).await;
    copy("python/tasks.py", folder.path());
    run("compileall", Command::new(&python).current_dir(folder.path()).args(["-m", "compileall", "-q", "client"]))
        .await;
    let mut tasks = Command::new(&python);
    tasks.current_dir(folder.path()).arg("tasks.py");
    tasks.env("PYTHONPATH", folder.path().join("client")).env("API", world.base()).env("SAMPLE", SAMPLE);
    let output = run("the tasks", &mut tasks).await;
    assert!(output.contains("ten tasks done"), "{output}");
}
