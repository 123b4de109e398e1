//! Any bytes as a variable file: read, convert, show the problems; never a panic.
//!
//! `fuzz/seed.py`, then `cargo +nightly fuzz run tfvars`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tfvars::{Attribute, Kind, Rules, Type};

/// The module alone: the program's other dependencies would be built for minutes and fuzzed never.
#[allow(dead_code, unused_imports)]
#[path = "../../src/tfvars/mod.rs"]
mod tfvars;

fuzz_target!(|data: &[u8]| {
    let Some((first, text)) = data.split_first() else { return };
    let name = if first % 2 == 0 { "x.tfvars" } else { "x.tfvars.json" };
    let (sources, read) = tfvars::read_text(name, text.to_vec());
    let variables = match read {
        Ok(variables) => variables,
        Err(problems) => {
            assert!(!sources.render(&problems, first % 4 < 2).is_empty());
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

fn databases() -> Type {
    Type::map(Type::Object(vec![
        Attribute::required("database_name", Type::String),
        Attribute::required("username", Type::String),
        Attribute::optional("connection_limit", Type::Number),
        Attribute::with_default("extensions", Type::set(Type::String), Kind::List(vec![])),
        Attribute::with_default("enabled", Type::Bool, Kind::Bool(true)),
    ]))
}
