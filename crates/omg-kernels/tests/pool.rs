//! The thread pool under what a server does to it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use omg_kernels::Pool;

#[test]
fn every_share_is_done_once() {
    for threads in [1, 2, 7] {
        let pool = Pool::new(threads);
        for round in 0..2000 {
            let done: Vec<AtomicUsize> = (0..threads).map(|_| AtomicUsize::new(0)).collect();
            pool.run(&|worker| {
                done[worker].fetch_add(1, Ordering::Relaxed);
            });
            assert!(
                done.iter().all(|n| n.load(Ordering::Relaxed) == 1),
                "round {round}"
            );
        }
        let sum = AtomicUsize::new(0);
        pool.for_each(1000, &|i| {
            sum.fetch_add(i, Ordering::Relaxed);
        });
        assert_eq!(sum.into_inner(), 999 * 500);
    }
}

#[test]
fn sleeping_workers_wake() {
    let pool = Pool::new(3);
    for _ in 0..5 {
        std::thread::sleep(Duration::from_millis(3));
        let waiting = AtomicUsize::new(3);
        // Ends only if three threads are at it at the same time, or one of them does the shares of the others.
        pool.run(&|_| {
            waiting.fetch_sub(1, Ordering::SeqCst);
        });
        assert_eq!(waiting.into_inner(), 0);
    }
}

#[test]
fn several_callers_take_turns() {
    let pool = Pool::new(3);
    let sum = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..300 {
                    pool.for_each(10, &|i| {
                        sum.fetch_add(i, Ordering::Relaxed);
                    });
                }
            });
        }
    });
    assert_eq!(sum.into_inner(), 4 * 300 * 45);
}

#[test]
fn calls_from_inside_run_on_the_spot() {
    let pool = Pool::new(3);
    let sum = AtomicUsize::new(0);
    pool.for_each(5, &|_| {
        pool.for_each(4, &|i| {
            sum.fetch_add(i, Ordering::Relaxed);
        });
    });
    assert_eq!(sum.into_inner(), 5 * 6);
}

#[test]
fn a_panic_reaches_the_caller_and_the_pool_lives() {
    let pool = Pool::new(3);
    for bad in 0..3 {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.run(&|worker| assert_ne!(worker, bad, "on purpose"));
        }));
        assert!(result.is_err());
        let done = AtomicUsize::new(0);
        pool.run(&|_| {
            done.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(done.into_inner(), 3);
    }
}

#[test]
fn default_is_at_least_one_core_and_not_more_than_there_are() {
    let threads = Pool::default_threads();
    assert!(threads >= 1 && threads <= std::thread::available_parallelism().unwrap().get());
}
