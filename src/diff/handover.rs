//! Between AWSCURRENT and the role's password: a rotation that was cut off once the password was set.

use super::Context;
use super::secret::Known;
use crate::marker::Marker;
use crate::plan::{Change, ObstacleKind};
use crate::version_id::VersionId;

/// How far a password has come that was set, or is to be.
pub(super) enum Handover {
    /// The role's password is not AWSCURRENT, so nobody can log in with that: what finishes it does not wait
    /// for the database.
    Open,
    /// It is, and this version is still AWSPENDING.
    Arrived(VersionId),
}

/// `None` where nobody waits for a password; a role that may not log in at all is waited for by nobody.
pub(super) fn handover(context: &Context<'_>) -> Option<Handover> {
    let role = context.actual.roles.get(context.entry.username.as_str())?;
    let secret = context.actual.secrets.get(context.entry.secret.as_str())?;
    let says = role.comment.as_deref().and_then(Marker::parse)?.version?;
    let (current, pending) = (secret.current.as_ref()?, secret.pending.as_ref()?);
    let is_overtaken = Known::from(pending).is_older_than(current.born);
    let is_closed = !role.can_login || role.expires || secret.is_scheduled_for_deletion;
    if is_overtaken || is_closed {
        None
    } else if says != current.id {
        Some(Handover::Open)
    } else {
        (says == pending.id).then_some(Handover::Arrived(says))
    }
}

impl Handover {
    /// Whether a change is part of what is left of it.
    pub(super) fn is_made_by(&self, change: &Change) -> bool {
        match self {
            Self::Open => matches!(
                change,
                Change::StageVersion { .. }
                    | Change::SetPassword { .. }
                    | Change::PublishVersion { .. }
                    | Change::ClearPending { .. }
            ),
            Self::Arrived(arrived) => matches!(
                change,
                Change::ClearPending { version, .. } if version == arrived
            ),
        }
    }
}

/// Whether an obstacle is about the role or its password, and not only about the database.
pub(super) fn concerns_password(kind: ObstacleKind) -> bool {
    match kind {
        ObstacleKind::ReservedName
        | ObstacleKind::OtherEnvironment
        | ObstacleKind::ForeignRole
        | ObstacleKind::LoginNotTried
        | ObstacleKind::PrivilegedRole
        | ObstacleKind::IamRole
        | ObstacleKind::NoAdminOption
        | ObstacleKind::OlderSecret
        | ObstacleKind::ForeignSecret
        | ObstacleKind::MalformedSecret
        | ObstacleKind::UnreadableSecret
        | ObstacleKind::CannotLogIn
        | ObstacleKind::NothingToRotate => true,
        ObstacleKind::WrongOwner
        | ObstacleKind::ForeignGrant
        | ObstacleKind::PassedOn
        | ObstacleKind::InvalidDatabase
        | ObstacleKind::Extension
        | ObstacleKind::OwnerHeldUp
        | ObstacleKind::ForeignSchema
        | ObstacleKind::ForeignTemplate
        | ObstacleKind::Stuck => false,
    }
}
