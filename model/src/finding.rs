//! Findings: what is wrong with a topology, as data. Rendering is elsewhere.

use serde::Serialize;

use crate::name::EdgeName;

/// A stretch of the file's text, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The topology must not run.
    Error,
    /// It can run, but hardly as meant; an error under `--strict`.
    Warning,
    /// Worth knowing.
    Note,
}

macro_rules! codes {
    ($($variant:ident $slug:literal $severity:ident),* $(,)?) => {
        /// What kind of finding it is: one code, one page, one rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = concat!("`", $slug, "`")] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The code as users see it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $slug),* }
            }

            /// The severity a finding of this code has unless it says otherwise.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity),* }
            }
        }
    };
}

codes! {
    YamlSyntax "yaml-syntax" Error,
    DuplicateKey "duplicate-key" Error,
    UnknownKey "unknown-key" Error,
    MissingKey "missing-key" Error,
    BadValue "bad-value" Error,
    UnknownCluster "unknown-cluster" Error,
    DuplicateEdge "duplicate-edge" Error,
    UnsetVariable "unset-variable" Error,
    UnknownProperty "unknown-property" Error,
    UnusedProperty "unused-property" Warning,
    BadRegex "bad-regex" Error,
    EmptyPattern "empty-pattern" Error,
    GlobPattern "glob-pattern" Warning,
    BadTemplate "bad-template" Error,
    IllegalTopicName "illegal-topic-name" Error,
    TopicNameTooLong "topic-name-too-long" Error,
    MetricNameCollision "metric-name-collision" Error,
    InternalTopic "internal-topic" Error,
    SelfEdge "self-edge" Error,
    SameCluster "same-cluster" Error,
    RecordLoop "record-loop" Error,
    NameLoop "name-loop" Error,
    DuplicateDelivery "duplicate-delivery" Error,
    TopicCollision "topic-collision" Error,
    MergedTopic "merged-topic" Warning,
    SharedGroup "shared-group" Error,
    GroupOffsetsAmbiguous "group-offsets-ambiguous" Error,
    NeverMatches "never-matches" Warning,
    BrokenChain "broken-chain" Warning,
    ParallelCopy "parallel-copy" Warning,
    UnusedCluster "unused-cluster" Note,
    PlaintextSecret "plaintext-secret" Warning,
    WeakSetting "weak-setting" Warning,
    DisabledEdgeHazard "disabled-edge-hazard" Note,
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One thing that is wrong, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind.
    pub code: Code,
    /// How much it weighs; that of the code, but for the few cases where the contract says otherwise.
    pub severity: Severity,
    /// Headline: one lower-case clause without a full stop.
    pub message: String,
    /// The value at fault.
    pub span: Span,
    /// What stands under the underlined value.
    pub label: String,
    /// Other places that take part, each with what it does there.
    pub others: Vec<(Span, String)>,
    /// The edges that take part, in the file's order.
    pub edges: Vec<EdgeName>,
    /// The shortest concrete topic and its path, each step `topic@cluster`.
    pub witness: Vec<String>,
    /// What to write instead: a repair that has been tried.
    pub help: Option<String>,
}

impl Finding {
    /// A finding with a headline and the place of the value at fault.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            message: message.into(),
            span,
            label: String::new(),
            others: Vec::new(),
            edges: Vec::new(),
            witness: Vec::new(),
            help: None,
        }
    }

    /// Says what stands under the underlined value.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
