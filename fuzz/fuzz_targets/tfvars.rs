//! Any bytes as a variable file, or as the value of `--var`: read, convert, show the problems; never a panic.
//!
//! `fuzz/seed.py`, then `cargo +nightly fuzz run tfvars`.
#![no_main]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tfvars::{Argument, Attribute, Diagnostic, Kind, Request, Rules, Sources, Type, Variables};

/// The module alone: the program's other dependencies would be built for minutes and fuzzed never.
#[allow(dead_code, unused_imports)]
#[path = "../../src/tfvars/mod.rs"]
mod tfvars;

fuzz_target!(|data: &[u8]| {
    let Some((first, text)) = data.split_first() else { return };
    let (sources, read) = match first % 4 {
        0 => tfvars::read_text("x.tfvars", text.to_vec()),
        1 => tfvars::read_text("x.tfvars.json", text.to_vec()),
        _ => read_flag(String::from_utf8_lossy(text).into_owned()),
    };
    let variables = match read {
        Ok(variables) => variables,
        Err(problems) => {
            assert!(!sources.render(&problems, first % 8 < 4).is_empty());
            return;
        }
    };
    let names: Vec<String> = variables.names().map(|(name, _)| name.to_owned()).collect();
    for name in &names {
        for ty in [Type::Any, databases()] {
            for rules in [Rules::Terraform, Rules::Strict { allow_attributes: &[] }] {
                if let Err(problems) = variables.get(name, &ty, rules) {
                    assert!(!sources.render(&problems, false).is_empty());
                }
            }
        }
    }
});

/// The bytes as the value of `--var x=…`, with no files.
fn read_flag(value: String) -> (Sources, Result<Variables, Vec<Diagnostic>>) {
    static EMPTY: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = std::env::temp_dir().join("goldenpath-rds-fuzz-empty");
        let _ = std::fs::create_dir(&folder);
        folder
    });
    tfvars::read(&Request {
        folder: &EMPTY,
        shown_as: ".",
        working_folder: &EMPTY,
        arguments: &[Argument::Var(format!("x={value}"))],
        environment: &BTreeMap::new(),
    })
}

fn databases() -> Type {
    Type::map(Type::Object(vec![
        Attribute::required("database_name", Type::String),
        Attribute::required("username", Type::String),
        Attribute::optional("connection_limit", Type::Number),
        Attribute::with_default("extensions", Type::set(Type::String), Kind::List(vec![])),
        Attribute::with_default("enabled", Type::Bool, Kind::Bool(true)),
    ]))
}
