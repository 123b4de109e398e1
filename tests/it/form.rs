//! The form of Backstage, the inputs of the workflow and the schema of requests say the same.
//! (`request_contract` holds the schema to the program's own tables.)

use std::collections::BTreeSet;

use serde_json::{Map, Value};

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap()
}

fn read(path: &str) -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join(path)).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(&read("schemas/requests/rds.schema.json")).unwrap()
}

fn inputs() -> Map<String, Value> {
    let workflow = yaml(".github/workflows/create-rds-database.yml");
    workflow["on"]["workflow_dispatch"]["inputs"].as_object().unwrap().clone()
}

fn pages() -> Vec<Value> {
    yaml("backstage/rds-request.yaml")["spec"]["parameters"].as_array().unwrap().clone()
}

/// `databaseName` in the form is `database_name` everywhere else.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// What a field may be; how it is shown is the form's own affair.
fn rules(field: &Value) -> Value {
    let rules = ["pattern", "maxLength", "minLength", "enum", "not"];
    rules.iter().filter_map(|rule| Some(((*rule).to_owned(), field.get(*rule)?.clone()))).collect()
}

fn names(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|name| snake(name.as_str().unwrap())).collect()
}

#[test]
fn the_form_has_the_fields_and_rules_of_the_schema() {
    let schema = schema();
    let mut fields = Map::new();
    let mut required = BTreeSet::new();
    for page in pages() {
        required.extend(names(&page["required"]));
        let properties = page["properties"].as_object().unwrap().iter();
        fields.extend(properties.map(|(name, field)| (snake(name), rules(field))));
    }
    let wanted = schema["properties"].as_object().unwrap().iter();
    let wanted: Map<String, Value> =
        wanted.map(|(name, field)| (name.clone(), rules(field))).collect();
    assert_eq!(Value::Object(fields), Value::Object(wanted));
    assert_eq!(required, names(&schema["required"]));
}

#[test]
fn the_form_has_the_condition_of_the_schema_on_one_page() {
    let schema = schema();
    let page = pages().into_iter().find(|page| page.get("if").is_some()).unwrap();
    assert_eq!((&page["if"], &page["then"]), (&schema["if"], &schema["then"]));
    for field in ["environment", "size"] {
        assert!(page["properties"].get(field).is_some(), "{field} is on another page");
    }
}

#[test]
fn the_form_fills_in_every_input_of_the_workflow() {
    let template = yaml("backstage/rds-request.yaml");
    let step = &template["spec"]["steps"][0];
    assert_eq!(step["action"], "github:actions:dispatch");
    assert_eq!(step["input"]["workflowId"], "create-rds-database.yml");
    let given = step["input"]["workflowInputs"].as_object().unwrap();
    assert_eq!(given.keys().collect::<BTreeSet<_>>(), inputs().keys().collect());
    for (input, value) in given {
        let value = value.as_str().unwrap();
        let field = value.strip_prefix("${{ parameters.").and_then(|rest| rest.strip_suffix(" }}"));
        assert_eq!(field.map(snake).as_ref(), Some(input), "{value}");
    }
}

#[test]
fn the_inputs_of_the_workflow_have_the_lists_of_the_schema() {
    let (schema, inputs) = (schema(), inputs());
    let fields = schema["properties"].as_object().unwrap();
    assert_eq!(inputs.keys().collect::<BTreeSet<_>>(), fields.keys().collect());
    for (name, input) in inputs {
        assert_eq!(input["required"], true, "{name}");
        assert_eq!(input.get("options"), fields[&name].get("enum"), "{name}");
        let kind = if input.get("options").is_some() { "choice" } else { "string" };
        assert_eq!(input["type"], kind, "{name}");
    }
}
