//! Isolation as evidence: who can connect to what as the server itself says it, and whether each secret
//! logs in. Facts, and the judgement of them; nothing here reads.

mod made;
mod matrix;
mod role;
mod server;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::actual::{Actual, DatabasePrivilege, Endpoint, Grantee, PublicSchema};
use crate::desired::{Desired, Entry};
use crate::name::{EntryKey, Environment, SecretName};
pub use server::{put_right, refused_current};

/// What was found, and what of it is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The environment.
    pub environment: Environment,
    /// The server.
    pub endpoint: Endpoint,
    /// The databases, the columns of the matrix.
    pub databases: BTreeSet<String>,
    /// Roles that may log in, and the databases that each may connect to; the rows of the matrix.
    pub roles: BTreeMap<String, BTreeSet<String>>,
    /// What PUBLIC, and so every role, may do with each database; the databases with nothing are left out.
    pub public: BTreeMap<String, BTreeSet<DatabasePrivilege>>,
    /// Whether each entry's secret logs in.
    pub credentials: BTreeMap<EntryKey, Credential>,
    /// What is not as it should be.
    pub wrong: Vec<Wrong>,
}

/// What came of logging in with a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Credential {
    /// The secret.
    pub secret: SecretName,
    /// Whether the server took what stands in it.
    pub works: bool,
    /// Why it did not, or what else there is to say.
    pub remark: Option<String>,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wrong {
    /// The entry; `None` for the server itself.
    pub entry: Option<EntryKey>,
    /// What is wrong.
    pub message: String,
    /// What to do next, where the message does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Roles that may log in, no superusers among them, and the databases that each may connect to.
pub type Matrix = BTreeMap<String, BTreeSet<String>>;

/// Puts the facts together and judges them.
#[must_use]
pub fn judge(
    desired: &Desired,
    actual: &Actual,
    roles: Matrix,
    credentials: BTreeMap<EntryKey, Credential>,
) -> Verification {
    let public = public_privileges(actual);
    let mut wrong = Vec::new();
    for entry in desired.entries.values() {
        let of = || Some(entry.key.clone());
        role::judge(desired, actual, entry, &mut |message, hint| {
            wrong.push(Wrong { entry: of(), message, hint: Some(hint) });
        });
        made::judge(desired, actual, entry, &mut |message, hint| {
            wrong.push(Wrong { entry: of(), message, hint: Some(hint) });
        });
        if desired.owner_of(&entry.database) == Some(entry) {
            role::judge_members(desired, actual, entry, &mut |message, hint| {
                wrong.push(Wrong { entry: of(), message, hint: Some(hint) });
            });
        }
        matrix::judge(entry, &roles, actual, &mut |message, hint| {
            wrong.push(Wrong { entry: of(), message, hint });
        });
        let mut add = |message| wrong.push(Wrong { entry: of(), message, hint: None });
        judge_database(desired, entry, actual, &public, &mut add);
        matrix::judge_strangers(desired, entry, &roles, actual, &mut add);
        let credential = credentials.get(&entry.key).filter(|found| !found.works);
        if let Some(Credential { secret, remark, .. }) = credential {
            add(format!("secret `{secret}` does not log in: {}", remark.as_deref().unwrap_or("?")));
        }
    }
    server::judge(desired, actual, &public, &mut |message, hint| {
        wrong.push(Wrong { entry: None, message, hint: Some(hint) });
    });
    Verification {
        environment: desired.environment.clone(),
        endpoint: actual.server.endpoint.clone(),
        databases: actual.databases.keys().filter(|name| *name != "template0").cloned().collect(),
        roles,
        public,
        credentials,
        wrong,
    }
}

fn public_privileges(actual: &Actual) -> BTreeMap<String, BTreeSet<DatabasePrivilege>> {
    let held = actual.databases.iter().filter(|(name, _)| *name != "template0");
    held.map(|(name, database)| (name.clone(), database.privileges_of(&Grantee::Public).collect()))
        .filter(|(_, privileges): &(_, BTreeSet<_>)| !privileges.is_empty())
        .collect()
}

fn connects(privileges: &BTreeSet<DatabasePrivilege>) -> bool {
    privileges.contains(&DatabasePrivilege::Connect)
}

fn judge_database(
    desired: &Desired,
    entry: &Entry,
    actual: &Actual,
    public: &BTreeMap<String, BTreeSet<DatabasePrivilege>>,
    add: &mut impl FnMut(String),
) {
    let name = &entry.database;
    if desired.owner_of(name) != Some(entry) {
        return;
    }
    let Some(database) = actual.databases.get(name.as_str()) else {
        return add(format!("there is no database \"{name}\""));
    };
    if database.owner != entry.username.as_str() {
        add(format!(
            "database \"{name}\" belongs to \"{}\", not to \"{}\"",
            database.owner, entry.username
        ));
    }
    if let Some(held) = public.get(name.as_str()) {
        let words: Vec<_> = held.iter().map(|privilege| privilege.keyword()).collect();
        add(format!("PUBLIC holds {} on database \"{name}\"", words.join(", ")));
    }
    let is_entrys =
        |role: &str| desired.entries.values().any(|entry| entry.username.as_str() == role);
    for (role, held) in database.grant_options.iter().filter(|(role, _)| is_entrys(role)) {
        let words: Vec<_> = held.iter().map(|privilege| privilege.keyword()).collect();
        let words = words.join(", ");
        add(format!(
            "role \"{role}\" holds {words} on database \"{name}\" WITH GRANT OPTION, so it can let others in, and PUBLIC"
        ));
    }
    if database.is_template {
        add(format!("database \"{name}\" is a template, so every role with CREATEDB may copy it"));
    }
    match &database.public_schema {
        PublicSchema::Present { public_may_create: true, .. } => {
            add(format!("PUBLIC may create objects in schema public of database \"{name}\""));
        }
        PublicSchema::NotRead => {
            add(format!(
                "database \"{name}\" does not let us in, so what is inside it could not be looked at"
            ));
        }
        PublicSchema::Present { public_may_create: false, .. } | PublicSchema::Absent => {}
    }
}
