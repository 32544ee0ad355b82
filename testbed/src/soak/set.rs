//! The topologies that are soaked: clusters, edges, who writes what.

use super::Plan;
use crate::cluster::Size;
use crate::nemesis::Stage;
use crate::scene::Scene;

/// How long the edges may take to catch up after a round, on a busy machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(400);

/// Partitions of every topic.
const PARTITIONS: usize = 3;

/// The crossdock whose traffic goes through the proxies, and one that no network fault meets: it takes
/// over what the other cannot hold.
const DOCKS: [&str; 2] = ["proxied", "direct"];

/// A topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// One edge, from one broker to three.
    OneWay,
    /// Names kept in both directions, between three brokers and one.
    TwoWay,
    /// Three leaves into a hub, each of one broker.
    Star,
}

const ONE_WAY: &str = r#"
topology: soak
clusters:
  bj: { bootstrap.servers: "${BJ_BOOTSTRAP}" }
  sh: { bootstrap.servers: "${SH_BOOTSTRAP}" }
edges:
  - { from: bj, to: sh, topics: orders|payments }
"#;

const TWO_WAY: &str = r#"
topology: soak
clusters:
  bj: { bootstrap.servers: "${BJ_BOOTSTRAP}" }
  sh: { bootstrap.servers: "${SH_BOOTSTRAP}" }
edges:
  - { from: bj, to: sh, both_ways: true, topics: orders|payments }
"#;

const STAR: &str = r#"
topology: soak
clusters:
  hq: { bootstrap.servers: "${HQ_BOOTSTRAP}" }
  north: { bootstrap.servers: "${NORTH_BOOTSTRAP}" }
  east: { bootstrap.servers: "${EAST_BOOTSTRAP}" }
  south: { bootstrap.servers: "${SOUTH_BOOTSTRAP}" }
edges:
  - { from: [north, east, south], to: hq, topics: sales|payments, rename: suffix }
"#;

const LEAVES: [&str; 3] = ["north", "east", "south"];

impl Set {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::OneWay, Self::TwoWay, Self::Star];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::OneWay => "one-way",
            Self::TwoWay => "two-way",
            Self::Star => "star",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.name() == name)
    }

    fn clusters(self) -> &'static [(&'static str, Size)] {
        match self {
            Self::OneWay => &[("bj", Size::One), ("sh", Size::Three)],
            Self::TwoWay => &[("bj", Size::Three), ("sh", Size::One)],
            Self::Star => &[
                ("hq", Size::One),
                ("north", Size::One),
                ("east", Size::One),
                ("south", Size::One),
            ],
        }
    }

    /// What users write: cluster, topic, its share of the rate in percent, whether in transactions.
    fn loads(self) -> &'static [(&'static str, &'static str, usize, bool)] {
        match self {
            Self::OneWay => &[("bj", "orders", 80, false), ("bj", "payments", 20, true)],
            Self::TwoWay => &[
                ("bj", "orders", 40, false),
                ("sh", "orders", 40, false),
                ("bj", "payments", 20, true),
            ],
            Self::Star => &[
                ("north", "sales", 30, false),
                ("east", "sales", 30, false),
                ("south", "sales", 20, false),
                ("south", "payments", 20, true),
            ],
        }
    }

    /// What the nemesis may do it to.
    pub fn stage(self) -> Stage {
        let clusters = self.clusters().iter();
        let aliases = clusters.clone().map(|(alias, _)| (*alias).to_owned());
        let nodes = |size| match size {
            Size::One => 1,
            Size::Three => 3,
        };
        let targets: &[&str] = match self {
            Self::OneWay => &["sh"],
            Self::TwoWay => &["bj", "sh"],
            Self::Star => &["hq"],
        };
        Stage {
            docks: DOCKS.map(str::to_owned).to_vec(),
            clusters: clusters
                .map(|(alias, size)| ((*alias).to_owned(), nodes(*size)))
                .collect(),
            targets: targets.iter().map(|alias| (*alias).to_owned()).collect(),
            proxied: aliases.collect(),
        }
    }

    /// Its clusters, topics and crossdocks, up.
    pub(super) fn scene(self, plan: &Plan) -> Scene {
        let text = match self {
            Self::OneWay => ONE_WAY,
            Self::TwoWay => TWO_WAY,
            Self::Star => STAR,
        };
        let name = format!("soak-{}", self.name());
        let binary = plan.binary.to_string_lossy();
        let mut scene = Scene::of_sizes(&binary, &name, self.clusters(), text);
        scene.be_patient(PATIENCE);
        for (alias, topic, ..) in self.loads() {
            scene.topic(alias, topic, PARTITIONS);
        }
        match self {
            Self::OneWay => {
                scene.route("bj-to-sh", "orders", "orders");
                scene.route("bj-to-sh", "payments", "payments");
            }
            Self::TwoWay => {
                for edge in ["bj-to-sh", "sh-to-bj"] {
                    scene.route(edge, "orders", "orders");
                    scene.route(edge, "payments", "payments");
                }
            }
            Self::Star => {
                for leaf in LEAVES {
                    scene.route(&format!("{leaf}-to-hq"), "sales", &format!("sales-{leaf}"));
                }
                scene.route("south-to-hq", "payments", "payments-south");
            }
        }
        let [proxied, direct] = DOCKS;
        scene.start_as(direct, &[]);
        for alias in scene.aliases() {
            scene.proxy(&alias);
        }
        scene.start_as(proxied, &[]);
        for alias in scene.target_topics().into_keys() {
            scene.until_topics(&alias);
        }
        scene
    }

    /// Its users write.
    pub(super) fn load(self, scene: &mut Scene, rate: usize) {
        for (alias, topic, share, in_transactions) in self.loads() {
            let rate = rate * share / 100;
            if *in_transactions {
                scene.transactional_load(alias, topic, rate);
            } else {
                scene.lasting_load(alias, topic, rate);
            }
        }
    }
}
