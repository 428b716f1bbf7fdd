//! An answer waits for the disk: in the server's system calls, the sync of SQLite's log is done before the first byte of the
//! 201 goes out. (PostgreSQL syncs in its own processes; there the start refuses settings under which it would not wait,
//! `crates/db/tests/db/postgres.rs`.)

use std::path::Path;

use kalends_db::Engine;

use super::{lecture, program, sign_in};

/// What matters of a system call, in the order in which the tracer saw calls begin and end.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Call {
    /// The request arrived.
    Request(String),
    /// A write to the log began.
    Logged,
    /// A sync of the log is done.
    Synced,
    /// The first bytes of an answer begin to go out.
    Answer(String),
}

/// Reads a line such as `123 fdatasync(9</data/kalends.db-wal>) = 0`. A call of several threads at once comes as two lines,
/// `<unfinished ...>` and `<... fdatasync resumed>`: what it means counts where it must, a write where it begins, a sync where
/// it has ended.
fn read(line: &str, unfinished: &mut Vec<(String, String)>) -> Option<Call> {
    let (thread, rest) = line.trim_start().split_once(' ')?;
    let rest = rest.trim_start();
    let done = |text: &str| text.contains(" = 0");
    if let Some(resumed) = rest.strip_prefix("<... ") {
        let at = unfinished.iter().position(|(of, _)| of == thread)?;
        let (_, beginning) = unfinished.swap_remove(at);
        if beginning.starts_with("f") && beginning.contains("-wal>") && done(resumed) {
            return Some(Call::Synced);
        }
        return request(resumed).filter(|_| beginning.starts_with("re"));
    }
    if rest.contains("<unfinished ...>") {
        unfinished.push((thread.to_owned(), rest.to_owned()));
    }
    if rest.starts_with("fsync(") || rest.starts_with("fdatasync(") {
        return (rest.contains("-wal>") && done(rest)).then_some(Call::Synced);
    }
    if rest.starts_with("recvfrom(") || rest.starts_with("read(") {
        return request(rest);
    }
    if rest.contains("-wal>") && rest.contains("write") {
        return Some(Call::Logged);
    }
    let (_, answer) = rest.split_once("\"HTTP/1.1 ")?;
    Some(Call::Answer(answer.chars().take(3).collect()))
}

fn request(text: &str) -> Option<Call> {
    let method = ["POST", "GET"].into_iter().find(|method| text.contains(&format!("\"{method} /api/v1/events")))?;
    Some(Call::Request(method.to_owned()))
}

fn calls(trace: &Path) -> Vec<Call> {
    let text = std::fs::read_to_string(trace).expect("strace wrote it");
    let mut unfinished = Vec::new();
    text.lines().filter_map(|line| read(line, &mut unfinished)).collect()
}

#[tokio::test]
async fn the_log_is_on_the_disk_before_the_answer_goes_out() {
    const REQUESTS: usize = 20;
    let (setup, _db) = program(Engine::Sqlite).await;
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("trace");
    let output = trace.to_str().expect("a path").to_owned();
    let traced = "trace=fsync,fdatasync,pwrite64,write,writev,sendto,sendmsg,recvfrom,read";
    let setup = setup.under(&["strace", "-D", "-f", "-y", "-s", "64", "-e", traced, "-o", &output]);
    let mut server = setup.serve(&[]).await;
    let bearer = sign_in(&server).await;
    // The first use of a token is noted down; that write is none of theirs.
    let mut path = String::new();
    for n in 0..=REQUESTS {
        let made = server
            .post("/api/v1/events")
            .header("authorization", &bearer)
            .json(&lecture(&format!("Lecture {n}")))
            .expect(201)
            .await;
        path = format!("/api/v1/events/{}", made.id());
    }
    for _ in 0..REQUESTS {
        server.get(&path).header("authorization", &bearer).expect(200).await;
    }
    server.signal("TERM");
    server.ended().await;

    let calls = calls(&trace);
    let requests: Vec<usize> =
        calls.iter().enumerate().filter(|(_, call)| matches!(call, Call::Request(_))).map(|(at, _)| at).collect();
    let (mut posts, mut strictly, mut gets) = (0, 0, 0);
    for (n, &at) in requests.iter().enumerate().skip(1) {
        let end = requests.get(n + 1).copied().unwrap_or(calls.len());
        let between = &calls[at + 1..end];
        let answer = between.iter().position(|call| matches!(call, Call::Answer(_))).expect("an answer");
        let before = &between[..answer];
        match (&calls[at], &between[answer]) {
            (Call::Request(method), Call::Answer(status)) if method == "POST" && status == "201" => {
                let last_write = before
                    .iter()
                    .rposition(|call| *call == Call::Logged)
                    .expect("a write to the log before the answer");
                assert!(before.contains(&Call::Synced), "201 before the sync: {between:?}");
                // The writer may have begun with somebody else's command, such as the sealing of the audit log, while the
                // answer was on its way.
                strictly += usize::from(before[last_write..].contains(&Call::Synced));
                posts += 1;
            }
            // The control: who changes nothing waits for nothing, so what is seen above belongs to the write.
            (Call::Request(method), Call::Answer(status)) if method == "GET" && status == "200" => {
                // Every second the audit log is sealed, which is nobody's request.
                if before.is_empty() {
                    gets += 1;
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(posts, REQUESTS);
    assert!(4 * strictly >= 3 * REQUESTS, "the sync is the last before the answer: {strictly} of {REQUESTS}");
    assert!(2 * gets > REQUESTS, "a GET writes nothing: {gets} of {REQUESTS} waited for nothing");
}

/// Here the disk refuses to sync: then nothing may be acknowledged.
#[tokio::test]
async fn a_sync_that_fails_is_not_acknowledged() {
    let (setup, _db) = program(Engine::Sqlite).await;
    let server = setup.serve(&[]).await;
    let bearer = sign_in(&server).await;
    server.kill();
    // The start and some writes still succeed.
    let wrapper = [
        "strace",
        "-D",
        "-f",
        "-o",
        "/dev/null",
        "-e",
        "trace=fdatasync,fsync",
        "-e",
        "inject=fdatasync,fsync:error=EIO:when=12+",
    ];
    let broken = setup.under(&wrapper);
    let server = broken.serve(&[]).await;
    let (mut acknowledged, mut refused) = (Vec::new(), 0);
    for n in 0..30 {
        let title = format!("Lecture {n}");
        let reply = server.post("/api/v1/events").header("authorization", &bearer).json(&lecture(&title)).send().await;
        if reply.status.is_server_error() {
            refused += 1;
        } else {
            acknowledged.push(reply.expect(201).id());
        }
    }
    server.get("/healthz").expect(200).await;
    server.kill();
    println!("{} acknowledged before the disk failed, {refused} refused", acknowledged.len());
    assert!(refused >= 15, "{refused} refused");
    let setup = broken.under(&[]);
    let check = setup.run(&["check"]);
    assert_eq!((check.code, check.stdout.as_str()), (Some(0), "no differences\n"), "{check:?}");
    let server = setup.serve(&[]).await;
    let there = server.get("/api/v1/events?limit=500").header("authorization", &bearer).expect(200).await.each("/id");
    assert!(acknowledged.iter().all(|id| there.contains(id)), "{acknowledged:?} {there:?}");
    server.post("/api/v1/events").header("authorization", &bearer).json(&lecture("After")).expect(201).await;
}

#[test]
fn a_trace_is_read_in_the_order_that_matters() {
    let lines = [
        r#"7 recvfrom(11<TCP:[1]>, "POST /api/v1/events HTTP/1.1\r\n"..., 8192, 0, NULL, NULL) = 300"#,
        r#"9 pwrite64(5</d/kalends.db-wal>, "7\177"..., 24, 0) = 24"#,
        "9 fdatasync(5</d/kalends.db-wal> <unfinished ...>",
        r#"7 sendto(11<TCP:[1]>, "HTTP/1.1 201 Created\r\n"..., 300, MSG_NOSIGNAL, NULL, 0) = 300"#,
        "9 <... fdatasync resumed>) = 0",
        "9 fdatasync(4</d/kalends.db>) = 0",
    ];
    let mut unfinished = Vec::new();
    let calls: Vec<Call> = lines.iter().filter_map(|line| read(line, &mut unfinished)).collect();
    let wanted = [Call::Request("POST".to_owned()), Call::Logged, Call::Answer("201".to_owned()), Call::Synced];
    assert_eq!(calls, wanted, "this server would have answered too early");
}
