//! `verify`: read who may connect to what, log in with each secret, judge. Changes nothing.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};

use super::connections::Connections;
use super::observe::Scene;
use super::{mint, observe, variables};
use crate::audit::unsettled;
use crate::cli::{Format, Global, VerifyArgs};
use crate::desired::{Desired, Entry};
use crate::error::{Error, Result};
use crate::name::EntryKey;
use crate::output::Output;
use crate::postgres::{Access, LoginOutcome, read_matrix, try_login};
use crate::render;
use crate::secrets_manager::Which;
use crate::tfvars::Argument;
use crate::verification::{Credential, Verification, judge};

pub(super) async fn run(
    global: &Global,
    args: &VerifyArgs,
    arguments: &[Argument],
    output: Output,
) -> Result<u8> {
    let environment = variables::environment(global)?;
    let desired = variables::desired(global, &environment, &args.planning(), arguments, output)?;
    let mut connections = Connections::open(global, &environment, "verify", output).await?;
    let session = connections.session(Access::Read, output).await?;
    let parallelism = usize::from(global.parallelism);
    let (goal, new) = (observe::Goal::Match, mint());
    let scene = Scene {
        connections: &connections,
        session: &session,
        desired: &desired,
        unsettled: &unsettled(&global.root, &environment)?,
        parallelism,
    };
    let (actual, _) = observe::plan(&scene, &goal, &new).await?;
    let matrix = read_matrix(&session).await?;
    let credentials = try_all(&connections, &desired, parallelism).await;
    let found = judge(&desired, &actual, matrix, credentials);
    output.result(&rendered(&found, global.format, output)?);
    Ok(if found.wrong.is_empty() { 0 } else { 2 })
}

async fn try_all(
    connections: &Connections,
    desired: &Desired,
    parallelism: usize,
) -> BTreeMap<EntryKey, Credential> {
    stream::iter(desired.entries.values())
        .map(|entry| async { (entry.key.clone(), try_one(connections, entry).await) })
        .buffer_unordered(parallelism)
        .collect()
        .await
}

async fn try_one(connections: &Connections, entry: &Entry) -> Credential {
    let (works, remark) = match log_in(connections, entry).await {
        Ok(LoginOutcome::Accepted) => (true, None),
        // That an application has all connections that it may have is no fault of its secret.
        Ok(LoginOutcome::AtLimit) => (true, Some("the role is at its connection limit".to_owned())),
        Ok(
            LoginOutcome::Refused(why) | LoginOutcome::TurnedAway(why) | LoginOutcome::Failed(why),
        ) => (false, Some(why)),
        Err(error) => (false, Some(error.message().to_owned())),
    };
    Credential { secret: entry.secret.clone(), works, remark }
}

/// With what the secret says, as an application would; but where we connect.
async fn log_in(connections: &Connections, entry: &Entry) -> Result<LoginOutcome> {
    let document = connections.secrets.document(entry.secret.as_str(), Which::Current).await?;
    let fields = document.connection();
    let endpoint = &connections.master.endpoint;
    let port = endpoint.port.to_string();
    for (name, found, wanted) in [
        ("username", &fields.username, entry.username.as_str()),
        ("dbname", &fields.dbname, entry.database.as_str()),
        ("host", &fields.host, &endpoint.host),
        ("port", &fields.port, &port),
    ] {
        if found.as_deref() != Some(wanted) {
            let found = found.as_deref().unwrap_or("nothing");
            return Err(Error::new(format!("its `{name}` is {found}, not {wanted}")));
        }
    }
    let (user, database) = (entry.username.as_str(), entry.database.as_str());
    Ok(try_login(&connections.connector, user, &document.password, database).await)
}

fn rendered(found: &Verification, format: Format, output: Output) -> Result<String> {
    match format {
        Format::Human => Ok(render::verification(found, output.color)),
        Format::Markdown | Format::Github => Ok(render::verification_markdown(found)),
        Format::Json => serde_json::to_string_pretty(found)
            .map(|text| text + "\n")
            .map_err(|error| Error::new(format!("cannot write JSON: {error}"))),
    }
}
