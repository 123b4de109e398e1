//! Descriptions of Terraform types: what a value is converted to.

use std::fmt;

use super::value::Kind;

/// A type constraint of a Terraform variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Any value, left as it was written. (Inside a list or map Terraform would make the
    /// elements alike; that is not done here.)
    Any,
    /// `string`
    String,
    /// `number`
    Number,
    /// `bool`
    Bool,
    /// `list(…)`
    List(Box<Self>),
    /// `set(…)`
    Set(Box<Self>),
    /// `map(…)`
    Map(Box<Self>),
    /// `object({…})`
    Object(Vec<Attribute>),
}

impl Type {
    /// `list(element)`
    pub fn list(element: Self) -> Self {
        Self::List(Box::new(element))
    }

    /// `set(element)`
    pub fn set(element: Self) -> Self {
        Self::Set(Box::new(element))
    }

    /// `map(element)`
    pub fn map(element: Self) -> Self {
        Self::Map(Box::new(element))
    }

    /// Whether Terraform 1.11 takes the text of `TF_VAR_name` or `-var` as it stands,
    /// instead of reading an HCL expression from it.
    pub(super) fn takes_text(&self) -> bool {
        match self {
            Self::String | Self::Number | Self::Bool => true,
            Self::Any | Self::List(_) | Self::Set(_) | Self::Map(_) | Self::Object(_) => false,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("value"),
            Self::String => f.write_str("string"),
            Self::Number => f.write_str("number"),
            Self::Bool => f.write_str("bool"),
            Self::List(element) => write!(f, "list of {element}s"),
            Self::Set(element) => write!(f, "set of {element}s"),
            Self::Map(element) => write!(f, "map of {element}s"),
            Self::Object(_) => f.write_str("object"),
        }
    }
}

/// An attribute of an object type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Whether it must be there.
    pub presence: Presence,
}

impl Attribute {
    /// `name = type`
    pub fn required(name: &str, ty: Type) -> Self {
        Self { name: name.to_owned(), ty, presence: Presence::Required }
    }

    /// `name = optional(type)`
    pub fn optional(name: &str, ty: Type) -> Self {
        Self::with_default(name, ty, Kind::Null)
    }

    /// `name = optional(type, default)`
    pub fn with_default(name: &str, ty: Type, default: Kind) -> Self {
        Self { name: name.to_owned(), ty, presence: Presence::Optional { default } }
    }
}

/// Whether an attribute must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It must.
    Required,
    /// It need not; `default` stands for it when it is missing or null, and is itself
    /// converted to the attribute's type.
    Optional {
        /// `Kind::Null` for none.
        default: Kind,
    },
}

/// How narrow the conversion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules<'a> {
    /// As Terraform 1.11: an unknown attribute is dropped, null goes for a required
    /// attribute, the last of several equal HCL keys wins; all without a word.
    Terraform,
    /// These are errors, and so is null in place of an object.
    Strict {
        /// Unknown attributes that are dropped nevertheless.
        allow_attributes: &'a [String],
    },
}
