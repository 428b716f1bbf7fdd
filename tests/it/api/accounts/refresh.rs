use kalends_testkit::World;
use tokio::task::JoinSet;

use super::{errors, is_signed_in, refresh, sign_in, sign_up};

#[tokio::test]
async fn each_refresh_gives_the_next_pair() {
    let world = World::new().await;
    let mut tokens = sign_up(&world, "anna").await;
    for _ in 0..3 {
        world.advance(1_000);
        let next = refresh(&world, tokens.str("/refresh_token")).await.expect(200);
        assert_ne!(next.str("/refresh_token"), tokens.str("/refresh_token"));
        assert_eq!(next.header("cache-control"), Some("no-store"));
        assert!(is_signed_in(&world.anonymous().with_token(next.str("/access_token"))).await);
        tokens = next;
    }
}

#[tokio::test]
async fn a_refresh_token_that_comes_twice_ends_its_session_and_no_other() {
    let world = World::new().await;
    let stolen = sign_up(&world, "anna").await;
    let other = sign_in(&world, "anna", "correct horse").await.expect(200);
    let next = refresh(&world, stolen.str("/refresh_token")).await.expect(200);
    let anna = world.anonymous().with_token(next.str("/access_token"));
    assert!(is_signed_in(&anna).await);
    refresh(&world, stolen.str("/refresh_token")).await.expect_problem("bad-token");
    assert!(!is_signed_in(&anna).await, "the thief's tokens and the victim's are dead, whoever is who");
    assert!(!is_signed_in(&world.anonymous().with_token(stolen.str("/access_token"))).await);
    refresh(&world, next.str("/refresh_token")).await.expect_problem("bad-token");
    refresh(&world, other.str("/refresh_token")).await.expect(200);
}

#[tokio::test]
async fn of_many_refreshes_with_one_token_exactly_one_wins_and_the_session_ends() {
    let world = World::new().await;
    for round in 0..5 {
        let tokens = sign_up(&world, &format!("anna{round}")).await;
        let mut racing = JoinSet::new();
        for _ in 0..8 {
            let body = serde_json::json!({"refresh_token": tokens.str("/refresh_token")});
            let request = world.anonymous().post("/api/v1/auth/refresh").json(&body);
            racing.spawn(async move { request.send().await });
        }
        let replies = racing.join_all().await;
        let won: Vec<_> = replies.iter().filter(|reply| reply.status.as_u16() == 200).collect();
        assert_eq!(won.len(), 1, "round {round}");
        assert!(replies.iter().all(|reply| matches!(reply.status.as_u16(), 200 | 401)), "round {round}");
        let winner = won.first().expect("one");
        assert!(!is_signed_in(&world.anonymous().with_token(winner.str("/access_token"))).await, "round {round}");
        refresh(&world, winner.str("/refresh_token")).await.expect_problem("bad-token");
    }
}

#[tokio::test]
async fn a_session_that_nobody_refreshes_for_thirty_days_is_over() {
    const DAY: i64 = 24 * 3_600;
    let world = World::new().await;
    let first = sign_up(&world, "anna").await;
    world.advance(30 * DAY - 1);
    let second = refresh(&world, first.str("/refresh_token")).await.expect(200);
    world.advance(30 * DAY - 1);
    let third = refresh(&world, second.str("/refresh_token")).await.expect(200);
    world.advance(30 * DAY);
    refresh(&world, third.str("/refresh_token")).await.expect_problem("bad-token");
}

#[tokio::test]
async fn other_texts_are_no_refresh_tokens() {
    let world = World::new().await;
    let tokens = sign_up(&world, "anna").await;
    for bad in ["", "klr_", tokens.str("/access_token"), "klr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        refresh(&world, bad).await.expect_problem("bad-token");
    }
    let empty = world
        .anonymous()
        .post("/api/v1/auth/refresh")
        .json(&serde_json::json!({"token": 1}))
        .send()
        .await
        .expect_problem("invalid");
    assert_eq!(errors(&empty), ["/refresh_token required", "/token unknown-field"]);
}
