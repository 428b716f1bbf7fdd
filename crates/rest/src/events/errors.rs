//! What the refusals of event commands are to a caller.

use kalends_core::access::State;
use kalends_core::conflicts::Report;
use kalends_core::events::{EventError, StateRefused, TOO_SPARSE};
use kalends_kernel::EventId;

use super::view::EventView;
use crate::codes;
use crate::conflicts::ReportView;
use crate::problem::Problem;

impl From<EventError> for Problem {
    fn from(error: EventError) -> Problem {
        match error {
            EventError::Denied(denied) => denied.into(),
            EventError::Invalid(invalid) => {
                let too_sparse = invalid.errors().iter().all(|error| error.code == TOO_SPARSE);
                let problem = Problem::from(invalid);
                if too_sparse { problem.as_code(&codes::TOO_SPARSE) } else { problem }
            }
            EventError::Changed(current) => {
                let view = EventView::of(&current);
                let etag = view.etag();
                Problem::new(&codes::PRECONDITION_FAILED).with("current", &view).etag(etag)
            }
            EventError::Conflict { fields, current } => {
                let names: Vec<&str> = fields.iter().map(|conflict| conflict.field.as_str()).collect();
                Problem::new(&codes::EDIT_CONFLICT)
                    .detail(format!("changed on both sides: {}", names.join(", ")))
                    .with("conflicts", &fields)
                    .with("current_version", current)
            }
            EventError::PreconditionNeeded => Problem::new(&codes::PRECONDITION_NEEDED),
            EventError::ReviewRequired => Problem::new(&codes::REVIEW_REQUIRED),
            EventError::WrongState { from, to, possible } => {
                let names = |states: &[State]| states.iter().map(|state| state.name()).collect::<Vec<_>>().join(", ");
                let to = to.map_or_else(String::new, |to| format!(" to {}", to.name()));
                Problem::new(&codes::WRONG_STATE).detail(format!(
                    "there is no step from {}{to}; from there one can go to {}",
                    from.name(),
                    names(&possible)
                ))
            }
            EventError::Deleted => Problem::new(&codes::WRONG_STATE).detail("it is in the trash; restore it first"),
            EventError::OldCalendar => Problem::new(&codes::WRONG_STATE)
                .detail("that version was in another calendar, which is gone or where you may not put events"),
            EventError::UidTaken => Problem::new(&codes::UID_TAKEN),
            EventError::Orphans(orphans) => {
                let orphans: Vec<String> = orphans.iter().map(ToString::to_string).collect();
                Problem::new(&codes::ORPHANS).with("orphans", &orphans)
            }
            EventError::Budget => Problem::new(&codes::BUDGET),
            EventError::TooMuchWork => Problem::new(&codes::TOO_MUCH_WORK),
            EventError::Clash(report) => of_clash(&report),
            EventError::TooMuchToCheck => Problem::new(&codes::CONFLICT_BUDGET),
            EventError::Internal(error) => error.into(),
        }
    }
}

impl From<StateRefused> for Problem {
    fn from(refused: StateRefused) -> Problem {
        match refused {
            StateRefused::Internal(error) => error.into(),
            StateRefused::Some(refused) => {
                let detail = format!("{} of the events cannot take this step; none was changed", refused.len());
                let problems: Vec<serde_json::Value> = refused
                    .into_iter()
                    .map(|(id, error)| serde_json::json!({"id": id, "problem": Problem::from(error).to_json()}))
                    .collect();
                Problem::new(&codes::WRONG_STATE).detail(detail).with("problems", problems)
            }
        }
    }
}

/// Where a list of events is refused as a whole: the problem of the first, with its place as `index`, and all in `problems`.
pub fn of_several(refused: Vec<(usize, EventId, EventError)>) -> Problem {
    let mut all = refused.into_iter().map(|(index, id, error)| (index, id, Problem::from(error)));
    let Some((index, id, first)) = all.next() else { return Problem::new(&codes::INVALID) };
    let told = |index: usize, id: EventId, problem: &Problem| serde_json::json!({"index": index, "id": id, "problem": problem.to_json()});
    let mut problems = vec![told(index, id, &first)];
    problems.extend(all.map(|(index, id, problem)| told(index, id, &problem)));
    first.with("index", index).with("problems", problems)
}

/// The time is taken.
pub fn of_clash(report: &Report) -> Problem {
    let report = ReportView::of(report);
    let detail = match (report.conflicts.len(), report.more) {
        (0, _) => "something that you may not see takes the same time".to_owned(),
        (1, false) => "one event takes the same time".to_owned(),
        (listed, false) => format!("{listed} events take the same time"),
        (listed, true) => format!("{listed} events and more take the same time"),
    };
    Problem::new(&codes::CONFLICT)
        .detail(detail)
        .with("conflicts", &report.conflicts)
        .with("more", report.more)
        .with("checked_until", &report.checked_until)
}
