//! Work shared out to threads that live as long as the call.

use std::sync::Mutex;
use std::thread;

/// Does every task, on at most `threads` threads, this one among them.
pub fn share<T: Send>(
    tasks: impl Iterator<Item = T> + Send,
    threads: usize,
    work: impl Fn(T) + Sync,
) {
    if threads < 2 {
        return tasks.for_each(work);
    }
    let tasks = Mutex::new(tasks);
    let next = || {
        tasks
            .lock()
            .expect("no task is worked on under the lock")
            .next()
    };
    let work_off = || {
        while let Some(task) = next() {
            work(task);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            // Where the system has no more threads, those that there are do the work.
            if thread::Builder::new()
                .spawn_scoped(scope, work_off)
                .is_err()
            {
                break;
            }
        }
        work_off();
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn each_task_is_done_once() {
        for threads in [0, 1, 2, 7] {
            let done: Vec<_> = (0..100).map(|_| AtomicUsize::new(0)).collect();
            share(done.iter(), threads, |task| {
                task.fetch_add(1, Ordering::Relaxed);
            });
            assert!(done.iter().all(|task| task.load(Ordering::Relaxed) == 1));
        }
    }

    /// Ends only if three tasks are under way at once.
    #[test]
    fn the_threads_work_at_the_same_time() {
        let barrier = Barrier::new(3);
        share(0..3, 3, |_| {
            barrier.wait();
        });
    }

    #[test]
    #[should_panic(expected = "panicked")]
    fn a_panic_of_any_thread_reaches_the_caller() {
        let caller = thread::current().id();
        let barrier = Barrier::new(2);
        share(0..2, 2, |_| {
            barrier.wait();
            assert_eq!(thread::current().id(), caller, "another thread panicked");
        });
    }
}
