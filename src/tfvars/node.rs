//! What was written, before any type is known: the outcome of both parsers.

use std::ops::Range;

/// A value with its byte range in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    pub(super) span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NodeKind {
    Null,
    Bool(bool),
    /// Canonical decimal text.
    Number(String),
    /// In normalisation form C.
    String(String),
    List(Vec<Node>),
    /// In source order; equal keys are still there.
    Map(Vec<Entry>),
    /// Already reported; nothing more is said about it.
    Invalid,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    pub(super) value: Node,
}
