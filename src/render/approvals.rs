//! Who approved which request, for a terminal, a pull request, GitHub's annotations and a commit status.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::human::{BOLD, GREEN, RED, paint};
use super::markdown::cell;
use super::words::annotation;
use crate::approvals::{Approval, Judgement, Kind, Reason};
use crate::risk::Risk;
use crate::size::Size;
use crate::visible::visible;

/// For a terminal.
#[must_use]
pub fn approvals(judged: &[Judgement], color: bool) -> String {
    let mut text = String::new();
    for judgement in judged {
        let _ = writeln!(text, "{}: tier {}", subject(judgement), tier(judgement));
        for place in &judgement.at {
            let _ = writeln!(text, "  {}", visible(place));
        }
        for (team, approval) in &judgement.approvals {
            let line = match &approval.by {
                Some(by) => format!("{} {team}: {}", paint(color, GREEN, "+"), visible(by)),
                None => format!("{} {team}: has not approved", paint(color, RED, "!")),
            };
            let _ = writeln!(text, "  {line}");
            for ignored in ignored(approval) {
                let _ = writeln!(text, "    does not count: {}", visible(ignored));
            }
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
        for (team, approval) in &judgement.approvals {
            let by = approval.by.clone().unwrap_or_else(|| {
                let ignored =
                    ignored(approval).iter().map(|one| format!("; does not count: {one}"));
                format!("missing{}", ignored.collect::<String>())
            });
            let cells = [&subject(judgement), &tier(judgement), team, &by].map(|text| cell(text));
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
    }
    text
}

/// One annotation for each request that is not approved.
#[must_use]
pub fn approvals_annotations(judged: &[Judgement]) -> String {
    let pending = judged.iter().filter(|judgement| !judgement.is_approved());
    let line = |judgement: &Judgement| {
        let missing: Vec<_> = judgement.missing().collect();
        let message = format!("{} lacks {}", subject(judgement), missing.join(", "));
        annotation("error", "Approval is missing", &message)
    };
    pending.map(line).collect()
}

/// The context of the commit status, by which branch protection asks for it.
const STATUS_CONTEXT: &str = "rds-approvals";

/// GitHub takes no longer descriptions.
const DESCRIPTION_LIMIT: usize = 140;

/// The commit status, as GitHub's API takes it.
#[must_use]
pub fn approvals_status(judged: &[Judgement]) -> Json {
    let missing: std::collections::BTreeSet<_> =
        judged.iter().flat_map(Judgement::missing).collect();
    let mut description = summary(judged);
    if !missing.is_empty() {
        let teams = missing.iter().copied().collect::<Vec<_>>().join(", ");
        description = format!("{} Missing: {teams}", description);
    }
    if description.chars().count() > DESCRIPTION_LIMIT {
        description = description.chars().take(DESCRIPTION_LIMIT - 1).chain(['…']).collect();
    }
    let state = if missing.is_empty() { "success" } else { "pending" };
    json!({ "state": state, "context": STATUS_CONTEXT, "description": description })
}

/// Once a team has approved, what else looks like its approval is of no interest.
fn ignored(approval: &Approval) -> &[String] {
    match approval.by {
        Some(_) => &[],
        None => &approval.not_counted,
    }
}

/// `inventory_service in test (new, size large, risk medium)`, or for a role that only uses a database
/// `bi: reader on keycloak (owner platform-team) in dev (new, size small, risk access)`
fn subject(judgement: &Judgement) -> String {
    let Judgement { key, database, environment, .. } = judgement;
    let size = judgement.size.map_or("not said", Size::as_str);
    let risk = judgement.risk.map_or("not said", Risk::as_str);
    let kind = kind(&judgement.kind);
    let facts = format!("in {environment} ({kind}, size {size}, risk {risk})");
    match judgement.access {
        None => format!("{database} {facts}"),
        Some(level) => {
            let owner = judgement.owner.as_ref().map_or("not said", |owner| owner.as_str());
            format!("{key}: {level} on {database} (owner {owner}) {facts}")
        }
    }
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Added { with } if with.is_empty() => "new".to_owned(),
        Kind::Added { with } => format!("new with {}", with.join(", ")),
        Kind::Altered { fields } => format!("changed: {}", fields.join(", ")),
        Kind::Removed => "removed".to_owned(),
    }
}

/// The tier, and why it is not the one of the size.
fn tier(judgement: &Judgement) -> String {
    let tier = &judgement.tier;
    match judgement.reason {
        None => tier.clone(),
        Some(Reason::NoRecord) => format!("{tier}, since the catalog does not have the database"),
        Some(Reason::NoSize) => format!("{tier}, since the catalog does not say its size"),
        Some(Reason::SizeBefore(size)) => format!("{tier}, since it was {size} before"),
    }
}

fn summary(judged: &[Judgement]) -> String {
    let pending = judged.iter().filter(|judgement| !judgement.is_approved()).count();
    match (judged.len(), pending) {
        (0, _) => "No database is requested in this change.".to_owned(),
        (1, 0) => "The request is approved.".to_owned(),
        (all, 0) => format!("All {all} requests are approved."),
        (1, _) => "The request is not approved yet.".to_owned(),
        (all, pending) => format!("{pending} of {all} requests are not approved yet."),
    }
}
