//! The login that comes before AWSCURRENT is moved. Until then the old password may be refused already, so one
//! that meets a server without a free slot, or a network that fails for a moment, is made again.

use std::time::{Duration, Instant};

use super::Effects;
use crate::password::Password;
use crate::postgres::{LoginOutcome, try_login};
use crate::version_id::VersionId;

/// How often a login is tried altogether: with pauses of 0.25, 0.5, 1 and 2 seconds.
const TRIES: u32 = 5;

const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// No try begins later: where the server is mute, each of them takes ten seconds.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why there is no proof.
pub(super) struct Missing {
    pub(super) why: String,
    /// The server took the password for another role's, or for none.
    pub(super) is_refusal: bool,
}

impl Effects<'_> {
    /// Proves that a version's password is the role's.
    pub(super) async fn prove(
        &self,
        version: &VersionId,
        user: &str,
        password: &Password,
        database: &str,
    ) -> Result<(), Missing> {
        let (since, mut pause) = (Instant::now(), FIRST_PAUSE);
        for tries in 1.. {
            let outcome = try_login(self.connector, user, password, database).await;
            let is_last = tries == TRIES || since.elapsed() > PATIENCE;
            match outcome {
                LoginOutcome::Accepted | LoginOutcome::AtLimit | LoginOutcome::TurnedAway(_) => {
                    break;
                }
                LoginOutcome::Failed(why) if is_last => {
                    return Err(Missing { why, is_refusal: false });
                }
                // The server may still be at a statement whose answer was lost.
                LoginOutcome::Refused(why) if is_last || !self.handovers.is_uncertain(version) => {
                    if self.handovers.is_uncertain(version) {
                        self.handovers.not_set(version);
                    }
                    return Err(Missing { why, is_refusal: true });
                }
                LoginOutcome::Failed(_) | LoginOutcome::Refused(_) => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
            }
        }
        Ok(())
    }
}
