//! `tfvars`: read, show.

use super::variables;
use crate::cli::{Format, Global, TfvarsArgs};
use crate::desired::VARIABLE;
use crate::error::{Error, Result};
use crate::output::Output;
use crate::tfvars::{Argument, document, human};

pub(super) fn run(
    global: &Global,
    args: &TfvarsArgs,
    arguments: &[Argument],
    output: Output,
) -> Result<u8> {
    let environment = variables::environment(global)?;
    let (variables, value) = variables::listed(global, &environment, arguments, output)?;
    if args.json || global.format == Format::Json {
        let text = serde_json::to_string_pretty(&document(&variables, VARIABLE, &value))
            .map_err(|error| Error::new(format!("cannot write JSON: {error}")))?;
        output.result(&(text + "\n"));
    } else {
        output.result(&human(&value));
    }
    Ok(0)
}
