//! Which requests a change of the catalog contains.

use serde::Serialize;

use crate::rds_catalog::{Catalog, Record};

/// A record that a change adds, alters or removes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// The record after the change; a removed one as it was.
    pub record: &'a Record,
    /// What happens to it.
    pub kind: Kind,
}

/// What happens to a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Kind {
    /// It is new.
    Added,
    /// These fields differ.
    Altered {
        /// Their names.
        fields: Vec<&'static str>,
    },
    /// It goes.
    Removed,
}

/// Compares two catalogs. The status of a database is what `apply` made of it and is nobody's request.
#[must_use]
pub fn changes<'a>(base: &'a Catalog, head: &'a Catalog) -> Vec<Change<'a>> {
    let find =
        |catalog: &'a Catalog, record: &Record| catalog.get(&record.environment, &record.database);
    let kept = head.records.iter().filter_map(|record| {
        let kind = match find(base, record) {
            None => Kind::Added,
            Some(before) => Kind::Altered { fields: differing(before, record) },
        };
        (kind != Kind::Altered { fields: Vec::new() }).then_some(Change { record, kind })
    });
    let removed = base.records.iter().filter(|record| find(head, record).is_none());
    kept.chain(removed.map(|record| Change { record, kind: Kind::Removed })).collect()
}

fn differing(before: &Record, after: &Record) -> Vec<&'static str> {
    let fields = [
        ("key", before.key == after.key),
        ("id", before.id == after.id),
        ("owner", before.owner == after.owner),
        ("requested_by", before.requested_by == after.requested_by),
        ("domain", before.domain == after.domain),
        ("risk", before.risk == after.risk),
        ("username", before.username == after.username),
        ("size_tier", before.size == after.size),
        ("instance_class", before.instance_class == after.instance_class),
        ("secret_path", before.secret_path == after.secret_path),
    ];
    fields.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
}
