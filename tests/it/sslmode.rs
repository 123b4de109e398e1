//! `--sslmode` and `--sslrootcert` in libpq's meaning, with servers that have TLS and servers that have none.

use serde_json::json;

use crate::harness::{Answer, ENV, Stack};

const APP: &str = r#"app = { database_name = "app", username = "app_user" }"#;

/// A plan with no other certificates than the flags say.
fn plan(stack: &Stack, flags: &[&str]) -> Answer {
    let mut command = stack.command(&[&["plan", "--env", ENV], flags].concat());
    command.env_remove("PGSSLROOTCERT");
    crate::harness::answer(command.output().unwrap())
}

/// The master's secret names the server by an address that its certificate is not for.
async fn name_by_address(stack: &Stack) {
    let mut master = stack.master_secret();
    master["host"] = json!("127.0.0.1");
    let request = stack.secrets.put_secret_value().secret_id("goldenpath/dev/rds/master");
    request.secret_string(master.to_string()).send().await.unwrap();
}

fn another_authority(stack: &Stack) {
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=another authority", "-keyout", "other.key", "-out", "other.pem"])
        .current_dir(stack.root())
        .output();
    assert!(made.unwrap().status.success());
}

#[tokio::test]
async fn with_a_server_that_wants_tls() {
    let stack = Stack::new(APP).await;
    let ca = stack.ca().display().to_string();
    another_authority(&stack);
    name_by_address(&stack).await;
    // Who is at the other end is not looked at.
    plan(&stack, &["--sslmode", "prefer"]).expect(0).says("warning: --sslmode prefer");
    plan(&stack, &["--sslmode", "require"]).expect(0);
    plan(&stack, &["--sslmode", "disable"])
        .expect(1)
        .says("no encryption (SQLSTATE 28000)")
        .says("use --sslmode verify-full");
    // The authority is.
    for flags in [&["--sslmode", "require"], &["--sslmode", "verify-ca"]] {
        plan(&stack, &[flags, &["--sslrootcert", &ca][..]].concat()).expect(0);
        plan(&stack, &[flags, &["--sslrootcert", "other.pem"][..]].concat())
            .expect(1)
            .says("is not trusted: ")
            .says("give --sslrootcert the authority's PEM file");
    }
    // Anybody can have a certificate of a public authority.
    plan(&stack, &["--sslmode", "verify-ca"]).expect(64).says("verify-ca needs --sslrootcert FILE");
    for mode in ["require", "verify-ca"] {
        plan(&stack, &["--sslmode", mode, "--sslrootcert", "system"])
            .expect(64)
            .says("--sslrootcert system goes with --sslmode verify-full alone");
    }
    // The name, too: the default.
    plan(&stack, &["--sslrootcert", &ca])
        .expect(1)
        .says("is not for `127.0.0.1`")
        .says("--sslmode verify-ca");
    stack
        .run(&["plan", "--env", ENV, "--sslmode", "verify-full"])
        .expect(1)
        .says("is not for `127.0.0.1`");
}

#[tokio::test]
async fn the_systems_authorities_are_taken_where_they_are_asked_for() {
    let stack = Stack::new(APP).await;
    let with_system = |file: &str| {
        let mut command = stack.command(&["plan", "--env", ENV, "--sslrootcert", "system"]);
        // Where OpenSSL looks for the system's.
        command.env("SSL_CERT_FILE", file).env("SSL_CERT_DIR", "/nonexistent");
        crate::harness::answer(command.output().unwrap())
    };
    with_system(&stack.ca().display().to_string()).expect(0);
    another_authority(&stack);
    with_system(&stack.root().join("other.pem").display().to_string())
        .expect(1)
        .says("is not trusted: ");
    with_system("/nonexistent")
        .expect(1)
        .says("error: this system has no certificate authorities, so AWS cannot be trusted")
        .says("hint: install the package `ca-certificates`");
}

/// A server with these rules for its clients, in a folder that it may read.
async fn with_rules(settings: &[&str], rule: &str) -> (Stack, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let hba = folder.path().join("pg_hba.conf");
    std::fs::write(&hba, format!("host all rdsadmin all trust\n{rule}\n")).unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).unwrap();
    let hba = format!("hba_file={}", hba.display());
    (Stack::with_settings(APP, &[settings, &[&hba]].concat()).await, folder)
}

#[tokio::test]
async fn with_a_server_that_wants_no_tls() {
    let (mut stack, _folder) = with_rules(&[], "hostnossl all all all scram-sha-256").await;
    if stack.local_server().is_none() {
        return; // A container's rules are its own.
    }
    plan(&stack, &["--sslmode", "prefer"]).expect(0);
    plan(&stack, &["--sslmode", "disable"]).expect(0);
    plan(&stack, &["--sslmode", "require"])
        .expect(1)
        .says("no pg_hba.conf entry")
        .says("SSL encryption (SQLSTATE 28000)");
}

/// The two have no version of TLS in common.
#[tokio::test]
async fn with_a_server_whose_tls_is_too_old() {
    let old = ["ssl_min_protocol_version=TLSv1", "ssl_max_protocol_version=TLSv1.1"];
    let (mut stack, _folder) = with_rules(&old, "host all all all scram-sha-256").await;
    if stack.local_server().is_none() {
        return; // A container has settings of its own.
    }
    plan(&stack, &["--sslmode", "prefer"]).expect(0);
    plan(&stack, &["--sslmode", "require"]).expect(1).says("TLS");
}

#[tokio::test]
async fn with_a_server_that_has_no_tls() {
    let (stack, _folder) = with_rules(&["ssl=off"], "host all all all scram-sha-256").await;
    if stack.value("postgres", "SHOW ssl").await == "on" {
        return; // A container, which has its own.
    }
    plan(&stack, &["--sslmode", "disable"])
        .expect(0)
        .says("warning: --sslmode disable may send everything in clear");
    plan(&stack, &["--sslmode", "prefer"])
        .expect(0)
        .says("warning: --sslmode prefer may send everything in clear");
    for mode in ["require", "verify-ca", "verify-full"] {
        let ca = stack.ca().display().to_string();
        plan(&stack, &["--sslmode", mode, "--sslrootcert", &ca])
            .expect(1)
            .says("has no TLS")
            .says("hint: turn ssl on at the server");
    }
}
