//! Random sequences of operations on events against a plain model of them. After each operation every event must show the
//! instances that the model says, its versions must be numbered 1, 2, 3 …, `check` must find nothing, and what was refused
//! must have changed nothing.
//!
//! `KALENDS_MODEL_RUNS` sequences (60) of `KALENDS_MODEL_OPS` operations (25) from `KALENDS_MODEL_SEED` on, on the engine of
//! `KALENDS_TEST_DATABASE`. A sequence that fails is made shorter before it is shown.

mod chance;
mod ops;
mod plain;
mod run;

use chance::Chance;
use run::Run;

#[expect(clippy::disallowed_methods, reason = "tests are configured by cargo xtask")]
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// A sequence from its numbers; how it failed, if it did.
async fn sequence(numbers: &[u64]) -> Option<String> {
    let mut run = Run::new().await;
    let mut failed = None;
    for number in numbers {
        if let Err(why) = run.step(*number).await {
            let told: Vec<String> = run.told.iter().enumerate().map(|(n, line)| format!("{:>3}. {line}", n + 1)).collect();
            failed = Some(format!("{}\n{why}", told.join("\n")));
            break;
        }
    }
    run.db.close().await;
    failed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_what_a_plain_model_of_them_says() {
    let runs = setting("KALENDS_MODEL_RUNS", 60);
    let ops = usize::try_from(setting("KALENDS_MODEL_OPS", 25)).expect("small");
    let first = setting("KALENDS_MODEL_SEED", 1);
    for seed in first..first + runs {
        let mut chance = Chance(seed.wrapping_mul(0x2545_F491_4F6C_DD1D));
        let mut numbers: Vec<u64> = (0..ops).map(|_| chance.next()).collect();
        let Some(mut why) = sequence(&numbers).await else { continue };
        // Each operation is left out once; what still fails without it does not need it.
        let mut index = numbers.len();
        while index > 0 {
            index -= 1;
            let mut fewer = numbers.clone();
            fewer.remove(index);
            if let Some(still) = sequence(&fewer).await {
                (numbers, why) = (fewer, still);
            }
        }
        panic!("KALENDS_MODEL_SEED={seed} KALENDS_MODEL_RUNS=1 fails; shortened:\n{why}");
    }
}
