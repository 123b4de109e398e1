//! Who answers for a database and how much it is worth protecting, as the RDS catalog says it.

use std::collections::BTreeMap;

use crate::name::Label;
use crate::risk::Risk;

/// What the RDS catalog knows of a database; `None` is what it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Governance {
    /// The team that answers for it.
    pub owner: Option<Label>,
    /// The business domain.
    pub domain: Option<Label>,
    /// The data classification.
    pub risk: Option<Risk>,
    /// Who asked for it.
    pub requested_by: Option<Label>,
    /// Its id in the catalog.
    pub id: Option<Label>,
}

impl Governance {
    /// As tags of the secret.
    #[must_use]
    pub fn tags(&self) -> BTreeMap<String, String> {
        let label = |label: &Option<Label>| label.as_ref().map(ToString::to_string);
        let tags = [
            ("Owner", label(&self.owner)),
            ("Domain", label(&self.domain)),
            ("Risk", self.risk.map(|risk| risk.to_string())),
            ("RequestedBy", label(&self.requested_by)),
            ("Id", label(&self.id)),
        ];
        tags.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// As the end of the database's marker: `; owner=app-team; domain=catalog; risk=medium`.
    #[must_use]
    pub fn marker_parts(&self) -> String {
        let part = |name: &str, value: Option<&str>| {
            value.map(|value| format!("; {name}={value}")).unwrap_or_default()
        };
        let [owner, domain] =
            [&self.owner, &self.domain].map(|label| label.as_ref().map(Label::as_str));
        let risk = self.risk.map(Risk::as_str);
        [part("owner", owner), part("domain", domain), part("risk", risk)].concat()
    }
}
