//! Region, credentials, retries and time limits.

use std::time::Duration;

use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::region::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_secretsmanager::config::ProvideCredentials;

use super::SecretsManager;
use super::error::chain;
use super::pace::paced_client;
use crate::error::{Error, Result};

/// Standard retries wait a few seconds at most. (The SDK's adaptive mode took a minute for five
/// attempts and slowed down unrelated calls, measured.)
const ATTEMPTS: u32 = 5;

/// What the command line says of AWS; all else comes from the standard chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The region.
    pub region: Option<String>,
}

/// Resolves region and credentials and fails at once where one is missing, rather than at the first
/// call.
///
/// # Errors
/// When there is no region or there are no credentials.
pub async fn connect(settings: &Settings) -> Result<SecretsManager> {
    // Not from the instance's metadata service: where that is mute, it costs seconds.
    let region = RegionProviderChain::first_try(settings.region.clone().map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .region()
        .await
        .ok_or_else(|| {
            Error::new("no AWS region is set")
                .hint("give --region, or set AWS_REGION or a profile's `region`")
        })?;
    require_certificates()?;
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(region)
        .retry_config(RetryConfig::standard().with_max_attempts(attempts()))
        .timeout_config(time_limits())
        .load()
        .await;
    require_credentials(&config).await?;
    let config = aws_sdk_secretsmanager::config::Builder::from(&config).http_client(paced_client());
    Ok(SecretsManager { client: aws_sdk_secretsmanager::Client::from_conf(config.build()) })
}

/// `AWS_MAX_ATTEMPTS` counts, as for every tool of AWS.
fn attempts() -> u32 {
    let given = std::env::var("AWS_MAX_ATTEMPTS").ok().and_then(|text| text.parse().ok());
    given.filter(|attempts| *attempts > 0).unwrap_or(ATTEMPTS)
}

/// Without one the SDK's HTTP client panics (measured). Slim container images have none.
fn require_certificates() -> Result<()> {
    if !rustls_native_certs::load_native_certs().certs.is_empty() {
        return Ok(());
    }
    Err(Error::new("this system has no certificate authorities, so AWS cannot be trusted").hint(
        "install the package `ca-certificates`, or set SSL_CERT_FILE to a PEM file of authorities",
    ))
}

/// The SDK has no limit of its own for a whole call.
fn time_limits() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(30))
        .build()
}

async fn require_credentials(config: &aws_config::SdkConfig) -> Result<()> {
    let Some(provider) = config.credentials_provider() else {
        return Err(no_credentials("no provider is configured"));
    };
    match provider.provide_credentials().await {
        Ok(_) => Ok(()),
        Err(error) => Err(no_credentials(&chain(&error))),
    }
}

fn no_credentials(why: &str) -> Error {
    Error::new(format!("no AWS credentials: {why}")).hint(
        "set AWS_PROFILE (and run `aws sso login`), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    )
}
