//! A repository folder with the platform's schemas and no servers.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::stack::{Answer, answer};

pub const CATALOG: &str = "docs/20-contracts/resource-catalogs/rds-catalog.yaml";
pub const VARIABLES: &str = "envs/dev-rds/terraform.tfvars";

/// The folder of this package.
pub fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A repository of its own.
pub struct Repository(TempDir);

impl Repository {
    /// With the schemas that this package has, and these variables for `dev`.
    pub fn with_variables(variables: &str) -> Self {
        let repository = Self(tempfile::tempdir().expect("a temporary folder"));
        for path in ["schemas/metadata/enums.yaml", "schemas/routing/service_class_approvals.yaml"]
        {
            let text = std::fs::read_to_string(package().join(path)).expect("the package has it");
            repository.write(path, &text);
        }
        repository.write(VARIABLES, variables);
        repository
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        std::fs::write(path, text).expect("the file is written");
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap_or_default()
    }

    /// The executable in the folder, with nothing but `PATH` in its environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_goldenpath-rds"));
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// Runs the executable with these variables in its environment.
    pub fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Answer {
        let mut command = self.command(arguments);
        command.envs(environment.iter().copied());
        answer(command.output().expect("the executable runs"))
    }

    pub fn run(&self, arguments: &[&str]) -> Answer {
        self.run_with(arguments, &[])
    }
}
