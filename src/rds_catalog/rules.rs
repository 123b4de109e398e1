//! What a record has to be by itself, whatever the other sides say.

use super::{Catalog, Disagreement, Finding, Record};
use crate::enums::Enums;
use crate::size::Size;

/// The rules of the platform that a record breaks, each with its place.
pub(super) fn broken_rules(record: &Record, catalog: &Catalog, enums: &Enums) -> Vec<Finding> {
    let broken = unsaid(record).into_iter().chain(not_listed(record, enums));
    let broken = broken.chain(size(record)).chain(shared_id(record, catalog));
    broken
        .map(|(field, kind)| Finding {
            subject: format!("database {}", record.database),
            kind,
            at: record.place(field).map(ToString::to_string),
        })
        .collect()
}

type Broken = (&'static str, Disagreement);

/// Owner, domain and risk are not among these: they are what is counted of each database.
fn unsaid(record: &Record) -> Vec<Broken> {
    let fields = [
        ("id", record.id.is_some()),
        ("requested_by", record.requested_by.is_some()),
        ("status", record.status.is_some()),
        ("created_date", record.created_date.is_some()),
        ("size_tier", record.size.is_some()),
    ];
    let unsaid = fields.into_iter().filter(|(_, said)| !said);
    unsaid.map(|(field, _)| (field, Disagreement::Unsaid { field })).collect()
}

/// An owner that is no team answers for nothing.
fn not_listed(record: &Record, enums: &Enums) -> Vec<Broken> {
    let fields =
        [("owner", &record.owner, &enums.owners), ("domain", &record.domain, &enums.domains)];
    let unknown = fields.into_iter().filter_map(|(field, word, list)| {
        let word = word.as_ref()?.to_string();
        (!list.contains(&word)).then_some((field, Disagreement::NotListed { field, word }))
    });
    unknown.collect()
}

/// What a request would be refused for did not get better by being written by hand.
fn size(record: &Record) -> Option<Broken> {
    let (field, size) = ("size_tier", record.size?);
    let allowed = Size::allowed_in(&record.environment);
    let words: Vec<&str> = allowed.iter().map(|size| size.as_str()).collect();
    let (word, allowed_words) = (size.to_string(), words.join(", "));
    let kind = Disagreement::NotAllowed { field, word, allowed: allowed_words };
    (!allowed.contains(&size)).then_some((field, kind))
}

/// Ids become tags, and are to name one database among all environments. Of two records of one
/// environment the later one is told.
fn shared_id(record: &Record, catalog: &Catalog) -> Option<Broken> {
    let id = record.id.as_ref()?;
    let here = catalog.records.iter().position(|other| other.key == record.key)?;
    let (_, other) = catalog.records.iter().enumerate().find(|(at, other)| {
        let counts = *at < here || other.environment != record.environment;
        counts && other.key != record.key && other.id.as_ref() == Some(id)
    })?;
    let kind = Disagreement::Shared {
        field: "id",
        word: id.to_string(),
        with: other.key.clone(),
        other_at: other.place("id").map(ToString::to_string),
    };
    Some(("id", kind))
}
