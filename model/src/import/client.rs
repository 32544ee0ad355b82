//! Client properties of old files: which are carried over, and where to.

use super::outline::{Keys, Value, set};
use super::{Entry, Remarks};
use crate::edge::{Delivery, Profile};
use crate::properties::{
    Role, Translation, has_effect, is_secret, role_of, secret_in, translate, weakness_of,
};

/// The properties of the clients of one place: a cluster, or one side of an edge.
pub(super) struct Client<'a> {
    /// Whose properties are taken.
    pub(super) role: Role,
    /// Begins the names of variables for secrets.
    pub(super) alias: &'a str,
}

impl Client<'_> {
    /// Carries a property over, or says why not. `key` is its name without any prefix.
    pub(super) fn carry(&self, keys: &mut Keys, entry: &Entry, key: &str, remarks: &mut Remarks) {
        let value = entry.value.as_str();
        if !has_effect(self.role, key) {
            return self.idle(entry, key, remarks);
        }
        if key == "sasl.jaas.config" && !value.contains("${") {
            return self.jaas(keys, entry, remarks);
        }
        if secret_in(key, value).is_some() || value.contains("${") {
            return self.variable(keys, entry, key, remarks);
        }
        match translate(self.role, key, value) {
            Translation::Property { name, value: told } => match self.weakness(key, &name, &told) {
                None => {
                    let value = match key {
                        "bootstrap.servers" => value.replace(char::is_whitespace, ""),
                        _ => value.to_owned(),
                    };
                    set(keys, key, Value::text(value));
                    remarks.carried();
                }
                Some(why) => remarks.unneeded(entry, why),
            },
            Translation::Properties(told) if told.is_empty() => {
                remarks.unneeded(entry, "it is so anyway");
            }
            Translation::Properties(_) => {
                set(keys, key, Value::text(value));
                remarks.carried();
            }
            Translation::Bad { why } => remarks.lost(entry, why),
            Translation::Unused { .. } | Translation::Unknown { .. } => {
                self.idle(entry, key, remarks);
            }
        }
    }

    /// A property that does nothing here.
    fn idle(&self, entry: &Entry, key: &str, remarks: &mut Remarks) {
        match translate(self.role, key, "") {
            // Files of keys in Java's own formats have to be converted by hand.
            Translation::Unused { instead } if key.ends_with("store.location") => {
                remarks.lost(entry, instead);
            }
            Translation::Unused { instead } => remarks.unneeded(entry, instead),
            Translation::Unknown { suggestion } => {
                let help = suggestion.map(|s| format!("; {s}")).unwrap_or_default();
                remarks.lost(entry, format!("no property of Kafka clients{help}"));
            }
            _ => remarks.unneeded(entry, "it has no effect here"),
        }
    }

    /// What the setting would break, were it carried over.
    fn weakness(&self, key: &str, name: &str, value: &str) -> Option<String> {
        let role = role_of(key).unwrap_or(self.role);
        let weak = weakness_of(Delivery::ExactlyOnce, Profile::Durable, role, name, value)?;
        Some(format!(
            "with it {}; `{}` rules it out",
            weak.consequence, weak.promise
        ))
    }

    /// A value that is not for the file: a secret, or one that stood elsewhere already.
    fn variable(&self, keys: &mut Keys, entry: &Entry, key: &str, remarks: &mut Remarks) {
        let environment = entry
            .value
            .strip_prefix("${env:")
            .and_then(|rest| rest.strip_suffix('}'));
        let name = match environment {
            Some(name) => name.to_owned(),
            None => self.variable_name(key),
        };
        set(keys, key, Value::text(format!("${{{name}}}")));
        let why = match is_secret(key) && !entry.value.contains("${") {
            true => format!("a secret does not stand in the file: set the variable {name}"),
            false => format!("its value is read elsewhere: set the variable {name}"),
        };
        remarks.changed(entry, why);
    }

    /// A JAAS entry becomes user name and password.
    fn jaas(&self, keys: &mut Keys, entry: &Entry, remarks: &mut Remarks) {
        match translate(self.role, "sasl.jaas.config", &entry.value) {
            Translation::Properties(told) => {
                let mut names = Vec::new();
                for (name, value) in told {
                    let value = if is_secret(&name) {
                        let variable = self.variable_name(&name);
                        names.push(format!("`{name}`, which is the variable {variable} now"));
                        format!("${{{variable}}}")
                    } else {
                        names.push(format!("`{name}`"));
                        value
                    };
                    set(keys, &name, Value::text(value));
                }
                remarks.changed(entry, format!("it is {}", names.join(" and ")));
            }
            Translation::Unused { instead } => remarks.unneeded(entry, instead),
            Translation::Bad { why } => remarks.lost(entry, why),
            _ => remarks.lost(entry, "this login module has no equivalent"),
        }
    }

    fn variable_name(&self, key: &str) -> String {
        let last = match key {
            "sasl.jaas.config" => "JAAS_CONFIG",
            _ => key.strip_prefix("sasl.").unwrap_or(key),
        };
        let upper = |c: char| match c.is_ascii_alphanumeric() {
            true => c.to_ascii_uppercase(),
            false => '_',
        };
        format!("{}_{last}", self.alias)
            .chars()
            .map(upper)
            .collect()
    }
}
