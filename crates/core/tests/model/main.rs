//! Random sequences of operations on events against a plain model of them. After each operation every event must show the
//! instances that the model says, its versions must be numbered 1, 2, 3 …, `check` must find nothing, and what was refused
//! must have changed nothing.
//!
//! `KALENDS_MODEL_RUNS` sequences (60) of `KALENDS_MODEL_OPS` operations (25) from `KALENDS_MODEL_SEED` on, on the engine of
//! `KALENDS_TEST_DATABASE`. A sequence that fails is made shorter before it is shown.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "the helpers of tests may fail like the tests")]

mod chance;
mod history;
mod ops;
mod plain;
mod run;

use std::collections::BTreeMap;

use chance::Chance;
use run::Run;

#[expect(clippy::disallowed_methods, reason = "tests are configured by cargo xtask")]
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// How often which operation ended how.
type Tally = BTreeMap<(String, String), usize>;

/// A sequence from its numbers; how it failed, if it did.
async fn sequence(numbers: &[u64], tally: &mut Tally) -> Option<String> {
    let mut run = Run::new().await;
    let mut failed = None;
    for number in numbers {
        if let Err(why) = run.step(*number).await {
            let told: Vec<String> =
                run.told.iter().enumerate().map(|(n, line)| format!("{:>3}. {line}", n + 1)).collect();
            failed = Some(format!("{}\n{why}", told.join("\n")));
            break;
        }
    }
    run.db.close().await;
    for ended in run.ended {
        *tally.entry(ended).or_default() += 1;
    }
    failed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_what_a_plain_model_of_them_says() {
    let runs = setting("KALENDS_MODEL_RUNS", 60);
    let ops = usize::try_from(setting("KALENDS_MODEL_OPS", 25)).expect("small");
    let first = setting("KALENDS_MODEL_SEED", 1);
    let mut tally = Tally::new();
    for seed in first..first + runs {
        let mut chance = Chance(seed.wrapping_mul(0x2545_F491_4F6C_DD1D));
        let mut numbers: Vec<u64> = (0..ops).map(|_| chance.next()).collect();
        let Some(mut why) = sequence(&numbers, &mut tally).await else { continue };
        // Each operation is left out once; what still fails without it does not need it.
        let mut index = numbers.len();
        while index > 0 {
            index -= 1;
            let mut fewer = numbers.clone();
            fewer.remove(index);
            if let Some(still) = sequence(&fewer, &mut tally).await {
                (numbers, why) = (fewer, still);
            }
        }
        panic!("KALENDS_MODEL_SEED={seed} KALENDS_MODEL_RUNS=1 fails; shortened:\n{why}");
    }
    for ((op, ended), times) in &tally {
        println!("{times:>6} {op} {ended}");
    }
    let done = |op: &str| tally.get(&(op.to_owned(), "done".to_owned())).copied().unwrap_or_default();
    let ops = [
        "Create",
        "Patch",
        "Put",
        "This",
        "Following",
        "All",
        "CancelThis",
        "CancelFollowing",
        "Delete",
        "Restore",
        "State",
        "Clone",
        "Rollback",
    ];
    let missing: Vec<&str> = ops.into_iter().filter(|op| done(op) == 0).collect();
    assert!(runs < 20 || missing.is_empty(), "these operations were never done: {missing:?}");
}
