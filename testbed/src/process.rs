//! What the kernel knows of a child process, and what it may be told to refuse it.
#![allow(
    unsafe_code,
    reason = "limits of another process are set by libc alone"
)]

use std::fs;
use std::time::Duration;

/// What a process may have only so much of.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// Open files and sockets.
    Files,
    /// Bytes in a file: writing beyond is refused.
    FileSize,
}

/// What a process holds in memory, in MiB; 0 for one that is gone.
pub fn memory_mib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    let kib = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

/// The CPU time that a process has used, in user and system mode.
pub fn cpu(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Behind the name, which may hold anything: the twelfth and thirteenth fields, in hundredths.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|t| t.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Sets what a process may have.
pub fn limit(pid: u32, what: Limit, most: u64) {
    let resource = match what {
        Limit::Files => libc::RLIMIT_NOFILE,
        Limit::FileSize => libc::RLIMIT_FSIZE,
    };
    let mut now = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: both point to one limit each; the process is our own child.
    let failed =
        unsafe { libc::prlimit(pid.cast_signed(), resource, std::ptr::null(), &raw mut now) };
    assert_eq!(failed, 0, "limits of {pid} cannot be read");
    now.rlim_cur = most.min(now.rlim_max);
    // SAFETY: as above.
    let failed = unsafe {
        libc::prlimit(
            pid.cast_signed(),
            resource,
            &raw const now,
            std::ptr::null_mut(),
        )
    };
    assert_eq!(failed, 0, "limits of {pid} cannot be set");
}
