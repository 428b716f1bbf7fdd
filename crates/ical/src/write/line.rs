//! Content lines (RFC 5545 3.1) and texts (3.3.11).

/// The most bytes of a line, its break not counted.
const MOST: usize = 75;

/// Appends a content line, folded by bytes but never inside a character. What would break the line (control characters)
/// is left out.
pub(super) fn push(out: &mut String, line: &str) {
    let mut used = 0;
    for c in line.chars().filter(|c| !c.is_control() || *c == '\t') {
        if used + c.len_utf8() > MOST {
            out.push_str("\r\n ");
            used = 1;
        }
        out.push(c);
        used += c.len_utf8();
    }
    out.push_str("\r\n");
}

/// A text with its escapes.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' | ',' | ';' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() && c != '\t' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_by_bytes_and_never_inside_a_character() {
        for text in ["Zürich ".repeat(40), "€".repeat(100), "👩‍👩‍👧".repeat(50), "x".repeat(75), "x".repeat(76)]
        {
            let mut out = String::new();
            push(&mut out, &format!("SUMMARY:{text}"));
            assert!(out.ends_with("\r\n"));
            let physical: Vec<&str> = out.trim_end_matches("\r\n").split("\r\n").collect();
            assert!(physical.iter().all(|line| line.len() <= MOST), "{physical:?}");
            assert!(physical.iter().skip(1).all(|line| line.starts_with(' ')));
            assert_eq!(out.replace("\r\n ", ""), format!("SUMMARY:{text}\r\n"));
        }
    }

    #[test]
    fn nothing_in_a_text_ends_its_line() {
        assert_eq!(escaped("a, b; c\\d\r\ne\u{0}\u{85}f\tg"), "a\\, b\\; c\\\\d\\nef\tg");
        let mut out = String::new();
        push(&mut out, "X-A:b\r\nEND:VCALENDAR");
        assert_eq!(out, "X-A:bEND:VCALENDAR\r\n");
    }
}
