//! Random events and questions against a plain model: every event looked at with every word.

use std::collections::BTreeSet;

use kalends_testkit::{Person, World};
use serde_json::json;

use super::super::given::{calendar, event, fits, share};
use super::ask;

/// Few words, near each other, so that everything happens.
const WORDS: &[&str] = &[
    "bell",
    "bells",
    "bella",
    "bill",
    "ball",
    "balls",
    "concert",
    "concerts",
    "conzert",
    "concertina",
    "concertino",
    "orchestra",
    "orchester",
    "orchestras",
    "oar",
    "or",
    "choir",
    "chair",
    "26ga",
];
const QUESTIONS: &[&str] = &[
    "bell",
    "bel",
    "b",
    "belk",
    "bxll",
    "ballx",
    "concret",
    "concert",
    "cocnertina",
    "concertiny",
    "orchestar",
    "orkhester",
    "o",
    "oa",
    "chxir",
    "choirs",
    "orchestrass",
    "zzzz",
    "26gb",
    "con",
];

struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("small") % n
    }
    fn words(&mut self, most: usize) -> Vec<&'static str> {
        (0..self.below(most + 1)).map(|_| WORDS[self.below(WORDS.len())]).collect()
    }
}

struct Known {
    id: String,
    at: i64,
    /// Title, categories, location, description.
    fields: [Vec<&'static str>; 4],
    seen_by: Vec<usize>,
}

/// Edits by the definition, without tables.
fn edits(a: &[u8], b: &[u8], most: usize) -> usize {
    match (a, b) {
        ([], rest) | (rest, []) => rest.len(),
        ([x, a @ ..], [y, b @ ..]) if x == y => edits(a, b, most),
        _ if most == 0 => 99,
        ([_, a_rest @ ..], [_, b_rest @ ..]) => {
            let next = most - 1;
            let mut least = edits(a_rest, b, next).min(edits(a, b_rest, next)).min(edits(a_rest, b_rest, next));
            if let ([p, q, a @ ..], [r, s, b @ ..]) = (a, b)
                && (p, q) == (s, r)
            {
                least = least.min(edits(a, b, next));
            }
            least + 1
        }
    }
}

/// What a word stands for, if anything, to somebody who knows these words; and whether it was corrected.
fn meant(word: &str, known: &BTreeSet<&str>) -> (Vec<String>, bool) {
    if known.iter().any(|one| one.starts_with(word)) {
        return (vec![word.to_owned()], false);
    }
    let most = match word.len() {
        0..4 => 0,
        4..=7 => 1,
        _ => 2,
    };
    let within = |text: &str| {
        let edits = edits(word.as_bytes(), text.as_bytes(), most);
        (edits <= most).then_some(edits)
    };
    let mut near: BTreeSet<(bool, usize, String)> = BTreeSet::new();
    if most > 0 {
        for one in known {
            if let Some(edits) = within(one) {
                near.insert((false, edits, (*one).to_owned()));
                continue;
            }
            let heads = (word.len()..=word.len() + most).filter_map(|length| one.get(..length));
            if let Some((edits, head)) = heads.filter_map(|head| within(head).map(|edits| (edits, head))).min() {
                near.insert((true, edits, head.to_owned()));
            }
        }
    }
    let best = near.first().map(|(beginning, edits, _)| (*beginning, *edits));
    let of_best = near.into_iter().filter(|(beginning, edits, _)| Some((*beginning, *edits)) == best);
    (of_best.map(|(_, _, word)| word).take(8).collect(), true)
}

fn model(
    events: &[Known],
    person: usize,
    question: &[&str],
    now: i64,
) -> (Vec<String>, BTreeSet<(String, Vec<String>)>) {
    let seen: Vec<&Known> = events.iter().filter(|one| one.seen_by.contains(&person)).collect();
    let known: BTreeSet<&str> = seen.iter().flat_map(|one| one.fields.iter().flatten().copied()).collect();
    let asked: BTreeSet<&str> = question.iter().copied().collect();
    let meanings: Vec<(Vec<String>, bool, &str)> = asked
        .into_iter()
        .map(|word| {
            let (to, corrected) = meant(word, &known);
            (to, corrected, word)
        })
        .collect();
    if meanings.is_empty() || meanings.iter().any(|(to, ..)| to.is_empty()) {
        return (Vec::new(), BTreeSet::new());
    }
    let cost = |one: &Known, to: &[String]| {
        let fields = one.fields.iter().enumerate();
        let fits = fields.flat_map(|(field, words)| words.iter().map(move |word| (field, *word)));
        fits.filter(|(_, word)| to.iter().any(|head| word.starts_with(head.as_str())))
            .map(|(field, word)| {
                // A word counts where it stands best.
                let best = one.fields.iter().position(|words| words.contains(&word)).unwrap_or(field);
                best * 2 + usize::from(!to.iter().any(|head| head == word))
            })
            .min()
    };
    let mut ranked: Vec<(usize, u64, String)> = seen
        .iter()
        .filter_map(|one| {
            let costs: Option<Vec<usize>> = meanings.iter().map(|(to, ..)| cost(one, to)).collect();
            Some((costs?.into_iter().max()?, one.at.abs_diff(now), one.id.clone()))
        })
        .collect();
    ranked.sort();
    let corrected = meanings.into_iter().filter(|(_, corrected, _)| *corrected);
    (ranked.into_iter().map(|(.., id)| id).collect(), corrected.map(|(to, _, word)| (word.to_owned(), to)).collect())
}

#[tokio::test]
async fn what_is_found_is_what_a_plain_model_finds() {
    let world = World::new().await;
    let people =
        [world.alice().await, world.bob().await, world.carol().await, world.mallory().await, world.anonymous()];
    let (alice, bob, carol) = (&people[0], &people[1], &people[2]);
    let [private, internal, public] = ["private", "internal", "public"];
    let mut chance = Chance(28);
    let mut calendars = Vec::new();
    for visibility in [private, internal, public] {
        let id = calendar(alice, &json!({"name": visibility, "visibility": visibility})).await;
        share(alice, &format!("calendars/{id}"), bob, if visibility == private { "editor" } else { "free_busy" }).await;
        calendars.push((visibility, id));
    }
    let mut events = Vec::new();
    for number in 0..90 {
        let (of_calendar, calendar) = calendars[chance.below(3)].clone();
        let visibility = ["public", "public", "public", "private", "confidential"][chance.below(5)];
        let state = ["published", "published", "published", "draft"][chance.below(4)];
        let mut fields = [chance.words(3), chance.words(2), chance.words(2), chance.words(4)];
        if fields[0].is_empty() {
            fields[0].push("or");
        }
        let at = world.now().as_second() + i64::try_from(chance.below(2_000)).expect("small") * 3_600 - 3_600_000;
        let start = jiff::Timestamp::from_second(at).expect("a time").to_string();
        let mut categories = fields[1].clone();
        categories.sort_unstable();
        categories.dedup();
        let body = json!({"title": fields[0].join(" "), "categories": categories, "location": fields[2].join("-"),
            "description": fields[3].join(", "), "start": start, "time_zone": "UTC", "calendar_id": calendar, "visibility": visibility, "state": state});
        let id = event(alice, &body).await.id();
        let mut seen_by = vec![0];
        if of_calendar == private {
            seen_by.push(1);
        }
        let open = state == "published" && visibility == "public";
        if open && of_calendar != private {
            // Being given the times of it takes nothing from what everybody sees.
            seen_by.extend([1, 2, 3]);
            if of_calendar == public {
                seen_by.push(4);
            }
        }
        if number % 7 == 0 {
            let role = ["viewer", "free_busy"][chance.below(2)];
            share(alice, &format!("events/{id}"), carol, role).await;
            if role == "viewer" && !seen_by.contains(&2) {
                seen_by.push(2);
            }
        }
        events.push(Known { id, at: at * 1_000_000, fields, seen_by });
    }
    let now = world.now().as_microsecond();
    let mut corrections = 0;
    for round in 0..60 {
        let mut question: Vec<&str> = vec![QUESTIONS[round % QUESTIONS.len()]];
        question.extend((0..chance.below(3)).map(|_| QUESTIONS[chance.below(QUESTIONS.len())]));
        for (person, who) in people.iter().enumerate() {
            let (wanted, corrected) = model(&events, person, &question, now);
            corrections += corrected.len();
            let found = all(who, &question.join(" ")).await;
            assert_eq!(found, (wanted, corrected), "{} asks {question:?}", who.name);
        }
    }
    assert!(corrections > 25, "{corrections} corrections");
    fits(&world).await;
}

/// Every page, and what was corrected.
async fn all(person: &Person, question: &str) -> (Vec<String>, BTreeSet<(String, Vec<String>)>) {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut parameters = vec![("q", question), ("limit", "7"), ("include", "total")];
        if !cursor.is_empty() {
            parameters.push(("cursor", &cursor));
        }
        let page = ask(person, &parameters).await;
        ids.extend(page.each("/id"));
        match page.json["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => {
                assert_eq!(page.json["total"], json!(ids.len()), "{question}");
                let texts = |list: &serde_json::Value| {
                    list.as_array().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
                };
                let corrected = page.json["corrected"].as_object().into_iter().flatten();
                return (ids, corrected.map(|(word, to)| (word.clone(), texts(to))).collect());
            }
        }
    }
}
