//! `goldenpath-rds external-secret`, held to the types that the operator's own definition of the
//! custom resource gives (crate `kcr_external_secrets_io`), to its patterns and lengths, which those types
//! do not have (`tests/fixtures/external-secret.schema.json`), and to the form the platform documents.

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
    run_in(root, "dev", FILE, arguments)
}

fn run_in(root: &Path, environment: &str, file: &str, arguments: &[&str]) -> Answer {
    let folder = root.join(format!("envs/{environment}-rds"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("terraform.tfvars"), file).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_goldenpath-rds"));
    command.args(["external-secret", "--env", environment]).args(arguments).current_dir(root);
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

fn rules() -> jsonschema::Validator {
    let text = include_str!("../fixtures/external-secret.schema.json");
    jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap()
}

fn with_reader(key: &str) -> String {
    let owner = r#"o = { database_name = "own", username = "own" }"#;
    let reader = r#"{ database_name = "own", username = "reader", access_level = "reader" }"#;
    format!("application_databases = {{\n  {owner}\n  \"{key}\" = {reader}\n}}\n")
}

/// Keys and names of any length and form: what is printed is what the API server takes, and what it would
/// not take is refused.
#[test]
fn the_patterns_and_lengths_of_the_custom_resource_hold() {
    let (rules, root) = (rules(), tempfile::tempdir().unwrap());
    let [usual, longest] = [63, 253].map(|length| "a".repeat(length));
    let given = [&[][..], &["-n", "a-b"], &["-n", &usual, "--name", &longest, "--store", "a.b"]];
    let lengths = [47, 48, 63, 64, 128].map(|length| "a".repeat(length));
    let keys = ["a", "A.b_c-d", "a..b", "a._b", "a-", "0", "x.-y"].map(str::to_owned);
    let (mut taken, mut refused) = (0, 0);
    for (key, given) in keys.iter().chain(&lengths).flat_map(|key| given.map(|given| (key, given)))
    {
        for version in ["v1", "v1beta1"] {
            let arguments = [&[key, "--all", "--api-version", version], given].concat();
            let answer = run_in(root.path(), "dev", &with_reader(key), &arguments);
            if answer.code == 0 {
                let problem =
                    rules.validate(&parsed(&answer.stdout)).map_err(|why| why.to_string());
                assert_eq!(problem, Ok(()), "{}", answer.stdout);
                taken += 1;
            } else {
                answer.expect(64).says("hint: give --");
                refused += 1;
            }
        }
    }
    println!("{taken} manifests taken, {refused} refused");
    assert!(taken > 40 && refused > 5, "both are tried: {taken} taken, {refused} refused");
    let refused = |flag, text: &str| run(root.path(), &["true", flag, text]).expect(64);
    refused("--name", &"a".repeat(254)).says("at most 253 are allowed");
    refused("-n", &"a".repeat(64)).says("at most 63 are allowed");
    refused("--store", "a..b").says("--store a..b: allowed are");
}

/// The rules would find what is wrong.
#[test]
fn a_manifest_that_the_api_server_would_refuse_breaks_the_rules() {
    let (rules, good) = (rules(), parsed(&shown(&["inventory_service", "--all"])));
    assert!(rules.is_valid(&good));
    for (place, value) in [
        ("/apiVersion", "external-secrets.io/v2"),
        ("/metadata/name", "a_b"),
        ("/metadata/namespace", "a.b"),
        ("/spec/secretStoreRef/kind", "Store"),
        ("/spec/secretStoreRef/name", ""),
        ("/spec/target/name", "A"),
        ("/spec/refreshInterval", "1 hour"),
        ("/spec/data/0/secretKey", "POSTGRES/USER"),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = value.into();
        assert!(!rules.is_valid(&bad), "{place} {value}");
    }
}

const BOTH: &str = r#"application_databases = {
  inventory         = { database_name = "inventory", username = "inventory" }
  inventory_service = { database_name = "inventory_service", username = "inventory_user" }
}
"#;

/// The name of the file says neither the environment nor the namespace.
#[test]
fn the_file_of_another_secret_is_not_written_over() {
    let root = tempfile::tempdir().unwrap();
    let file = "gitops/inventory-postgres-secret.yaml";
    let run = |environment: &str, arguments: &[&str]| {
        run_in(root.path(), environment, BOTH, &[arguments, &["-o", "gitops"]].concat())
    };
    let read = || std::fs::read_to_string(root.path().join(file)).unwrap();
    run("dev", &["inventory"]).expect(0);
    let before = read();
    let secret = |there: &str, asked: &str| {
        let [there, asked] = [there, asked].map(|name| format!("`goldenpath/{name}/postgres`"));
        format!("{file}:16:14: the file brings secret {there}, the command says {asked}")
    };
    let namespace = |there: &str, asked: &str| {
        format!("{file}:5:14: the file is for namespace `{there}`, the command says `{asked}`")
    };
    for (environment, arguments, says) in [
        ("dev", &["inventory_service"][..], secret("dev/inventory", "dev/inventory_service")),
        ("dev", &["inventory_service"], namespace("inventory", "inventory-service")),
        ("dev", &["inventory", "-n", "shop"], namespace("inventory", "shop")),
        ("test", &["inventory"], secret("dev/inventory", "test/inventory")),
    ] {
        run(environment, arguments)
            .expect(3)
            .says(&says)
            .says(&format!("{file} is there already, for something else; nothing was written"))
            .says("hint: give the --name or --namespace that is meant")
            .says("hint: or give -o a folder of its own for each environment and namespace");
        assert_eq!(read(), before);
    }
    // What is brought of the same secret may change; a name or a folder of its own has room.
    run("dev", &["inventory", "--all"]).expect(0).says("wrote gitops/inventory");
    run("dev", &["inventory_service", "--name", "stock"]).expect(0).says("wrote gitops/stock.yaml");
    run_in(root.path(), "test", BOTH, &["inventory", "-o", "gitops/test"]).expect(0);
}

#[test]
fn a_file_that_is_no_manifest_is_not_written_over() {
    let root = tempfile::tempdir().unwrap();
    let (arguments, path) = (["true", "-o", "."], root.path().join("true-postgres-secret.yaml"));
    for text in ["kind: Secret\n", "a: [\n", "kind: ExternalSecret\n---\nkind: Secret\n", "x"] {
        std::fs::write(&path, text).unwrap();
        run(root.path(), &arguments).expect(3).says("./true-postgres-secret.yaml:");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
    std::fs::write(&path, "\n").unwrap();
    run(root.path(), &arguments).expect(0).says("wrote ./true-postgres-secret.yaml");
}
