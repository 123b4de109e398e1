//! How fast AWS is asked. Each attempt counts, the repeated ones too, so this sits below the SDK's
//! retries.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, sleep_until};

/// Requests under way at once.
pub const IN_FLIGHT: usize = 8;

/// Between two writes: 40 a second. AWS takes 50 a second of each kind for the whole account, which others
/// use too (AWS documentation, quotas of Secrets Manager).
const BETWEEN_WRITES: Duration = Duration::from_millis(25);

/// The SDK's own HTTP client, held to the pace.
pub(super) fn paced_client() -> impl HttpClient + 'static {
    let inner = Builder::new().build_with_connector_fn(|settings, components| {
        let mut builder =
            ConnectorBuilder::default().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        builder.set_proxy_config(Some(ProxyConfig::from_env()));
        builder.build()
    });
    Paced { inner, pace: Arc::new(Pace::new()) }
}

#[derive(Debug)]
struct Paced {
    inner: SharedHttpClient,
    pace: Arc<Pace>,
}

impl HttpClient for Paced {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(PacedConnector { inner, pace: Arc::clone(&self.pace) })
    }
}

#[derive(Debug)]
struct PacedConnector {
    inner: SharedHttpConnector,
    pace: Arc<Pace>,
}

impl HttpConnector for PacedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, pace) = (self.inner.clone(), Arc::clone(&self.pace));
        HttpConnectorFuture::new(async move {
            // The semaphore is never closed, so this is always a permit.
            let _permit = pace.in_flight.acquire().await;
            if is_write(&request) {
                pace.turn_to_write().await;
            }
            inner.call(request).await
        })
    }
}

#[derive(Debug)]
struct Pace {
    in_flight: Semaphore,
    next_write: Mutex<Instant>,
}

impl Pace {
    fn new() -> Self {
        Self { in_flight: Semaphore::new(IN_FLIGHT), next_write: Mutex::new(Instant::now()) }
    }

    /// Waits, in the order of asking.
    async fn turn_to_write(&self) {
        let mut next = self.next_write.lock().await;
        let turn = (*next).max(Instant::now());
        *next = turn + BETWEEN_WRITES;
        sleep_until(turn).await;
    }
}

/// The operation stands in a header: `secretsmanager.GetSecretValue`.
fn is_write(request: &HttpRequest) -> bool {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    !["List", "Describe", "Get"].iter().any(|reads| operation.starts_with(reads))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn any_second_has_at_most_40_turns() {
        let pace = Pace::new();
        let turn = || async {
            pace.turn_to_write().await;
            Instant::now()
        };
        let mut turns = futures_util::future::join_all((0..60).map(|_| turn())).await;
        turns.sort();
        // A timer may be late, so that two turns are nearer to each other than planned.
        let late = Duration::from_millis(20);
        for forty_first in turns.windows(41) {
            assert!(forty_first[40] - forty_first[0] >= Duration::from_secs(1) - late);
        }
    }
}
