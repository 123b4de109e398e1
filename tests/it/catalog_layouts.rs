//! Edits of the RDS catalog in every layout: refused clearly, or nothing else than the edit changes.

use std::sync::Arc;

use goldenpath_rds::name::{DatabaseName, Environment};
use goldenpath_rds::rds_catalog::{self, Catalog, Record, Status};
use goldenpath_rds::tfvars::{Source, Sources};
use goldenpath_rds::yaml::{self, Member, Node};
use proptest::prelude::*;
use proptest::sample::{Index, select};

const RECORD: &str = "  app:
    metadata:
      id: DATABASE_APP
      owner: app-team
      environment: dev
      risk: \"low\"
      status: pending
    configuration:
      username: 'app_user'
";

const NEW: &str = "databases:
  new:
    metadata: {environment: dev, status: pending, created_date: \"2026-01-15\"}
    configuration: {username: new_user}
";

fn source(text: &str) -> Arc<Source> {
    Sources::default().add("catalog.yaml", text.to_owned())
}

fn read(text: &str) -> Result<Catalog, String> {
    let message = |problems: Vec<goldenpath_rds::tfvars::Diagnostic>| problems[0].message.clone();
    rds_catalog::read(&source(text)).map_err(message)
}

fn new_record() -> Record {
    read(NEW).expect("a catalog").records.remove(0)
}

/// The records without their places, which an edit may move.
fn records(catalog: &Catalog) -> Vec<Record> {
    let bare = |record: &Record| Record { places: Default::default(), ..record.clone() };
    catalog.records.iter().map(bare).collect()
}

/// Everything beside the records.
fn others(text: &str) -> Vec<(String, Node)> {
    let root = yaml::parse(&source(text)).unwrap_or_else(|why| panic!("{why:?}:\n{text}"));
    let members = root.members().iter().filter(|member| member.key != "databases");
    members.map(|Member { key, value, .. }| (key.clone(), value.clone())).collect()
}

/// A text that says nothing yet gets the keys of a new catalog.
fn assert_others_stay(old: &str, new: &str) {
    let (before, after) = (others(old), others(new));
    let same = |((a, old), (b, new)): (&(String, Node), &(String, Node))| a == b && old.same(new);
    let stay = before.len() == after.len() && before.iter().zip(&after).all(same);
    let is_new = before.is_empty() && !old.contains("databases");
    assert!(stay || is_new, "other keys changed:\n{old}\n---\n{new}");
}

/// What stands in `new` for a piece of `old`: both without what they share at either end.
fn difference<'a>(old: &'a str, new: &'a str) -> (&'a str, &'a str) {
    let same = |(a, b): &(u8, u8)| a == b;
    let start = old.bytes().zip(new.bytes()).take_while(same).count();
    let rest = old.len().min(new.len()) - start;
    let end = old.bytes().rev().zip(new.bytes().rev()).take(rest).take_while(same).count();
    (&old[start..old.len() - end], &new[start..new.len() - end])
}

/// The text, and the same without what stands for an empty map: that gives way to the block.
fn openings(text: &str) -> Vec<String> {
    let opened = |(at, key): (usize, &str)| {
        let (before, after) = text.split_at(at + key.len());
        let value = after.trim_start_matches([' ', '\t']);
        let nothing = ["{}", "null", "~", ""].into_iter();
        nothing
            .filter_map(|nothing| Some(format!("{before}{}", value.strip_prefix(nothing)?)))
            .collect::<Vec<_>>()
    };
    text.match_indices("databases:").flat_map(opened).chain([text.to_owned()]).collect()
}

/// Adds a record and checks the outcome; what was refused comes back.
fn add(old: &str) -> Result<(), String> {
    let new = rds_catalog::add(old, &new_record())?;
    let (before, after) = (read(old)?, read(&new).unwrap_or_else(|why| panic!("{why}:\n{new}")));
    let mut expected = records(&before);
    expected.push(Record { places: Default::default(), ..new_record() });
    assert_eq!(records(&after), expected, "{new}");
    assert_others_stay(old, &new);
    let kept = openings(old).iter().any(|old| difference(old, &new).0.is_empty());
    assert!(kept, "bytes were lost from\n{old}\n---\n{new}");
    Ok(())
}

/// Changes a status and checks the outcome.
fn activate(old: &str) -> Result<(), String> {
    let catalog = read(old)?;
    let app = catalog.records.iter().find(|record| record.database.as_str() == "app");
    let Some(app) = app else { return Ok(()) };
    let new = rds_catalog::set_status(&catalog, &[(app, Status::Active)])?;
    assert_eq!(difference(old, &new), ("pending", "active"), "{new}");
    assert_others_stay(old, &new);
    let mut expected = records(&catalog);
    for record in expected.iter_mut().filter(|record| record.database.as_str() == "app") {
        record.status = Some(Status::Active);
    }
    assert_eq!(records(&read(&new)?), expected);
    Ok(())
}

fn layouts() -> Vec<(&'static str, String)> {
    let with = |head: &str, tail: &str| format!("{head}databases:\n{RECORD}{tail}");
    vec![
        ("plain", with("version: \"1.0\"\n", "")),
        ("comment at the end", with("", "# end\n")),
        ("indented comment at the end", with("", "  # end\n    # of it\n")),
        ("a key after it", with("", "\nowner: platform-team # x\n")),
        ("empty lines", format!("databases:\n\n{RECORD}\n\n\nowner: x\n")),
        ("no line break at the end", with("", "").trim_end().to_owned()),
        ("carriage returns", with("", "owner: x\n").replace('\n', "\r\n")),
        ("four spaces", format!("databases:\n{}", RECORD.replace("  ", "    "))),
        (
            "flow",
            "databases: {app: {metadata: {environment: dev, status: pending}}} # x\n".to_owned(),
        ),
        (
            "flow on lines",
            "databases: {\n  app: {metadata: {environment: dev, status: pending}}\n}\n".to_owned(),
        ),
        ("quoted keys", with("", "").replace("app:", "\"app\":")),
        ("document markers", format!("---\ndatabases:\n{RECORD}...\n")),
        (
            "a text of several lines",
            with("", "")
                .replace("    conf", "    note: |\n      a\n\n      b: c # no comment\n    conf"),
        ),
        ("braces", "version: \"1.0\"\ndatabases: {}\n# end\n".to_owned()),
        ("braces and a comment", "databases: {} # none yet\nowner: x\n".to_owned()),
        ("braces at the end", "owner: x\ndatabases: {}".to_owned()),
        ("nothing", "databases:\nowner: x\n".to_owned()),
        ("nothing and a comment", "databases: # none\nowner: x\n".to_owned()),
        ("null", "databases: null\nowner: x\n".to_owned()),
        ("a tilde", "databases: ~\nowner: x\n".to_owned()),
        ("a tilde and a comment", "databases: ~ # none\n".to_owned()),
        ("spaces", "databases:  \nowner: x\n".to_owned()),
        ("braces that a comment has, too", "# databases: {}\ndatabases: {} # none\n".to_owned()),
        ("comments only", "# none yet\n\n# of them".to_owned()),
        ("a marker only", "---\n# none yet\n".to_owned()),
        ("not there", "owner: x\n".to_owned()),
        (
            "a status with a comment",
            with("", "").replace("status: pending", "status: pending # 'now' \"or\" later"),
        ),
        ("a double-quoted status", with("", "").replace("status: pending", "status: \"pending\"")),
        ("a status in escapes", with("", "").replace("status: pending", "status: \"p\\x65nding\"")),
        (
            "a status on the next line",
            with("", "").replace("status: pending", "status:\n        pending"),
        ),
        ("a folded status", with("", "").replace("status: pending", "status: >-\n        pending")),
        (
            "a literal status",
            with("", "").replace("status: pending", "status: |-\n        pending"),
        ),
        (
            "a status with its line break",
            with("", "").replace("status: pending", "status: |\n        pending"),
        ),
        ("a tagged status", with("", "").replace("status: pending", "status: !!str pending")),
        ("a folded text before", with("last_updated: >\n  2026-01-16\n", "")),
        ("a literal text before", with("last_updated: |\n  2026-01-16\n", "")),
        ("a stripped text before", with("last_updated: >-\n  2026-01-16\n\n", "")),
        ("a kept text before", with("last_updated: |+\n  2026-01-16\n\n\n", "")),
        ("a folded text after", with("", "last_updated: >\n  2026-01-16\n")),
        ("a literal text after", with("", "last_updated: |2\n    2026\n  01")),
        ("odd quotes", with("'last_updated': \"20\\u0032\\\n  6\"\n", "'it''s': 'a\n\n  b'\n")),
        ("a quoted map", with("", "").replace("databases:", "\"databases\":")),
        ("an asked-for key", with("", "").replace("databases:", "? databases\n:")),
        ("a tagged map", with("", "").replace("databases:", "databases: !!map")),
        ("an anchor", with("last_updated: &day 2026-01-16\n", "")),
        (
            "an alias",
            with("", "").replace("owner: app-team", "owner: &team app-team\n      x: *team"),
        ),
        ("a directive", format!("%YAML 1.2\n---\ndatabases:\n{RECORD}")),
        ("a directive and nothing", "%YAML 1.2\n---\ndatabases: {}\n".to_owned()),
        ("a quoted status", with("", "").replace("status: pending", "status: 'pending' # x")),
        ("letters beyond ASCII", with("# Größe: 😀\n", "# é\n").replace("# end", "# ü")),
    ]
}

#[test]
fn every_layout_is_kept_or_refused() {
    let mut refused = Vec::new();
    for (name, text) in layouts() {
        let outcomes = [("add", add(&text)), ("activate", activate(&text))];
        for (edit, why) in outcomes.into_iter().filter_map(|(edit, done)| Some((edit, done.err()?)))
        {
            println!("{name}, {edit}: {why}");
            refused.push(format!("{name}, {edit}"));
        }
    }
    println!("{} layouts, {} refusals", layouts().len(), refused.len());
    // Seldom and read right, or told with its place, so that a person can do it.
    let expected = [
        "a status in escapes, activate",
        "a status with its line break, add",
        "a status with its line break, activate",
        "a tagged status, activate",
        "an anchor, add",
        "an anchor, activate",
        "an alias, add",
        "an alias, activate",
        "a directive, add",
        "a directive and nothing, add",
    ];
    assert_eq!(refused, expected);
}

/// Lines that say nothing, of any kind and anywhere.
fn decorations() -> impl Strategy<Value = Vec<(Index, &'static str)>> {
    let lines = select(vec![
        "",
        "# a",
        "  # b: c",
        "      # {d",
        "    ",
        "        # 'e",
        "# \"f\"\t",
        "# é 😀",
    ]);
    prop::collection::vec((any::<Index>(), lines), 0..8)
}

fn decorated(
    text: &str,
    decorations: &[(Index, &str)],
    trailing: &[(Index, &str)],
    crlf: bool,
) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (at, comment) in trailing {
        let at = at.index(lines.len());
        if !lines[at].is_empty() && !lines[at].contains('#') {
            lines[at].push_str(comment);
        }
    }
    for (at, line) in decorations {
        lines.insert(at.index(lines.len() + 1), (*line).to_owned());
    }
    let end = if crlf { "\r\n" } else { "\n" };
    lines.join(end) + end
}

proptest! {
    #![proptest_config(crate::harness::cases(1000))]

    #[test]
    fn comments_and_empty_lines_anywhere_stay(
        decorations in decorations(),
        trailing in prop::collection::vec((any::<Index>(), select(vec![" # x", "  # 'y'", " # \"z\"", "   "])), 0..4),
        crlf in any::<bool>(),
        records in 0_usize..4,
        after in any::<bool>(),
    ) {
        let names = ["app", "bill", "crm"].into_iter().take(records);
        let body: String = names.map(|name| RECORD.replace("app", name).replace("APP", name)).collect();
        let after = if after { "owner: platform-team\nlast_updated: \"2026-01-15\"\n" } else { "" };
        let text = decorated(&format!("version: \"1.0\"\ndatabases:\n{body}{after}"), &decorations, &trailing, crlf);
        prop_assert!(read(&text).is_ok(), "{:?}\n{text}", read(&text));
        prop_assert_eq!(add(&text), Ok(()), "{}", text);
        prop_assert_eq!(activate(&text), Ok(()), "{}", text);
    }
}

#[test]
fn a_database_has_one_record_in_each_environment() {
    let twice = "databases:\n  app:\n    metadata: {environment: dev}\n  app-dev:\n    metadata: {environment: dev}\n";
    assert_eq!(read(twice).err().as_deref(), Some("database `app` of `dev` is there twice"));
    let two = twice.replacen("environment: dev", "environment: test", 1);
    let catalog = read(&two).expect("a catalog");
    let (dev, app) = (Environment::parse("dev").unwrap(), DatabaseName::parse("app").unwrap());
    assert_eq!(catalog.get(&dev, &app).map(|record| record.key.as_str()), Some("app-dev"));
}
