//! AWS Secrets Manager: reading and writing secrets. Nothing is decided here.

mod connect;
mod error;
mod pace;
mod read;
mod write;

pub use connect::{Settings, connect};
pub use pace::IN_FLIGHT;
pub use read::{Value, Which};

/// A client for one account and region.
#[derive(Clone)]
pub struct SecretsManager {
    client: aws_sdk_secretsmanager::Client,
}
