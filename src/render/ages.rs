//! The ages of passwords: for a terminal, a pull request, and a GitHub workflow.

use std::fmt::Write as _;

use anstyle::Style;
use jiff::{SignedDuration, Timestamp};

use super::human::{BOLD, GREEN, RED, YELLOW, paint};
use super::markdown::{cell, escaped};
use super::words::annotation;
use crate::rotation::{Age, Ages, Obstacle, State, Survey, Unread};
use crate::visible::visible;

const TITLE: &str = "Secret rotation";

const UNREAD: &str = "could not be read";

/// For a terminal.
#[must_use]
pub fn ages(survey: &Survey, color: bool) -> String {
    let mut text = String::new();
    for Ages { environment, ages, .. } in &survey.environments {
        let _ = writeln!(text, "environment `{environment}`\n");
        let names = ages.iter().map(|age| name(age).chars().count());
        let width = names.max().unwrap_or(0);
        for age in ages {
            let (sign, style) = sign(age);
            let sign = paint(color, style, sign);
            let _ = writeln!(text, "  {sign} {:width$}  {}", name(age), sentence(age));
        }
        text.push('\n');
    }
    for Unread { environment, message } in &survey.unread {
        let (sign, why) = (paint(color, RED, "!"), visible(message));
        let _ = writeln!(text, "environment `{environment}`\n\n  {sign} {UNREAD}: {why}\n");
    }
    let _ = writeln!(text, "{}", paint(color, BOLD, &summary(survey)));
    for line in hints(survey) {
        let _ = writeln!(text, "hint: {line}");
    }
    text
}

/// For a pull request, or the summary of a workflow's step.
#[must_use]
pub fn ages_markdown(survey: &Survey) -> String {
    let mut text = format!("### goldenpath-rds rotation-status\n\n**{}**\n", summary(survey));
    for Ages { environment, ages, .. } in &survey.environments {
        let _ = writeln!(
            text,
            "\n#### `{environment}`\n\n| | Entry | Secret | Risk | Age |\n|---|---|---|---|---|"
        );
        for age in ages {
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} | {} |",
                sign(age).0,
                cell(name(age)),
                cell(&age.secret),
                age.risk.unwrap_or("unknown"),
                cell(&sentence(age)),
            );
        }
    }
    for Unread { environment, message } in &survey.unread {
        let _ = writeln!(text, "\n#### `{environment}`\n\n`!` {UNREAD}: {}", escaped(message));
    }
    for line in hints(survey) {
        let _ = writeln!(text, "\n{line}");
    }
    text
}

/// Workflow commands, one for each password that is not within the policy, or whose rotation is unfinished, and
/// one for each environment that could not be read.
#[must_use]
pub fn ages_annotations(survey: &Survey) -> String {
    let mut text = String::new();
    for Ages { environment, ages, .. } in &survey.environments {
        for age in ages.iter().filter(|age| !age.is_in_order()) {
            let level = if age.is_unknown() { "error" } else { "warning" };
            let message = format!("{environment}: {}: {}", name(age), sentence(age));
            text.push_str(&annotation(level, TITLE, &message));
        }
    }
    for Unread { environment, message } in &survey.unread {
        let message = format!("{environment}: {UNREAD}: {message}");
        text.push_str(&annotation("error", TITLE, &message));
    }
    text
}

fn name(age: &Age) -> &str {
    age.entry.as_ref().map_or("the master", |entry| entry.as_str())
}

fn sign(age: &Age) -> (&'static str, Style) {
    match age.state {
        State::Within if age.unfinished => ("~", YELLOW),
        State::Within => ("=", GREEN),
        State::Due => ("~", YELLOW),
        State::Overdue | State::Missing | State::Undated => ("!", RED),
    }
}

/// What is wrong with the passwords about which nothing can be said, one a line.
#[must_use]
pub fn unknown_ages(read: &Ages) -> Vec<String> {
    let unknown = read.ages.iter().filter(|age| age.is_unknown());
    unknown.map(|age| format!("{}: {}", name(age), sentence(age))).collect()
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

/// It says first what it does not speak of.
fn summary(survey: &Survey) -> String {
    let (read, unread) = (survey.environments.len(), survey.unread.len());
    if unread == 0 {
        return format!("{}.", counts(&survey.environments));
    }
    let mut text = format!("{unread} of {} environments {UNREAD}", read + unread);
    if read > 0 {
        let _ = write!(text, "; in the others {}", counts(&survey.environments));
    }
    text + "."
}

fn counts(read: &[Ages]) -> String {
    let all = || read.iter().flat_map(|ages| &ages.ages);
    let count = |states: &[State]| all().filter(|age| states.contains(&age.state)).count();
    let total = all().count();
    let within = count(&[State::Within]);
    let (due, overdue) = (count(&[State::Due]), count(&[State::Overdue]));
    let mut text = format!("{within} of {total} passwords within the policy");
    let unknown = count(&[State::Missing, State::Undated]);
    let unfinished = all().filter(|age| age.unfinished).count();
    let counts =
        [(due, "due soon"), (overdue, "overdue"), (unfinished, "unfinished"), (unknown, "unknown")];
    for (count, what) in counts {
        if count > 0 {
            let _ = write!(text, ", {count} {what}");
        }
    }
    text
}

/// Only what `rotate` does is promised of it.
fn hints(survey: &Survey) -> Vec<String> {
    survey.environments.iter().flat_map(hints_of).collect()
}

fn hints_of(Ages { environment, ages, .. }: &Ages) -> Vec<String> {
    let due = || ages.iter().filter(|age| age.is_due());
    let by_rotate: Vec<_> = due().filter(|age| age.obstacle.is_none()).collect();
    let master = if by_rotate.iter().any(|age| age.entry.is_none()) { " --master" } else { "" };
    let rotate = (!by_rotate.is_empty()).then(|| {
        format!("`goldenpath-rds rotate --env {environment} --due{master}` gives new ones")
    });
    let by_hand = due().filter_map(|age| {
        let Obstacle { message, hint } = age.obstacle.as_ref()?;
        Some(format!("{}: {message}; {hint}", name(age)))
    });
    rotate.into_iter().chain(by_hand).collect()
}
