//! The integration tests: one binary, real servers.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests stop at what is wrong and say what they ran"
)]

mod access;
mod addresses;
mod approvals;
mod audit;
mod aws_errors;
mod carry_over;
mod catalog;
mod catalog_layouts;
mod catalog_live;
mod concurrency;
mod documentation;
mod drift;
mod environments;
mod external_secret;
mod faults;
mod form;
mod governance;
mod grantors;
mod handover;
mod harness;
mod iam;
mod input;
mod interruption;
mod isolation;
mod journey;
mod lockout;
mod master_rotation;
mod mess;
mod obstacles;
mod pace;
mod passwords;
mod plans;
mod prefix;
mod public_schema;
mod renamed;
mod request;
mod request_contract;
mod request_corpus;
mod request_edges;
mod rotation;
mod rotation_status;
mod secrecy;
mod server_faults;
mod spoiled;
mod sslmode;
mod template;
mod tenants;
mod tfvars_command;
mod tfvars_messages;
mod tfvars_mutations;
mod tfvars_oracle;
mod verification;
mod waiting;
mod workflows;
