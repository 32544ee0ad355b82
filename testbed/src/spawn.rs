//! Child processes that never outlive this one, however it ends.
#![allow(
    unsafe_code,
    reason = "a death signal can only be asked for between fork and exec, signals only by libc"
)]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;

/// A command to start, and where the answer goes.
type Order = (Command, Sender<io::Result<Child>>);

/// A signal to a child.
#[derive(Clone, Copy, Debug)]
pub enum Signal {
    /// SIGTERM: please stop.
    Terminate,
    /// SIGKILL: gone, without a word.
    Kill,
    /// SIGSTOP: stands still, keeps everything.
    Pause,
    /// SIGHUP: look at your configuration again.
    HangUp,
    /// SIGCONT: goes on as if nothing had been.
    Resume,
}

/// Starts `command` as a child that the kernel kills when this process dies, even by SIGKILL.
///
/// The kernel's death signal follows the *thread* that forked, and tests run in threads that end:
/// one thread that lives as long as the process does all the forking.
pub fn spawn(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, incoming) = channel::<Order>();
        thread::Builder::new()
            .name("spawner".into())
            .spawn(move || {
                for (mut command, reply) in incoming {
                    die_with_parent(&mut command);
                    // The one who asked may have panicked meanwhile; the child dies with us then.
                    reply.send(command.spawn()).ok();
                }
            })
            .expect("a thread can be started");
        orders
    });
    let (reply, answer) = channel();
    spawner.send((command, reply)).expect("the spawner lives");
    answer.recv().expect("the spawner answers")
}

/// Sends `signal` to a child that has not been waited for.
pub fn signal(child: &Child, signal: Signal) {
    let number = match signal {
        Signal::Terminate => libc::SIGTERM,
        Signal::Kill => libc::SIGKILL,
        Signal::Pause => libc::SIGSTOP,
        Signal::HangUp => libc::SIGHUP,
        Signal::Resume => libc::SIGCONT,
    };
    // SAFETY: no memory is involved; the pid is our own child's, not reaped while `child` lives.
    unsafe { libc::kill(child.id().cast_signed(), number) };
}

fn die_with_parent(command: &mut Command) {
    // SAFETY: prctl, getppid and _exit are async-signal-safe, and nothing else is called.
    unsafe {
        let parent = libc::getpid();
        command.pre_exec(move || {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            if libc::getppid() != parent {
                libc::_exit(1); // the parent died before the signal was asked for
            }
            Ok(())
        });
    }
}
