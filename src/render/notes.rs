//! What calls for no step, in words.

use jiff::Timestamp;

use super::words::entry_name;
use crate::access::keywords;
use crate::plan::{Note, Unclaimed};
use crate::sql;

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
        Note::OtherAccessInside { database, role, privileges, objects, future } => {
            let who = role.as_ref().map_or("PUBLIC".to_owned(), |role| format!("role \"{role}\""));
            let (now, later) = (keywords(privileges), keywords(future));
            let held = match (now.is_empty(), later.is_empty()) {
                (true, _) => format!("will hold {later} on future objects"),
                (false, true) => format!("holds {now} on {objects} of the objects"),
                (false, false) => format!(
                    "holds {now} on {objects} of the objects, and will hold {later} on future ones,"
                ),
            };
            format!(
                "{who} {held} in database \"{database}\" and no entry says so; it is left alone"
            )
        }
        Note::PublicSchemaClosedToOwner { database, owner, role } => format!(
            "\"{role}\" cannot create in schema public of database \"{database}\", which belongs to \"{owner}\": if it should, \"{owner}\" must run in it: {}",
            sql::grant_public_schema(role)
        ),
        Note::UnusableSchema { database, schema } => format!(
            "the owner of database \"{database}\" has no USAGE on schema \"{schema}\", so nothing is granted in it"
        ),
        Note::GrantOption { database, role, privileges } => {
            let words: Vec<_> = privileges.iter().map(|privilege| privilege.keyword()).collect();
            let words = words.join(", ");
            format!(
                "role \"{role}\" holds {words} on database \"{database}\" WITH GRANT OPTION, so it can let others in, and PUBLIC; it is left alone"
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
            format!("{}; this goes on with it", unfinished(role, since.as_ref()))
        }
        Note::RotationHeldUp { entry, role, since } => {
            let entry = entry_name(entry.as_ref());
            format!("{}; the obstacle of `{entry}` holds it up", unfinished(role, since.as_ref()))
        }
        Note::NothingToReset { entry } => {
            format!("the password of `{entry}` logs in: --reset-password does nothing")
        }
    }
}

fn unfinished(role: &str, since: Option<&Timestamp>) -> String {
    let since = since.map(|since| format!(" since {}", since.strftime(TIME)));
    format!("rotation of {role} is unfinished{}", since.unwrap_or_default())
}
