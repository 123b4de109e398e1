//! All sources of variables in Terraform's order, and the values that win.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;
use std::sync::Arc;

use ::hcl::edit::expr::Expression;

use super::convert::{self, Context};
use super::diagnostic::Diagnostic;
use super::discover::{self, File};
use super::hcl::{self, Script};
use super::json_file;
use super::literal;
use super::node::{Node, NodeKind};
use super::source::{Source, Sources};
use super::text::normalized;
use super::types::{Rules, Type};
use super::value::Value;

/// A setting on the command line. Their order counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// `--var name=value`, as given.
    Var(String),
    /// `--var-file`, relative to the working folder.
    VarFile(PathBuf),
}

/// What to read.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The folder whose variable files are read unasked.
    pub folder: &'a Path,
    /// What stands before the names of its files in messages: `envs/dev-rds`.
    pub shown_as: &'a str,
    /// What relative `--var-file` paths start from.
    pub working_folder: &'a Path,
    /// In the order of the command line.
    pub arguments: &'a [Argument],
    /// The environment; names without `TF_VAR_` are passed over.
    pub environment: &'a BTreeMap<String, String>,
}

/// The winning setting of each variable, not evaluated yet.
#[derive(Debug, Default)]
pub struct Variables {
    settings: BTreeMap<String, Setting>,
    /// Variables named by `--var`, which Terraform requires to be declared.
    named_by_flags: BTreeMap<String, Arc<Source>>,
}

#[derive(Debug)]
struct Setting {
    written: Written,
    source: Arc<Source>,
}

/// A value before it is evaluated.
#[derive(Debug)]
enum Written {
    Hcl(Expression),
    Json(Node),
    /// `TF_VAR_name` or `--var`: how it is read depends on the variable's type.
    Text,
}

/// Reads everything that Terraform would read. The sources come back in any case: they are
/// needed to show the problems, those of later conversions too.
pub fn read(request: &Request<'_>) -> (Sources, Result<Variables, Vec<Diagnostic>>) {
    let mut reader = Reader::default();
    reader.environment(request.environment);
    match discover::in_folder(request.folder, request.shown_as) {
        Ok(files) => files.iter().for_each(|file| reader.file(file)),
        Err(problem) => reader.problems.push(*problem),
    }
    for argument in request.arguments {
        match argument {
            Argument::Var(assignment) => reader.flag(assignment),
            Argument::VarFile(path) => reader.file(&File {
                path: request.working_folder.join(path),
                shown_as: path.display().to_string(),
            }),
        }
    }
    reader.outcome()
}

/// Reads one text as if it were the only variable file, without touching a disk. `.json` at
/// the end of the name selects JSON.
pub fn read_text(name: &str, bytes: Vec<u8>) -> (Sources, Result<Variables, Vec<Diagnostic>>) {
    let mut reader = Reader::default();
    reader.text(name, name.ends_with(".json"), bytes);
    reader.outcome()
}

#[derive(Default)]
struct Reader {
    sources: Sources,
    variables: Variables,
    problems: Vec<Diagnostic>,
}

impl Reader {
    fn outcome(self) -> (Sources, Result<Variables, Vec<Diagnostic>>) {
        let Self { sources, variables, problems } = self;
        (sources, if problems.is_empty() { Ok(variables) } else { Err(problems) })
    }

    fn set(&mut self, name: String, written: Written, source: &Arc<Source>) {
        let setting = Setting { written, source: source.clone() };
        self.variables.settings.insert(name, setting);
    }

    fn environment(&mut self, environment: &BTreeMap<String, String>) {
        for (variable, text) in environment {
            if let Some(name) = variable.strip_prefix("TF_VAR_") {
                let source = self.sources.add(variable, text.clone());
                self.set(normalized(name.to_owned()), Written::Text, &source);
            }
        }
    }

    fn file(&mut self, file: &File) {
        match discover::read(file) {
            Ok(bytes) => self.text(&file.shown_as, file.is_json(), bytes),
            Err(problem) => self.problems.push(*problem),
        }
    }

    fn text(&mut self, name: &str, json: bool, bytes: Vec<u8>) {
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => return self.not_utf8(name, &error),
        };
        let source = self.sources.add(name, text);
        if json {
            for (name, node) in json_file::assignments(&source, &mut self.problems) {
                self.set(name, Written::Json(node), &source);
            }
        } else {
            for assignment in hcl::assignments(&source, &mut self.problems) {
                self.set(assignment.name, Written::Hcl(assignment.expression), &source);
            }
        }
    }

    /// Terraform 1.11 takes such bytes in comments; here they are refused anywhere.
    fn not_utf8(&mut self, name: &str, error: &FromUtf8Error) {
        let start = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let source = self.sources.add(name, text);
        let at = source.position(start..start + char::REPLACEMENT_CHARACTER.len_utf8());
        let problem = Diagnostic::at(at, "a byte that is not UTF-8").hint("save the file as UTF-8");
        self.problems.push(problem);
    }

    fn flag(&mut self, assignment: &str) {
        let Some((name, text)) = assignment.split_once('=') else {
            let problem = Diagnostic::anywhere(format!("`--var {assignment}` has no `=`"))
                .hint("write `--var name=value`");
            return self.problems.push(problem);
        };
        if name.is_empty() || name.trim() != name {
            let problem = Diagnostic::anywhere(format!("`--var {assignment}` has no proper name"))
                .hint("write `--var name=value`, without spaces around the name");
            return self.problems.push(problem);
        }
        let source = self.sources.add(&format!("--var {name}"), text.to_owned());
        let name = normalized(name.to_owned());
        self.variables.named_by_flags.insert(name.clone(), source.clone());
        self.set(name, Written::Text, &source);
    }
}

impl Variables {
    /// The value of a variable, evaluated and converted; `None` if nothing sets it.
    ///
    /// # Errors
    ///
    /// Every problem of the value.
    pub fn get(
        &self,
        name: &str,
        ty: &Type,
        rules: Rules<'_>,
    ) -> Result<Option<Value>, Vec<Diagnostic>> {
        let Some(setting) = self.settings.get(name) else { return Ok(None) };
        let mut problems = Vec::new();
        let node = setting.node(ty, &mut problems);
        let refuse_repeated = matches!(setting.written, Written::Json(_));
        let context = Context { source: &setting.source, rules, refuse_repeated };
        let value = node.and_then(|node| convert::convert(&node, ty, &context, &mut problems));
        problems.sort_by(|a, b| a.at.cmp(&b.at));
        match value {
            Some(value) if problems.is_empty() => Ok(Some(value)),
            Some(_) | None => Err(problems),
        }
    }

    /// The names of all variables that are set, each with where its winning value stands.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.settings.iter().map(|(name, setting)| (name.as_str(), setting.source.name().as_ref()))
    }

    /// Terraform 1.11 refuses `-var` for a variable that is not declared, while in files it only
    /// warns and in the environment says nothing.
    pub fn undeclared_flags(&self, declared: &[&str]) -> Vec<Diagnostic> {
        let flags = self.named_by_flags.iter();
        flags
            .filter(|(name, _)| !declared.contains(&name.as_str()))
            .map(|(name, _)| {
                Diagnostic::anywhere(format!("--var {name}: there is no variable `{name}`"))
                    .hint(format!("variables: {}", declared.join(", ")))
            })
            .collect()
    }
}

impl Setting {
    fn node(&self, ty: &Type, problems: &mut Vec<Diagnostic>) -> Option<Node> {
        match &self.written {
            Written::Hcl(expression) => {
                Some(literal::evaluate(&Script::file(&self.source), expression, problems))
            }
            Written::Json(node) => Some(node.clone()),
            Written::Text if ty.takes_text() => {
                let text = self.source.text();
                let kind = NodeKind::String(normalized(text.to_owned()));
                Some(Node { kind, span: 0..text.len() })
            }
            Written::Text => {
                let script = Script::expression(&self.source);
                let expression = hcl::expression(&script, problems)?;
                Some(literal::evaluate(&script, &expression, problems))
            }
        }
    }
}
