//! Grants that the owner of an object cannot take back: another made them, by a grant option. Only REVOKE …
//! CASCADE ends them, and what else that takes away is for a person to judge.

use std::collections::BTreeSet;

use postgres_protocol::escape::escape_identifier;

use super::findings::Findings;
use crate::access::keywords;
use crate::actual::{Database, DatabasePrivilege};
use crate::name::DatabaseName;
use crate::plan::{ObjectPrivileges, ObstacleKind};
use crate::sql::{self, Taken};

const CASCADES: &str = "it takes away what depends on it, too";

/// What PUBLIC holds on a database. Whether there is such a thing.
pub(super) fn on_database(name: &str, database: &Database, findings: &mut Findings) -> bool {
    let Some((grantor, privileges)) = database.public_by_others.first_key_value() else {
        return false;
    };
    let words: Vec<_> = privileges.iter().map(|privilege| privilege.keyword()).collect();
    let words = words.join(", ");
    let object = format!("DATABASE {}", escape_identifier(name));
    findings.obstacle(
        ObstacleKind::ForeignGrant,
        format!("PUBLIC holds {words} on database \"{name}\" by a grant of \"{grantor}\", which the owner cannot revoke"),
        format!("run `{}`: {CASCADES}", as_owner(&database.owner, &revoke_option(&words, &object, grantor))),
    );
    true
}

/// That PUBLIC may create in schema `public` of a database.
pub(super) fn on_public_schema(
    database: &str,
    owner: &str,
    grantor: &str,
    findings: &mut Findings,
) {
    let revoke = as_owner(owner, &revoke_option("CREATE", "SCHEMA public", grantor));
    findings.obstacle(
        ObstacleKind::ForeignGrant,
        format!("PUBLIC may create in schema public of database \"{database}\" by a grant of \"{grantor}\", which the owner cannot revoke"),
        format!("run in \"{database}\": `{revoke}`: {CASCADES}"),
    );
}

/// What a role holds on objects and has granted to others.
pub(super) fn passed_on(taken: Taken, held: &ObjectPrivileges, findings: &mut Findings) {
    let ObjectPrivileges { database, owner: _, class, objects, privileges, role } = held;
    let objects: Vec<_> = objects.iter().map(ToString::to_string).collect();
    let what = match taken {
        Taken::Privileges => "",
        Taken::GrantOption => "the GRANT OPTION for ",
    };
    findings.obstacle(
        ObstacleKind::PassedOn,
        format!(
            "role \"{role}\" is to lose {what}{} on {} {} in database \"{database}\", and has granted it to others",
            keywords(privileges),
            class.keyword(),
            objects.join(", "),
        ),
        format!("run in \"{database}\": `{}`: {CASCADES}", sql::revoke_cascade(taken, held)),
    );
}

/// What a role may pass on of a database, and did.
pub(super) fn database_passed_on(
    database: &DatabaseName,
    owner: &str,
    role: &str,
    privileges: &BTreeSet<DatabasePrivilege>,
    findings: &mut Findings,
) {
    let words: Vec<_> = privileges.iter().map(|privilege| privilege.keyword()).collect();
    let words = words.join(", ");
    let object = format!("DATABASE {}", escape_identifier(database.as_str()));
    findings.obstacle(
        ObstacleKind::PassedOn,
        format!("role \"{role}\" is to lose the GRANT OPTION for {words} on database \"{database}\", and has granted it to others"),
        format!("run `{}`: {CASCADES}", as_owner(owner, &revoke_option(&words, &object, role))),
    );
}

/// Said by the master as itself, it could count as said by a third.
fn as_owner(owner: &str, statement: &str) -> String {
    format!("SET ROLE {}; {statement}", escape_identifier(owner))
}

/// Ends what a grantor has granted to others.
pub(super) fn revoke_option(privileges: &str, object: &str, grantor: &str) -> String {
    let grantor = escape_identifier(grantor);
    format!("REVOKE GRANT OPTION FOR {privileges} ON {object} FROM {grantor} CASCADE")
}
