//! `schemas/requests/rds.schema.json` is the contract: what it takes, the code takes, and the reverse.

use std::collections::BTreeSet;

use goldenpath_rds::enums::{self, Enums};
use goldenpath_rds::rds_catalog::Status;
use goldenpath_rds::request::{Field, Fields, check};
use goldenpath_rds::risk::Risk;
use goldenpath_rds::size::Size;
use goldenpath_rds::tfvars::Sources;
use goldenpath_rds::yaml;
use jsonschema::Validator;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value as Json, json};

use crate::harness::{cases, package};

fn text(path: &str) -> String {
    std::fs::read_to_string(package().join(path)).expect("the package has it")
}

fn schema() -> Json {
    serde_json::from_str(&text("schemas/requests/rds.schema.json")).expect("JSON")
}

fn enums() -> Enums {
    enums::read(&Sources::default().add(enums::PATH, text(enums::PATH))).expect("the lists")
}

fn words(list: &Json) -> BTreeSet<String> {
    let items = list.as_array().expect("a list").iter();
    items.map(|item| item.as_str().expect("a word").to_owned()).collect()
}

/// Names that meet every rule from both sides.
fn name() -> BoxedStrategy<String> {
    let odd = [
        "",
        "a",
        "_a",
        "1a",
        "A",
        "a-b",
        "a b",
        "a\n",
        "\na",
        "é",
        "pg_",
        "pg_a",
        "pga",
        "pg",
        "rds",
        "rdsadmin",
        "rd",
        "postgres",
        "postgres1",
        "template0",
        "template1",
        "template2",
        "all",
        "replication",
        "sameuser",
        "samerole",
        "samegroup",
        "public",
        "none",
        "null",
        "inventory_service",
        "a;drop",
        "a\u{301}",
        "ａ",
    ];
    prop_oneof![
        2 => select(odd.to_vec()).prop_map(str::to_owned),
        12 => "[a-z][a-z0-9_]{0,8}",
        1 => "[a-zA-Z0-9_ -]{0,6}",
        1 => (60_usize..67).prop_map(|length| "a".repeat(length)),
        1 => (30_usize..33).prop_map(|length| "é".repeat(length)),
    ]
    .boxed()
}

fn requester() -> BoxedStrategy<String> {
    prop_oneof![
        12 => "[a-z0-9-]{1,8}",
        1 => "[a-zA-Z0-9_. -]{0,6}",
        1 => select(vec!["Daniel", "a\n", "", "-", "é", "١"]).prop_map(str::to_owned),
        1 => (62_usize..67).prop_map(|length| "a".repeat(length)),
    ]
    .boxed()
}

fn one_of(list: &Json) -> BoxedStrategy<String> {
    let good: Vec<String> = words(list).into_iter().collect();
    let bad = ["", "unknown", "Small", "high "].map(str::to_owned).to_vec();
    prop_oneof![12 => select(good), 1 => select(bad)].boxed()
}

/// Mostly texts, sometimes something else, sometimes nothing.
fn value(texts: BoxedStrategy<String>) -> BoxedStrategy<Option<Json>> {
    prop_oneof![
        60 => texts.prop_map(|text| Some(json!(text))),
        1 => Just(None),
        1 => select(vec![json!(null), json!(1), json!(true), json!(["dev"]), json!({"a": 1})]).prop_map(Some),
    ]
    .boxed()
}

fn request() -> impl Strategy<Value = Json> {
    let schema = schema();
    let values = Field::ALL.map(|field| {
        value(match field {
            Field::DatabaseName | Field::Username => name(),
            Field::Requester => requester(),
            Field::Environment | Field::Owner | Field::Domain | Field::Risk | Field::Size => {
                one_of(&schema["properties"][field.name()]["enum"])
            }
        })
    });
    let extra = prop_oneof![30 => Just(None), 1 => Just(Some(("extra", json!("x"))))];
    (values.to_vec(), extra).prop_map(|(values, extra)| {
        let names = Field::ALL.map(Field::name).into_iter().zip(values);
        let given = names.filter_map(|(name, value)| Some((name, value?)));
        let given = given.chain(extra);
        Json::Object(given.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
    })
}

fn agree(validator: &Validator, enums: &Enums, request: &Json) -> Result<bool, String> {
    let by_schema = validator.is_valid(request);
    let by_code = check(&Fields::of_document(request), enums);
    if by_schema == by_code.is_ok() {
        Ok(by_schema)
    } else {
        Err(format!("schema {by_schema}, code {by_code:?}: {request}"))
    }
}

#[test]
fn the_code_takes_what_the_schema_takes_and_nothing_else() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    let enums = enums();
    let mut runner = TestRunner::new(cases(4_000));
    let taken = std::cell::Cell::new((0_u32, 0_u32));
    runner
        .run(&request(), |request| {
            let valid = agree(&validator, &enums, &request).map_err(TestCaseError::fail)?;
            let (yes, no) = taken.get();
            taken.set(if valid { (yes + 1, no) } else { (yes, no + 1) });
            Ok(())
        })
        .expect("they agree");
    let (yes, no) = taken.get();
    println!("{yes} requests taken, {no} refused");
    assert!(yes > 200 && no > 200, "both sides are tried: {yes} taken, {no} refused");
}

/// One field at a time is wrong, so that no other problem hides it.
#[test]
fn each_field_is_checked_alike() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    let enums = enums();
    let good = json!({
        "environment": "test", "database_name": "inventory_service", "username": "inventory_user",
        "owner": "app-team", "requester": "daniel-deans", "domain": "catalog", "risk": "medium", "size": "large",
    });
    assert_eq!(agree(&validator, &enums, &good), Ok(true));
    let mut runner = TestRunner::new(cases(4_000));
    let field = select(Field::ALL.to_vec());
    runner
        .run(&(field, request()), |(field, other)| {
            let mut request = good.clone();
            match other.get(field.name()) {
                Some(value) => request[field.name()] = value.clone(),
                None => drop(request.as_object_mut().and_then(|r| r.remove(field.name()))),
            }
            agree(&validator, &enums, &request).map(|_| ()).map_err(TestCaseError::fail)
        })
        .expect("they agree");
}

#[test]
fn the_lists_of_the_schema_are_those_of_the_platform_and_of_the_code() {
    let (schema, enums) = (schema(), enums());
    let listed = |field: &str| words(&schema["properties"][field]["enum"]);
    assert_eq!(listed("owner"), enums.owners);
    assert_eq!(listed("domain"), enums.domains);
    assert_eq!(listed("environment"), enums.environments);
    let file = yaml::parse(&Sources::default().add(enums::PATH, text(enums::PATH))).expect("YAML");
    let in_file = |name: &str| -> Vec<String> {
        let list = file.get(name).map(yaml::Node::items).unwrap_or_default();
        list.iter().filter_map(yaml::Node::text).map(str::to_owned).collect()
    };
    assert_eq!(in_file("risk_profile_security_risk"), Risk::ALL.map(|risk| risk.to_string()));
    assert_eq!(in_file("size_tiers"), Size::ALL.map(|size| size.to_string()));
    assert_eq!(in_file("database_status"), Status::ALL.map(|status| status.to_string()));
    assert_eq!(listed("risk"), Risk::ALL.map(|risk| risk.to_string()).into());
    assert_eq!(listed("size"), Size::ALL.map(|size| size.to_string()).into());
    assert_eq!(words(&schema["required"]), Field::ALL.map(|field| field.name().to_owned()).into());
}

/// What is told to people is what the program does.
#[test]
fn the_readme_has_the_tables_of_risks_and_sizes() {
    let readme = text("README.md");
    let row = |risks: &str, risk: Risk| {
        let controls = risk.controls();
        let besides = controls.additional.join(", ").to_lowercase();
        let (backup, rotation) = (controls.backup_retention_days, controls.rotation_days);
        format!("| {risks} | {backup} days | every {rotation} days | {besides} |")
    };
    assert_eq!(Risk::None.controls(), Risk::Low.controls());
    let rows = [Risk::Medium, Risk::High, Risk::Access].map(|risk| row(&format!("`{risk}`"), risk));
    for row in rows.into_iter().chain([row("`none`, `low`", Risk::Low)]) {
        assert!(readme.contains(&row), "{row} is not in README.md");
    }
    let sizes = Size::ALL.map(|size| format!("`{size}` (`{}`)", size.instance_class()));
    let [first @ .., last] = sizes;
    let sentence = format!("Sizes are {} and {last}", first.join(", "));
    assert!(readme.replace('\n', " ").contains(&sentence), "{sentence}");
}
