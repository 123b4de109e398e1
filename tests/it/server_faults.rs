//! Servers that are mute, go away or are the wrong one: a clear error in time, and the next run finishes.

use std::time::{Duration, Instant};

use crate::harness::{Answer, ENV, Failure, Stack, Wire};

fn apply_through(stack: &Stack, wire: &Wire, flags: &[&str]) -> Answer {
    let port = wire.port.to_string();
    let arguments =
        ["apply", "--env", ENV, "--auto-approve", "--host", "127.0.0.1", "--port", &port];
    stack.run(&[&arguments[..], flags].concat())
}

#[tokio::test]
async fn a_server_that_accepts_and_stays_mute_is_given_up() {
    let stack = Stack::with_app().await;
    let wire = Wire::to(stack.port(), Failure::Mute);
    let since = Instant::now();
    apply_through(&stack, &wire, &[])
        .expect(1)
        .says(&format!("server 127.0.0.1:{} did not answer within 10 s", wire.port))
        .says("hint: check security groups and routes");
    assert!(since.elapsed() < Duration::from_secs(15), "{:?}", since.elapsed());
    assert!(stack.audit().is_empty());
    stack.converge();
}

/// What could not be looked at is not taken for right.
#[tokio::test]
async fn a_server_without_a_free_slot_is_an_error() {
    let settings = ["max_connections=12", "superuser_reserved_connections=3"];
    let stack = Stack::with_settings(
        r#"app = { database_name = "app", username = "app_user" }"#,
        &settings,
    )
    .await;
    stack.converge();
    stack.sql("app", "GRANT CREATE ON SCHEMA public TO PUBLIC").await;
    let mut held = Vec::new();
    while held.len() < 8
        && let Ok(session) = stack.login_with_secret("goldenpath/dev/app/postgres").await
    {
        held.push(session);
    }
    stack.plan().expect(1).says("(SQLSTATE 53300)").says("hint: all connection slots are taken");
    drop(held);
    let left = "SELECT count(*)::text FROM pg_stat_activity WHERE usename = 'app_user'";
    while stack.value("postgres", left).await != "0" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stack.converge().shows("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
}

#[tokio::test]
async fn a_server_that_falls_mute_in_the_middle_is_given_up() {
    falls_mute(4).await;
}

#[tokio::test]
async fn a_server_that_falls_mute_at_the_end_is_given_up() {
    falls_mute(2).await;
}

/// After that part of what an undisturbed apply gets from the server.
async fn falls_mute(part: u64) {
    let whole = Stack::with_apps().await;
    let bytes = bytes_of_an_apply(&whole).await;
    let stack = Stack::with_apps().await;
    let wire = Wire::to(stack.port(), Failure::MuteAfter(bytes / part));
    let since = Instant::now();
    let answer = apply_through(&stack, &wire, &["--statement-timeout", "1"]).expect(1);
    let said = answer.stdout + &answer.stderr;
    let words = ["does not answer any more", "did not answer within"];
    assert!(words.iter().any(|words| said.contains(words)), "{said}");
    assert!(since.elapsed() < Duration::from_secs(35), "{:?} {said}", since.elapsed());
    finishes(&stack).await;
}

/// How many bytes the server sends in an undisturbed apply.
async fn bytes_of_an_apply(stack: &Stack) -> u64 {
    let wire = Wire::to(stack.port(), Failure::CutAfter(u64::MAX));
    apply_through(stack, &wire, &[]).expect(0).shows("Apply complete");
    wire.passed()
}

#[tokio::test]
async fn a_connection_that_is_cut_at_any_point_ends_in_an_error_that_says_so() {
    let whole = Stack::with_apps().await;
    let bytes = bytes_of_an_apply(&whole).await;
    let stack = Stack::with_apps().await;
    let cuts = 12;
    for cut in 0..cuts {
        let wire = Wire::to(stack.port(), Failure::CutAfter(bytes * cut / cuts));
        let answer = apply_through(&stack, &wire, &[]);
        if answer.code == 0 {
            // What the cut runs did stays done, so the rest takes fewer bytes.
            continue;
        }
        assert_eq!(answer.code, 1, "{}", answer.stderr);
        assert!(!answer.stderr.contains("panicked"), "{}", answer.stderr);
        assert!(
            ["was lost", "cannot connect to server"]
                .iter()
                .any(|words| answer.stderr.contains(words)),
            "cut {cut}: {}",
            answer.stderr
        );
        assert!(answer.stderr.contains("hint: "), "{}", answer.stderr);
    }
    finishes(&stack).await;
}

async fn finishes(stack: &Stack) {
    stack.converge();
    for name in ["inventory", "orders", "portal"] {
        let secret = format!("goldenpath/dev/{name}/postgres");
        stack.login_with_secret(&secret).await.unwrap();
        assert!(!stack.labels(&secret).await.contains_key("AWSPENDING"));
    }
    let audit = stack.audit();
    let started = audit.iter().filter(|row| row.ends_with(",apply,started")).count();
    let ended = audit.iter().filter(|row| {
        row.contains(",apply,") && !row.starts_with(",,") && !row.ends_with(",started")
    });
    assert_eq!(started, ended.count(), "{audit:#?}");
}

#[tokio::test]
async fn a_read_replica_is_refused_before_anything_is_made() {
    let mut stack = Stack::with_settings(
        r#"app = { database_name = "app", username = "app_user" }"#,
        &["wal_level=replica", "hot_standby=on"],
    )
    .await;
    let Some(server) = stack.local_server() else { return };
    server.become_standby();
    for verb in [&["plan"][..], &["apply", "--auto-approve"]] {
        stack
            .run(&[verb, &["--env", ENV]].concat())
            .expect(1)
            .says("error: the server is a read replica: nothing can be changed on it")
            .says("hint: the master secret's `host`, or --host, must name the writer");
    }
    assert_eq!(stack.secrets.list_secrets().send().await.unwrap().secret_list().len(), 1);
    assert!(stack.audit().is_empty());
}
