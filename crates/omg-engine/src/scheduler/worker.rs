use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::{Core, Job};
use crate::error::{EngineError, Result};
use crate::task::{Cancel, panicked};

/// How the hidden states of a text become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    Mean,
    Last,
}

enum Command {
    Generate(Box<Job>),
    Embed {
        tokens: Vec<u32>,
        pooling: Pooling,
        cancel: Cancel,
        reply: SyncSender<Result<Vec<f32>>>,
    },
}

/// The scheduler's thread. Dropping it cancels everything and waits for the thread.
pub(crate) struct Worker {
    commands: Mutex<Option<Sender<Command>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    abort: Arc<AtomicBool>,
}

impl Worker {
    pub(crate) fn spawn(core: impl FnOnce() -> Core + Send + 'static) -> Result<Self> {
        let (sender, receiver) = channel();
        let abort = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&abort);
        let thread = std::thread::Builder::new()
            .name("omg-scheduler".to_owned())
            .spawn(move || run(core(), &receiver, &seen))
            .map_err(|e| {
                EngineError::Internal(format!("the scheduler's thread did not start: {e}"))
            })?;
        Ok(Self {
            commands: Mutex::new(Some(sender)),
            thread: Mutex::new(Some(thread)),
            abort,
        })
    }

    fn send(&self, command: Command) -> Result<()> {
        let commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        commands
            .as_ref()
            .and_then(|c| c.send(command).ok())
            .ok_or(EngineError::ShuttingDown)
    }

    /// On failure the job is gone and its sink must be told by the caller.
    pub(crate) fn generate(&self, job: Job) -> Result<()> {
        self.send(Command::Generate(Box::new(job)))
    }

    /// Waits for the scheduler to come to it.
    pub(crate) fn embed(
        &self,
        tokens: Vec<u32>,
        pooling: Pooling,
        cancel: &Cancel,
    ) -> Result<Vec<f32>> {
        let (reply, answer) = sync_channel(1);
        self.send(Command::Embed {
            tokens,
            pooling,
            cancel: cancel.clone(),
            reply,
        })?;
        answer.recv().unwrap_or(Err(EngineError::ShuttingDown))
    }

    /// Takes no more requests and waits for the last one. Idempotent; a second caller waits as well.
    pub(crate) fn finish(&self) {
        drop(
            self.commands
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // The thread catches the panics of its steps; one outside them has nobody left to tell.
            let _ = thread.join();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.abort.store(true, Ordering::Release);
        self.finish();
    }
}

fn run(mut core: Core, commands: &Receiver<Command>, abort: &AtomicBool) {
    let mut open = true;
    loop {
        if open && core.is_idle() {
            match commands.recv() {
                Ok(command) => handle(&mut core, command),
                Err(_) => open = false,
            }
        }
        while open {
            match commands.try_recv() {
                Ok(command) => handle(&mut core, command),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => open = false,
            }
        }
        if abort.load(Ordering::Acquire) {
            core.cancel_all();
        }
        if core.is_idle() {
            if open {
                continue;
            }
            return;
        }
        guarded(&mut core, Core::step);
    }
}

fn handle(core: &mut Core, command: Command) {
    match command {
        Command::Generate(job) => core.submit(*job),
        Command::Embed {
            tokens,
            pooling,
            cancel,
            reply,
        } => {
            let result = guarded(core, |core| {
                core.embed(&tokens, pooling == Pooling::Last, &cancel)
            });
            // The caller may have gone.
            let _ = reply.send(result.unwrap_or_else(|| Err(panicked())));
        }
    }
}

/// Runs a part of the work; a panic ends the requests and not the process.
fn guarded<T>(core: &mut Core, work: impl FnOnce(&mut Core) -> T) -> Option<T> {
    // Everything the panic may have left half-done is thrown away by `fail_all`; the weights are never written.
    let result = catch_unwind(AssertUnwindSafe(|| work(core))).ok();
    if result.is_none() {
        tracing::error!("a step of the scheduler panicked; its requests have been failed");
        core.fail_all(&panicked());
    }
    result
}
