//! A YAML text as a tree whose every node knows its place. All scalars are texts: what they mean is for
//! the reader of the file to say.

use crate::tfvars::Position;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Where it was written.
    pub at: Position,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    /// Any other scalar, without its quotes.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of writing. No key is there twice.
    Map(Vec<Member>),
}

/// A member of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The key.
    pub key: String,
    /// Where the key was written.
    pub key_at: Position,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The members, if it is a map.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        match &self.kind {
            Kind::Map(members) => members,
            Kind::Null | Kind::Text(_) | Kind::List(_) => &[],
        }
    }

    /// The items, if it is a list.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            Kind::Null | Kind::Text(_) | Kind::Map(_) => &[],
        }
    }

    /// The value of a member.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.members().iter().find(|member| member.key == key).map(|member| &member.value)
    }

    /// The text, if it is a scalar.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            Kind::Null | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// The same tree with another word at the end of a path of keys.
    #[must_use]
    pub fn with(&self, path: &[&str], word: &str) -> Self {
        let changed = |member: &Member, key: &str, rest: &[&str]| {
            let same = member.key == key;
            let value = if same { member.value.with(rest, word) } else { member.value.clone() };
            Member { value, ..member.clone() }
        };
        let kind = match (path, &self.kind) {
            ([], _) => Kind::Text(word.to_owned()),
            ([key, rest @ ..], Kind::Map(members)) => {
                Kind::Map(members.iter().map(|member| changed(member, key, rest)).collect())
            }
            ([_, ..], kind @ (Kind::Null | Kind::Text(_) | Kind::List(_))) => kind.clone(),
        };
        Self { kind, at: self.at.clone() }
    }

    /// Equality without places.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Null, Kind::Null) => true,
            (Kind::Text(a), Kind::Text(b)) => a == b,
            (Kind::List(a), Kind::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
            }
            (Kind::Map(a), Kind::Map(b)) => {
                let same = |(a, b): (&Member, &Member)| a.key == b.key && a.value.same(&b.value);
                a.len() == b.len() && a.iter().zip(b).all(same)
            }
            (Kind::Null | Kind::Text(_) | Kind::List(_) | Kind::Map(_), _) => false,
        }
    }
}
