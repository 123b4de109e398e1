//! The master's rotation: after any part of it one of the three labelled versions logs in, and the next
//! run does the rest.

use std::collections::{BTreeMap, BTreeSet};

use goldenpath_rds::actual::{Actual, Content, MasterSecret, Secret, Version};
use goldenpath_rds::desired::Desired;
use goldenpath_rds::diff::{Rotation, diff, rotation};
use goldenpath_rds::new_versions::NewVersions;
use goldenpath_rds::plan::{Change, ObstacleKind, Plan};
use goldenpath_rds::version_id::VersionId;
use uuid::Uuid;

use super::generate::{environment, ours, server_of, terraform, time};
use super::names;

const NAME: &str = "goldenpath/dev/rds/master";
const POSTGRES_16: u32 = 160_004;

/// Secrets Manager's labels, and the version that the role's password is from.
#[derive(Clone)]
struct Master {
    current: VersionId,
    pending: Option<VersionId>,
    previous: Option<VersionId>,
    role: VersionId,
    tags: BTreeMap<String, String>,
}

impl Master {
    fn fresh(version: VersionId) -> Self {
        let role = version.clone();
        Self { current: version, pending: None, previous: None, role, tags: BTreeMap::new() }
    }

    fn actual(&self) -> Actual {
        let version =
            |id: &VersionId| Version { id: id.clone(), born: id.born(), content: Content::NotRead };
        let secret = Secret {
            tags: self.tags.clone(),
            current: Some(version(&self.current)),
            pending: self.pending.as_ref().map(version),
            previous: self.previous.as_ref().map(version),
            ..Secret::default()
        };
        Actual {
            server: server_of(POSTGRES_16, None),
            roles: BTreeMap::new(),
            databases: BTreeMap::new(),
            secrets: BTreeMap::new(),
            master: MasterSecret {
                name: NAME.to_owned(),
                secret: Some(secret),
                logged_in_with: Some(self.logs_in()),
                stands_in: None,
            },
        }
    }

    /// In the order in which a run tries them.
    fn logs_in(&self) -> VersionId {
        let labelled = [Some(&self.current), self.pending.as_ref(), self.previous.as_ref()];
        let found = labelled.into_iter().flatten().find(|id| **id == self.role);
        found.expect("one of the labelled versions logs in").clone()
    }

    fn play(&mut self, change: &Change) {
        if let Change::StageMasterPassword { version, .. } = change {
            self.pending = Some(version.clone());
        } else if let Change::SetMasterPassword { version, replaces, .. } = change {
            assert_eq!(*replaces, self.role);
            self.role = version.clone();
        } else if let Change::PublishMasterPassword { version, replaces, .. } = change {
            assert_eq!((replaces, version), (&self.current, &self.role));
            self.previous = Some(replaces.clone());
            self.current = version.clone();
        } else if let Change::TagSecret { tags, .. } = change {
            self.tags.extend(tags.clone());
        } else if let Change::ClearPending { version, .. } = change {
            assert_eq!(self.pending.take().as_ref(), Some(version));
        } else {
            panic!("not of the master: {change:?}");
        }
    }

    fn rotate(&self, begins: bool, seed: u128) -> Plan {
        let wanted =
            Rotation { entries: BTreeSet::new(), master: true, begins, ends_sessions: false };
        rotation(&nothing(), &self.actual(), &new(seed), &wanted)
    }
}

fn nothing() -> Desired {
    Desired::new(environment("dev"), BTreeMap::new(), false, BTreeSet::new()).expect("no keys")
}

fn new(seed: u128) -> NewVersions {
    NewVersions { at: time(9), seed: Uuid::from_u128(seed) }
}

#[track_caller]
fn every_prefix_is_finished(mut master: Master, wanted: &[&str]) {
    let plan = master.rotate(true, 1);
    let steps: Vec<_> = plan.steps.iter().map(|step| step.change.name()).collect();
    assert_eq!((steps.as_slice(), plan.obstacles.len()), (wanted, 0));
    for at in 0..plan.steps.len() {
        master.play(&plan.steps[at].change);
        let rest = names(&Plan { steps: plan.steps[at + 1..].to_vec(), ..plan.clone() });
        assert_eq!(names(&master.rotate(false, 2)), rest, "rotate, after step {}", at + 1);
        if !rest.is_empty() {
            assert_eq!(names(&master.rotate(true, 2)), rest, "no second one after {}", at + 1);
        }
        let applied = names(&diff(&nothing(), &master.actual(), &new(3)));
        assert_eq!(applied, rest, "apply, after step {}", at + 1);
    }
    assert_eq!(master.current, master.role);
}

const ALL: [&str; 5] = [
    "stage_master_password",
    "set_master_password",
    "publish_master_password",
    "tag_secret",
    "clear_pending",
];

#[test]
fn a_rotation_of_the_master_is_finished_from_anywhere() {
    every_prefix_is_finished(Master::fresh(ours(1, 0)), &ALL);
    every_prefix_is_finished(Master::fresh(terraform(1)), &ALL);
    // The clock was set back since the last rotation.
    every_prefix_is_finished(Master::fresh(ours(50, 0)), &ALL);
}

#[test]
fn a_master_that_rds_manages_is_an_obstacle_to_its_rotation_alone() {
    let mut actual = Master::fresh(ours(1, 0)).actual();
    actual.master.name = "rds!db-1234".to_owned();
    if let Some(secret) = &mut actual.master.secret {
        secret.owning_service = Some("rds".to_owned());
    }
    let wanted =
        Rotation { entries: BTreeSet::new(), master: true, begins: true, ends_sessions: false };
    let plan = rotation(&nothing(), &actual, &new(1), &wanted);
    let kinds: Vec<_> = plan.obstacles.iter().map(|obstacle| obstacle.kind).collect();
    assert_eq!((kinds, plan.steps), (vec![ObstacleKind::ForeignSecret], vec![]));
    assert_eq!(diff(&nothing(), &actual, &new(1)).obstacles, []);
}

#[test]
fn a_pending_version_that_current_has_overtaken_loses_its_label_and_is_never_set() {
    let mut master = Master { pending: Some(ours(1, 0)), ..Master::fresh(ours(2, 0)) };
    every_prefix_is_finished(master.clone(), &ALL);
    let plan = diff(&nothing(), &master.actual(), &new(1));
    assert_eq!(names(&plan), [(None, "clear_pending")]);
    master.play(&plan.steps[0].change);
    assert_eq!(diff(&nothing(), &master.actual(), &new(1)).steps, []);
}

#[test]
fn a_pending_version_that_logs_in_is_published_however_old_it_is() {
    let pending = ours(1, 0);
    let master =
        Master { pending: Some(pending.clone()), role: pending, ..Master::fresh(ours(2, 0)) };
    every_prefix_is_finished(master, &["publish_master_password", "tag_secret", "clear_pending"]);
}

#[test]
fn a_current_version_that_is_not_the_roles_is_put_right_on_request_only() {
    let moved =
        Master { current: ours(2, 0), previous: Some(ours(1, 0)), ..Master::fresh(ours(1, 0)) };
    assert_eq!(diff(&nothing(), &moved.actual(), &new(1)).steps, []);
    every_prefix_is_finished(moved, &ALL);
}
