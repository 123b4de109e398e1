//! Reading what is inside a database.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::SimpleQueryRow;
use tokio_postgres::error::SqlState;

use super::connect::{Access, ConnectFailure, Connector};
use super::error::connect_error;
use super::login::DATABASE_CHECK;
use super::session::{Failure, Session};
use super::snapshot::{flag, text};
use crate::access::{ObjectClass, Privilege};
use crate::actual::{
    AvailableExtension, Contents, DefaultPrivileges, Grantee, ObjectName, PublicSchema, Relation,
    Schema,
};
use crate::error::{Error, Result};
use crate::password::Password;

const PUBLIC_SCHEMA: &str = include_str!("sql/public_schema.sql");
const CONTENTS: &str = include_str!("sql/contents.sql");
const EXTENSIONS: &str = include_str!("sql/extensions.sql");

/// How far a database is looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Schema `public` alone.
    PublicSchema,
    /// The privileges on all that its owner made, too.
    Contents,
}

/// What was found inside a database.
#[derive(Debug)]
pub struct Inside {
    /// Schema `public`.
    pub public_schema: PublicSchema,
    /// The rest, as far as it was asked for.
    pub contents: Option<Contents>,
    /// Why nothing could be read although the database lets us in.
    pub stuck: Option<String>,
}

impl Inside {
    fn not_read(stuck: Option<Error>) -> Self {
        let stuck = stuck.map(|error| error.message().to_owned());
        Self { public_schema: PublicSchema::NotRead, contents: None, stuck }
    }
}

/// Looks into a database. One that does not let us in is not read: its owner can set its connection limit
/// to 0 or take CONNECT from us. Nor is one in which we are kept waiting: its owner can lock its catalogs
/// (VACUUM FULL). Neither must hold up the others.
///
/// # Errors
/// When the server cannot be reached or refuses the query.
pub async fn read_inside(
    connector: &Connector,
    user: &str,
    password: &Password,
    database: &str,
    depth: Depth,
) -> Result<Inside> {
    let session = match connector.open(user, password, database, Access::Read).await {
        Ok(session) => session,
        Err(failure) => {
            let error = connect_error(&failure, connector.target(), user, database);
            return if failure.is_timeout() {
                Ok(Inside::not_read(Some(error)))
            } else if turns_away(&failure) {
                Ok(Inside::not_read(None))
            } else {
                Err(error)
            };
        }
    };
    match read_sets(&session, depth).await {
        Ok((public, contents)) => Ok(Inside {
            public_schema: public_schema(&public),
            contents: contents.map(|sets| read_contents(&sets)).transpose()?,
            stuck: None,
        }),
        Err(failure) if failure.is_timeout() => Ok(Inside::not_read(Some(failure.into_error()))),
        Err(failure) => {
            Err(failure.into_error().context(format!("cannot read database \"{database}\"")))
        }
    }
}

type Sets = Vec<Vec<SimpleQueryRow>>;

async fn read_sets(session: &Session, depth: Depth) -> Result<(Sets, Option<Sets>), Failure> {
    let public = session.try_read(PUBLIC_SCHEMA).await?;
    Ok(match depth {
        Depth::PublicSchema => (public, None),
        Depth::Contents => (public, Some(session.try_read(CONTENTS).await?)),
    })
}

/// The extensions that the server could install.
///
/// # Errors
/// When the server refuses the query.
pub async fn available_extensions(
    session: &Session,
) -> Result<BTreeMap<String, AvailableExtension>> {
    let sets = session.read(EXTENSIONS).await?;
    let extension = |row: &SimpleQueryRow| {
        let schema = row.get(2).map(str::to_owned);
        (text(row, 0).to_owned(), AvailableExtension { needs_superuser: flag(row, 1), schema })
    };
    Ok(sets.first().into_iter().flatten().map(extension).collect())
}

/// Whether it is this database that does not let us in. A password that is not ours, no free slot, and a
/// server that is going down or coming up are no doing of its owner's.
fn turns_away(failure: &ConnectFailure) -> bool {
    let elsewhere = [
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
    ];
    let ConnectFailure::Postgres(error) = failure else { return false };
    error.as_db_error().is_some_and(|error| {
        let is_full = *error.code() == SqlState::TOO_MANY_CONNECTIONS;
        !elsewhere.contains(error.code()) && (!is_full || error.routine() == Some(DATABASE_CHECK))
    })
}

fn public_schema(sets: &Sets) -> PublicSchema {
    let creators = sets.get(1).map(Vec::as_slice).unwrap_or_default();
    sets.first().and_then(|rows| rows.first()).map_or(PublicSchema::Absent, |row| {
        PublicSchema::Present {
            owner: text(row, 0).to_owned(),
            creators: creators.iter().map(|row| text(row, 0).to_owned()).collect(),
            public_may_create: flag(row, 1),
            public_by_other: row.get(2).map(str::to_owned),
        }
    })
}

fn read_contents(sets: &Sets) -> Result<Contents> {
    // The first set is of BEGIN, the last of COMMIT.
    let [_, schemas, on_schemas, relations, on_relations, default_privileges, extensions, _] =
        sets.as_slice()
    else {
        return Err(Error::new(format!("the catalogs came in {} sets instead of 8", sets.len())));
    };
    let mut contents = Contents {
        schemas: schemas.iter().map(schema).collect(),
        relations: relations.iter().map(relation).collect(),
        default_privileges: default_privileges.iter().filter_map(default_privilege).collect(),
        default_grant_options: default_privileges.iter().filter_map(default_grant_option).collect(),
        extensions: extensions.iter().map(|row| text(row, 0).to_owned()).collect(),
        ..Contents::default()
    };
    for row in on_schemas {
        add_on_schema(&mut contents, row);
    }
    for row in on_relations {
        add_on_relation(&mut contents, row);
    }
    Ok(contents)
}

fn add_on_schema(contents: &mut Contents, row: &SimpleQueryRow) {
    let name = text(row, 0);
    if let Some(grantor) = row.get(3) {
        let passed_on = contents.passed_on.entry(ObjectName::schema(name)).or_default();
        passed_on.entry(grantor.to_owned()).or_default().extend(privileges(row, 2));
    } else if let Some(schema) = contents.schemas.get_mut(name) {
        schema.privileges.insert(grantee(row, 1), privileges(row, 2));
        add_grant_options(contents, ObjectName::schema(name), row.get(1), privileges(row, 4));
    }
}

fn add_on_relation(contents: &mut Contents, row: &SimpleQueryRow) {
    let name = ObjectName::within(text(row, 0), text(row, 1));
    let (grantee, held) = (grantee(row, 2), privileges(row, 3));
    if let Some(grantor) = row.get(4) {
        let passed_on = contents.passed_on.entry(name).or_default();
        passed_on.entry(grantor.to_owned()).or_default().extend(held);
        return;
    }
    add_grant_options(contents, name.clone(), row.get(2), privileges(row, 6));
    if flag(row, 5) {
        contents.on_columns.entry(name).or_default().insert(grantee, held);
    } else if let Some(relation) = contents.relations.get_mut(&name) {
        relation.privileges.insert(grantee, held);
    }
}

/// PUBLIC can hold none (0LP01).
fn add_grant_options(
    contents: &mut Contents,
    object: ObjectName,
    role: Option<&str>,
    privileges: BTreeSet<Privilege>,
) {
    if let Some(role) = role.filter(|_| !privileges.is_empty()) {
        let of_object = contents.grant_options.entry(object).or_default();
        of_object.entry(role.to_owned()).or_default().extend(privileges);
    }
}

fn schema(row: &SimpleQueryRow) -> (String, Schema) {
    let (owner, owner_may_use) = (text(row, 1).to_owned(), flag(row, 2));
    let schema = Schema { owner, owner_may_use, privileges: BTreeMap::new() };
    (text(row, 0).to_owned(), schema)
}

fn relation(row: &SimpleQueryRow) -> (ObjectName, Relation) {
    let class = if flag(row, 2) { ObjectClass::Sequence } else { ObjectClass::Table };
    let name = ObjectName::within(text(row, 0), text(row, 1));
    (name, Relation { class, privileges: BTreeMap::new() })
}

fn default_privilege(row: &SimpleQueryRow) -> Option<(DefaultPrivileges, BTreeSet<Privilege>)> {
    Some((which_default(row)?, privileges(row, 3)))
}

fn default_grant_option(row: &SimpleQueryRow) -> Option<(DefaultPrivileges, BTreeSet<Privilege>)> {
    let privileges = privileges(row, 4);
    (!privileges.is_empty()).then_some((which_default(row)?, privileges))
}

/// `None` for functions and types: no access level says anything of them.
fn which_default(row: &SimpleQueryRow) -> Option<DefaultPrivileges> {
    let class = match text(row, 1) {
        "n" => ObjectClass::Schema,
        "r" => ObjectClass::Table,
        "S" => ObjectClass::Sequence,
        _ => return None,
    };
    let schema = row.get(0).map(str::to_owned);
    Some(DefaultPrivileges { schema, class, grantee: grantee(row, 2) })
}

fn grantee(row: &SimpleQueryRow, column: usize) -> Grantee {
    row.get(column).map_or(Grantee::Public, |name| Grantee::Role(name.to_owned()))
}

fn privileges(row: &SimpleQueryRow, column: usize) -> BTreeSet<Privilege> {
    text(row, column).split(',').filter_map(Privilege::parse).collect()
}
