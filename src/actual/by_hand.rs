//! Statements for a person to run, with what has to come before them.

use postgres_protocol::escape::escape_identifier;

use super::Actual;

impl Actual {
    /// What to do so that these statements are run, which need the rights of these roles and SET ROLE to them.
    /// A role that is not there is made first.
    #[must_use]
    pub fn by_hand(&self, roles: &[&str], statement: &str) -> String {
        let missing = roles.iter().filter(|role| !self.roles.contains_key(**role));
        let mut all: Vec<_> =
            missing.map(|role| format!("CREATE ROLE {}", escape_identifier(role))).collect();
        let grants: Option<Vec<Vec<_>>> =
            roles.iter().map(|role| self.grant_to_master(role)).collect();
        let who = if grants.is_some() { "run" } else { "let a superuser run" };
        all.extend(grants.into_iter().flatten().flatten());
        all.push(statement.to_owned());
        format!("{who} `{}`", all.join("; "))
    }

    /// What the master has to be granted to act as a role, empty where it can; `None` where it may not grant that
    /// itself. A role that it makes is within its reach.
    fn grant_to_master(&self, role: &str) -> Option<Vec<String>> {
        let (server, found) = (&self.server, self.roles.get(role));
        let is_held = found.is_some_and(|found| found.master.inherit && found.master.set);
        if role == server.master || is_held {
            return Some(Vec::new());
        }
        let is_grantable = found.is_none_or(|found| {
            let is_superuser = found.superuser_attributes.contains("SUPERUSER");
            !is_superuser && (found.master.may_grant || !server.has_strict_createrole())
        });
        is_grantable.then(|| {
            let [role, master] = [role, server.master.as_str()].map(escape_identifier);
            let options =
                if server.has_strict_createrole() { " WITH INHERIT TRUE, SET TRUE" } else { "" };
            vec![format!("GRANT {role} TO {master}{options}")]
        })
    }
}
