//! Files that are meant to be too much: each takes bounded time and memory, and says clearly what is wrong with it.

use std::time::{Duration, Instant};

use kalends_db::sql;
use kalends_testkit::{Person, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::undo::waiting;
use super::{CONCERT, by_uid, calendar, event, numbers, rows};
use crate::api::given;

/// Far more than any of these needs, on a slow machine; far less than doing what the file says would take.
const BOUNDED: Duration = Duration::from_secs(60);

const LARGE: usize = 200_000_000;

/// Sends a form of 200 MB, as fast as it is taken, until there is an answer. Gives it, and how much was sent.
async fn send_large(world: &World, person: &Person, head: &str, chunked: bool) -> (String, usize) {
    let address = world.base().trim_start_matches("http://");
    let (mut from, mut to) = TcpStream::connect(address).await.expect("a connection").into_split();
    let token = person.token.as_deref().expect("a token");
    let request = format!(
        "POST /api/v1/imports HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: multipart/form-data; boundary=b\r\n{head}\r\n\r\n"
    );
    to.write_all(request.as_bytes()).await.expect("sent");
    let sending = async {
        let piece = "X-FILLER:0123456789\r\n".repeat(3_000);
        let begin =
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.ics\"\r\n\r\nBEGIN:VCALENDAR\r\n";
        let mut sent = 0;
        for text in std::iter::once(begin).chain(std::iter::repeat(piece.as_str())) {
            let framed = if chunked { format!("{:x}\r\n{text}\r\n", text.len()) } else { text.to_owned() };
            // Whoever does not want to read any more closes the connection.
            if sent >= LARGE || to.write_all(framed.as_bytes()).await.is_err() {
                break;
            }
            sent += text.len();
        }
        sent
    };
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    let reading = async {
        loop {
            match from.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(some) => answer.extend_from_slice(&buffer[..some]),
            }
        }
    };
    let (sent, ()) = tokio::join!(sending, reading);
    (String::from_utf8_lossy(&answer).into_owned(), sent)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_200_mb_is_refused_before_it_is_read() {
    let world = World::builder().set("imports.largest_file_mib", "1").start().await;
    let alice = world.alice().await;
    for (head, chunked) in
        [(format!("Content-Length: {LARGE}"), false), ("Transfer-Encoding: chunked".to_owned(), true)]
    {
        let began = Instant::now();
        let (answer, sent) = send_large(&world, &alice, &head, chunked).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{head}: {answer}");
        assert!(answer.contains("/problems/too-large") && answer.contains("a file may have 1048576 bytes"), "{answer}");
        // Beside the limit, what lies in the buffers of both ends.
        assert!(sent < 40_000_000, "{head}: {sent} bytes were taken");
        assert!(began.elapsed() < BOUNDED);
    }
    assert_eq!(alice.get("/api/v1/jobs").expect(200).await.items().len(), 0);
}

#[tokio::test]
async fn a_series_with_10_000_overrides_is_refused_and_the_others_come_in() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut events = event("many", "SUMMARY:Many\nDTSTART:20000101T090000Z\nRRULE:FREQ=DAILY");
    let day: jiff::civil::Date = "2000-01-01".parse().expect("a date");
    for n in 0..10_000 {
        let day = day.checked_add(jiff::Span::new().days(n)).expect("a date").strftime("%Y%m%d").to_string();
        events += &event("many", &format!("SUMMARY:Day {n}\nRECURRENCE-ID:{day}T090000Z\nDTSTART:{day}T100000Z"));
    }
    events += &event("one", "SUMMARY:One\nDTSTART:20270301T190000Z");
    let began = Instant::now();
    let job = alice.import(&alice.calendar, &calendar(&events), &[]).await;
    assert!(began.elapsed() < BOUNDED);
    assert_eq!(numbers(&job), [1, 0, 0, 1, 0]);
    assert_eq!(rows(&job)[0], "4 refused too-many");
    let says = job.str("/result/rows/0/problem/detail");
    assert!(says.contains("10000 changed instances; 5000 at most"), "{says}");
}

#[tokio::test]
async fn one_account_does_not_fill_the_queue_or_the_disk() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let file = calendar(&event("a", CONCERT));
    let send = |person: &Person| person.post("/api/v1/imports").upload("x.ics", file.as_bytes(), &[]);
    let mut waits = Vec::new();
    for _ in 0..20 {
        waits.push(waiting(&world, &alice, "import").await);
    }
    let refused = send(&alice).send().await.expect_problem("invalid");
    assert_eq!(given::only_error(&refused), (String::new(), "too-many".to_owned()));
    bob.finished(&send(&bob).expect(202).await.id()).await;
    alice.post(&format!("/api/v1/jobs/{}/cancel", waits[0])).expect(200).await;
    alice.finished(&send(&alice).expect(202).await.id()).await;
    // A file that is kept as if it were of one GiB.
    let grown: Result<u64, kalends_db::Error> = world
        .db
        .write((), |tx, ()| Box::pin(async { sql("UPDATE uploads SET size = 1073741824").run(tx).await }))
        .await;
    assert_eq!(grown.expect("written"), 2);
    let refused = send(&alice).send().await.expect_problem("invalid");
    assert!(refused.text.contains("take 1 GiB"), "{}", refused.text);
    assert_eq!(given::only_error(&refused), (String::new(), "too-many".to_owned()));
}

/// A series that is imported, and its instances of one minute in March.
async fn instances_of(rule: &str) -> (World, Person, Vec<String>) {
    let world = World::new().await;
    let alice = world.alice().await;
    let file = calendar(&event("a", &format!("SUMMARY:Tick\nDTSTART:20270301T190000Z\n{rule}")));
    let began = Instant::now();
    assert_eq!(numbers(&alice.import(&alice.calendar, &file, &[]).await), [1, 0, 0, 0, 0]);
    let id = by_uid(&alice, "a").await["id"].as_str().expect("an id").to_owned();
    // Far ahead, and by themselves.
    for window in
        ["from=2527-03-01T00:00:00Z&to=2527-03-01T00:01:00Z", "from=2027-03-01T19:00:00Z&to=2027-03-01T19:00:10Z"]
    {
        alice.get(&format!("/api/v1/events?expand=true&{window}")).expect(200).await;
    }
    let starts = given::starts(&alice, &id).await;
    assert!(began.elapsed() < BOUNDED);
    (world, alice, starts)
}

#[tokio::test]
async fn every_second_for_ever_is_an_event_like_any_other() {
    let (_world, alice, starts) = instances_of("RRULE:FREQ=SECONDLY").await;
    assert_eq!((starts.len(), starts[19].as_str()), (20, "2027-03-01T19:00:19+00:00"));
    let page =
        alice.get("/api/v1/events?expand=true&from=2527-03-01T00:00:00Z&to=2527-03-01T00:01:00Z&limit=500").expect(200);
    assert_eq!(page.await.items().len(), 60);
}

#[tokio::test]
async fn the_30th_of_february_for_ever_never_comes() {
    // DTSTART is always an occurrence, whatever the rule gives (rule 3).
    for rule in [
        "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
    ] {
        let (_world, _alice, starts) = instances_of(rule).await;
        assert_eq!(starts, ["2027-03-01T19:00:00+00:00"], "{rule}");
    }
}

#[tokio::test]
async fn a_rule_that_takes_too_much_work_is_refused_with_its_line() {
    let world = World::new().await;
    let alice = world.alice().await;
    let never = "SUMMARY:Never\nDTSTART:20270201T090000Z\nRRULE:FREQ=SECONDLY;INTERVAL=86402;BYDAY=MO,TH;BYHOUR=9;BYMINUTE=0;BYSECOND=0";
    let began = Instant::now();
    let job = alice.import(&alice.calendar, &calendar(&event("a", never)), &[]).await;
    assert!(began.elapsed() < BOUNDED);
    assert_eq!((numbers(&job), rows(&job)), ([0, 0, 0, 1, 0], vec!["4 refused recurrence-too-sparse".to_owned()]));
}

#[tokio::test]
async fn a_thousand_components_inside_each_other_are_refused_with_the_line_where_it_is_too_deep() {
    let world = World::new().await;
    let alice = world.alice().await;
    for kind in ["VEVENT", "VALARM", "X-ANYTHING"] {
        let nested = "BEGIN:VCALENDAR\r\n".to_owned()
            + &format!("BEGIN:{kind}\r\n").repeat(1_000)
            + &format!("END:{kind}\r\n").repeat(1_000)
            + "END:VCALENDAR\r\n";
        let job = alice.import(&alice.calendar, &nested, &[]).await;
        assert_eq!(job.str("/state"), "failed");
        assert_eq!(job.str("/result/problem/detail"), "line 17: components are nested deeper than 16");
        assert_eq!(job.json["result"]["problem"]["line"], 17);
    }
}
