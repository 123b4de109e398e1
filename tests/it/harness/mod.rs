//! What every test gets: a PostgreSQL server of its own that looks like RDS, a Secrets Manager region of
//! its own, a repository folder, and the executable.

mod container;
mod generated;
mod local;
mod moto;
mod process;
mod rds;
mod recorder;
mod relay;
mod repository;
mod stack;
mod statements;
mod tls;
mod versions;
mod wire;

pub use generated::cases;
pub use rds::{MASTER, MASTER_DATABASE, MASTER_PASSWORD};
pub use recorder::{IN_BODY, REQUEST_ID, Recorder, Request};
pub use relay::{Fault, Hit, Trouble};
pub use repository::{CATALOG, Repository, VARIABLES, package};
pub use stack::{Answer, ENV, Rows, Stack, answer};
pub use statements::Statements;
pub use versions::minted;
pub use wire::{Failure, Wire};
