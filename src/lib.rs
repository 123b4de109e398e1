//! Makes a shared PostgreSQL server on AWS RDS and AWS Secrets Manager match the
//! `application_databases` map of a Terraform variable file.
//!
//! ```text
//! envs/<env>-rds/*.tfvars ──► Desired ─┐
//!                                      ├─ diff ─► Plan ─┬─ render ─► human · json · markdown
//! PostgreSQL + Secrets Manager ► Actual┘                └─ apply ─► SQL, AWS calls, audit rows
//! ```
//!
//! `diff` is a pure function; what reads (`postgres`, `secrets_manager`) and what writes
//! (`apply`) decides nothing.

pub mod tfvars;
