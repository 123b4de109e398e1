//! What is there before the commands of a page are typed.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;

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

/// After the entry `inventory_service` was removed.
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
    match name {
        "RB-0030-rds-break-glass-deletion" => break_glass().await,
        other => panic!("nothing says what is there before the commands of {other}.md"),
    }
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
