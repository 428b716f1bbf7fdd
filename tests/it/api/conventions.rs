//! What is true of every answer: problem documents, request ids, limits, origins.

use kalends_testkit::{Method, Reply, World};
use serde_json::json;

use super::given::event;

const NEW_EVENT: &str = r#"{"title": "Choir", "start": "2027-02-01T19:00:00", "time_zone": "Europe/Zurich"}"#;

#[tokio::test]
async fn what_the_framework_refuses_is_a_problem_document_too() {
    let world = World::new().await;
    let alice = world.alice().await;
    for path in ["/api", "/api/v1", "/api/v1/nothing", "/api/v1/events/", "/api/docs/no-such-file.js"] {
        alice.get(path).send().await.expect_problem("not-found");
    }
    for no_id in ["/api/v1/events/17", "/api/v1/events/%FF", "/api/v1/calendars/not-an-id/permissions"] {
        alice.get(no_id).send().await.expect_problem("not-found");
    }
    let refused = alice.delete("/api/v1/calendars").send().await.expect_problem("method-not-allowed");
    let mut allowed: Vec<&str> = refused.header("allow").expect("Allow").split(',').map(str::trim).collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
    alice.post("/healthz").send().await.expect_problem("method-not-allowed");
    alice.request(Method::OPTIONS, "/api/v1/events").send().await.expect_problem("method-not-allowed");
}

#[tokio::test]
async fn a_body_that_may_be_left_out_may_be_announced_all_the_same() {
    let world = World::new().await;
    let alice = world.alice().await;
    let event = alice.post("/api/v1/events").body("application/json", NEW_EVENT).expect(201).await.id();
    alice.post(&format!("/api/v1/events/{event}/clone")).body("application/json", "").expect(201).await;
    alice
        .post(&format!("/api/v1/events/{event}/clone"))
        .body("application/json", "{")
        .send()
        .await
        .expect_problem("unreadable");
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_told_apart() {
    let world = World::new().await;
    let alice = world.alice().await;
    let post = |kind: &'static str, body: String| alice.post("/api/v1/events").body(kind, body);
    post("application/json", "{\"title\":".into()).send().await.expect_problem("unreadable");
    post("application/json", String::new()).send().await.expect_problem("unreadable");
    post("text/plain", NEW_EVENT.into()).send().await.expect_problem("unsupported-media-type");
    alice.post("/api/v1/events").send().await.expect_problem("unsupported-media-type");
    post("application/merge-patch+json", NEW_EVENT.into()).send().await.expect_problem("unsupported-media-type");
    let large = format!("{{\"title\": \"{}\"}}", "x".repeat(1 << 20));
    post("application/json", large).send().await.expect_problem("too-large");
    let list = post("application/json", "[1]".into()).send().await.expect_problem("invalid");
    assert_eq!(list.errors(), [(String::new(), "wrong-type".to_owned())]);
    post("application/json; charset=utf-8", NEW_EVENT.into()).expect(201).await;
}

#[tokio::test]
async fn a_parameter_that_nobody_knows_is_refused_with_the_nearest_one() {
    let world = World::new().await;
    let reply = world.anonymous().get("/api/v1/events?lmit=5&limit=5&limit=6").send().await.expect_problem("invalid");
    let errors = reply.errors();
    assert!(errors.contains(&("?lmit".to_owned(), "unknown-parameter".to_owned())), "{errors:?}");
    assert!(errors.contains(&("?limit".to_owned(), "repeated".to_owned())), "{errors:?}");
    assert!(reply.text.contains("limit\\\"?"), "{}", reply.text);
}

#[tokio::test]
async fn every_answer_carries_its_request_id_and_is_not_kept_by_others() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut ids = std::collections::BTreeSet::new();
    let answers = [
        alice.get("/api/v1/me").expect(200).await,
        alice.get("/api/v1/me").expect(200).await,
        alice.get("/nothing").expect(404).await,
        world.anonymous().get("/api/v1/me").expect(401).await,
        world.anonymous().with_token("kla_nonsense").get("/api/v1/me").expect(401).await,
    ];
    for answer in &answers {
        assert!(ids.insert(answer.header("x-request-id").expect("an id").to_owned()), "ids are fresh");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    }
    assert!(answers[0].header("cache-control").is_some_and(|value| value.contains("private")));
    assert_eq!(answers[3].header("www-authenticate"), Some("Bearer"));
}

#[tokio::test]
async fn head_answers_as_get_without_the_body() {
    let world = World::new().await;
    let alice = world.alice().await;
    for path in ["/api/v1/me", "/api/v1/calendars", "/healthz", "/api/redoc"] {
        let got = alice.get(path).header("accept-encoding", "identity").expect(200).await;
        let head = alice.head(path).header("accept-encoding", "identity").expect(200).await;
        assert_eq!(head.text, "", "{path}");
        assert_eq!(head.header("content-type"), got.header("content-type"), "{path}");
        assert_eq!(head.header("etag"), got.header("etag"), "{path}");
        assert_eq!(head.header("content-length"), Some(got.bytes.len().to_string().as_str()), "{path}");
    }
    assert_eq!(alice.head("/nothing").expect(404).await.text, "");
}

#[tokio::test]
async fn large_answers_are_packed_for_who_can_unpack_them() {
    let world = World::new().await;
    let packed = world.anonymous().get("/api/v1/openapi.json").header("accept-encoding", "gzip").expect(200).await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert_eq!(packed.bytes[..2], [0x1f, 0x8b]);
}

const APP: &str = "https://app.example.org";

#[tokio::test]
async fn a_listed_origin_may_call_and_read_the_headers() {
    let world = World::builder().set("http.cors_origins", APP).start().await;
    let anyone = world.anonymous();
    let asked = anyone
        .request(Method::OPTIONS, "/api/v1/events")
        .header("origin", APP)
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", "authorization,content-type,if-match,if-none-match,idempotency-key")
        .expect(200)
        .await;
    let has = |reply: &Reply, header: &str, words: &[&str]| {
        let value = reply.header(header).unwrap_or_default().to_lowercase();
        words.iter().all(|word| value.split(',').any(|given| given.trim() == *word))
    };
    assert_eq!(asked.header("access-control-allow-origin"), Some(APP));
    assert!(
        has(&asked, "access-control-allow-methods", &["get", "post", "put", "patch", "delete"]),
        "{:?}",
        asked.headers
    );
    let wanted = ["authorization", "content-type", "if-match", "if-none-match", "idempotency-key"];
    assert!(has(&asked, "access-control-allow-headers", &wanted), "{:?}", asked.headers);
    let exposed = [
        "etag",
        "location",
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
        "retry-after",
        "x-request-id",
    ];
    for path in ["/api/v1/events", "/nothing"] {
        let answer = anyone.get(path).header("origin", APP).send().await;
        assert_eq!(answer.header("access-control-allow-origin"), Some(APP), "{path}");
        assert!(has(&answer, "access-control-expose-headers", &exposed), "{:?}", answer.headers);
        assert!(
            answer
                .headers
                .get_all("vary")
                .iter()
                .any(|value| value.to_str().is_ok_and(|text| text.to_lowercase().contains("origin")))
        );
    }
}

#[tokio::test]
async fn other_origins_are_not_told_that_they_may() {
    let listed = World::builder().set("http.cors_origins", APP).start().await;
    let none = World::new().await;
    for world in [&listed, &none] {
        for origin in ["https://evil.example", "https://app.example.org.evil.example", "http://app.example.org", "null"]
        {
            let answer = world.anonymous().get("/api/v1/events").header("origin", origin).expect(200).await;
            assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
        }
    }
    let all = World::builder().set("http.cors_origins", "*").start().await;
    let answer = all.anonymous().get("/api/v1/events").header("origin", "https://any.example").expect(200).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
}

async fn sign_in_in_vain(world: &World, from: Option<&str>) -> Reply {
    let body = json!({"login": "nobody", "password": "wrong password"});
    let mut request = world.anonymous().post("/api/v1/auth/login").json(&body);
    if let Some(address) = from {
        request = request.header("x-forwarded-for", address);
    }
    request.send().await
}

#[tokio::test]
async fn who_asks_too_much_waits_as_long_as_the_answer_says() {
    let world = World::builder().with_rate_limits().set("rate_limit.auth_per_minute", "3").start().await;
    for left in ["2", "1", "0"] {
        let reply = sign_in_in_vain(&world, None).await.expect(401);
        assert_eq!(reply.header("ratelimit-limit"), Some("3"));
        assert_eq!(reply.header("ratelimit-remaining"), Some(left));
        assert!(reply.header("ratelimit-reset").is_some());
    }
    let refused = sign_in_in_vain(&world, None).await.expect_problem("too-many-requests");
    let wait: i64 = refused.header("retry-after").expect("how long").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(refused.header("ratelimit-remaining"), Some("0"));
    assert!(refused.header("x-request-id").is_some());
    let reading = world.anonymous().get("/api/v1/events").expect(200).await;
    assert_eq!(reading.header("ratelimit-limit"), Some("1200"), "other kinds of routes are counted apart");
    world.advance(wait);
    sign_in_in_vain(&world, None).await.expect(401);
}

#[tokio::test]
async fn an_invalid_token_counts_as_an_attempt_to_sign_in() {
    let world = World::builder().with_rate_limits().set("rate_limit.auth_per_minute", "2").start().await;
    let guesser = world.anonymous().with_token("kla_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    for _ in 0..2 {
        guesser.get("/api/v1/me").send().await.expect_problem("bad-token");
    }
    guesser.get("/api/v1/me").send().await.expect_problem("too-many-requests");
}

#[tokio::test]
async fn people_behind_a_trusted_proxy_are_counted_one_by_one() {
    let behind = World::builder()
        .with_rate_limits()
        .set("rate_limit.auth_per_minute", "1")
        .set("http.trusted_proxies", "127.0.0.0/8, 10.0.0.0/8");
    let world = behind.start().await;
    sign_in_in_vain(&world, Some("203.0.113.1")).await.expect(401);
    sign_in_in_vain(&world, Some("203.0.113.2")).await.expect(401);
    sign_in_in_vain(&world, Some("203.0.113.1")).await.expect(429);
    sign_in_in_vain(&world, Some("198.51.100.7, 203.0.113.1, 10.0.0.9")).await.expect(429);
}

#[tokio::test]
async fn a_network_that_one_host_has_to_itself_counts_as_one() {
    let behind = World::builder()
        .with_rate_limits()
        .set("rate_limit.auth_per_minute", "1")
        .set("http.trusted_proxies", "127.0.0.0/8");
    let world = behind.start().await;
    sign_in_in_vain(&world, Some("2001:db8:1:2::1")).await.expect(401);
    sign_in_in_vain(&world, Some("2001:db8:1:2:ffff::9")).await.expect(429);
    sign_in_in_vain(&world, Some("2001:db8:1:3::1")).await.expect(401);
}

#[tokio::test]
async fn a_condition_that_cannot_be_read_is_not_taken_for_none() {
    let world = World::new().await;
    let alice = world.alice().await;
    let made = event(&alice, &json!({"title": "Picnic", "start": "2027-05-03T12:00:00"})).await;
    let path = format!("/api/v1/events/{}", made.id());
    for (name, value) in [("if-match", "\"1-ü\""), ("idempotency-key", "schlüssel")] {
        let refused = alice.patch(&path).header(name, value).json(&json!({"title": "x"})).send().await;
        assert!(refused.expect_problem("unreadable").str("/detail").starts_with(name));
    }
    let twice = alice.patch(&path).header("if-match", "\"7-x\"").header("if-match", &made.etag());
    twice.json(&json!({"title": "x"})).send().await.expect_problem("unreadable");
    assert_eq!(alice.get(&path).expect(200).await.json["version"], 1);
}

#[tokio::test]
async fn nobody_elses_forwarded_address_is_believed() {
    let world = World::builder().with_rate_limits().set("rate_limit.auth_per_minute", "1").start().await;
    sign_in_in_vain(&world, Some("203.0.113.1")).await.expect(401);
    sign_in_in_vain(&world, Some("203.0.113.2")).await.expect(429);
}

#[tokio::test]
async fn probes_and_metrics_answer_without_being_counted() {
    let world = World::builder().with_rate_limits().set("rate_limit.read_per_minute", "1").start().await;
    for _ in 0..3 {
        assert_eq!(world.anonymous().get("/healthz").expect(200).await.json, json!({"status": "ok"}));
        world.anonymous().get("/readyz").expect(200).await;
    }
    world.anonymous().get("/api/v1/events").expect(200).await;
    world.anonymous().get("/api/v1/events").expect(429).await;
    let invented = Method::from_bytes(b"INVENTED").expect("a method");
    world.anonymous().request(invented, "/api/v1/events").expect(405).await;
    let metrics = world.anonymous().get("/metrics").expect(200).await;
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(metrics.text.contains("kalends_http_requests_total{"), "{}", metrics.text);
    assert!(metrics.text.contains("path=\"/api/v1/events\""), "{}", metrics.text);
    let refused = metrics.text.lines().any(|line| line.contains("path=\"/api/v1/events\"") && line.contains("429"));
    assert!(refused, "who guesses too much is seen: {}", metrics.text);
    assert!(!metrics.text.contains("INVENTED"), "clients cannot make series: {}", metrics.text);
}

#[tokio::test]
async fn a_server_whose_database_is_gone_is_up_but_not_ready() {
    let world = World::new().await;
    world.db.close().await;
    world.anonymous().get("/healthz").expect(200).await;
    let reply = world.anonymous().get("/readyz").send().await.expect(503);
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    assert!(reply.header("retry-after").is_some());
}
