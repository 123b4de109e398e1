//! What a pull request has of approvals: labels, and reviews as GitHub's API gives them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::Rules;

/// Labels and reviews of a pull request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The names of its labels.
    pub labels: BTreeSet<String>,
    /// Its reviews, the oldest first.
    pub reviews: Vec<Review>,
    /// Who opened it: nobody approves what is their own.
    pub author: Option<String>,
    /// The commit that is asked for. An approval of an older one says nothing about it.
    pub head: Option<String>,
}

/// A review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Who wrote it.
    pub login: String,
    /// What it says.
    pub state: State,
    /// The commit that was looked at.
    pub commit: Option<String>,
}

/// What a review says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Approved.
    Approved,
    /// Changes are requested, or an approval was dismissed.
    Withheld,
    /// Only words: what was said before stands.
    Commented,
}

impl Evidence {
    /// From the event of a workflow run (`pull_request` or `pull_request_review`).
    #[must_use]
    pub fn of_event(event: &Json) -> Self {
        let pull_request = &event["pull_request"];
        let labels = pull_request["labels"].as_array().into_iter().flatten();
        let text = |value: &Json| value.as_str().map(str::to_owned);
        Self {
            labels: labels.filter_map(|label| text(&label["name"])).collect(),
            reviews: Review::parse(&event["review"]).into_iter().collect(),
            author: text(&pull_request["user"]["login"]),
            head: text(&pull_request["head"]["sha"]),
        }
    }

    /// By what a team approved: the label `<name>-approval` (`platform-approval` for `platform-team`), or
    /// the review of a member.
    #[must_use]
    pub fn approval_of(&self, team: &str, rules: &Rules) -> Option<String> {
        let label = format!("{}-approval", team.strip_suffix("-team").unwrap_or(team));
        if self.labels.contains(&label) {
            return Some(format!("label `{label}`"));
        }
        let members = rules.teams.get(team)?;
        let approving = self.approving();
        let member =
            members.iter().find(|member| approving.contains(member.to_lowercase().as_str()))?;
        Some(format!("review of `{member}`"))
    }

    /// Who approves this commit, in lower case: logins are the same whatever their case.
    fn approving(&self) -> BTreeSet<String> {
        let author = self.author.as_ref().map(|login| login.to_lowercase());
        let mut latest = BTreeMap::new();
        for review in &self.reviews {
            let of_head = match (&review.commit, &self.head) {
                (Some(commit), Some(head)) => commit == head,
                (None, _) | (_, None) => true,
            };
            match review.state {
                State::Approved => latest.insert(review.login.to_lowercase(), of_head),
                State::Withheld => latest.insert(review.login.to_lowercase(), false),
                State::Commented => None,
            };
        }
        let approving = latest.into_iter().filter(|(_, approves)| *approves);
        approving.map(|(login, _)| login).filter(|login| Some(login) != author.as_ref()).collect()
    }
}

impl Review {
    /// From GitHub's JSON. A state that is not known withholds.
    #[must_use]
    pub fn parse(review: &Json) -> Option<Self> {
        let state = match review["state"].as_str()?.to_lowercase().as_str() {
            "approved" => State::Approved,
            "commented" | "pending" => State::Commented,
            _ => State::Withheld,
        };
        let commit = review["commit_id"].as_str().map(str::to_owned);
        Some(Self { login: review["user"]["login"].as_str()?.to_owned(), state, commit })
    }
}
