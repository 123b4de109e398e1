-- Makes a fresh cluster look like RDS for PostgreSQL, 14 to 18, as its master user sees it: the
-- master is no superuser, but has CREATEDB, CREATEROLE and membership in rds_superuser.
-- Reads the master's password from the environment variable MASTER_PASSWORD.
\set ON_ERROR_STOP on
\set QUIET on
\set master_password `printf %s "$MASTER_PASSWORD"`
SELECT current_setting('server_version_num')::int >= 150000 AS ge15,
       current_setting('server_version_num')::int >= 160000 AS ge16,
       current_setting('server_version_num')::int >= 170000 AS ge17 \gset

CREATE ROLE rds_superuser NOLOGIN;
CREATE ROLE rds_replication NOLOGIN;
CREATE ROLE rds_password NOLOGIN;
CREATE ROLE rds_iam NOLOGIN;
CREATE ROLE rds_ad NOLOGIN;
CREATE ROLE platform_admin LOGIN NOSUPERUSER INHERIT CREATEDB CREATEROLE NOREPLICATION
  PASSWORD :'master_password' VALID UNTIL 'infinity';

GRANT pg_monitor, pg_signal_backend, rds_password, rds_replication
  TO rds_superuser WITH ADMIN OPTION;
\if :ge15
GRANT pg_checkpoint, pg_read_all_data, pg_write_all_data TO rds_superuser WITH ADMIN OPTION;
\endif
\if :ge16
GRANT pg_create_subscription, pg_use_reserved_connections TO rds_superuser WITH ADMIN OPTION;
\endif
\if :ge17
GRANT pg_maintain TO rds_superuser WITH ADMIN OPTION;
\endif
\if :ge16
GRANT rds_superuser TO platform_admin WITH INHERIT TRUE;
\else
GRANT rds_superuser TO platform_admin;
\endif

CREATE DATABASE rdsadmin;
REVOKE ALL ON DATABASE rdsadmin FROM PUBLIC;
ALTER DATABASE postgres OWNER TO platform_admin;
ALTER DATABASE template1 OWNER TO platform_admin;
\if :ge15
\else
-- From 15 on the schema belongs to pg_database_owner.
ALTER SCHEMA public OWNER TO platform_admin;
\c template1
ALTER SCHEMA public OWNER TO platform_admin;
\c postgres
\endif

-- The database that Terraform names when it makes the instance.
CREATE DATABASE platform OWNER platform_admin;
