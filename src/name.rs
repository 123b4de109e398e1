//! Checked names: what has one of these types may be put into SQL, a secret's name or a path.

use std::fmt;

/// Longest identifier of PostgreSQL in bytes. A longer one is cut with only a NOTICE
/// (PostgreSQL documentation, 4.1.1), so that two names could meet in one object.
const MAX_IDENTIFIER_BYTES: usize = 63;

/// Why a text is not a name of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Nothing stands there.
    Empty,
    /// The text has more bytes than allowed.
    TooLong {
        /// Bytes in the text.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// A character or the first character is not allowed.
    Characters {
        /// What is allowed, in words.
        allowed: &'static str,
    },
    /// The name belongs to PostgreSQL, to RDS or to SQL.
    Reserved {
        /// Whose name it is.
        owner: &'static str,
    },
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "it is empty"),
            Self::TooLong { bytes, limit } => {
                write!(f, "it has {bytes} bytes, at most {limit} are allowed")
            }
            Self::Characters { allowed } => write!(f, "allowed are {allowed}"),
            Self::Reserved { owner } => write!(f, "the name is reserved by {owner}"),
        }
    }
}

impl std::error::Error for NameError {}

/// Declares a newtype over `String` that can only be made by its check.
macro_rules! checked_name {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks the text.
            ///
            /// # Errors
            /// When the text breaks a rule of the type.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                $check(text)?;
                Ok(Self(text.to_owned()))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

checked_name! {
    /// The name of an application database: lower case, so that quoting never matters, and not one
    /// of the server's own.
    DatabaseName, check_database
}
checked_name! {
    /// The name of a login role, under the same rules as [`DatabaseName`].
    RoleName, check_role
}
checked_name! {
    /// The name of an extension.
    ExtensionName, check_extension
}
checked_name! {
    /// The key of an entry in `application_databases`. It becomes part of markers and, for entries
    /// that do not own their database, of a secret's name.
    EntryKey, check_entry_key
}
checked_name! {
    /// An environment: `dev` stands for the folder `envs/dev-rds`.
    Environment, check_environment
}
checked_name! {
    /// A word about a database: its owner, its domain, who asked for it. It becomes part of tags (256
    /// characters, letters, digits and `_.:/=+-@`, AWS API reference, Tag) and of markers, which have
    /// `=` and `; ` for themselves.
    Label, check_label
}
checked_name! {
    /// The name of a secret in AWS Secrets Manager (1–512 characters of `A-Za-z0-9/_+=.@-`,
    /// AWS API reference, CreateSecret).
    SecretName, check_secret_name
}

checked_name! {
    /// The name of a Kubernetes resource: a DNS subdomain (RFC 1123).
    ResourceName, check_resource
}
checked_name! {
    /// A Kubernetes namespace: a DNS label (RFC 1123).
    Namespace, check_namespace
}

impl SecretName {
    /// The secret of the role that owns a database.
    #[must_use]
    pub fn of_database(environment: &Environment, database: &DatabaseName) -> Self {
        Self(format!("{}{database}/postgres", Self::prefix(environment)))
    }

    /// The secret of a role that does not own its database: it goes by the entry's key.
    #[must_use]
    pub fn of_entry(environment: &Environment, key: &EntryKey) -> Self {
        Self(format!("{}{key}/postgres", Self::prefix(environment)))
    }

    /// What the names of all secrets of an environment begin with, the slash included: `ListSecrets`
    /// filters by prefix, and without the slash `dev` would match `dev2`.
    #[must_use]
    pub fn prefix(environment: &Environment) -> String {
        format!("goldenpath/{environment}/")
    }
}

fn check_database(text: &str) -> Result<(), NameError> {
    check_identifier(text)?;
    match text {
        "postgres" | "template0" | "template1" => Err(NameError::Reserved { owner: "PostgreSQL" }),
        // Keywords of pg_hba.conf's database column.
        "all" | "replication" | "sameuser" | "samerole" | "samegroup" => {
            Err(NameError::Reserved { owner: "pg_hba.conf" })
        }
        _ => Ok(()),
    }
}

fn check_role(text: &str) -> Result<(), NameError> {
    check_identifier(text)?;
    match text {
        "postgres" => Err(NameError::Reserved { owner: "PostgreSQL" }),
        _ => Ok(()),
    }
}

fn check_identifier(text: &str) -> Result<(), NameError> {
    check_length(text, MAX_IDENTIFIER_BYTES)?;
    let first = |c: char| c.is_ascii_lowercase() || c == '_';
    check_characters(
        text,
        first,
        |c| first(c) || c.is_ascii_digit(),
        "lower-case letters, digits and underscores, a digit not first",
    )?;
    if text.starts_with("pg_") {
        return Err(NameError::Reserved { owner: "PostgreSQL (pg_*)" });
    }
    if text.starts_with("rds") {
        return Err(NameError::Reserved { owner: "Amazon RDS (rds*)" });
    }
    if matches!(text, "public" | "none") {
        return Err(NameError::Reserved { owner: "SQL" });
    }
    Ok(())
}

fn check_extension(text: &str) -> Result<(), NameError> {
    check_length(text, MAX_IDENTIFIER_BYTES)?;
    check_characters(
        text,
        |c| c.is_ascii_lowercase(),
        |c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'),
        "lower-case letters, digits, `_` and `-`, beginning with a letter",
    )
}

fn check_entry_key(text: &str) -> Result<(), NameError> {
    check_length(text, 128)?;
    check_characters(
        text,
        |c| c.is_ascii_alphanumeric() || c == '_',
        |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'),
        "letters, digits, `_`, `-` and `.`, beginning with a letter, a digit or `_`",
    )
}

fn check_environment(text: &str) -> Result<(), NameError> {
    check_length(text, 32)?;
    check_characters(
        text,
        |c| c.is_ascii_lowercase(),
        |c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'),
        "lower-case letters, digits, `_` and `-`, beginning with a letter",
    )
}

fn check_label(text: &str) -> Result<(), NameError> {
    check_length(text, 128)?;
    let allowed =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '/' | '+' | '@' | '-');
    check_characters(text, allowed, allowed, "letters, digits and any of `_.:/+@-`")
}

fn check_secret_name(text: &str) -> Result<(), NameError> {
    check_length(text, 512)?;
    let allowed =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '+' | '=' | '.' | '@' | '-');
    check_characters(text, allowed, allowed, "letters, digits and any of `/_+=.@-`")
}

fn check_resource(text: &str) -> Result<(), NameError> {
    check_length(text, 253)?;
    text.split('.').try_for_each(check_dns_label)
}

fn check_namespace(text: &str) -> Result<(), NameError> {
    check_length(text, 63)?;
    check_dns_label(text)
}

fn check_dns_label(text: &str) -> Result<(), NameError> {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let allowed = "lower-case letters, digits and dashes, a dash neither first nor last";
    if text.is_empty() || text.ends_with('-') {
        return Err(NameError::Characters { allowed });
    }
    check_characters(text, alphanumeric, |c| alphanumeric(c) || c == '-', allowed)
}

fn check_length(text: &str, limit: usize) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > limit {
        return Err(NameError::TooLong { bytes: text.len(), limit });
    }
    Ok(())
}

fn check_characters(
    text: &str,
    first: impl Fn(char) -> bool,
    rest: impl Fn(char) -> bool,
    allowed: &'static str,
) -> Result<(), NameError> {
    let good = text.chars().enumerate().all(|(at, c)| if at == 0 { first(c) } else { rest(c) });
    if good { Ok(()) } else { Err(NameError::Characters { allowed }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_server_are_refused() {
        for name in ["postgres", "template1", "rdsadmin", "rds_reports", "pg_x", "public", "none"] {
            assert!(matches!(DatabaseName::parse(name), Err(NameError::Reserved { .. })), "{name}");
        }
        assert!(RoleName::parse("replication").is_ok());
    }

    #[test]
    fn length_counts_bytes_and_63_is_the_limit() {
        assert!(RoleName::parse(&"a".repeat(63)).is_ok());
        assert_eq!(
            RoleName::parse(&"a".repeat(64)),
            Err(NameError::TooLong { bytes: 64, limit: 63 })
        );
    }

    #[test]
    fn what_would_need_quoting_is_refused() {
        for name in ["MyApp", "my-app", "1st", "a b", "a\"b", "é", "a;b", ""] {
            assert!(DatabaseName::parse(name).is_err(), "{name}");
        }
        assert!(EntryKey::parse("my-app.v2").is_ok());
        assert!(EntryKey::parse("a;env=prod").is_err());
    }

    #[test]
    fn names_of_kubernetes_are_dns_names() {
        for name in ["a", "0a", "inventory-service"] {
            assert!(Namespace::parse(name).is_ok(), "{name}");
        }
        for name in ["", "-a", "a-", "a_b", "A", "a.b", &"a".repeat(64)] {
            assert!(Namespace::parse(name).is_err(), "{name}");
        }
        assert!(ResourceName::parse("a.b-c").is_ok());
        for name in ["a..b", ".a", "a-.b", &"a".repeat(254)] {
            assert!(ResourceName::parse(name).is_err(), "{name}");
        }
    }
}
