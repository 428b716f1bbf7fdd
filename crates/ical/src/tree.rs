//! Content lines to nested components, forgiving about lost and crossed ENDs.

use crate::lines::Line;
use crate::problem::{Code, Problems, ReadError, quote};
use crate::{MAX_COMPONENTS, MAX_DEPTH};

/// A component as it stands in the file.
#[derive(Debug)]
pub(crate) struct Node {
    /// Upper case.
    pub kind: String,
    /// The line of its BEGIN.
    pub line: usize,
    pub lines: Vec<Line>,
    pub children: Vec<Node>,
}

impl Node {
    fn new(kind: String, line: usize) -> Node {
        Node { kind, line, lines: Vec::new(), children: Vec::new() }
    }

    /// Appends the component as content lines.
    pub fn write_to(&self, out: &mut Vec<String>) {
        out.push(format!("BEGIN:{}", self.kind));
        out.extend(self.lines.iter().map(|line| line.text().to_owned()));
        for child in &self.children {
            child.write_to(out);
        }
        out.push(format!("END:{}", self.kind));
    }
}

/// The VCALENDARs of a stream. Events that stand outside any are gathered in one of their own.
pub(crate) fn calendars(lines: Vec<Line>, problems: &mut Problems) -> Result<Vec<Node>, ReadError> {
    let mut stack: Vec<Node> = Vec::new();
    let mut calendars = Vec::new();
    let mut homeless: Option<Node> = None;
    let mut components = 0;
    let mut place = |node: Node, stack: &mut Vec<Node>, problems: &mut Problems| match stack.last_mut() {
        Some(parent) => parent.children.push(node),
        None if node.kind == "VCALENDAR" => calendars.push(node),
        None => {
            if homeless.is_none() {
                problems.add(
                    node.line,
                    Code::OutsideCalendar,
                    format!("{} stands outside any VCALENDAR.", quote(&node.kind)),
                );
            }
            homeless.get_or_insert_with(|| Node::new("VCALENDAR".to_owned(), node.line)).children.push(node);
        }
    };
    for line in lines {
        if line.is("BEGIN") {
            components += 1;
            if components > MAX_COMPONENTS {
                return Err(ReadError::TooManyComponents { line: line.number });
            }
            let kind = line.value().trim().to_ascii_uppercase();
            // A calendar inside another is one whose END was lost: what it has so far is whole.
            if kind == "VCALENDAR" {
                while let Some(open) = stack.pop() {
                    close_lost(open, &mut stack, &mut place, problems);
                }
            }
            if stack.len() == MAX_DEPTH {
                return Err(ReadError::TooDeep { line: line.number });
            }
            stack.push(Node::new(kind, line.number));
        } else if line.is("END") {
            let kind = line.value().trim().to_ascii_uppercase();
            if !stack.iter().any(|open| open.kind == kind) {
                problems.add(
                    line.number,
                    Code::UnexpectedEnd,
                    format!("END:{} ends nothing.", kind.chars().take(60).collect::<String>()),
                );
                continue;
            }
            while let Some(open) = stack.pop() {
                if open.kind == kind {
                    place(open, &mut stack, problems);
                    break;
                }
                close_lost(open, &mut stack, &mut place, problems);
            }
        } else if let Some(open) = stack.last_mut() {
            open.lines.push(line);
        } else {
            problems.add(
                line.number,
                Code::OutsideCalendar,
                "This property stands outside any VCALENDAR and was left out.",
            );
        }
    }
    while let Some(open) = stack.pop() {
        close_lost(open, &mut stack, &mut place, problems);
    }
    calendars.extend(homeless);
    Ok(calendars)
}

/// Half an event is worse than none: it is left out and reported. A calendar is kept for what is whole in it.
fn close_lost(
    open: Node,
    stack: &mut Vec<Node>,
    place: &mut impl FnMut(Node, &mut Vec<Node>, &mut Problems),
    problems: &mut Problems,
) {
    let kind: String = open.kind.chars().take(60).collect();
    if open.kind == "VCALENDAR" {
        problems.add(open.line, Code::Unclosed, "The end of this VCALENDAR is missing; the file may be cut off.");
        place(open, stack, problems);
    } else {
        problems.leave_out(open.line, Code::Unclosed, format!("The end of this {kind} is missing; it was left out."));
    }
}
