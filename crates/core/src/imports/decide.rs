//! What becomes of an event of the file, given what is here. Pure.

use jiff::Timestamp;
use kalends_kernel::Zone;

use super::convert::{Item, What, said};
use super::overrides::settle;
use super::report::{Source, Stamp};
use crate::events::{Content, Event};

/// What becomes of it.
#[derive(Clone, PartialEq, Debug)]
pub enum Decision {
    /// It is not here: make it.
    Create(Box<Content>),
    /// It says so already, but under a higher SEQUENCE than it has here: without it, whoever has the file would take our
    /// later changes for older.
    Raise,
    /// It is here and says something else.
    Update(Box<Content>),
    /// It says so already; whether to remember that this is what it was imported as.
    Same(bool),
    /// What is here is newer.
    Older,
    /// A change of instances of an event that is not here.
    NothingToChange,
    /// It cannot be taken: a code and why.
    Refuse(String, String),
}

/// Decides; warnings of what has to be read with what is here are added.
pub fn decide(
    item: &Item,
    here: Option<(&Event, Option<&Source>)>,
    zone: &Zone,
    warnings: &mut Vec<String>,
) -> Decision {
    let Some((event, source)) = here else {
        return match &item.what {
            What::Whole(content) => Decision::Create(content.clone()),
            What::Instances(_, Some(content)) => Decision::Create(content.clone()),
            What::Instances(_, None) => Decision::NothingToChange,
            What::Refused(code, detail) => Decision::Refuse(code.clone(), detail.clone()),
        };
    };
    let raised = item.stamp.sequence > event.sequence();
    if source.is_some_and(|source| source.digest == item.digest) {
        return if raised { Decision::Raise } else { Decision::Same(false) };
    }
    let content = match &item.what {
        What::Refused(code, detail) => return Decision::Refuse(code.clone(), detail.clone()),
        What::Whole(content) => Ok((**content).clone()),
        What::Instances(components, alone) => {
            // The instances of something that is itself only instances: the whole of what the file says.
            match alone {
                Some(alone) if source.is_some() && !event.content.is_recurring() => Ok((**alone).clone()),
                _ => settle(event.content.clone(), &components.iter().collect::<Vec<_>>(), zone, warnings),
            }
        }
    };
    let content = match content {
        Ok(content) => content.over(&event.content),
        Err(invalid) => {
            let (code, detail) = said(&invalid.into());
            return Decision::Refuse(code, detail);
        }
    };
    if content == event.content {
        return if raised { Decision::Raise } else { Decision::Same(true) };
    }
    let known = source.map_or(
        Stamp { sequence: item.stamp.sequence, last_modified: Some(whole_seconds(event.updated_at)) },
        |source| source.stamp,
    );
    // Instances have numbers of their own: their series' say nothing about them.
    if matches!(item.what, What::Whole(_)) && is_older(item.stamp, known) {
        return Decision::Older;
    }
    if source.is_some_and(|source| source.version != event.version) {
        warnings.push(format!(
            "It was changed here since it was last imported; version {} still says what it was.",
            event.version
        ));
    }
    Decision::Update(Box::new(content))
}

/// iCalendar knows no parts of seconds.
fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// By SEQUENCE, then by LAST-MODIFIED where both say it.
fn is_older(one: Stamp, than: Stamp) -> bool {
    match one.sequence.cmp(&than.sequence) {
        std::cmp::Ordering::Less => true,
        std::cmp::Ordering::Greater => false,
        std::cmp::Ordering::Equal => {
            matches!((one.last_modified, than.last_modified), (Some(one), Some(than)) if one < than)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_decides_before_the_time() {
        let stamp = |sequence, second: Option<i64>| Stamp {
            sequence,
            last_modified: second.map(|second| Timestamp::from_second(second).expect("a time")),
        };
        let table = [
            (stamp(1, Some(9)), stamp(2, Some(1)), true),
            (stamp(2, Some(1)), stamp(1, Some(9)), false),
            (stamp(1, Some(1)), stamp(1, Some(2)), true),
            (stamp(1, Some(2)), stamp(1, Some(2)), false),
            (stamp(1, None), stamp(1, Some(2)), false),
            (stamp(1, Some(1)), stamp(1, None), false),
        ];
        for (one, than, older) in table {
            assert_eq!(is_older(one, than), older, "{one:?} {than:?}");
        }
    }
}
