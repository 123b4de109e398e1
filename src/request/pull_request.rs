//! The body of the pull request that a request becomes.

use std::fmt::Write as _;

use super::{Placed, Request};
use crate::approvals::{self, Required};
use crate::rds_catalog;

/// What the body tells beside the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// The RDS instance.
    pub instance: String,
    /// The variable file.
    pub variables: String,
    /// Who has to approve.
    pub required: Required,
    /// What stands before a path to make it a link: `https://github.com/…/blob/HEAD/`.
    pub link_base: String,
}

/// The body as Markdown.
#[must_use]
pub fn body(request: &Request, placed: &Placed, around: &Surroundings) -> String {
    let (database, environment) = (&request.database, &request.environment);
    let mut text = format!("## Database `{database}` in `{environment}`\n\n");
    text.push_str(&table(&configuration(request, placed)));
    text.push_str("\n### Instance\n\n");
    text.push_str(&table(&[
        ("RDS instance", code(&around.instance)),
        ("Engine", "PostgreSQL, shared by the applications of the environment".to_owned()),
        ("Secret", code(request.secret())),
    ]));
    let _ = write!(text, "\n### Risk controls for `{}`\n\n", request.risk);
    text.push_str(&table(&controls(request)));
    let _ = write!(text, "\n### Approvals\n\n{}", approvals(request, &around.required));
    let _ = write!(text, "\n### What happens next\n\n{}", next(request, &placed.entry));
    let _ = write!(text, "\n### Files\n\n- `{}`\n- `{}`\n", rds_catalog::PATH, around.variables);
    let _ = write!(text, "\n### Links\n\n{}", links(&around.link_base));
    text
}

fn configuration(request: &Request, placed: &Placed) -> [(&'static str, String); 9] {
    [
        ("Database", code(&request.database)),
        ("Username", code(&request.username)),
        ("Environment", code(&request.environment)),
        ("Owner", code(&request.owner)),
        ("Requested by", code(&request.requester)),
        ("Domain", code(&request.domain)),
        ("Risk", code(request.risk)),
        ("Size tier", format!("`{}` (`{}`)", request.size, request.size.instance_class())),
        ("Id", placed.record.id.as_ref().map(code).unwrap_or_default()),
    ]
}

fn controls(request: &Request) -> [(&'static str, String); 3] {
    let controls = request.risk.controls();
    [
        ("Backup retention", format!("{} days", controls.backup_retention_days)),
        ("Secret rotation", format!("every {} days", controls.rotation_days)),
        ("Additional controls", controls.additional.join(", ")),
    ]
}

fn approvals(request: &Request, required: &Required) -> String {
    let mut text = format!("Tier `{}`. Each of these has to approve:\n\n", required.tier);
    for reviewer in &required.reviewers {
        let _ = writeln!(text, "- `{reviewer}`");
    }
    if request.size.needs_explicit_approval() {
        let _ = write!(text, "\nSize `{}` needs more than the standard reviewers.\n", request.size);
    }
    text
}

fn next(request: &Request, entry: &str) -> String {
    let environment = &request.environment;
    let (secret, days) = (request.secret(), request.risk.controls().rotation_days);
    format!(
        "\
1. The plan is posted as a comment; it shows what will be made, and changes nothing.
2. After the approvals and the merge, `make rds-apply ENV={environment}` creates the role, the database and the secret.
3. The credentials are in AWS Secrets Manager at `{secret}`.
4. `goldenpath-rds external-secret --env {environment} {entry}` prints the manifest that brings them into Kubernetes.
5. The password is due for rotation every {days} days.
"
    )
}

/// What a reviewer may want to read.
const LINKS: [(&str, &str); 5] = [
    ("From a form to a login", "docs/rds-request-flow.md"),
    ("Rotation", "docs/70-operations/runbooks/RB-0029-rds-manual-secret-rotation.md"),
    ("Break-glass deletion", "docs/70-operations/runbooks/RB-0030-rds-break-glass-deletion.md"),
    ("RDS catalog", rds_catalog::PATH),
    ("Who approves", approvals::PATH),
];

fn links(base: &str) -> String {
    LINKS.iter().map(|(name, path)| format!("- [{name}]({base}{path})\n")).collect()
}

fn table(rows: &[(&str, String)]) -> String {
    let mut text = "| | |\n|---|---|\n".to_owned();
    for (name, value) in rows {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    text
}

fn code(value: impl ToString) -> String {
    format!("`{}`", value.to_string())
}
