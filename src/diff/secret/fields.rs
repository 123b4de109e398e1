//! What a secret says beside the password: its fields and its tags.

use std::collections::BTreeMap;

use crate::actual::{ConnectionFields, Content, Secret, Version};
use crate::diff::Context;
use crate::plan::Connection;

pub(super) fn connection(context: &Context<'_>) -> Connection {
    Connection {
        username: context.entry.username.clone(),
        dbname: context.entry.database.clone(),
        endpoint: context.actual.server.endpoint.clone(),
    }
}

/// What differs between the fields of a version and the entry, in words.
pub(super) fn drift(context: &Context<'_>, secret: &Secret, version: &Version) -> Option<String> {
    let wanted = connection(context);
    let found = match &version.content {
        Content::Connection(fields) => fields.clone(),
        Content::NotRead => fields_of_tags(&secret.tags, &wanted),
        Content::Malformed(_) => return None,
    };
    let port = wanted.endpoint.port.to_string();
    let fields = [
        ("username", found.username, wanted.username.as_str()),
        ("host", found.host, &wanted.endpoint.host),
        ("port", found.port, &port),
        ("dbname", found.dbname, wanted.dbname.as_str()),
    ];
    let differing: Vec<_> = fields
        .into_iter()
        .filter(|(_, found, wanted)| found.as_deref() != Some(wanted))
        .map(|(name, found, wanted)| match found {
            Some(found) => format!("{name} `{found}` -> `{wanted}`"),
            None => format!("{name} `{wanted}` is missing"),
        })
        .collect();
    (!differing.is_empty()).then(|| differing.join(", "))
}

/// The role that a version's password is of, as it says itself or, where it says nothing, as the tags do.
pub(super) fn username<'a>(secret: &'a Secret, version: &'a Version) -> Option<&'a str> {
    match &version.content {
        Content::Connection(fields) => fields.username.as_deref(),
        Content::NotRead | Content::Malformed(_) => secret.tags.get("Username").map(String::as_str),
    }
}

/// What the tags claim of a version that was not read; a tag that is missing claims nothing false.
fn fields_of_tags(tags: &BTreeMap<String, String>, wanted: &Connection) -> ConnectionFields {
    let tag = |name: &str, otherwise: String| Some(tags.get(name).cloned().unwrap_or(otherwise));
    let endpoint = tags.get("Endpoint").and_then(|endpoint| endpoint.rsplit_once(':'));
    let part = |part: Option<&str>, otherwise: String| Some(part.map_or(otherwise, str::to_owned));
    ConnectionFields {
        username: tag("Username", wanted.username.to_string()),
        host: part(endpoint.map(|(host, _)| host), wanted.endpoint.host.clone()),
        port: part(endpoint.map(|(_, port)| port), wanted.endpoint.port.to_string()),
        dbname: tag("Database", wanted.dbname.to_string()),
    }
}

pub(super) fn wanted_tags(context: &Context<'_>) -> BTreeMap<String, String> {
    context.entry.tags(&context.actual.server.endpoint, &context.desired.environment)
}

pub(super) fn differing_tags(context: &Context<'_>, secret: &Secret) -> BTreeMap<String, String> {
    let mut tags = wanted_tags(context);
    tags.retain(|name, value| secret.tags.get(name) != Some(value));
    tags
}
