//! Fenced blocks of a Markdown page.

/// What a block is.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// Commands and what they print; the last ends with this code.
    Console { exit: i32 },
    /// Commands.
    Script,
    /// Nothing that is run.
    Other,
}

/// A block.
#[derive(Debug)]
pub struct Block {
    pub kind: Kind,
    /// The line of the page that its content begins in.
    pub line: usize,
    /// The content, as in the page.
    pub text: String,
}

/// A command and the lines that are shown after it.
#[derive(Debug, Default)]
pub struct Shown {
    pub command: String,
    pub lines: Vec<String>,
}

/// The blocks of a page.
pub fn blocks(page: &str, text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(""), Some(block)) => blocks.push(block),
            (Some(info), None) => {
                let kind = kind(page, number + 1, info);
                open = Some(Block { kind, line: number + 2, text: String::new() });
            }
            (_, Some(mut block)) => {
                block.text += &format!("{line}\n");
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{page}: a block has no end");
    blocks
}

fn kind(page: &str, line: usize, info: &str) -> Kind {
    match info.split_whitespace().collect::<Vec<_>>()[..] {
        ["console"] => Kind::Console { exit: 0 },
        ["console", exit] if exit.starts_with("exit=") => {
            Kind::Console { exit: exit[5..].parse().unwrap() }
        }
        ["sh"] => Kind::Script,
        ["sh" | "console", "aws" | "github"] => Kind::Other,
        ["sh" | "console" | "bash" | "shell", ..] | [] => {
            panic!("{page}:{line}: ```{info}: neither run nor marked as needing AWS or GitHub")
        }
        _ => Kind::Other,
    }
}

impl Block {
    /// The commands of a console.
    pub fn commands(&self) -> Vec<Shown> {
        let mut commands: Vec<Shown> = Vec::new();
        for line in self.text.lines() {
            let goes_on =
                commands.last().is_some_and(|last| last.lines.is_empty() && last.is_open());
            match (line.strip_prefix("$ "), commands.last_mut()) {
                (_, Some(last)) if goes_on => last.command += &format!("\n{line}"),
                (Some(command), _) => {
                    commands.push(Shown { command: command.to_owned(), lines: Vec::new() });
                }
                (None, Some(last)) => last.lines.push(line.to_owned()),
                (None, None) => panic!("line {}: output before a command", self.line),
            }
        }
        commands
    }
}

impl Shown {
    /// Whether the next line belongs to the command: after `\`, and inside of quotes.
    fn is_open(&self) -> bool {
        self.command.ends_with('\\') || self.command.matches('"').count() % 2 == 1
    }
}
