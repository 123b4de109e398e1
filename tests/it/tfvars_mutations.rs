//! Damaged variable files: never a panic, and every problem is in the text.

use goldenpath_rds::tfvars::{self, Diagnostic, Kind, Rules, Sources, Type};
use proptest::test_runner::{Config, TestRng, TestRunner};
use rand::RngExt;

use crate::tfvars_oracle::{cases, modules};

const MUTANTS_OF_EACH: usize = 20;
/// What is put in: everything that means something in HCL or JSON.
const PIECES: &[&str] = &[
    "{", "}", "[", "]", "(", ")", "\"", "=", ":", ",", "\n", "\r\n", "\\", "\\u00e9", "${", "%{",
    "$${", "<<EOF\n", "<<-EOF\n", "\nEOF\n", "#", "/*", "*/", "//", "null", "true", "-", "1e9",
    "0.5", " ", "\t", "a", "for", "if", "?", "...", "\u{feff}", "e\u{301}", "\u{0}", "é",
    "variable", "x.y",
];

#[test]
fn no_damage_makes_the_reader_panic() {
    let config = Config { rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..Config::default() };
    let mut runner = TestRunner::new(config);
    let random = runner.rng();
    let mut read = 0;
    for case in cases::packed() {
        for (name, bytes) in case.texts().filter(|(_, bytes)| bytes.len() < 4096) {
            for _ in 0..MUTANTS_OF_EACH {
                check(name, damaged(bytes, random));
                read += 1;
            }
        }
    }
    println!("{read} damaged files read");
}

fn damaged(bytes: &[u8], random: &mut TestRng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..=bytes.len());
        let end = (at + random.random_range(0..6)).min(bytes.len());
        let piece = PIECES[random.random_range(0..PIECES.len())].as_bytes();
        match random.random_range(0..4) {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.splice(at..at, piece.iter().copied())),
            2 => drop(bytes.splice(at..end, piece.iter().copied())),
            _ => bytes.truncate(at.max(bytes.len() / 2)),
        }
    }
    bytes
}

fn check(name: &str, bytes: Vec<u8>) {
    let (sources, read) = tfvars::read_text(name, bytes);
    let variables = match read {
        Ok(variables) => variables,
        Err(problems) => return check_problems(&sources, &problems),
    };
    let names: Vec<String> = variables.names().map(|(name, _)| name.to_owned()).collect();
    for name in names {
        for ty in types() {
            let strict = variables.get(&name, &ty, Rules::Strict { allow_attributes: &[] });
            let lenient = variables.get(&name, &ty, Rules::Terraform);
            if let Ok(Some(strict)) = &strict {
                let lenient = lenient.as_ref().ok().and_then(Option::as_ref);
                assert_eq!(Some(strict), lenient, "what the strict rules take, Terraform takes so");
            }
            for problems in [strict, lenient].into_iter().filter_map(Result::err) {
                check_problems(&sources, &problems);
            }
        }
    }
}

fn types() -> [Type; 3] {
    [Type::Any, modules::of("typed").swap_remove(0).ty, modules::of("nested").swap_remove(0).ty]
}

fn check_problems(sources: &Sources, problems: &[Diagnostic]) {
    assert!(!problems.is_empty(), "refused without a word");
    for problem in problems {
        let at = problem.at.as_ref().expect("a place");
        let text = sources.get(&at.file).expect("a known text").text();
        assert!(text.get(at.start..at.end).is_some(), "{problem:?} is outside the text");
        let line = text.lines().nth(at.line - 1).unwrap_or_default();
        assert!(at.column <= line.chars().count() + 2, "{problem:?} is outside its line");
    }
    assert!(sources.render(problems, false).contains("error: "));
    assert!(sources.render(problems, true).contains("error"));
}

/// Deep nesting ends in a message, not at the end of the stack.
#[test]
fn deep_nesting_is_refused() {
    for open in ["[", "{a=", "(", "\"${", "-", "!", "<<A\n${"] {
        for name in ["a.tfvars", "a.tfvars.json"] {
            check(name, format!("x = {}", open.repeat(20_000)).into_bytes());
            check(name, open.repeat(20_000).into_bytes());
        }
    }
    let (_, read) = tfvars::read_text("a.tfvars", b"x = [[[[1]]]]".to_vec());
    let value =
        read.ok().and_then(|read| read.get("x", &Type::Any, Rules::Terraform).ok().flatten());
    assert!(matches!(value.map(|value| value.kind), Some(Kind::List(_))));
}
