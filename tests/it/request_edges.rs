//! `goldenpath-rds request` on files that are laid out oddly, or cannot be written, or mean harm.

use crate::harness::{Answer, CATALOG, Repository, VARIABLES};

const FILE: &str = r#"application_databases = {
  keycloak = { database_name = "keycloak", username = "keycloak_user" }
}
"#;

const REQUEST: &str = r#"{"environment": "dev", "database_name": "inventory_service", "username": "inventory_user",
"owner": "app-team", "requester": "daniel-deans", "domain": "catalog", "risk": "medium", "size": "small"}"#;

fn repository(catalog: &str) -> Repository {
    let repository = Repository::with_variables(FILE);
    repository.write("request.json", REQUEST);
    repository.write(CATALOG, catalog);
    repository
}

fn request(repository: &Repository, flags: &[&str]) -> Answer {
    repository.run(&[&["request", "--input", "request.json"], flags].concat())
}

/// What a request adds to a map that begins at the margin, as a new catalog shows it.
fn record() -> String {
    let day = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let (_, record) =
        include_str!("request/new-catalog.yaml").split_once("databases:\n").expect("a map");
    record.replace("TODAY", &day)
}

/// A folded text ends with the line break that the next key begins after.
#[test]
fn a_text_of_several_lines_before_the_map_stays() {
    for text in [">\n  2026-01-16\n", "|\n  2026-01-16\n", ">-\n  2026-01-16\n\n", "|+\n  2026\n\n"]
    {
        let before = format!(
            "last_updated: {text}databases:\n  keycloak:\n    metadata: {{environment: dev}}\n"
        );
        let repository = repository(&before);
        request(&repository, &[]).expect(0);
        assert_eq!(repository.read(CATALOG), format!("{before}{}", record()));
    }
}

/// What is indented deeper than a record is about the one above it.
#[test]
fn a_comment_at_the_end_of_the_last_record_stays_with_it() {
    let keycloak = "databases:\n  keycloak:\n    metadata: {environment: dev}\n";
    let (comment, at_the_margin) = ("      # size_tier: large, after the spring\n", "# The end.\n");
    for (comments, after) in [
        (comment.to_owned(), ""),
        (format!("\n    # one\n\n{comment}"), "\n# The end.\n"),
        (comment.to_owned(), at_the_margin),
        (comment.replace('\n', "\r\n"), ""),
    ] {
        let repository = repository(&format!("{keycloak}{comments}{after}"));
        request(&repository, &[]).expect(0);
        let catalog = repository.read(CATALOG);
        let kept = format!("{keycloak}{comments}");
        assert!(catalog.starts_with(&format!("{kept}  inventory_service:\n")), "{catalog}");
        assert!(catalog.ends_with(after), "{catalog}");
    }
    let of_the_map = "databases: # theirs\n  # Ask before you add.\n";
    let first = repository(of_the_map);
    request(&first, &[]).expect(0);
    assert_eq!(first.read(CATALOG), format!("{of_the_map}{}", record()));
    let repository = repository(&format!("{keycloak}{}", comment.trim_end()));
    request(&repository, &[]).expect(0);
    assert_eq!(repository.read(CATALOG), format!("{keycloak}{comment}{}", record()));
}

#[test]
fn a_database_that_was_given_up_comes_back_by_a_decision() {
    let repository = repository("databases:\n");
    request(&repository, &[]).expect(0);
    let retired = repository.read(CATALOG).replace("status: pending", "status: deprecated");
    repository.write(CATALOG, &retired);
    request(&repository, &[]).expect(0).shows("is requested already");
    repository.write(VARIABLES, FILE);
    request(&repository, &[])
        .expect(3)
        .says("with status `deprecated`, the request asks for a database")
        .says("hint: set the status to `pending` by hand");
    assert_eq!(
        (repository.read(VARIABLES), repository.read(CATALOG)),
        (FILE.to_owned(), retired.clone())
    );
    repository.write(CATALOG, &retired.replace("deprecated", "pending"));
    request(&repository, &[]).expect(0).shows("changed envs/dev-rds/terraform.tfvars");
}

#[test]
fn a_catalog_that_says_nothing_yet_is_filled() {
    for empty in ["databases: ~\n", "databases:\n", "databases: {}\n", "databases:  \n"] {
        let repository = repository(empty);
        request(&repository, &[]).expect(0);
        assert_eq!(repository.read(CATALOG), format!("databases:\n{}", record()), "{empty}");
    }
    let repository = repository("# Ask before you add.\n");
    request(&repository, &[]).expect(0);
    let catalog = repository.read(CATALOG);
    assert!(catalog.starts_with("# Ask before you add.\nversion: \"1.0\"\n"), "{catalog}");
    assert!(catalog.ends_with(&format!("databases:\n{}", record())), "{catalog}");
}

#[test]
fn a_layout_that_cannot_be_extended_is_an_error_that_says_what_to_write() {
    let tagged = "# Who owns what.\ndatabases: !!map {}\n";
    let repository = repository(tagged);
    request(&repository, &[])
        .expect(1)
        .says(&format!("{CATALOG}:2:1: no record can be added"))
        .says("hint: write `databases:` as indented lines, or add the record by hand")
        .says("error: a file cannot be extended as it stands; nothing was written");
    assert_eq!(repository.read(CATALOG), tagged);
    assert_eq!(repository.read(VARIABLES), FILE);
}

#[test]
fn a_body_that_cannot_be_written_stops_the_request_before_it_writes() {
    let repository = repository("databases:\n");
    for (body, why) in [("nowhere/body.md", "No such file"), ("envs", "it is a folder")] {
        request(&repository, &["--pr-body", body])
            .expect(1)
            .says(&format!("cannot write {body}: "))
            .says(why);
        assert_eq!(repository.read(CATALOG), "databases:\n");
        assert_eq!(repository.read(VARIABLES), FILE);
    }
}

/// The command in the body goes by the key that the variable file has.
#[test]
fn the_body_names_an_entry_that_has_another_key() {
    let repository = repository("databases:\n");
    let entry =
        r#""Inventory.v2" = { database_name = "inventory_service", username = "inventory_user" }"#;
    repository.write(VARIABLES, &format!("application_databases = {{\n  {entry}\n}}\n"));
    let answer = request(&repository, &["--pr-body", "body.md", "--format", "json"]).expect(0);
    let told: serde_json::Value = serde_json::from_str(&answer.stdout).expect("JSON");
    assert_eq!(told["entry_key"], "Inventory.v2");
    let body = repository.read("body.md");
    let (_, command) = body.split_once("`goldenpath-rds ").expect("a command");
    let (command, _) = command.split_once('`').expect("its end");
    assert_eq!(command, "external-secret --env dev Inventory.v2");
    repository.run(&command.split(' ').collect::<Vec<_>>()).expect(0).shows("kind: ExternalSecret");
}

/// GitHub takes a line for a command that begins with `::` after white space.
fn without_commands(answer: Answer) -> Answer {
    let mut lines = answer.stderr.lines().chain(answer.stdout.lines());
    let command = lines.find(|line| line.trim_start().starts_with("::"));
    assert_eq!(command, None, "{}", answer.stderr);
    answer
}

const ATTACK: &str = r#""a\n::error::pwn""#;

#[test]
fn names_in_the_catalog_begin_no_line_of_a_log() {
    let repository = repository("");
    for catalog in [
        format!("databases:\n  {ATTACK}:\n    metadata: {{environment: dev}}\n"),
        format!("databases:\n  x:\n    metadata: {{environment: {ATTACK}}}\n"),
        format!("databases:\n  x:\n    metadata: {{environment: dev, risk: {ATTACK}}}\n"),
        format!("databases:\n  x:\n    metadata: {{environment: dev, owner: {ATTACK}}}\n"),
        format!("{ATTACK}: 1\n{ATTACK}: 2\n"),
    ] {
        repository.write(CATALOG, &catalog);
        without_commands(request(&repository, &[])).expect(1).says("`a\\n::error::pwn`");
        without_commands(repository.run(&["catalog", "check"])).expect(1);
    }
    // Nor do other characters that act on a terminal.
    repository.write(CATALOG, "? \"a\\e[2J\\L\\u202e\"\n: 1\n? \"a\\e[2J\\L\\u202e\"\n: 2\n");
    request(&repository, &[]).expect(1).says("`a\\u{1b}[2J\\u{2028}\\u{202e}` is set twice");
}

#[test]
fn names_in_the_variable_files_begin_no_line_of_a_log() {
    let repository = repository("databases:\n");
    let entry = |entry: &str| format!("application_databases = {{\n  {entry}\n}}\n");
    for variables in [
        entry(&format!(r#"{ATTACK} = {{ database_name = "x", username = "y" }}"#)),
        entry(&format!(r#"x = {{ database_name = {ATTACK}, username = "y" }}"#)),
        entry(&format!(r#"x = {{ database_name = "x", username = "y", {ATTACK} = 1 }}"#)),
        format!("environment = {ATTACK}\n"),
    ] {
        repository.write(VARIABLES, &variables);
        without_commands(request(&repository, &[])).expect(1).says("a\\n::error::pwn");
        without_commands(repository.run(&["catalog", "check"])).expect(1);
    }
    repository.write(VARIABLES, FILE);
    repository.write("envs/dev-rds/x\n::error::pwn.auto.tfvars", "application_databases = {\n");
    without_commands(request(&repository, &[])).expect(1).says("x\\n::error::pwn.auto.tfvars");
}
