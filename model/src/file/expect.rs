//! `expect`: thresholds for status, `/alarmz` and alerts.

use super::keys::{self, EXPECT, LAG};
use super::quantity;
use super::reader::{Reader, is_none};
use super::tree::Node;
use crate::edge::{Expect, Thresholds};

/// Takes over what is given; thresholds that are not given stay as they were.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node, expect: &mut Expect) {
    let Some(map) = reader.map(node, "`expect`") else {
        return;
    };
    reader.unknown_keys(map, "`expect`", &keys::names(&[EXPECT]));
    for (key, node) in &map.entries {
        match key.text.as_str() {
            "lag" => thresholds(reader, node, "lag", &mut expect.lag, quantity::records),
            "latency" => thresholds(
                reader,
                node,
                "latency",
                &mut expect.latency,
                quantity::duration,
            ),
            "error_rate" => thresholds(
                reader,
                node,
                "error_rate",
                &mut expect.error_rate,
                quantity::share,
            ),
            "throughput" if is_none(node) => expect.throughput = None,
            "throughput" => {
                let rate = reader.quantity(node, "expect.throughput", quantity::rate);
                expect.throughput = rate.or(expect.throughput);
            }
            _ => {}
        }
    }
}

fn thresholds<T: PartialOrd>(
    reader: &mut Reader<'_>,
    node: &Node,
    key: &str,
    thresholds: &mut Thresholds<T>,
    parse: impl Fn(&str) -> Result<T, String> + Copy,
) {
    if is_none(node) {
        *thresholds = Thresholds {
            warn: None,
            alarm: None,
        };
        return;
    }
    let what = format!("expect.{key}");
    let Some(map) = reader.map(node, &format!("`{what}`")) else {
        return;
    };
    reader.unknown_keys(map, &format!("`{what}`"), &keys::names(&[LAG]));
    for (key, node) in &map.entries {
        let value = match key.text.as_str() {
            "warn" => &mut thresholds.warn,
            "alarm" => &mut thresholds.alarm,
            _ => continue,
        };
        if is_none(node) {
            *value = None;
        } else if let Some(read) = reader.quantity(node, &format!("{what}.{}", key.text), parse) {
            *value = Some(read);
        }
    }
    let both_given = map.get("warn").is_some() && map.get("alarm").is_some();
    if both_given && thresholds.warn > thresholds.alarm && thresholds.alarm.is_some() {
        let message = format!("`{what}.warn` is above `{what}.alarm`");
        reader.bad(node.span, message, "warn before the alarm");
    }
}
