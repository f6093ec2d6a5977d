//! Carrying a plan out: which step may begin when, in how many lanes, and when to stop.
//!
//! Steps begin in order. One begins when all before it are done, but for those that the plan says it may be done beside ([`Step::beside`]) and boots
//! that follow each other by a set delay ([`Step::starts_after_s`]): only these mixtures were judged. Before each step the whole site is held against
//! what the plan says of that moment: what was judged is what is. When a step stops, nothing new begins, what is under way is finished, and the
//! run ends with a name and a next action.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use models::plan::{Action, Plan, Step};
use uuid::Uuid;

use crate::crew::{Crew, gone, is_off};
use crate::expected::{Difference, Expected, Thing, touched};
use crate::failure::Failure;
use crate::journal::{Journal, Record, Store};
use crate::log::What;
use crate::prepare::about;
use crate::step::{Ended, Halt, Under, misplaced};
use crate::turns::{self, Rest};
use crate::whereabouts::{HostLook, Survey};

/// What is to be carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Orders {
    /// The plan.
    pub plan: Plan,
    /// The identity of each guest that is known.
    pub guests: BTreeMap<String, Uuid>,
    /// The steps to do; empty: all.
    pub only: BTreeSet<u32>,
    /// The most steps at once: 1 or more.
    pub max_parallel: u32,
    /// No step begins after this moment, ns since 1970.
    pub until_unix_ns: Option<u64>,
    /// Steps that are done already.
    pub done: BTreeSet<u32>,
    /// Steps that were begun before and did not end well: what they touch may be as before them, as after them, or between.
    pub loose: BTreeSet<u32>,
    /// Guests of which it was written down, before a step moved or stopped them, that their host starts them when it boots.
    pub autostart: BTreeSet<String>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Steps that this run did, in the order in which they ended; and whether each was so already.
    pub done: Vec<(u32, bool)>,
    /// Steps that stopped.
    pub failed: Vec<(u32, Failure)>,
    /// Why the run stopped before its end; nothing: all that was asked for is done.
    pub stopped: Option<String>,
}

/// Memory that is promised to a guest on its way.
struct Promise {
    step: u32,
    guest: String,
    host: String,
    mib: u64,
    /// When the step ended, in the clock's own nanoseconds.
    ended_ns: Option<u64>,
}

/// What changes while a run goes on.
struct State {
    expected: Expected,
    /// Steps under way.
    under_way: BTreeSet<u32>,
    /// Steps begun before this run and not ended well.
    loose: BTreeSet<u32>,
    promises: Vec<Promise>,
    switched_off: BTreeSet<String>,
    /// Guests that their old host would have started at its boot: the new one shall, too.
    autostart: BTreeSet<String>,
}

impl State {
    /// A step is done.
    fn follow(&mut self, step: &Step) {
        self.expected.follow(step);
        match &step.action {
            Action::PowerOffHost { host } => _ = self.switched_off.insert(host.clone()),
            Action::BootHost { host } => _ = self.switched_off.remove(host),
            _ => {}
        }
    }
}

/// A run.
pub(crate) struct Run<'c, S> {
    pub crew: &'c Crew<'c>,
    pub orders: &'c Orders,
    journal: RefCell<Journal<S>>,
    state: RefCell<State>,
}

type Lane<'r> = Pin<Box<dyn Future<Output = Result<Ended, Halt>> + 'r>>;

/// Carries the orders out. Every step that begins is in the journal before anything is asked of a host.
///
/// # Errors
/// The journal could not be written: what was under way is left as it is, and nothing more is asked of anybody.
///
/// # Panics
/// Where the plan does not say what it starts from: such a plan is refused before.
pub fn carry<S: Store>(crew: &Crew<'_>, orders: &Orders, journal: Journal<S>) -> Result<Outcome, std::io::Error> {
    let expected = Expected::at(orders.plan.start.as_ref().expect("a plan without its start is refused before"));
    let mut state = State {
        expected,
        under_way: BTreeSet::new(),
        loose: orders.loose.clone(),
        promises: Vec::new(),
        switched_off: BTreeSet::new(),
        autostart: orders.autostart.clone(),
    };
    orders.plan.steps.iter().filter(|s| orders.done.contains(&s.number)).for_each(|s| state.follow(s));
    let run = Run { crew, orders, journal: RefCell::new(journal), state: RefCell::new(state) };
    run.go()
}

impl<S: Store> Run<'_, S> {
    fn go(&self) -> Result<Outcome, std::io::Error> {
        let (clock, steps) = (self.crew.clock, &self.orders.plan.steps);
        let wanted = |n: u32| self.orders.only.is_empty() || self.orders.only.contains(&n);
        let mut left: std::collections::VecDeque<&Step> =
            steps.iter().filter(|s| wanted(s.number) && !self.orders.done.contains(&s.number)).collect();
        let mut lanes: Vec<(&Step, Lane<'_>)> = Vec::new();
        let mut began_ns: BTreeMap<u32, u64> = BTreeMap::new();
        let mut outcome = Outcome::default();
        let mut rest = Rest::new();
        loop {
            if outcome.stopped.is_none() && !left.is_empty() {
                outcome.stopped = self.must_stop();
                if let Some(why) = &outcome.stopped {
                    let text = format!(
                        "stopping: {why}; what is under way is finished, and nothing new begins (asked once more, it ends at once)"
                    );
                    self.crew.say(None, What::Note { text });
                }
            }
            while outcome.stopped.is_none() && (lanes.len() as u32) < self.orders.max_parallel {
                let Some(step) = left.front().copied() else { break };
                let under_way: Vec<&Step> = lanes.iter().map(|(s, _)| *s).collect();
                if !may_begin(step, steps, &under_way, &began_ns, clock.monotonic_ns()) {
                    break;
                }
                left.pop_front();
                began_ns.insert(step.number, clock.monotonic_ns());
                self.state.borrow_mut().under_way.insert(step.number);
                self.crew.say(Some(step.number), What::Begins { action: step.to_string() });
                lanes.push((step, Box::pin(self.lane(step))));
                rest.wake();
            }
            if lanes.is_empty() {
                break;
            }
            let mut i = 0;
            while i < lanes.len() {
                let (step, lane) = &mut lanes[i];
                let step: &Step = step;
                let Poll::Ready(end) = lane.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
                    i += 1;
                    continue;
                };
                drop(lanes.remove(i));
                rest.wake();
                match end {
                    Ok(ended) => self.note_done(step, &ended, &mut outcome)?,
                    Err(Halt::Failed(why)) => self.note_failed(step, why, &mut outcome)?,
                    Err(Halt::Journal(e)) => return Err(e),
                }
            }
            if !lanes.is_empty() {
                rest.sleep(clock);
            }
        }
        if outcome.stopped.is_none() {
            outcome.stopped = turns::run(clock, self.final_look());
        }
        match &outcome.stopped {
            Some(why) => self.write(Record::Stopped { why: why.clone() })?,
            None => self.write(Record::Finished)?,
        }
        Ok(outcome)
    }

    fn must_stop(&self) -> Option<String> {
        if self.crew.clock.stop_is_asked() {
            return Some("the operator asked to stop".into());
        }
        self.orders.until_unix_ns.filter(|t| self.crew.clock.now_unix_ns() >= *t).map(|_| "the time that was given is over".into())
    }

    /// One step from the look at the site to its end.
    async fn lane(&self, step: &Step) -> Result<Ended, Halt> {
        self.as_planned(step).await?;
        Under { run: self, step }.carry().await
    }

    /// Holds the whole site against what the plan says of this moment, but for what steps under way (or left loose) are about.
    async fn as_planned(&self, step: &Step) -> Result<(), Failure> {
        let mut excused = self.excused();
        let survey = self.survey().await;
        // A step that ended meanwhile was seen before its end.
        excused.extend(self.excused());
        let differs = self.state.borrow().expected.differences(&self.orders.guests, &survey, &excused);
        for d in &differs {
            self.crew.say(Some(step.number), What::Note { text: format!("not as planned: {d}") });
        }
        match differs.first() {
            Some(d) => Err(self.failure(d, &survey)),
            None => Ok(()),
        }
    }

    fn excused(&self) -> BTreeSet<Thing> {
        let state = self.state.borrow();
        let steps = self.orders.plan.steps.iter().filter(|s| state.under_way.contains(&s.number) || state.loose.contains(&s.number));
        steps.flat_map(|s| touched(&s.action)).collect()
    }

    fn failure(&self, d: &Difference, survey: &Survey) -> Failure {
        match &d.of {
            Thing::Host(host) => match survey.hosts.get(host) {
                Some(HostLook::Silent(e)) => gone(host, e),
                Some(HostLook::Off(how)) => is_off(host, how),
                _ => {
                    let on = self.state.borrow().expected.on.get(host).copied().unwrap_or(false);
                    let (should, is) = if on { ("on", d.is.clone()) } else { ("off", "on".into()) };
                    Failure::HostNotAsPlanned { host: host.clone(), should: should.into(), is: is.trim_start_matches("is ").into() }
                }
            },
            Thing::Guest(guest) => {
                let should = self.state.borrow().expected.runs_on.get(guest).cloned().flatten();
                let copies = self.orders.guests.get(guest).map(|u| survey.copies(*u)).unwrap_or_default();
                let in_place = should.as_ref().is_some_and(|h| copies.executing.as_slice() == [h.as_str()]);
                if in_place && copies.passing.is_empty() && copies.stuck.is_empty() {
                    // It is where it should be, and of another size.
                    return Failure::NotAsPlanned { guest: guest.clone(), should: d.should.clone(), is: d.is.clone() };
                }
                misplaced(guest, should.as_deref(), &copies, survey)
            }
        }
    }

    /// After the last step: everything is as the plan says, or what is not.
    async fn final_look(&self) -> Option<String> {
        let survey = self.survey().await;
        let differs = self.state.borrow().expected.differences(&self.orders.guests, &survey, &BTreeSet::new());
        for d in &differs {
            self.crew.say(None, What::Note { text: format!("not as planned: {d}") });
        }
        let first = differs.first()?;
        let more = if differs.len() > 1 { format!(", and {} more", differs.len() - 1) } else { String::new() };
        Some(format!("every step is done, and the site is not as the plan says: {first}{more}"))
    }

    fn note_done(&self, step: &Step, ended: &Ended, outcome: &mut Outcome) -> Result<(), std::io::Error> {
        self.write(Record::Done { step: step.number, seen: ended.seen.clone(), already: ended.already })?;
        self.ends(step.number);
        {
            let mut state = self.state.borrow_mut();
            state.follow(step);
            state.loose.remove(&step.number);
        }
        outcome.done.push((step.number, ended.already));
        self.crew.say(Some(step.number), What::Done { seen: ended.seen.clone(), already: ended.already });
        Ok(())
    }

    fn note_failed(&self, step: &Step, why: Failure, outcome: &mut Outcome) -> Result<(), std::io::Error> {
        self.write(Record::Failed { step: step.number, why: why.clone(), seen: why.to_string() })?;
        self.ends(step.number);
        // Others may go on beside it to their own end, and must not trip over what it left.
        self.state.borrow_mut().loose.insert(step.number);
        self.crew.say(Some(step.number), What::failed(&why));
        outcome.stopped.get_or_insert_with(|| format!("step {} ({}) stopped: {}", step.number, step.action, why.name()));
        outcome.failed.push((step.number, why));
        Ok(())
    }

    fn ends(&self, step: u32) {
        let now = self.crew.clock.monotonic_ns();
        let mut state = self.state.borrow_mut();
        state.under_way.remove(&step);
        for p in state.promises.iter_mut().filter(|p| p.step == step) {
            p.ended_ns = Some(now);
        }
    }

    pub(crate) fn write(&self, record: Record) -> Result<(), std::io::Error> {
        self.journal.borrow_mut().write(self.crew.clock.now_unix_ns(), record).map(|_| ())
    }

    /// Looks at one host, knowing what this run has switched off.
    pub(crate) async fn look(&self, host: &str) -> HostLook {
        let off = self.state.borrow().switched_off.clone();
        self.crew.look(host, &off).await
    }

    /// Looks at all hosts, knowing what this run has switched off.
    pub(crate) async fn survey(&self) -> Survey {
        let off = self.state.borrow().switched_off.clone();
        self.crew.survey(&off).await
    }

    pub(crate) fn note_switched_off(&self, host: &str) {
        self.state.borrow_mut().switched_off.insert(host.to_owned());
    }

    pub(crate) fn note_autostart(&self, guest: &str) {
        self.state.borrow_mut().autostart.insert(guest.to_owned());
    }

    pub(crate) fn wants_autostart(&self, guest: &str) -> bool {
        self.state.borrow().autostart.contains(guest)
    }

    /// The memory of a guest as the plan has it, MiB.
    pub(crate) fn planned_mib(&self, guest: &str) -> u64 {
        self.state.borrow().expected.sizes.get(guest).map_or(0, |s| s.0)
    }

    pub(crate) fn reserve(&self, step: u32, guest: &str, host: &str, mib: u64) {
        let promise = Promise { step, guest: guest.to_owned(), host: host.to_owned(), mib, ended_ns: None };
        self.state.borrow_mut().promises.push(promise);
    }

    /// By host: memory promised to guests of other steps that this survey does not show there yet, MiB.
    pub(crate) fn reserved_but(&self, step: u32, survey: &Survey) -> BTreeMap<String, u64> {
        let mut reserved: BTreeMap<String, u64> = BTreeMap::new();
        for p in &self.state.borrow().promises {
            // One that ended before the survey began is in it, or did not come.
            let open = p.step != step && p.ended_ns.is_none_or(|t| t >= survey.begun_ns);
            let there = self.orders.guests.get(&p.guest).and_then(|u| survey.guest_on(*u, &p.host)).is_some_and(|g| g.state.is_active());
            if open && !there {
                *reserved.entry(p.host.clone()).or_default() += p.mib;
            }
        }
        reserved
    }
}

/// Whether a step may begin beside those under way.
fn may_begin(step: &Step, steps: &[Step], under_way: &[&Step], began_ns: &BTreeMap<u32, u64>, now_ns: u64) -> bool {
    if under_way.is_empty() {
        return true;
    }
    if let Some(after_s) = step.starts_after_s {
        // A boot may begin beside the boots that it follows, so long after the one before it.
        let boots = |s: &Step| matches!(s.action, Action::BootHost { .. });
        let oldest = under_way.iter().map(|s| s.number).min().unwrap_or(step.number);
        let chain = steps.iter().filter(|s| s.number > oldest && s.number <= step.number).all(|s| boots(s) && s.starts_after_s.is_some());
        let before = began_ns.get(&(step.number - 1));
        let due = before.is_some_and(|t| now_ns >= t.saturating_add(after_s.saturating_mul(1_000_000_000)));
        return chain && boots(step) && under_way.iter().all(|s| boots(s)) && due;
    }
    under_way.iter().all(|s| s.number.saturating_add(step.beside) >= step.number && apart(&s.action, &step.action))
}

/// Whether two steps may be under way at once, whatever a plan says: never two of one guest, and never the power of a host that the other is about.
/// Each looks before it acts, and neither would see what the other is about to do.
fn apart(a: &Action, b: &Action) -> bool {
    let ((guest_a, hosts_a), (guest_b, hosts_b)) = (about(a), about(b));
    let of_host = |x: &Action| matches!(x, Action::BootHost { .. } | Action::PowerOffHost { .. } | Action::EvacuateHost { .. });
    let one_guest = guest_a.is_some() && guest_a == guest_b;
    let one_host = (of_host(a) || of_host(b)) && hosts_a.iter().any(|h| hosts_b.contains(h));
    !one_guest && !one_host
}
