//! The signals by which somebody stops the program: from the keyboard (SIGINT), or from outside (SIGTERM).

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
pub struct Watch {
    stopping: Arc<AtomicBool>,
    task: Option<JoinHandle<()>>,
}

impl Watch {
    /// Watches over `folder`, if there is one, on a thread of its own, so that busy work does not delay it.
    pub fn over(folder: Option<&Path>) -> Watch {
        let stopping = Arc::new(AtomicBool::new(false));
        let task = folder.map(|folder| {
            let (folder, stopping) = (folder.to_owned(), stopping.clone());
            tokio::spawn(async move {
                let number = signal().await;
                stopping.store(true, Ordering::SeqCst);
                remove(&folder);
                std::process::exit(SIGNALLED + number);
            })
        });
        Watch { stopping, task }
    }

    /// Gives `result` on, unless the program is being stopped: then it may be an error for want of the folder, which is
    /// nobody's news, and the end comes from the watch.
    pub async fn unless_stopping<T>(&self, result: T) -> T {
        if self.stopping.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        result
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// The work goes on until the process ends and may write once more, so what appears anew is removed as well.
fn remove(folder: &Path) {
    for _ in 0..10 {
        let _ = std::fs::remove_dir_all(folder);
        if !folder.exists() {
            return;
        }
    }
}
