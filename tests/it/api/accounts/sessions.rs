use kalends_testkit::World;
use serde_json::json;

use super::{is_signed_in, refresh, sign_in, sign_up};

#[tokio::test]
async fn people_see_where_they_are_signed_in_and_sign_out_there() {
    let world = World::new().await;
    let first = sign_up(&world, "anna").await;
    world.advance(60);
    let body = json!({"login": "anna", "password": "correct horse"});
    let second = world
        .anonymous()
        .post("/api/v1/auth/login")
        .header("user-agent", "Old Phone/1.0")
        .json(&body)
        .expect(200)
        .await;
    let anna = world.anonymous().with_token(first.str("/access_token"));
    let listed = anna.get("/api/v1/me/sessions?include=total").expect(200).await;
    assert_eq!(listed.json["total"], 2);
    let shown: Vec<_> = listed
        .items()
        .iter()
        .map(|session| json!([session["current"], session["created_at"], session["user_agent"], session["address"]]))
        .collect();
    let agent = &listed.items().last().expect("two")["user_agent"];
    assert_eq!(
        shown,
        [
            json!([false, "2027-01-15T10:01:00Z", "Old Phone/1.0", "127.0.0.1"]),
            json!([true, "2027-01-15T10:00:00Z", agent, "127.0.0.1"])
        ]
    );
    let phone = format!("/api/v1/me/sessions/{}", listed.items().first().expect("two")["id"].as_str().expect("an id"));
    let on_phone = world.anonymous().with_token(second.str("/access_token"));
    assert!(is_signed_in(&on_phone).await);
    anna.delete(&phone).expect(204).await;
    assert!(!is_signed_in(&on_phone).await);
    anna.delete(&phone).expect(204).await;
    refresh(&world, second.str("/refresh_token")).await.expect_problem("bad-token");
    assert_eq!(anna.get("/api/v1/me/sessions").expect(200).await.items().len(), 1);
}

#[tokio::test]
async fn other_peoples_sessions_are_not_there() {
    let world = World::new().await;
    let (alice, mallory) = (world.alice().await, world.mallory().await);
    let id = alice.get("/api/v1/me/sessions").expect(200).await.items().first().expect("one")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    for path in [id.as_str(), "01941f29-7c00-7aaa-8000-3d1c7e9a5b10", "nonsense", "%00"] {
        mallory.delete(&format!("/api/v1/me/sessions/{path}")).send().await.expect_problem("not-found");
    }
    assert!(is_signed_in(&alice).await);
    world.anonymous().get("/api/v1/me/sessions").send().await.expect_problem("sign-in-needed");
}

#[tokio::test]
async fn sessions_come_in_pages_without_repeats_or_gaps() {
    let world = World::new().await;
    let first = sign_up(&world, "anna").await;
    for _ in 0..4 {
        sign_in(&world, "anna", "correct horse").await.expect(200);
    }
    let anna = world.anonymous().with_token(first.str("/access_token"));
    let all = anna.get("/api/v1/me/sessions").expect(200).await.each("/id");
    let mut paged = Vec::new();
    let mut path = "/api/v1/me/sessions?limit=2".to_owned();
    loop {
        let page = anna.get(&path).expect(200).await;
        paged.extend(page.each("/id"));
        let Some(cursor) = page.json["next_cursor"].as_str() else { break };
        path = format!("/api/v1/me/sessions?limit=2&cursor={cursor}");
    }
    assert_eq!((paged.len(), &paged), (5, &all));
    anna.get("/api/v1/me/sessions?cursor=nonsense").send().await.expect_problem("invalid");
}
