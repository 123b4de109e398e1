//! What is told of a request that failed: code, message and request id, and never the body of the answer.

use crate::harness::{Answer, ENV, Fault, Hit, IN_BODY, REQUEST_ID, Recorder, Stack, answer};

const CASES: [(Fault, &str); 4] = [
    (Fault::Throttled, "ThrottlingException: made by the tests"),
    (Fault::ServerError, "InternalServiceError: made by the tests"),
    (Fault::Garbage, "the answer, HTTP 200, could not be understood"),
    (Fault::Page, "the answer, HTTP 500, could not be understood"),
];

fn rotate(stack: &Stack, recorder: &Recorder) -> Answer {
    let mut command = stack.command(&["rotate", "--env", ENV, "app", "--auto-approve"]);
    command.env("AWS_ENDPOINT_URL_SECRETS_MANAGER", recorder.endpoint());
    answer(command.env("AWS_MAX_ATTEMPTS", "1").output().unwrap())
}

#[tokio::test]
async fn every_request_that_fails_is_told_with_its_id_and_without_its_body() {
    let (stack, recorder) = (Stack::with_app().await, Recorder::start());
    stack.converge();
    recorder.trouble(None);
    rotate(&stack, &recorder).expect(0);
    let requests = recorder.seen();
    for (at, request) in requests.iter().enumerate() {
        // Two of them for each, in turns.
        for (fault, words) in CASES.into_iter().skip(at % 2 * 2).take(2) {
            recorder.trouble(Some((fault, Hit::Only(at))));
            let answer = rotate(&stack, &recorder);
            let audit = std::fs::read_to_string(stack.root().join(AUDIT)).unwrap();
            let said = format!("{}{}", answer.stdout, answer.stderr);
            assert!(!said.contains(IN_BODY) && !audit.contains(IN_BODY), "{said}");
            // Where the answer does not matter, it is not told.
            if answer.code == 1 {
                let told = format!("{words} (request {REQUEST_ID})");
                assert!(said.contains(&told), "{} {fault:?}: {said}", request.operation);
            }
            recorder.trouble(None);
            rotate(&stack, &recorder).expect(0);
        }
    }
    stack.converge();
}

const AUDIT: &str = "governance/dev/rds_request_audit.csv";
