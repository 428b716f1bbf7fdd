//! The calendars that the demo loads are read without a problem, and mean what they say.

#![expect(clippy::expect_used, reason = "a test stops where its own data are wrong")]

mod zones;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kalends_ical::{Calendar, Series};
use zones::bundled;

fn sample(name: &str) -> Calendar {
    let path = format!("{}/../../samples/{name}.ics", env!("CARGO_MANIFEST_DIR"));
    let parsed = kalends_ical::read(&std::fs::read(path).expect("the sample"), &bundled).expect("an iCalendar file");
    assert_eq!(parsed.problems, [], "{name}");
    let [calendar] = <[Calendar; 1]>::try_from(parsed.calendars).expect("one calendar");
    assert_eq!(calendar.time_zone.as_deref(), Some("Europe/Zurich"));
    calendar
}

fn series<'a>(calendar: &'a Calendar, name: &str) -> &'a Series {
    calendar.series.iter().find(|series| series.uid.split('@').next() == Some(name)).expect("the series")
}

/// `start / end summary` of the instances in a span of UTC days.
fn instances(series: &Series, from: &str, to: &str) -> Vec<String> {
    let zurich = bundled("Europe/Zurich").expect("the zone");
    let day = |day: &str| format!("{day}T00:00:00Z").parse::<Timestamp>().expect("a day");
    let found = series.instances(day(from), day(to), 100, &TimeZone::UTC, &bundled).expect("instances");
    let clock = |at: Timestamp| at.to_zoned(zurich.clone()).strftime("%m-%d %H:%M%:z").to_string();
    let text = |at: &kalends_ical::Instance<'_>| {
        let cancelled = if at.component.is_cancelled() { " (cancelled)" } else { "" };
        match at.start.is_date() {
            true => format!("{} {}{cancelled}", at.start.local().date(), at.component.summary),
            false => format!("{} / {} {}{cancelled}", clock(at.starts_at), clock(at.ends_at), at.component.summary),
        }
    };
    found.iter().map(text).collect()
}

#[test]
fn lessons_keep_their_hour_when_the_clocks_change() {
    let school = sample("school-year");
    assert_eq!(school.series.len(), 37);
    assert_eq!(school.name.as_deref(), Some("Schuljahr 2026/27"));
    assert_eq!(
        instances(series(&school, "mathematik-26ga"), "2027-03-22", "2027-04-02"),
        [
            "03-22 08:20+01:00 / 03-22 09:05+01:00 Mathematik 26Ga",
            "03-24 08:20+01:00 / 03-24 09:05+01:00 Mathematik 26Ga",
            // 29 March is Easter Monday.
            "03-31 08:20+02:00 / 03-31 09:05+02:00 Mathematik 26Ga",
        ]
    );
}

#[test]
fn the_night_of_the_clock_change_has_seven_hours_between_ten_and_six() {
    let school = sample("school-year");
    let night = series(&school, "sternennacht");
    assert_eq!(instances(night, "2027-03-27", "2027-03-29"), ["03-27 22:00+01:00 / 03-28 06:00+02:00 Sternennacht"]);
    assert_eq!(night.master.as_ref().map(|night| night.length.seconds), Some(7 * 3600));
}

#[test]
fn holidays_moves_and_cancellations_have_their_effect() {
    let school = sample("school-year");
    assert_eq!(
        instances(series(&school, "konferenz"), "2026-11-24", "2026-12-31"),
        [
            "11-25 13:30+01:00 / 11-25 16:00+01:00 Konferenz der Lehrpersonen: Budget",
            "12-01 16:30+01:00 / 12-01 18:00+01:00 Konferenz der Lehrpersonen",
            "12-08 16:30+01:00 / 12-08 18:00+01:00 Konferenz der Lehrpersonen",
            "12-15 16:30+01:00 / 12-15 18:00+01:00 Konferenz der Lehrpersonen",
        ]
    );
    assert_eq!(
        instances(series(&school, "konferenz"), "2027-06-01", "2027-06-02"),
        ["06-01 16:30+02:00 / 06-01 18:00+02:00 Konferenz der Lehrpersonen (cancelled)"]
    );
    assert_eq!(
        instances(series(&school, "sporttag"), "2026-08-01", "2027-08-01"),
        ["09-17 08:00+02:00 / 09-17 16:00+02:00 Sporttag", "06-17 08:00+02:00 / 06-17 16:00+02:00 Sporttag im Sommer"]
    );
}

#[test]
fn holidays_recur_by_date_by_week_day_and_by_easter() {
    let holidays = sample("public-holidays");
    assert_eq!(holidays.series.len(), 34);
    assert_eq!(
        instances(series(&holidays, "national-day"), "2127-07-01", "2127-09-01"),
        ["2127-08-01 Swiss National Day"]
    );
    assert_eq!(instances(series(&holidays, "mothers-day"), "2027-05-01", "2027-06-01"), ["2027-05-09 Mother’s Day"]);
    assert_eq!(instances(series(&holidays, "good-friday"), "2027-01-01", "2028-01-01"), ["2027-03-26 Good Friday"]);
    assert_eq!(instances(series(&holidays, "easter"), "2035-01-01", "2036-01-01"), ["2035-03-25 Easter Sunday"]);
    assert_eq!(instances(series(&holidays, "easter"), "2036-01-01", "2037-01-01"), [""; 0]);
    assert_eq!(instances(series(&holidays, "geneva-fast"), "2027-01-01", "2028-01-01"), ["2027-09-09 Geneva Fast"]);
}

#[test]
fn a_speaker_in_new_york_at_nine_is_on_stage_in_lucerne_at_three() {
    let conference = sample("conference");
    let keynote = series(&conference, "remote-keynote");
    assert_eq!(keynote.master.as_ref().and_then(|keynote| keynote.start.zone()), Some("America/New_York"));
    assert_eq!(
        instances(keynote, "2027-09-16", "2027-09-17"),
        ["09-16 15:00+02:00 / 09-16 16:00+02:00 Keynote: Midnight in Samoa"]
    );
    assert_eq!(
        instances(series(&conference, "lunch"), "2027-09-15", "2027-09-18"),
        [
            "09-15 12:00+02:00 / 09-15 13:30+02:00 Lunch",
            "09-16 12:00+02:00 / 09-16 13:30+02:00 Lunch",
            "09-17 11:45+02:00 / 09-17 13:15+02:00 Lunch to take away",
        ]
    );
}

#[test]
fn what_is_written_of_them_is_read_as_the_same() {
    use kalends_ical::write;
    for name in ["conference", "public-holidays", "school-year"] {
        let mut first = sample(name);
        let mut text = String::new();
        write::begin(&mut text, &write::Head::default());
        first.series.iter().for_each(|one| write::series(&mut text, one));
        write::end(&mut text);
        let mut second = kalends_ical::read(text.as_bytes(), &bundled).expect("readable").calendars.remove(0);
        for one in first.series.iter_mut().chain(&mut second.series) {
            one.master.iter_mut().chain(&mut one.overrides).for_each(|one| {
                // DURATION is written as DTEND: the same end, said otherwise.
                (one.line, one.length) = (0, kalends_ical::Length::default());
            });
        }
        assert_eq!(first.series, second.series, "{name}");
    }
}
