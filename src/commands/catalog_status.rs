//! `apply --update-catalog`: what came of the databases, written where they were asked for.

use super::files::{Rewrite, write_together};
use super::repository;
use super::run::{Planned, Run};
use crate::apply::Outcome;
use crate::error::{Error, Result};
use crate::rds_catalog::{self, Progress, statuses, unrecorded};

impl Run<'_> {
    /// Brings the status of the entries' records up to date.
    pub(super) fn record_in_catalog(&self, planned: &Planned<'_>, outcome: &Outcome) -> Result<()> {
        let root = &self.global.root;
        let catalog = repository::catalog(root, self.output)?;
        for database in unrecorded(&catalog, self.desired) {
            let file = rds_catalog::PATH;
            self.output
                .tell(&format!("catalog: {file} has no entry for database \"{database}\"\n"));
        }
        let progress = progress(planned, outcome);
        let changed = statuses(&catalog, self.desired, &progress);
        if changed.is_empty() {
            return Ok(());
        }
        let new = rds_catalog::set_status(&catalog, &changed).map_err(|why| {
            Error::new(format!("cannot write the status into {}: {why}", rds_catalog::PATH))
                .hint("the catalog is as it was; mend it and run the same command again")
        })?;
        let old = catalog.source.text().to_owned();
        write_together(&[Rewrite { path: root.join(rds_catalog::PATH), old, new }])?;
        for (record, status) in changed {
            self.output.tell(&format!("catalog: {} is {status}\n", record.key));
        }
        Ok(())
    }
}

fn progress(planned: &Planned<'_>, outcome: &Outcome) -> Progress {
    let blocked = planned.plan.obstacles.iter().filter_map(|obstacle| obstacle.entry.clone());
    let unfinished = outcome.unfinished.iter().flatten().cloned();
    let failed = outcome.failed.iter().filter_map(|failed| failed.entry.clone());
    Progress { failed: failed.collect(), open: blocked.chain(unfinished).collect() }
}
