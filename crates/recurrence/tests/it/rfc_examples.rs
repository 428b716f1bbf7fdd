//! All examples of RFC 5545 section 3.8.5.3 (with its errata), in the RFC's order and zone, and the examples that
//! 3.3.10 gives in its text.

use crate::given::{dates, zoned};
use kalends_recurrence::Series;

const NEW_YORK: &str = "America/New_York";

/// The first occurrences of a rule from a start in New York, as `YYYYMMDD` where they are at 09:00, else with time.
fn first(count: usize, start: &str, rule: &str) -> String {
    dates(&zoned(start, NEW_YORK, &[&format!("RRULE:{rule}")]), count)
}

/// The rule ends by itself; the last occurrence and how many there are.
fn whole(start: &str, rule: &str) -> (usize, String) {
    let series: Series = zoned(start, NEW_YORK, &[&format!("RRULE:{rule}")]);
    let all = dates(&series, 10_000);
    let list: Vec<&str> = all.split(' ').collect();
    (list.len(), list.last().copied().unwrap_or_default().to_owned())
}

#[test]
fn daily_for_ten_occurrences() {
    assert_eq!(whole("19970902T090000", "FREQ=DAILY;COUNT=10"), (10, "19970911".into()));
}

#[test]
fn daily_until_december_24() {
    assert_eq!(whole("19970902T090000", "FREQ=DAILY;UNTIL=19971224T000000Z"), (113, "19971223".into()));
}

#[test]
fn every_other_day_for_ever() {
    assert_eq!(first(4, "19970902T090000", "FREQ=DAILY;INTERVAL=2"), "19970902 19970904 19970906 19970908");
}

#[test]
fn every_ten_days_five_occurrences() {
    assert_eq!(
        first(9, "19970902T090000", "FREQ=DAILY;INTERVAL=10;COUNT=5"),
        "19970902 19970912 19970922 19971002 19971012"
    );
}

#[test]
fn every_day_in_january_for_three_years_both_ways() {
    for rule in [
        "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
        "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1",
    ] {
        assert_eq!(whole("19980101T090000", rule), (93, "20000131".into()), "{rule}");
    }
}

#[test]
fn weekly_for_ten_occurrences() {
    assert_eq!(whole("19970902T090000", "FREQ=WEEKLY;COUNT=10"), (10, "19971104".into()));
}

#[test]
fn weekly_until_december_24() {
    assert_eq!(whole("19970902T090000", "FREQ=WEEKLY;UNTIL=19971224T000000Z"), (17, "19971223".into()));
}

#[test]
fn every_other_week_for_ever() {
    assert_eq!(
        first(5, "19970902T090000", "FREQ=WEEKLY;INTERVAL=2;WKST=SU"),
        "19970902 19970916 19970930 19971014 19971028"
    );
}

#[test]
fn weekly_on_tuesday_and_thursday_for_five_weeks_both_ways() {
    for rule in ["FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH", "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH"] {
        assert_eq!(whole("19970902T090000", rule), (10, "19971002".into()), "{rule}");
    }
}

#[test]
fn every_other_week_on_three_days_until_december_24() {
    let rule = "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR";
    assert_eq!(whole("19970901T090000", rule), (25, "19971222".into()));
    assert_eq!(first(5, "19970901T090000", rule), "19970901 19970903 19970905 19970915 19970917");
}

#[test]
fn every_other_week_on_tuesday_and_thursday_for_eight_occurrences() {
    let rule = "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH";
    assert_eq!(
        first(9, "19970902T090000", rule),
        "19970902 19970904 19970916 19970918 19970930 19971002 19971014 19971016"
    );
}

#[test]
fn monthly_on_the_first_friday_both_ways() {
    assert_eq!(whole("19970905T090000", "FREQ=MONTHLY;COUNT=10;BYDAY=1FR"), (10, "19980605".into()));
    assert_eq!(
        first(9, "19970905T090000", "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR"),
        "19970905 19971003 19971107 19971205"
    );
}

#[test]
fn every_other_month_on_the_first_and_last_sunday() {
    assert_eq!(
        first(11, "19970907T090000", "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU"),
        "19970907 19970928 19971102 19971130 19980104 19980125 19980301 19980329 19980503 19980531"
    );
}

#[test]
fn monthly_on_the_second_to_last_monday() {
    assert_eq!(
        first(7, "19970922T090000", "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO"),
        "19970922 19971020 19971117 19971222 19980119 19980216"
    );
}

#[test]
fn monthly_on_the_third_to_last_day() {
    assert_eq!(
        first(6, "19970928T090000", "FREQ=MONTHLY;BYMONTHDAY=-3"),
        "19970928 19971029 19971128 19971229 19980129 19980226"
    );
}

#[test]
fn monthly_on_the_2nd_and_15th() {
    assert_eq!(whole("19970902T090000", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15"), (10, "19980115".into()));
}

#[test]
fn monthly_on_the_first_and_last_day() {
    assert_eq!(
        first(11, "19970930T090000", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1"),
        "19970930 19971001 19971031 19971101 19971130 19971201 19971231 19980101 19980131 19980201"
    );
}

#[test]
fn every_18_months_on_the_10th_to_15th() {
    assert_eq!(
        first(11, "19970910T090000", "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15"),
        "19970910 19970911 19970912 19970913 19970914 19970915 19990310 19990311 19990312 19990313"
    );
}

#[test]
fn every_tuesday_every_other_month() {
    assert_eq!(
        first(10, "19970902T090000", "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU"),
        "19970902 19970909 19970916 19970923 19970930 19971104 19971111 19971118 19971125 19980106"
    );
}

#[test]
fn yearly_in_june_and_july() {
    assert_eq!(whole("19970610T090000", "FREQ=YEARLY;COUNT=10;BYMONTH=6,7"), (10, "20010710".into()));
}

#[test]
fn every_other_year_in_january_february_and_march() {
    assert_eq!(whole("19970310T090000", "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3"), (10, "20030310".into()));
}

#[test]
fn every_third_year_on_the_1st_100th_and_200th_day() {
    assert_eq!(
        first(11, "19970101T090000", "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200"),
        "19970101 19970410 19970719 20000101 20000409 20000718 20030101 20030410 20030719 20060101"
    );
}

#[test]
fn every_20th_monday_of_the_year() {
    assert_eq!(first(3, "19970519T090000", "FREQ=YEARLY;BYDAY=20MO"), "19970519 19980518 19990517");
}

#[test]
fn monday_of_week_20() {
    assert_eq!(first(3, "19970512T090000", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO"), "19970512 19980511 19990517");
}

#[test]
fn every_thursday_in_march() {
    assert_eq!(
        first(8, "19970313T090000", "FREQ=YEARLY;BYMONTH=3;BYDAY=TH"),
        "19970313 19970320 19970327 19980305 19980312 19980319 19980326 19990304"
    );
}

#[test]
fn every_thursday_in_summer() {
    assert_eq!(
        first(14, "19970605T090000", "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8"),
        "19970605 19970612 19970619 19970626 19970703 19970710 19970717 19970724 19970731 19970807 19970814 19970821 19970828 19980604"
    );
}

#[test]
fn every_friday_the_13th_with_dtstart_excluded() {
    let series = zoned(
        "19970902T090000",
        NEW_YORK,
        &["RRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "EXDATE;TZID=America/New_York:19970902T090000"],
    );
    assert_eq!(dates(&series, 5), "19980213 19980313 19981113 19990813 20001013");
}

#[test]
fn the_first_saturday_after_the_first_sunday() {
    assert_eq!(
        first(10, "19970913T090000", "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13"),
        "19970913 19971011 19971108 19971213 19980110 19980207 19980307 19980411 19980509 19980613"
    );
}

#[test]
fn american_presidential_election_day() {
    assert_eq!(
        first(3, "19961105T090000", "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8"),
        "19961105 20001107 20041102"
    );
}

#[test]
fn the_third_of_tuesday_wednesday_and_thursday() {
    assert_eq!(
        first(4, "19970904T090000", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3"),
        "19970904 19971007 19971106"
    );
}

#[test]
fn the_second_to_last_weekday() {
    assert_eq!(
        first(7, "19970929T090000", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2"),
        "19970929 19971030 19971127 19971230 19980129 19980226 19980330"
    );
}

#[test]
fn every_three_hours_on_one_day() {
    // The errata correct UNTIL to 21:00Z, which is 17:00 in New York.
    assert_eq!(
        first(9, "19970902T090000", "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z"),
        "19970902 19970902T120000 19970902T150000"
    );
}

#[test]
fn every_15_minutes_for_six_occurrences() {
    assert_eq!(
        first(9, "19970902T090000", "FREQ=MINUTELY;INTERVAL=15;COUNT=6"),
        "19970902 19970902T091500 19970902T093000 19970902T094500 19970902T100000 19970902T101500"
    );
}

#[test]
fn every_hour_and_a_half_for_four_occurrences() {
    assert_eq!(
        first(9, "19970902T090000", "FREQ=MINUTELY;INTERVAL=90;COUNT=4"),
        "19970902 19970902T103000 19970902T120000 19970902T133000"
    );
}

#[test]
fn every_20_minutes_from_9_to_16_40_both_ways() {
    let [daily, minutely] = [
        "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40",
        "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
    ]
    .map(|rule| first(60, "19970902T090000", rule));
    assert_eq!(daily, minutely);
    assert!(daily.contains("19970902T164000 19970903 19970903T092000"), "{daily}");
}

#[test]
fn wkst_changes_which_weeks_are_every_other_one() {
    assert_eq!(
        first(5, "19970805T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO"),
        "19970805 19970810 19970819 19970824"
    );
    assert_eq!(
        first(5, "19970805T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU"),
        "19970805 19970817 19970819 19970831"
    );
}

#[test]
fn an_invalid_date_is_skipped() {
    assert_eq!(
        first(6, "20070115T090000", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5"),
        "20070115 20070130 20070215 20070315 20070330"
    );
}

#[test]
fn the_last_work_day_of_the_month_of_section_3_3_10() {
    assert_eq!(
        first(3, "20260130T090000", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
        "20260130 20260227 20260331"
    );
}

#[test]
fn sundays_in_january_every_other_year_at_two_times_of_section_3_3_10() {
    assert_eq!(
        first(5, "19970105T083000", "FREQ=YEARLY;INTERVAL=2;BYMONTH=1;BYDAY=SU;BYHOUR=8,9;BYMINUTE=30"),
        "19970105T083000 19970105T093000 19970112T083000 19970112T093000 19970119T083000"
    );
}
