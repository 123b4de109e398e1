//! What a policy of `docs/iam` allows, as AWS would decide: an action, on a resource, under a condition.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{ENV, Request};

/// What AWS puts behind a secret's name in its ARN.
const SUFFIX: &str = "-AbC123";

/// The policy of a command, for our environment.
pub struct Policy(Vec<Value>);

impl Policy {
    pub fn of(command: &str) -> Self {
        let path = format!("{}/docs/iam/{command}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        for place in ["REGION", "ACCOUNT", "ENV"] {
            assert!(text.contains(place), "{command} names no {place}");
        }
        // ENV alone: the word may be part of another one.
        let text = text.replace("/ENV/", &format!("/{ENV}/"));
        let text = text.replace("\"ENV\"", &format!("\"{ENV}\""));
        let policy: Value = serde_json::from_str(&text).unwrap();
        let statements = policy["Statement"].as_array().unwrap().clone();
        assert!(statements.iter().all(|statement| statement["Effect"] == "Allow"));
        Self(statements)
    }

    pub fn actions(&self) -> BTreeSet<&str> {
        self.0.iter().flat_map(actions).collect()
    }

    pub fn allows(&self, request: &Request) -> bool {
        let arn = request.secret().map_or_else(
            || "*".to_owned(),
            |name| format!("arn:aws:secretsmanager:REGION:ACCOUNT:secret:{name}{SUFFIX}"),
        );
        self.0.iter().any(|statement| {
            let pattern = statement["Resource"].as_str().expect("one resource");
            actions(statement).any(|action| action == request.operation)
                && matches(pattern, &arn)
                && meets(request, &statement["Condition"])
        })
    }
}

fn actions(statement: &Value) -> impl Iterator<Item = &str> {
    let actions = statement["Action"].as_array().expect("actions").iter();
    actions.map(|action| action.as_str().unwrap().strip_prefix("secretsmanager:").unwrap())
}

/// `*` stands for any text; no policy of ours has another sign.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((begin, rest)) => text.strip_prefix(begin).is_some_and(|text| {
            text.char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .any(|at| matches(rest, &text[at..]))
        }),
    }
}

/// The tags of the request are all that our policies ask for.
fn meets(request: &Request, condition: &Value) -> bool {
    let Some(condition) = condition.as_object() else { return true };
    condition.iter().all(|(operator, wanted)| {
        assert_eq!(operator, "StringEquals");
        let tags = request.tags();
        wanted.as_object().unwrap().iter().all(|(key, value)| {
            let tag = key.strip_prefix("aws:RequestTag/").unwrap();
            tags.get(tag).copied() == value.as_str()
        })
    })
}
