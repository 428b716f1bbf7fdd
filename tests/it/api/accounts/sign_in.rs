use kalends_testkit::World;
use serde_json::json;

use super::{errors, is_signed_in, shown, sign_in, sign_up};

#[tokio::test]
async fn people_sign_in_by_user_name_or_address_whatever_the_case() {
    let world = World::new().await;
    sign_up(&world, "anna").await;
    for login in ["anna", "ANNA", "anna@example.org", "Anna@Example.ORG", " anna "] {
        let reply = sign_in(&world, login, "correct horse").await.expect(200);
        assert_eq!(
            (reply.str("/token_type"), &reply.json["expires_in"], reply.header("cache-control")),
            ("Bearer", &json!(900), Some("no-store"))
        );
        assert!(reply.str("/access_token").starts_with("kla_") && reply.str("/refresh_token").starts_with("klr_"));
    }
    let by_username = json!({"username": "anna", "password": "correct horse"});
    world.anonymous().post("/api/v1/auth/login").json(&by_username).expect(200).await;
}

#[tokio::test]
async fn oauth2_clients_sign_in_by_form() {
    let world = World::new().await;
    sign_up(&world, "anna").await;
    let form = |text: &str| {
        world.anonymous().post("/api/v1/auth/login").body("application/x-www-form-urlencoded; charset=UTF-8", text)
    };
    let reply = form("grant_type=password&username=anna&password=correct+horse&scope=&client_id=cli&client_secret=s")
        .expect(200)
        .await;
    assert!(is_signed_in(&world.anonymous().with_token(reply.str("/access_token"))).await);
    form("username=anna%40example.org&password=correct%20horse").expect(200).await;
    form("username=anna&password=wrong").send().await.expect_problem("bad-credentials");
    assert_eq!(
        errors(&form("username=anna&username=bob&password=x").send().await.expect_problem("invalid")),
        ["/username repeated"]
    );
    assert_eq!(
        errors(&form("username=anna&grant_type=implicit&pass=x").send().await.expect_problem("invalid")),
        ["/grant_type not-a-choice", "/pass unknown-field", "/password required"]
    );
    form("").send().await.expect_problem("invalid");
}

#[tokio::test]
async fn unknown_wrong_disabled_and_deleted_get_the_same_answer_after_the_same_work() {
    let world = World::new().await;
    let admin = world.admin().await;
    sign_up(&world, "anna").await;
    let shut = sign_up(&world, "shut").await;
    let gone = sign_up(&world, "gone").await;
    admin.patch(&format!("/api/v1/users/{}", shut.str("/user/id"))).json(&json!({"disabled": true})).expect(200).await;
    world.anonymous().with_token(gone.str("/access_token")).delete("/api/v1/me").expect(204).await;
    let wrong = sign_in(&world, "anna", "wrong horse").await.expect_problem("bad-credentials");
    for login in ["nobody", "nobody@example.org", "shut", "gone", "gone@example.org", gone.str("/user/id"), "%", "an_a"]
    {
        let before = world.app().passwords.checks();
        let reply = sign_in(&world, login, "correct horse").await;
        assert_eq!(shown(&reply), shown(&wrong), "{login}");
        assert_eq!(world.app().passwords.checks() - before, 1, "{login}: a password is checked all the same");
    }
}

#[tokio::test]
async fn everything_wrong_with_a_sign_in_is_told_at_once() {
    let world = World::new().await;
    let wrong = async |body: serde_json::Value| {
        errors(&world.anonymous().post("/api/v1/auth/login").json(&body).send().await.expect_problem("invalid"))
    };
    assert_eq!(wrong(json!({})).await, ["/login required", "/password required"]);
    assert_eq!(
        wrong(json!({"login": "anna", "username": "anna", "password": 1, "remember": true})).await,
        ["/password wrong-type", "/remember unknown-field", "/username contradiction"]
    );
    assert_eq!(wrong(json!({"login": "an\u{0}na", "password": "x"})).await, ["/login control-character"]);
    assert_eq!(wrong(json!({"login": "x".repeat(300), "password": "x"})).await, ["/login too-long"]);
    world
        .anonymous()
        .post("/api/v1/auth/login")
        .body("text/xml", "<login/>")
        .send()
        .await
        .expect_problem("unsupported-media-type");
}

#[tokio::test]
async fn a_token_that_has_run_out_does_not_hinder_the_next_sign_in() {
    let world = World::new().await;
    let anna = sign_up(&world, "anna").await;
    let stale = world.anonymous().with_token("kla_nonsense");
    stale.post("/api/v1/auth/login").json(&json!({"login": "anna", "password": "correct horse"})).expect(200).await;
    stale.post("/api/v1/auth/refresh").json(&json!({"refresh_token": anna.str("/refresh_token")})).expect(200).await;
    stale.get("/api/v1/me").send().await.expect_problem("bad-token");
}

#[tokio::test]
async fn an_access_token_is_good_for_fifteen_minutes() {
    let world = World::new().await;
    let signed_in = sign_up(&world, "anna").await;
    let anna = world.anonymous().with_token(signed_in.str("/access_token"));
    world.advance(899);
    assert!(is_signed_in(&anna).await);
    world.advance(1);
    assert!(!is_signed_in(&anna).await);
}

#[tokio::test]
async fn texts_that_are_no_tokens_of_ours_open_nothing() {
    let world = World::new().await;
    let signed_in = sign_up(&world, "anna").await;
    let access = signed_in.str("/access_token");
    for bad in [
        "x",
        "kla_",
        &access.to_uppercase(),
        &format!("{access}a"),
        signed_in.str("/refresh_token"),
        &access.replace("kla_", "klp_"),
        "Bearer",
    ] {
        world.anonymous().with_token(bad).get("/api/v1/me").send().await.expect_problem("bad-token");
    }
    world.anonymous().get("/api/v1/me").header("authorization", "Basic YTpi").send().await.expect_problem("bad-token");
    world.anonymous().get("/api/v1/me").send().await.expect_problem("sign-in-needed");
}

#[tokio::test]
async fn signing_out_kills_both_tokens_at_once() {
    let world = World::new().await;
    let signed_in = sign_up(&world, "anna").await;
    let other = sign_in(&world, "anna", "correct horse").await.expect(200);
    let anna = world.anonymous().with_token(signed_in.str("/access_token"));
    assert!(is_signed_in(&anna).await);
    anna.post("/api/v1/auth/logout").expect(204).await;
    assert!(!is_signed_in(&anna).await);
    super::refresh(&world, signed_in.str("/refresh_token")).await.expect_problem("bad-token");
    anna.post("/api/v1/auth/logout").send().await.expect_problem("bad-token");
    assert!(is_signed_in(&world.anonymous().with_token(other.str("/access_token"))).await, "another session goes on");
}

#[tokio::test]
async fn a_refresh_token_signs_out_too_also_when_the_access_token_has_run_out() {
    let world = World::new().await;
    let signed_in = sign_up(&world, "anna").await;
    let anna = world.anonymous().with_token(signed_in.str("/access_token"));
    world.advance(3_600);
    anna.post("/api/v1/auth/logout").json(&json!({"refresh_token": signed_in.str("/refresh_token")})).expect(204).await;
    super::refresh(&world, signed_in.str("/refresh_token")).await.expect_problem("bad-token");
    let unknown = json!({"refresh_token": "klr_unknown"});
    world.anonymous().post("/api/v1/auth/logout").json(&unknown).send().await.expect_problem("bad-token");
    world.anonymous().post("/api/v1/auth/logout").send().await.expect_problem("bad-token");
}
