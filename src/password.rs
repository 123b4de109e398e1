//! Passwords. [`Password`] is the only type that holds one: it cannot be printed, serialised or
//! copied, and is wiped from memory when it is dropped.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::TryRng;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Safe in a URL, a connection string, a `.pgpass` line and a shell.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// 32 of 62 letters are 190.5 bits (32 · log2 62). The verifier may stand in a server log, so guessing
/// it offline must be hopeless.
const LENGTH: usize = 32;

/// A password in clear.
pub struct Password(Zeroizing<String>);

impl Password {
    /// A password as it stands in a secret.
    #[must_use]
    pub fn from_secret(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// A new password from the operating system's generator.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn generate() -> Result<Self> {
        let mut text = Zeroizing::new(String::with_capacity(LENGTH));
        let mut bytes = Zeroizing::new([0_u8; LENGTH]);
        while text.len() < LENGTH {
            SysRng.try_fill_bytes(bytes.as_mut_slice()).map_err(|error| {
                Error::new(format!("the operating system gives no random bytes: {error}"))
            })?;
            let letters = bytes.iter().filter_map(|byte| letter(*byte));
            let missing = LENGTH - text.len();
            text.extend(letters.take(missing));
        }
        Ok(Self(text))
    }

    /// The clear text, for the login and for the secret's value; never for anything that is shown.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The SCRAM-SHA-256 verifier, which is all that the server ever gets.
    ///
    /// # Errors
    /// When it has not the form that PostgreSQL takes for a verifier. The server would take the
    /// text for a password in clear, without a word (measured on 14–18).
    pub fn verifier(&self) -> Result<Verifier> {
        let text = postgres_protocol::password::scram_sha_256(self.0.as_bytes());
        Verifier::check(text).ok_or_else(|| Error::new("the SCRAM verifier is malformed"))
    }
}

/// The master's password, which a rotation changes while the run goes on.
pub struct MasterPassword(Mutex<Arc<Password>>);

impl MasterPassword {
    /// The password as it is.
    #[must_use]
    pub fn new(password: Password) -> Self {
        Self(Mutex::new(Arc::new(password)))
    }

    /// The password for the next login.
    #[must_use]
    pub fn get(&self) -> Arc<Password> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on it is another one.
    pub fn replace(&self, password: Arc<Password>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = password;
    }
}

/// A letter for a byte: bytes beyond the last multiple of 62 are refused, so that all letters are
/// equally likely.
fn letter(byte: u8) -> Option<char> {
    const LIMIT: u8 = 62 * 4;
    (byte < LIMIT).then(|| char::from(ALPHABET[usize::from(byte % 62)]))
}

/// `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier(String);

impl Verifier {
    fn check(text: String) -> Option<Self> {
        let (iterations, rest) = text.strip_prefix("SCRAM-SHA-256$")?.split_once(':')?;
        let (salt, keys) = rest.split_once('$')?;
        let (stored, server) = keys.split_once(':')?;
        let number = iterations.parse::<u32>().ok()?;
        let bytes = |text: &str| STANDARD.decode(text).ok().map(|bytes| bytes.len());
        let good = number > 0
            && bytes(salt).is_some_and(|length| length > 0)
            && bytes(stored) == Some(32)
            && bytes(server) == Some(32);
        good.then_some(Self(text))
    }

    /// The text that goes into `PASSWORD '…'`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn passwords_are_32_letters_and_never_the_same() {
        let passwords: BTreeSet<String> =
            (0..100).map(|_| Password::generate().unwrap().expose().to_owned()).collect();
        assert_eq!(passwords.len(), 100);
        for password in &passwords {
            assert_eq!(password.len(), 32);
            assert!(password.bytes().all(|byte| ALPHABET.contains(&byte)));
        }
    }

    #[test]
    fn every_letter_stands_for_four_bytes() {
        let letters: Vec<char> = (0..=255).filter_map(letter).collect();
        for wanted in ALPHABET {
            assert_eq!(letters.iter().filter(|c| **c == char::from(*wanted)).count(), 4);
        }
    }

    #[test]
    fn malformed_verifiers_are_refused() {
        let good = Password::generate().unwrap().verifier().unwrap();
        assert!(Verifier::check(good.as_str().to_owned()).is_some());
        for bad in [
            "SCRAM-SHA-256$4096:abc".to_owned(),
            good.as_str().replace("4096", "x"),
            good.as_str().replace("SCRAM", "scram"),
            good.as_str().trim_end_matches('=').to_owned(),
            "md5aaaa".to_owned(),
        ] {
            assert!(Verifier::check(bad.clone()).is_none(), "{bad}");
        }
    }
}
