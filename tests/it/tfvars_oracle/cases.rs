//! The cases: packed one file per category, or in folders.

use std::collections::BTreeMap;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use base64::Engine;
use serde_json::Value as Json;

use super::exact;

/// What to set up and what terraform made of it.
pub struct Case {
    /// `category/name`
    pub name: String,
    module: String,
    pub exotic: bool,
    pub args: Vec<String>,
    global_args: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub root: String,
    dirs: Vec<String>,
    symlinks: BTreeMap<String, String>,
    files: BTreeMap<String, Vec<u8>>,
    expected: Expected,
    expected_any: Option<Expected>,
}

/// Terraform's answer.
pub enum Expected {
    Value(Json),
    Errors(Vec<Place>),
}

/// Where terraform sees an error.
#[derive(Debug)]
pub struct Place {
    pub file: String,
    pub lines: RangeInclusive<usize>,
}

/// All cases, those of `TFVARS_ORACLE` if it is set.
pub fn all() -> Vec<Case> {
    match std::env::var_os("TFVARS_ORACLE") {
        Some(folder) => in_folders(Path::new(&folder)),
        None => packed(),
    }
}

/// The folder of the packed cases.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tfvars")
}

pub fn packed() -> Vec<Case> {
    let mut cases = Vec::new();
    for path in listed(&fixtures()).filter(|path| path.extension().is_some_and(|e| e == "json")) {
        let category = file_name(&path.with_extension(""));
        let pack = exact::parse(&fs::read_to_string(&path).expect("a pack of cases"));
        for (name, case) in object(&pack) {
            let files = object(&case["files"]).map(|(name, text)| (name.clone(), bytes(text)));
            cases.push(Case {
                files: files.collect(),
                expected: expected(&case["expected"]).expect("an expected outcome"),
                expected_any: case
                    .get("expected_any")
                    .map(|any| expected(any).unwrap_or(Expected::Errors(vec![]))),
                ..described(format!("{category}/{name}"), case)
            });
        }
    }
    cases
}

fn expected(outcome: &Json) -> Option<Expected> {
    if let Some(value) = outcome.get("value") {
        return Some(Expected::Value(value.clone()));
    }
    let places = outcome.get("errors")?.as_array()?;
    let line = |json: &Json| exact::number(json)?.parse().ok();
    let place = |place: &Json| {
        let file = place.get(0)?.as_str()?.to_owned();
        Some(Place { file, lines: line(&place[1])?..=line(&place[2])? })
    };
    Some(Expected::Errors(places.iter().filter_map(place).collect()))
}

fn bytes(text: &Json) -> Vec<u8> {
    let engine = base64::engine::general_purpose::STANDARD;
    match text.as_str() {
        Some(text) => text.to_owned().into_bytes(),
        None => engine.decode(text["base64"].as_str().expect("base64")).expect("base64"),
    }
}

fn in_folders(cases: &Path) -> Vec<Case> {
    let cases = if cases.join("cases").is_dir() { cases.join("cases") } else { cases.into() };
    let categories = listed(&cases).filter(|path| path.is_dir());
    let folders = categories.flat_map(|category| listed(&category).collect::<Vec<_>>());
    folders
        .filter(|folder| folder.join("case.json").exists())
        .map(|case| in_folder(&case))
        .collect()
}

fn in_folder(folder: &Path) -> Case {
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let value = |name: &str| read(name).map(|text| Expected::Value(exact::parse(&text)));
    let described_by = exact::parse(&read("case.json").expect("case.json"));
    let any_refused = read("expected-any-error.txt").map(|_| Expected::Errors(vec![]));
    let category = file_name(folder.parent().expect("a category"));
    Case {
        files: files(&folder.join("files")),
        expected: value("expected.json").unwrap_or_else(|| {
            Expected::Errors(places(&read("expected-diagnostics.json").unwrap_or("[]".into())))
        }),
        expected_any: value("expected-any.json").or(any_refused),
        ..described(format!("{category}/{}", file_name(folder)), &described_by)
    }
}

fn places(diagnostics: &str) -> Vec<Place> {
    let diagnostics = exact::parse(diagnostics);
    let line = |range: &Json, end: &str| exact::number(&range[end]["line"])?.parse().ok();
    let place = |diagnostic: &Json| {
        let range = diagnostic.get("range").filter(|_| diagnostic["severity"] == "error")?;
        let file = range["filename"].as_str()?.to_owned();
        Some(Place { file, lines: line(range, "start")?..=line(range, "end")? })
    };
    diagnostics.as_array().expect("a list").iter().filter_map(place).collect()
}

/// Every file below a folder, by its path in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for path in listed(&next) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("a path below").to_str();
                let name = name.expect("UTF-8").to_owned();
                found.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

fn listed(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter()
}

fn file_name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

fn object(json: &Json) -> impl Iterator<Item = (&String, &Json)> {
    json.as_object().into_iter().flatten()
}

fn described(name: String, json: &Json) -> Case {
    let text = |key: &str, default: &str| json[key].as_str().unwrap_or(default).to_owned();
    let list = |key: &str| -> Vec<String> {
        let items = json[key].as_array().into_iter().flatten();
        items.map(|item| item.as_str().expect("a string").to_owned()).collect()
    };
    let map = |key: &str| -> BTreeMap<String, String> {
        let members = object(&json[key]);
        members.map(|(k, v)| (k.clone(), v.as_str().expect("a string").to_owned())).collect()
    };
    Case {
        name,
        module: text("module", "typed"),
        exotic: json["exotic"] == true,
        args: list("args"),
        global_args: list("global_args"),
        env: map("env"),
        root: text("root", "."),
        dirs: list("dirs"),
        symlinks: map("symlinks"),
        files: BTreeMap::new(),
        expected: Expected::Errors(vec![]),
        expected_any: None,
    }
}

impl Case {
    /// `TF_CLI_ARGS*` and `-chdir` are Terraform's alone.
    pub fn is_ours(&self) -> bool {
        self.global_args.is_empty() && !self.env.keys().any(|name| name.starts_with("TF_CLI_ARGS"))
    }

    /// The modules to compare with and what they gave.
    pub fn layers(&self) -> impl Iterator<Item = (&str, &Expected)> {
        let any = self.expected_any.as_ref().map(|expected| ("any", expected));
        std::iter::once((self.module.as_str(), &self.expected)).chain(any)
    }

    /// The text files of the case.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// Writes files, folders and links below `folder`.
    pub fn set_up(&self, folder: &Path) {
        for (name, bytes) in &self.files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, bytes).expect("a file");
        }
        for name in &self.dirs {
            fs::create_dir_all(folder.join(name)).expect("a folder");
        }
        for (link, target) in &self.symlinks {
            let path = folder.join(link);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::os::unix::fs::symlink(target, path).expect("a link");
        }
    }
}
