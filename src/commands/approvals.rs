//! `approvals`: both ends of a change, the rules, what the pull request has; and whether that suffices.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::files::{read_json, read_jsons, summarise, write_file};
use super::sides::Sides;
use crate::approvals::{Evidence, Judgement, LabelEvent, Review, changes, judge};
use crate::cli::{ApprovalsArgs, Format, Global};
use crate::error::{Error, ErrorKind, Result};
use crate::output::Output;
use crate::render;

pub(super) fn run(global: &Global, args: &ApprovalsArgs, output: Output) -> Result<u8> {
    let sides = Sides::read(global, args, output)?;
    let evidence = evidence(args, sides.head_commit)?;
    let judged = judge(&changes(&sides.base, &sides.head), &sides.rules, &evidence);
    show(&judged, global.format, output)?;
    if let Some(path) = &args.commit_status {
        write_file(path, &format!("{}\n", render::approvals_status(&judged)))?;
    }
    Ok(if is_approved(&judged) { 0 } else { Error::of(ErrorKind::Blocked, "").exit_code() })
}

fn is_approved(judged: &[Judgement]) -> bool {
    judged.iter().all(Judgement::is_approved)
}

/// From the event of the workflow run and, since that has the newest review only and does not say who set
/// a label, `--reviews` and `--label-events`.
fn evidence(args: &ApprovalsArgs, head: Option<String>) -> Result<Evidence> {
    let event = std::env::var_os("GITHUB_EVENT_PATH").map(PathBuf::from);
    let mut evidence = match event {
        Some(path) => Evidence::of_event(&read_json(&path)?),
        None => Evidence::default(),
    };
    if let Some(path) = &args.reviews {
        evidence.reviews = items(path)?.iter().filter_map(Review::parse).collect();
    }
    if let Some(path) = &args.label_events {
        evidence.add_label_events(items(path)?.iter().filter_map(LabelEvent::parse));
    }
    evidence.head = head.or(evidence.head);
    Ok(evidence)
}

/// The items of a list, or of several: `gh api --paginate` writes one for each page. What is no list is a
/// page that is missing, and what it would take back is missing with it.
fn items(path: &Path) -> Result<Vec<Json>> {
    let mut items = Vec::new();
    for page in read_jsons(path)? {
        let Json::Array(page) = page else {
            let hint = "`gh api --paginate` writes a list for each page";
            return Err(Error::new(format!("{} is no list", path.display())).hint(hint));
        };
        items.extend(page);
    }
    Ok(items)
}

fn show(judged: &[Judgement], format: Format, output: Output) -> Result<()> {
    match format {
        Format::Human => output.result(&render::approvals(judged, output.color)),
        Format::Markdown => output.result(&render::approvals_markdown(judged)),
        Format::Json => {
            let approved = is_approved(judged);
            let document =
                json!({ "format_version": "1.0", "approved": approved, "requests": judged });
            output.result(&format!("{document:#}\n"));
        }
        Format::Github => {
            output.result(&render::approvals_annotations(judged));
            summarise(&render::approvals_markdown(judged), output)?;
        }
    }
    Ok(())
}
