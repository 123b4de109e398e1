//! The JSON document in a secret: what applications read.

use std::collections::BTreeMap;

use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::actual::ConnectionFields;
use crate::password::Password;
use crate::plan::Connection;

/// A secret's document: the password, and the other keys in the clear.
pub struct SecretDocument {
    /// The password.
    pub password: Password,
    others: Map<String, Value>,
    /// What others put there, to the letter: a long number would lose digits on its way.
    raw: BTreeMap<String, Box<RawValue>>,
}

impl SecretDocument {
    /// A document for a new password.
    #[must_use]
    pub fn new(password: Password, connection: &Connection) -> Self {
        let mut document = Self { password, others: Map::new(), raw: BTreeMap::new() };
        document.set_connection(connection);
        document
    }

    /// A document for a new password in the place of a value. The keys of others stay, whatever its password
    /// is; of a value that is no JSON object nothing can be kept.
    #[must_use]
    pub fn in_place_of(text: &str, password: Password) -> Self {
        let others = match members(text) {
            Some((Some(Value::String(old)), others)) => {
                drop(Zeroizing::new(old));
                others
            }
            Some((_, others)) => others,
            None => Map::new(),
        };
        Self { password, others, raw: raw_values(text) }
    }

    /// Reads a secret's value.
    ///
    /// # Errors
    /// Why it is not such a document; never a part of it, which could be the password.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (password, others) = members(text).ok_or("it is not a JSON object")?;
        match password {
            Some(Value::String(password)) if !password.is_empty() => Ok(Self {
                password: Password::from_secret(password),
                others,
                raw: raw_values(text),
            }),
            Some(_) => Err("its `password` is empty or not a string"),
            None => Err("it has no `password`"),
        }
    }

    /// Writes the keys by which an application finds its database; keys of others stay.
    ///
    /// `port` is a string: it is the only form that External Secrets, the Secrets Store CSI driver, the
    /// JDBC driver and AWS's rotation functions all take.
    pub fn set_connection(&mut self, connection: &Connection) {
        let fields = [
            ("username", connection.username.to_string()),
            ("host", connection.endpoint.host.clone()),
            ("port", connection.endpoint.port.to_string()),
            ("dbname", connection.dbname.to_string()),
            ("engine", "postgres".to_owned()),
        ];
        for (name, value) in fields {
            self.raw.remove(name);
            self.others.insert(name.to_owned(), Value::String(value));
        }
    }

    /// The keys by which an application finds its database.
    #[must_use]
    pub fn connection(&self) -> ConnectionFields {
        ConnectionFields {
            username: self.text("username"),
            host: self.text("host"),
            port: self.text("port"),
            dbname: self.text("dbname"),
        }
    }

    /// The document as it is put into Secrets Manager.
    ///
    /// # Errors
    /// None in practice: all keys are strings.
    pub fn to_text(&self) -> serde_json::Result<Zeroizing<String>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
        let mut serializer = serde_json::Serializer::new(&mut *bytes);
        let mut map = serializer.serialize_map(Some(self.others.len() + 1))?;
        for (name, value) in &self.others {
            match self.raw.get(name) {
                Some(raw) => map.serialize_entry(name, raw)?,
                None => map.serialize_entry(name, value)?,
            }
        }
        map.serialize_entry("password", self.password.expose())?;
        map.end()?;
        Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// A string, or a number as text: AWS's own documents have `port` as a number.
    fn text(&self, name: &str) -> Option<String> {
        match self.others.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

/// What an object has as its `password`, and its other keys.
fn members(text: &str) -> Option<(Option<Value>, Map<String, Value>)> {
    let Ok(Value::Object(mut others)) = serde_json::from_str(text) else { return None };
    let password = others.shift_remove("password");
    Some((password, others))
}

fn raw_values(text: &str) -> BTreeMap<String, Box<RawValue>> {
    let mut raw: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).unwrap_or_default();
    let _wiped =
        raw.remove("password").map(|raw| Zeroizing::new(String::from(Box::<str>::from(raw))));
    raw
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actual::Endpoint;
    use crate::name::{DatabaseName, RoleName};

    #[test]
    fn keys_of_others_survive_and_the_port_becomes_a_string_only_when_written() {
        let text = r#"{"password":"p","port":5432,"jdbc":{"x":1},"host":"old"}"#;
        let mut document = SecretDocument::parse(text).unwrap();
        assert_eq!(document.connection().port.as_deref(), Some("5432"));
        document.set_connection(&Connection {
            username: RoleName::parse("app").unwrap(),
            dbname: DatabaseName::parse("app").unwrap(),
            endpoint: Endpoint { host: "new".to_owned(), port: 5433 },
        });
        let written: Value = serde_json::from_str(&document.to_text().unwrap()).unwrap();
        let wanted = serde_json::json!({
            "port": "5433", "jdbc": {"x": 1}, "host": "new", "username": "app", "dbname": "app",
            "engine": "postgres", "password": "p"
        });
        assert_eq!(written, wanted);
    }

    #[test]
    fn values_of_others_stay_to_the_letter() {
        let kept = r#""id":12345678901234567890123,"x":{"b":1.50,"a":1e2},"s":"\u00e9","#;
        let mut document =
            SecretDocument::parse(&format!(r#"{{{kept}"password":"p","port":5432}}"#)).unwrap();
        document.set_connection(&Connection {
            username: RoleName::parse("app").unwrap(),
            dbname: DatabaseName::parse("app").unwrap(),
            endpoint: Endpoint { host: "new".to_owned(), port: 5433 },
        });
        let written = document.to_text().unwrap();
        assert!(written.starts_with(&format!("{{{kept}")), "{}", written.as_str());
        assert!(written.contains(r#""port":"5433""#) && written.ends_with(r#""password":"p"}"#));
    }

    #[test]
    fn a_spoiled_value_gives_way_to_a_document_that_keeps_the_keys_of_others() {
        let kept = r#""id":12345678901234567890123,"#;
        for (text, kept) in [
            ("", ""),
            ("hunter2", ""),
            ("[]", ""),
            ("{}", ""),
            (r#"{"id":12345678901234567890123,"password":7}"#, kept),
            (r#"{"password":"","id":12345678901234567890123}"#, kept),
        ] {
            let password = Password::from_secret("n".to_owned());
            let document = SecretDocument::in_place_of(text, password);
            let wanted = format!(r#"{{{kept}"password":"n"}}"#);
            assert_eq!(*document.to_text().unwrap(), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_document_is_refused_without_quoting_it() {
        for text in ["", "hunter2", "[]", "{}", r#"{"password":""}"#, r#"{"password":7}"#] {
            assert!(SecretDocument::parse(text).is_err(), "{text}");
        }
    }
}
