//! `rotate`: new passwords. Read, compare, show, ask, carry out, and look again, as `apply` does.

use std::collections::BTreeSet;

use super::ages::{Measure, ages};
use super::observe::Goal;
use super::run::{Planned, Run};
use super::{mint, variables};
use crate::audit::Verb;
use crate::cli::{Chosen, Global, Planning, RotateArgs};
use crate::desired::Desired;
use crate::diff::Rotation;
use crate::error::{Error, ErrorKind, Result};
use crate::name::{EntryKey, Environment};
use crate::output::Output;
use crate::render;
use crate::rotation::{Age, Ages};
use crate::tfvars::Argument;
use crate::visible::visible;

pub(super) async fn run(
    global: &Global,
    args: &RotateArgs,
    arguments: &[Argument],
    output: Output,
) -> Result<u8> {
    let environment = variables::environment(global)?;
    let desired =
        variables::desired(global, &environment, &Planning::default(), arguments, output)?;
    let chosen = chosen(&args.chosen, &desired)?;
    let measure = || Measure::of(global, &desired, arguments, output);
    let measure = args.chosen.due.then(measure).transpose()?;
    let run = Run::begin(Verb::Rotate, global, &desired, args.lock_timeout, output).await?;
    let mut unknown = Vec::new();
    let (entries, master) = if let Some(measure) = measure {
        let ages = ages(&run.connections.secrets, &desired, &measure, &run.unsettled).await?;
        unknown = render::unknown_ages(&ages);
        let (entries, master_is_due) = due(ages);
        (entries, args.chosen.master && master_is_due)
    } else {
        (chosen, args.chosen.master)
    };
    let ends_sessions = args.terminate_sessions;
    let goal = Goal::Rotate(Rotation { entries, master, begins: true, ends_sessions });
    let new = mint();
    let (actual, plan) = run.observe(&goal, &new).await?;
    let planned = Planned { actual: &actual, plan: &plan, goal: &goal, new: &new };
    let code = run.go(&planned, args.auto_approve).await?;
    Ok(code.max(tell_unknown(&unknown, &environment, output)))
}

/// A password about which nothing can be said may be long due: that is no success, as `rotation-status` has
/// it too.
fn tell_unknown(unknown: &[String], environment: &Environment, output: Output) -> u8 {
    if unknown.is_empty() {
        return 0;
    }
    for line in unknown {
        output.tell(&format!("error: {}\n", visible(line)));
    }
    output.tell(&format!(
        "hint: `goldenpath-rds apply --env {environment}` makes what is missing; what has no time is rotated by its key\n"
    ));
    Error::new("").exit_code()
}

fn due(ages: Ages) -> (BTreeSet<EntryKey>, bool) {
    let due: Vec<_> = ages.ages.into_iter().filter(Age::is_due).map(|age| age.entry).collect();
    let master = due.contains(&None);
    (due.into_iter().flatten().collect(), master)
}

fn chosen(args: &Chosen, desired: &Desired) -> Result<BTreeSet<EntryKey>> {
    if args.all {
        return Ok(desired.entries.keys().cloned().collect());
    }
    args.keys.iter().map(|key| known(key, desired)).collect()
}

fn known(key: &str, desired: &Desired) -> Result<EntryKey> {
    let found = desired.entries.keys().find(|known| known.as_str() == key);
    found.cloned().ok_or_else(|| {
        let keys: Vec<_> = desired.entries.keys().map(EntryKey::as_str).collect();
        Error::of(ErrorKind::Usage, format!("there is no entry `{key}`"))
            .hint(format!("there are: {}", keys.join(", ")))
    })
}
