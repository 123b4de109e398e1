//! What to do after a run that did not come to a good end.

use super::observe::Goal;
use crate::apply::{FailedStep, Outcome};
use crate::audit::VERIFY;
use crate::desired::Desired;

/// Each on a line of its own. A saved plan is stale by now.
pub(super) fn next(desired: &Desired, goal: &Goal, outcome: &Outcome) -> Vec<String> {
    let environment = &desired.environment;
    let mut hints = Vec::new();
    let has_more = outcome.failed.iter().any(|failed| !is_last_login(failed));
    if has_more || !outcome.unfinished.is_empty() {
        hints.push(go_on(desired, goal, outcome));
    }
    // The same run again would set no password, or another one that gets in as little.
    if outcome.failed.iter().any(is_last_login) {
        hints.push(format!(
            "the password is AWSCURRENT; `goldenpath-rds verify --env {environment}` shows what keeps it from logging in"
        ));
    }
    hints
}

/// It is tried when all of the entry's steps are done, the publication of its password too.
fn is_last_login(failed: &FailedStep) -> bool {
    failed.change == VERIFY && failed.entry.is_some()
}

fn go_on(desired: &Desired, goal: &Goal, outcome: &Outcome) -> String {
    let environment = &desired.environment;
    let command = match goal {
        Goal::Match => {
            let mut command = format!("goldenpath-rds apply --env {environment}");
            if desired.isolate_server {
                command.push_str(" --isolate-server");
            }
            for key in &desired.reset_passwords {
                command.push_str(&format!(" --reset-password {key}"));
            }
            command
        }
        // Without an entry it would be wrong usage, and with one that is finished another rotation.
        Goal::Rotate(_) if outcome.unfinished.is_empty() => {
            return format!("`goldenpath-rds plan --env {environment}` shows what is left to do");
        }
        Goal::Rotate(rotation) => {
            let sessions = if rotation.ends_sessions { " --terminate-sessions" } else { "" };
            let chosen = outcome.unfinished.iter().map(|entry| match entry {
                Some(key) => format!(" {key}"),
                None => " --master".to_owned(),
            });
            let chosen: String = chosen.collect();
            format!("goldenpath-rds rotate --env {environment}{sessions}{chosen}")
        }
    };
    format!("run `{command}` again; it goes on where this run stopped")
}
