//! The ages of passwords: for a terminal, a pull request, and a GitHub workflow.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::human::{BOLD, GREEN, RED, YELLOW, paint};
use super::markdown::cell;
use super::words::annotation;
use crate::rotation::{Age, Ages, State};

/// For a terminal.
#[must_use]
pub fn ages(read: &[Ages], color: bool) -> String {
    let mut text = String::new();
    for Ages { environment, ages, .. } in read {
        let _ = writeln!(text, "environment `{environment}`\n");
        let names = ages.iter().map(|age| name(age).chars().count());
        let width = names.max().unwrap_or(0);
        for age in ages {
            let style = match age.state {
                State::Within => GREEN,
                State::Due => YELLOW,
                State::Overdue | State::Missing | State::Undated => RED,
            };
            let sign = paint(color, style, sign(age.state));
            let _ = writeln!(text, "  {sign} {:width$}  {}", name(age), sentence(age));
        }
        text.push('\n');
    }
    let _ = writeln!(text, "{}", paint(color, BOLD, &summary(read)));
    for line in hints(read) {
        let _ = writeln!(text, "hint: {line}");
    }
    text
}

/// For a pull request, or the summary of a workflow's step.
#[must_use]
pub fn ages_markdown(read: &[Ages]) -> String {
    let mut text = format!("### goldenpath-rds rotation-status\n\n**{}**\n", summary(read));
    for Ages { environment, ages, .. } in read {
        let _ = writeln!(
            text,
            "\n#### `{environment}`\n\n| | Entry | Secret | Risk | Age |\n|---|---|---|---|---|"
        );
        for age in ages {
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} | {} |",
                sign(age.state),
                cell(name(age)),
                cell(&age.secret),
                age.risk.unwrap_or("unknown"),
                cell(&sentence(age)),
            );
        }
    }
    for line in hints(read) {
        let _ = writeln!(text, "\n{line}");
    }
    text
}

/// Workflow commands, one for each password that is not within the policy.
#[must_use]
pub fn ages_annotations(read: &[Ages]) -> String {
    let mut text = String::new();
    for Ages { environment, ages, .. } in read {
        for age in ages.iter().filter(|age| age.state != State::Within) {
            let level = match age.state {
                State::Within | State::Due | State::Overdue => "warning",
                State::Missing | State::Undated => "error",
            };
            let message = format!("{environment}: {}: {}", name(age), sentence(age));
            text.push_str(&annotation(level, "Secret rotation", &message));
        }
    }
    text
}

fn name(age: &Age) -> &str {
    age.entry.as_ref().map_or("the master", |entry| entry.as_str())
}

fn sign(state: State) -> &'static str {
    match state {
        State::Within => "=",
        State::Due => "~",
        State::Overdue | State::Missing | State::Undated => "!",
    }
}

fn sentence(age: &Age) -> String {
    let (secret, max) = (&age.secret, age.max_days);
    let days = match age.days {
        Some(1) => "1 day old".to_owned(),
        Some(days) => format!("{days} days old"),
        None => String::new(),
    };
    let end = age.born.and_then(|born| last_day(born, max)).unwrap_or_default();
    let mut sentence = match age.state {
        State::Within => format!("{days}, within the {max} days"),
        State::Due => format!("{days}, to be rotated by {end} ({max} days)"),
        State::Overdue => format!("{days}, to be rotated since {end} ({max} days)"),
        State::Missing => format!("there is no secret {secret}, or it has no value"),
        State::Undated => format!("nothing says when the password in {secret} was made"),
    };
    if age.unfinished {
        sentence.push_str("; a rotation is unfinished");
    }
    sentence
}

fn last_day(born: Timestamp, max_days: u16) -> Option<String> {
    let end = born.checked_add(SignedDuration::from_hours(24 * i64::from(max_days))).ok()?;
    Some(end.strftime("%Y-%m-%d").to_string())
}

fn summary(read: &[Ages]) -> String {
    let all = || read.iter().flat_map(|ages| &ages.ages);
    let count = |states: &[State]| all().filter(|age| states.contains(&age.state)).count();
    let total = all().count();
    let within = count(&[State::Within]);
    let (due, overdue) = (count(&[State::Due]), count(&[State::Overdue]));
    let mut text = format!("{within} of {total} passwords within the policy");
    let unknown = count(&[State::Missing, State::Undated]);
    for (count, what) in [(due, "due soon"), (overdue, "overdue"), (unknown, "unknown")] {
        if count > 0 {
            let _ = write!(text, ", {count} {what}");
        }
    }
    text.push('.');
    text
}

fn hints(read: &[Ages]) -> Vec<String> {
    let command = |ages: &Ages| {
        let master = ages.ages.iter().any(|age| age.entry.is_none() && age.is_due());
        let master = if master { " --master" } else { "" };
        format!("`goldenpath-rds rotate --env {} --due{master}` gives new ones", ages.environment)
    };
    read.iter().filter(|ages| ages.any_due()).map(command).collect()
}
