use kalends_testkit::World;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{errors, is_signed_in, sign_in, sign_up};

#[tokio::test]
async fn a_new_account_is_signed_in_and_has_a_private_calendar_in_its_zone() {
    let world = World::new().await;
    let body = json!({"username": "Zoë.M", "email": "Zoe@Example.org", "password": " blanks count ", "name": "Zoë Müller", "role": "organizer", "locale": "de-CH", "time_zone": "europe/zurich"});
    let made = world.anonymous().post("/api/v1/auth/register").json(&body).expect(201).await;
    assert_eq!(made.header("cache-control"), Some("no-store"));
    assert_eq!(made.header("location"), Some(format!("/api/v1/users/{}", made.str("/user/id")).as_str()));
    assert_eq!((made.str("/token_type"), &made.json["expires_in"]), ("Bearer", &json!(900)));
    let user = made.json["user"].as_object().expect("an account");
    let said: Value =
        user.iter().filter(|(name, _)| *name != "id").map(|(name, value)| (name.clone(), value.clone())).collect();
    assert_eq!(
        said,
        json!({"username": "Zoë.M", "email": "Zoe@Example.org", "email_verified_at": null, "name": "Zoë Müller", "role": "organizer", "locale": "de-CH",
            "time_zone": "Europe/Zurich", "disabled": false, "version": 1, "created_at": "2027-01-15T10:00:00Z", "updated_at": "2027-01-15T10:00:00Z"})
    );
    let zoe = world.anonymous().with_token(made.str("/access_token"));
    let calendars = zoe.get("/api/v1/calendars").expect(200).await;
    assert_eq!(calendars.each("/visibility"), ["private"]);
    assert_eq!(calendars.each("/time_zone"), ["Europe/Zurich"]);
    sign_in(&world, "zoë.m", " blanks count ").await.expect(200);
    sign_in(&world, "zoë.m", "blanks count").await.expect_problem("bad-credentials");
}

#[tokio::test]
async fn what_is_left_out_has_a_default() {
    let world = World::new().await;
    let made = sign_up(&world, "dora").await;
    assert_eq!(
        [made.str("/user/name"), made.str("/user/role"), made.str("/user/locale"), made.str("/user/time_zone")],
        ["dora", "user", "en", "UTC"]
    );
}

#[tokio::test]
async fn user_names_and_addresses_are_taken_whatever_their_case() {
    let world = World::new().await;
    sign_up(&world, "ärger").await;
    let again = async |username: &str, email: &str| {
        let body = json!({"username": username, "email": email, "password": "correct horse"});
        world.anonymous().post("/api/v1/auth/register").json(&body).send().await
    };
    again("ÄRGER", "other@example.org").await.expect_problem("username-taken");
    again("other", "ÄRGER@EXAMPLE.ORG").await.expect_problem("email-taken");
    again("other", "other@example.org").await.expect(201);
}

#[tokio::test]
async fn everything_wrong_with_a_sign_up_is_told_at_once() {
    let world = World::new().await;
    let wrong = async |body: Value| {
        errors(&world.anonymous().post("/api/v1/auth/register").json(&body).send().await.expect_problem("invalid"))
    };
    let all = wrong(json!({"username": "a b", "email": "nobody", "password": "short", "role": "admin", "time_zone": "Mars/Olympus", "locale": "!", "nmae": "x"})).await;
    assert_eq!(
        all,
        [
            "/email bad-email",
            "/locale bad-locale",
            "/nmae unknown-field",
            "/password too-short",
            "/role not-allowed",
            "/time_zone unknown-time-zone",
            "/username bad-username"
        ]
    );
    assert_eq!(wrong(json!({})).await, ["/email required", "/password required", "/username required"]);
    assert_eq!(
        wrong(json!({"username": 1, "email": ["a@b.ch"], "password": {}, "name": true})).await,
        ["/email wrong-type", "/name wrong-type", "/password wrong-type", "/username wrong-type"]
    );
    assert_eq!(wrong(json!({"username": "a\u{0}b", "email": "a@b.ch\r\nBcc: x@y.ch", "password": "correct horse", "name": "a\u{1b}[31m"})).await, ["/email control-character", "/name control-character", "/username control-character"]);
    assert_eq!(wrong(json!({"username": "x".repeat(65), "email": format!("{}@example.org", "x".repeat(300)), "password": "x".repeat(1_025), "name": "x".repeat(201)})).await, ["/email bad-email", "/name too-long", "/password too-long", "/username bad-username"]);
    assert_eq!(
        wrong(json!({"username": "Deleted-1", "email": "a@b.ch", "password": "correct horse"})).await,
        ["/username bad-username"]
    );
}

#[tokio::test]
async fn passwords_of_any_script_and_length_within_the_limits_work() {
    let world = World::new().await;
    for (username, password) in [
        ("eight", "12345678"),
        ("long", "é".repeat(1_024).as_str()),
        ("nul", "null\u{0}byte"),
        ("emoji", "🐎🐎🐎🐎🐎🐎🐎🐎"),
    ] {
        let body = json!({"username": username, "email": format!("{username}@example.org"), "password": password});
        world.anonymous().post("/api/v1/auth/register").json(&body).expect(201).await;
        sign_in(&world, username, password).await.expect(200);
    }
}

#[tokio::test]
async fn an_operator_can_close_the_sign_up_or_the_choice_of_a_role() {
    let body = |role: &str| json!({"username": "anna", "email": "anna@example.org", "password": "correct horse", "role": role});
    let closed = World::builder().set("accounts.self_registration", "false").start().await;
    closed.anonymous().post("/api/v1/auth/register").json(&body("user")).send().await.expect_problem("sign-up-closed");
    let plain = World::builder().set("accounts.role_choice", "false").start().await;
    let refused =
        plain.anonymous().post("/api/v1/auth/register").json(&body("organizer")).send().await.expect_problem("invalid");
    assert_eq!(errors(&refused), ["/role not-allowed"]);
    plain.anonymous().post("/api/v1/auth/register").json(&body("user")).expect(201).await;
}

#[tokio::test]
async fn of_many_who_come_first_to_an_empty_server_one_becomes_its_administrator_if_it_is_set_so() {
    let world = World::builder().set("accounts.first_user_is_admin", "true").start().await;
    let mut coming = JoinSet::new();
    for n in 0..6 {
        let body = json!({"username": format!("user{n}"), "email": format!("user{n}@example.org"), "password": "correct horse"});
        let request = world.anonymous().post("/api/v1/auth/register").json(&body);
        coming.spawn(async move { request.expect(201).await.str("/user/role").to_owned() });
    }
    let mut roles = coming.join_all().await;
    roles.sort();
    assert_eq!(roles, ["admin", "user", "user", "user", "user", "user"]);
    assert_eq!(sign_up(&world, "late").await.str("/user/role"), "user");
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused_by_what_it_is() {
    let world = World::new().await;
    let post = || world.anonymous().post("/api/v1/auth/register");
    post().body("application/json", "{\"username\":").send().await.expect_problem("unreadable");
    post().body("application/json", "[]").send().await.expect_problem("invalid");
    post().body("text/plain", "{}").send().await.expect_problem("unsupported-media-type");
    post()
        .body("application/x-www-form-urlencoded", "username=a")
        .send()
        .await
        .expect_problem("unsupported-media-type");
    post().body("application/json", format!("\"{}\"", "x".repeat(2 << 20))).send().await.expect_problem("too-large");
}

#[tokio::test]
async fn a_retried_sign_up_never_gives_the_tokens_again() {
    let world = World::new().await;
    let body = json!({"username": "anna", "email": "anna@example.org", "password": "correct horse"});
    let post = || world.anonymous().post("/api/v1/auth/register").header("idempotency-key", "one").json(&body);
    let first = post().expect(201).await;
    post().send().await.expect_problem("username-taken");
    assert!(is_signed_in(&world.anonymous().with_token(first.str("/access_token"))).await);
}
