//! GitHub's expressions, as far as the workflows use them: paths, texts, `!`, `==`, `!=`, `&&`, `||`,
//! `fromJSON`, and the functions that ask how the job stands.

use serde_json::Value;

/// What expressions can see, and how the job stands.
pub struct Context {
    pub values: Value,
    pub failed: bool,
}

impl Context {
    /// A text with `${{ … }}` in it.
    pub fn text(&self, template: &str) -> String {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("${{") {
            let (expression, after) = after.split_once("}}").expect("`${{` has an end");
            text.push_str(before);
            text.push_str(&shown(&self.value(expression)));
            rest = after;
        }
        text + rest
    }

    /// The value of one expression.
    pub fn value(&self, expression: &str) -> Value {
        let mut parser = Parser { context: self, rest: expression.trim() };
        let value = parser.either();
        assert_eq!(parser.rest, "", "in `{expression}`");
        value
    }

    /// Whether a step or job runs: without a word on how the job stands, only if nothing has failed.
    pub fn runs(&self, condition: Option<&Value>) -> bool {
        let condition =
            condition.map_or("success()", |condition| condition.as_str().expect("text"));
        let condition = condition.trim().trim_start_matches("${{").trim_end_matches("}}");
        let asks = ["always()", "failure()", "success()", "cancelled()"];
        let implied = asks.iter().all(|function| !condition.contains(function));
        (!implied || !self.failed) && is_true(&self.value(condition))
    }
}

/// As GitHub writes a value into a text.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::String(text) => !text.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Array(_) | Value::Object(_) => true,
    }
}

struct Parser<'a> {
    context: &'a Context,
    rest: &'a str,
}

impl Parser<'_> {
    fn takes(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn either(&mut self) -> Value {
        let mut left = self.both();
        while self.takes("||") {
            let right = self.both();
            left = if is_true(&left) { left } else { right };
        }
        left
    }

    fn both(&mut self) -> Value {
        let mut left = self.comparison();
        while self.takes("&&") {
            let right = self.comparison();
            left = if is_true(&left) { right } else { left };
        }
        left
    }

    fn comparison(&mut self) -> Value {
        let left = self.operand();
        if self.takes("==") {
            Value::Bool(shown(&left) == shown(&self.operand()))
        } else if self.takes("!=") {
            Value::Bool(shown(&left) != shown(&self.operand()))
        } else {
            left
        }
    }

    fn operand(&mut self) -> Value {
        if self.takes("!") {
            return Value::Bool(!is_true(&self.operand()));
        }
        if let Some(rest) = self.rest.strip_prefix('\'') {
            let (text, rest) = rest.split_once('\'').expect("a text has an end");
            self.rest = rest.trim_start();
            return Value::String(text.to_owned());
        }
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)));
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest.trim_start();
        if self.takes("(") { self.call(name) } else { self.look_up(name) }
    }

    fn call(&mut self, function: &str) -> Value {
        let argument = if self.takes(")") {
            None
        } else {
            let argument = self.either();
            assert!(self.takes(")"), "{function}( has an end: {}", self.rest);
            Some(argument)
        };
        match (function, argument) {
            ("always", None) => Value::Bool(true),
            ("success", None) => Value::Bool(!self.context.failed),
            ("failure", None) => Value::Bool(self.context.failed),
            ("cancelled", None) => Value::Bool(false),
            ("fromJSON", Some(text)) => serde_json::from_str(&shown(&text)).expect("JSON"),
            _ => panic!("the tests do not know the function {function}"),
        }
    }

    /// What GitHub does not have is empty; a context that nobody has is a mistake.
    fn look_up(&self, path: &str) -> Value {
        let (context, path) = path.split_once('.').unwrap_or((path, ""));
        let values = self.context.values.get(context);
        let mut value = values.unwrap_or_else(|| panic!("there is no context `{context}`"));
        for name in path.split('.').filter(|name| !name.is_empty()) {
            value = value.get(name).unwrap_or(&Value::Null);
        }
        value.clone()
    }
}
