//! Settings that break what `delivery` or `profile` promises.

use super::Role;
use crate::edge::{Delivery, Edge, Profile};

/// What a setting breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weakness {
    /// What is promised: `delivery: exactly_once` or `profile: durable`.
    pub promise: &'static str,
    /// What may happen, as a clause.
    pub consequence: &'static str,
    /// Whether the promise wins, since clients refuse the setting together with it.
    pub is_ignored: bool,
}

/// What a translated setting of a client of `edge` breaks, if anything.
pub fn weakness(edge: &Edge, role: Role, name: &str, value: &str) -> Option<Weakness> {
    weakness_of(edge.delivery, edge.profile, role, name, value)
}

/// As [`weakness`], by what the edge promises.
pub(crate) fn weakness_of(
    delivery: Delivery,
    profile: Profile,
    role: Role,
    name: &str,
    value: &str,
) -> Option<Weakness> {
    let is_exact = delivery == Delivery::ExactlyOnce;
    let is_durable = profile == Profile::Durable;
    let number = value.parse::<i64>();
    let (is_refused_exact, consequence) = match (role, name) {
        (Role::Producer, "acks") if value != "all" => {
            (true, "acknowledged records are lost with their broker")
        }
        (Role::Producer, "enable.idempotence") if value == "false" => {
            (true, "a retry may write a record twice or out of order")
        }
        (Role::Producer, "max.in.flight.requests.per.connection")
            if number.is_ok_and(|n| n > 5) =>
        {
            (true, "a retry may write records out of order")
        }
        (Role::Producer, "retries") if value == "0" => {
            (true, "a moment without a leader loses records")
        }
        (Role::Consumer, "isolation.level") if value == "read_uncommitted" => {
            (true, "records of aborted transactions are copied")
        }
        (Role::Consumer, "check.crcs") if value == "false" => {
            (false, "records that were damaged on the way are copied")
        }
        _ => return None,
    };
    let is_checksum = name == "check.crcs";
    let promise = match (is_exact && !is_checksum, is_durable) {
        (true, _) => "delivery: exactly_once",
        (false, true) => "profile: durable",
        (false, false) => return None,
    };
    Some(Weakness {
        promise,
        consequence,
        is_ignored: is_exact && is_refused_exact,
    })
}
