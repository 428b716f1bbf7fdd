//! Finding events by words: rule 28.

mod many;
mod model;

use kalends_testkit::{Person, World};
use serde_json::{Value, json};

use super::given::{calendar, event, fits, only_error, share};

/// The titles that a question finds, best first.
async fn found(person: &Person, question: &str) -> Vec<String> {
    ask(person, &[("q", question)]).await.each("/title")
}

async fn ask(person: &Person, parameters: &[(&str, &str)]) -> kalends_testkit::Reply {
    person.get(&path(parameters)).expect(200).await
}

fn path(parameters: &[(&str, &str)]) -> String {
    let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    format!("/api/v1/events?{}", pairs.join("&"))
}

fn on(day: &str, title: &str) -> Value {
    json!({"title": title, "start": format!("{day}T10:00:00"), "end": format!("{day}T11:00:00")})
}

#[tokio::test]
async fn an_event_is_found_by_its_words_whatever_their_case_and_accents() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut concert = on("2027-03-01", "Großes Frühlingskonzert");
    concert["description"] = "Mit dem Chœur d’été".into();
    concert["location"] = "Église Saint-François".into();
    concert["categories"] = json!(["Música"]);
    event(&alice, &concert).await;
    event(&alice, &on("2027-03-02", "Team meeting")).await;
    for question in [
        "grosses",
        "FRÜHLINGSKONZERT",
        "fruhlingskonzert",
        "choeur ete",
        "eglise francois",
        "musica",
        "gross fruhl",
        "chœur grosses",
    ] {
        assert_eq!(found(&alice, question).await, ["Großes Frühlingskonzert"], "{question}");
    }
    for nothing in ["meeting konzert", "xylophone", "…", "onzert"] {
        assert_eq!(found(&alice, nothing).await, Vec::<String>::new(), "{nothing}");
    }
    assert_eq!(found(&alice, "").await.len(), 2, "no question");
    fits(&world).await;
}

#[tokio::test]
async fn a_title_counts_more_than_a_category_a_place_or_a_description() {
    let world = World::new().await;
    let alice = world.alice().await;
    let with = |day: &str, title: &str, field: &str, value: Value| {
        let mut body = on(day, title);
        body[field] = value;
        body
    };
    for body in [
        with("2027-01-16", "E", "description", json!("a night at the opera")),
        with("2027-01-17", "D", "location", json!("Opera")),
        with("2027-01-18", "C", "categories", json!(["opera"])),
        on("2027-01-19", "B operas"),
        on("2027-09-01", "A opera later"),
        on("2027-02-01", "A opera soon"),
        on("2027-01-10", "A opera just over"),
    ] {
        event(&alice, &body).await;
    }
    let wanted = ["A opera just over", "A opera soon", "A opera later", "B operas", "C", "D", "E"];
    assert_eq!(found(&alice, "opera").await, wanted);
    // The word that fits worst decides.
    assert_eq!(found(&alice, "opera a").await[..3], wanted[..3]);
    assert_eq!(found(&alice, "opera night").await, ["E"]);
}

#[tokio::test]
async fn a_slip_is_corrected_and_said() {
    let world = World::new().await;
    let alice = world.alice().await;
    for title in ["Konzert im Park", "Konzertabend", "Weihnachtsbasteln", "Chor"] {
        event(&alice, &on("2027-03-01", title)).await;
    }
    for (slip, word, titles) in [
        ("konzrt", "konzert", &["Konzert im Park", "Konzertabend"][..]),
        ("Konzret", "konzert", &["Konzert im Park", "Konzertabend"]),
        ("wehnachtsbasten", "weihnachtsbasteln", &["Weihnachtsbasteln"]),
        ("weinachts", "weihnachts", &["Weihnachtsbasteln"]),
        ("chör2", "chor", &["Chor"]),
    ] {
        let reply = ask(&alice, &[("q", slip), ("include", "total")]).await;
        let mut seen = reply.each("/title");
        seen.sort();
        assert_eq!(seen, titles, "{slip}: {}", reply.text);
        assert_eq!(reply.json["total"], json!(titles.len()), "{slip}");
        let corrected = reply.json["corrected"].as_object().expect("corrections");
        assert_eq!(corrected.values().next(), Some(&json!([word])), "{slip}");
    }
    for (not, why) in
        [("cor", "three letters"), ("kanzrt", "two edits of six letters"), ("weixxachtsbasteln2", "three edits")]
    {
        let reply = ask(&alice, &[("q", not)]).await;
        assert_eq!((reply.items().len(), reply.json.get("corrected")), (0, None), "{why}");
    }
    let exact = ask(&alice, &[("q", "konzert")]).await;
    assert_eq!(exact.json.get("corrected"), None, "what is there is not corrected");
}

#[tokio::test]
async fn what_was_changed_is_found_by_what_it_says_now() {
    let world = World::new().await;
    let alice = world.alice().await;
    let made = event(&alice, &on("2027-03-01", "Rehearsal")).await;
    let one = format!("/api/v1/events/{}", made.id());
    alice.patch(&one).json(&json!({"title": "Premiere"})).expect(200).await;
    assert_eq!((found(&alice, "rehearsal").await.len(), found(&alice, "premiere").await.len()), (0, 1));
    alice
        .patch(&one)
        .json(&json!({"start": "2027-04-01T10:00:00", "end": "2027-04-01T12:00:00", "description": "dress"}))
        .expect(200)
        .await;
    assert_eq!(found(&alice, "premiere dress").await.len(), 1);
    alice.delete(&one).expect(204).await;
    assert_eq!(found(&alice, "premiere").await.len(), 0);
    let trash = ask(&alice, &[("q", "premiere"), ("deleted", "true"), ("include", "total")]).await;
    assert_eq!((trash.items().len(), &trash.json["total"]), (1, &json!(1)));
    alice.post(&format!("{one}/restore")).expect(200).await;
    assert_eq!(found(&alice, "premiere").await.len(), 1);
    // A draft that is deleted is gone for good, with its words.
    let mut draft = on("2027-03-01", "Secretissimo");
    draft["state"] = "draft".into();
    let draft = event(&alice, &draft).await.id();
    alice.delete(&format!("/api/v1/events/{draft}")).expect(204).await;
    assert_eq!(found(&alice, "secretissimo").await.len(), 0);
    fits(&world).await;
}

#[tokio::test]
async fn the_words_of_one_changed_instance_find_its_series() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut series = on("2027-03-01", "Choir");
    series["recurrence"] = json!(["RRULE:FREQ=WEEKLY;COUNT=5"]);
    let id = event(&alice, &series).await.id();
    let instance = format!("/api/v1/events/{id}/instances/20270315T100000");
    alice.patch(&instance).json(&json!({"title": "Christmas party", "location": "Gymnasium"})).expect(200).await;
    assert_eq!(found(&alice, "christmas gymnasium").await, ["Choir"]);
    let window = [("q", "choir"), ("from", "2027-03-07T00:00:00Z"), ("to", "2027-03-17T00:00:00Z"), ("expand", "true")];
    let expanded = ask(&alice, &window).await;
    assert_eq!(expanded.each("/title"), ["Choir", "Christmas party"]);
    let later = [("q", "choir"), ("from", "2027-05-01T00:00:00Z"), ("include", "total")];
    let later = ask(&alice, &later).await;
    assert_eq!((later.items().len(), &later.json["total"]), (0, &json!(0)), "the series is over by then");
    alice.delete(&format!("{instance}?scope=following")).expect(204).await;
    assert_eq!(found(&alice, "christmas").await.len(), 0);
    fits(&world).await;
}

#[tokio::test]
async fn words_and_the_other_filters_combine() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let choir = calendar(&alice, &json!({"name": "Choir"})).await;
    share(&alice, &format!("calendars/{choir}"), &bob, "editor").await;
    let mut own = on("2027-03-01", "Summer concert"); // a Monday
    own["categories"] = json!(["music"]);
    event(&alice, &own).await;
    let mut of_choir = on("2027-03-02", "Winter concert");
    of_choir["calendar_id"] = choir.clone().into();
    of_choir["state"] = "draft".into();
    event(&bob, &of_choir).await;
    let titles = async |more: &[(&str, &str)]| {
        let mut all = vec![("q", "concert"), ("include", "total")];
        all.extend(more);
        let reply = ask(&alice, &all).await;
        assert_eq!(reply.json["total"], json!(reply.items().len()), "{more:?}");
        reply.each("/title")
    };
    assert_eq!(titles(&[]).await, ["Summer concert", "Winter concert"]);
    assert_eq!(titles(&[("sort", "-title")]).await, ["Winter concert", "Summer concert"]);
    assert_eq!(titles(&[("calendar_id", &choir)]).await, ["Winter concert"]);
    assert_eq!(titles(&[("mine", "true")]).await, ["Summer concert"]);
    assert_eq!(titles(&[("state", "draft")]).await, ["Winter concert"]);
    assert_eq!(titles(&[("category", "Music")]).await, ["Summer concert"]);
    assert_eq!(titles(&[("weekday", "tu")]).await, ["Winter concert"]);
    assert_eq!(titles(&[("from", "2027-03-02T00:00:00Z")]).await, ["Winter concert"]);
    assert_eq!(titles(&[("to", "2027-03-02T00:00:00Z"), ("from", "2027-03-01T00:00:00Z")]).await, ["Summer concert"]);
}

#[tokio::test]
async fn nobody_learns_words_that_they_are_not_shown() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let (mallory, nobody) = (world.mallory().await, world.anonymous());
    let busy = calendar(&alice, &json!({"name": "Private"})).await;
    let public = calendar(&alice, &json!({"name": "Public", "visibility": "public"})).await;
    share(&alice, &format!("calendars/{busy}"), &bob, "free_busy").await;
    for (calendar, visibility, state) in [
        (&busy, "public", "published"),
        (&public, "private", "published"),
        (&public, "confidential", "published"),
        (&public, "public", "draft"),
    ] {
        let mut secret = on("2027-03-01", "Diagnosis");
        secret["location"] = "Hospital".into();
        secret["calendar_id"] = calendar.as_str().into();
        secret["visibility"] = visibility.into();
        secret["state"] = state.into();
        let made = event(&alice, &secret).await;
        share(&alice, &format!("events/{}", made.id()), &carol, "free_busy").await;
    }
    let mut shown = on("2027-03-01", "Diagonal");
    shown["calendar_id"] = public.clone().into();
    event(&alice, &shown).await;
    for person in [&bob, &carol, &mallory, &nobody] {
        for question in ["diagnosis", "diagnosi", "dagnosis", "hospital", "hopsital", "hospitals"] {
            for more in [
                &[][..],
                &[("from", "2027-01-01T00:00:00Z"), ("to", "2028-01-01T00:00:00Z"), ("expand", "true")],
                &[("sort", "title")],
            ] {
                let mut all = vec![("q", question)];
                all.extend(more);
                let reply = ask(person, &all).await;
                let said = reply.text.to_lowercase();
                assert!(
                    reply.items().is_empty() && !said.contains("diagnosis") && !said.contains("hospital\""),
                    "{question}: {said}"
                );
            }
            let counted = ask(person, &[("q", question), ("include", "total")]).await;
            assert_eq!(counted.json["total"], json!(0), "{} {question}", person.name);
        }
        // The nearest word of all is a hidden one; what is corrected to is what they see.
        let near = ask(person, &[("q", "diagonsl")]).await;
        assert_eq!(
            (near.each("/title"), &near.json["corrected"]),
            (vec!["Diagonal".to_owned()], &json!({"diagonsl": ["diagonal"]}))
        );
    }
    assert_eq!(found(&alice, "dagnosis").await.len(), 4);
    // Who may see more from now on finds more, and less when that is taken back.
    share(&alice, &format!("calendars/{busy}"), &bob, "viewer").await;
    assert_eq!(found(&bob, "hospital").await, ["Diagnosis"]);
    share(&alice, &format!("calendars/{busy}"), &bob, "free_busy").await;
    assert_eq!(found(&bob, "hospital").await.len(), 0);
}

#[tokio::test]
async fn pages_neither_repeat_nor_skip_while_time_goes_on_and_others_write() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut wanted = Vec::new();
    for number in 0..23 {
        let mut body = on(&format!("2027-{:02}-{:02}", 1 + number % 12, 1 + number), &format!("Match {number:02}"));
        if number % 3 == 0 {
            body["title"] = format!("Game {number:02}").into();
            body["description"] = "match".into();
        }
        wanted.push(event(&alice, &body).await.id());
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut parameters = vec![("q", "match"), ("limit", "4")];
        if !cursor.is_empty() {
            parameters.push(("cursor", &cursor));
        }
        let page = ask(&alice, &parameters).await;
        seen.extend(page.each("/id"));
        world.advance(60);
        event(&alice, &on("2027-06-01", "No such thing")).await;
        match page.json["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen.len(), wanted.len());
    seen.sort();
    wanted.sort();
    assert_eq!(seen, wanted);
    let foreign = alice.get(&path(&[("q", "other"), ("cursor", &cursor)])).expect(422).await;
    assert_eq!(only_error(&foreign), ("?cursor".to_owned(), "bad-cursor".to_owned()));
}

#[tokio::test]
async fn a_question_and_an_event_have_bounded_numbers_of_words() {
    let world = World::new().await;
    let alice = world.alice().await;
    let many: String = (0..21).map(|number| format!("word{number} ")).collect();
    let reply = alice.get(&path(&[("q", &many)])).expect(422).await;
    assert_eq!(only_error(&reply), ("?q".to_owned(), "too-long".to_owned()));
    let mut long = on("2027-03-01", "Minutes");
    long["description"] = (0..6_000).map(|number| format!("p{number} ")).collect::<String>().into();
    event(&alice, &long).await;
    event(&alice, &on("2027-03-01", &"Ä".repeat(500))).await;
    assert_eq!(found(&alice, "minutes p1").await, ["Minutes"]);
    assert_eq!(found(&alice, "minutes p5999").await.len(), 0, "the beginning of a long description counts");
    assert_eq!(found(&alice, &"a".repeat(100)).await.len(), 1);
    fits(&world).await;
}

#[tokio::test]
async fn an_index_of_another_version_is_made_anew_at_the_start() {
    let mut world = World::new().await;
    event(&world.alice().await, &on("2027-03-01", "Carnival")).await;
    let spoilt: Result<(), kalends_db::Error> = world
        .db
        .write((), |tx, ()| {
            Box::pin(async move {
                for statement in [
                    "DELETE FROM search_words",
                    "DELETE FROM search_vocabulary",
                    "UPDATE settings SET value = 'old' WHERE key = 'search'",
                ] {
                    kalends_db::sql(statement).run(tx).await?;
                }
                Ok(())
            })
        })
        .await;
    spoilt.expect("spoilt");
    assert_eq!(found(&world.alice().await, "carnival").await.len(), 0);
    world.restart().await;
    let alice = world.alice().await;
    assert_eq!(found(&alice, "carnvial").await, ["Carnival"]);
    fits(&world).await;
}
