//! The check of a new database that is a copy of `template1` (PostgreSQL 14).

use super::effect::Effects;
use crate::actual::strangers;
use crate::error::{Error, Result};
use crate::name::{DatabaseName, RoleName};
use crate::postgres::owners_inside;

impl Effects<'_> {
    /// Somebody may have put something into the template since the plan was made. The copy stays closed.
    pub(super) async fn refuse_what_others_put_in(
        &self,
        database: &DatabaseName,
        owner: &RoleName,
    ) -> Result<()> {
        let owners = owners_inside(self.session, database).await?;
        let strangers = strangers(&owners, &self.server.master, owner.as_str());
        if strangers.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = strangers.into_iter().map(|name| format!("\"{name}\"")).collect();
        let message = format!("its template held something of {}", names.join(", "));
        Err(Error::new(message))
    }
}
