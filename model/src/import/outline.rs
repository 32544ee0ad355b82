//! A topology that is about to be written as text.

use std::fmt::Write;

/// The topology.
#[derive(Debug, Default)]
pub(super) struct Outline {
    pub(super) name: String,
    pub(super) clusters: Vec<(String, Keys)>,
    pub(super) defaults: Keys,
    pub(super) edges: Vec<Keys>,
    /// What its reader must decide, written at its top.
    pub(super) notes: Vec<String>,
}

/// Keys of a mapping, in their order.
pub(super) type Keys = Vec<(String, Value)>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// One text; quoted where YAML would read it otherwise.
    Text(String),
    List(Vec<String>),
    Map(Keys),
}

impl Value {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// One pattern as it is, several as a list.
    pub(super) fn patterns(mut patterns: Vec<String>) -> Self {
        match patterns.len() {
            1 => Self::Text(patterns.remove(0)),
            _ => Self::List(patterns),
        }
    }
}

/// Sets a key, once.
pub(super) fn set(keys: &mut Keys, key: &str, value: Value) {
    match keys.iter_mut().find(|(k, _)| k == key) {
        Some((_, old)) => *old = value,
        None => keys.push((key.to_owned(), value)),
    }
}

impl Outline {
    /// The text of the topology file.
    pub(super) fn write(&self) -> String {
        let mut text = String::new();
        for note in &self.notes {
            comment(&mut text, note);
        }
        if !self.notes.is_empty() {
            text.push('\n');
        }
        line(&mut text, 0, &format!("topology: {}", self.name));
        text.push_str("\nclusters:\n");
        for (alias, keys) in &self.clusters {
            line(&mut text, 2, &format!("{}:", quoted(alias)));
            mapping(&mut text, 4, keys);
        }
        if !self.defaults.is_empty() {
            text.push_str("\ndefaults:\n");
            mapping(&mut text, 2, &self.defaults);
        }
        text.push_str("\nedges:\n");
        for edge in &self.edges {
            let mut entry = String::new();
            mapping(&mut entry, 4, edge);
            entry.replace_range(..4, "  - ");
            text.push_str(&entry);
        }
        text
    }
}

/// Width at which comments are broken.
const WIDTH: usize = 98;

fn comment(text: &mut String, note: &str) {
    let mut current = String::from("#");
    for word in note.split(' ') {
        if current.len() + 1 + word.len() > WIDTH {
            line(text, 0, &current);
            current = String::from("#  ");
        }
        current.push(' ');
        current.push_str(word);
    }
    line(text, 0, &current);
}

fn line(text: &mut String, indent: usize, content: &str) {
    // Writing into a String does not fail.
    writeln!(text, "{:indent$}{content}", "").ok();
}

fn mapping(text: &mut String, indent: usize, keys: &Keys) {
    for (key, value) in keys {
        let key = quoted(key);
        match value {
            Value::Text(value) => line(text, indent, &format!("{key}: {}", quoted(value))),
            Value::List(items) if items.is_empty() => line(text, indent, &format!("{key}: []")),
            Value::List(items) => {
                line(text, indent, &format!("{key}:"));
                for item in items {
                    line(text, indent + 2, &format!("- {}", quoted(item)));
                }
            }
            Value::Map(inner) => {
                line(text, indent, &format!("{key}:"));
                mapping(text, indent + 2, inner);
            }
        }
    }
}

/// A text as YAML reads it back: plain where that is safe in a block.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./|$()+-*,:{}".contains(c);
    let starts_plain = |c: char| c.is_ascii_alphanumeric() || "_./$(".contains(c);
    let is_safe =
        text.starts_with(starts_plain) && text.chars().all(is_plain) && !text.ends_with(':');
    if is_safe {
        text.to_owned()
    } else if text.chars().any(char::is_control) {
        // JSON's strings are YAML's, too.
        serde_json::Value::from(text).to_string()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}
