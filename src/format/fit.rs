//! Rows made to fit a terminal's width: long cells are cut, values are wrapped, and what has too many columns becomes
//! a block of lines a row. Pure; knows nothing of what is in the cells but how a time is written.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Between two columns.
pub const GAP: usize = 2;
/// Less is not worth a column.
const LEAST: usize = 8;
/// A column of no more is not cut before others are; one that is keeps as many.
const READABLE: usize = 16;
/// Less is no room for values to be wrapped in.
const ROOM: usize = 20;

type Rows = Vec<Vec<String>>;

fn widths<'a>(rows: impl Iterator<Item = &'a Vec<String>>) -> Vec<usize> {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    widths
}

/// What the columns take, with their gaps.
fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

/// The width that the widest of `widths` may have so that all take `room` at most.
fn cap(widths: &[usize], room: usize) -> usize {
    (0..=room).rev().find(|cap| widths.iter().map(|width| width.min(cap)).sum::<usize>() <= room).unwrap_or(0)
}

/// Rows under a header, its first column never cut: in columns, or, where those would be too narrow, none. Before they
/// are hard to read, the columns that are `spare` go, the first of those first.
pub fn columns(header: &[String], rows: &[Vec<String>], spare: &[&str], room: usize) -> Option<Rows> {
    let mut rows: Rows = std::iter::once(header.to_vec()).chain(rows.iter().cloned()).collect();
    if total(&widths(rows.iter())) <= room {
        return Some(rows);
    }
    for cell in rows.iter_mut().flatten() {
        if let Some(short) = short_time(cell) {
            *cell = short;
        }
    }
    let left_out = |gone: usize| without(header, &rows, spare.get(..gone).unwrap_or_default());
    if let Some(rows) = (0..=spare.len()).find_map(|gone| readable(left_out(gone), room)) {
        return Some(rows);
    }
    let all = widths(rows.iter());
    let (first, rest) = all.split_first()?;
    let room = room.checked_sub(first + GAP * rest.len())?;
    let cap = cap(rest, room);
    // A heading is never cut: without it a column says nothing.
    if cap < LEAST || header.iter().skip(1).any(|name| name.width() > cap) {
        return None;
    }
    for row in &mut rows {
        row.iter_mut().skip(1).for_each(|cell| *cell = cut(cell, cap));
    }
    Some(rows)
}

/// Rows under a header with nothing cut, the last column wrapped; none where it has no room for that.
pub fn last_wrapped(header: &[String], rows: &[Vec<String>], room: usize) -> Option<Rows> {
    let rows: Rows = std::iter::once(header.to_vec()).chain(rows.iter().cloned()).collect();
    let all = widths(rows.iter());
    let (last, others) = all.split_last()?;
    let left = room.saturating_sub(total(others) + GAP);
    if *last > left && left < ROOM {
        return None;
    }
    let lines = |row: &Vec<String>| -> Rows {
        let Some((last, others)) = row.split_last() else { return Vec::new() };
        let cells =
            |line: usize| others.iter().map(move |cell| if line == 0 { cell.clone() } else { String::new() });
        wrap(last, left)
            .into_iter()
            .enumerate()
            .map(|(line, text)| cells(line).chain([text]).collect())
            .collect()
    };
    Some(rows.iter().flat_map(lines).collect())
}

/// The rows without the columns that are called so.
fn without(header: &[String], rows: &Rows, gone: &[&str]) -> Rows {
    let stays: Vec<bool> = header.iter().map(|name| !gone.contains(&name.as_str())).collect();
    let kept = |row: &Vec<String>| {
        let cells = row.iter().zip(&stays).filter(|(_, stays)| **stays);
        cells.map(|(cell, _)| cell.clone()).collect()
    };
    rows.iter().map(kept).collect()
}

/// The rows with no column cut but wide ones, and these no more than can be read.
fn readable(mut rows: Rows, room: usize) -> Option<Rows> {
    let all = widths(rows.iter());
    let (first, rest) = all.split_first()?;
    let (wide, narrow): (Vec<usize>, Vec<usize>) = rest.iter().partition(|width| **width > READABLE);
    let room = room.checked_sub(first + GAP * rest.len() + narrow.iter().sum::<usize>())?;
    if !wide.is_empty() {
        let cap = cap(&wide, room);
        if cap < READABLE {
            return None;
        }
        for row in &mut rows {
            let cells = row.iter_mut().zip(&all).skip(1).filter(|(_, width)| **width > READABLE);
            cells.for_each(|(cell, _)| *cell = cut(cell, cap));
        }
    }
    Some(rows)
}

/// Each row as names and values, an empty line between two rows.
pub fn records(header: &[String], rows: &[Vec<String>], room: usize) -> Rows {
    let mut lines = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            lines.push(Vec::new());
        }
        let pairs: Rows =
            header.iter().zip(row).map(|(name, cell)| vec![name.clone(), cell.clone()]).collect();
        lines.extend(wrapped(&pairs, room));
    }
    lines
}

/// Names with values, the values wrapped; under their names where those leave no room.
pub fn wrapped(rows: &[Vec<String>], room: usize) -> Rows {
    let all = widths(rows.iter());
    let Some((first, rest)) = all.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        return rows.to_vec();
    };
    if total(&all) <= room {
        return rows.to_vec();
    }
    let left = room.saturating_sub(first + GAP * rest.len());
    if left < ROOM * rest.len() {
        return rows.iter().flat_map(|row| stacked(row, room)).collect();
    }
    let cap = cap(rest, left);
    rows.iter().flat_map(|row| beside(row, cap)).collect()
}

/// A row as lines: each cell but the first wrapped in its column.
fn beside(row: &[String], cap: usize) -> Rows {
    let Some((name, cells)) = row.split_first() else { return Vec::new() };
    let cells: Vec<Vec<String>> = cells.iter().map(|cell| wrap(cell, cap)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(1).max(1);
    (0..height)
        .map(|line| {
            let name = if line == 0 { name.clone() } else { String::new() };
            let cells = cells.iter().map(|cell| cell.get(line).cloned().unwrap_or_default());
            std::iter::once(name).chain(cells).collect()
        })
        .collect()
}

/// A row as lines: the name, and its values under it.
fn stacked(row: &[String], room: usize) -> Rows {
    let Some((name, cells)) = row.split_first() else { return Vec::new() };
    let values = cells.iter().flat_map(|cell| wrap(cell, room.saturating_sub(GAP)));
    std::iter::once(vec![name.clone()])
        .chain(values.map(|line| vec![format!("{}{line}", " ".repeat(GAP))]))
        .collect()
}

/// `text` in lines of `room` columns, broken between words; a longer word is broken where it must be.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let room = room.max(1);
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if !line.is_empty() && line.width() + 1 + word.width() <= room {
            line.push(' ');
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(String::new());
        }
        for c in word.chars() {
            let width = c.width().unwrap_or(0);
            if lines.last().is_some_and(|line| line.width() + width > room) {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                line.push(c);
            }
        }
    }
    lines
}

/// `text` in `room` columns with `…` for what is left out: the end of a sentence, the middle of a name, whose end
/// tells more, the beginning of a location, which is the same for most.
fn cut(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let keep = room.saturating_sub(1);
    let is_location = text.contains("://");
    // Its query is the least of it.
    let text = text.split_once('?').filter(|_| is_location).map_or(text, |(path, _)| path);
    if text.width() <= keep {
        return format!("{text}…");
    }
    let tail = match text.contains(' ') {
        true => 0,
        false if is_location => keep,
        false => keep * 2 / 3,
    };
    let head: String = taken(text.chars(), keep - tail).into_iter().collect();
    let tail: String = taken(text.chars().rev(), tail).into_iter().rev().collect();
    format!("{head}…{tail}")
}

/// The first of `characters` that fit into `room`.
fn taken(characters: impl Iterator<Item = char>, room: usize) -> Vec<char> {
    let mut left = room;
    characters
        .take_while(|c| {
            c.width().unwrap_or(0) <= left && {
                left -= c.width().unwrap_or(0);
                true
            }
        })
        .collect()
}

/// `2026-11-22T12:00:00Z` as `11-22 12:00`.
fn short_time(cell: &str) -> Option<String> {
    let is_time = cell.len() == 20 && cell.ends_with('Z') && cell.parse::<jiff::Timestamp>().is_ok();
    let (day, time) = cell.split_once('T').filter(|_| is_time)?;
    Some(format!("{} {}", day.get(5..)?, time.get(..5)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    fn widest(rows: &[Vec<String>]) -> usize {
        total(&widths(rows.iter()))
    }

    const REVISION: &str = "s3://releases/shop/site-1.2.3-bf2a91c.zip";

    fn deployments() -> (Vec<String>, Rows) {
        let header = row(&["DEPLOYMENT", "STATUS", "DURATION", "CREATED", "REVISION"]);
        let rows = vec![
            row(&["d-14VFCFA5D", "Succeeded", "24s", "2026-11-22T12:00:00Z", REVISION]),
            row(&["d-24VFCFA5D", "Failed", "1m05s", "2026-11-22T11:00:00Z", "github:me/site@0123456"]),
        ];
        (header, rows)
    }

    #[test]
    fn columns_are_cut_only_where_they_must_be() {
        let (header, rows) = deployments();
        let natural: Rows = std::iter::once(header.clone()).chain(rows.clone()).collect();
        assert_eq!(columns(&header, &rows, &[], 200), Some(natural));
        let fitted = columns(&header, &rows, &["DURATION"], 80).unwrap();
        assert_eq!(
            fitted[1],
            row(&["d-14VFCFA5D", "Succeeded", "24s", "11-22 12:00", "…"])
                .into_iter()
                .take(4)
                .chain([cut(REVISION, 80 - 11 - 9 - 8 - 11 - 8)])
                .collect::<Vec<_>>()
        );
        for room in 50..200 {
            if let Some(fitted) = columns(&header, &rows, &["DURATION"], room) {
                assert!(widest(&fitted) <= room, "{room}: {fitted:?}");
                assert_eq!(fitted[1][0], "d-14VFCFA5D");
            }
        }
        assert_eq!(columns(&header, &rows, &[], 40), None);
    }

    #[test]
    fn a_column_that_is_spare_goes_before_others_are_cut_short() {
        let (header, rows) = deployments();
        let room = 11 + 9 + 11 + READABLE + 3 * GAP;
        let fitted = columns(&header, &rows, &["DURATION"], room).unwrap();
        assert_eq!(fitted[0], row(&["DEPLOYMENT", "STATUS", "CREATED", "REVISION"]));
        assert_eq!(fitted[1], row(&["d-14VFCFA5D", "Succeeded", "11-22 12:00", "…2.3-bf2a91c.zip"]));
        assert_eq!(columns(&header, &rows, &["DURATION"], room + 10).unwrap()[0].len(), 5);
    }

    #[test]
    fn a_narrow_terminal_gets_a_block_a_row() {
        let (header, rows) = deployments();
        let blocks = records(&header, &rows, 40);
        assert_eq!(blocks[0], row(&["DEPLOYMENT", "d-14VFCFA5D"]));
        assert_eq!(blocks[4], row(&["REVISION", "s3://releases/shop/site-1.2."]));
        assert_eq!(blocks[5], row(&["", "3-bf2a91c.zip"]));
        assert_eq!(blocks[6], Vec::<String>::new());
        assert!(widest(&blocks) <= 40);
    }

    #[test]
    fn a_last_column_that_is_kept_is_wrapped_or_makes_a_block_a_row() {
        let header = row(&["EVENT", "STEP", "WHAT"]);
        let rows = vec![row(&["Install", "copy", "files/index.html -> /srv/www/index.html"])];
        let natural: Rows = std::iter::once(header.clone()).chain(rows.clone()).collect();
        assert_eq!(last_wrapped(&header, &rows, 80), Some(natural));
        assert_eq!(
            last_wrapped(&header, &rows, 38),
            Some(vec![
                header.clone(),
                row(&["Install", "copy", "files/index.html ->"]),
                row(&["", "", "/srv/www/index.html"])
            ])
        );
        assert_eq!(last_wrapped(&header, &rows, 30), None);
    }

    #[test]
    fn values_are_wrapped_between_words() {
        let rows =
            [row(&["Status", "Failed"]), row(&["Error", "too many instances failed at once, see there"])];
        assert_eq!(wrapped(&rows, 100), rows);
        assert_eq!(
            wrapped(&rows, 34),
            [
                row(&["Status", "Failed"]),
                row(&["Error", "too many instances failed"]),
                row(&["", "at once, see there"])
            ]
        );
        assert_eq!(
            wrapped(&rows, 24),
            [
                row(&["Status"]),
                row(&["  Failed"]),
                row(&["Error"]),
                row(&["  too many instances"]),
                row(&["  failed at once, see"]),
                row(&["  there"])
            ]
        );
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(cut("日本語のテキスト", 9), "日…スト");
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        assert_eq!(cut("a sentence of words", 8), "a sente…");
        assert_eq!(cut("short", 8), "short");
        assert_eq!(cut("s3://b/site-1.zip?versionId=ZNgpSN6DHgE4oU5r", 20), "s3://b/site-1.zip…");
        assert_eq!(cut("s3://b/site-1.zip?versionId=ZNgpSN6DHgE4oU5r", 12), "…/site-1.zip");
        for room in 1..20 {
            assert!(cut(REVISION, room).width() <= room);
            assert!(wrap(REVISION, room).iter().all(|line| line.width() <= room));
        }
    }
}
