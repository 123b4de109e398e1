//! Values with the place each was written at.

use std::collections::BTreeMap;

use super::source::Position;

/// A value as Terraform would have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// What it is.
    pub kind: Kind,
    /// Where it was written. A default that was filled in has the place of its object.
    pub at: Position,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`, also for an optional attribute that is not there and has no default.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as exact decimal text: no exponent, no needless zeros.
    Number(String),
    /// A string in normalisation form C.
    String(String),
    /// A list, or a set in Terraform's order.
    List(Vec<Value>),
    /// A map or an object.
    Map(BTreeMap<String, Member>),
}

/// One member of a map or an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Where the key was written.
    pub key_at: Position,
    /// The value.
    pub value: Value,
}
