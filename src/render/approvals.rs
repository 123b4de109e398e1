//! Who approved which request, for a terminal, a pull request and GitHub's annotations.

use std::fmt::Write as _;

use super::human::{BOLD, GREEN, RED, paint};
use super::markdown::cell;
use super::words::annotation;
use crate::approvals::{Judgement, Kind};
use crate::risk::Risk;
use crate::size::Size;
use crate::visible::visible;

/// For a terminal.
#[must_use]
pub fn approvals(judged: &[Judgement], color: bool) -> String {
    let mut text = String::new();
    for judgement in judged {
        let _ = writeln!(text, "{}: tier {}", subject(judgement), judgement.tier);
        for (team, by) in &judgement.approvals {
            let line = match by {
                Some(by) => format!("{} {team}: {}", paint(color, GREEN, "+"), visible(by)),
                None => format!("{} {team}: has not approved", paint(color, RED, "!")),
            };
            let _ = writeln!(text, "  {line}");
        }
        text.push('\n');
    }
    let _ = writeln!(text, "{}", paint(color, BOLD, &summary(judged)));
    text
}

/// For a pull request.
#[must_use]
pub fn approvals_markdown(judged: &[Judgement]) -> String {
    let mut text = format!("### goldenpath-rds approvals\n\n**{}**\n", summary(judged));
    if judged.is_empty() {
        return text;
    }
    text.push_str("\n| Request | Tier | Team | Approval |\n|---|---|---|---|\n");
    for judgement in judged {
        for (team, by) in &judgement.approvals {
            let by = by.as_deref().unwrap_or("missing");
            let cells = [&subject(judgement), &judgement.tier, team, by].map(cell);
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
    }
    text
}

/// One annotation for each request that is not approved.
#[must_use]
pub fn approvals_annotations(judged: &[Judgement]) -> String {
    let pending = judged.iter().filter(|judgement| judgement.missing().next().is_some());
    let line = |judgement: &Judgement| {
        let missing: Vec<_> = judgement.missing().collect();
        let message = format!("{} lacks {}", subject(judgement), missing.join(", "));
        annotation("error", "Approval is missing", &message)
    };
    pending.map(line).collect()
}

/// `inventory_service in test (new, size large, risk medium)`
fn subject(judgement: &Judgement) -> String {
    let Judgement { database, environment, .. } = judgement;
    let size = judgement.size.map_or("not said", Size::as_str);
    let risk = judgement.risk.map_or("not said", Risk::as_str);
    let kind = match &judgement.kind {
        Kind::Added => "new".to_owned(),
        Kind::Altered { fields } => format!("changed: {}", fields.join(" ")),
        Kind::Removed => "removed".to_owned(),
    };
    format!("{database} in {environment} ({kind}, size {size}, risk {risk})")
}

fn summary(judged: &[Judgement]) -> String {
    let pending = judged.iter().filter(|judgement| judgement.missing().next().is_some()).count();
    match (judged.len(), pending) {
        (0, _) => "No database is requested in this change.".to_owned(),
        (1, 0) => "The request is approved.".to_owned(),
        (all, 0) => format!("All {all} requests are approved."),
        (1, _) => "The request is not approved yet.".to_owned(),
        (all, pending) => format!("{pending} of {all} requests are not approved yet."),
    }
}
