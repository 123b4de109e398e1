//! Who is a member of what, and what the master may do because of it.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::SimpleQueryRow;

use super::snapshot::{flag, text};
use crate::actual::{Membership, Role};

/// One row of `pg_auth_members`. From PostgreSQL 16 on there can be more than one for two roles, from
/// different grantors; they add up.
pub(super) struct Grant<'a> {
    of: &'a str,
    member: &'a str,
    admin: bool,
    inherit: bool,
    set: bool,
    /// Who granted it, where that matters.
    grantor: Option<&'a str>,
}

impl<'a> Grant<'a> {
    pub(super) fn of(row: &'a SimpleQueryRow) -> Self {
        Self {
            of: text(row, 0),
            member: text(row, 1),
            admin: flag(row, 2),
            inherit: flag(row, 3),
            set: flag(row, 4),
            grantor: row.get(5),
        }
    }
}

pub(super) fn add(roles: &mut BTreeMap<String, Role>, master: &str, grants: &[Grant<'_>]) {
    add_master(roles, master, grants);
    let all = by_member(grants, |_| true);
    for (name, role) in roles.iter_mut() {
        let to_owned = |name: &&str| (*name).to_owned();
        role.member_of = reached(name, &all).iter().map(to_owned).collect();
    }
    for grant in grants {
        if let Some(role) = roles.get_mut(grant.member) {
            let grantors = role.parents.entry(grant.of.to_owned()).or_default();
            grantors.extend(grant.grantor.map(str::to_owned));
        }
    }
    for grant in grants.iter().filter(|grant| grant.admin && grant.member != master) {
        if let Some(role) = roles.get_mut(grant.of) {
            role.administrators.insert(grant.member.to_owned());
        }
    }
}

/// What a membership in a group carries over (measured on 14, 16 and 18): ALTER ROLE asks for ADMIN of any
/// role that the master is a member of, GRANT for that of one whose privileges it inherits; privileges
/// come by memberships that all inherit, SET ROLE by memberships that all allow it.
fn add_master(roles: &mut BTreeMap<String, Role>, master: &str, grants: &[Grant<'_>]) {
    let reached_by = |counts: fn(&Grant<'_>) -> bool| {
        let mut reached = reached(master, &by_member(grants, counts));
        reached.insert(master);
        reached
    };
    let members = reached_by(|_| true);
    let (inheriting, setting) = (reached_by(|grant| grant.inherit), reached_by(|grant| grant.set));
    let mut admin: BTreeMap<&str, Membership> = BTreeMap::new();
    for grant in grants.iter().filter(|grant| grant.admin) {
        let found = admin.entry(grant.of).or_default();
        found.admin |= members.contains(grant.member);
        found.may_grant |= inheriting.contains(grant.member);
    }
    for (name, role) in roles.iter_mut().filter(|(name, _)| *name != master) {
        let Membership { admin, may_grant, .. } = admin.remove(name.as_str()).unwrap_or_default();
        let (inherit, set) = (inheriting.contains(name.as_str()), setting.contains(name.as_str()));
        role.master = Membership { admin, may_grant, inherit, set };
    }
}

fn by_member<'a>(
    grants: &[Grant<'a>],
    counts: impl Fn(&Grant<'a>) -> bool,
) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut parents: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for grant in grants.iter().filter(|grant| counts(grant)) {
        parents.entry(grant.member).or_default().insert(grant.of);
    }
    parents
}

fn reached<'a>(from: &str, parents: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = parents.get(from).into_iter().flatten().copied().collect();
    while let Some(next) = open.pop() {
        if found.insert(next) {
            open.extend(parents.get(next).into_iter().flatten());
        }
    }
    found
}
