//! Runs a page's blocks one after the other, in one place.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::Problem;
use super::block::{Block, Kind, Shown};
use super::world::World;

/// Where the commands of a page are typed.
pub struct Session {
    folder: PathBuf,
    environment: BTreeMap<String, String>,
    /// Whether what is printed is compared with what is shown.
    compares: bool,
}

impl Session {
    pub fn new(world: &World, compares: bool) -> Self {
        let (folder, environment) = (world.stack.root().to_owned(), world.environment());
        Self { folder, environment, compares }
    }

    pub fn run(&self, block: &Block) -> Result<(), Problem> {
        match block.kind {
            Kind::Console { exit } => self.console(block, exit),
            Kind::Script => self.script(block),
            Kind::Other => Ok(()),
        }
    }

    fn script(&self, block: &Block) -> Result<(), Problem> {
        let (code, output) = self.shell(&block.text);
        let why = format!("the script ends with {code}:\n{output}");
        if code == 0 { Ok(()) } else { Err(Problem { why, actual: None }) }
    }

    fn console(&self, block: &Block, exit: i32) -> Result<(), Problem> {
        let commands = block.commands();
        let (mut actual, mut why) = (String::new(), Vec::new());
        for (at, shown) in commands.iter().enumerate() {
            let (code, output) = self.shell(&shown.command);
            actual += &format!("$ {}\n{output}", shown.command);
            let wanted = if at + 1 == commands.len() { exit } else { 0 };
            if code != wanted {
                why.push(format!("`{}` ends with {code}, not {wanted}:\n{output}", shown.command));
            } else if self.compares && !agree(shown, &output) {
                let shown_lines = shown.lines.join("\n");
                why.push(format!(
                    "`{}`\n--- shown\n{shown_lines}\n--- printed\n{output}",
                    shown.command
                ));
            }
        }
        if why.is_empty() {
            return Ok(());
        }
        let abridged = block.text.lines().any(|line| line == "…");
        Err(Problem { why: why.join("\n"), actual: (!abridged).then_some(actual) })
    }

    /// The exit code, and what a terminal would show.
    fn shell(&self, script: &str) -> (i32, String) {
        let mut command = Command::new("bash");
        command.args(["-eo", "pipefail", "-c", &format!("exec 2>&1\n{script}")]);
        command.current_dir(&self.folder).stdin(Stdio::null()).env_clear().envs(&self.environment);
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap_or(-1), text)
    }
}

/// Whether what was printed is what is shown, times, ports and ids aside.
fn agree(shown: &Shown, printed: &str) -> bool {
    let shown: Vec<String> = shown.lines.iter().map(|line| steady(line)).collect();
    let printed: Vec<String> = printed.lines().map(steady).collect();
    matches(&shown, &printed)
}

fn matches(shown: &[String], printed: &[String]) -> bool {
    match (shown.split_first(), printed.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "…" => {
            (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]))
        }
        (Some((first, rest)), Some((line, others))) => first == line && matches(rest, others),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// A line without what differs from run to run: milliseconds, ports, process ids, moments, version ids.
fn steady(line: &str) -> String {
    let mut words = Vec::new();
    for word in line.split_whitespace() {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let core = word.trim_matches(|c: char| "()[],;`'\".".contains(c));
        let is_id = uuid::Uuid::parse_str(core).is_ok();
        let is_moment =
            core.len() >= 10 && jiff::civil::Date::strptime("%Y-%m-%d", &core[..10]).is_ok();
        let port = word.split_once("localhost:").map(|(before, after)| {
            (before, after.trim_start_matches(|c: char| c.is_ascii_digit()))
        });
        words.push(match port {
            Some((before, after)) => format!("{before}localhost:PORT{after}"),
            None if is_id => word.replace(core, "ID"),
            None if is_moment => word.replace(core, "MOMENT"),
            None if digits(core) && line.contains(&format!("{core} ms")) => word.replace(core, "N"),
            None => word.to_owned(),
        });
    }
    words.join(" ")
}
