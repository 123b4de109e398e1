//! Parse, run, print the error and its hints, exit code.

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches};

use goldenpath_rds::cli::Cli;
use goldenpath_rds::commands;
use goldenpath_rds::error::{Error, ErrorKind};
use goldenpath_rds::output::Output;
use goldenpath_rds::tfvars::Argument;

#[tokio::main]
async fn main() -> ExitCode {
    let (cli, arguments) = match parse() {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error),
    };
    let output = Output::new(cli.global.no_color, cli.global.verbose);
    match commands::run(cli, &arguments, output).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output.tell(&format!("error: {error}\n"));
            ExitCode::from(error.exit_code())
        }
    }
}

fn parse() -> Result<(Cli, Vec<Argument>), clap::Error> {
    let matches = Cli::command().try_get_matches()?;
    Ok((Cli::from_arg_matches(&matches)?, in_order(&matches)))
}

/// `--var` and `--var-file` in the order given, which decides who wins.
fn in_order(matches: &ArgMatches) -> Vec<Argument> {
    let matches = matches.subcommand().map_or(matches, |(_, matches)| matches);
    let indices = |name| matches.indices_of(name).into_iter().flatten();
    let variables = matches.get_many::<String>("var").into_iter().flatten();
    let files = matches.get_many::<std::path::PathBuf>("var_file").into_iter().flatten();
    let mut ordered: Vec<(usize, Argument)> = indices("var")
        .zip(variables.cloned().map(Argument::Var))
        .chain(indices("var_file").zip(files.cloned().map(Argument::VarFile)))
        .collect();
    ordered.sort_by_key(|(index, _)| *index);
    ordered.into_iter().map(|(_, argument)| argument).collect()
}

/// `--help` and `--version` come this way too, and are no errors.
fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::from(Error::of(ErrorKind::Usage, "").exit_code())
    } else {
        ExitCode::SUCCESS
    }
}
