//! Parse, run, print the error and its hints, exit code.

use std::process::ExitCode;

use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};

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
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    if let Some(flag) = given_in_two_places(&command, &matches) {
        let message = format!("--{flag} stands before and after the verb; give it in one place");
        return Err(command.error(clap::error::ErrorKind::ArgumentConflict, message));
    }
    Ok((Cli::from_arg_matches(&matches)?, in_order(&matches)))
}

/// A flag of every verb of which clap has dropped values: of those before and after the verb it keeps the latter.
fn given_in_two_places(command: &Command, matches: &ArgMatches) -> Option<String> {
    let matches = matches.subcommand().map_or(matches, |(_, matches)| matches);
    let words: Vec<String> =
        std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let flags = command.get_arguments().filter(|flag| flag.is_global_set());
    let given = flags.filter_map(|flag| {
        let (id, name) = (flag.get_id().as_str(), flag.get_long()?);
        let (long, with_value) = (format!("--{name}"), format!("--{name}="));
        let count = words.iter().filter(|word| **word == long || word.starts_with(&with_value));
        let kept = matches.get_raw(id).map_or(0, Iterator::count).max(1);
        (count.count() > kept).then(|| name.to_owned())
    });
    given.into_iter().next()
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
