//! Client properties: what a name means to Java clients and to librdkafka, and what crossdock makes
//! of it.
//!
//! Users write the names they know. [`translate`] turns one property into what librdkafka is told,
//! [`effective`] merges profile, cluster and edge into the complete settings of one client.

use std::fmt;

mod effective;
mod jaas;
mod java;
mod librdkafka;
mod own;
mod profile;
mod tls;
mod weak;

pub use effective::{Effective, Origin, effective};
pub use profile::{Setting, commit_interval_ms, max_in_flight_bytes, profile};
pub(crate) use weak::weakness_of;
pub use weak::{Weakness, weakness};

/// Which client a property is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads from the source.
    Consumer,
    /// Writes to the target.
    Producer,
    /// Every client of a cluster.
    Common,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Consumer => "consumer",
            Self::Producer => "producer",
            Self::Common => "cluster",
        })
    }
}

/// What a property becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Translation {
    /// One property of librdkafka.
    Property {
        /// Its name there; of two names for one thing, always the same.
        name: String,
        /// Its value there.
        value: String,
    },
    /// Several properties of librdkafka; none where nothing needs to be told.
    Properties(Vec<(String, String)>),
    /// Known, without an equivalent here.
    Unused {
        /// What happens instead, as a clause.
        instead: String,
    },
    /// Neither Java clients nor librdkafka know it.
    Unknown {
        /// What may have been meant, as a clause: "did you mean `acks`?"
        suggestion: Option<String>,
    },
    /// Known, but not with this value.
    Bad {
        /// Why, as a clause. Never holds the value of a secret.
        why: String,
    },
}

/// What one property becomes for one client. Its value has no variables left.
///
/// With [`Role::Common`] the properties of every client are taken, as under `clusters`; with the
/// other roles those of the other client are refused as unused.
pub fn translate(role: Role, key: &str, value: &str) -> Translation {
    let value = value.trim();
    if let Some(instead) = own::reserved(role, key) {
        return Translation::Unused {
            instead: instead.to_owned(),
        };
    }
    let known = java::find(key);
    let owner = known
        .as_ref()
        .map(|k| k.role)
        .or_else(|| librdkafka::find(key).map(|(role, _)| role));
    match owner {
        None => Translation::Unknown {
            suggestion: suggest(key),
        },
        Some(owner) if !fits(owner, role) => Translation::Unused {
            instead: format!("it is a {owner}'s, and this is the {role}"),
        },
        Some(_) => match known {
            Some(known) => known.translate(role, value),
            None => checked(key, value),
        },
    }
}

/// Whether a property belongs to one of the two clients only.
pub fn role_of(key: &str) -> Option<Role> {
    java::find(key)
        .map(|k| k.role)
        .or_else(|| librdkafka::find(key).map(|(role, _)| role))
}

/// A client property by one of its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// As Java clients or librdkafka call it.
    pub name: &'static str,
    /// The only words it takes, in any case.
    pub words: Option<&'static [&'static str]>,
}

/// Every property that is known by name; one of both worlds comes twice.
pub fn known() -> impl Iterator<Item = Known> {
    let java = java::names().map(|name| Known { name, words: None });
    let native = librdkafka::names().map(|name| Known {
        name,
        words: match librdkafka::find(name) {
            Some((_, librdkafka::Kind::OneOf(words))) => Some(words),
            _ => None,
        },
    });
    java.chain(native)
}

/// Beginnings of names that are known whatever follows.
pub fn families() -> impl Iterator<Item = &'static str> {
    java::FAMILIES.iter().map(|(family, _)| *family)
}

/// Whether a client of this role does something about a property.
pub fn has_effect(role: Role, key: &str) -> bool {
    !matches!(
        translate(role, key, ""),
        Translation::Unused { .. } | Translation::Unknown { .. }
    )
}

/// Whether a property's value must never be shown.
pub fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let words = ["password", "passphrase", "secret", "private.key", "jaas"];
    words.iter().any(|word| key.contains(word))
        || matches!(
            key.as_str(),
            "ssl.key.pem" | "ssl.keystore.key" | "sasl.oauthbearer.config"
        )
}

/// The secret inside a value: all of it, but for `sasl.jaas.config` only its password.
pub fn secret_in<'a>(key: &str, value: &'a str) -> Option<&'a str> {
    if !is_secret(key) || value.is_empty() || key.ends_with(".file") {
        return None;
    }
    if key == "sasl.jaas.config" {
        return jaas::secret(value);
    }
    Some(value)
}

fn fits(owner: Role, role: Role) -> bool {
    owner == Role::Common || role == Role::Common || owner == role
}

/// A property of librdkafka by its name there, its value checked.
fn checked(name: &str, value: &str) -> Translation {
    let Some((_, kind)) = librdkafka::find(name) else {
        return Translation::Unknown { suggestion: None };
    };
    match plain(kind, value) {
        Ok(value) => Translation::Property {
            name: librdkafka::canonical(name).to_owned(),
            value,
        },
        Err(why) => Translation::Bad { why },
    }
}

/// A value as librdkafka reads it.
fn plain(kind: librdkafka::Kind, value: &str) -> Result<String, String> {
    use librdkafka::Kind;
    match kind {
        Kind::Api => Err("it can only be set by a program".to_owned()),
        Kind::Text => Ok(value.to_owned()),
        Kind::Flag => match value.to_ascii_lowercase().as_str() {
            word @ ("true" | "false") => Ok(word.to_owned()),
            _ => Err("it is `true` or `false`".to_owned()),
        },
        Kind::OneOf(words) => {
            let lower = value.to_lowercase();
            let known = words.iter().find(|w| w.to_lowercase() == lower);
            known
                .map(|w| (*w).to_owned())
                .ok_or_else(|| format!("it is one of {}", list(words)))
        }
        Kind::Number(least, most) => {
            let number = number(value).ok_or_else(|| "it is a whole number".to_owned())?;
            within(number, least, most).map(|n| n.to_string())
        }
        Kind::Decimal(least, most) => {
            let number: f64 = value.parse().map_err(|_| "it is a number".to_owned())?;
            #[allow(
                clippy::cast_precision_loss,
                reason = "the bounds are below one million"
            )]
            let is_within = number >= least as f64 && number <= most as f64;
            if is_within {
                Ok(value.to_owned())
            } else {
                Err(format!("it is from {least} to {most}"))
            }
        }
    }
}

fn within(number: i64, least: i64, most: i64) -> Result<i64, String> {
    if (least..=most).contains(&number) {
        Ok(number)
    } else {
        Err(format!("it is from {least} to {most}"))
    }
}

/// A whole number, or one of the constants that Java configurations are written with.
fn number(value: &str) -> Option<i64> {
    match value {
        "Integer.MAX_VALUE" => Some(i64::from(i32::MAX)),
        "Integer.MIN_VALUE" => Some(i64::from(i32::MIN)),
        "Long.MAX_VALUE" => Some(i64::MAX),
        _ => value.parse().ok(),
    }
}

fn list(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|w| format!("`{w}`")).collect();
    quoted.join(", ")
}

/// What may have been meant by a name that nobody knows.
fn suggest(key: &str) -> Option<String> {
    if let Some(place) = own::elsewhere(key) {
        return Some(place.to_owned());
    }
    let names = java::names().chain(librdkafka::names());
    crate::near::nearest(key, names).map(|name| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests;
