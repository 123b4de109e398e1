//! Makes a shared PostgreSQL server on AWS RDS and AWS Secrets Manager match the
//! `application_databases` map of a Terraform variable file.
//!
//! ```text
//! envs/<env>-rds/*.tfvars ──► Desired ─┐
//!                                      ├─ diff ─► Plan ─┬─ render ─► human · json · markdown
//! PostgreSQL + Secrets Manager ► Actual┘                └─ apply ─► SQL, AWS calls, audit rows
//! ```
//!
//! [`diff`] is a pure function; what reads ([`postgres`], [`secrets_manager`]) and what writes
//! ([`apply`]) decides nothing. [`commands`] ties them together.

pub mod access;
pub mod actual;
pub mod apply;
pub mod approvals;
pub mod audit;
pub mod cli;
pub mod commands;
pub mod desired;
pub mod diff;
pub mod enums;
pub mod error;
pub mod external_secret;
pub mod marker;
pub mod name;
pub mod new_versions;
pub mod output;
pub mod password;
pub mod plan;
pub mod postgres;
pub mod rds_catalog;
pub mod render;
pub mod request;
pub mod risk;
pub mod rotation;
pub mod secret_document;
pub mod secrets_manager;
pub mod size;
pub mod sql;
pub mod tfvars;
pub mod verification;
pub mod version_id;
pub mod visible;
mod words;
pub mod yaml;
