//! Editorial states and the steps between them (rule 18), as a pure function.

use crate::access::{Review, State};

/// Why a step cannot be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StepError {
    /// There is no such step from the state; [`steps`] says which there are.
    NoSuchStep,
    /// The step exists, but only for reviewers.
    ReviewersOnly,
}

/// Where one can go from a state, and whether only a reviewer can.
pub fn steps(from: State, review: Review) -> &'static [(State, bool)] {
    use State::{Draft, Published, Refused, Review as InReview};
    match (review, from) {
        (Review::Required, Draft) => &[(InReview, false), (Published, true)],
        (Review::Required, InReview) => &[(Published, true), (Refused, true), (Draft, false)],
        (Review::Required, Published) => &[(Draft, true)],
        (_, Refused) => &[(Draft, false)],
        (Review::None, Draft) => &[(Published, false)],
        // A calendar whose review was switched off lets its waiting events go back, too.
        (Review::None, InReview | Published) => &[(Draft, false)],
    }
}

/// Whether somebody who may edit the event may take this step.
pub fn step(from: State, to: State, review: Review, reviewer: bool) -> Result<(), StepError> {
    match steps(from, review).iter().find(|(target, _)| *target == to) {
        None => Err(StepError::NoSuchStep),
        Some((_, true)) if !reviewer => Err(StepError::ReviewersOnly),
        Some(_) => Ok(()),
    }
}

/// Whether somebody who may edit the event can bring it from one state to another, in however many steps.
pub fn reach(from: State, to: State, review: Review, reviewer: bool) -> Result<(), StepError> {
    let leads_there = |reviewer: bool| {
        let mut reached = vec![from];
        let mut next = 0;
        while let Some(at) = reached.get(next).copied() {
            let open = steps(at, review).iter().filter(|(_, only)| reviewer || !only).map(|(target, _)| *target);
            for target in open {
                if !reached.contains(&target) {
                    reached.push(target);
                }
            }
            next += 1;
        }
        reached.contains(&to)
    };
    match (leads_there(reviewer), leads_there(true)) {
        (true, _) => Ok(()),
        (false, true) => Err(StepError::ReviewersOnly),
        (false, false) => Err(StepError::NoSuchStep),
    }
}

/// The state in which a new event begins, or why the wished one is not possible.
pub fn first(wished: Option<State>, review: Review, reviewer: bool) -> Result<State, StepError> {
    match (wished, review) {
        (None, Review::None) => Ok(State::Published),
        (None, Review::Required) | (Some(State::Draft), _) => Ok(State::Draft),
        (Some(to), _) => step(State::Draft, to, review, reviewer).map(|()| to),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hand-written table of rule 18: from, to, without review, with review as an editor, with review as a reviewer.
    #[test]
    fn the_steps_are_those_of_the_table() {
        use State::{Draft, Published, Refused, Review as InReview};
        #[rustfmt::skip]
        let table = [
            (Draft,     InReview,  "no",  "yes",      "yes"),
            (Draft,     Published, "yes", "reviewer", "yes"),
            (Draft,     Refused,   "no",  "no",       "no"),
            (InReview,  Published, "no",  "reviewer", "yes"),
            (InReview,  Refused,   "no",  "reviewer", "yes"),
            (InReview,  Draft,     "yes", "yes",      "yes"),
            (Published, Draft,     "yes", "reviewer", "yes"),
            (Published, InReview,  "no",  "no",       "no"),
            (Published, Refused,   "no",  "no",       "no"),
            (Refused,   Draft,     "yes", "yes",      "yes"),
            (Refused,   InReview,  "no",  "no",       "no"),
            (Refused,   Published, "no",  "no",       "no"),
            (Draft,     Draft,     "no",  "no",       "no"),
        ];
        let word = |result| match result {
            Ok(()) => "yes",
            Err(StepError::ReviewersOnly) => "reviewer",
            Err(StepError::NoSuchStep) => "no",
        };
        for (from, to, without, editor, reviewer) in table {
            let found = [
                word(step(from, to, Review::None, false)),
                word(step(from, to, Review::Required, false)),
                word(step(from, to, Review::Required, true)),
            ];
            assert_eq!(found, [without, editor, reviewer], "{from:?} → {to:?}");
        }
    }

    /// Where a rollback can lead.
    #[test]
    fn states_are_reached_by_the_steps_between_them() {
        use State::{Draft, Published, Refused, Review as InReview};
        let reached = |from, review, reviewer| {
            [Draft, InReview, Published, Refused].map(|to| match reach(from, to, review, reviewer) {
                Ok(()) => "yes",
                Err(StepError::ReviewersOnly) => "reviewer",
                Err(StepError::NoSuchStep) => "no",
            })
        };
        assert_eq!(reached(Draft, Review::Required, false), ["yes", "yes", "reviewer", "reviewer"]);
        assert_eq!(reached(Refused, Review::Required, false), ["yes", "yes", "reviewer", "yes"]);
        assert_eq!(reached(Published, Review::Required, false), ["reviewer", "reviewer", "yes", "reviewer"]);
        assert_eq!(reached(Draft, Review::Required, true), ["yes"; 4]);
        assert_eq!(reached(Published, Review::None, false), ["yes", "no", "yes", "no"]);
        assert_eq!(reached(Refused, Review::None, false), ["yes", "no", "yes", "yes"]);
    }
}
