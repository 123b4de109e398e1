//! Reading the catalogs.

use std::collections::{BTreeMap, BTreeSet};

use postgres_protocol::escape::escape_literal;
use tokio_postgres::SimpleQueryRow;

use super::memberships::{self, Grant};
use super::session::Session;
use crate::actual::{Database, DatabasePrivilege, Grantee, Login, Membership, PublicSchema, Role};
use crate::error::{Error, Result};
use crate::name::DatabaseName;

const SNAPSHOT: &str = include_str!("sql/snapshot.sql");
const OWNERS: &str = include_str!("sql/owners.sql");

/// What the shared catalogs say.
pub struct Snapshot {
    /// The role we are logged in as.
    pub master: String,
    /// All roles by name.
    pub roles: BTreeMap<String, Role>,
    /// All databases by name; what is inside them is not read.
    pub databases: BTreeMap<String, Database>,
}

/// Reads the shared catalogs, in one round trip and as of one moment.
///
/// # Errors
/// When the server refuses or its answer has an unknown form.
pub async fn snapshot(session: &Session) -> Result<Snapshot> {
    // Before PostgreSQL 16 it was the member that inherited or not, every membership carried SET ROLE, and
    // whoever had ADMIN OPTION could revoke it.
    let options = if session.server_version() >= 160_000 {
        "m.inherit_option, m.set_option, pg_get_userbyid(m.grantor)"
    } else {
        "(SELECT r.rolinherit FROM pg_roles r WHERE r.oid = m.member), true, NULL"
    };
    let sql = SNAPSHOT.replace("$MEMBERSHIP_OPTIONS$", options);
    let sets =
        session.read(&sql).await.map_err(|error| error.context("cannot read the catalogs"))?;
    // The first set is of BEGIN, the last of COMMIT.
    let [_, master, databases, privileges, owners, roles, memberships, _] = sets.as_slice() else {
        return Err(Error::new(format!("the catalogs came in {} sets instead of 8", sets.len())));
    };
    let is_replica = master.first().is_some_and(|row| flag(row, 1));
    if is_replica {
        return Err(Error::new("the server is a read replica: nothing can be changed on it")
            .hint("the master secret's `host`, or --host, must name the writer"));
    }
    let master = master.first().map_or("", |row| text(row, 0)).to_owned();
    let mut snapshot = Snapshot {
        roles: roles.iter().map(role).collect::<Result<_>>()?,
        databases: databases.iter().map(database).collect::<Result<_>>()?,
        master,
    };
    add_privileges(&mut snapshot.databases, privileges);
    for row in owners {
        if let Some(database) = snapshot.databases.get_mut(text(row, 0)) {
            database.owners_inside.insert(text(row, 1).to_owned());
        }
    }
    let grants: Vec<_> = memberships.iter().map(Grant::of).collect();
    memberships::add(&mut snapshot.roles, &snapshot.master, &grants);
    Ok(snapshot)
}

/// Who owns something in a database, superusers left out.
///
/// # Errors
/// When the server refuses the query.
pub async fn owners_inside(session: &Session, database: &DatabaseName) -> Result<BTreeSet<String>> {
    let database = escape_literal(database.as_str());
    let sets = session.read(&OWNERS.replace("$DATABASE$", &database)).await?;
    Ok(sets.iter().flatten().map(|row| text(row, 0).to_owned()).collect())
}

fn database(row: &SimpleQueryRow) -> Result<(String, Database)> {
    let database = Database {
        owner: text(row, 1).to_owned(),
        allows_connections: flag(row, 2),
        is_invalid: flag(row, 3),
        is_template: flag(row, 7),
        connection_limit: number(row, 6, "datconnlimit")?,
        encoding: text(row, 4).to_owned(),
        privileges: BTreeMap::new(),
        public_by_others: BTreeMap::new(),
        grant_options: BTreeMap::new(),
        passed_on: BTreeMap::new(),
        comment: row.get(5).map(str::to_owned),
        public_schema: PublicSchema::NotRead,
        contents: None,
        stuck: None,
        owners_inside: BTreeSet::new(),
    };
    Ok((text(row, 0).to_owned(), database))
}

fn number(row: &SimpleQueryRow, column: usize, name: &str) -> Result<i32> {
    let found = text(row, column);
    found.parse().map_err(|_| Error::new(format!("{name} is `{found}`, not a number")))
}

fn role(row: &SimpleQueryRow) -> Result<(String, Role)> {
    let words = [(4, "SUPERUSER"), (5, "REPLICATION"), (6, "BYPASSRLS")];
    let role = Role {
        can_login: flag(row, 1),
        can_create_databases: flag(row, 2),
        can_create_roles: flag(row, 3),
        superuser_attributes: words
            .into_iter()
            .filter(|(column, _)| flag(row, *column))
            .map(|(_, word)| word)
            .collect(),
        connection_limit: number(row, 7, "rolconnlimit")?,
        inherits: flag(row, 10),
        expires: flag(row, 8),
        comment: row.get(9).map(str::to_owned),
        master: Membership::default(),
        parents: BTreeMap::new(),
        administrators: BTreeSet::new(),
        member_of: BTreeSet::new(),
        login: Login::NotTried,
    };
    Ok((text(row, 0).to_owned(), role))
}

fn add_privileges(databases: &mut BTreeMap<String, Database>, rows: &[SimpleQueryRow]) {
    for row in rows {
        let privilege = match text(row, 2) {
            "CONNECT" => DatabasePrivilege::Connect,
            "CREATE" => DatabasePrivilege::Create,
            "TEMPORARY" => DatabasePrivilege::Temporary,
            // A privilege that a later PostgreSQL may bring is not ours to judge.
            _ => continue,
        };
        let grantee = row.get(1).map_or(Grantee::Public, |name| Grantee::Role(name.to_owned()));
        let Some(database) = databases.get_mut(text(row, 0)) else { continue };
        let grantor = text(row, 3);
        if grantee == Grantee::Public && grantor != database.owner {
            let by_others = database.public_by_others.entry(grantor.to_owned()).or_default();
            by_others.insert(privilege);
        }
        if grantor != database.owner {
            database.passed_on.entry(grantor.to_owned()).or_default().insert(privilege);
        } else if let Grantee::Role(role) = &grantee
            && flag(row, 4)
            && *role != database.owner
        {
            database.grant_options.entry(role.clone()).or_default().insert(privilege);
        }
        database.privileges.entry(grantee).or_default().insert(privilege);
    }
}

pub(super) fn text(row: &SimpleQueryRow, column: usize) -> &str {
    row.get(column).unwrap_or_default()
}

pub(super) fn flag(row: &SimpleQueryRow, column: usize) -> bool {
    row.get(column) == Some("t")
}
