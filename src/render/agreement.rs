//! Whether all sides agree about databases, for a terminal, a pull request and GitHub's annotations.

use std::fmt::Write as _;

use super::human::{BOLD, RED, paint};
use super::markdown::escaped;
use super::words::annotation;
use crate::enums;
use crate::rds_catalog::{Agreement, Disagreement, Finding, Side};
use crate::visible::visible;

/// For a terminal.
#[must_use]
pub fn agreements(found: &[Agreement], color: bool) -> String {
    let mut text = String::new();
    for agreement in found {
        let _ = writeln!(text, "environment `{}`", agreement.environment);
        for line in lines(agreement) {
            let _ = writeln!(text, "  {} {}", paint(color, RED, "!"), visible(&line));
        }
        text.push('\n');
    }
    let _ = writeln!(text, "{}", paint(color, BOLD, &summary(found)));
    text
}

/// For a pull request.
#[must_use]
pub fn agreements_markdown(found: &[Agreement]) -> String {
    let mut text = format!("### goldenpath-rds catalog check\n\n**{}**\n", summary(found));
    for agreement in found.iter().filter(|agreement| !agreement.is_complete()) {
        let _ = writeln!(text, "\nEnvironment `{}`:\n", agreement.environment);
        for line in lines(agreement) {
            let _ = writeln!(text, "- {}", escaped(&line));
        }
    }
    text
}

/// One warning for each finding.
#[must_use]
pub fn agreements_annotations(found: &[Agreement]) -> String {
    let lines = found.iter().flat_map(lines);
    lines.map(|line| annotation("warning", "RDS catalog", &line)).collect()
}

fn lines(agreement: &Agreement) -> Vec<String> {
    let ungoverned = agreement.databases.iter().filter(|(_, lacks)| !lacks.is_empty());
    let ungoverned = ungoverned.map(|(database, lacks)| {
        format!("database {database}: no {} is said", lacks.join(", no "))
    });
    agreement.findings.iter().map(finding).chain(ungoverned).collect()
}

fn finding(finding: &Finding) -> String {
    let what = match &finding.kind {
        Disagreement::Missing { from, is_in } => {
            format!("missing {}, is {}", place(*from), place(*is_in))
        }
        Disagreement::ScheduledForDeletion => {
            let side = place(Side::Secrets);
            format!(
                "missing {side}, where it is scheduled for deletion; `plan` says how it comes back"
            )
        }
        Disagreement::Differs { field, left, right } => {
            let said = |(side, text): &(Side, String)| {
                let text = if text.is_empty() { "nothing".to_owned() } else { format!("`{text}`") };
                format!("{text} {}", place(*side))
            };
            format!("{field} is {}, {}", said(left), said(right))
        }
        Disagreement::NotListed { field, word } => {
            format!("{field} `{word}` is not in {}", enums::PATH)
        }
        Disagreement::NotAllowed { field, word, allowed } => {
            format!("{field} is `{word}`, its environment takes {allowed} only")
        }
        Disagreement::Unsaid { field } => format!("no {field} is said"),
        Disagreement::Shared { field, word, with, other_at } => {
            let there = other_at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
            format!("{field} `{word}` is that of `{with}`{there}, too")
        }
    };
    let at = finding.at.as_ref().map(|at| format!(" ({at})")).unwrap_or_default();
    format!("{}: {what}{at}", finding.subject)
}

fn place(side: Side) -> &'static str {
    match side {
        Side::Catalog => "in the catalog",
        Side::Sizes => "in the table of sizes",
        Side::Variables => "in the variable files",
        Side::Server => "on the server",
        Side::Secrets => "in Secrets Manager",
        Side::Apply => "as `apply` writes it",
    }
}

/// `2 of 3 databases (66 %) have an owner, a domain and a risk.`
fn summary(found: &[Agreement]) -> String {
    let managed: usize = found.iter().map(|agreement| agreement.databases.len()).sum();
    let governed: usize = found.iter().map(Agreement::governed).sum();
    let findings: usize = found.iter().map(|agreement| agreement.findings.len()).sum();
    let disagreements = match findings {
        0 => "All sides agree".to_owned(),
        1 => "1 disagreement".to_owned(),
        many => format!("{many} disagreements"),
    };
    // Rounded down: 100 % means all.
    let percent = (governed * 100).checked_div(managed).unwrap_or(100);
    format!(
        "{disagreements}; {governed} of {managed} databases ({percent} %) have an owner, a domain and a risk."
    )
}
