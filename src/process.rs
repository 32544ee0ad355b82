//! What this process takes of its machine.

/// Clock ticks of a second in `/proc`: the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor and memory that the process takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Processor time used since its start, user and system, in seconds.
    pub cpu_seconds: f64,
    /// Memory that is resident, in bytes.
    pub resident_bytes: u64,
}

/// Reads `/proc`; `None` where there is none.
pub fn usage() -> Option<Usage> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may hold blanks; behind it stand the third field and all others.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3)?.parse::<f64>().ok();
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let resident = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    let kib: u64 = resident.split_whitespace().next()?.parse().ok()?;
    Some(Usage {
        cpu_seconds: (ticks(14)? + ticks(15)?) / TICKS_PER_SECOND,
        resident_bytes: kib * 1024,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_takes_something_of_its_machine() {
        let usage = usage().expect("tests run on Linux");
        assert!(usage.resident_bytes > 1 << 20, "{usage:?}");
        assert!((0.0..100_000.0).contains(&usage.cpu_seconds), "{usage:?}");
    }
}
