//! What makes a server look like RDS: a master that is not a superuser, and the roles of RDS.

/// The master, as on RDS: CREATEDB, CREATEROLE, member of `rds_superuser`.
pub const MASTER: &str = "platform_admin";
/// Its password.
pub const MASTER_PASSWORD: &str = "Master-0123456789";
/// Its own database.
pub const MASTER_DATABASE: &str = "platform";

/// To be run as the superuser `rdsadmin`, statement by statement, in database `postgres`.
pub fn set_up(version: u32) -> Vec<String> {
    let mut held = "pg_monitor, pg_signal_backend, rds_password, rds_replication".to_owned();
    if version >= 150_000 {
        held.push_str(", pg_checkpoint, pg_read_all_data, pg_write_all_data");
    }
    if version >= 160_000 {
        held.push_str(", pg_create_subscription, pg_use_reserved_connections");
    }
    if version >= 170_000 {
        held.push_str(", pg_maintain");
    }
    let mut statements: Vec<String> =
        ["rds_superuser", "rds_replication", "rds_password", "rds_iam", "rds_ad"]
            .iter()
            .map(|role| format!("CREATE ROLE {role} NOLOGIN"))
            .collect();
    statements.extend([
        format!(
            "CREATE ROLE {MASTER} LOGIN NOSUPERUSER INHERIT CREATEDB CREATEROLE PASSWORD '{MASTER_PASSWORD}' VALID UNTIL 'infinity'"
        ),
        format!("GRANT {held} TO rds_superuser WITH ADMIN OPTION"),
        format!("GRANT rds_superuser TO {MASTER}"),
        "CREATE DATABASE rdsadmin".to_owned(),
        "REVOKE ALL ON DATABASE rdsadmin FROM PUBLIC".to_owned(),
        format!("CREATE DATABASE {MASTER_DATABASE} OWNER {MASTER}"),
        format!("ALTER DATABASE postgres OWNER TO {MASTER}"),
        format!("ALTER DATABASE template1 OWNER TO {MASTER}"),
    ]);
    statements
}

/// To be run in `postgres`, `template1` and the master's database, which was made from it: up to 14 the
/// master owns schema `public` there.
pub fn set_up_schema(version: u32) -> Option<String> {
    (version < 150_000).then(|| format!("ALTER SCHEMA public OWNER TO {MASTER}"))
}

/// TLS for everybody but the superuser, which only the tests use.
pub const HBA: &str = "\
local   all all trust
host    all rdsadmin all trust
hostssl all all all scram-sha-256
";
