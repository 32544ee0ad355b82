//! Variables: `${NAME}`, `${NAME:-default}`, `${file:PATH}`; `$${` is a plain `${`.

use super::Variables;
use crate::finding::Code;
use crate::near;

/// What came of a text.
pub(super) struct Expanded {
    pub(super) text: String,
    /// Whether a variable in it has no value: it stands as it was written.
    pub(super) is_open: bool,
    pub(super) has_variables: bool,
    pub(super) mistakes: Vec<Mistake>,
}

pub(super) struct Mistake {
    pub(super) code: Code,
    /// As written.
    pub(super) variable: String,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// Longest text that a value may become, in bytes.
const LENGTH_MAX: usize = 1 << 20;

/// Expands the variables of a text. Without `variables` only defaults are known, and nothing is unset.
pub(super) fn expand(text: &str, variables: Option<&dyn Variables>) -> Expanded {
    let mut out = Expanded {
        text: String::with_capacity(text.len()),
        is_open: false,
        has_variables: false,
        mistakes: Vec::new(),
    };
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            out.text.push_str(&rest[..at - 1]);
            out.text.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.text.push_str(&rest[..at]);
        out.has_variables = true;
        let Some(end) = rest[at..].find('}') else {
            out.is_open = true;
            out.mistakes.push(Mistake {
                code: Code::BadValue,
                variable: rest[at..].to_owned(),
                message: "`${` is never closed".to_owned(),
                help: Some("close it with `}`; a plain `${` is written `$${`".to_owned()),
            });
            out.text.push_str(&rest[at..]);
            return out;
        };
        let written = &rest[at..=at + end];
        match value(&written[2..written.len() - 1], variables) {
            Value::Is(value) => out.text.push_str(&value),
            Value::Open => out.open(written),
            Value::Wrong(code, message, help) => {
                out.open(written);
                out.mistakes.push(Mistake {
                    code,
                    variable: written.to_owned(),
                    message,
                    help,
                });
            }
        }
        rest = &rest[at + end + 1..];
    }
    out.text.push_str(rest);
    if out.text.len() > LENGTH_MAX {
        out.text.truncate(0);
        out.is_open = true;
        out.mistakes.push(Mistake {
            code: Code::BadValue,
            variable: String::new(),
            message: "the value is longer than 1 MiB".to_owned(),
            help: None,
        });
    }
    out
}

impl Expanded {
    fn open(&mut self, written: &str) {
        self.is_open = true;
        self.text.push_str(written);
    }
}

enum Value {
    Is(String),
    /// Not known, and need not be.
    Open,
    Wrong(Code, String, Option<String>),
}

/// The value of what stands between the braces.
fn value(inside: &str, variables: Option<&dyn Variables>) -> Value {
    if let Some(path) = inside.strip_prefix("file:") {
        let Some(variables) = variables else {
            return Value::Open;
        };
        return match variables.file(path) {
            Ok(content) => Value::Is(content.trim_end_matches(['\r', '\n']).to_owned()),
            Err(why) => Value::Wrong(
                Code::UnsetVariable,
                format!("the file `{path}` cannot be read: {why}"),
                Some("create it, or check without variables: `validate --no-env`".to_owned()),
            ),
        };
    }
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    if !is_name(name) {
        return Value::Wrong(Code::BadValue, bad_name(name), help_for(name));
    }
    let set = variables.and_then(|v| v.environment(name));
    match (set.filter(|v| !v.is_empty()), default) {
        (Some(value), _) => Value::Is(value),
        (None, Some(default)) => Value::Is(default.to_owned()),
        (None, None) if variables.is_none() => Value::Open,
        (None, None) => Value::Wrong(
            Code::UnsetVariable,
            format!("the variable `{name}` is not set"),
            Some(match name {
                "topic" | "source" | "target" => {
                    format!("in a template of `rename`, write `{{{name}}}` without the `$`")
                }
                _ => format!(
                    "set it, or give a default: `${{{name}:-default}}`; `validate --no-env` \
                     checks without variables"
                ),
            }),
        ),
    }
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn bad_name(name: &str) -> String {
    match name {
        "" => "`${}` names no variable".to_owned(),
        _ => format!("`{name}` is no name of a variable"),
    }
}

fn help_for(name: &str) -> Option<String> {
    if name.chars().all(|c| c.is_ascii_digit()) && !name.is_empty() {
        return Some(format!("a group of `match` is written `${name}`"));
    }
    let help = "`${NAME}`, `${NAME:-default}` and `${file:PATH}` are known; a plain `${` is \
                written `$${`";
    let nearest = near::nearest(name, ["file:"]).map(|_| "did you mean `${file:PATH}`?");
    Some(nearest.unwrap_or(help).to_owned())
}
