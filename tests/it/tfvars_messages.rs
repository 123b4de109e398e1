//! Problems of variable files, as users see them.

use std::collections::BTreeMap;

use goldenpath_rds::tfvars::{self, Argument, Attribute, Kind, Request, Rules, Type};

fn databases() -> Type {
    Type::map(Type::Object(vec![
        Attribute::required("database_name", Type::String),
        Attribute::required("username", Type::String),
        Attribute::optional("access_level", Type::String),
        Attribute::optional("connection_limit", Type::Number),
        Attribute::with_default("extensions", Type::list(Type::String), Kind::List(vec![])),
    ]))
}

/// What is shown for `application_databases` in a file named `terraform.tfvars`.
fn shown(text: &str) -> String {
    shown_for("terraform.tfvars", text, &[], &[])
}

fn shown_for(file: &str, text: &str, arguments: &[Argument], allowed: &[String]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(file), text).expect("a file");
    let request = Request {
        folder: folder.path(),
        shown_as: "envs/dev-rds",
        working_folder: folder.path(),
        arguments,
        environment: &BTreeMap::new(),
    };
    let (sources, read) = tfvars::read(&request);
    let rules = Rules::Strict { allow_attributes: allowed };
    let value = read.and_then(|read| read.get("application_databases", &databases(), rules));
    match value {
        Ok(_) => String::new(),
        Err(problems) => sources.render(&problems, false),
    }
}

fn assert_shown(text: &str, expected: &str) {
    let shown = shown(text);
    assert_eq!(shown, expected, "\n{shown}");
}

#[test]
fn a_misspelt_attribute() {
    let text = r#"application_databases = {
  grafana = {
    database_name = "keycloak"
    username      = "grafana"
    acess_level   = "reader"
  }
}
"#;
    assert_shown(
        text,
        r#"error: envs/dev-rds/terraform.tfvars:5:5: unknown attribute `acess_level`
  |
5 |     acess_level   = "reader"
  |     ^^^^^^^^^^^ did you mean `access_level`?
hint: known attributes: database_name, username, access_level, connection_limit, extensions; if only Terraform's module uses it, pass --allow-attribute acess_level
"#,
    );
    let allowed = shown_for("terraform.tfvars", text, &[], &["acess_level".into()]);
    assert_eq!(allowed, "");
}

#[test]
fn a_wrong_type() {
    assert_shown(
        r#"application_databases = {
  a = { database_name = "a", username = ["a"], connection_limit = "many", extensions = "x" }
}
"#,
        r#"error: envs/dev-rds/terraform.tfvars:2:41: a string is required, found a list
  |
2 |   a = { database_name = "a", username = ["a"], connection_limit = "many", extensions = "x" }
  |                                         ^^^^^ not a string

error: envs/dev-rds/terraform.tfvars:2:67: a number is required, found the string "many"
  |
2 |   a = { database_name = "a", username = ["a"], connection_limit = "many", extensions = "x" }
  |                                                                   ^^^^^^ not a number

error: envs/dev-rds/terraform.tfvars:2:88: a list of strings is required, found the string "x"
  |
2 |   a = { database_name = "a", username = ["a"], connection_limit = "many", extensions = "x" }
  |                                                                                        ^^^ not a list of strings
"#,
    );
}

#[test]
fn a_missing_attribute() {
    assert_shown(
        r#"application_databases = {
  a = {
    username = "a"
  }
}
"#,
        r#"error: envs/dev-rds/terraform.tfvars:2:3: attribute `database_name` is missing
  |
2 |   a = {
  |   ^ `database_name` is required
hint: add `database_name = …` (a string)
"#,
    );
}

#[test]
fn null_for_what_is_required() {
    assert_shown(
        r#"application_databases = {
  a = { database_name = "a", username = null }
  b = null
}
"#,
        r#"error: envs/dev-rds/terraform.tfvars:2:41: required attribute `username` is null
  |
2 |   a = { database_name = "a", username = null }
  |                                         ^^^^ a string is required

error: envs/dev-rds/terraform.tfvars:3:7: null in place of an object
  |
3 |   b = null
  |       ^^^^ an object is required
hint: write the object, or remove the key
"#,
    );
}

#[test]
fn the_same_key_twice() {
    assert_shown(
        r#"application_databases = {
  a = { database_name = "a", username = "a" }
  a = { database_name = "b", username = "b" }
}
"#,
        r#"error: envs/dev-rds/terraform.tfvars:3:3: `a` is set twice
  |
2 |   a = { database_name = "a", username = "a" }
  |   - first set here
3 |   a = { database_name = "b", username = "b" }
  |   ^ set again here
hint: remove one of the two; Terraform would silently take the last one
"#,
    );
}

#[test]
fn other_problems_beside_the_same_key_twice() {
    let text = r#"application_databases = {
  b = { database_name = "a", username = "a", username = "b" }
  "a" = { database_name = "a" }
  a   = {}
  "a" = {}
  007 = { database_name = f(), username = "c" }
}
"#;
    let shown = shown(text);
    for line in [
        "terraform.tfvars:2:46: `username` is set twice",
        "terraform.tfvars:4:3: `a` is set twice",
        "terraform.tfvars:5:3: `a` is set twice",
        "terraform.tfvars:5:3: attribute `database_name` is missing",
        "terraform.tfvars:6:27: call of the function `f`",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    for keys in ["007 = {}\n007 = {}", "\"${x}\" = {}\n\"${x}\" = {}"] {
        let text = format!("application_databases = {{\n{keys}\n}}\n");
        assert!(shown_for("terraform.tfvars", &text, &[], &[]).contains("error: "), "{keys}");
    }
}

#[test]
fn the_same_key_twice_in_another_spelling() {
    assert_shown(
        r#"application_databases = {
  a     = { database_name = "a", username = "a" }
  b     = { database_name = "b", username = "b" }
  "\u0061" = { database_name = "c", username = "c" }
}
"#,
        r#"error: envs/dev-rds/terraform.tfvars:4:3: `a` is set twice
  |
2 |   a     = { database_name = "a", username = "a" }
  |   - first set here
3 |   b     = { database_name = "b", username = "b" }
4 |   "\u0061" = { database_name = "c", username = "c" }
  |   ^^^^^^^^ set again here
hint: remove one of the two; Terraform would silently take the last one
"#,
    );
}

#[test]
fn a_reference_and_a_function_call() {
    assert_shown(
        r#"application_databases = {
  a = { database_name = var.name, username = upper("a") }
  b = { database_name = "b-${var.x}", username = local.b }
}
"#,
        r#"error: envs/dev-rds/terraform.tfvars:2:25: reference to `var.name`
  |
2 |   a = { database_name = var.name, username = upper("a") }
  |                         ^^^^^^^^ tfvars take constants
hint: write the value itself

error: envs/dev-rds/terraform.tfvars:2:46: call of the function `upper`
  |
2 |   a = { database_name = var.name, username = upper("a") }
  |                                              ^^^^^^^^^^ tfvars take constants
hint: write the value itself

error: envs/dev-rds/terraform.tfvars:3:28: a string with a template in it
  |
3 |   b = { database_name = "b-${var.x}", username = local.b }
  |                            ^^^^^^^^ tfvars take constants
hint: write the value itself; for the characters themselves write `$${` or `%%{`

error: envs/dev-rds/terraform.tfvars:3:50: reference to `local.b`
  |
3 |   b = { database_name = "b-${var.x}", username = local.b }
  |                                                  ^^^^^^^ tfvars take constants
hint: write the value itself
"#,
    );
}

#[test]
fn an_unclosed_brace() {
    assert_shown(
        r#"application_databases = {
  a = {
    database_name = "a"
    username      = "a"
}
environment = "dev"
"#,
        r#"error: envs/dev-rds/terraform.tfvars:7:1: `{` is never closed
  |
1 | application_databases = {
  |                         - opened here
2 |   a = {
  |       - perhaps this one is not closed
...
5 | }
  | - this closes it, but is indented otherwise
6 | environment = "dev"
  |                    ^ the text ends here
"#,
    );
}

#[test]
fn an_unclosed_string() {
    assert_shown(
        r#"application_databases = {
  a = { database_name = "a, username = "u" }
}
"#,
        r#"error: envs/dev-rds/terraform.tfvars:2:41: syntax error: invalid object item: expected `}`, `,` or newline
  |
2 |   a = { database_name = "a, username = "u" }
  |                                         ^
hint: a double quote is missing on this line
"#,
    );
}

#[test]
fn json_has_places_too() {
    let text = r#"{
  "application_databases": {
    "a": { "database_name": "a", "user": 1 }
  }
}
"#;
    let shown = shown_for("x.auto.tfvars.json", text, &[], &[]);
    assert_eq!(
        shown,
        r#"error: envs/dev-rds/x.auto.tfvars.json:3:5: attribute `username` is missing
  |
3 |     "a": { "database_name": "a", "user": 1 }
  |     ^^^ `username` is required
hint: add `username = …` (a string)

error: envs/dev-rds/x.auto.tfvars.json:3:34: unknown attribute `user`
  |
3 |     "a": { "database_name": "a", "user": 1 }
  |                                  ^^^^^^ nothing reads it
hint: known attributes: database_name, username, access_level, connection_limit, extensions; if only Terraform's module uses it, pass --allow-attribute user
"#,
        "\n{shown}"
    );
    let shown = shown_for("x.auto.tfvars.json", "{\n  \"a\": 1,\n}\n", &[], &[]);
    assert_eq!(
        shown,
        r#"error: envs/dev-rds/x.auto.tfvars.json:3:1: syntax error: expected a name in double quotes, found `}`
  |
3 | }
  | ^
"#,
        "\n{shown}"
    );
}

#[test]
fn a_flag_has_places_too() {
    let flag = Argument::Var("application_databases={ a = { username = x } }".into());
    let shown = shown_for("terraform.tfvars", "", &[flag], &[]);
    assert_eq!(
        shown,
        r#"error: --var application_databases:1:3: attribute `database_name` is missing
  |
1 | { a = { username = x } }
  |   ^ `database_name` is required
hint: add `database_name = …` (a string)

error: --var application_databases:1:20: reference to `x`
  |
1 | { a = { username = x } }
  |                    ^ tfvars take constants
hint: write the value itself
"#,
        "\n{shown}"
    );
}

#[test]
fn files_that_cannot_be_read_are_all_named() {
    let files = ["no.tfvars", "nor-this.tfvars"].map(|name| Argument::VarFile(name.into()));
    let shown = shown_for("terraform.tfvars", "x {\n}\n", &files, &[]);
    assert_eq!(
        shown,
        r#"error: envs/dev-rds/terraform.tfvars:1:1: block `x` in a variable file
  |
1 | x {
  | ^ only `name = value` can stand here
hint: if `x` is a variable, write `x = { … }`

error: `no.tfvars` does not exist

error: `nor-this.tfvars` does not exist
"#,
        "\n{shown}"
    );
}
