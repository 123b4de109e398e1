//! What is there before the commands of a page are typed.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::harness::{MASTER, MASTER_DATABASE, MASTER_PASSWORD, Stack};

/// Two databases, as the pages have them.
const TWO: &str = r#"
  inventory_service = {
    database_name = "inventory_service"
    username      = "inventory_user"
  }

  orders = {
    database_name = "orders"
    username      = "orders_user"
  }
"#;

/// One of them.
const INVENTORY: &str = r#"
  inventory_service = {
    database_name = "inventory_service"
    username      = "inventory_user"
  }
"#;

/// The other: the entry `inventory_service` was removed.
const ONE: &str = r#"
  orders = {
    database_name = "orders"
    username      = "orders_user"
  }
"#;

/// A page's world.
pub struct World {
    pub stack: Stack,
    /// Applications that are connected meanwhile.
    _applications: Vec<Client>,
}

/// The world of a page.
pub async fn of(page: &str) -> World {
    let name = Path::new(page).file_stem().unwrap().to_str().unwrap();
    let stack = match name {
        "RB-0029-rds-manual-secret-rotation" => rotation().await,
        "RB-0030-rds-break-glass-deletion" => return break_glass().await,
        "rds-adoption" => adoption().await,
        "rds-failed-apply" => failed_apply().await,
        "rds-request-flow" => request().await,
        other => panic!("nothing says what is there before the commands of {other}.md"),
    };
    World { stack, _applications: Vec::new() }
}

/// An environment without databases, and the platform's lists.
async fn request() -> Stack {
    let stack = Stack::new("").await;
    stack.write("envs/dev-rds/terraform.tfvars", "application_databases = {\n}\n");
    for list in ["metadata/enums.yaml", "routing/service_class_approvals.yaml"] {
        let path = format!("schemas/{list}");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        stack.write(&path, &std::fs::read_to_string(root.join(&path)).unwrap());
    }
    stack.write("docs/20-contracts/resource-catalogs/rds-catalog.yaml", "databases: {}\n");
    stack
}

/// The password of `inventory_service` is 33 days old: its version's id says so.
async fn rotation() -> Stack {
    let stack = Stack::new(TWO).await;
    let at = Timestamp::now() - SignedDuration::from_hours(33 * 24 + 1);
    let millis = u64::try_from(at.as_millisecond()).unwrap();
    let id = uuid::Builder::from_unix_timestamp_millis(millis, &[7; 10]).into_uuid();
    let value = secret(&stack, "Thirty-three-days-0");
    let create = stack.secrets.create_secret().name("goldenpath/dev/inventory_service/postgres");
    let create = create.client_request_token(id.to_string()).secret_string(value.to_string());
    create.send().await.unwrap();
    stack.converge();
    stack
}

/// What applications read.
fn secret(stack: &Stack, password: &str) -> Value {
    json!({
        "username": "inventory_user", "password": password, "host": "localhost",
        "port": stack.port().to_string(), "dbname": "inventory_service", "engine": "postgres",
    })
}

/// The role of `orders` is somebody else's, and an apply has stumbled over it.
async fn failed_apply() -> Stack {
    let stack = Stack::new(TWO).await;
    stack.make_foreign_role("orders_user", "LOGIN").await;
    stack.apply().expect(3);
    stack
}

/// What Terraform and the script before this program made.
async fn adoption() -> Stack {
    let stack = Stack::new(INVENTORY).await;
    stack.make_foreign_role("inventory_user", "LOGIN CREATEDB PASSWORD 'Predecessor-1'").await;
    stack.sql("postgres", "CREATE DATABASE inventory_service OWNER inventory_user").await;
    let grants = "SET ROLE platform_admin; GRANT ALL ON SCHEMA public TO inventory_user;
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO inventory_user";
    stack.sql(MASTER_DATABASE, grants).await;
    let value = secret(&stack, "Predecessor-1");
    stack.put_secret("goldenpath/dev/inventory_service/postgres", &value).await;
    stack
}

/// An application is connected, and its role has a privilege in another database too.
async fn break_glass() -> World {
    let stack = Stack::new(TWO).await;
    stack.converge();
    let application =
        stack.login_with_secret("goldenpath/dev/inventory_service/postgres").await.unwrap();
    application.batch_execute("CREATE TABLE items (id int)").await.unwrap();
    let owner = stack.login_with_secret("goldenpath/dev/orders/postgres").await.unwrap();
    let shared = "CREATE SCHEMA shared; GRANT USAGE ON SCHEMA shared TO inventory_user";
    owner.batch_execute(shared).await.unwrap();
    stack.entries(ONE);
    World { stack, _applications: vec![application] }
}

impl World {
    /// The program is on PATH, and psql connects as the master.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let own = self.stack.environment();
        let programs = self.stack.root().join(".programs");
        if !programs.exists() {
            std::fs::create_dir(&programs).unwrap();
            symlink(env!("CARGO_BIN_EXE_goldenpath-rds"), programs.join("goldenpath-rds")).unwrap();
        }
        let mut environment: BTreeMap<String, String> =
            own.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let mut set =
            |name: &str, value: &str| environment.insert(name.to_owned(), value.to_owned());
        let mut path = vec![programs.display().to_string()];
        path.extend(std::env::var("GOLDENPATH_TEST_PGBIN"));
        path.push(own["PATH"].clone());
        set("PATH", &path.join(":"));
        set("NO_COLOR", "1");
        set("PGHOST", "localhost");
        set("PGPORT", &self.stack.port().to_string());
        set("PGUSER", MASTER);
        set("PGPASSWORD", MASTER_PASSWORD);
        set("PGDATABASE", MASTER_DATABASE);
        set("PGSSLMODE", "verify-full");
        environment
    }
}
