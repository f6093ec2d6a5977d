//! Threads in which calls wait for a host: one a call under way, each with a connection of its own, so that no call waits for another.
//!
//! A call that is given up keeps its thread until libvirt lets go of it, which may be never; such threads are counted, and a host that
//! holds too many of them gets no more calls.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, SendError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use super::session::Session;
use crate::host::{Call, CallError, Pending, Reply};

/// The most threads of a host that hang in calls that were given up. Calls that somebody waits for are not bounded here: their number is
/// that of the waiting.
const MOST_GIVEN_UP: usize = 16;

/// The most threads of a host that wait for a call with their connection open.
const MOST_IDLE: usize = 4;

/// How a call ended.
type End = Result<Reply, CallError>;

/// The workers of a host.
pub(super) struct Pool {
    /// The URI of its libvirt.
    uri: String,
    /// Workers that wait for a call; the last one was busy last.
    idle: Mutex<Vec<Sender<Job>>>,
    /// Workers that hang in calls that were given up.
    given_up: Arc<AtomicUsize>,
}

/// A call on its way to a worker.
struct Job {
    call: Call,
    slot: Arc<Slot>,
}

/// Where a worker leaves the end of a call for who waits for it.
struct Slot {
    progress: Mutex<Progress>,
    /// The pool's count of calls that were given up.
    given_up: Arc<AtomicUsize>,
}

/// How far a call is.
enum Progress {
    UnderWay,
    Ended(End),
    /// Its end was handed out.
    Told,
    /// Nobody waits for it any more, and its worker still does.
    GivenUp,
}

/// A call that a worker was given.
struct Waiting(Arc<Slot>);

/// A call that ended when it was begun.
struct Ended(Option<End>);

impl Pool {
    /// No worker yet.
    pub(super) fn new(uri: String) -> Self {
        Self { uri, idle: Mutex::new(Vec::new()), given_up: Arc::new(AtomicUsize::new(0)) }
    }

    /// Gives a call to a worker that waits, or to a new one.
    pub(super) fn begin(self: &Arc<Self>, call: Call) -> Box<dyn Pending> {
        let hanging = self.given_up.load(Ordering::SeqCst);
        if hanging >= MOST_GIVEN_UP {
            return refused(format!(
                "{hanging} earlier calls hang in it, which were given up; it is asked nothing more until one comes back"
            ));
        }
        let slot = Arc::new(Slot { progress: Mutex::new(Progress::UnderWay), given_up: Arc::clone(&self.given_up) });
        let mut job = Job { call, slot: Arc::clone(&slot) };
        let mut idle = lock(&self.idle);
        while let Some(worker) = idle.pop() {
            match worker.send(job) {
                Ok(()) => return Box::new(Waiting(slot)),
                Err(SendError(back)) => job = back,
            }
        }
        drop(idle);
        let (pool, session) = (Arc::downgrade(self), Session::new(self.uri.clone()));
        match thread::Builder::new().name("libvirt".into()).spawn(move || work(&pool, session, job)) {
            Ok(_) => Box::new(Waiting(slot)),
            Err(e) => refused(format!("no thread to ask it in: {e}")),
        }
    }

    /// Ends a call, and says where the next one comes from; `None`: the worker is not needed any more. The worker is among the idle before
    /// the end is there, so that who reads it and asks again meets a worker whose connection is open.
    fn end(&self, slot: &Slot, end: End) -> Option<mpsc::Receiver<Job>> {
        let mut idle = lock(&self.idle);
        let wanted = slot.end(end);
        (wanted && idle.len() < MOST_IDLE).then(|| {
            let (outbox, inbox) = mpsc::channel();
            idle.push(outbox);
            inbox
        })
    }
}

/// A worker's life: a call, and the next, until its host is gone or it is not needed.
fn work(pool: &Weak<Pool>, mut session: Session, mut job: Job) {
    loop {
        let end = session.carry_out(&job.call, &|| job.slot.is_wanted());
        let inbox = pool.upgrade().and_then(|pool| pool.end(&job.slot, end));
        let Some(inbox) = inbox else { break };
        match inbox.recv() {
            Ok(next) => job = next,
            Err(_) => break,
        }
    }
    // To close a connection is a call too, and may hang: only then is the worker not counted any more.
    drop(session);
    drop(job);
}

impl Slot {
    /// Whether anybody waits for the call.
    fn is_wanted(&self) -> bool {
        matches!(*lock(&self.progress), Progress::UnderWay)
    }

    /// Leaves the end of the call. Says whether anybody waits for it.
    fn end(&self, end: End) -> bool {
        let mut progress = lock(&self.progress);
        let wanted = matches!(*progress, Progress::UnderWay);
        if wanted {
            *progress = Progress::Ended(end);
        }
        wanted
    }
}

impl Drop for Job {
    /// A worker lets go of a call: if it did not end it, nobody knows what became of it.
    fn drop(&mut self) {
        self.slot.end(Err(CallError::Lost("the thread that waited for the answer has ended".into())));
        if matches!(*lock(&self.slot.progress), Progress::GivenUp) {
            self.slot.given_up.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Pending for Waiting {
    fn poll(&mut self) -> Option<End> {
        let mut progress = lock(&self.0.progress);
        match std::mem::replace(&mut *progress, Progress::Told) {
            Progress::Ended(end) => Some(end),
            other => {
                *progress = other;
                None
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut progress = lock(&self.0.progress);
        if matches!(*progress, Progress::UnderWay) {
            *progress = Progress::GivenUp;
            self.0.given_up.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Pending for Ended {
    fn poll(&mut self) -> Option<End> {
        self.0.take()
    }
}

/// A call that could not be begun.
fn refused(why: String) -> Box<dyn Pending> {
    Box::new(Ended(Some(Err(CallError::Unreachable(why)))))
}

/// Locks; a thread that died in between has left nothing half done, since each change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
