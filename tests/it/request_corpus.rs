//! A request into every variable file of the corpus: refused clearly, or the reader reads the old map and
//! the new entry, and every other byte is the same.

use std::collections::BTreeMap;

use goldenpath_rds::tfvars::{self, Diagnostic, Rules, Sources, Type, to_json};
use serde_json::{Value as Json, json};

use crate::harness::Repository;
use crate::tfvars_oracle::cases;

const VARIABLE: &str = "application_databases";
const KEY: &str = "added_by_request";
const ATTRIBUTES: [(&str, &str); 2] = [("database_name", KEY), ("username", "added_user")];

type Values = BTreeMap<String, Option<Json>>;

/// All variables of a text; `None` for the text when it cannot be read, and for a value that cannot.
fn values(text: &str) -> Option<Values> {
    let (_, read) = tfvars::read_text("terraform.tfvars", text.as_bytes().to_vec());
    let variables = read.ok()?;
    let value =
        |name: &str| Some(to_json(&variables.get(name, &Type::Any, Rules::Terraform).ok()??.kind));
    Some(variables.names().map(|(name, _)| (name.to_owned(), value(name))).collect())
}

fn inserted(text: &str) -> Result<String, Box<Diagnostic>> {
    let source = Sources::default().add("terraform.tfvars", text.to_owned());
    tfvars::insert(&source, VARIABLE, KEY, &ATTRIBUTES)
}

/// Whether `new` is `old` with one piece put in.
fn has_one_insertion(old: &str, new: &str) -> bool {
    let same = |(a, b): &(u8, u8)| a == b;
    let before = old.bytes().zip(new.bytes()).take_while(same).count();
    let after = old.bytes().rev().zip(new.bytes().rev()).take_while(same).count();
    new.len() > old.len() && before + after >= old.len()
}

fn check(name: &str, old: &str, new: &str) {
    assert!(has_one_insertion(old, new), "{name}: other bytes changed\n{old}\n---\n{new}");
    let (mut before, mut after) = (values(old).expect("it was read"), values(new).expect(name));
    let mut map = before.remove(VARIABLE).unwrap_or_else(|| Some(json!({}))).expect("a map");
    map[KEY] = json!({"database_name": KEY, "username": "added_user"});
    assert_eq!(after.remove(VARIABLE), Some(Some(map)), "{name}:\n{new}");
    assert_eq!(after, before, "{name}: other variables changed");
    assert!(inserted(new).is_err(), "{name}: the key is there, yet it was added again");
}

#[test]
fn every_readable_file_is_extended_or_refused() {
    let (mut extended, mut refused) = (0, Vec::new());
    for case in cases::packed() {
        for (file, bytes) in case.texts().filter(|(file, _)| !file.ends_with(".json")) {
            let Ok(text) = std::str::from_utf8(bytes) else { continue };
            let name = format!("{} {file}", case.name);
            match (values(text), inserted(text)) {
                (Some(_), Ok(new)) => {
                    check(&name, text, &new);
                    extended += 1;
                }
                (_, Err(problem)) => refused.push((name, problem.message, values(text))),
                (None, Ok(_)) => panic!("{name}: extended, but the reader refuses it"),
            }
        }
    }
    println!("{extended} extended, {} refused:", refused.len());
    for (name, why, values) in &refused {
        // Only what has no usable map is refused.
        let map = values.as_ref().and_then(|values| values.get(VARIABLE));
        let usable = values.is_some() && map.is_none_or(|map| matches!(map, Some(Json::Object(_))));
        println!("  {name}: {why}");
        assert!(!usable, "{name} could have been extended: {why}");
    }
    assert!(extended > 300, "{extended} extended");
}

/// The same through the executable, where the rules for entries count too.
#[test]
fn the_executable_extends_or_refuses_whole_folders() {
    let (mut extended, mut refused) = (0, 0);
    for case in cases::packed().into_iter().filter(|case| case.root == "." && case.is_ours()) {
        let texts: BTreeMap<&str, &[u8]> = case.texts().collect();
        let Some(Ok(old)) = texts.get("terraform.tfvars").map(|bytes| std::str::from_utf8(bytes))
        else {
            continue;
        };
        if old.len() > 20_000 {
            continue;
        }
        let repository = Repository::with_variables("");
        case.set_up(&repository.path("envs/dev-rds"));
        let arguments = [
            "request",
            "--env",
            "dev",
            "--database-name",
            KEY,
            "--username",
            "added_user",
            "--owner",
            "app-team",
            "--requester",
            "a",
            "--domain",
            "cost",
            "--risk",
            "low",
            "--size",
            "small",
        ];
        let answer = repository.run(&arguments);
        let new = repository.read("envs/dev-rds/terraform.tfvars");
        if answer.code == 0 {
            check(&case.name, old, &new);
            repository.run(&arguments).expect(0).shows("No changes");
            extended += 1;
        } else {
            assert!(answer.stderr.starts_with("error: "), "{}: {}", case.name, answer.stderr);
            assert_eq!(new, old, "{}: refused, but changed", case.name);
            refused += 1;
        }
    }
    println!("{extended} folders extended, {refused} refused");
    assert!(extended > 100, "{extended} folders extended");
}

#[test]
fn an_entry_is_laid_out_as_its_neighbours() {
    for (old, new) in [
        ("x = {}\n", "x = {\n  k = {\n    a  = \"1\"\n    bc = \"2\"\n  }\n}\n"),
        ("x = { p = {} }\n", "x = { p = {}, k = { a = \"1\", bc = \"2\" } }\n"),
        ("x = { p = {}, }\n", "x = { p = {}, k = { a = \"1\", bc = \"2\" }, }\n"),
        (
            "x = {\n\tp = {}\n}\n",
            "x = {\n\tp = {}\n\tk = {\n\t\ta  = \"1\"\n\t\tbc = \"2\"\n\t}\n}\n",
        ),
        (
            "x = {\n  p = {}\n\n  q = {}\n}\n",
            "x = {\n  p = {}\n\n  q = {}\n\n  k = {\n    a  = \"1\"\n    bc = \"2\"\n  }\n}\n",
        ),
        (
            "x = {\r\n  p = {},\r\n}\r\n",
            "x = {\r\n  p = {},\r\n  k = {\r\n    a  = \"1\"\r\n    bc = \"2\"\r\n  },\r\n}\r\n",
        ),
        ("y = 1", "y = 1\nx = {\n  k = {\n    a  = \"1\"\n    bc = \"2\"\n  }\n}\n"),
    ] {
        let source = Sources::default().add("terraform.tfvars", old.to_owned());
        let text = tfvars::insert(&source, "x", "k", &[("a", "1"), ("bc", "2")]);
        assert_eq!(text.as_deref(), Ok(new));
    }
    let source = Sources::default().add("terraform.tfvars", "x = {}\n".to_owned());
    let text = tfvars::insert(&source, "x", "for", &[]).expect("a keyword can be a key");
    assert!(text.contains("\"for\" = {"), "{text}");
}
