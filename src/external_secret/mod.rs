//! The ExternalSecret that brings an entry's secret into a Kubernetes namespace.
//!
//! Its fields are those of the custom resource of the External Secrets Operator; the values stay in
//! AWS Secrets Manager, and the manifest only says where.

mod written;

use clap::ValueEnum;
use serde::Serialize;

use crate::access::AccessLevel;
use crate::desired::Entry;
use crate::name::{NameError, Namespace, ResourceName, SecretName};

pub use written::differences;

/// What the resource is called in the operator's API.
const KIND: &str = "ExternalSecret";

/// How often the operator reads the secret again, and so how long a pod may see an old password.
const REFRESH_INTERVAL: &str = "1h";

/// The versions of the operator's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ApiVersion {
    /// Served since release 0.16.
    V1,
    /// Served by releases 0.5 to 0.16.
    V1beta1,
}

/// A key of the secret's document, and what it is called in the Kubernetes Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Property {
    Username,
    Password,
    Host,
    Port,
    Dbname,
}

/// Whose secret goes where.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The version of the API.
    pub version: ApiVersion,
    /// The name of the ExternalSecret and of the Secret it makes.
    pub name: ResourceName,
    /// The namespace.
    pub namespace: Namespace,
    /// The ClusterSecretStore.
    pub store: ResourceName,
    /// Whether port and database go there too.
    pub all: bool,
}

/// The manifest. The order of the fields is the one in which people write them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    spec: Spec<'a>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a ResourceName,
    namespace: &'a Namespace,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    refresh_interval: &'static str,
    secret_store_ref: StoreRef<'a>,
    target: Target<'a>,
    data: Vec<Datum<'a>>,
}

#[derive(Serialize)]
struct StoreRef<'a> {
    name: &'a ResourceName,
    kind: &'static str,
}

#[derive(Serialize)]
struct Target<'a> {
    name: &'a ResourceName,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Datum<'a> {
    secret_key: &'static str,
    remote_ref: RemoteRef<'a>,
}

#[derive(Serialize)]
struct RemoteRef<'a> {
    key: &'a SecretName,
    property: &'static str,
}

/// The manifest for the secret of an entry.
#[must_use]
pub fn manifest<'a>(entry: &'a Entry, to: &'a Destination) -> Manifest<'a> {
    let data = Property::wanted(to.all).iter().map(|property| {
        let (secret_key, property) = property.names();
        Datum { secret_key, remote_ref: RemoteRef { key: &entry.secret, property } }
    });
    Manifest {
        api_version: to.version.as_str(),
        kind: KIND,
        metadata: Metadata { name: &to.name, namespace: &to.namespace },
        spec: Spec {
            refresh_interval: REFRESH_INTERVAL,
            secret_store_ref: StoreRef { name: &to.store, kind: "ClusterSecretStore" },
            target: Target { name: &to.name },
            data: data.collect(),
        },
    }
}

/// The namespace that an entry's application is taken to have: `inventory-service` for the database
/// `inventory_service`.
///
/// # Errors
/// When the entry's name makes no namespace.
pub fn usual_namespace(entry: &Entry) -> Result<Namespace, NameError> {
    Namespace::parse(&dashed(entry))
}

/// The name that the ExternalSecret of an entry has: `inventory-postgres-secret` for the database
/// `inventory_service`.
///
/// # Errors
/// When the entry's name makes no name of a resource.
pub fn usual_name(entry: &Entry) -> Result<ResourceName, NameError> {
    let whole = dashed(entry);
    let subject = whole.strip_suffix("-service").unwrap_or(&whole);
    ResourceName::parse(&format!("{subject}-postgres-secret"))
}

/// The database of its owner, the key of any other role: as in the secret's name.
fn dashed(entry: &Entry) -> String {
    let name = match entry.access {
        AccessLevel::Owner => entry.database.as_str(),
        AccessLevel::Editor | AccessLevel::Reader => entry.key.as_str(),
    };
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

impl ApiVersion {
    fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "external-secrets.io/v1",
            Self::V1beta1 => "external-secrets.io/v1beta1",
        }
    }
}

impl Property {
    const ALL: [Self; 5] = [Self::Username, Self::Password, Self::Host, Self::Port, Self::Dbname];

    /// The first three suffice where the port is the usual one and the database is known.
    fn wanted(all: bool) -> &'static [Self] {
        if all { &Self::ALL } else { &Self::ALL[..3] }
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Username => ("POSTGRES_USER", "username"),
            Self::Password => ("POSTGRES_PASSWORD", "password"),
            Self::Host => ("POSTGRES_HOST", "host"),
            Self::Port => ("POSTGRES_PORT", "port"),
            Self::Dbname => ("POSTGRES_DB", "dbname"),
        }
    }
}
