//! The entries of the variable files against server and secrets.

use super::agreement::{differs, missing};
use super::{Catalog, Disagreement, Finding, Record, Side, Status};
use crate::access::AccessLevel;
use crate::actual::{Actual, Database, Secret};
use crate::desired::{Desired, Entry};

/// Compares every entry: its role, its secret, and the database of an owner. What is only asked for yet is
/// not missed.
pub(super) fn compare_live(desired: &Desired, catalog: &Catalog, actual: &Actual) -> Vec<Finding> {
    let checks = desired.entries.values().map(|entry| Check {
        desired,
        entry,
        record: catalog.get(&desired.environment, &entry.database),
        actual,
    });
    checks.flat_map(|check| check.findings()).collect()
}

struct Check<'a> {
    desired: &'a Desired,
    entry: &'a Entry,
    /// What the catalog says of the entry's database.
    record: Option<&'a Record>,
    actual: &'a Actual,
}

impl<'a> Check<'a> {
    fn findings(&self) -> Vec<Finding> {
        let mut findings = self.absent();
        if self.entry.access == AccessLevel::Owner {
            findings.extend(self.status());
            findings.extend(self.database().into_iter().flat_map(|found| self.of_database(found)));
        }
        findings.extend(self.secret().into_iter().flat_map(|found| self.of_secret(found)));
        findings
    }

    fn database(&self) -> Option<&'a Database> {
        self.actual.databases.get(self.entry.database.as_str())
    }

    fn secret(&self) -> Option<&'a Secret> {
        self.actual.secrets.get(self.entry.secret.as_str())
    }

    fn secret_name(&self) -> String {
        format!("secret {}", self.entry.secret)
    }

    fn database_name(&self) -> String {
        format!("database {}", self.entry.database)
    }

    /// What the entry asks for, where it belongs, and whether it is there.
    fn parts(&self) -> Vec<(Side, String, bool)> {
        let role = self.actual.roles.contains_key(self.entry.username.as_str());
        let mut parts = vec![
            (Side::Server, format!("role {}", self.entry.username), role),
            (Side::Secrets, self.secret_name(), self.secret().is_some()),
        ];
        if self.entry.access == AccessLevel::Owner {
            parts.insert(1, (Side::Server, self.database_name(), self.database().is_some()));
        }
        parts
    }

    fn is_awaited(&self) -> bool {
        match self.record.and_then(|record| record.status) {
            Some(Status::Pending | Status::Failed) => true,
            Some(Status::Active | Status::Deprecated) | None => false,
        }
    }

    fn absent(&self) -> Vec<Finding> {
        if self.is_awaited() {
            return Vec::new();
        }
        let absent = self.parts().into_iter().filter(|(_, _, there)| !there);
        absent.map(|(side, subject, _)| missing(subject, (side, Side::Variables), None)).collect()
    }

    /// All is there, and the catalog still waits for it.
    fn status(&self) -> Option<Finding> {
        if !self.is_awaited() || self.parts().iter().any(|(_, _, there)| !there) {
            return None;
        }
        let said = self.record?.status.map(|status| status.to_string());
        let done = Some(Status::Active.to_string());
        let sides = ((Side::Catalog, said), (Side::Server, done));
        differs(self.record, self.database_name(), "status", sides.0, sides.1)
    }

    fn of_database(&self, database: &Database) -> Vec<Finding> {
        let owner = differs(
            None,
            self.database_name(),
            "owner_role",
            (Side::Variables, Some(self.entry.username.to_string())),
            (Side::Server, Some(database.owner.clone())),
        );
        let comment = self.entry.database_comment(&self.desired.environment);
        let comment = differs(
            None,
            self.database_name(),
            "comment",
            (Side::Catalog, Some(comment)),
            (Side::Server, database.comment.clone()),
        );
        owner.into_iter().chain(comment).collect()
    }

    /// Told of an entry that is only asked for, too: nobody means to make what is on its way out.
    fn of_secret(&self, secret: &Secret) -> Vec<Finding> {
        if secret.is_scheduled_for_deletion {
            let kind = Disagreement::ScheduledForDeletion;
            return vec![Finding { subject: self.secret_name(), kind, at: None }];
        }
        // What the catalog does not say is counted as not governed; a tag that says it is no contradiction.
        let wanted = self.entry.tags(&self.actual.server.endpoint, &self.desired.environment);
        let tags = wanted.into_iter().filter_map(|(tag, said)| {
            let found = (Side::Secrets, secret.tags.get(&tag).cloned());
            differs(None, self.secret_name(), &tag, (side_of(&tag), Some(said)), found)
        });
        tags.collect()
    }
}

/// Where the value of a tag comes from.
fn side_of(tag: &str) -> Side {
    match tag {
        "Database" | "Username" => Side::Variables,
        "Endpoint" => Side::Server,
        "ManagedBy" | "Environment" => Side::Apply,
        _ => Side::Catalog,
    }
}
