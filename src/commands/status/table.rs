//! A status as a table, in words: it is readable without colour.

use serde_json::Value;

use crate::output;

/// Heads of the table of edges.
pub const EDGE_HEADS: [&str; 9] = [
    "EDGE",
    "STATE",
    "HEALTH",
    "LAG",
    "AGE",
    "RECORDS/S",
    "BYTES/S",
    "P99",
    "RECORDS",
];

/// Heads of the table of partitions.
pub const PARTITION_HEADS: [&str; 7] = [
    "EDGE",
    "PARTITION",
    "TARGET TOPIC",
    "STATE",
    "POSITION",
    "LAG",
    "AGE",
];

/// Heads of the table of consumer groups.
pub const GROUP_HEADS: [&str; 7] = [
    "EDGE",
    "GROUP",
    "STATE",
    "PARTITIONS",
    "SYNCED",
    "AHEAD",
    "LAG",
];

/// Everything, for a person.
pub fn text(status: &Value, with_partitions: bool) -> String {
    let edges = list(&status["edges"]);
    let rows: Vec<_> = edges.iter().map(edge_row).collect();
    let mut text = output::table(&EDGE_HEADS, &rows);
    if with_partitions {
        let rows: Vec<_> = edges.iter().flat_map(partition_rows).collect();
        text += &format!("\n{}", output::table(&PARTITION_HEADS, &rows));
    }
    let rows: Vec<_> = edges.iter().flat_map(group_rows).collect();
    if !rows.is_empty() {
        text += &format!("\n{}", output::table(&GROUP_HEADS, &rows));
    }
    let remarks: Vec<_> = edges.iter().flat_map(remarks).collect();
    if !remarks.is_empty() {
        text += &format!("\n{}\n", remarks.join("\n"));
    }
    text
}

/// The cells of an edge, as [`EDGE_HEADS`] names them.
pub fn edge_row(edge: &Value) -> Vec<String> {
    vec![
        word(&edge["name"]),
        word(&edge["state"]),
        word(&edge["health"]),
        count(&edge["lag_records"]),
        seconds(&edge["lag_seconds"]),
        rate(&edge["records_per_second"]),
        bytes(&edge["bytes_per_second"]),
        seconds(&edge["latency_seconds"]["p99"]),
        count(&edge["records_total"]),
    ]
}

/// The cells of each partition, as [`PARTITION_HEADS`] names them.
fn partition_rows(edge: &Value) -> Vec<Vec<String>> {
    let all = list(&edge["partitions"]).iter();
    all.map(|p| partition_row(edge, p)).collect()
}

/// The cells of a partition of an edge.
pub fn partition_row(edge: &Value, p: &Value) -> Vec<String> {
    vec![
        word(&edge["name"]),
        format!("{}-{}", word(&p["topic"]), p["partition"]),
        word(&p["target_topic"]),
        word(&p["state"]),
        count(&p["position"]),
        count(&p["lag_records"]),
        seconds(&p["lag_seconds"]),
    ]
}

/// The cells of each consumer group, as [`GROUP_HEADS`] names them.
pub fn group_rows(edge: &Value) -> Vec<Vec<String>> {
    let row = |g: &Value| {
        vec![
            word(&edge["name"]),
            word(&g["group"]),
            word(&g["state"]),
            count(&g["partitions"]),
            count(&g["synced"]),
            count(&g["ahead"]),
            count(&g["lag_records"]),
        ]
    };
    list(&edge["group_sync"]["groups"])
        .iter()
        .map(row)
        .collect()
}

/// Why an edge is not as it should be, nor a group.
fn remarks(edge: &Value) -> Vec<String> {
    let name = word(&edge["name"]);
    // One that runs has a reason only where something of it is not held here.
    let is_calm = edge["state"] == "caught_up" && list(&edge["source_gone"]).is_empty();
    let reason = edge["reason"].as_str().filter(|_| !is_calm);
    let mut remarks: Vec<_> = reason.map(|r| format!("{name}: {r}")).into_iter().collect();
    let concerns = list(&edge["concerns"]).iter().filter_map(Value::as_str);
    remarks.extend(concerns.map(|c| format!("{name}: {}: {c}", word(&edge["health"]))));
    let sync = &edge["group_sync"];
    let waits = sync["reason"].as_str();
    remarks.extend(waits.map(|why| format!("{name}: groups do not follow: {why}")));
    let groups = list(&sync["groups"]).iter();
    remarks.extend(groups.filter_map(|g| {
        let why = g["reason"].as_str()?;
        Some(format!("{name}: group {}: {why}", word(&g["group"])))
    }));
    remarks
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}

fn count(value: &Value) -> String {
    value
        .as_i64()
        .map_or_else(|| "-".to_owned(), |n| n.to_string())
}

fn seconds(value: &Value) -> String {
    match value.as_f64() {
        None => "-".to_owned(),
        Some(s) if s < 10.0 => format!("{s:.1} s"),
        Some(s) if s < 600.0 => format!("{s:.0} s"),
        Some(s) if s < 36_000.0 => format!("{:.0} min", s / 60.0),
        Some(s) => format!("{:.0} h", s / 3600.0),
    }
}

fn rate(value: &Value) -> String {
    value
        .as_f64()
        .map_or_else(|| "-".to_owned(), |r| format!("{r:.0}"))
}

fn bytes(value: &Value) -> String {
    let mut amount = value.as_f64().unwrap_or(0.0);
    for unit in ["B", "KiB", "MiB"] {
        if amount < 1024.0 {
            return format!("{amount:.0} {unit}");
        }
        amount /= 1024.0;
    }
    format!("{amount:.1} GiB")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    /// A status with an edge that is fine and one that is not.
    pub(crate) fn status() -> Value {
        json!({ "instance": "sh-1", "edges": [
            { "name": "bj-to-sh", "source": "bj", "target": "sh", "state": "running", "health": "ok",
              "lag_records": 120, "lag_seconds": 0.42, "records_per_second": 5012.4,
              "bytes_per_second": 2_097_152.0, "latency_seconds": { "p50": 0.1, "p99": 0.61 },
              "records_total": 1_200_345, "concerns": [], "partitions": [
                { "topic": "orders", "partition": 0, "target_topic": "orders-bj", "position": 600,
                  "state": "running", "lag_records": 120, "lag_seconds": 0.42 } ],
              "group_sync": { "last_round_seconds": 1.2, "groups": [
                { "group": "billing", "state": "synced", "partitions": 3, "synced": 3, "ahead": 0,
                  "lag_records": 5 },
                { "group": "audit", "state": "ahead", "partitions": 3, "synced": 2, "ahead": 1,
                  "reason": "orders-2: it has been 3 offsets further at the target", "lag_records": 0 } ] } },
            { "name": "sh-to-bj", "source": "sh", "target": "bj", "state": "retrying", "health": "alarm",
              "reason": "cluster `bj`: no answer for 70 s", "lag_records": 20000, "lag_seconds": 4000.0,
              "records_per_second": 0.0, "bytes_per_second": 0.0, "latency_seconds": null,
              "records_total": 0, "concerns": ["it has tried in vain for a minute"], "partitions": [
                { "topic": "orders", "partition": 11, "target_topic": "orders-sh", "position": null,
                  "state": "starting", "lag_records": 0, "lag_seconds": 0.0 } ] },
        ]})
    }

    #[test]
    fn why_a_running_edge_has_not_caught_up_is_told() {
        let mut status = status();
        let why = "orders-1 is behind: held by another instance, or by none yet";
        status["edges"][0]["reason"] = why.into();
        let text = text(&status, false);
        assert!(text.contains(&format!("\nbj-to-sh: {why}\n")), "{text}");
    }

    #[test]
    fn a_source_topic_that_is_gone_is_told_though_nothing_is_left_to_copy() {
        let mut status = status();
        let edge = &mut status["edges"][0];
        edge["state"] = "caught_up".into();
        edge["reason"] = "nothing left to copy; source gone: orders".into();
        let words = "source gone: orders";
        assert!(!text(&json!({ "edges": [edge.clone()] }), false).contains(words));
        edge["source_gone"] = json!(["orders"]);
        let told = text(&status, false);
        assert!(told.contains(words), "{told}");
    }

    #[test]
    fn a_status_reads_without_colour() {
        let wanted = "\
EDGE      STATE     HEALTH  LAG    AGE     RECORDS/S  BYTES/S  P99    RECORDS
bj-to-sh  running   ok      120    0.4 s   5012       2 MiB    0.6 s  1200345
sh-to-bj  retrying  alarm   20000  67 min  0          0 B      -      0

EDGE      PARTITION  TARGET TOPIC  STATE     POSITION  LAG  AGE
bj-to-sh  orders-0   orders-bj     running   600       120  0.4 s
sh-to-bj  orders-11  orders-sh     starting  -         0    0.0 s

EDGE      GROUP    STATE   PARTITIONS  SYNCED  AHEAD  LAG
bj-to-sh  billing  synced  3           3       0      5
bj-to-sh  audit    ahead   3           2       1      0

bj-to-sh: group audit: orders-2: it has been 3 offsets further at the target
sh-to-bj: cluster `bj`: no answer for 70 s
sh-to-bj: alarm: it has tried in vain for a minute
";
        assert_eq!(text(&status(), true), wanted);
    }

    #[test]
    fn what_is_no_status_is_no_crash() {
        for odd in [
            json!(null),
            json!({ "edges": 5 }),
            json!({ "edges": [{}, 7] }),
        ] {
            assert!(text(&odd, true).starts_with("EDGE"));
        }
    }
}
