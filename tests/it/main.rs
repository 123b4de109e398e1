//! The integration tests: one binary, real servers.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests stop at what is wrong and say what they ran"
)]

mod prefix;
mod tfvars_oracle;
