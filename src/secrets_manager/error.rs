//! AWS errors in words: code, message and request id. Never the raw answer: a malformed answer of
//! `GetSecretValue` holds the secret, and the SDK's `Debug` prints it (measured).

use std::error::Error as StdError;

use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::RequestId;

use crate::error::{Error, ErrorKind};

/// The error of a call, with what to do about the common ones.
pub(super) fn from_sdk<E, R>(call: &str, secret: &str, error: &SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
    SdkError<E, R>: RequestId,
{
    let what = format!("{call} `{secret}`");
    let Some(service) = error.as_service_error() else {
        return unanswered(&what, error);
    };
    let code = service.code().unwrap_or("unknown error");
    let message = service.message().unwrap_or("no message");
    let id = error.request_id().map(|id| format!(" (request {id})")).unwrap_or_default();
    let error = Error::of(kind(code), format!("{what}: {code}: {message}{id}"));
    match code {
        "AccessDeniedException" => {
            error.hint(format!("allow secretsmanager:{call} on it; the policies are in docs/iam"))
        }
        "ExpiredTokenException" | "UnrecognizedClientException" => {
            error.hint("renew the AWS credentials: run `aws sso login`, say")
        }
        _ => error,
    }
}

/// What is said of one secret or its KMS key, rather than of the network, the service or us.
fn kind(code: &str) -> ErrorKind {
    match code {
        "ResourceNotFoundException" => ErrorKind::Absent,
        "AccessDeniedException" | "DecryptionFailure" | "InvalidRequestException" => {
            ErrorKind::Denied
        }
        _ => ErrorKind::Failure,
    }
}

/// For a call that got no answer of the service. Such a call may have worked all the same.
fn unanswered<E, R>(what: &str, error: &SdkError<E, R>) -> Error
where
    E: StdError + 'static,
{
    let why = match error {
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::DispatchFailure(failure) => {
            failure.as_connector_error().map_or_else(|| "not sent".to_owned(), |error| chain(error))
        }
        SdkError::ConstructionFailure(_) => "the request could not be built".to_owned(),
        // Answers that could not be understood; they may hold the secret. (Not exhaustive.)
        SdkError::ResponseError(_) | SdkError::ServiceError(_) | _ => {
            "the answer could not be understood".to_owned()
        }
    };
    Error::new(format!("{what}: {why}")).hint(
        "check the network and AWS_ENDPOINT_URL_SECRETS_MANAGER; running again goes on from here",
    )
}

/// An error and its causes on one line.
pub(super) fn chain(error: &dyn StdError) -> String {
    let mut words = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if words.last() != Some(&text) {
            words.push(text);
        }
        cause = inner.source();
    }
    words.join(": ")
}
