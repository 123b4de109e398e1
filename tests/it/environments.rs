//! `goldenpath-rds environments`, in a repository with a history.

use std::process::Command;

use crate::harness::{Answer, CATALOG, Repository};

fn record(key: &str, environment: &str, status: &str) -> String {
    format!(
        "  {key}:\n    metadata: {{owner: app-team, environment: {environment}, status: {status}}}\n"
    )
}

/// What `main` has of the catalog.
fn catalog() -> String {
    format!(
        "databases:\n{}{}",
        record("billing", "dev", "active"),
        record("billing-prod", "prod", "pending")
    )
}

/// Three environments, and the stack of developers.
fn repository() -> Repository {
    let repository = Repository::with_variables("application_databases = {}\n");
    for name in ["test", "prod", "local"] {
        repository.write(&format!("envs/{name}-rds/terraform.tfvars"), "");
    }
    repository.write("envs/readme-rds", "a file is no folder");
    repository.write(CATALOG, &catalog());
    git(&repository, &["init", "--quiet", "--initial-branch=main"]);
    commit(&repository);
    repository
}

fn commit(repository: &Repository) {
    git(repository, &["add", "--all"]);
    git(repository, &["commit", "--quiet", "--message=x", "--allow-empty"]);
}

fn git(repository: &Repository, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]);
    command.args(["-c", "commit.gpgsign=false"]);
    let output = command.args(arguments).current_dir(repository.path("")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn environments(repository: &Repository, arguments: &[&str]) -> Answer {
    let arguments: Vec<_> = ["environments"].iter().chain(arguments).copied().collect();
    repository.run(&arguments)
}

/// The environments of the last commit, as a job's matrix takes them.
#[track_caller]
fn last_concerns(repository: &Repository, wanted: &str) {
    let answer =
        environments(repository, &["--base", "HEAD^", "--head", "HEAD", "--format", "json"]);
    assert_eq!(answer.expect(0).stdout, format!("{wanted}\n"));
}

/// Of the last commit, which makes of the catalog what is given.
#[track_caller]
fn catalog_concerns(text: &str, wanted: &str) {
    let repository = repository();
    repository.write(CATALOG, text);
    commit(&repository);
    last_concerns(&repository, wanted);
}

const ALL: &str = r#"["dev","prod","test"]"#;

#[test]
fn without_a_base_they_are_all_told() {
    let repository = repository();
    assert_eq!(environments(&repository, &[]).expect(0).stdout, "dev\nprod\ntest\n");
    for base in ["", "0000000000000000000000000000000000000000", "nowhere"] {
        let answer = environments(&repository, &["--base", base, "--format", "json"]);
        assert_eq!(answer.expect(0).stdout, format!("{ALL}\n"), "base `{base}`");
    }
}

#[test]
fn a_head_that_is_no_commit_is_an_error() {
    let answer = environments(&repository(), &["--base", "HEAD", "--head", "nowhere"]);
    answer.expect(1).says("error: there is no commit `nowhere`");
    Repository::with_variables("").run(&["environments"]).expect(1);
}

#[test]
fn a_folder_that_differs_concerns_its_environment() {
    let repository = repository();
    repository.write("envs/test-rds/more.auto.tfvars", "");
    repository.write("envs/new-rds/terraform.tfvars", "");
    repository.write("envs/local-rds/terraform.tfvars", "# changed");
    repository.write("envs/dev/terraform.tfvars", "# another stack");
    repository.write("README.md", "changed");
    commit(&repository);
    last_concerns(&repository, r#"["new","test"]"#);
    git(&repository, &["rm", "--quiet", "-r", "envs/new-rds"]);
    commit(&repository);
    last_concerns(&repository, "[]");
}

#[test]
fn records_that_differ_concern_their_environments() {
    let catalog = catalog();
    catalog_concerns(&catalog.replace("prod, status: pending", "prod, status: active"), "[]");
    catalog_concerns(&format!("# a word\n{catalog}"), "[]");
    catalog_concerns(&catalog.replacen("app-team", "sre-team", 1), r#"["dev"]"#);
    catalog_concerns(&(catalog.clone() + &record("new-test", "test", "pending")), r#"["test"]"#);
    // It moves, so one lacks it and the other has one more.
    let moved = record("billing", "test", "active") + &record("billing-prod", "prod", "pending");
    catalog_concerns(&format!("databases:\n{moved}"), r#"["dev","test"]"#);
    catalog_concerns("databases: {}\n", r#"["dev","prod"]"#);
    // Nobody has a folder for it.
    catalog_concerns(&(catalog + &record("other", "staging", "pending")), "[]");
}

#[test]
fn a_catalog_that_cannot_be_read_is_an_error_and_one_that_could_not_concerns_all() {
    let repository = repository();
    repository.write(CATALOG, "databases: [");
    commit(&repository);
    let answer = environments(&repository, &["--base", "HEAD^"]);
    answer.expect(1).says("1 problem; nothing was done");
    repository.write(CATALOG, &catalog());
    commit(&repository);
    last_concerns(&repository, ALL);
}

#[test]
fn a_push_back_to_an_older_commit_is_a_change_too() {
    let repository = repository();
    let old = git(&repository, &["rev-parse", "HEAD"]);
    repository.write("envs/dev-rds/terraform.tfvars", "# newer");
    commit(&repository);
    let answer = environments(&repository, &["--base", "HEAD", "--head", &old]);
    assert_eq!(answer.expect(0).stdout, "dev\n");
}

#[test]
fn a_pull_request_does_not_do_what_main_did_since_it_began() {
    let repository = repository();
    git(&repository, &["checkout", "--quiet", "-b", "proposal"]);
    repository.write("envs/test-rds/terraform.tfvars", "# proposed");
    commit(&repository);
    git(&repository, &["checkout", "--quiet", "main"]);
    repository.write("envs/dev-rds/terraform.tfvars", "# merged meanwhile");
    commit(&repository);
    let arguments = ["--base", "main", "--head", "proposal"];
    assert_eq!(environments(&repository, &arguments).expect(0).stdout, "dev\ntest\n");
    let arguments = [&arguments[..], &["--merge-base"]].concat();
    assert_eq!(environments(&repository, &arguments).expect(0).stdout, "test\n");
    // Without a common history nothing is known.
    git(&repository, &["checkout", "--quiet", "--orphan", "stranger"]);
    commit(&repository);
    let arguments = ["--base", "proposal", "--head", "stranger", "--merge-base"];
    assert_eq!(environments(&repository, &arguments).expect(0).stdout, "dev\nprod\ntest\n");
}

#[test]
fn one_is_told_whatever_differs_and_nothing_else_is() {
    let repository = repository();
    let only = |name: &str| environments(&repository, &["--base", "HEAD", "--only", name]);
    assert_eq!(only("prod").expect(0).stdout, "prod\n");
    only("").expect(0);
    only("staging").expect(1).says("there is no folder envs/staging-rds\nhint: there are: dev");
    only("local").expect(1).says("`local` is the stack on a developer's machine");
    only("dev\"]").expect(64).says("environment `dev\"]`");
}

#[test]
fn no_link_is_followed_and_none_hides_a_change() {
    let link = |repository: &Repository, path: &str, target: &str| {
        let path = repository.path(path);
        let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(&path));
        std::os::unix::fs::symlink(target, path).unwrap();
        commit(repository);
    };
    // What it leads to may have changed without it.
    let one = repository();
    link(&one, "envs/dev-rds/common.auto.tfvars", "../common.tfvars");
    link(&one, "envs/prod-rds", "test-rds");
    commit(&one);
    last_concerns(&one, r#"["dev","prod"]"#);

    let catalog = repository();
    link(&catalog, CATALOG, "/etc/passwd");
    let answer = environments(&catalog, &["--base", "HEAD^"]);
    answer.expect(1).says(&format!("{CATALOG} of commit ")).says(" is a link\nhint: ");
    let folder = repository();
    link(&folder, "docs/20-contracts", "/tmp");
    environments(&folder, &["--base", "HEAD^"]).expect(1).says("docs/20-contracts of commit ");
    let all = repository();
    link(&all, "envs", "/tmp");
    environments(&all, &[]).expect(1).says("envs of commit ");
}

#[test]
fn a_folder_that_is_no_environment_is_told() {
    let repository = repository();
    repository.write("envs/Staging-rds/terraform.tfvars", "");
    commit(&repository);
    environments(&repository, &[]).expect(64).says("environment `Staging`");
}
