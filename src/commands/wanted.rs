//! What the variable files of a revision ask for, each entry with its place.

use std::collections::BTreeMap;
use std::path::Path;

use super::variables::{
    checked, environments, folder_name, parse_environment, read_folder_with, refused,
};
use crate::approvals::Wanted;
use crate::desired::{Entry, VARIABLE};
use crate::error::Result;
use crate::name::{EntryKey, Environment};
use crate::output::Output;
use crate::tfvars::{Diagnostic, Kind, Variables};

/// What the variable files under a folder ask for, without this process's environment and flags, and where
/// it stands. The local stack is thrown away: nobody answers for what is in it.
pub(super) fn wanted(
    root: &Path,
    allow_attributes: &[String],
    output: Output,
) -> Result<BTreeMap<Environment, BTreeMap<EntryKey, Wanted>>> {
    let names = environments(root).into_iter().filter(|name| name != "local");
    let read = |name: String| {
        let environment = parse_environment(&name)?;
        let (sources, variables) = read_folder_with(root, &environment, &[], &BTreeMap::new())?;
        let entries =
            variables.and_then(|variables| placed(&variables, &environment, allow_attributes));
        let shown_as = folder_name(&environment);
        let entries =
            entries.map_err(|problems| refused(&sources, &problems, &shown_as, output))?;
        Ok((environment, entries))
    };
    names.map(read).collect()
}

/// The entries with their places; none where nothing sets the map, which no run takes for a wish.
fn placed(
    variables: &Variables,
    environment: &Environment,
    allow_attributes: &[String],
) -> Result<BTreeMap<EntryKey, Wanted>, Vec<Diagnostic>> {
    if variables.names().all(|(name, _)| name != VARIABLE) {
        return Ok(BTreeMap::new());
    }
    let (value, entries) = checked(variables, environment, allow_attributes)?;
    let place = |key: &EntryKey| match &value.kind {
        Kind::Map(members) => members.get(key.as_str()).map_or(&value.at, |member| &member.key_at),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::List(_) => &value.at,
    };
    let place = |(key, entry): (EntryKey, Entry)| {
        let at = place(&key).clone();
        (key, Wanted { entry, at })
    };
    Ok(entries.into_iter().map(place).collect())
}
