//! `goldenpath-rds external-secret`, held to the types that the operator's own definition of the
//! custom resource gives (crate `kcr_external_secrets_io`), and to the form the platform documents.

use std::path::Path;
use std::process::Command;

use kcr_external_secrets_io::{v1, v1beta1};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::harness::{Answer, answer};

const FILE: &str = r#"application_databases = {
  inventory_service = { database_name = "inventory_service", username = "inventory_user" }
  "Reports.ro"      = { database_name = "inventory_service", username = "reports", access_level = "reader" }
  true              = { database_name = "true", username = "true_user" }
  _                 = { database_name = "_", username = "underscore" }
}
"#;

fn run(root: &Path, arguments: &[&str]) -> Answer {
    let folder = root.join("envs/dev-rds");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("terraform.tfvars"), FILE).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_goldenpath-rds"));
    command.args(["external-secret", "--env", "dev"]).args(arguments).current_dir(root);
    answer(command.env("NO_COLOR", "1").output().unwrap())
}

fn shown(arguments: &[&str]) -> String {
    let root = tempfile::tempdir().unwrap();
    run(root.path(), arguments).expect(0).stdout
}

fn parsed(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

/// The resource reads the manifest, and knows each of its fields: what it does not know, it would
/// not give back.
fn is_taken_by<T: DeserializeOwned + Serialize>(manifest: &str) {
    let manifest = parsed(manifest);
    let resource: T = serde_json::from_value(manifest.clone()).unwrap();
    assert_eq!(serde_json::to_value(resource).unwrap(), manifest);
}

#[test]
fn is_the_manifest_that_the_platform_documents() {
    let shown = shown(&["inventory_service", "--api-version", "v1beta1"]);
    assert_eq!(
        shown,
        "\
apiVersion: external-secrets.io/v1beta1
kind: ExternalSecret
metadata:
  name: inventory-postgres-secret
  namespace: inventory-service
spec:
  refreshInterval: 1h
  secretStoreRef:
    name: aws-secrets-manager
    kind: ClusterSecretStore
  target:
    name: inventory-postgres-secret
  data:
    - secretKey: POSTGRES_USER
      remoteRef:
        key: goldenpath/dev/inventory_service/postgres
        property: username
    - secretKey: POSTGRES_PASSWORD
      remoteRef:
        key: goldenpath/dev/inventory_service/postgres
        property: password
    - secretKey: POSTGRES_HOST
      remoteRef:
        key: goldenpath/dev/inventory_service/postgres
        property: host
"
    );
}

#[test]
fn both_versions_of_the_custom_resource_take_it() {
    for key in ["inventory_service", "Reports.ro", "true"] {
        for extent in [&[][..], &["--all"]] {
            let arguments = [&[key, "--api-version", "v1"], extent].concat();
            is_taken_by::<v1::externalsecrets::ExternalSecret>(&shown(&arguments));
            let arguments = [&[key, "--api-version", "v1beta1"], extent].concat();
            is_taken_by::<v1beta1::externalsecrets::ExternalSecret>(&shown(&arguments));
        }
    }
}

#[test]
fn all_five_keys_are_named_as_the_secret_has_them() {
    let manifest = parsed(&shown(&["inventory_service", "--all"]));
    assert_eq!(manifest["apiVersion"], "external-secrets.io/v1");
    let data = manifest["spec"]["data"].as_array().unwrap();
    let pairs = data.iter().map(|item| {
        (item["secretKey"].as_str().unwrap(), item["remoteRef"]["property"].as_str().unwrap())
    });
    assert_eq!(
        pairs.collect::<Vec<_>>(),
        [
            ("POSTGRES_USER", "username"),
            ("POSTGRES_PASSWORD", "password"),
            ("POSTGRES_HOST", "host"),
            ("POSTGRES_PORT", "port"),
            ("POSTGRES_DB", "dbname"),
        ]
    );
}

#[test]
fn a_role_that_does_not_own_the_database_goes_by_its_key() {
    let manifest = parsed(&shown(&["Reports.ro"]));
    assert_eq!(manifest["metadata"]["name"], "reports-ro-postgres-secret");
    assert_eq!(manifest["metadata"]["namespace"], "reports-ro");
    let remote = &manifest["spec"]["data"][0]["remoteRef"];
    assert_eq!(remote["key"], "goldenpath/dev/Reports.ro/postgres");
}

#[test]
fn a_name_that_yaml_would_take_for_something_else_stays_text() {
    assert_eq!(parsed(&shown(&["true"]))["metadata"]["namespace"], "true");
    let shown = shown(&["true", "--namespace", "1e3", "--name", "null", "--store", "0x1f"]);
    let manifest = parsed(&shown);
    assert_eq!(manifest["metadata"]["namespace"], "1e3");
    assert_eq!(manifest["metadata"]["name"], "null");
    assert_eq!(manifest["spec"]["secretStoreRef"]["name"], "0x1f");
}

#[test]
fn a_file_is_written_once() {
    let root = tempfile::tempdir().unwrap();
    let arguments = ["inventory_service", "-o", "gitops/apps", "-n", "shop"];
    run(root.path(), &arguments).expect(0).says("wrote gitops/apps/inventory-postgres-secret.yaml");
    let path = root.path().join("gitops/apps/inventory-postgres-secret.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(parsed(&text)["metadata"]["namespace"], "shop");
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    run(root.path(), &arguments).expect(0).says("postgres-secret.yaml is up to date");
    assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), modified);
}

#[test]
fn what_kubernetes_would_refuse_is_refused_here() {
    let root = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], text: &str| {
        assert_eq!(run(root.path(), arguments).expect(64).says(text).stdout, "");
    };
    refused(&["nobody"], "hint: there are: Reports.ro, _, inventory_service, true");
    refused(&["_"], "hint: give --name");
    refused(&["_", "--name", "x"], "hint: give --namespace");
    refused(&["true", "-n", "a_b"], "error: --namespace a_b: allowed are lower-case letters");
    refused(&["true", "--store", ""], "error: --store : it is empty");
}
