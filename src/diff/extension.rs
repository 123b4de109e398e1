//! The extensions that an entry asks for.

use super::Context;
use super::access::contents;
use super::findings::Findings;
use crate::actual::Contents;
use crate::name::ExtensionName;
use crate::plan::{Change, ObstacleKind};

pub(super) fn compare(context: &Context<'_>, findings: &mut Findings) {
    if context.entry.extensions.is_empty() {
        return;
    }
    let Some(contents) = contents(context) else { return };
    let installed = |extension: &&ExtensionName| contents.extensions.contains(extension.as_str());
    for extension in context.entry.extensions.iter().filter(|extension| !installed(extension)) {
        compare_one(context, &contents, extension, findings);
    }
}

fn compare_one(
    context: &Context<'_>,
    contents: &Contents,
    extension: &ExtensionName,
    findings: &mut Findings,
) {
    let (entry, server) = (context.entry, &context.actual.server);
    let database = &entry.database;
    match server.extensions.get(extension.as_str()) {
        None => findings.obstacle(
            ObstacleKind::Extension,
            format!("the server has no extension \"{extension}\""),
            "correct the entry; `SELECT name FROM pg_available_extensions` lists what there is",
        ),
        Some(available) if available.needs_superuser => findings.obstacle(
            ObstacleKind::Extension,
            format!("extension \"{extension}\" is not trusted: only a superuser may create it, not the owner of a database"),
            format!("on RDS \"{}\" can: once the database is there, run in \"{database}\": CREATE EXTENSION \"{extension}\"", server.master),
        ),
        Some(available)
            if available.schema.is_none() && !contents.schemas.contains_key("public") =>
        {
            findings.obstacle(
                ObstacleKind::Extension,
                format!("extension \"{extension}\" goes into schema public, which database \"{database}\" does not have"),
                format!("as \"{}\" run in \"{database}\": CREATE EXTENSION \"{extension}\" SCHEMA …, or CREATE SCHEMA public", entry.username),
            );
        }
        Some(available) => {
            let change = Change::CreateExtension {
                database: database.clone(),
                owner: entry.username.clone(),
                extension: extension.clone(),
                schema: available.schema.is_none().then_some("public"),
            };
            findings.step(change, "the entry asks for it");
        }
    }
}
