//! What a run leaves, and who can log in with it.

use serde_json::{Value, json};

use super::flow::Who;
use super::world::{LABELS, World};

impl World {
    pub async fn password(&self, label: &str) -> Option<String> {
        let request = self.stack.secrets.get_secret_value().secret_id(self.who.secret());
        let answer = request.version_stage(label).send().await.ok()?;
        let value: Value = serde_json::from_str(answer.secret_string()?).expect("it is JSON");
        value["password"].as_str().map(str::to_owned)
    }

    /// The first label whose password is the role's, as applications would look for it.
    pub async fn first_label_that_logs_in(&self) -> Option<&'static str> {
        for label in LABELS {
            // Where there is no database yet, the password is accepted all the same.
            if let Some(password) = self.password(label).await
                && self.stack.login(self.who.role(), &password, "postgres").await.is_ok()
            {
                return Some(label);
            }
        }
        None
    }

    /// Lines of the audit.
    pub fn lines(&self) -> usize {
        let path = self.stack.root().join("governance/dev/rds_request_audit.csv");
        std::fs::read_to_string(path).unwrap_or_default().lines().count()
    }

    pub async fn has_role(&self) -> bool {
        let sql = format!("SELECT 1 FROM pg_roles WHERE rolname = '{}'", self.who.role());
        !self.stack.sql("postgres", &sql).await.is_empty()
    }

    /// All that a run leaves, apart from passwords and ids.
    pub async fn state(&self) -> String {
        let mut state = String::new();
        for sql in [
            "SELECT concat_ws(' ', datname, datdba::regrole, datallowconn, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) a), shobj_description(oid, 'pg_database')) FROM pg_database WHERE NOT datistemplate ORDER BY 1",
            "SELECT concat_ws(' ', rolname, rolcanlogin, rolcreatedb, rolconnlimit, split_part(shobj_description(oid, 'pg_authid'), 'secret-version', 1)) FROM pg_roles WHERE rolname LIKE '%user' ORDER BY 1",
            "SELECT concat_ws(' ', roleid::regrole, member::regrole) FROM pg_auth_members WHERE roleid::regrole::text LIKE '%user' ORDER BY 1",
        ] {
            state += &format!("{:?}\n", self.stack.sql("postgres", sql).await);
        }
        for sql in [
            "SELECT array_agg(a::text ORDER BY a::text) FROM pg_namespace, unnest(nspacl) a WHERE nspname = 'public'",
            "SELECT concat_ws(' ', defaclrole::regrole, defaclobjtype, defaclacl) FROM pg_default_acl ORDER BY 1",
        ] {
            state += &format!("{:?}\n", self.stack.sql("app", sql).await);
        }
        state + &self.secret_state().await
    }

    async fn secret_state(&self) -> String {
        if self.who == Who::Master {
            return self.master_state().await;
        }
        let (name, role) = (self.who.secret(), self.who.role());
        let answer = self.stack.secrets.describe_secret().secret_id(name).send().await.unwrap();
        let mut tags: Vec<_> = answer.tags().iter().map(|tag| (tag.key(), tag.value())).collect();
        tags.sort();
        let labels = self.stack.labels(name).await;
        let sql = format!(
            "SELECT split_part(shobj_description('{role}'::regrole, 'pg_authid'), 'secret-version=', 2)"
        );
        let marked = self.stack.value("postgres", &sql).await;
        let is_marked = labels.get("AWSCURRENT") == Some(&marked);
        let mut value = self.stack.secret(name).await;
        value["password"] = json!("");
        let labels: Vec<_> = labels.keys().collect();
        format!("{tags:?} {labels:?} marked: {is_marked} {value}")
            .replace(&self.port.to_string(), "PORT")
    }

    /// The tag stands for the comment that nobody can write.
    async fn master_state(&self) -> String {
        let name = self.who.secret();
        let answer = self.stack.secrets.describe_secret().secret_id(name).send().await.unwrap();
        let labels = self.stack.labels(name).await;
        let tag = answer.tags().iter().find(|tag| tag.key() == Some("PasswordVersion"));
        let is_marked =
            tag.and_then(|tag| tag.value()) == labels.get("AWSCURRENT").map(String::as_str);
        let labels: Vec<_> = labels.keys().collect();
        format!("{labels:?} marked: {is_marked}")
    }
}
