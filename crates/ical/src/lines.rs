//! Bytes to content lines (RFC 5545 3.1): unfolded, numbered, as text.
//!
//! Lines are joined as bytes and only then read as UTF-8, because many programs fold in the middle of a
//! character. CR LF, bare LF and bare CR all end a line, also mixed in one file.

use std::borrow::Cow;

use crate::problem::{Code, Problems, ReadError};
use crate::{MAX_BYTES, MAX_LINE_BYTES, MAX_LINES};

/// One unfolded line: `NAME;PARAMETERS:VALUE`.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Where it begins in the file, from 1.
    pub number: usize,
    text: String,
    name_end: usize,
    value_start: usize,
}

impl Line {
    fn parse(number: usize, text: String) -> Option<Line> {
        let name_end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))?;
        let mut quoted = false;
        let colon = text.bytes().enumerate().skip(name_end).find_map(|(at, byte)| {
            quoted ^= byte == b'"';
            (byte == b':' && !quoted).then_some(at)
        });
        // A quote that is never closed would swallow the value.
        let colon =
            colon.or_else(|| text.bytes().skip(name_end).position(|byte| byte == b':').map(|at| at + name_end))?;
        let separator = text.as_bytes().get(name_end)?;
        (name_end > 0 && matches!(separator, b':' | b';')).then_some(Line {
            number,
            text,
            name_end,
            value_start: colon + 1,
        })
    }

    /// The name as written; compare without regard to case.
    pub fn name(&self) -> &str {
        self.text.get(..self.name_end).unwrap_or_default()
    }

    pub fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }

    /// `;TZID=Europe/Zurich;X-A=b`, with its first semicolon, or nothing.
    pub fn parameters(&self) -> &str {
        self.text.get(self.name_end..self.value_start.saturating_sub(1)).unwrap_or_default()
    }

    /// The value as written.
    pub fn value(&self) -> &str {
        self.text.get(self.value_start..).unwrap_or_default()
    }

    /// The whole line as written, unfolded.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The value of a parameter, without its quotes.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut rest = self.parameters();
        while let Some(after) = rest.strip_prefix(';') {
            let mut quoted = false;
            let end = after
                .bytes()
                .position(|byte| {
                    quoted ^= byte == b'"';
                    byte == b';' && !quoted
                })
                .unwrap_or(after.len());
            let (one, tail) = after.split_at(end);
            rest = tail;
            if let Some((key, value)) = one.split_once('=')
                && key.trim().eq_ignore_ascii_case(name)
            {
                let value = value.trim();
                return Some(value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value));
            }
        }
        None
    }
}

/// All content lines of a file. Lines that are none are reported and left out.
pub(crate) fn content_lines(bytes: &[u8], problems: &mut Problems) -> Result<Vec<Line>, ReadError> {
    if bytes.len() > MAX_BYTES {
        return Err(ReadError::TooLarge { bytes: bytes.len() });
    }
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(ReadError::Utf16);
    }
    let mut rest = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut lines = Vec::new();
    let mut current: Option<(usize, Cow<'_, [u8]>)> = None;
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
        let (physical, tail) = rest.split_at(end);
        rest = tail.strip_prefix(b"\r\n").or_else(|| tail.get(1..)).unwrap_or_default();
        // An empty line ends nothing: some programs write CR CR LF, and the fold follows after it.
        if physical.is_empty() {
            continue;
        }
        match (&mut current, physical) {
            (Some((started, line)), [b' ' | b'\t', more @ ..]) => {
                if line.len() + more.len() > MAX_LINE_BYTES {
                    return Err(ReadError::LineTooLong { line: *started });
                }
                line.to_mut().extend_from_slice(more);
            }
            _ => {
                if physical.len() > MAX_LINE_BYTES {
                    return Err(ReadError::LineTooLong { line: number });
                }
                if let Some((started, line)) = current.replace((number, Cow::Borrowed(physical))) {
                    finish(started, &line, &mut lines, problems)?;
                }
            }
        }
    }
    if let Some((started, line)) = current {
        finish(started, &line, &mut lines, problems)?;
    }
    Ok(lines)
}

fn finish(number: usize, bytes: &[u8], lines: &mut Vec<Line>, problems: &mut Problems) -> Result<(), ReadError> {
    // A file that was joined from several with BOM has it in the middle too.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut text = match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            problems.add(number, Code::Encoding, "This line is not UTF-8; it was read as Windows-1252.");
            bytes.iter().map(|&byte| windows_1252(byte)).collect()
        }
    };
    // RFC 5545 3.1 forbids them, and databases refuse NUL.
    if text.chars().any(|c| c.is_control() && c != '\t') {
        problems.add(number, Code::ControlCharacter, "Control characters were left out of this line.");
        text.retain(|c| !c.is_control() || c == '\t');
    }
    if text.trim().is_empty() {
        return Ok(());
    }
    if lines.len() == MAX_LINES {
        return Err(ReadError::TooManyLines { line: number });
    }
    let trimmed = text.trim_start();
    let text = if trimmed.len() == text.len() { text } else { trimmed.to_owned() };
    match Line::parse(number, text) {
        Some(line) => lines.push(line),
        None => problems.add(number, Code::NotAProperty, "This line is no property (\"NAME:value\") and was left out."),
    }
    Ok(())
}

fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    byte.checked_sub(0x80).and_then(|at| HIGH.get(usize::from(at))).copied().unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (Vec<(usize, String)>, usize) {
        let mut problems = Problems::default();
        let lines = content_lines(bytes, &mut problems).expect("readable");
        (lines.into_iter().map(|line| (line.number, line.text)).collect(), problems.list.len())
    }

    #[test]
    fn lines_end_at_cr_lf_at_lf_and_at_cr_and_keep_their_number() {
        let (lines, problems) = read(b"\xEF\xBB\xBFA:1\r\nB:2\nC:3\rD:4\r\n\r\nE:5");
        assert_eq!(problems, 0);
        let lines: Vec<_> = lines.iter().map(|(number, text)| (*number, text.as_str())).collect();
        assert_eq!(lines, [(1, "A:1"), (2, "B:2"), (3, "C:3"), (4, "D:4"), (6, "E:5")]);
    }

    #[test]
    fn a_fold_may_cut_a_character_and_may_follow_an_empty_line() {
        let (lines, problems) = read(b"SUMMARY:Z\xC3\r\n \xBCrich\r\r\n\t am See\r\nX:1\r\n");
        assert_eq!(problems, 0);
        assert_eq!(lines[0], (1, "SUMMARY:Zürich am See".to_owned()));
        assert_eq!(lines[1].0, 5);
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_read_as_windows_1252_and_reported() {
        let (lines, problems) = read(b"SUMMARY:Z\xFCrich \x80 5\n");
        assert_eq!((lines[0].1.as_str(), problems), ("SUMMARY:Zürich € 5", 1));
    }

    #[test]
    fn parameters_may_be_quoted() {
        let line = Line::parse(1, "DTSTART;X=1;TZID=\"(UTC+01:00) A; B\":2020".to_owned()).expect("a property");
        assert_eq!((line.name(), line.parameter("tzid"), line.value()), ("DTSTART", Some("(UTC+01:00) A; B"), "2020"));
        assert_eq!(line.parameter("x"), Some("1"));
        assert!(Line::parse(1, "no property at all".to_owned()).is_none());
        assert_eq!(Line::parse(1, "A;B=\"open:value".to_owned()).expect("a property").value(), "value");
    }
}
