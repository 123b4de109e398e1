//! What stands for GitHub: a repository to clone from, and the state that the stub `gh` keeps.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// The project itself.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A repository with the project's workflows and what they use, and `gh`, `make` and `curl` that stay on
/// this machine.
pub struct GitHub {
    folder: TempDir,
}

/// `make build` is the tests' own build; `curl` gets the certificate authority of the tests' server.
const MAKE: &str = "#!/bin/sh\n[ \"$*\" = build ] && mkdir -p target/release && \
    ln -sf \"$TEST_EXECUTABLE\" target/release/goldenpath-rds\n";
const CURL: &str = "#!/bin/sh\nmkdir -p target && cp \"$TEST_CA\" target/rds-ca.pem\n";

impl GitHub {
    /// With these files beside the project's own.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let github = Self { folder: tempfile::tempdir().unwrap() };
        for name in ["bin", "state", "work"] {
            std::fs::create_dir(github.folder.path().join(name)).unwrap();
        }
        for list in ["pulls", "comments", "issues", "reviews", "labels", "events", "statuses"] {
            std::fs::write(github.state().join(list), "[]").unwrap();
        }
        for (name, text) in [("gh", include_str!("gh")), ("make", MAKE), ("curl", CURL)] {
            program(&github.programs().join(name), text);
        }
        github.begin(files);
        github
    }

    fn begin(&self, files: &[(&str, &str)]) {
        let (work, origin) = (self.work(), self.origin());
        for copied in [".github", "schemas", "docs/20-contracts"] {
            std::fs::create_dir_all(work.join(copied).parent().unwrap()).unwrap();
            let mut copy = Command::new("cp");
            copy.arg("-r").arg(project().join(copied)).arg(work.join(copied));
            assert!(copy.status().unwrap().success(), "{copied}");
        }
        self.git(&["init", "--quiet", "--initial-branch=main", "."]);
        self.git(&[
            "init",
            "--quiet",
            "--bare",
            "--initial-branch=main",
            &origin.display().to_string(),
        ]);
        self.git(&["remote", "add", "origin", &origin.display().to_string()]);
        self.write("governance/dev/.gitkeep", "");
        self.write(".gitignore", "/target\n");
        // The real one would run these tests.
        self.write(".ci/run", "");
        program(&work.join(".ci/run"), "#!/bin/sh\necho all tests pass\n");
        for (path, text) in files {
            self.write(path, text);
        }
        self.push("main", "Begin");
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.work().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Makes a link.
    pub fn link(&self, path: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.work().join(path)).unwrap();
    }

    /// Commits everything, pushes it, and gives the commit.
    pub fn push(&self, branch: &str, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
        self.git(&["push", "--quiet", "--force", "origin", &format!("HEAD:{branch}")]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git in the repository of the person who works on it.
    pub fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.current_dir(self.work()).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Test");
            command.env(format!("GIT_{role}_EMAIL"), "test@example.org");
        }
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A file as it is on a branch now.
    pub fn file(&self, branch: &str, path: &str) -> String {
        self.git(&["fetch", "--quiet", "origin"]);
        self.git(&["show", &format!("origin/{branch}:{path}")])
    }

    /// What `gh` keeps under this name.
    pub fn list(&self, name: &str) -> Value {
        let text = std::fs::read_to_string(self.state().join(name)).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Lets one push fail, as when somebody else was faster.
    pub fn refuse_one_push(&self) {
        let once = "#!/bin/sh\nrm -f \"$0\"\nexit 1\n";
        program(&self.origin().join("hooks/pre-receive"), once);
    }

    /// Lets one push fail since meanwhile `main` has become what the branch `meanwhile` is.
    pub fn move_main_at_one_push(&self) {
        let once = "#!/bin/sh\nrm -f \"$0\"\ngit update-ref refs/heads/main refs/heads/meanwhile\nexit 1\n";
        program(&self.origin().join("hooks/update"), once);
    }

    /// Makes `gh` find this.
    pub fn has(&self, name: &str, list: &Value) {
        std::fs::write(self.state().join(name), list.to_string()).unwrap();
    }

    pub fn origin(&self) -> PathBuf {
        self.folder.path().join("origin.git")
    }

    pub fn programs(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }
}

fn program(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
}
