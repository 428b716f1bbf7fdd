//! Random operations by several people through several doors, against a plain model. Whoever follows ends up with what a
//! full read gives: clients read a page now and then, of any size, and sometimes go back to a copy and token of before. Every
//! history tells what the model says. Beside them go two that do it wrong: one keeps what was deleted, one skips pages. They
//! do not end up so, or the test would see nothing.

mod ops;
mod story;

use std::collections::{BTreeMap, BTreeSet};

use super::given::fits;
use super::sync::client::{Client, full};
use crate::races::Chance;
use ops::Run;

#[expect(clippy::disallowed_methods, reason = "tests are configured by cargo xtask")]
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// How many kinds of operations there are.
const KINDS: usize = 24;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_many_do_is_told_by_histories_and_followed_to_the_end() {
    let (runs, first) = (setting("KALENDS_RANDOM_RUNS", 12), setting("KALENDS_RANDOM_SEED", 1));
    let mut done: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut kept, mut skipped, mut back) = (0, 0, 0);
    for seed in first..first + runs {
        let mut chance = Chance::new(seed);
        let mut run = Run::new().await;
        // Two clients for each person: of everything, and of one calendar.
        let mut clients: Vec<(usize, Client)> = (0..run.people.len())
            .flat_map(|who| [(who, Client::default()), (who, Client::of_calendar(&run.calendars[0]))])
            .collect();
        let mut before: Vec<(usize, Client)> = Vec::new();
        let mut keeping: Vec<Client> =
            run.people.iter().map(|_| Client { keeps_all: true, ..Client::default() }).collect();
        let mut skipping: Vec<Client> = run.people.iter().map(|_| Client::default()).collect();
        let mut seen: Vec<BTreeSet<(String, String)>> = vec![BTreeSet::new(); run.people.len()];
        for _ in 0..60 {
            run.step(&mut chance).await;
            let named = run.calendars[0].clone();
            for (who, seen) in seen.iter_mut().enumerate() {
                seen.extend(full(&run.people[who], None).await.into_keys());
                seen.extend(full(&run.people[who], Some(&named)).await.into_keys());
            }
            for (who, person) in run.people.iter().enumerate() {
                if chance.below(3) > 0 {
                    continue;
                }
                keeping[who].page(person, 3).await;
                let copy = skipping[who].copy.clone();
                skipping[who].page(person, 3).await;
                if chance.below(4) == 0 {
                    skipping[who].copy = copy;
                }
            }
            for (who, client) in &mut clients {
                if chance.below(3) > 0 {
                    continue;
                }
                if chance.below(6) == 0 {
                    before.push((*who, client.clone()));
                }
                let earlier: Vec<&Client> = before
                    .iter()
                    .filter(|(whose, one)| whose == who && one.question == client.question)
                    .map(|(_, one)| one)
                    .collect();
                if !earlier.is_empty() && chance.below(8) == 0 {
                    *client = earlier[chance.below(earlier.len())].clone();
                }
                let page = client.page(&run.people[*who], 1 + chance.below(6)).await;
                for item in page.items() {
                    let key = (
                        item["type"].as_str().expect("a text").to_owned(),
                        item["id"].as_str().expect("a text").to_owned(),
                    );
                    let could = seen[*who].contains(&key);
                    assert!(
                        could,
                        "seed {seed}: {} hears of what they never saw: {item}\n{}",
                        run.people[*who].name,
                        run.told.join("\n")
                    );
                }
            }
        }
        run.world.advance(1);
        let now = run.world.now().to_string();
        back += run.stories.hold(&run.people[3], &run.trashed, &now, &mut chance).await;
        let named = run.calendars[0].clone();
        for (who, person) in run.people.iter().enumerate() {
            let (all, one) = (full(person, None).await, full(person, Some(&named)).await);
            let what = format!("seed {seed}\n{}\n", run.told.join("\n"));
            for (_, client) in clients.iter_mut().chain(before.iter_mut()).filter(|(whose, _)| *whose == who) {
                let wanted = if client.question.is_empty() { &all } else { &one };
                client.must_become(person, wanted, &what).await;
            }
            for (client, wrong) in [(&mut keeping[who], &mut kept), (&mut skipping[who], &mut skipped)] {
                client.catch_up(person, 100).await;
                *wrong += usize::from(client.copy != all);
            }
        }
        fits(&run.world).await;
        for (name, times) in run.done {
            *done.entry(name).or_default() += times;
        }
        run.world.stop().await;
    }
    println!("{done:?}; {back} went back; {kept} that kept all and {skipped} that skipped pages have something else");
    assert!(kept > 0 && skipped > 0, "the controls");
    assert!(back > 0, "nothing went back");
    assert!(runs < 12 || done.len() == KINDS, "only {:?} were ever granted", done.keys());
}
