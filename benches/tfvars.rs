//! How long 5,000 entries take: `cargo bench --bench tfvars`.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench stops and prints")]

use std::fmt::Write;
use std::time::{Duration, Instant};

use goldenpath_rds::tfvars::{self, Attribute, Rules, Type};

const ENTRIES: usize = 5_000;
const RUNS: usize = 20;
const LIMIT: Duration = Duration::from_millis(300);

fn main() {
    let (hcl, json) = (hcl(), json());
    let fastest =
        [("terraform.tfvars", &hcl), ("terraform.tfvars.json", &json)].map(|(name, text)| {
            let mut times: Vec<Duration> = (0..RUNS).map(|_| time(name, text)).collect();
            times.sort();
            // The fastest run says most about the program, the others about what else is running.
        let (fastest, median) = (times[0], times[RUNS / 2]);
            let kilobytes = text.len() / 1000;
            println!(
                "{name}: {ENTRIES} entries, {kilobytes} kB: fastest {fastest:.1?}, median {median:.1?}"
            );
            fastest
        });
    assert!(fastest.iter().all(|time| *time < LIMIT), "more than {LIMIT:?}");
}

fn time(name: &str, text: &str) -> Duration {
    let start = Instant::now();
    let (_, read) = tfvars::read_text(name, text.as_bytes().to_vec());
    let variables = read.expect("a readable file");
    let rules = Rules::Strict { allow_attributes: &[] };
    let value = variables.get("application_databases", &databases(), rules);
    assert!(value.expect("no problem").is_some());
    start.elapsed()
}

fn databases() -> Type {
    Type::map(Type::Object(vec![
        Attribute::required("database_name", Type::String),
        Attribute::required("username", Type::String),
        Attribute::optional("access_level", Type::String),
        Attribute::optional("connection_limit", Type::Number),
    ]))
}

fn hcl() -> String {
    let mut text = String::from("application_databases = {\n");
    for n in 0..ENTRIES {
        let _ = writeln!(
            text,
            "  app_{n} = {{\n    database_name = \"app_{n}\"\n    username      = \"app_{n}_user\"\n    \
             connection_limit = {n}\n  }}"
        );
    }
    text.push_str("}\n");
    text
}

fn json() -> String {
    let entry = |n| {
        format!(
            "    \"app_{n}\": {{\"database_name\": \"app_{n}\", \"username\": \"app_{n}_user\", \
             \"connection_limit\": {n}}}"
        )
    };
    let entries: Vec<String> = (0..ENTRIES).map(entry).collect();
    format!("{{\n  \"application_databases\": {{\n{}\n  }}\n}}\n", entries.join(",\n"))
}
