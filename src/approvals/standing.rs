//! Whose label and whose review count for a team.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::evidence::{Actor, Evidence, State};
use super::rules::Rules;

/// How far the approval of a team is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Approval {
    /// By what it approved.
    pub by: Option<String>,
    /// What looks like an approval and is none, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_counted: Vec<String>,
}

/// What there is of a team's approval: what it is, and why it does not count.
type Claim = (String, Option<String>);

impl Evidence {
    /// By what a team approved: the label `<name>-approval` (`platform-approval` for `platform-team`), or
    /// the review of a member. Neither those who asked for the change nor its author count.
    #[must_use]
    pub fn approval_of(
        &self,
        team: &str,
        rules: &Rules,
        requesters: &BTreeSet<String>,
    ) -> Approval {
        let members = rules.teams.get(team).filter(|members| !members.is_empty());
        let listed = members.into_iter().flatten().map(|member| member.to_lowercase()).collect();
        let team = Team { name: team, listed, requesters };
        let claims = self.label_of(&team).into_iter().chain(self.reviews_of(&team));
        let mut approval = Approval::default();
        for (what, objection) in claims {
            match objection {
                Some(why) => approval.not_counted.push(format!("{what}: {why}")),
                None => approval.by = approval.by.or(Some(what)),
            }
        }
        approval
    }

    fn label_of(&self, team: &Team<'_>) -> Option<Claim> {
        let label = format!("{}-approval", team.name.strip_suffix("-team").unwrap_or(team.name));
        let Some(actor) = self.labels.get(&label)? else {
            let why = "who set it is not known".to_owned();
            return Some((format!("label `{label}`"), Some(why)));
        };
        let claim = format!("label `{label}` set by `{}`", actor.login);
        Some((claim, self.objection_to_label(actor, team)))
    }

    fn objection_to_label(&self, actor: &Actor, team: &Team<'_>) -> Option<String> {
        let login = actor.login.to_lowercase();
        if self.author.is_none() {
            return Some("who opened the pull request is not known".to_owned());
        }
        if team.listed.is_empty() && actor.is_program {
            return Some("a program's account is nobody's agreement".to_owned());
        }
        if !team.listed.is_empty() && !team.listed.contains(&login) {
            return Some(format!("{} has no such member", team.name));
        }
        self.own(&login, team)
    }

    /// The members whose last word is an approval.
    fn reviews_of(&self, team: &Team<'_>) -> Vec<Claim> {
        let mut latest = BTreeMap::new();
        for review in &self.reviews {
            match review.state {
                State::Approved => latest.insert(review.login.to_lowercase(), Some(review)),
                State::Withheld => latest.insert(review.login.to_lowercase(), None),
                State::Commented => None,
            };
        }
        let approving = latest.into_iter().filter(|(login, _)| team.listed.contains(login));
        let claim = |(login, review): (String, _)| {
            let review: &super::Review = review?;
            let stale = match (&review.commit, &self.head) {
                (Some(commit), Some(head)) if commit != head => Some("it is of an older commit"),
                // GitHub's API: a commit that a forced push has left behind may be gone.
                (None, Some(_)) => Some("it is of a commit that is there no more"),
                (Some(_) | None, _) => None,
            };
            let objection = stale.map(str::to_owned).or_else(|| self.own(&login, team));
            Some((format!("review of `{}`", review.login), objection))
        };
        approving.filter_map(claim).collect()
    }

    /// Nobody approves what is their own.
    fn own(&self, login: &str, team: &Team<'_>) -> Option<String> {
        if self.author.as_ref().is_some_and(|author| author.to_lowercase() == login) {
            return Some("who opened the pull request does not approve it".to_owned());
        }
        let asked = team.requesters.iter().any(|requester| requester.to_lowercase() == login);
        asked.then(|| "who requested the database does not approve it".to_owned())
    }
}

struct Team<'a> {
    name: &'a str,
    /// The logins of its members, in lower case: they are the same whatever their case.
    listed: BTreeSet<String>,
    requesters: &'a BTreeSet<String>,
}
