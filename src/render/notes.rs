//! What calls for no step, in words.

use crate::plan::{Note, Unclaimed};

/// Times to the second, in UTC.
const TIME: &str = "%Y-%m-%dT%H:%M:%SZ";

pub(super) fn unclaimed(unclaimed: &Unclaimed) -> String {
    let name = match unclaimed {
        Unclaimed::Role(name) => format!("role \"{name}\""),
        Unclaimed::Database(name) => format!("database \"{name}\""),
        Unclaimed::Secret(name) => format!("secret {name}"),
    };
    format!("{name} is marked as ours, but no variable file has it; it is left alone")
}

pub(super) fn note(note: &Note) -> String {
    match note {
        Note::NoEntries => "`application_databases` is empty".to_owned(),
        Note::ServerIsOpen { databases } => {
            let names: Vec<_> = databases.iter().map(|name| format!("\"{name}\"")).collect();
            format!(
                "every role can connect to {}; --isolate-server closes them to PUBLIC",
                names.join(", ")
            )
        }
        Note::Encoding { database, encoding } => {
            format!(
                "database \"{database}\" has encoding {encoding}; only a dump and restore changes it"
            )
        }
        Note::NotRead { database } => {
            format!("database \"{database}\" does not let us in, so what is inside it was not read")
        }
        Note::OtherAccess { database, role, privileges } => {
            let words: Vec<_> = privileges.iter().map(|privilege| privilege.keyword()).collect();
            let words = words.join(", ");
            format!(
                "role \"{role}\" holds {words} on database \"{database}\" and no entry says so; it is left alone"
            )
        }
        Note::Memberships { role, of } => {
            let names: Vec<_> = of.iter().map(|name| format!("\"{name}\"")).collect();
            format!(
                "role \"{role}\" is a member of {} and has the rights of it; it is left alone",
                names.join(", ")
            )
        }
        Note::NothingDue => "no password is due".to_owned(),
        Note::UnfinishedRotation { entry: _, role, since } => {
            let since = since.map(|since| format!(" since {}", since.strftime(TIME)));
            format!(
                "rotation of {role} is unfinished{}; this goes on with it",
                since.unwrap_or_default()
            )
        }
        Note::NothingToReset { entry } => {
            format!("the password of `{entry}` logs in: --reset-password does nothing")
        }
    }
}
