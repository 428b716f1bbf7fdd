//! A file's components brought together by UID: programs write a series and its changed instances next to each other, far
//! apart, or in several VCALENDARs of one stream.

use std::collections::{HashMap, HashSet};

use kalends_ical::{Code, Component, Parsed, Problem, Series, Status, When};

use super::report::{Action, ReportRow};

/// One thing to do, or one that is decided already.
#[derive(Clone, Debug)]
pub enum Entry {
    /// An event, with the lines' problems that did not keep it from being read.
    Series(Box<Series>, Vec<String>),
    /// A row of the report as it is.
    ReportRow(Box<ReportRow>),
}

/// A file, ready to be converted piece by piece.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// In the order of the file.
    pub entries: Vec<Entry>,
    /// The UIDs of its events.
    pub uids: HashSet<String>,
    /// How many more problems the file has than are listed.
    pub omitted: usize,
}

/// A message that changes nobody's events: an answer, a question (RFC 5546 1.4).
const NOT_OURS: &[&str] = &["REPLY", "COUNTER", "DECLINECOUNTER", "REFRESH"];

/// Brings a file's components together.
pub fn gather(parsed: Parsed) -> Gathered {
    let mut rows: Vec<(usize, Entry)> = Vec::new();
    let mut joined = Joined::default();
    for calendar in parsed.calendars {
        let method = calendar.method.unwrap_or_default();
        for mut one in calendar.series {
            if NOT_OURS.contains(&method.as_str()) {
                let detail = format!("METHOD:{method} is a message about an event, not an event.");
                let row = ReportRow { uid: Some(one.uid.clone()), ..ReportRow::of(line_of(&one), Action::Skipped) };
                rows.push((line_of(&one), Entry::ReportRow(row.with_problem("method", detail).into())));
                continue;
            }
            if method == "CANCEL" {
                one.master.iter_mut().chain(&mut one.overrides).for_each(cancel);
            }
            if let Some(loser) = joined.take(one) {
                rows.push((loser.line, Entry::ReportRow(loser.into())));
            }
        }
    }
    let (left_out, read_otherwise): (Vec<Problem>, Vec<Problem>) =
        // Which of two events with one UID stays is said by `take_master`.
        parsed.problems.into_iter().filter(|one| one.code != Code::DuplicateUid).partition(|problem| problem.left_out);
    for problem in left_out {
        let skipped = problem.code == Code::NotAnEvent;
        let action = if skipped { Action::Skipped } else { Action::Refused };
        let row = ReportRow::of(problem.line, action).with_problem(problem.code.as_str(), problem.message);
        rows.push((row.line, Entry::ReportRow(row.into())));
    }
    for one in &mut joined.series {
        let key = |one: &Component| (one.recurrence_id.as_ref().map(When::local), one.range_this_and_future, one.line);
        one.overrides.sort_by_key(key);
    }
    let mut warnings = assign(&joined.series, read_otherwise, &mut rows);
    for (at, one) in joined.series.into_iter().enumerate() {
        let line = line_of(&one);
        let warnings = warnings.remove(&at).unwrap_or_default();
        // What is left of an event whose own component could not be read is not that event.
        if one.damaged && one.master.is_none() {
            let detail = "The event itself could not be read, so its changed instances were left out too.";
            let row = ReportRow { uid: Some(one.uid), ..ReportRow::of(line, Action::Refused) };
            rows.push((line, Entry::ReportRow(row.with_problem("damaged", detail).into())));
        } else {
            rows.push((line, Entry::Series(Box::new(one), warnings)));
        }
    }
    rows.sort_by_key(|(line, _)| *line);
    Gathered {
        entries: rows.into_iter().map(|(_, entry)| entry).collect(),
        uids: joined.places.into_keys().collect(),
        omitted: parsed.problems_omitted,
    }
}

fn cancel(component: &mut Component) {
    component.status = Some(Status::Cancelled);
}

fn components(series: &Series) -> impl Iterator<Item = &Component> {
    series.master.iter().chain(&series.overrides)
}

/// The first line of an event's own component, else of its first override.
pub fn line_of(series: &Series) -> usize {
    let overrides = || series.overrides.iter().map(|one| one.line).min();
    series.master.as_ref().map(|master| master.line).or_else(overrides).unwrap_or(1)
}

fn newer(one: &Component, other: &Component) -> bool {
    (one.sequence, one.last_modified, one.stamp) >= (other.sequence, other.last_modified, other.stamp)
}

/// The events of a file by UID. Nothing that is taken in looks through what was: a file may have hundreds of thousands of
/// VCALENDARs with one changed instance each.
#[derive(Default)]
struct Joined {
    series: Vec<Series>,
    /// Where the series of a UID is.
    places: HashMap<String, usize>,
    /// Where in its series the override of an instance is (of this one alone, or of all that follow it).
    overrides: HashMap<(usize, Option<When>, bool), usize>,
}

impl Joined {
    /// Takes in what a part of the file says of a UID. Of two different events the newer stays; the row says which was left
    /// out.
    fn take(&mut self, part: Series) -> Option<ReportRow> {
        let at = *self.places.entry(part.uid.clone()).or_insert(self.series.len());
        if at == self.series.len() {
            self.series.push(Series { uid: part.uid, master: None, overrides: Vec::new(), damaged: false });
        }
        let there = self.series.get_mut(at)?;
        there.damaged |= part.damaged;
        for one in part.overrides {
            let instance = (at, one.recurrence_id.clone(), one.range_this_and_future);
            let place = *self.overrides.entry(instance).or_insert(there.overrides.len());
            match there.overrides.get_mut(place) {
                Some(known) if newer(&one, known) => *known = one,
                Some(_) => {}
                None => there.overrides.push(one),
            }
        }
        take_master(there, part.master?)
    }
}

fn take_master(there: &mut Series, master: Component) -> Option<ReportRow> {
    let Some(known) = &mut there.master else {
        there.master = Some(master);
        return None;
    };
    let same = Component { line: known.line, ..master.clone() } == *known;
    if same {
        return None;
    }
    let loser = if newer(&master, known) { std::mem::replace(known, master) } else { master };
    let detail = format!("The event of line {} has the same UID and is newer; this one was left out.", known.line);
    let row = ReportRow {
        uid: Some(there.uid.clone()),
        title: Some(short(&loser.summary)),
        ..ReportRow::of(loser.line, Action::Refused)
    };
    Some(row.with_problem("duplicate-uid", detail))
}

/// A title in a report.
pub fn short(title: &str) -> String {
    title.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// Says each problem where it belongs: to the event whose component it stands in, else in a row of its own.
fn assign(series: &[Series], problems: Vec<Problem>, rows: &mut Vec<(usize, Entry)>) -> HashMap<usize, Vec<String>> {
    let mut begins: Vec<(usize, usize)> = Vec::new();
    for (at, one) in series.iter().enumerate() {
        begins.extend(components(one).map(|component| (component.line, at)));
    }
    begins.sort_unstable();
    let mut warnings: HashMap<usize, Vec<String>> = HashMap::new();
    for problem in problems {
        let before = begins.partition_point(|(line, _)| *line <= problem.line);
        let said = format!("Line {}: {}", problem.line, problem.message);
        match before.checked_sub(1).and_then(|last| begins.get(last)) {
            Some((_, at)) => {
                let of = warnings.entry(*at).or_default();
                if of.len() < 20 {
                    of.push(said);
                }
            }
            None => {
                let row =
                    ReportRow::of(problem.line, Action::Noted).with_problem(problem.code.as_str(), problem.message);
                rows.push((row.line, Entry::ReportRow(row.into())));
            }
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A calendar of one component.
    fn one(uid: &str, lines: &str) -> String {
        format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
    }

    #[test]
    fn a_hundred_thousand_calendars_with_an_instance_each_are_one_series() {
        let first: jiff::civil::DateTime = "2000-01-01T00:00:00".parse().expect("a time");
        let mut file = one("a", "DTSTART:20000101T000000\r\nRRULE:FREQ=MINUTELY");
        // Backwards, so that each would have to be moved before all the others.
        for minute in (0..100_000_i64).rev() {
            let at =
                first.checked_add(jiff::SignedDuration::from_mins(minute)).expect("a time").strftime("%Y%m%dT%H%M%S");
            file += &one("a", &format!("RECURRENCE-ID:{at}\r\nDTSTART:{at}"));
        }
        file += &one("a", "RECURRENCE-ID:20000101T000000\r\nDTSTART:20000101T000000\r\nSUMMARY:Newer");
        let parsed = kalends_ical::read(file.as_bytes(), &kalends_kernel::Zone::look_up).expect("a file");
        let gathered = gather(parsed);
        let [Entry::Series(series, warnings)] = gathered.entries.as_slice() else {
            panic!("{}", gathered.entries.len())
        };
        assert!(series.master.is_some() && warnings.is_empty());
        assert_eq!((series.overrides.len(), series.overrides[0].summary.as_str()), (100_000, "Newer"));
        assert!(series.overrides.is_sorted_by_key(|one| one.recurrence_id.as_ref().map(When::local)));
    }
}
