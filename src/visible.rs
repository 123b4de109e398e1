//! Text of others, on a terminal and in a workflow's log.

/// A text in which nothing moves a terminal's cursor, or begins a line that GitHub would take for a command: a
/// tenant writes its database's comment, and a role's or table's name can hold anything.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { safe.extend(c.escape_default()) } else { safe.push(c) }
    }
    safe
}
