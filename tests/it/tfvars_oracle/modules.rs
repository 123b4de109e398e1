//! The variables of the terraform modules that gave the expected values
//! (`tests/fixtures/tfvars/modules/`).

use goldenpath_rds::tfvars::{Attribute, Kind, Member, Position, Type, Value};

/// A `variable` block.
pub struct Variable {
    pub name: &'static str,
    pub ty: Type,
    /// `None`: required.
    default: Option<Kind>,
    nullable: bool,
}

impl Variable {
    /// The value after the default; `None` if there is none but must be.
    pub fn settle(&self, given: Option<Kind>) -> Option<Kind> {
        match given {
            Some(Kind::Null) if !self.nullable => self.default.clone(),
            None => self.default.clone(),
            Some(kind) => Some(kind),
        }
    }
}

fn variable(name: &'static str, ty: Type, default: Option<Kind>) -> Variable {
    Variable { name, ty, default, nullable: true }
}

fn databases(ty: Type, default: Kind) -> Variable {
    variable("application_databases", ty, Some(default))
}

fn text(value: &str) -> Kind {
    Kind::String(value.into())
}

fn number(value: &str) -> Kind {
    Kind::Number(value.into())
}

fn map<'a>(members: impl IntoIterator<Item = (&'a str, Kind)>) -> Kind {
    let at = Position { file: "default".into(), line: 1, column: 1, start: 0, end: 0 };
    let member = |kind| Member { key_at: at.clone(), value: Value { kind, at: at.clone() } };
    Kind::Map(members.into_iter().map(|(key, kind)| (key.to_owned(), member(kind))).collect())
}

fn entry(name: &str) -> Kind {
    map([("database_name", text(name)), ("username", text(name))])
}

/// The variables of a module.
pub fn of(module: &str) -> Vec<Variable> {
    match module {
        "any" => typed(databases(Type::Any, Kind::Null)),
        "typed" => typed(databases(typed_databases(), map([]))),
        "upstream" => upstream(),
        "nonnullable" => nonnullable(),
        "nested" => vec![databases(nested_databases(), map([]))],
        "small" => vec![databases(two_names(), map([]))],
        other => panic!("unknown module {other}"),
    }
}

fn two_names() -> Type {
    Type::map(Type::Object(vec![
        Attribute::required("database_name", Type::String),
        Attribute::required("username", Type::String),
    ]))
}

fn typed_databases() -> Type {
    Type::map(Type::Object(vec![
        Attribute::required("database_name", Type::String),
        Attribute::required("username", Type::String),
        Attribute::optional("connection_limit", Type::Number),
        Attribute::with_default("extensions", Type::list(Type::String), Kind::List(vec![])),
        Attribute::with_default("enabled", Type::Bool, Kind::Bool(true)),
    ]))
}

fn nested_databases() -> Type {
    let settings = Type::Object(vec![
        Attribute::with_default("pool", Type::Number, number("10")),
        Attribute::with_default("mode", Type::String, text("session")),
    ]);
    let grant = Type::Object(vec![
        Attribute::required("role", Type::String),
        Attribute::with_default("admin", Type::Bool, Kind::Bool(false)),
    ]);
    Type::map(Type::Object(vec![
        Attribute::required("database_name", Type::String),
        Attribute::with_default("username", Type::String, text("default_user")),
        Attribute::with_default("settings", settings, map([])),
        Attribute::with_default("grants", Type::list(grant), Kind::List(vec![])),
        Attribute::optional("labels", Type::set(Type::String)),
    ]))
}

fn typed(databases: Variable) -> Vec<Variable> {
    vec![
        databases,
        variable("environment", Type::String, Some(Kind::Null)),
        variable("aws_region", Type::String, Some(Kind::Null)),
        variable("identifier_prefix", Type::String, Some(text("goldenpath-platform-db"))),
        variable("vpc_name", Type::String, Some(Kind::Null)),
        variable("allocated_storage", Type::Number, Some(number("20"))),
        variable("multi_az", Type::Bool, Some(Kind::Bool(false))),
    ]
}

fn upstream() -> Vec<Variable> {
    let both = map([("keycloak", entry("keycloak")), ("backstage", entry("backstage"))]);
    vec![
        databases(two_names(), both),
        variable("environment", Type::String, None),
        variable("aws_region", Type::String, None),
        variable("identifier_prefix", Type::String, Some(text("goldenpath-platform-db"))),
    ]
}

fn nonnullable() -> Vec<Variable> {
    let variables = [
        databases(two_names(), map([("fallback", entry("fallback"))])),
        variable("environment", Type::String, Some(text("default-env"))),
        variable("aws_region", Type::String, None),
    ];
    variables.map(|variable| Variable { nullable: false, ..variable }).into()
}
