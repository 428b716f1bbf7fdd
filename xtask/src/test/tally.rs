//! How many tests passed and failed, read from the closing lines of `cargo nextest` and `cargo test`.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
}

/// Whose closing lines count: nextest shows those of libtest too, inside the output of failed tests.
#[derive(Clone, Copy, Debug)]
pub enum Runner {
    Nextest,
    Cargo,
}

impl Tally {
    /// Adds what a runner's output line reports, if it is a closing line.
    pub fn read(&mut self, runner: Runner, line: &str) {
        let line = without_colours(line);
        match runner {
            // Summary [ 1.2s] 12 tests run: 10 passed (1 slow, 1 flaky), 1 failed, 1 timed out, 3 skipped
            Runner::Nextest if line.trim_start().starts_with("Summary [") => {
                let (_, counts) = line.split_once(" run: ").unwrap_or_default();
                self.add(without_brackets(counts).split(','));
            }
            // test result: ok. 5 passed; 0 failed; 1 ignored; ...
            Runner::Cargo if line.starts_with("test result: ") => {
                let (_, counts) = line.split_once(". ").unwrap_or_default();
                self.add(counts.split(';'));
            }
            _ => {}
        }
    }

    fn add<'a>(&mut self, counts: impl Iterator<Item = &'a str>) {
        for count in counts {
            let Some((number, what)) = count.trim().split_once(' ') else {
                continue;
            };
            let Ok(number) = number.parse::<u64>() else {
                continue;
            };
            match what.trim() {
                "passed" => self.passed += number,
                "failed" | "exec failed" | "timed out" => self.failed += number,
                _ => {}
            }
        }
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

fn without_colours(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, escape)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = escape.split_once('m').map_or("", |(_, after)| after);
    }
    plain + rest
}

fn without_brackets(text: &str) -> String {
    let mut depth = 0_u32;
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{Runner, Tally};

    fn tally(runner: Runner, lines: &[&str]) -> (u64, u64) {
        let mut tally = Tally::default();
        for line in lines {
            tally.read(runner, line);
        }
        (tally.passed, tally.failed)
    }

    #[test]
    fn nextest_summaries_are_read() {
        let cases = [
            ("     Summary [   0.005s] 3 tests run: 3 passed, 0 skipped", (3, 0)),
            ("     Summary [   0.005s] 1 test run: 1 passed, 4 skipped", (1, 0)),
            (
                "     Summary [   9.1s] 9 tests run: 6 passed (1 slow, 1 flaky), 2 failed, 1 timed out, 3 skipped",
                (6, 3),
            ),
            ("     Summary [   9.1s] 2/9 tests run: 1 passed, 1 exec failed, 0 skipped", (1, 1)),
            (
                "\x1b[32;1m     Summary\x1b[0m [   0.005s] \x1b[1m3\x1b[0m tests run: \x1b[1m3\x1b[0m \x1b[32;1mpassed\x1b[0m",
                (3, 0),
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(tally(Runner::Nextest, &[line]), expected, "{line}");
        }
    }

    const CARGO: &[&str] = &[
        "running 5 tests",
        "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
    ];

    #[test]
    fn cargo_test_results_add_up() {
        assert_eq!(tally(Runner::Cargo, CARGO), (6, 2));
    }

    #[test]
    fn the_output_of_a_failed_test_does_not_count_twice() {
        assert_eq!(tally(Runner::Nextest, CARGO), (0, 0));
    }

    #[test]
    fn other_lines_count_for_nothing() {
        let lines = ["test a ... ok", "        PASS [   0.004s] xtask tally", "7 passed, 0 failed"];
        assert_eq!(tally(Runner::Cargo, &lines), (0, 0));
        assert_eq!(tally(Runner::Nextest, &lines), (0, 0));
    }
}
