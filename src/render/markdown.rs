//! For a comment on a pull request.

use std::fmt::Write as _;

use super::{notes, words};
use crate::plan::Plan;

/// The plan.
#[must_use]
pub fn markdown(plan: &Plan) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "### goldenpath-rds plan: `{}`\n", plan.environment);
    let _ = writeln!(text, "Server `{}`. **{}**", plan.endpoint, words::summary(plan));
    if !plan.steps.is_empty() {
        text.push_str("\n| | Entry | Change | Why |\n|---|---|---|---|\n");
    }
    for entry in words::entries_with_steps(plan) {
        for step in plan.steps.iter().filter(|step| step.entry.as_ref() == entry) {
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} |",
                words::kind(&step.change).symbol(),
                cell(words::entry_name(entry)),
                cell(&words::what(&step.change)),
                cell(&step.reason)
            );
        }
    }
    if !plan.obstacles.is_empty() {
        text.push_str("\n#### Obstacles\n\n");
    }
    for obstacle in &plan.obstacles {
        let name = words::entry_name(obstacle.entry.as_ref());
        let (message, hint) = (escaped(&obstacle.message), escaped(&obstacle.hint));
        let _ = writeln!(text, "- **{}**: {message}<br>hint: {hint}", escaped(name));
    }
    let others: Vec<String> = plan
        .unclaimed
        .iter()
        .map(notes::unclaimed)
        .chain(plan.notes.iter().map(notes::note))
        .collect();
    if !others.is_empty() {
        text.push_str("\n#### Notes\n\n");
    }
    for line in others {
        let _ = writeln!(text, "- {}", escaped(&line));
    }
    text
}

pub(super) fn cell(text: &str) -> String {
    escaped(text).replace('|', "\\|")
}

/// Names on a server can hold anything: none may become markup, a mention or a line of its own.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '@' => safe.push_str("&#64;"),
            '*' | '_' | '[' | ']' | '\\' => {
                safe.push('\\');
                safe.push(c);
            }
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}
