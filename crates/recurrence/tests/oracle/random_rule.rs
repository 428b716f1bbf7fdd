//! Random rules that RFC 5545 allows, with starts that like DST edges, leap days and New Year.

/// SplitMix64: small, seeded, the same everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.roll() % (high - low + 1).unsigned_abs()).cast_signed()
    }

    pub fn percent(&mut self, chance: u64) -> bool {
        self.roll() % 100 < chance
    }

    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.roll() % list.len() as u64).expect("below a length")]
    }

    /// One to `most` different numbers, some negative with `signed`.
    fn list(&mut self, most: i64, low: i64, high: i64, signed: bool) -> String {
        let mut list: Vec<i64> = (0..self.between(1, most)).map(|_| self.between(low, high)).collect();
        if signed {
            for value in &mut list {
                if self.percent(30) {
                    *value = -*value;
                }
            }
        }
        list.sort_unstable();
        list.dedup();
        list.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

/// One rule with its start.
#[derive(Debug, Clone)]
pub struct RandomRule {
    pub rrule: String,
    /// `YYYYMMDDTHHMMSS`
    pub dtstart: String,
    pub tzid: Option<&'static str>,
}

const ZONES: [&str; 10] = [
    "Europe/Zurich",
    "Europe/London",
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Asia/Kolkata",
    "UTC",
];
const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

pub fn random_rule(dice: &mut Dice) -> RandomRule {
    let freq = match dice.between(0, 99) {
        0..=24 => "YEARLY",
        25..=49 => "MONTHLY",
        50..=69 => "WEEKLY",
        70..=84 => "DAILY",
        85..=94 => "HOURLY",
        95..=97 => "MINUTELY",
        _ => "SECONDLY",
    };
    let mut parts = vec![format!("FREQ={freq}")];
    let sub_daily = matches!(freq, "HOURLY" | "MINUTELY" | "SECONDLY");
    if dice.percent(50) {
        let interval = match freq {
            _ if dice.percent(5) => dice.between(1, 100),
            "SECONDLY" | "MINUTELY" => dice.pick(&[2, 7, 15, 20, 30, 45, 50, 90, 1_440, 3_600]),
            "HOURLY" => dice.pick(&[2, 3, 5, 6, 7, 12, 23, 24, 25]),
            _ => dice.between(2, 6),
        };
        parts.push(format!("INTERVAL={interval}"));
    }
    let plain = parts.len();
    // Other engines step through the seconds that do not match; few of them live to see a sparse rule's end.
    if !matches!(freq, "MINUTELY" | "SECONDLY") || dice.percent(30) {
        days(dice, freq, &mut parts);
    }
    times(dice, freq, &mut parts);
    if parts.len() > plain && dice.percent(20) {
        parts.push(format!("BYSETPOS={}", dice.list(3, 1, if sub_daily { 3 } else { 5 }, true)));
    }
    if dice.percent(25) {
        parts.push(format!("WKST={}", dice.pick(&DAYS)));
    }
    let year = dice.between(1997, 2037);
    match dice.between(0, 9) {
        0..=2 => parts.push(format!("COUNT={}", dice.between(1, 40))),
        // Noon UTC is in nobody's overlap, so UNTIL means the same on the wall clock as on the time line.
        3 => parts.push(format!(
            "UNTIL={}{:02}{:02}T120000Z",
            year + dice.between(0, 4),
            dice.between(1, 12),
            dice.between(1, 28)
        )),
        4 => parts.push(format!(
            "UNTIL={}{:02}{:02}",
            year + dice.between(0, 4),
            dice.between(1, 12),
            dice.between(1, 28)
        )),
        _ => {}
    }
    let (month, day) = if dice.percent(25) {
        // Days on which clocks change, leap days, the year's edges.
        dice.pick(&[(3, 8), (3, 29), (10, 25), (11, 1), (4, 5), (10, 4), (2, 28), (12, 29), (12, 31), (1, 1), (1, 3)])
    } else {
        (dice.between(1, 12), dice.between(1, 28))
    };
    let (hour, minute) = if dice.percent(30) {
        (dice.between(0, 3), dice.pick(&[0, 15, 30, 45]))
    } else {
        (dice.between(0, 23), dice.between(0, 59))
    };
    RandomRule {
        rrule: parts.join(";"),
        dtstart: format!("{year}{month:02}{day:02}T{hour:02}{minute:02}00"),
        tzid: dice.percent(70).then(|| dice.pick(&ZONES)),
    }
}

fn days(dice: &mut Dice, freq: &str, parts: &mut Vec<String>) {
    let by_month = dice.percent(35);
    if by_month {
        parts.push(format!("BYMONTH={}", dice.list(4, 1, 12, false)));
    }
    let mut by_week_no = false;
    if freq == "YEARLY" && dice.percent(20) {
        by_week_no = true;
        let list = if dice.percent(30) {
            dice.pick(&["1", "53", "52", "-1", "1,53", "-53"]).to_owned()
        } else {
            dice.list(3, 1, 53, true)
        };
        parts.push(format!("BYWEEKNO={list}"));
    }
    if !matches!(freq, "DAILY" | "WEEKLY" | "MONTHLY") && dice.percent(10) {
        parts.push(format!("BYYEARDAY={}", dice.list(4, 1, 366, true)));
    }
    if freq != "WEEKLY" && dice.percent(30) {
        parts.push(format!("BYMONTHDAY={}", dice.list(6, 1, 31, true)));
    }
    if dice.percent(45) {
        let ordinals = matches!(freq, "YEARLY" | "MONTHLY") && !by_week_no && dice.percent(50);
        let far = if freq == "YEARLY" && !by_month { 53 } else { 5 };
        let mut list: Vec<String> = (0..dice.between(1, 4))
            .map(|_| {
                let day = dice.pick(&DAYS);
                if !ordinals || dice.percent(5) {
                    return day.to_owned();
                }
                let near = dice.percent(60);
                let ordinal = dice.between(1, if near { 5 } else { far });
                format!("{}{ordinal}{day}", if dice.percent(30) { "-" } else { "" })
            })
            .collect();
        list.sort_unstable();
        list.dedup();
        parts.push(format!("BYDAY={}", list.join(",")));
    }
}

fn times(dice: &mut Dice, freq: &str, parts: &mut Vec<String>) {
    if dice.percent(20) {
        parts.push(format!("BYHOUR={}", dice.list(4, 0, 23, false)));
    }
    if dice.percent(12) {
        parts.push(format!("BYMINUTE={}", dice.list(4, 0, 59, false)));
    }
    let chance = if freq == "SECONDLY" { 40 } else { 8 };
    if dice.percent(chance) {
        parts.push(format!("BYSECOND={}", dice.list(3, 0, 59, false)));
    }
}
