//! What the policy's refusals and the features' errors are to a caller.

use kalends_core::access::Denied;
use kalends_core::calendars::CalendarError;
use kalends_core::sharing::SharingError;
use kalends_core::sharing::groups::GroupError;
use kalends_core::venues::VenueError;

use crate::calendars::CalendarView;
use crate::codes;
use crate::groups::GroupView;
use crate::problem::Problem;
use crate::venues::VenueView;

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Problem {
        match denied {
            Denied::NotFound => Problem::new(&codes::NOT_FOUND),
            Denied::Needs(role) => Problem::new(&codes::FORBIDDEN)
                .detail(format!("this needs the role {} (or a stronger one)", role.name())),
            Denied::NeedsReviewer => Problem::new(&codes::FORBIDDEN)
                .detail("this calendar has review: only its owners and administrators publish, refuse and unpublish"),
            Denied::NeedsGlobal(role) => Problem::new(&codes::ROLE_NEEDED)
                .detail(format!("this needs the account role {} (or a stronger one)", role.name())),
        }
    }
}

impl From<CalendarError> for Problem {
    fn from(error: CalendarError) -> Problem {
        match error {
            CalendarError::Denied(denied) => denied.into(),
            CalendarError::Invalid(invalid) => invalid.into(),
            CalendarError::Changed(current) => {
                let view = CalendarView::of(&current);
                let etag = view.etag();
                Problem::new(&codes::PRECONDITION_FAILED).with("current", &view).etag(etag)
            }
            CalendarError::Default => Problem::new(&codes::DEFAULT_CALENDAR),
            CalendarError::Clash(which, report) => crate::events::of_clash(&report).with("event_ids", which),
            CalendarError::TooMuchToCheck => Problem::new(&codes::CONFLICT_BUDGET),
            CalendarError::Internal(error) => error.into(),
        }
    }
}

impl From<VenueError> for Problem {
    fn from(error: VenueError) -> Problem {
        match error {
            VenueError::Denied(denied) => denied.into(),
            VenueError::NotManager => {
                Problem::new(&codes::FORBIDDEN).detail("only who made the venue and administrators manage it")
            }
            VenueError::Invalid(invalid) => invalid.into(),
            VenueError::Changed(current) => {
                // Who may change it manages it.
                let view = VenueView::of(&current, true);
                let etag = view.etag();
                Problem::new(&codes::PRECONDITION_FAILED).with("current", &view).etag(etag)
            }
            VenueError::Internal(error) => error.into(),
        }
    }
}

impl From<GroupError> for Problem {
    fn from(error: GroupError) -> Problem {
        match error {
            GroupError::Denied(denied) => denied.into(),
            GroupError::Invalid(invalid) => invalid.into(),
            GroupError::Changed(current) => {
                let view = GroupView::of(&current, None);
                let etag = view.etag();
                Problem::new(&codes::PRECONDITION_FAILED).with("current", &view).etag(etag)
            }
            GroupError::Internal(error) => error.into(),
        }
    }
}

impl From<SharingError> for Problem {
    fn from(error: SharingError) -> Problem {
        match error {
            SharingError::Denied(denied) => denied.into(),
            SharingError::Invalid(invalid) => invalid.into(),
            SharingError::LastOwner => Problem::new(&codes::LAST_OWNER),
            SharingError::Default => Problem::new(&codes::DEFAULT_CALENDAR),
            SharingError::Clash(report) => crate::events::of_clash(&report),
            SharingError::TooMuchToCheck => Problem::new(&codes::CONFLICT_BUDGET),
            SharingError::Internal(error) => error.into(),
        }
    }
}
