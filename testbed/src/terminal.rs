//! A command in a terminal: what stands on its screen, and keys that are typed.
#![allow(unsafe_code, reason = "a pseudo terminal is opened by libc")]

use std::fs::File;
use std::io::{self, Read, Write};
use std::num::NonZero;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::{spawn, wait};

/// A process that takes its standard streams for a terminal. Dropped, it is killed.
pub struct Terminal {
    process: Child,
    keys: File,
    shown: Arc<Mutex<Shown>>,
    reader: Option<JoinHandle<()>>,
}

struct Shown {
    screen: vt100::Parser,
    written: Vec<u8>,
}

impl Terminal {
    /// Starts a command in a terminal of so many rows and columns.
    pub fn start(mut command: Command, (rows, columns): (u16, u16)) -> Self {
        let size = [rows, columns].map(|n| NonZero::new(n).expect("a screen has some"));
        let (ours, theirs) = open(rows, columns).expect("a terminal can be opened");
        let stream = || Stdio::from(theirs.try_clone().expect("a descriptor can be had"));
        command
            .env("TERM", "xterm-256color")
            .stdin(stream())
            .stdout(stream())
            .stderr(stream());
        let process = spawn::spawn(command).expect("the command starts");
        let shown = Arc::new(Mutex::new(Shown {
            screen: vt100::Parser::new(size[0], size[1], 0),
            written: Vec::new(),
        }));
        let mut output = ours.try_clone().expect("a descriptor can be had");
        let reader = thread::spawn({
            let shown = Arc::clone(&shown);
            move || {
                let mut bytes = [0; 4096];
                // It ends when nobody has the other side any more.
                while let Ok(count @ 1..) = output.read(&mut bytes) {
                    let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
                    shown.screen.process(&bytes[..count]);
                    shown.written.extend(&bytes[..count]);
                }
            }
        });
        Self {
            process,
            keys: ours,
            shown,
            reader: Some(reader),
        }
    }

    /// Types something.
    pub fn press(&mut self, keys: &str) {
        self.keys
            .write_all(keys.as_bytes())
            .expect("keys can be typed");
    }

    /// What stands on the screen now.
    pub fn screen(&self) -> String {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.screen.screen().contents()
    }

    /// Everything that was ever written, with what moves and colours it.
    pub fn written(&self) -> String {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&shown.written).into_owned()
    }

    /// Waits until the screen is as wanted, and gives it.
    pub fn until(&self, what: &str, limit: Duration, is_so: impl Fn(&str) -> bool) -> String {
        wait::until(what, limit, || {
            let screen = self.screen();
            match is_so(&screen) {
                true => Ok(screen),
                false => Err(screen),
            }
        })
    }

    /// Waits for its end, and gives its exit status; −1 for a signal.
    pub fn ended(&mut self, limit: Duration) -> i32 {
        let status = wait::until("it ends", limit, || {
            let status = self.process.try_wait().map_err(|e| e.to_string())?;
            status.ok_or_else(|| self.screen())
        });
        // What it wrote last is read first.
        if let Some(reader) = self.reader.take() {
            reader.join().expect("its output is read");
        }
        status.code().unwrap_or(-1)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Both sides of a terminal: ours, and that of whoever runs in it.
fn open(rows: u16, columns: u16) -> io::Result<(File, OwnedFd)> {
    let (mut ours, mut theirs) = (-1, -1);
    let size = libc::winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: both descriptors are written by the call; no name is asked for; the size is read only. They are
    // this process's own from here on.
    unsafe {
        let opened = libc::openpty(
            &raw mut ours,
            &raw mut theirs,
            ptr::null_mut(),
            ptr::null(),
            &raw const size,
        );
        if opened != 0 {
            return Err(io::Error::last_os_error());
        }
        // No child but the one that is meant may keep the other side open.
        for descriptor in [ours, theirs] {
            libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        }
        Ok((File::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)))
    }
}
