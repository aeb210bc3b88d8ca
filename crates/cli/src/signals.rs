//! The signals by which somebody stops the program: from the keyboard (SIGINT), or from outside (SIGTERM).

use std::path::{Path, PathBuf};

use tokio::task::JoinHandle;

/// What a shell adds to a signal's number for the exit code of a program that it ended.
const SIGNALLED: i32 = 128;

/// Waits for one of the signals, and gives its number.
async fn signal() -> i32 {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
        if let (Ok(mut interrupts), Ok(mut terminations)) = (signal(interrupt), signal(terminate)) {
            return tokio::select! {
                _ = interrupts.recv() => interrupt.as_raw_value(),
                _ = terminations.recv() => terminate.as_raw_value(),
            };
        }
    }
    // Without a handler the program ends at the signal itself.
    match tokio::signal::ctrl_c().await {
        Ok(()) => 2,
        Err(_) => std::future::pending().await,
    }
}

/// Waits until somebody stops the program.
pub async fn stopped() {
    signal().await;
}

/// Removes a folder with secrets in it, and ends the program, when somebody stops it before this is dropped.
pub struct Watch(JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Watches on a thread of its own, so that work which keeps others busy does not delay it.
pub fn remove_when_stopped(folder: &Path) -> Watch {
    let folder = folder.to_owned();
    Watch(tokio::spawn(async move {
        let number = signal().await;
        remove(&folder);
        std::process::exit(SIGNALLED + number);
    }))
}

/// The work goes on until the process ends and may write once more, so what appears anew is removed as well.
fn remove(folder: &PathBuf) {
    for _ in 0..10 {
        let _ = std::fs::remove_dir_all(folder);
        if !folder.exists() {
            return;
        }
    }
}
