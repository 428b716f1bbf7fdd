//! Real-world files (see `crates/ical/tests/corpus.rs`) through the whole server: each imports, or is reported with a line.

use std::path::{Path, PathBuf};

use kalends_testkit::{Person, World};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::api::given;

#[expect(clippy::disallowed_methods, reason = "tests are configured by cargo xtask test")]
fn folder() -> PathBuf {
    let given = std::env::var_os("KALENDS_ICS_CORPUS").map(PathBuf::from);
    let folder = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/corpus"));
    assert!(folder.is_dir(), "{} is not there: cargo xtask test fetches it", folder.display());
    folder
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "ics") {
            found.push(path);
        }
    }
    found.sort();
}

async fn import(alice: &Person, calendar: &str, path: &Path) -> kalends_testkit::Reply {
    let text = std::fs::read(path).expect("a file");
    let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
    let begun = alice.post("/api/v1/imports").upload(name, &text, &[("calendar_id", calendar)]).expect(202).await;
    alice.finished(&begun.id()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_real_file_is_imported_or_reported_with_lines_and_the_same_again_changes_nothing() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut files = Vec::new();
    collect(&folder(), &mut files);
    assert!(files.len() > 300, "only {} files", files.len());
    let (mut done, mut failed, mut numbers) = (0, 0, [0; 5]);
    for path in &files {
        let calendar = given::calendar(&alice, &json!({"name": "Corpus"})).await;
        let job = import(&alice, &calendar, path).await;
        let result = &job.json["result"];
        if job.str("/state") == "failed" {
            failed += 1;
            assert!(result["problem"]["line"].as_u64() > Some(0), "{}: {:#}", path.display(), job.json);
            continue;
        }
        done += 1;
        let of = super::numbers(&job);
        numbers.iter_mut().zip(of).for_each(|(all, one)| *all += one);
        for row in result["rows"].as_array().expect("rows") {
            assert!(row["line"].as_u64() > Some(0), "{}: {row:#}", path.display());
            let refused = row["action"] == "refused";
            assert!(!refused || row["problem"]["code"].is_string(), "{}: {row:#}", path.display());
        }
        let again = super::numbers(&import(&alice, &calendar, path).await);
        assert_eq!((again[0], again[1], again[3]), (0, 0, of[3]), "{} again", path.display());
    }
    println!("{} files: {done} done {numbers:?}, {failed} failed", files.len());
    given::fits(&world).await;
}

/// Where we mean to differ from the engines; `crates/ical/tests/corpus.rs` says why.
const OTHERWISE: &[&str] = &[
    "event_rrule_recuid_invalid_tzid.ics",
    "event_dt_local_missing_tz.ics",
    "issue_722_timezone_transition_ambiguity.ics",
    "issue_117_until_before_dtstart.ics",
    "tz_windows_format.ics",
    "issue_18_cancel_status.ics",
    "issue_253_additional_recurrence_id.ics",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_occurrences_of_imported_files_are_those_on_which_other_engines_agree() {
    let world = World::new().await;
    let alice = world.alice().await;
    let corpus: Value =
        serde_json::from_str(include_str!("../../../../crates/ical/tests/data/ics-corpus.json")).expect("the corpus");
    let mut wrong = Vec::new();
    for row in corpus["files"].as_array().expect("files") {
        let text = |name: &str| row[name].as_str().expect("a text");
        let path = folder().join(format!("{}-{}", text("pypi"), text("version"))).join(text("path"));
        let calendar = given::calendar(&alice, &json!({"name": "Corpus", "time_zone": "UTC"})).await;
        let job = import(&alice, &calendar, &path).await;
        assert_eq!(job.str("/state"), "done", "{}: {:#}", path.display(), job.json);
        let mut lines = Vec::new();
        let long = |text: &str| {
            let at =
                jiff::fmt::strtime::parse("%Y%m%dT%H%M%S", text.trim_end_matches('Z')).and_then(|at| at.to_datetime());
            format!("{}Z", at.expect("a time"))
        };
        let window = format!("from={}&to={}", long(text("window_start")), long(text("window_end")));
        let mut cursor = String::new();
        loop {
            let page = alice
                .get(&format!("/api/v1/events?calendar_id={calendar}&expand=true&limit=500&{window}{cursor}"))
                .expect(200)
                .await;
            for one in page.items().iter().filter(|one| one["status"] != "cancelled") {
                lines.push(format!("{} {}", written(&one["start"]), written(&one["end"])));
            }
            let Some(next) = page.json["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        lines.sort();
        let differs = digest(&lines.join("\n")) != text("digest_sha256");
        if differs != OTHERWISE.iter().any(|name| text("path").ends_with(name)) {
            wrong.push(format!(
                "{}: {} of {}: {:?}, {}",
                text("path"),
                lines.len(),
                row["occurrences"],
                lines.iter().take(4).collect::<Vec<_>>(),
                row["first"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of 99 differ\n{}", wrong.len(), wrong.join("\n"));
}

/// As the corpus writes it: UTC, floating or a date.
fn written(time: &Value) -> String {
    let text = time.as_str().expect("a time");
    if text.len() == 10 {
        return text.replace('-', "");
    }
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return instant.strftime("%Y%m%dT%H%M%SZ").to_string();
    }
    text.replace(['-', ':'], "")
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
