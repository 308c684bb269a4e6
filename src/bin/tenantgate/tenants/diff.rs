//! The difference between two texts, line by line.

/// The lines that differ, with some around them: `-` before those of the first text only, `+`
/// before those of the second only. Empty if there is no difference.
pub(super) fn diff(old: &[String], new: &[String]) -> Vec<String> {
    let lines = aligned(old, new);
    let is_near = |at: usize| {
        let around = at.saturating_sub(CONTEXT)..at.saturating_add(CONTEXT).saturating_add(1).min(lines.len());
        lines.get(around).is_some_and(|near| near.iter().any(|(mark, _)| *mark != ' '))
    };
    let mut shown = Vec::new();
    let mut has_gap = false;
    for (at, (mark, line)) in lines.iter().enumerate() {
        if !is_near(at) {
            has_gap = true;
            continue;
        }
        if std::mem::take(&mut has_gap) && !shown.is_empty() {
            shown.push("  ...".to_owned());
        }
        shown.push(format!("{mark} {line}"));
    }
    shown
}

/// Every line of both texts, those that both have once: the longest common subsequence.
fn aligned<'t>(old: &'t [String], new: &'t [String]) -> Vec<(char, &'t str)> {
    let same = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (head, old) = old.split_at(same);
    let new = new.get(same..).unwrap_or_default();
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old, tail) = old.split_at(old.len().saturating_sub(tail));
    let new = new.get(..new.len().saturating_sub(tail.len())).unwrap_or_default();
    let mut lines: Vec<(char, &str)> = head.iter().map(|line| (' ', line.as_str())).collect();
    lines.extend(middle(old, new));
    lines.extend(tail.iter().map(|line| (' ', line.as_str())));
    lines
}

fn middle<'t>(old: &'t [String], new: &'t [String]) -> Vec<(char, &'t str)> {
    let removed = |lines: &'t [String]| lines.iter().map(|line| ('-', line.as_str()));
    let added = |lines: &'t [String]| lines.iter().map(|line| ('+', line.as_str()));
    // For texts that have nothing to do with each other it is not worth its time.
    if old.len().saturating_mul(new.len()) > MOST_CELLS {
        return removed(old).chain(added(new)).collect();
    }
    // The length of the longest common subsequence of what follows each pair of lines. The rows are
    // those of the old text, from the last to the first.
    let mut lengths = vec![vec![0_u32; new.len().saturating_add(1)]];
    for line in old.iter().rev() {
        let (mut row, mut right) = (vec![0], 0);
        let below = lengths.last().map(Vec::as_slice).unwrap_or_default();
        for (pair, other) in below.windows(2).zip(new).rev() {
            let [down, diagonal] = pair else { continue };
            right = if line == other { diagonal.saturating_add(1) } else { right.max(*down) };
            row.push(right);
        }
        row.reverse();
        lengths.push(row);
    }
    lengths.reverse();
    let length = |i: usize, j: usize| lengths.get(i).and_then(|row| row.get(j)).copied().unwrap_or_default();
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while let (Some(left), Some(right)) = (old.get(i), new.get(j)) {
        let (next_i, next_j) = (i.saturating_add(1), j.saturating_add(1));
        if left == right {
            lines.push((' ', left.as_str()));
            (i, j) = (next_i, next_j);
        } else if length(next_i, j) >= length(i, next_j) {
            lines.push(('-', left.as_str()));
            i = next_i;
        } else {
            lines.push(('+', right.as_str()));
            j = next_j;
        }
    }
    lines.extend(removed(old.get(i..).unwrap_or_default()));
    lines.extend(added(new.get(j..).unwrap_or_default()));
    lines
}

/// The lines around a difference that are shown.
const CONTEXT: usize = 2;
const MOST_CELLS: usize = 4_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(old: &str, new: &str) -> String {
        let lines = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        diff(&lines(old), &lines(new)).join("|")
    }

    #[test]
    fn lines_that_differ_are_shown_with_those_around() {
        assert_eq!(of("a b c", "a b c"), "");
        assert_eq!(of("a b c", "a x c"), "  a|- b|+ x|  c");
        assert_eq!(of("", "a b"), "+ a|+ b");
        assert_eq!(of("a b", ""), "- a|- b");
        assert_eq!(of("a b c d e f g h i", "x b c d e f g h y"), "- a|+ x|  b|  c|  ...|  g|  h|- i|+ y");
        assert_eq!(of("a b c d", "b c x d"), "- a|  b|  c|+ x|  d");
        assert_eq!(of("a b c", "c a b"), "+ c|  a|  b|- c");
    }
}
