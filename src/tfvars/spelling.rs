//! The nearest known name.

/// The known name that is few edits away from a misspelt one.
pub(super) fn nearest<'a>(misspelt: &str, known: &[&'a str]) -> Option<&'a str> {
    let distances = known.iter().map(|name| (distance(misspelt, name), *name));
    let (edits, name) = distances.min()?;
    (edits <= 1 + name.chars().count() / 4).then_some(name)
}

/// Edit distance: insertions, deletions, substitutions and swaps of neighbours count one each.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(64).collect();
    let b: Vec<char> = b.chars().take(64).collect();
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 { i + j } else { step(&rows, &a, &b, i, j) };
        }
    }
    rows[a.len()][b.len()]
}

fn step(rows: &[Vec<usize>], a: &[char], b: &[char], i: usize, j: usize) -> usize {
    let changed = usize::from(a[i - 1] != b[j - 1]);
    let plain = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + changed);
    let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
    if swapped { plain.min(rows[i - 2][j - 2] + 1) } else { plain }
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn counts_edits() {
        for (a, b, edits) in [
            ("", "", 0),
            ("", "abc", 3),
            ("acess_level", "access_level", 1),
            ("access_levle", "access_level", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), edits, "{a} {b}");
            assert_eq!(distance(b, a), edits, "{b} {a}");
        }
    }

    #[test]
    fn suggests_only_what_is_near() {
        let known = ["database_name", "username", "access_level"];
        assert_eq!(nearest("acess_level", &known), Some("access_level"));
        assert_eq!(nearest("user_name", &known), Some("username"));
        assert_eq!(nearest("colour", &known), None);
    }
}
