//! `approvals`: two catalogs, the rules, what the pull request has; and whether that suffices.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::files::{read_json, read_jsons, read_text, summarise};
use super::{git, repository};
use crate::approvals::{self, Evidence, Judgement, Review, Rules, changes, judge};
use crate::cli::{ApprovalsArgs, Format, Global};
use crate::error::{Error, ErrorKind, Result};
use crate::output::Output;
use crate::rds_catalog::{self, Catalog};
use crate::render;

pub(super) fn run(global: &Global, args: &ApprovalsArgs, output: Output) -> Result<u8> {
    let sides = Sides::read(&global.root, args, output)?;
    let evidence = evidence(args, sides.head_commit)?;
    let judged = judge(&changes(&sides.base, &sides.head), &sides.rules, &evidence);
    show(&judged, global.format, output)?;
    Ok(if is_approved(&judged) { 0 } else { Error::of(ErrorKind::Blocked, "").exit_code() })
}

fn is_approved(judged: &[Judgement]) -> bool {
    judged.iter().all(|judgement| judgement.missing().next().is_none())
}

/// What is compared, and the rules. They are those of the base: a change does not approve itself.
struct Sides {
    base: Catalog,
    head: Catalog,
    rules: Rules,
    head_commit: Option<String>,
}

impl Sides {
    fn read(root: &Path, args: &ApprovalsArgs, output: Output) -> Result<Self> {
        let catalog = |text| repository::parsed(rds_catalog::PATH, text, rds_catalog::read, output);
        let rules = |text| {
            repository::parsed(approvals::PATH, text, |source| approvals::read(source), output)
        };
        let (base, head) = (args.base.as_str(), args.head.as_str());
        match (Path::new(base).is_file(), Path::new(head).is_file()) {
            (true, true) => {
                return Ok(Self {
                    base: catalog(read_text(Path::new(base))?)?,
                    head: catalog(read_text(Path::new(head))?)?,
                    rules: rules(read_text(&root.join(approvals::PATH))?)?,
                    head_commit: None,
                });
            }
            (true, false) => return Err(mixed(base, head)),
            (false, true) => return Err(mixed(head, base)),
            (false, false) => {}
        }
        let (base, head) = (git::commit(root, base)?, git::commit(root, head)?);
        let left_at = git::merge_base(root, &base, &head)?;
        Ok(Self {
            base: catalog(git::text(root, &left_at, rds_catalog::PATH)?)?,
            head: catalog(git::text(root, &head, rds_catalog::PATH)?)?,
            rules: rules(git::text(root, &base, approvals::PATH)?)?,
            head_commit: Some(head),
        })
    }
}

fn mixed(file: &str, other: &str) -> Error {
    Error::of(ErrorKind::Usage, format!("`{file}` is a file, and `{other}` is none"))
        .hint("--base and --head are two commits or two catalog files; refs/heads/NAME names a branch that is called like a file")
}

/// From the event of the workflow run and, since that has the newest review only, `--reviews`.
fn evidence(args: &ApprovalsArgs, head: Option<String>) -> Result<Evidence> {
    let event = std::env::var_os("GITHUB_EVENT_PATH").map(PathBuf::from);
    let mut evidence = match event {
        Some(path) => Evidence::of_event(&read_json(&path)?),
        None => Evidence::default(),
    };
    if let Some(path) = &args.reviews {
        evidence.reviews = reviews(path)?;
    }
    evidence.head = head.or(evidence.head);
    Ok(evidence)
}

/// A list of reviews, or several: `gh api --paginate` writes one for each page.
fn reviews(path: &Path) -> Result<Vec<Review>> {
    let pages = read_jsons(path)?;
    let listed = pages.iter().flat_map(|page| page.as_array().into_iter().flatten());
    Ok(listed.filter_map(Review::parse).collect())
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
