//! PostgreSQL: connecting, reading, executing. Nothing is decided here.

mod connect;
mod contents;
mod error;
mod lock;
mod login;
mod matrix;
mod memberships;
mod session;
mod sessions;
mod snapshot;
mod tls;

pub use connect::{Access, Connector, Target};
pub use contents::{Depth, Inside, available_extensions, read_inside};
pub use error::{attempts, describe};
pub use lock::{Lock, acquire};
pub use login::{LoginOutcome, try_login};
pub use matrix::read_matrix;
pub use session::Session;
pub use sessions::{SessionsOf, count_sessions, end_sessions};
pub use snapshot::{Snapshot, owners_inside, snapshot};
pub use tls::{RootCertificates, SslMode, Tls};

/// The database whose sessions hold the lock and see the shared catalogs. It is on every server, and
/// advisory locks of different databases do not meet (measured), so it is always this one.
pub const MAINTENANCE_DATABASE: &str = "postgres";
