//! Entries that meet in one database, role or secret: each would undo the other.

use std::collections::BTreeMap;

use super::Entry;
use super::read::attribute;
use crate::access::AccessLevel;
use crate::name::EntryKey;
use crate::tfvars::{Diagnostic, Member, Position};

/// Where the names of an entry stand, for messages about two of them.
pub(super) struct Places {
    key: Position,
    database: Position,
    username: Position,
}

impl Places {
    pub(super) fn of(member: &Member) -> Self {
        let place =
            |name| attribute(member, name).map_or(&member.key_at, |value| &value.at).clone();
        Self {
            key: member.key_at.clone(),
            database: place("database_name"),
            username: place("username"),
        }
    }
}

/// A database has one owner and any number of editors and readers; roles and secrets are never shared.
pub(super) fn refuse_collisions(entries: &[(Entry, Places)], problems: &mut Vec<Diagnostic>) {
    let mut owners = BTreeMap::new();
    let mut usernames = BTreeMap::new();
    let mut secrets = BTreeMap::new();
    for (entry, places) in entries {
        let (key, database, username) = (&entry.key, &entry.database, &entry.username);
        if entry.access == AccessLevel::Owner
            && let Some((other, first)) = owners.insert(database, (key, &places.database))
        {
            let what = format!("database `{database}`");
            let hint = "each database has one owner; the others have `access_level` \"editor\" or \"reader\"";
            problems.push(collision(&what, (key, &places.database), (other, first), hint));
        }
        if let Some((other, first)) = usernames.insert(username, (key, &places.username)) {
            let what = format!("username `{username}`");
            let hint = "each entry has a username of its own";
            problems.push(collision(&what, (key, &places.username), (other, first), hint));
        }
        // Two owners of one database have been told of already.
        let earlier = secrets.insert(&entry.secret, (entry, places));
        if let Some((other, first)) = earlier
            && (entry.access, other.access) != (AccessLevel::Owner, AccessLevel::Owner)
        {
            let what = format!("secret `{}`", entry.secret);
            let hint = "an owner's secret goes by its database_name, another's by its key; choose another key";
            problems.push(collision(&what, (key, &places.key), (&other.key, &first.key), hint));
        }
    }
    for (entry, places) in entries {
        if !owners.contains_key(&entry.database) {
            problems.push(
                Diagnostic::at(
                    places.database.clone(),
                    format!("database `{}` has no entry of its owner", entry.database),
                )
                .label(format!("entry `{}` is its {} only", entry.key, entry.access))
                .hint("add an entry with this database_name and no `access_level`"),
            );
        }
    }
}

type Place<'a> = (&'a EntryKey, &'a Position);

fn collision(
    what: &str,
    (key, at): Place<'_>,
    (other, first): Place<'_>,
    hint: &str,
) -> Diagnostic {
    Diagnostic::at(at.clone(), format!("{what} is in two entries, `{other}` and `{key}`"))
        .label(format!("entry `{key}`"))
        .related(first.clone(), format!("entry `{other}`"))
        .hint(hint)
}
