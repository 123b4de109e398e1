//! Every case of the corpus: what the reader gives against what terraform gave.
//!
//! `TFVARS_ORACLE=DIR` runs the cases in `DIR/<category>/<name>/` instead of the packed ones.

pub mod cases;
mod exact;
pub mod modules;

use std::collections::BTreeMap;
use std::path::Path;

use goldenpath_rds::tfvars::{
    self, Argument, Diagnostic, Kind, Request, Rules, Sources, Variables,
};

use cases::{Case, Expected, Place};
use modules::Variable;

/// How one layer of a case went.
enum Outcome {
    Same,
    /// An exotic input was refused with a message.
    Refused(String),
    Wrong(String),
}

#[test]
fn reads_what_terraform_reads() {
    let (ours, others): (Vec<_>, Vec<_>) = cases::all().into_iter().partition(Case::is_ours);
    let mut passed = 0;
    let mut refused = Vec::new();
    let mut wrong = Vec::new();
    for case in &ours {
        for (layer, expected) in case.layers() {
            match compare(case, layer, expected) {
                Outcome::Same => passed += 1,
                Outcome::Refused(why) => refused.push(format!("{} ({layer}): {why}", case.name)),
                Outcome::Wrong(how) => wrong.push(format!("{} ({layer}): {how}", case.name)),
            }
        }
    }
    println!("{} cases, {passed} comparisons passed", ours.len());
    println!("{} exotic comparisons refused:\n  {}", refused.len(), refused.join("\n  "));
    println!("{} cases skipped (TF_CLI_ARGS, -chdir)", others.len());
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(passed > 0, "no cases found");
}

fn compare(case: &Case, module: &str, expected: &Expected) -> Outcome {
    let folder = tempfile::tempdir().expect("a temporary folder");
    case.set_up(folder.path());
    let (sources, result) = run(case, &folder.path().join(&case.root), &modules::of(module));
    match (expected, result) {
        (Expected::Value(value), Ok(values)) => match difference(value, &values) {
            None => Outcome::Same,
            Some(how) => Outcome::Wrong(how),
        },
        (Expected::Value(_), Err(problems)) if case.exotic => {
            let messages = problems.iter().map(|problem| problem.message.as_str());
            Outcome::Refused(messages.collect::<Vec<_>>().join("; "))
        }
        (Expected::Value(_), Err(problems)) => {
            Outcome::Wrong(format!("refused:\n{}", sources.render(&problems, false)))
        }
        (Expected::Errors(_), Ok(_)) => Outcome::Wrong("accepted".into()),
        (Expected::Errors(places), Err(problems)) if agree(places, &problems) => {
            assert!(!sources.render(&problems, true).is_empty());
            Outcome::Same
        }
        (Expected::Errors(places), Err(problems)) => {
            let shown = sources.render(&problems, false);
            Outcome::Wrong(format!("terraform names {places:?}, this reader:\n{shown}"))
        }
    }
}

/// Reads the case as the executable would and asks for every variable of the module.
fn run(
    case: &Case,
    folder: &Path,
    variables: &[Variable],
) -> (Sources, Result<BTreeMap<String, Kind>, Vec<Diagnostic>>) {
    let request = Request {
        folder,
        shown_as: ".",
        working_folder: folder,
        arguments: &arguments(&case.args),
        environment: &case.env,
    };
    let (sources, read) = tfvars::read(&request);
    let values = read.and_then(|read| values(&read, variables));
    (sources, values)
}

fn values(
    read: &Variables,
    variables: &[Variable],
) -> Result<BTreeMap<String, Kind>, Vec<Diagnostic>> {
    let names: Vec<_> = variables.iter().map(|variable| variable.name).collect();
    let mut problems = read.undeclared_flags(&names);
    let mut values = BTreeMap::new();
    for variable in variables {
        match read.get(variable.name, &variable.ty, Rules::Terraform) {
            Ok(value) => {
                let at = value.as_ref().map(|value| value.at.clone());
                match variable.settle(value.map(|value| value.kind)) {
                    Some(kind) => {
                        values.insert(variable.name.to_owned(), kind);
                    }
                    None => problems.push(Diagnostic { at, ..Diagnostic::anywhere("required") }),
                }
            }
            Err(more) => problems.extend(more),
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(problems) }
}

/// Terraform's flags: `-var x=y`, `-var=x=y`, with one or two dashes.
fn arguments(args: &[String]) -> Vec<Argument> {
    let mut arguments = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let flag = arg.trim_start_matches('-');
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, value),
            None => (flag, args.next().expect("a value after the flag").as_str()),
        };
        arguments.push(match name {
            "var" => Argument::Var(value.into()),
            "var-file" => Argument::VarFile(value.into()),
            other => panic!("unknown flag {other}"),
        });
    }
    arguments
}

fn difference(expected: &serde_json::Value, values: &BTreeMap<String, Kind>) -> Option<String> {
    let expected = expected.as_object().expect("an object of variables");
    let names: Vec<_> = expected.keys().collect();
    assert_eq!(names.len(), values.len(), "variables of the module: {names:?}");
    names.into_iter().find_map(|name| {
        let (expected, actual) = (&expected[name], values.get(name)?);
        (!exact::same(expected, actual)).then(|| format!("{name}: {expected} != {actual:?}"))
    })
}

/// Whether one of the problems is where terraform sees one. A type error is named by terraform
/// with the range of the whole variable, by the reader with the value itself.
fn agree(places: &[Place], problems: &[Diagnostic]) -> bool {
    let named: Vec<_> = places.iter().filter(|place| place.file != "oracle.tf").collect();
    let shown = |place: &Place, file: &str| match place.file.strip_prefix("<value for var.") {
        Some(name) => {
            let name = name.trim_end_matches('>');
            file == format!("TF_VAR_{name}") || file == format!("--var {name}")
        }
        None => file == place.file,
    };
    named.is_empty()
        || problems.iter().filter_map(|problem| problem.at.as_ref()).any(|at| {
            named.iter().any(|place| shown(place, &at.file) && place.lines.contains(&at.line))
        })
}
