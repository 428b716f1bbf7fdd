//! The filters of event lists.

use jiff::Timestamp;
use kalends_core::access::State;
use kalends_core::events::{List, Sort, Window};
use kalends_core::search;

use crate::problem::Problem;
use crate::query::Query;

const SORTS: &[(&str, (Sort, bool))] = &[
    ("start", (Sort::Start, false)),
    ("-start", (Sort::Start, true)),
    ("title", (Sort::Title, false)),
    ("-title", (Sort::Title, true)),
    ("created_at", (Sort::Created, false)),
    ("-created_at", (Sort::Created, true)),
    ("updated_at", (Sort::Updated, false)),
    ("-updated_at", (Sort::Updated, true)),
];
const WEEKDAYS: &[(&str, i64)] = &[
    ("1", 1),
    ("2", 2),
    ("3", 3),
    ("4", 4),
    ("5", 5),
    ("6", 6),
    ("7", 7),
    ("mo", 1),
    ("tu", 2),
    ("we", 3),
    ("th", 4),
    ("fr", 5),
    ("sa", 6),
    ("su", 7),
    ("MO", 1),
    ("TU", 2),
    ("WE", 3),
    ("TH", 4),
    ("FR", 5),
    ("SA", 6),
    ("SU", 7),
    ("monday", 1),
    ("tuesday", 2),
    ("wednesday", 3),
    ("thursday", 4),
    ("friday", 5),
    ("saturday", 6),
    ("sunday", 7),
];

/// What is asked for, and whether the total is.
pub(crate) fn read(mut query: Query) -> Result<(List, bool), Problem> {
    let window = window(&mut query);
    let expand = query.boolean("expand").unwrap_or(false);
    let sort = query.choice("sort", SORTS);
    let total = query.include_total();
    if expand && window.is_none() {
        query.error(
            "expand",
            "needs-window",
            "needs from and to: instances of endless series have no end of their own",
        );
    }
    if expand && sort.is_some_and(|sort| sort != (Sort::Start, false)) {
        query.error("sort", "contradiction", "instances come by start");
    }
    if expand && total {
        query.error("include", "contradiction", "expanded lists are not counted");
    }
    let deleted = query.boolean("deleted").unwrap_or(false);
    if expand && deleted {
        query.error("deleted", "contradiction", "the trash is not expanded");
    }
    let q = query.text("q");
    let asked = q.as_deref().map_or(0, |q| search::words::of(q).len());
    if asked > search::MOST_ASKED {
        query.error("q", "too-long", format!("may have {} words", search::MOST_ASKED));
    }
    // Words are looked for by how well they fit, unless another order is asked for; instances come by start.
    let usual = if q.is_some() && !expand { Sort::Rank } else { Sort::Start };
    let (sort, descending) = sort.unwrap_or((usual, false));
    let list = List {
        window,
        expand,
        calendar: query.id("calendar_id"),
        ids: query.ids("ids", 500),
        state: query.choice("state", State::NAMES),
        q,
        mine: query.boolean("mine").unwrap_or(false),
        venue: query.id("venue_id"),
        category: query.text("category"),
        weekday: query.choice("weekday", WEEKDAYS),
        leave_out_too_much_work: false,
        deleted,
        sort,
        descending,
        limit: query.limit(),
        cursor: query.cursor(),
        digest: query.digest(),
    };
    query.finish()?;
    Ok((list, total))
}

/// `from` and `to`; one alone is open on the other side.
fn window(query: &mut Query) -> Option<Window> {
    let (from, to) = (query.instant("from"), query.instant("to"));
    if from.is_none() && to.is_none() {
        return None;
    }
    let window = Window { from: from.unwrap_or(EARLIEST), to: to.unwrap_or(LATEST) };
    if window.to <= window.from {
        query.error("to", "before-from", "must be after from");
        return None;
    }
    Some(window)
}

/// The ends of what events can lie in, in every zone.
pub(super) const EARLIEST: Timestamp = Timestamp::constant(-12_300_000_000, 0);
pub(super) const LATEST: Timestamp = Timestamp::constant(253_200_000_000, 0);
