//! For a terminal, in Terraform's manner. Colour only repeats what the signs say.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::notes;
use super::words::{self, Kind};
use crate::apply::{Outcome, Progress, Rotated};
use crate::audit::Verb;
use crate::name::EntryKey;
use crate::plan::{Plan, Step};
use crate::visible::visible;

pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(super) const RED: Style = AnsiColor::Red.on_default();
pub(super) const BOLD: Style = Style::new().bold();

/// Applications that get the secret through External Secrets Operator have the old password until then.
const REFRESH: &str = "\
hint: External Secrets Operator reads new passwords at its next refresh, and at once after
  kubectl annotate externalsecret --namespace NAMESPACE NAME force-sync=$(date +%s) --overwrite
";

/// The plan.
#[must_use]
pub fn human(plan: &Plan, color: bool) -> String {
    let mut text = String::new();
    let paint = |style: Style, text: &str| paint(color, style, text);
    let _ = writeln!(text, "environment `{}` on {}\n", plan.environment, plan.endpoint);
    for entry in words::entries_with_steps(plan) {
        let _ = writeln!(text, "  {}", paint(BOLD, words::entry_name(entry)));
        add_steps(&mut text, plan, entry, color);
        text.push('\n');
    }
    for obstacle in &plan.obstacles {
        let name = words::entry_name(obstacle.entry.as_ref());
        let _ = writeln!(text, "  {} {name}: {}", paint(RED, "!"), visible(&obstacle.message));
        let _ = writeln!(text, "    hint: {}\n", visible(&obstacle.hint));
    }
    for unclaimed in &plan.unclaimed {
        let _ =
            writeln!(text, "  {} {}\n", paint(YELLOW, "?"), visible(&notes::unclaimed(unclaimed)));
    }
    for note in &plan.notes {
        let _ = writeln!(text, "  note: {}\n", visible(&notes::note(note)));
    }
    let _ = writeln!(text, "{}", paint(BOLD, &words::summary(plan)));
    text
}

/// One line for each step that was carried out or failed.
#[must_use]
pub fn progress(progress: &Progress<'_>, color: bool) -> String {
    let line = |step: &Step, sign: String, end: String| {
        let entry = words::entry_name(step.entry.as_ref());
        format!("{sign} {entry}: {}{end}\n", visible(&words::what(&step.change)))
    };
    match progress {
        Progress::Done(step, took) => {
            let kind = words::kind(&step.change);
            line(step, sign(kind, color), format!(" ({})", millis(*took)))
        }
        Progress::Failed(step, error) => {
            line(step, paint(color, RED, "!"), format!(" failed: {error}"))
        }
    }
}

/// The last lines of an apply. `next` is what to do when it is incomplete.
#[must_use]
pub fn outcome(verb: Verb, plan: &Plan, outcome: &Outcome, next: &[String], color: bool) -> String {
    let mut text = String::new();
    let complete = outcome.failed.is_empty() && outcome.skipped == 0;
    let run = match verb {
        Verb::Apply => "Apply",
        Verb::Rotate => "Rotation",
    };
    let (style, word) = if complete { (GREEN, "complete") } else { (RED, "incomplete") };
    let title = paint(color, style, &format!("{run} {word}"));
    let _ = write!(text, "{title}: {} done", outcome.done);
    if !complete {
        let (failed, skipped) = (outcome.failed.len(), outcome.skipped);
        let _ = write!(text, ", {failed} failed, {skipped} skipped");
    }
    let _ = writeln!(text, ", 0 dropped.");
    for failed in &outcome.failed {
        let entry = words::entry_name(failed.entry.as_ref());
        let message = visible(&failed.message);
        let _ = writeln!(text, "  {entry}: {} failed: {message}", failed.change);
    }
    text.push_str(&rotated(&outcome.rotated));
    if !complete {
        for line in next {
            let _ = writeln!(text, "hint: {line}");
        }
    } else if !plan.obstacles.is_empty() {
        let _ = writeln!(text, "Obstacles above held up their entries.");
    }
    text
}

/// What a rotation meant for those who use the password.
fn rotated(rotated: &[Rotated]) -> String {
    let mut text = String::new();
    for Rotated { entry, role, refused_ms, is_current, sessions_left, sessions_ended } in rotated {
        let name = words::entry_name(entry.as_ref());
        if !is_current {
            let _ = writeln!(
                text,
                "  {name}: {role} has a new password that is not AWSCURRENT: applications cannot log in until the next run publishes it"
            );
            continue;
        }
        let refused = match refused_ms {
            Some(millis) => format!("the old one was refused {millis} ms before it was current"),
            None => "an earlier run had set it, and it is current now".to_owned(),
        };
        let _ = writeln!(text, "  {name}: {role} has a new password; {refused}");
        if let Some(ended) = sessions_ended {
            let _ = writeln!(text, "    {} on the old login ended", sessions(*ended));
        }
        match *sessions_left {
            Some(0) => {}
            Some(left) => {
                let go_on = if left == 1 { "goes on" } else { "go on" };
                let _ = writeln!(
                    text,
                    "    {} on the old login {go_on}; --terminate-sessions ends them with the rotation",
                    sessions(left)
                );
            }
            None => text.push_str("    sessions on the old login could not be counted\n"),
        }
    }
    if rotated.iter().any(|rotated| rotated.is_current) {
        text.push_str(REFRESH);
    }
    text
}

fn sessions(count: u64) -> String {
    if count == 1 { "1 session".to_owned() } else { format!("{count} sessions") }
}

fn add_steps(text: &mut String, plan: &Plan, entry: Option<&EntryKey>, color: bool) {
    let steps = || plan.steps.iter().filter(|step| step.entry.as_ref() == entry);
    let lines: Vec<String> = steps().map(|step| visible(&words::what(&step.change))).collect();
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    for (step, line) in steps().zip(&lines) {
        let sign = sign(words::kind(&step.change), color);
        let _ = writeln!(text, "    {sign} {line:width$}  # {}", visible(&step.reason));
    }
}

fn sign(kind: Kind, color: bool) -> String {
    let style = match kind {
        Kind::Create => GREEN,
        Kind::Update => YELLOW,
    };
    paint(color, style, kind.symbol())
}

pub(super) fn paint(color: bool, style: Style, text: &str) -> String {
    if color { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

fn millis(took: Duration) -> String {
    format!("{} ms", took.as_millis())
}
