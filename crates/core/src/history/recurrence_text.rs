//! A recurrence in plain English, for people who look at what changed. The lines stand beside it and count: words may
//! leave out what a reader would not miss (the weekday that the start gives, the hour of an UNTIL).

use jiff::civil::{Date, Weekday};
use kalends_kernel::Zone;
use kalends_recurrence::{ByDay, End, Freq, Rule, Until};

/// How many dates are named; of the rest their number.
const NAMED_DATES: usize = 5;

/// What RRULE, RDATE and EXDATE lines say, such as "every week on Monday and Wednesday until 31 December 2027, except on
/// 29 March 2027". `zone` is that of the series, on whose clock an UNTIL is told.
pub fn recurrence_in_words(lines: &[&str], zone: Option<&Zone>) -> String {
    let mut rules = Vec::new();
    let (mut added, mut excluded) = (Vec::new(), Vec::new());
    for line in lines {
        let (head, value) = line.split_once(':').unwrap_or((line, ""));
        match head.split(';').next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "RRULE" => {
                rules.push(value.parse::<Rule>().map_or_else(|_| (*line).to_owned(), |rule| rule_in_words(&rule, zone)))
            }
            "RDATE" => added.extend(dates(value)),
            "EXDATE" => excluded.extend(dates(value)),
            _ => rules.push((*line).to_owned()),
        }
    }
    let mut words =
        if rules.is_empty() && added.is_empty() { "does not repeat".to_owned() } else { rules.join(", and ") };
    for (what, dates) in [("also on", added), ("except on", excluded)] {
        if !dates.is_empty() {
            let separator = if words.is_empty() { "" } else { ", " };
            words = format!("{words}{separator}{what} {}", some_of(dates));
        }
    }
    words
}

/// The days of an RDATE or EXDATE, in words where they can be read.
fn dates(value: &str) -> Vec<String> {
    let day = |text: &str| {
        let digits = text.get(..8)?;
        let date: Date = Date::strptime("%Y%m%d", digits).ok()?;
        Some(day_in_words(date))
    };
    value.split(',').map(|one| day(one).unwrap_or_else(|| one.to_owned())).collect()
}

fn some_of(mut dates: Vec<String>) -> String {
    let more = dates.len().saturating_sub(NAMED_DATES);
    if more > 0 {
        dates.truncate(NAMED_DATES);
        dates.push(format!("{more} more {}", if more == 1 { "date" } else { "dates" }));
    }
    joined(&dates)
}

fn rule_in_words(rule: &Rule, zone: Option<&Zone>) -> String {
    let (one, many) = match rule.freq() {
        Freq::Secondly => ("second", "seconds"),
        Freq::Minutely => ("minute", "minutes"),
        Freq::Hourly => ("hour", "hours"),
        Freq::Daily => ("day", "days"),
        Freq::Weekly => ("week", "weeks"),
        Freq::Monthly => ("month", "months"),
        Freq::Yearly => ("year", "years"),
    };
    let mut words = match rule.interval() {
        1 => format!("every {one}"),
        n => format!("every {n} {many}"),
    };
    let mut add = |text: String| {
        words.push(' ');
        words.push_str(&text);
    };
    if !rule.by_month().is_empty() {
        add(format!("in {}", listed(rule.by_month(), |month| month_name(*month).to_owned())));
    }
    if !rule.by_week_no().is_empty() {
        let weeks = listed(rule.by_week_no(), |week| counted(i32::from(*week)));
        add(format!("in the {weeks} week of the year"));
    }
    if !rule.by_year_day().is_empty() {
        add(format!("on the {} day of the year", listed(rule.by_year_day(), |day| counted(i32::from(*day)))));
    }
    let of_month = rule.by_month_day();
    if !of_month.is_empty() {
        let days = listed(of_month, |day| {
            if *day < 0 { format!("{} day", counted(i32::from(*day))) } else { counted(i32::from(*day)) }
        });
        add(format!("on the {days}"));
    }
    if !rule.by_day().is_empty() {
        let days = weekdays(rule);
        // Both together: a Friday that is a 13th.
        add(if of_month.is_empty() { format!("on {days}") } else { format!("if it is {days}") });
    }
    for (values, unit) in [(rule.by_hour(), "hour"), (rule.by_minute(), "minute"), (rule.by_second(), "second")] {
        if !values.is_empty() {
            add(format!("at {unit} {}", listed(values, ToString::to_string)));
        }
    }
    if !rule.by_set_pos().is_empty() {
        let places = listed(rule.by_set_pos(), |place| counted(i32::from(*place)));
        add(format!("(of these only the {places} in each {one})"));
    }
    if rule.week_start() != Weekday::Monday && rule.freq() == Freq::Weekly && rule.interval() > 1 {
        add(format!("(weeks begin on {})", weekday_name(rule.week_start())));
    }
    match rule.end() {
        End::Never => {}
        End::Count(1) => words.push_str(", once"),
        End::Count(n) => words.push_str(&format!(", {n} times")),
        End::Until(until) => words.push_str(&format!(" until {}", day_in_words(last_day(until, zone)))),
    }
    words
}

/// `Monday and Wednesday`, `the last Friday`, `every Sunday` of months and years.
fn weekdays(rule: &Rule) -> String {
    let plain = rule.freq() == Freq::Weekly || rule.freq() < Freq::Weekly || !rule.by_month_day().is_empty();
    listed(rule.by_day(), |ByDay { ordinal, weekday }| {
        let name = weekday_name(*weekday);
        match (*ordinal, plain) {
            (0, true) if rule.by_month_day().is_empty() => name.to_owned(),
            (0, true) => format!("a {name}"),
            (0, false) => format!("every {name}"),
            (n, _) => format!("the {} {name}", counted(i32::from(n))),
        }
    })
}

fn last_day(until: Until, zone: Option<&Zone>) -> Date {
    match until {
        Until::Date(date) => date,
        Until::Local(local) => local.date(),
        Until::Utc(instant) => {
            let zone = zone.map_or(jiff::tz::TimeZone::UTC, |zone| zone.time_zone().clone());
            instant.to_zoned(zone).date()
        }
    }
}

fn day_in_words(date: Date) -> String {
    let month = u8::try_from(date.month()).map_or("", month_name);
    format!("{} {month} {}", date.day(), date.year())
}

fn listed<T>(values: &[T], word: impl Fn(&T) -> String) -> String {
    let words: Vec<String> = values.iter().map(word).collect();
    // The rule sorts by number, so what counts from the end comes first there; people say it last.
    let (from_end, others): (Vec<String>, Vec<String>) = words.into_iter().partition(|word| word.contains("last"));
    joined(&[others, from_end].concat())
}

/// `a`, `a and b`, `a, b and c`.
fn joined(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `1st`, `22nd`, `13th`; from the end `last`, `2nd to last`.
fn counted(n: i32) -> String {
    if n == -1 {
        return "last".to_owned();
    }
    let count = n.unsigned_abs();
    let ending = match (count % 10, count % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{count}{ending}{}", if n < 0 { " to last" } else { "" })
}

fn weekday_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

fn month_name(month: u8) -> &'static str {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    NAMES.get(usize::from(month).wrapping_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recurrences_read_like_sentences() {
        let zurich = Zone::parse("Europe/Zurich").expect("a zone");
        for (lines, words) in [
            (&[][..], "does not repeat"),
            (&["RRULE:FREQ=DAILY"], "every day"),
            (&["RRULE:FREQ=DAILY;INTERVAL=3;COUNT=10"], "every 3 days, 10 times"),
            (
                &["RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20271231T225959Z"],
                "every week on Monday and Wednesday until 31 December 2027",
            ),
            (&["RRULE:FREQ=WEEKLY;UNTIL=20271231T233000Z"], "every week until 1 January 2028"),
            (
                &["RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,FR;WKST=SU"],
                "every 2 weeks on Monday, Tuesday and Friday (weeks begin on Sunday)",
            ),
            (&["RRULE:FREQ=MONTHLY;BYDAY=-1FR"], "every month on the last Friday"),
            (&["RRULE:FREQ=MONTHLY;BYDAY=2TU,-2TU"], "every month on the 2nd Tuesday and the 2nd to last Tuesday"),
            (&["RRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13"], "every month on the 13th if it is a Friday"),
            (&["RRULE:FREQ=MONTHLY;BYMONTHDAY=1,15,-1"], "every month on the 1st, 15th and last day"),
            (
                &["RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"],
                "every month on every Monday, every Tuesday, every Wednesday, every Thursday and every Friday (of these only the last in each month)",
            ),
            (&["RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU"], "every year in March on the last Sunday"),
            (&["RRULE:FREQ=YEARLY;BYYEARDAY=100;INTERVAL=4"], "every 4 years on the 100th day of the year"),
            (&["RRULE:FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO"], "every year in the 20th week of the year on every Monday"),
            (&["RRULE:FREQ=DAILY;BYHOUR=9,17"], "every day at hour 9 and 17"),
            (&["RRULE:FREQ=WEEKLY;COUNT=1"], "every week, once"),
            (
                &["RRULE:FREQ=WEEKLY", "EXDATE;TZID=Europe/Zurich:20270329T090000"],
                "every week, except on 29 March 2027",
            ),
            (&["RDATE;VALUE=DATE:20270401,20270501"], "also on 1 April 2027 and 1 May 2027"),
            (
                &[
                    "RRULE:FREQ=DAILY",
                    "EXDATE;VALUE=DATE:20270401,20270402,20270403,20270404,20270405,20270406,20270407",
                ],
                "every day, except on 1 April 2027, 2 April 2027, 3 April 2027, 4 April 2027, 5 April 2027 and 2 more dates",
            ),
            (&["RDATE;VALUE=PERIOD:20270401T090000Z/PT1H"], "also on 1 April 2027"),
            (&["RRULE:FREQ=NEVER"], "RRULE:FREQ=NEVER"),
        ] {
            assert_eq!(recurrence_in_words(lines, Some(&zurich)), words);
        }
    }
}
