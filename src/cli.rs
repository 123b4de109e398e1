//! The command line. Types only.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::external_secret::ApiVersion;
use crate::postgres::{RootCertificates, SslMode};

/// Makes a shared PostgreSQL server on AWS RDS and AWS Secrets Manager match the
/// `application_databases` map in `envs/ENV-rds/*.tfvars`.
///
/// Exit codes: 0 done or nothing to do, 1 error, 2 changes pending (plan --detailed-exitcode),
/// something wrong (verify) or due (rotation-status), 3 blocked by an obstacle or a stale saved plan, 64 wrong usage, 130/143 stopped by a signal.
#[derive(Debug, Parser)]
#[command(name = "goldenpath-rds", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// What all verbs have in common.
    #[command(flatten)]
    pub global: Global,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show what apply would do; writes nothing to the server, the secrets or the audit
    Plan(PlanArgs),
    /// Show the plan, ask, and carry it out
    Apply(ApplyArgs),
    /// The RDS catalog
    #[command(subcommand)]
    Catalog(CatalogVerb),
    /// The audit
    #[command(subcommand)]
    Audit(AuditVerb),
    /// Tell who has to approve the database requests of a change, and who did (exit code 3: not yet)
    Approvals(ApprovalsArgs),
    /// Tell which environments a change concerns: their folder, or their records in the RDS catalog, differ
    Environments(EnvironmentsArgs),
    /// Check a request for a database and write it into the RDS catalog and the variable file
    Request(RequestArgs),
    /// Show who can connect to what, log in with every secret, and say what is wrong (exit code 2)
    Verify(VerifyArgs),
    /// Give entries new passwords: show the plan, ask, and carry it out
    Rotate(RotateArgs),
    /// Show how old every password is, and say what is due (exit code 2); reads no password
    RotationStatus(RotationStatusArgs),
    /// Show the entries as Terraform would read them, each with the place it comes from
    Tfvars(TfvarsArgs),
    /// Print the ExternalSecret that brings an entry's secret into a Kubernetes namespace
    ExternalSecret(ExternalSecretArgs),
}

/// Arguments of `external-secret`.
#[derive(Debug, Args)]
pub struct ExternalSecretArgs {
    /// The entry
    #[arg(value_name = "KEY")]
    pub key: String,
    /// The namespace; without it the database's name, with dashes
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// The name of the ExternalSecret and of the Secret it makes
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The ClusterSecretStore that reads AWS Secrets Manager
    #[arg(long, value_name = "NAME", default_value = "aws-secrets-manager")]
    pub store: String,
    /// The version of the API: External Secrets Operator serves v1 since 0.16, v1beta1 until 0.16
    #[arg(long, value_enum, default_value_t = ApiVersion::V1)]
    pub api_version: ApiVersion,
    /// All five keys: the port and the database's name too
    #[arg(long)]
    pub all: bool,
    /// Write DIR/NAME.yaml instead of printing, for a repository that a GitOps tool follows
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Also demand that `postgres`, `template1` and the master's own database are closed to PUBLIC
    #[arg(long)]
    pub isolate_server: bool,
}

impl VerifyArgs {
    /// The same for a plan.
    #[must_use]
    pub fn planning(&self) -> Planning {
        Planning { isolate_server: self.isolate_server, reset_password: Vec::new() }
    }
}

/// The verbs of the RDS catalog.
#[derive(Debug, Subcommand)]
pub enum CatalogVerb {
    /// Compare the catalog with the variable files, and say who answers for each database (exit code 2:
    /// they disagree, or nobody does)
    Check(CheckArgs),
    /// Take over the statuses that an apply in another checkout has set, where nobody changed them here
    CarryOver(CarryOverArgs),
}

/// The verbs of the audit.
#[derive(Debug, Subcommand)]
pub enum AuditVerb {
    /// Append the rows that an apply in another checkout wrote, and that are not here yet
    CarryOver(CarryOverArgs),
}

/// Arguments of `audit carry-over` and `catalog carry-over`.
#[derive(Debug, Args)]
pub struct CarryOverArgs {
    /// The other checkout; what its HEAD has was there before the apply
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
}

/// Arguments of `catalog check`. Without `--env` all environments are compared.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Compare with the server and the secrets too; needs --env
    #[arg(long)]
    pub live: bool,
}

/// Arguments of `approvals`. The author of the pull request, its labels and its newest review come from the
/// event of the workflow run, `GITHUB_EVENT_PATH`.
#[derive(Debug, Args)]
pub struct ApprovalsArgs {
    /// What the change is made to: a commit, or a catalog file
    #[arg(long, value_name = "REV|FILE")]
    pub base: String,
    /// The change: a commit, or a catalog file
    #[arg(long, value_name = "REV|FILE")]
    pub head: String,
    /// All reviews, as `gh api --paginate repos/OWNER/REPO/pulls/N/reviews` writes them
    #[arg(long, value_name = "FILE")]
    pub reviews: Option<PathBuf>,
    /// Who set which label, as `gh api --paginate repos/OWNER/REPO/issues/N/events` writes it; without it
    /// no label counts
    #[arg(long, value_name = "FILE")]
    pub label_events: Option<PathBuf>,
    /// Write the commit status, as `gh api repos/OWNER/REPO/statuses/COMMIT --input FILE` takes it
    #[arg(long, value_name = "FILE")]
    pub commit_status: Option<PathBuf>,
}

/// Arguments of `environments`. Without `--base` all environments are told. An empty value is none.
#[derive(Debug, Args)]
pub struct EnvironmentsArgs {
    /// What the change is made to; what is no commit, as GitHub gives it for a new branch, means all
    #[arg(long, value_name = "REV", default_value = "", hide_default_value = true)]
    pub base: String,
    /// The change
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub head: String,
    /// Compare with the commit at which the head left the base, for a pull request
    #[arg(long)]
    pub merge_base: bool,
    /// Just this one, whatever differs
    #[arg(long, value_name = "ENV", default_value = "", hide_default_value = true)]
    pub only: String,
}

/// Arguments of `request`. Without any of them the inputs of the workflow run in `GITHUB_EVENT_PATH` count.
#[derive(Debug, Args)]
pub struct RequestArgs {
    /// The database, and the key of its entry
    #[arg(long, value_name = "NAME")]
    pub database_name: Option<String>,
    /// The role that owns the database
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// The team that answers for it
    #[arg(long, value_name = "TEAM")]
    pub owner: Option<String>,
    /// Who asks for it
    #[arg(long, value_name = "LOGIN")]
    pub requester: Option<String>,
    /// The business domain
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,
    /// How much it is worth protecting: none, low, medium, high, access
    #[arg(long, value_name = "RISK")]
    pub risk: Option<String>,
    /// How big it will be: small, medium, large, xlarge; dev takes small only
    #[arg(long, value_name = "SIZE")]
    pub size: Option<String>,
    /// The request as a JSON document, see schemas/requests/rds.schema.json
    #[arg(long, value_name = "FILE", conflicts_with_all =
        ["database_name", "username", "owner", "requester", "domain", "risk", "size"])]
    pub input: Option<PathBuf>,
    /// Write the body of the pull request, as Markdown
    #[arg(long, value_name = "FILE")]
    pub pr_body: Option<PathBuf>,
}

/// Arguments of `tfvars`.
#[derive(Debug, Args)]
pub struct TfvarsArgs {
    /// One JSON document; the same as --format json
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// What is planned.
    #[command(flatten)]
    pub planning: Planning,
    /// Exit with 2 when there are changes to make
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Save the plan for `apply FILE`; it holds no secret
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Arguments of `apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// A plan saved by `plan --out`; refused when a fresh plan has other steps
    #[arg(value_name = "FILE", conflicts_with_all = ["isolate_server", "reset_password"])]
    pub plan: Option<PathBuf>,
    /// What is planned.
    #[command(flatten)]
    pub planning: Planning,
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    /// Write into the RDS catalog which databases are active now, and which failed
    #[arg(long)]
    pub update_catalog: bool,
    /// Seconds to wait for another apply on the same server
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub lock_timeout: u64,
}

/// Arguments of `rotate`.
#[derive(Debug, Args)]
pub struct RotateArgs {
    /// Whose passwords.
    #[command(flatten)]
    pub chosen: Chosen,
    /// Also end the sessions that were opened with the old password
    #[arg(long)]
    pub terminate_sessions: bool,
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    /// Seconds to wait for another run on the same server
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub lock_timeout: u64,
}

/// Arguments of `rotation-status`.
#[derive(Debug, Args)]
pub struct RotationStatusArgs {
    /// Every environment of the repository
    #[arg(long)]
    pub all_envs: bool,
}

/// Whose passwords are rotated.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct Chosen {
    /// The entries, by their keys in `application_databases`
    #[arg(value_name = "KEY")]
    pub keys: Vec<String>,
    /// Every entry
    #[arg(long, conflicts_with = "keys")]
    pub all: bool,
    /// Every entry whose password is due, as rotation-status tells it; the master's too, with --master
    #[arg(long, conflicts_with_all = ["keys", "all"])]
    pub due: bool,
    /// The master itself
    #[arg(long)]
    pub master: bool,
}

/// What changes the plan.
#[derive(Clone, Debug, Default, Args)]
pub struct Planning {
    /// Also close the databases `postgres`, `template1` and the master's own to PUBLIC
    #[arg(long)]
    pub isolate_server: bool,
    /// Set the password of this entry's role although nothing proves the present one; repeatable
    #[arg(long, value_name = "KEY")]
    pub reset_password: Vec<String>,
}

/// Flags of every verb.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The environment: `dev` reads envs/dev-rds; repeatable for rotation-status and catalog check
    #[arg(long, global = true, value_name = "ENV")]
    pub env: Vec<String>,
    /// The repository: the folder that holds envs/ and governance/
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    pub root: PathBuf,
    /// A variable, as Terraform takes it; repeatable
    #[arg(long, global = true, value_name = "NAME=VALUE")]
    pub var: Vec<String>,
    /// A variable file, as Terraform takes it; repeatable
    #[arg(long, global = true, value_name = "FILE")]
    pub var_file: Vec<PathBuf>,
    /// An attribute of entries that only Terraform's module uses; repeatable
    #[arg(long, global = true, value_name = "NAME")]
    pub allow_attribute: Vec<String>,
    /// The AWS region; without it the environment's or the profile's
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// The master's secret; without it goldenpath/ENV/rds/master
    #[arg(long, global = true, value_name = "NAME")]
    pub master_secret: Option<String>,
    /// Where to connect, if not to the host in the master's secret: a tunnel, say
    #[arg(long, global = true, value_name = "HOST")]
    pub host: Option<String>,
    /// The port to connect to, if not the one in the master's secret
    #[arg(long, global = true, value_name = "PORT")]
    pub port: Option<u16>,
    /// How TLS is used, in libpq's words
    #[arg(long, global = true, default_value = "verify-full")]
    pub sslmode: SslMode,
    /// The certificate authorities: a PEM file, or `system`
    #[arg(long, global = true, env = "PGSSLROOTCERT", value_name = "FILE|system")]
    pub sslrootcert: Option<RootCertificates>,
    /// How many connections may be used beside the first
    #[arg(long, global = true, value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u16).range(1..=64))]
    pub parallelism: u16,
    /// Seconds after which the server cancels a statement
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 300,
          value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub statement_timeout: u32,
    /// Goes into the audit's column build_id
    #[arg(long, global = true, value_name = "ID", default_value = "", hide_default_value = true)]
    pub build_id: String,
    /// Goes into the audit's column run_id
    #[arg(
        long,
        global = true,
        env = "GITHUB_RUN_ID",
        value_name = "ID",
        default_value = "",
        hide_default_value = true
    )]
    pub run_id: String,
    /// The form of the result on stdout
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// No colours, also where the terminal has them
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Tell on stderr what is read and done
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// The forms of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal.
    Human,
    /// One JSON document.
    Json,
    /// For a pull request.
    Markdown,
    /// For a GitHub workflow: rotation-status and approvals write annotations, and Markdown to the step's
    /// summary; the other verbs write Markdown.
    Github,
}
