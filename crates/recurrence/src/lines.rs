//! Recurrence lines, as Google Calendar's `recurrence[]` and iCalendar files have them (unfolded): `RRULE:…`,
//! `RDATE;TZID=…:…`, `EXDATE;VALUE=DATE:…`. All faults of all lines are reported together.
//!
//! Dates are turned into the series' wall clock here, once:
//! * beside a zoned DTSTART, UTC and other zones are converted, and a time without either is read in the series' zone;
//! * a floating series has no zone to convert into, so times are taken as written;
//! * beside an all-day DTSTART, an EXDATE with a time means its date as written (Outlook writes such), but an RDATE
//!   with a time is refused: it would add something that is not all-day.

use crate::calendar::{DAY, date_time, day_of, second_of};
use crate::error::{Fault, LineError};
use crate::rule::{Rule, parse_rule};
use crate::series::{Exclusions, Extra, PeriodEnd, Series, fits};
use crate::start::Start;
use crate::values::{self, Moment};
use crate::zone::Resolver;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Most lines that a series may have.
pub const MAX_LINES: usize = 1_000;
/// Most bytes that one line may have.
pub const MAX_LINE_BYTES: usize = 65_536;
/// Most RRULE lines that a series may have.
pub const MAX_RULES: usize = 20;
/// Most RDATE and EXDATE values that a series may have, all lines together.
pub const MAX_DATES: usize = 20_000;

/// Where the zone of a TZID comes from.
type Zones<'z> = &'z dyn Fn(&str) -> Option<TimeZone>;

impl Series {
    /// Reads a series from its start and its recurrence lines. `zones` finds the zone for a TZID.
    ///
    /// # Errors
    /// Everything that is wrong, with the index of the line: text that is no recurrence line, rules that RFC 5545
    /// forbids, zones that `zones` does not know, more than [`MAX_LINES`], [`MAX_LINE_BYTES`], [`MAX_RULES`] or
    /// [`MAX_DATES`] allow.
    pub fn parse(start: Start, lines: &[impl AsRef<str>], zones: Zones<'_>) -> Result<Series, Vec<LineError>> {
        if lines.len() > MAX_LINES {
            let message = format!("{} lines are more than {MAX_LINES}", lines.len());
            return Err(vec![LineError::at(MAX_LINES, Fault::new("too-many-lines", message))]);
        }
        let mut reader =
            Reader { start: &start, zones, rules: Vec::new(), extras: Vec::new(), exclusions: Exclusions::default() };
        let mut errors = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            if let Err(faults) = reader.line(line.as_ref()) {
                errors.extend(faults.into_iter().map(|fault| LineError::at(index, fault)));
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let Reader { rules, extras, exclusions, .. } = reader;
        Ok(Series::assemble(start, rules, extras, exclusions))
    }
}

struct Reader<'a> {
    start: &'a Start,
    zones: Zones<'a>,
    rules: Vec<Rule>,
    extras: Vec<Extra>,
    exclusions: Exclusions,
}

impl Reader<'_> {
    fn line(&mut self, line: &str) -> Result<(), Vec<Fault>> {
        let one = |fault| vec![fault];
        if line.len() > MAX_LINE_BYTES {
            return Err(one(Fault::new(
                "line-too-long",
                format!("{} bytes are more than {MAX_LINE_BYTES}", line.len()),
            )));
        }
        let (head, value) =
            split_value(line.trim()).ok_or_else(|| one(Fault::new("malformed-line", "the line is not NAME:VALUE")))?;
        let (name, params) = head.split_once(';').unwrap_or((head, ""));
        match name.to_ascii_uppercase().as_str() {
            "RRULE" => self.rule(value),
            "RDATE" => self.dates(params, value, Reader::rdate).map_err(one),
            "EXDATE" => self.dates(params, value, Reader::exdate).map_err(one),
            "EXRULE" => Err(one(Fault::new("exrule-unsupported", "EXRULE was removed by RFC 5545; write EXDATE"))),
            _ => Err(one(Fault::new("unknown-property", format!("{name:?} is not RRULE, RDATE or EXDATE")))),
        }
    }

    fn rule(&mut self, value: &str) -> Result<(), Vec<Fault>> {
        let rule = parse_rule(value)?;
        fits(&rule, self.start).map_err(|fault| vec![fault])?;
        if self.rules.len() == MAX_RULES {
            return Err(vec![Fault::new("too-many-rules", format!("more than {MAX_RULES} rules"))]);
        }
        self.rules.push(rule);
        Ok(())
    }

    fn dates(
        &mut self,
        params: &str,
        value: &str,
        read: fn(&mut Self, &str, Kind, Option<&TimeZone>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let (kind, zone) = self.parameters(params)?;
        for item in value.split(',').map(str::trim) {
            let known = self.extras.len() + self.exclusions.locals.len() + self.exclusions.days.len();
            if known == MAX_DATES {
                return Err(Fault::new("too-many-dates", format!("more than {MAX_DATES} dates")));
            }
            read(self, item, kind, zone.as_ref())?;
        }
        Ok(())
    }

    fn parameters(&self, params: &str) -> Result<(Kind, Option<TimeZone>), Fault> {
        let (mut kind, mut zone) = (Kind::Unsaid, None);
        for param in split_params(params) {
            let (name, value) = param.split_once('=').unwrap_or((param, ""));
            let value = value.trim_matches('"');
            if name.eq_ignore_ascii_case("TZID") {
                let unknown = || Fault::new("unknown-time-zone", format!("time zone {value:?} is not known"));
                zone = Some((self.zones)(value).ok_or_else(unknown)?);
            } else if name.eq_ignore_ascii_case("VALUE") {
                kind = match value.to_ascii_uppercase().as_str() {
                    "DATE" => Kind::Date,
                    "DATE-TIME" => Kind::DateTime,
                    "PERIOD" => Kind::Period,
                    _ => return Err(Fault::new("unknown-value-type", format!("VALUE={value:?} is no type of a date"))),
                };
            }
            // RFC 5545 3.8.5: other parameters are legal and say nothing about the date.
        }
        Ok((kind, zone))
    }

    fn rdate(&mut self, item: &str, kind: Kind, zone: Option<&TimeZone>) -> Result<(), Fault> {
        let (item, end) = match (kind, item.split_once('/')) {
            (Kind::Period, Some((from, end))) => (from, Some(end)),
            (Kind::Period, None) => return Err(Fault::new("invalid-period", format!("{item:?} has no end"))),
            (_, Some(_)) => {
                return Err(Fault::new("invalid-date", format!("{item:?} is a period; write VALUE=PERIOD")));
            }
            (_, None) => (item, None),
        };
        let moment = moment(item, kind)?;
        match (self.start, moment) {
            (Start::Date(_), Moment::Date(_))
            | (Start::Floating(_) | Start::Zoned { .. }, Moment::Local(_) | Moment::Utc(_)) => {}
            _ => {
                let message = format!("{item:?} and the start must both be dates or both have a time");
                return Err(Fault::new("date-type-mismatch", message));
            }
        }
        let local = self.local(moment, zone)?;
        let end = end.map(|end| self.period_end(end, moment, local, zone)).transpose()?;
        self.extras.push(Extra { local, end });
        Ok(())
    }

    fn period_end(&self, text: &str, from: Moment, local: i64, zone: Option<&TimeZone>) -> Result<PeriodEnd, Fault> {
        let bad = || Fault::new("invalid-period", format!("{text:?} is no end of a period"));
        if let Some(length) = values::duration(text) {
            return if length.days == 0 && length.seconds == 0 { Err(bad()) } else { Ok(PeriodEnd::After(length)) };
        }
        let end = values::moment(text).ok_or_else(bad)?;
        // RFC 5545 3.3.9: both ends are of the same form, and the start is before the end.
        if matches!(end, Moment::Date(_)) || matches!(end, Moment::Utc(_)) != matches!(from, Moment::Utc(_)) {
            return Err(bad());
        }
        let ordered = |after: bool| if after { Ok(()) } else { Err(bad()) };
        match self.instant(end, zone)? {
            Some(instant) => {
                ordered(self.instant(from, zone)?.is_some_and(|from| from < instant))?;
                Ok(PeriodEnd::Instant(instant))
            }
            None => {
                let end = self.local(end, zone)?;
                ordered(local < end)?;
                Ok(PeriodEnd::Local(end))
            }
        }
    }

    fn exdate(&mut self, item: &str, kind: Kind, zone: Option<&TimeZone>) -> Result<(), Fault> {
        let moment = moment(item, kind)?;
        match (self.start, moment) {
            (Start::Floating(_) | Start::Zoned { .. }, Moment::Date(date)) => self.exclusions.days.push(day_of(date)),
            (Start::Date(_), Moment::Local(at) | Moment::Utc(at)) => {
                self.exclusions.locals.push(day_of(at.date()) * DAY)
            }
            _ => {
                let local = self.local(moment, zone)?;
                self.exclusions.locals.push(local);
            }
        }
        Ok(())
    }

    /// The wall-clock second in the series' own clock.
    fn local(&self, moment: Moment, zone: Option<&TimeZone>) -> Result<i64, Fault> {
        let at = match moment {
            Moment::Date(date) => return Ok(day_of(date) * DAY),
            Moment::Local(at) | Moment::Utc(at) => at,
        };
        let Start::Zoned { zone: own, .. } = self.start else { return Ok(second_of(at)) };
        // Not through the instant where there is nothing to convert: a time in a gap would come back changed.
        if matches!(moment, Moment::Local(_)) && zone.is_none_or(|zone| zone == own) {
            return Ok(second_of(at));
        }
        let instant = self.instant(moment, zone)?.ok_or_else(beyond)?;
        Ok(Resolver::new(own.clone()).local(instant))
    }

    /// The instant, if the series has a zone.
    fn instant(&self, moment: Moment, zone: Option<&TimeZone>) -> Result<Option<Timestamp>, Fault> {
        let Start::Zoned { zone: own, .. } = self.start else { return Ok(None) };
        match moment {
            Moment::Date(_) => Ok(None),
            Moment::Utc(at) => values::utc(at).ok_or_else(beyond).map(Some),
            Moment::Local(at) => {
                let zone = zone.unwrap_or(own).clone();
                let resolved = Resolver::new(zone).resolve(second_of(at)).ok_or_else(beyond)?;
                Ok(Some(resolved.instant))
            }
        }
    }
}

/// VALUE, as far as it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unsaid,
    Date,
    DateTime,
    Period,
}

fn moment(item: &str, kind: Kind) -> Result<Moment, Fault> {
    let moment = values::moment(item);
    match (moment, kind) {
        // A bare date without VALUE=DATE is common and cannot mean anything else.
        (Some(moment), Kind::Unsaid)
        | (Some(moment @ Moment::Date(_)), Kind::Date)
        | (Some(moment @ (Moment::Local(_) | Moment::Utc(_))), Kind::DateTime | Kind::Period) => Ok(moment),
        _ => Err(Fault::new("invalid-date", format!("{item:?} is not of the form its VALUE says"))),
    }
    .and_then(|moment| match moment {
        Moment::Local(at) | Moment::Utc(at) if date_time(second_of(at)).is_none() => Err(beyond()),
        moment => Ok(moment),
    })
}

fn beyond() -> Fault {
    Fault::new("invalid-date", "the date is beyond the calendar")
}

/// Splits at the first `:` outside quotes.
fn split_value(line: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let at = line.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == b':' && !quoted
    })?;
    Some((line.get(..at)?, line.get(at + 1..)?))
}

/// Splits at each `;` outside quotes.
fn split_params(params: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    params
        .split(move |c: char| {
            quoted ^= c == '"';
            c == ';' && !quoted
        })
        .map(str::trim)
        .filter(|param| !param.is_empty())
}
