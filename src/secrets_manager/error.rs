//! AWS errors in words: code, message and request id. Never the raw answer: a malformed answer of
//! `GetSecretValue` holds the secret, and the SDK's `Debug` prints it (measured).

use std::error::Error as StdError;

use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};

use crate::error::{Error, ErrorKind};

/// The error of a call, with what to do about the common ones.
pub(super) fn from_sdk<E>(call: &str, secret: &str, error: &SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let what = format!("{call} `{secret}`");
    let service = error.as_service_error();
    // Where something else answered, a proxy on the way say, there is no code.
    let Some((service, code)) = service.and_then(|error| Some((error, error.code()?))) else {
        return unanswered(&what, error);
    };
    let message = service.message().unwrap_or("no message");
    let error = Error::of(kind(code), format!("{what}: {code}: {message}{}", request(error)));
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
fn unanswered<E>(what: &str, error: &SdkError<E>) -> Error
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
            format!("the answer, {}, could not be understood{}", status(error), request(error))
        }
    };
    Error::new(format!("{what}: {why}")).hint(
        "check the network and AWS_ENDPOINT_URL_SECRETS_MANAGER; running again goes on from here",
    )
}

fn status<E>(error: &SdkError<E>) -> String {
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    status.map_or_else(|| "unknown error".to_owned(), |status| format!("HTTP {status}"))
}

fn request<E>(error: &SdkError<E>) -> String {
    let id = error.raw_response().and_then(|answer| answer.headers().get("x-amzn-requestid"));
    id.map(|id| format!(" (request {id})")).unwrap_or_default()
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
