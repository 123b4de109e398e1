//! Databases that an entry's role made itself.

use crate::actual::{Actual, Grantee};
use crate::desired::{Desired, Entry};

/// They are as much the tenant's as the one in its entry.
pub(super) fn judge(
    desired: &Desired,
    actual: &Actual,
    entry: &Entry,
    add: &mut impl FnMut(String, String),
) {
    let hint = || format!("`goldenpath-rds apply --env {}` mends it", desired.environment);
    for (name, database) in desired.made_by(entry, actual) {
        if database.is_template {
            add(
                format!(
                    "database \"{name}\", which \"{}\" made, is a template, so every role with CREATEDB may copy it",
                    entry.username
                ),
                hint(),
            );
        }
        let words: Vec<_> =
            database.privileges_of(&Grantee::Public).map(|held| held.keyword()).collect();
        if !words.is_empty() {
            let words = words.join(", ");
            add(
                format!(
                    "PUBLIC holds {words} on database \"{name}\", which \"{}\" made",
                    entry.username
                ),
                hint(),
            );
        }
    }
}
