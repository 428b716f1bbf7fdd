//! Random rules against python-dateutil and rrule-temporal. Their known errors are data (`oracle/deviations.rs`);
//! a difference that none of them explains fails the test.
//!
//! | variable | meaning | default |
//! | --- | --- | --- |
//! | `KALENDS_ORACLE_RULES` | how many rules | 5,000 |
//! | `KALENDS_ORACLE_SEED` | seed of the rules | 1 |
//! | `KALENDS_PYTHON` | a python with python-dateutil | `python3` |
//! | `KALENDS_NODE_MODULES` | a `node_modules` with `rrule-temporal` and `temporal-polyfill` | none: must be set |
//!
//! A missing engine fails the test; it is never skipped.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops where its own data or the other engines are wrong"
)]

#[path = "oracle/deviations.rs"]
mod deviations;
#[path = "oracle/random_rule.rs"]
mod random_rule;

use deviations::{DEVIATIONS, Engine};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use kalends_recurrence::{Rule, Series, Start};
use random_rule::{Dice, RandomRule, random_rule};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

/// Most instances compared per rule.
const MOST: usize = 30;
/// How many years after its start a rule is compared.
const YEARS: i16 = 25;

#[test]
#[expect(clippy::disallowed_methods, reason = "the soak run sets its size from outside")]
fn random_rules_agree_with_two_other_engines_but_for_their_known_errors() {
    let setting = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let number = |name: &str, default: &str| setting(name, default).parse::<u64>().expect("a number");
    let rules = number("KALENDS_ORACLE_RULES", "5000");
    let seed = number("KALENDS_ORACLE_SEED", "1");
    let mut dice = Dice(seed);
    let rules: Vec<RandomRule> = (0..rules).map(|_| worth_asking(&mut dice)).collect();
    let requests: Vec<String> = rules.iter().enumerate().map(|(id, rule)| request(id, rule)).collect();

    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle");
    let python = setting("KALENDS_PYTHON", "python3");
    let (dateutil, temporal) = std::thread::scope(|scope| {
        let dateutil = scope.spawn(|| ask(&python, &format!("{here}/dateutil_oracle.py"), &requests));
        let temporal = scope.spawn(|| ask("node", &format!("{here}/rrule_temporal_oracle.mjs"), &requests));
        (dateutil.join().expect("dateutil answers"), temporal.join().expect("rrule-temporal answers"))
    });

    let mut report = Report::default();
    for (id, rule) in rules.iter().enumerate() {
        let opinions = [(Engine::Dateutil, &dateutil.answers[id]), (Engine::Temporal, &temporal.answers[id])];
        report.compare(rule, &opinions);
    }
    println!("{} rules, seed {seed}; {} and {}", rules.len(), dateutil.name, temporal.name);
    report.print();
    assert!(
        report.unexplained.is_empty(),
        "{} unexplained differences, first:\n{}",
        report.unexplained.len(),
        report.unexplained.iter().take(20).cloned().collect::<Vec<_>>().join("\n")
    );
    assert_eq!(report.budget_spent, 0, "every rule of the generator occurs often enough to be found");
    assert!(report.agreed_by_someone * 100 >= rules.len() * 95, "the oracles answer too few rules to prove anything");
}

/// Rules with nothing but DTSTART make the other engines search until their time is up; one in twenty is enough.
fn worth_asking(dice: &mut Dice) -> RandomRule {
    loop {
        let rule = random_rule(dice);
        let bare = ours(&rule).is_none_or(|ours| ours.local.len() == 1) && !rule.rrule.contains("COUNT=1");
        if !bare || dice.percent(5) {
            return rule;
        }
    }
}

fn request(id: usize, rule: &RandomRule) -> String {
    json!({"id": id, "rrule": rule.rrule, "dtstart": rule.dtstart, "tzid": rule.tzid, "max": MOST, "end": end(rule)})
        .to_string()
}

/// The end of the comparison on the wall clock.
fn end(rule: &RandomRule) -> String {
    let year: i16 = rule.dtstart[..4].parse().expect("a year");
    format!("{}1231T235959", year + YEARS)
}

struct Answers {
    name: String,
    answers: Vec<Value>,
}

/// Runs an oracle over all requests at once.
fn ask(program: &str, script: &str, requests: &[String]) -> Answers {
    let started = std::time::Instant::now();
    let spawned = Command::new(program).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = spawned.unwrap_or_else(|error| panic!("{program} does not start: {error}"));
    let mut input = child.stdin.take().expect("piped");
    let output = BufReader::new(child.stdout.take().expect("piped"));
    std::thread::scope(|scope| {
        scope.spawn(move || requests.iter().try_for_each(|request| writeln!(input, "{request}")));
        let mut lines = output.lines().map(|line| serde_json::from_str::<Value>(&line.expect("text")).expect("JSON"));
        let head = lines.next().unwrap_or_else(|| panic!("{script} gave no answer; its words are above"));
        let answers: Vec<Value> = lines.collect();
        assert_eq!(answers.len(), requests.len(), "{script} stopped early; its words are above");
        drop(child.wait());
        println!("{script}: {:.1} s", started.elapsed().as_secs_f32());
        let text = |name: &str| head[name].as_str().unwrap_or("?").to_owned();
        Answers { name: format!("{} {}", text("engine"), text("version")), answers }
    })
}

#[derive(Default)]
struct Report {
    agreed: BTreeMap<&'static str, usize>,
    no_answer: BTreeMap<&'static str, usize>,
    deviated: BTreeMap<(&'static str, &'static str), usize>,
    agreed_by_someone: usize,
    /// Explained for one engine and confirmed by the other; or explained for both.
    confirmed: usize,
    explained_twice: usize,
    budget_spent: usize,
    unexplained: Vec<String>,
}

impl Report {
    fn compare(&mut self, rule: &RandomRule, opinions: &[(Engine, &Value)]) {
        let Some(ours) = ours(rule) else {
            self.budget_spent += 1;
            return;
        };
        let parsed: Rule = rule.rrule.parse().expect("the generator makes valid rules");
        let (mut agreed, mut explained) = (0, 0);
        for &(engine, theirs) in opinions {
            if theirs.get("error").is_some() {
                *self.no_answer.entry(engine.name()).or_default() += 1;
                continue;
            }
            let Some(difference) = ours.difference(theirs) else {
                *self.agreed.entry(engine.name()).or_default() += 1;
                agreed += 1;
                continue;
            };
            match DEVIATIONS
                .iter()
                .find(|deviation| deviation.engine == engine && (deviation.explains)(&parsed, &difference.first))
            {
                Some(deviation) => {
                    *self.deviated.entry((engine.name(), deviation.reason)).or_default() += 1;
                    explained += 1;
                }
                None => self.unexplained.push(format!("{} {rule:?}\n    {}", engine.name(), difference.text)),
            }
        }
        self.agreed_by_someone += usize::from(agreed > 0);
        self.confirmed += usize::from(explained > 0 && agreed > 0);
        self.explained_twice += usize::from(explained > 1);
    }

    fn print(&self) {
        println!("agreed: {:?}; at least one agreed: {}", self.agreed, self.agreed_by_someone);
        println!("no answer in time: {:?}; our budget spent: {}", self.no_answer, self.budget_spent);
        println!(
            "explained for one and confirmed by the other: {}; explained for both: {}",
            self.confirmed, self.explained_twice
        );
        for ((engine, reason), count) in &self.deviated {
            println!("| {engine} | {reason} | {count} |");
        }
        println!("unexplained: {}", self.unexplained.len());
    }
}

/// What we say: the rule on the wall clock, and its instants in its zone.
struct Ours {
    local: Vec<String>,
    done: bool,
    instants: Option<BTreeSet<String>>,
}

fn ours(rule: &RandomRule) -> Option<Ours> {
    let line = format!("RRULE:{}", rule.rrule);
    let last = at(&end(rule));
    let read = |series: &Series, most: usize| -> Option<Vec<_>> {
        let taken = series.occurrences(&TimeZone::UTC).take(most).collect::<Result<Vec<_>, _>>();
        Some(taken.ok()?.into_iter().take_while(|occurrence| occurrence.local <= last).collect())
    };
    // UNTIL in UTC has to be read in the zone, so a zoned rule is put on the wall clock as the oracles do it.
    let wall = match (rule.tzid, rule.rrule.find("UNTIL=")) {
        (Some(name), Some(from)) if rule.rrule.contains("T120000Z") => {
            let value: String = rule.rrule[from + 6..].chars().take(15).collect();
            let until =
                at(&value).to_zoned(TimeZone::UTC).expect("in the calendar").with_time_zone(zone(name)).datetime();
            let local = until.strftime("%Y%m%dT%H%M%S").to_string();
            floating(&rule.dtstart, &[&line.replace(&format!("{value}Z"), &local)])
        }
        _ => floating(&rule.dtstart, &[&line]),
    };
    let mut occurrences = read(&wall, MOST + 1)?;
    let done = occurrences.len() <= MOST;
    occurrences.truncate(MOST);
    let local = occurrences.iter().map(|occurrence| occurrence.local.strftime("%Y%m%dT%H%M%S").to_string()).collect();
    let instants = match rule.tzid {
        Some(name) => {
            let zoned = series(Start::Zoned { at: at(&rule.dtstart), zone: zone(name) }, &[&line]);
            let taken = read(&zoned, MOST)?;
            Some(taken.iter().map(|occurrence| occurrence.instant.strftime("%Y%m%dT%H%M%SZ").to_string()).collect())
        }
        None => None,
    };
    Some(Ours { local, done, instants })
}

/// Where and how an answer differs.
struct Difference {
    /// The earliest wall-clock time that only one side has; empty if only the instants differ.
    first: String,
    text: String,
}

impl Ours {
    fn difference(&self, theirs: &Value) -> Option<Difference> {
        let texts = |name: &str| -> Vec<&str> {
            theirs[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
        };
        let local = texts("local");
        if self.local != local || Some(self.done) != theirs["done"].as_bool() {
            let at = self.local.iter().zip(&local).take_while(|(ours, theirs)| ours == theirs).count();
            let around =
                |list: &[String]| format!("{:?} of {}", list.iter().skip(at).take(3).collect::<Vec<_>>(), list.len());
            let local: Vec<String> = local.iter().map(|&text| text.to_owned()).collect();
            let first = self.local.get(at).into_iter().chain(local.get(at)).min().cloned().unwrap_or_default();
            let text = format!("from instance {at}: ours {}, theirs {}", around(&self.local), around(&local));
            return Some(Difference { first, text });
        }
        let (Some(ours), Some(_)) = (&self.instants, theirs["utc"].as_array()) else { return None };
        // Both lists may be cut. Ours is in order of instants, so it is complete up to its last. Theirs is in order
        // of wall clock: if it is cut inside a gap, times after the gap are missing that are up to a gap (in these
        // zones an hour) earlier than its last.
        let listed = texts("utc");
        let complete_to = listed.last().map(|last| instant(last) - Span::new().hours(1));
        let end = if self.done { None } else { complete_to.min(ours.last().map(|last| instant(last))) };
        let until = |set: BTreeSet<String>| -> Vec<String> {
            set.into_iter().take_while(|text| end.is_none_or(|end| instant(text) <= end)).collect()
        };
        let (ours, theirs) = (until(ours.clone()), until(listed.into_iter().map(str::to_owned).collect()));
        let text = || format!("instants: ours {ours:?}, theirs {theirs:?}");
        (ours != theirs).then(|| Difference { first: String::new(), text: text() })
    }
}

fn at(text: &str) -> DateTime {
    DateTime::strptime("%Y%m%dT%H%M%S", text).expect("a date-time of the generator")
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("a zone of the bundled database")
}

fn series(start: Start, lines: &[&str]) -> Series {
    Series::parse(start, lines, &|_| None).expect("the generator makes valid rules")
}

fn floating(start: &str, lines: &[&str]) -> Series {
    series(Start::Floating(at(start)), lines)
}

fn instant(text: &str) -> Timestamp {
    TimeZone::UTC.to_timestamp(at(text.trim_end_matches('Z'))).expect("in the calendar")
}
