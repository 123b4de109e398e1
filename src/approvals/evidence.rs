//! What a pull request has of approvals: labels, and reviews as GitHub's API gives them.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// Labels and reviews of a pull request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The names of its labels, each with who set it, where that is known.
    pub labels: BTreeMap<String, Option<Actor>>,
    /// Its reviews, the oldest first.
    pub reviews: Vec<Review>,
    /// Who opened it: nobody approves what is their own.
    pub author: Option<String>,
    /// The commit that is asked for. An approval of an older one says nothing about it.
    pub head: Option<String>,
}

/// Somebody with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account's name.
    pub login: String,
    /// Whether it is a program's: that does what anybody may have told it.
    pub is_program: bool,
}

/// A label was set or taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelEvent {
    /// The label.
    pub label: String,
    /// Who set it; `None` if it was taken off.
    pub set_by: Option<Option<Actor>>,
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
    /// From the event of a workflow run (`pull_request` or `pull_request_review`). It lists the labels, but
    /// not who set them.
    #[must_use]
    pub fn of_event(event: &Json) -> Self {
        let pull_request = &event["pull_request"];
        let labels = pull_request["labels"].as_array().into_iter().flatten();
        let text = |value: &Json| value.as_str().map(str::to_owned);
        Self {
            labels: labels.filter_map(|label| Some((text(&label["name"])?, None))).collect(),
            reviews: Review::parse(&event["review"]).into_iter().collect(),
            author: text(&pull_request["user"]["login"]),
            head: text(&pull_request["head"]["sha"]),
        }
    }

    /// Takes up what happened to the labels, the oldest first. What came last counts: the event of a
    /// workflow run may be older.
    pub fn add_label_events(&mut self, events: impl IntoIterator<Item = LabelEvent>) {
        for LabelEvent { label, set_by } in events {
            match set_by {
                Some(actor) => self.labels.insert(label, actor),
                None => self.labels.remove(&label),
            };
        }
    }
}

impl LabelEvent {
    /// From an issue event in GitHub's JSON; `None` for the events that are of something else.
    #[must_use]
    pub fn parse(event: &Json) -> Option<Self> {
        let set_by = match event["event"].as_str()? {
            "labeled" => Some(Actor::parse(&event["actor"])),
            "unlabeled" => None,
            _ => return None,
        };
        Some(Self { label: event["label"]["name"].as_str()?.to_owned(), set_by })
    }
}

impl Actor {
    fn parse(actor: &Json) -> Option<Self> {
        let login = actor["login"].as_str()?.to_owned();
        let is_program = login.ends_with("[bot]") || actor["type"].as_str() == Some("Bot");
        Some(Self { login, is_program })
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
