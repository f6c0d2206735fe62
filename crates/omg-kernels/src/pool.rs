use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use crate::isa::Isa;

/// How long an idle worker spins before it sleeps. The gaps between the dispatches of one decode step are far shorter,
/// those between tokens a little.
const SPIN: Duration = Duration::from_micros(300);
/// After this long a spinning worker gives its core to whoever else wants it.
const POLITE: Duration = Duration::from_micros(20);

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

type Job = *const (dyn Fn(usize) + Sync);

struct Shared {
    job: UnsafeCell<Option<Job>>,
    /// Number of the current dispatch.
    epoch: AtomicU64,
    /// Per worker, the last dispatch whose share somebody took: the worker itself, or the caller that did not wait.
    claimed: Vec<Line<AtomicU64>>,
    sleeping: Vec<Line<AtomicBool>>,
    pending: Line<AtomicUsize>,
    stop: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// On a cache line of its own, so that spinning on one value does not slow the others.
#[repr(align(128))]
struct Line<T>(T);

// SAFETY: `job` is written by the one dispatcher (under `Pool::dispatch`) while no worker reads it: a worker reads it
// only after it claimed a share of the current epoch, and the dispatcher returns only when all claimed shares are done.
unsafe impl Sync for Shared {}
// SAFETY: as above; the job pointer never outlives `run`.
unsafe impl Send for Shared {}

/// Threads for the kernels, the calling thread being worker 0. Also carries the instruction set that kernels use.
///
/// Idle workers spin for a moment and then sleep. A caller never waits for a worker that has not woken up yet: it does
/// that worker's share itself, which keeps the pool fast on a machine that is busy with other things.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<(JoinHandle<()>, Thread)>,
    dispatch: Mutex<()>,
    isa: Isa,
}

impl Pool {
    /// A pool of `threads` (at least 1, counting the caller) with the fastest instruction set of this CPU.
    pub fn new(threads: usize) -> Self {
        Self::with_isa(threads, Isa::detect())
    }

    pub fn with_isa(threads: usize, isa: Isa) -> Self {
        let threads = threads.clamp(1, 1024);
        let shared = Arc::new(Shared {
            job: UnsafeCell::new(None),
            epoch: AtomicU64::new(0),
            claimed: (0..threads).map(|_| Line(AtomicU64::new(0))).collect(),
            sleeping: (0..threads).map(|_| Line(AtomicBool::new(false))).collect(),
            pending: Line(AtomicUsize::new(0)),
            stop: AtomicBool::new(false),
            panic: Mutex::new(None),
        });
        let mut workers = Vec::new();
        for index in 1..threads {
            let shared = Arc::clone(&shared);
            let spawned = std::thread::Builder::new()
                .name(format!("omg-kernel-{index}"))
                .spawn(move || work(&shared, index));
            // A thread that cannot be started is no error: the caller does its share.
            let Ok(handle) = spawned else { break };
            let thread = handle.thread().clone();
            workers.push((handle, thread));
        }
        Self {
            shared,
            workers,
            dispatch: Mutex::new(()),
            isa,
        }
    }

    /// Workers, counting the caller of `run`.
    pub fn threads(&self) -> usize {
        self.shared.claimed.len()
    }

    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Calls `f(worker)` once for each `worker` in `0..threads()` and returns when all calls have ended. Calls may share a
    /// thread. A panic in one is raised here after the others ended. Calls from inside `f` run on the spot.
    pub fn run(&self, f: &(dyn Fn(usize) + Sync)) {
        let threads = self.threads();
        if threads == 1 || INSIDE.get() {
            (0..threads).for_each(f);
            return;
        }
        let guard = self.dispatch.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = &*self.shared;
        shared.pending.0.store(threads - 1, Ordering::Relaxed);
        // SAFETY: only the lifetime is erased. All shares have ended before this function returns, also when one panics.
        let job: Job = unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), Job>(f) };
        // SAFETY: no dispatch is under way, so no worker reads the job.
        unsafe { *shared.job.get() = Some(job) };
        let epoch = shared.epoch.load(Ordering::Relaxed) + 1;
        // Sequentially consistent, as is the worker's `sleeping`: either it sees the epoch or we see it asleep.
        shared.epoch.store(epoch, Ordering::SeqCst);
        for (at, (_, thread)) in self.workers.iter().enumerate() {
            if shared.sleeping[at + 1].0.load(Ordering::SeqCst) {
                thread.unpark();
            }
        }
        INSIDE.set(true);
        let mine = catch_unwind(AssertUnwindSafe(|| f(0)));
        for worker in 1..threads {
            shared.take_share(worker, epoch);
        }
        INSIDE.set(false);
        let mut spins = 0u32;
        while shared.pending.0.load(Ordering::Acquire) != 0 {
            spins += 1;
            if spins > 2000 {
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
        // SAFETY: all shares have ended.
        unsafe { *shared.job.get() = None };
        let theirs = shared
            .panic
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(guard);
        if let Err(panic) = mine {
            resume_unwind(panic);
        }
        if let Some(panic) = theirs {
            resume_unwind(panic);
        }
    }

    /// Calls `f(i)` once for each `i` in `0..n`, spread over the workers as they become free.
    pub fn for_each(&self, n: usize, f: &(dyn Fn(usize) + Sync)) {
        if n <= 1 || self.threads() == 1 {
            (0..n).for_each(f);
            return;
        }
        let next = AtomicUsize::new(0);
        self.run(&|_| {
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= n {
                    break;
                }
                f(i);
            }
        });
    }

    /// Physical cores this process may use: its affinity mask and the CPU quota of its control group count.
    pub fn default_threads() -> usize {
        crate::cores::usable()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for (handle, thread) in self.workers.drain(..) {
            thread.unpark();
            // A worker catches the panics of its jobs, so it ends normally.
            let _ = handle.join();
        }
    }
}

impl Shared {
    /// Runs the share of `worker` in dispatch `epoch`, unless somebody else has it.
    fn take_share(&self, worker: usize, epoch: u64) {
        let claimed = &self.claimed[worker].0;
        let last = claimed.load(Ordering::Relaxed);
        if last >= epoch
            || claimed
                .compare_exchange(last, epoch, Ordering::AcqRel, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        // SAFETY: the share is ours and not done, so the dispatcher of this epoch is still inside `run`.
        if let Some(job) = unsafe { *self.job.get() } {
            // SAFETY: as above, so what the job borrows is alive.
            let job = unsafe { &*job };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| job(worker))) {
                self.panic
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(panic);
            }
        }
        self.pending.0.fetch_sub(1, Ordering::Release);
    }
}

fn work(shared: &Shared, index: usize) {
    INSIDE.set(true);
    let mut seen = 0;
    while let Some(epoch) = next_epoch(shared, index, seen) {
        seen = epoch;
        shared.take_share(index, epoch);
    }
}

/// Waits for a dispatch after `seen`; `None` when the pool ends.
fn next_epoch(shared: &Shared, index: usize, seen: u64) -> Option<u64> {
    let mut since = None::<Instant>;
    loop {
        for _ in 0..64 {
            let epoch = shared.epoch.load(Ordering::Acquire);
            if epoch != seen {
                return Some(epoch);
            }
            std::hint::spin_loop();
        }
        if shared.stop.load(Ordering::Relaxed) {
            return None;
        }
        let idle = since.get_or_insert_with(Instant::now).elapsed();
        if idle > SPIN {
            let sleeping = &shared.sleeping[index].0;
            sleeping.store(true, Ordering::SeqCst);
            while shared.epoch.load(Ordering::SeqCst) == seen && !shared.stop.load(Ordering::SeqCst)
            {
                std::thread::park();
            }
            sleeping.store(false, Ordering::Relaxed);
            since = None;
        } else if idle > POLITE {
            std::thread::yield_now();
        }
    }
}
