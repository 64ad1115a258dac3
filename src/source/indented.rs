//! Texts whose first key is indented and the keys below it are not: a blank too many, and yet two documents to YAML.

use super::{Content, Document, Position, Span, lines, parse};

/// Such a text as it was meant.
pub struct Indented {
    /// The text with its first lines in the column of the others.
    pub text: Vec<u8>,
    /// Where the first key stands.
    pub start: Position,
    /// The first line that stands where it stood.
    end: usize,
}

impl Indented {
    /// None where the text is no such one, or is not read as it was meant either.
    pub fn of(text: &[u8], document: &Document) -> Option<Self> {
        let (root, rest) = (document.root.as_ref()?, document.rest?);
        let (start, is_map) = (root.span.start, matches!(root.content, Content::Map(_)));
        let by = start.column.saturating_sub(1);
        if by == 0 || !is_map || document.byte_order_mark || rest.column > by {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?;
        let (mut meant, mut done) = (String::with_capacity(text.len()), 0);
        let lines = lines(text);
        let is_flow = lines.get(start.line.checked_sub(1)?)?.1.trim_start().starts_with('{');
        if is_flow || lines.get(rest.line.checked_sub(1)?)?.1.starts_with("---") {
            return None;
        }
        let first = lines.iter().take(rest.line - 1).skip(start.line.checked_sub(1)?);
        for (at, line) in first {
            let blanks = line.len() - line.trim_start_matches(' ').len();
            if blanks < by && !matches!(line.trim_start().bytes().next(), None | Some(b'#')) {
                return None;
            }
            meant.push_str(text.get(done..*at)?);
            done = at + blanks.min(by);
        }
        meant.push_str(text.get(done..)?);
        let text = meant.into_bytes();
        parse(&text).ok()?;
        Some(Indented { text, start, end: rest.line })
    }

    /// A span of the text that was meant, in the text as it is.
    pub fn span(&self, span: Span) -> Span {
        let there = |at: Position| match at.line {
            line if (self.start.line..self.end).contains(&line) => {
                Position { column: at.column + self.start.column - 1, ..at }
            }
            _ => at,
        };
        Span { start: there(span.start), end: there(span.end) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_lines_are_moved_to_the_others() {
        let of = |text: &str| Indented::of(text.as_bytes(), &parse(text.as_bytes()).unwrap());
        let text = "# a\n  x: 1\n\n # b\n  y:\n    - 2\nz: 3\n";
        let meant = of(text).unwrap();
        assert_eq!(String::from_utf8_lossy(&meant.text), "# a\nx: 1\n\n# b\ny:\n  - 2\nz: 3\n");
        let at = |line, column| Span::at(Position { line, column });
        assert_eq!(meant.span(at(6, 5)), at(6, 7));
        assert_eq!(meant.span(at(7, 1)), at(7, 1));
        for other in
            ["x: 1\ny: 2\n", " x: 1\n y: 2\n", " x: 1\n---\ny: 2\n", " x: 1\n...\ny: 2\n", "{x: 1}\ny: 2\n"]
        {
            assert!(of(other).is_none(), "{other}");
        }
    }
}
