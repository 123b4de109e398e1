//! One test's world.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aws_sdk_secretsmanager::Client as Secrets;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::container::{self, Container};
use super::local::{self, LocalServer};
use super::moto;
use super::rds::{MASTER, MASTER_DATABASE, MASTER_PASSWORD};
use super::versions::terraform_id;

/// The environment of all tests.
pub const ENV: &str = "dev";

/// Rows of text.
pub type Rows = Vec<Vec<Option<String>>>;

enum Server {
    Local(Box<LocalServer>),
    Container(Box<Container>),
}

/// A server, a region of Secrets Manager with the master's secret, and a repository folder.
pub struct Stack {
    server: Server,
    region: String,
    folder: TempDir,
    pub secrets: Secrets,
}

/// What the executable said.
pub struct Answer {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Answer {
    /// Checks the exit code and gives the result.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        let Self { stdout, stderr, .. } = &self;
        assert_eq!(self.code, code, "stdout:\n{stdout}\nstderr:\n{stderr}");
        self
    }

    /// Checks that a text is on stderr.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "`{text}` is not in:\n{}", self.stderr);
        self
    }

    /// Checks that a text is on stdout.
    #[track_caller]
    pub fn shows(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "`{text}` is not in:\n{}", self.stdout);
        self
    }
}

impl Stack {
    /// A world in which the map has these entries, as HCL.
    pub async fn new(entries: &str) -> Self {
        Self::with_settings(entries, &[]).await
    }

    /// The same with settings of the server.
    pub async fn with_settings(entries: &str, settings: &[&str]) -> Self {
        let server = match container::image() {
            Some(image) => Server::Container(Box::new(Container::start(&image, settings).await)),
            None => Server::Local(Box::new(LocalServer::copied(settings))),
        };
        let region = moto::region();
        let config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.clone()))
            .credentials_provider(Credentials::new("testing", "testing", None, None, "tests"))
            .endpoint_url(moto::endpoint())
            .build();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let stack = Self { server, region, folder, secrets: Secrets::from_conf(config) };
        stack.entries(entries);
        stack.put_master_secret().await;
        stack
    }

    /// Three entries, as most tests want them.
    pub async fn with_apps() -> Self {
        Self::new(
            r#"
  inventory = { database_name = "inventory", username = "inventory_user" }
  orders    = { database_name = "orders", username = "orders_user", connection_limit = 20 }
  portal    = { database_name = "portal", username = "portal_user", createdb = true }
"#,
        )
        .await
    }

    /// One entry `app` with database `app` and role `app_user`.
    pub async fn with_app() -> Self {
        Self::new(r#"app = { database_name = "app", username = "app_user" }"#).await
    }

    pub fn port(&self) -> u16 {
        match &self.server {
            Server::Local(server) => server.port,
            Server::Container(container) => container.port,
        }
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn ca(&self) -> PathBuf {
        match &self.server {
            Server::Local(_) => local::ca(),
            Server::Container(_) => container::ca(),
        }
    }

    pub async fn server_log(&self) -> String {
        match &self.server {
            Server::Local(server) => server.log(),
            Server::Container(container) => container.log().await,
        }
    }

    pub fn master_secret(&self) -> Value {
        json!({
            "username": MASTER, "password": MASTER_PASSWORD, "host": "localhost",
            "port": self.port().to_string(), "dbname": MASTER_DATABASE, "engine": "postgres",
        })
    }

    /// Writes the map.
    pub fn entries(&self, entries: &str) {
        self.write(
            "envs/dev-rds/terraform.tfvars",
            &format!("environment = \"{ENV}\"\napplication_databases = {{\n{entries}\n}}\n"),
        );
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        std::fs::write(path, text).expect("the file is written");
    }

    /// Runs the executable in the repository folder.
    pub fn run(&self, arguments: &[&str]) -> Answer {
        answer(self.command(arguments).output().expect("the executable runs"))
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_goldenpath-rds"));
        command.args(arguments).current_dir(self.root()).stdin(Stdio::null()).env_clear();
        command.envs(self.environment());
        command
    }

    pub fn environment(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("HOME", self.root().display().to_string()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", moto::endpoint()),
            ("AWS_REGION", self.region.clone()),
            ("AWS_ACCESS_KEY_ID", "testing".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "testing".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("PGSSLROOTCERT", self.ca().display().to_string()),
        ])
    }

    pub fn plan(&self) -> Answer {
        self.run(&["plan", "--env", ENV])
    }

    pub fn apply(&self) -> Answer {
        self.run(&["apply", "--env", ENV, "--auto-approve"])
    }

    /// Applies, and checks that a second plan has nothing to do.
    #[track_caller]
    pub fn converge(&self) -> Answer {
        let answer = self.apply().expect(0);
        self.plan().expect(0).shows("No changes:");
        answer
    }

    /// Statements of the superuser.
    pub async fn sql(&self, database: &str, sql: &str) -> Rows {
        as_superuser(self.port(), database, sql).await
    }

    /// Statements of the superuser that may fail; the server's words then.
    pub async fn try_sql(&self, database: &str, sql: &str) -> Result<Rows, String> {
        try_as_superuser(self.port(), database, sql).await
    }

    /// The first column of the first row.
    pub async fn value(&self, database: &str, sql: &str) -> String {
        let rows = self.sql(database, sql).await;
        rows.first().and_then(|row| row[0].clone()).unwrap_or_else(|| "NULL".to_owned())
    }

    /// PostgreSQL's major version.
    pub async fn major(&self) -> u32 {
        let number: u32 = self.value("postgres", "SHOW server_version_num").await.parse().unwrap();
        number / 10_000
    }

    /// What ends a membership that a role has granted.
    pub async fn revoke(&self, role: &str, from: &str, grantor: &str) -> String {
        let by = format!(" GRANTED BY \"{grantor}\"");
        let by = if self.major().await < 16 { "" } else { &by };
        format!("REVOKE \"{role}\" FROM \"{from}\"{by}")
    }

    /// How a hint asks for the end of a membership that the superuser has granted.
    pub async fn how_to_revoke(&self, role: &str, from: &str) -> String {
        let revoke = self.revoke(role, from, "rdsadmin").await;
        let who = if self.major().await < 16 { "run" } else { "let a superuser run" };
        format!("{who} `{revoke}`")
    }

    /// How many steps make a database inside, out of nothing: on 14 schema `public` is dealt with too.
    pub async fn steps_inside(&self) -> usize {
        if self.major().await < 15 { 2 } else { 0 }
    }

    /// A role that the master did not make. From 16 on it can do something with it only if whoever made
    /// it lets it.
    pub async fn make_foreign_role(&self, name: &str, attributes: &str) {
        self.sql("postgres", &format!("CREATE ROLE {name} {attributes}")).await;
        if self.major().await >= 16 {
            let grant = format!("GRANT {name} TO platform_admin WITH ADMIN OPTION");
            self.sql("postgres", &grant).await;
        }
    }

    /// Logs in over TLS; otherwise the SQLSTATE.
    pub async fn login(
        &self,
        user: &str,
        password: &str,
        database: &str,
    ) -> Result<Client, String> {
        let pem = std::fs::read(self.ca()).expect("the authority's certificate");
        let ca = native_tls::Certificate::from_pem(&pem).expect("a certificate");
        let tls = native_tls::TlsConnector::builder().add_root_certificate(ca).build();
        let tls = postgres_native_tls::MakeTlsConnector::new(tls.expect("a connector"));
        let mut config = Config::new();
        config.host("localhost").port(self.port()).user(user).password(password).dbname(database);
        let (client, connection) = config.connect(tls).await.map_err(|error| code(&error))?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Logs in as an application does, with what its secret says.
    pub async fn login_with_secret(&self, name: &str) -> Result<Client, String> {
        let secret = self.secret(name).await;
        let text = |key: &str| secret[key].as_str().unwrap_or_default().to_owned();
        assert_eq!((text("host"), text("port")), ("localhost".to_owned(), self.port().to_string()));
        self.login(&text("username"), &text("password"), &text("dbname")).await
    }

    /// The value that is AWSCURRENT.
    pub async fn secret(&self, name: &str) -> Value {
        let request = self.secrets.get_secret_value().secret_id(name).version_stage("AWSCURRENT");
        let answer = request.send().await.expect("the secret can be read");
        serde_json::from_str(answer.secret_string().expect("it is text")).expect("it is JSON")
    }

    /// Creates a secret as something else than this program would.
    pub async fn put_secret(&self, name: &str, value: &Value) {
        let request = self.secrets.create_secret().name(name).secret_string(value.to_string());
        request.send().await.expect("the secret can be created");
    }

    /// As Terraform does.
    async fn put_master_secret(&self) {
        let request = self.secrets.create_secret().name("goldenpath/dev/rds/master");
        let request = request.client_request_token(terraform_id());
        let request = request.secret_string(self.master_secret().to_string());
        request.send().await.expect("the secret can be created");
    }

    /// Labels and the versions that hold them.
    pub async fn labels(&self, name: &str) -> BTreeMap<String, String> {
        let answer =
            self.secrets.describe_secret().secret_id(name).send().await.expect("it is there");
        let stages = answer.version_ids_to_stages().cloned().unwrap_or_default();
        stages
            .into_iter()
            .flat_map(|(id, labels)| labels.into_iter().map(move |l| (l, id.clone())))
            .collect()
    }

    /// The audit's rows without the time and the duration.
    pub fn audit(&self) -> Vec<String> {
        let path = self.root().join("governance/dev/rds_request_audit.csv");
        let Ok(mut reader) = csv::Reader::from_path(path) else { return Vec::new() };
        let records = reader.records().map(|record| record.expect("a whole row"));
        records
            .map(|record| [4, 5, 6, 7].map(|column| record[column].to_owned()).join(","))
            .collect()
    }

    /// Stops the server as a crash would, and starts it again.
    pub fn local_server(&mut self) -> Option<&mut LocalServer> {
        match &mut self.server {
            Server::Local(server) => Some(server),
            Server::Container(_) => None,
        }
    }
}

pub fn answer(output: std::process::Output) -> Answer {
    Answer {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

/// Runs statements as the superuser, without TLS.
pub async fn as_superuser(port: u16, database: &str, sql: &str) -> Rows {
    let result = try_as_superuser(port, database, sql).await;
    result.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

async fn try_as_superuser(port: u16, database: &str, sql: &str) -> Result<Rows, String> {
    let words = |error: tokio_postgres::Error| {
        error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string)
    };
    let mut config = Config::new();
    config.host("127.0.0.1").port(port).user("rdsadmin").dbname(database);
    // A test's tenant may have set these for its database.
    config.options("-c default_transaction_read_only=off -c statement_timeout=0");
    let (client, connection) = config.connect(NoTls).await.map_err(words)?;
    let driver = tokio::spawn(connection);
    let messages = client.simple_query(sql).await;
    drop(client);
    let _ = driver.await;
    let messages = messages.map_err(words)?;
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        SimpleQueryMessage::CommandComplete(_) | SimpleQueryMessage::RowDescription(_) | _ => None,
    });
    Ok(rows.map(|row| (0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect()).collect())
}

fn code(error: &tokio_postgres::Error) -> String {
    error.code().map_or_else(|| error.to_string(), |code| code.code().to_owned())
}
