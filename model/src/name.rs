//! Names: what clusters, edges and topics are called, and which topic names Kafka accepts.

use std::fmt;

use serde::Serialize;

/// Longest topic name that Kafka accepts, in bytes (`Topic.MAX_NAME_LENGTH` in Apache Kafka).
pub const TOPIC_NAME_MAX: usize = 249;

/// The compacted topic on the `home` cluster that keeps applied topologies.
pub const CONTROL_TOPIC: &str = "crossdock.topology";

/// What every dead-letter topic's name begins with.
pub const DEAD_LETTER_PREFIX: &str = "crossdock.dead-letter.";

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is; what is legal has been checked where it was read.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// What the topology file calls a cluster: `[A-Za-z0-9._-]`.
    Alias
}
name! {
    /// What an edge is called: unique in its topology.
    EdgeName
}
name! {
    /// What Kafka itself calls a cluster (`cluster.id`): the same whatever the alias.
    ClusterId
}

/// Why Kafka refuses a topic name (`Topic.validate` in Apache Kafka).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IllegalTopicName {
    /// The empty name.
    Empty,
    /// `.` or `..`.
    Dots,
    /// Longer than [`TOPIC_NAME_MAX`] bytes.
    TooLong,
    /// A character outside `[a-zA-Z0-9._-]`.
    Character(char),
}

/// Checks a topic name by Kafka's own rule.
///
/// # Errors
/// The first reason for which a broker would refuse it.
pub fn check_topic_name(name: &str) -> Result<(), IllegalTopicName> {
    if name.is_empty() {
        return Err(IllegalTopicName::Empty);
    }
    if name == "." || name == ".." {
        return Err(IllegalTopicName::Dots);
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if let Some(c) = name.chars().find(|&c| !legal(c)) {
        return Err(IllegalTopicName::Character(c));
    }
    if name.len() > TOPIC_NAME_MAX {
        return Err(IllegalTopicName::TooLong);
    }
    Ok(())
}

/// Internal topics are never taken: Kafka's own (`__*`) and crossdock's.
pub fn is_internal_topic(name: &str) -> bool {
    name.starts_with("__") || name == CONTROL_TOPIC || name.starts_with(DEAD_LETTER_PREFIX)
}
