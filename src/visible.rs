//! Text of others, on a terminal and in a workflow's log.

/// A text in which nothing moves a terminal's cursor, or begins a line that GitHub would take for a command: a
/// tenant writes its database's comment, and a role's or table's name can hold anything.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) { safe.extend(c.escape_default()) } else { safe.push(c) }
    }
    safe
}

/// Control characters, and those that end a line or turn the direction of what follows.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
