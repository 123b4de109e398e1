//! The commands in `docs/`, run as they stand there, and their output compared with the one shown.
//!
//! A fenced block `console` has commands after `$ ` and what they print; `exit=N` after the word says how
//! the last of them ends. A block `sh` is a script. Both are run, unless `aws` or `github` follows: such
//! commands need what a test does not have. A line `…` stands for any lines. The pages show
//! PostgreSQL 15; other versions take other steps, so there the commands are run, and what they print is not
//! compared.
//! `GOLDENPATH_UPDATE_DOCS=1 cargo test documentation` writes down what the commands print now.

mod block;
mod session;
mod world;

use std::path::{Path, PathBuf};

use block::Kind;

/// The version of PostgreSQL that the pages show.
const SHOWN_MAJOR: u32 = 15;

/// All pages, as paths in the repository.
fn pages() -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join("docs"), &mut found);
    found.sort();
    found.iter().map(|path| path.strip_prefix(root).unwrap().display().to_string()).collect()
}

#[tokio::test]
async fn every_command_in_the_documentation_does_what_it_shows() {
    let mut problems = Vec::new();
    for page in pages() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&page);
        let text = std::fs::read_to_string(&path).unwrap();
        let blocks = block::blocks(&page, &text);
        if blocks.iter().all(|block| block.kind == Kind::Other) {
            continue;
        }
        let world = world::of(&page).await;
        let session = session::Session::new(&world, world.stack.major().await == SHOWN_MAJOR);
        let mut new = text.clone();
        for block in blocks {
            if let Err(problem) = session.run(&block) {
                problems.push(format!("{page}:{}: {}", block.line, problem.why));
                if let Some(lines) = problem.actual {
                    new = new.replacen(&block.text, &lines, 1);
                }
            }
        }
        if std::env::var_os("GOLDENPATH_UPDATE_DOCS").is_some() && new != text {
            std::fs::write(&path, new).unwrap();
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

/// Links between the pages, and from them to files of the repository.
#[test]
fn every_link_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for page in pages().into_iter().chain(["README.md".to_owned()]) {
        let text = std::fs::read_to_string(root.join(&page)).unwrap();
        let folder = root.join(&page).parent().unwrap().to_owned();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap();
            let outside = file.is_empty() || file.contains("://");
            assert!(outside || folder.join(file).exists(), "{page}: no {target}");
        }
    }
}

/// What a block of a page says about a command that failed or printed something else.
struct Problem {
    why: String,
    /// The block with what the commands print now.
    actual: Option<String>,
}
