//! Strings, numbers and bools made of one another.

use super::node::NodeKind;
use super::number;

/// Terraform 1.11: numbers and bools become strings, nothing else does.
pub(super) fn to_string(kind: &NodeKind) -> Option<String> {
    match kind {
        NodeKind::String(text) | NodeKind::Number(text) => Some(text.clone()),
        NodeKind::Bool(value) => Some(value.to_string()),
        NodeKind::Null | NodeKind::List(_) | NodeKind::Map(_) | NodeKind::Invalid => None,
    }
}

/// Terraform 1.11: a string that is a decimal number without spaces becomes one.
pub(super) fn to_number(kind: &NodeKind) -> Option<String> {
    match kind {
        NodeKind::Number(text) => Some(text.clone()),
        NodeKind::String(text) => number::canonical(text).ok(),
        NodeKind::Null
        | NodeKind::Bool(_)
        | NodeKind::List(_)
        | NodeKind::Map(_)
        | NodeKind::Invalid => None,
    }
}

/// Terraform 1.11: these four strings become bools; a number never does.
pub(super) fn to_bool(kind: &NodeKind) -> Option<bool> {
    match kind {
        NodeKind::Bool(value) => Some(*value),
        NodeKind::String(text) => match text.as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        NodeKind::Null
        | NodeKind::Number(_)
        | NodeKind::List(_)
        | NodeKind::Map(_)
        | NodeKind::Invalid => None,
    }
}
