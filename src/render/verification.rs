//! What `verify` found, for a terminal and for a pull request.

use std::fmt::Write as _;

use super::human::{BOLD, GREEN, RED, paint};
use super::markdown::{cell, escaped};
use super::words::entry_name;
use crate::actual::DatabasePrivilege;
use crate::verification::{Credential, Verification};
use crate::visible::visible;

/// Wider than this a matrix fits on no screen, and each role's databases are listed instead.
const WIDEST: usize = 10;

/// For a terminal.
#[must_use]
pub fn verification(found: &Verification, color: bool) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "environment `{}` on {}\n", found.environment, found.endpoint);
    let table = matrix(found);
    let width = |at: usize| table.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..table[0].len()).map(width).collect();
    for (number, row) in table.iter().enumerate() {
        let cells: Vec<_> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let line = visible(cells.join("  ").trim_end());
        let line = if number == 0 { paint(color, BOLD, &line) } else { line };
        let _ = writeln!(text, "  {line}");
    }
    text.push('\n');
    for (key, credential) in &found.credentials {
        let sign = if credential.works { paint(color, GREEN, "+") } else { paint(color, RED, "!") };
        let _ = writeln!(text, "  {sign} {key}: {}", visible(&outcome(credential)));
    }
    text.push('\n');
    for wrong in &found.wrong {
        let name = entry_name(wrong.entry.as_ref());
        let _ = writeln!(text, "  {} {name}: {}", paint(color, RED, "!"), visible(&wrong.message));
        if let Some(hint) = &wrong.hint {
            let _ = writeln!(text, "    hint: {}", visible(hint));
        }
    }
    let _ = writeln!(text, "{}", paint(color, BOLD, &summary(found)));
    text
}

/// For a pull request.
#[must_use]
pub fn verification_markdown(found: &Verification) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "### goldenpath-rds verify: `{}`\n", found.environment);
    let _ = writeln!(text, "Server `{}`. **{}**\n", found.endpoint, summary(found));
    for wrong in &found.wrong {
        let name = entry_name(wrong.entry.as_ref());
        let hint = wrong.hint.as_ref().map(|hint| format!("<br>hint: {}", escaped(hint)));
        let (message, hint) = (escaped(&wrong.message), hint.unwrap_or_default());
        let _ = writeln!(text, "- **{}**: {message}{hint}", escaped(name));
    }
    text.push('\n');
    for (number, row) in matrix(found).iter().enumerate() {
        let cells: Vec<_> = row.iter().map(|text| cell(text)).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
        if number == 0 {
            let _ = writeln!(text, "|{}", "---|".repeat(row.len()));
        }
    }
    text.push_str("\n| Entry | Secret |\n|---|---|\n");
    for (key, credential) in &found.credentials {
        let _ = writeln!(text, "| {} | {} |", cell(key.as_str()), cell(&outcome(credential)));
    }
    text
}

/// Rows of equal length, the heading first.
fn matrix(found: &Verification) -> Vec<Vec<String>> {
    if found.databases.len() > WIDEST { list(found) } else { grid(found) }
}

fn grid(found: &Verification) -> Vec<Vec<String>> {
    let row = |name: &str, cell: &dyn Fn(&String) -> String| {
        [name.to_owned()].into_iter().chain(found.databases.iter().map(cell)).collect()
    };
    let heading = row("may connect", &String::clone);
    let public = row("PUBLIC", &|database| {
        found.public.get(database).map_or_else(|| "-".to_owned(), keywords)
    });
    let roles = found.roles.iter().map(|(name, enters)| {
        row(name, &|database| if enters.contains(database) { "yes" } else { "-" }.to_owned())
    });
    [heading].into_iter().chain(roles).chain([public]).collect()
}

fn list(found: &Verification) -> Vec<Vec<String>> {
    let heading = vec!["role".to_owned(), "may connect to".to_owned()];
    let roles = found.roles.iter().map(|(name, enters)| {
        let names: Vec<_> = enters.iter().map(String::as_str).collect();
        vec![name.clone(), names.join(", ")]
    });
    let public = found.public.iter().map(|(name, held)| format!("{name} ({})", keywords(held)));
    let public = vec!["PUBLIC".to_owned(), public.collect::<Vec<_>>().join(", ")];
    [heading].into_iter().chain(roles).chain([public]).collect()
}

fn keywords<'a>(held: impl IntoIterator<Item = &'a DatabasePrivilege>) -> String {
    held.into_iter().map(|privilege| privilege.keyword()).collect::<Vec<_>>().join(", ")
}

fn outcome(credential: &Credential) -> String {
    let secret = &credential.secret;
    match (credential.works, &credential.remark) {
        (true, None) => format!("secret {secret} logs in"),
        (true, Some(remark)) => format!("secret {secret} has the right password, {remark}"),
        (false, remark) => {
            format!("secret {secret} does not log in: {}", remark.as_deref().unwrap_or_default())
        }
    }
}

fn summary(found: &Verification) -> String {
    let (entries, works) = (
        found.credentials.len(),
        found.credentials.values().filter(|credential| credential.works).count(),
    );
    let wrong = match found.wrong.len() {
        0 => "Nothing is wrong".to_owned(),
        1 => "1 thing is wrong".to_owned(),
        many => format!("{many} things are wrong"),
    };
    format!("{wrong}: {works} of {entries} secrets log in.")
}
