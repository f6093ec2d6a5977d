//! Calls: on their way, taking effect at some moment, answered at a later one, or none of these.

use executor::host::{Address, Call, CallError, Definition, GuestState, Host, Pending, Reply};
use executor::switch::{PowerPending, PowerState, PowerSwitch, Switch};
use uuid::Uuid;

use super::World;
use super::definition;
use super::fault::CallFault;
use super::oracle::{Asked, CallBegun, Cause, Violation};
use super::state::{Doing, Domain, Event, MS, Nature, S, State, Stuck};

/// How a call ended.
#[derive(Debug, Clone)]
pub(super) enum End {
    Call(Result<Reply, CallError>),
    Switch(Result<PowerState, String>),
}

/// A call that was begun.
pub(super) struct Flight {
    pub(super) host: String,
    pub(super) asked: Asked,
    /// The life of the executor that began it.
    pub(super) life: u32,
    pub(super) fault: Option<CallFault>,
    /// It can neither take effect nor be answered by its host any more.
    pub(super) dead: bool,
    pub(super) answer: Option<End>,
}

/// A host of the fake.
pub(super) struct FakeHost {
    pub(super) world: World,
    pub(super) address: Address,
}

impl Host for FakeHost {
    fn address(&self) -> &Address {
        &self.address
    }

    fn begin(&self, call: Call) -> Box<dyn Pending> {
        let number = self.world.issue(&self.address.name, Asked::Call(call));
        Box::new(InFlight { world: self.world.clone(), number })
    }
}

impl PowerSwitch for World {
    fn can(&self, host: &str, _: Switch) -> bool {
        self.lock().hosts.get(host).is_some_and(|h| h.power)
    }

    fn begin(&self, host: &str, what: Switch) -> Option<Box<dyn PowerPending>> {
        if !self.lock().hosts.get(host)?.power {
            return None;
        }
        let number = self.issue(host, Asked::Switch(what));
        Some(Box::new(InFlight { world: self.clone(), number }))
    }
}

struct InFlight {
    world: World,
    number: u64,
}

impl Pending for InFlight {
    fn poll(&mut self) -> Option<Result<Reply, CallError>> {
        match self.world.lock().poll(self.number)? {
            End::Call(end) => Some(end),
            End::Switch(_) => unreachable!("a hypervisor's call does not end as a switch"),
        }
    }
}

impl PowerPending for InFlight {
    fn poll(&mut self) -> Option<Result<PowerState, String>> {
        match self.world.lock().poll(self.number)? {
            End::Switch(end) => Some(end),
            End::Call(_) => unreachable!("a switch does not end as a hypervisor's call"),
        }
    }
}

impl State {
    /// So many polls without a wait between them, and nobody will ever wait.
    const MOST_POLLS: u64 = 1_000_000;

    fn poll(&mut self, number: u64) -> Option<End> {
        self.polls += 1;
        assert!(self.polls < Self::MOST_POLLS, "the executor polls and does not wait: time stands still");
        let end = self.flights.get_mut(&number)?.answer.take()?;
        self.flights.remove(&number);
        Some(end)
    }

    /// Sends a call on its way; its number was counted already.
    pub(super) fn send(&mut self, host: &str, asked: Asked) -> u64 {
        let number = self.begun;
        let passes = self.latency.between(50_000, 150_000);
        self.pass(passes);
        let fault = self.fault_of(asked.kind());
        self.calls.push(CallBegun { number, at_ns: self.now_ns, host: host.to_owned(), asked: asked.clone() });
        if asked.acts() {
            let of = asked.guest().map(|g| format!(" {}", self.name(g))).unwrap_or_default();
            self.note(format!("#{number} {}{of} on {host} is begun{}", asked.word(), fault.as_ref().map_or("", |_| ", with a fault")));
        }
        let arrives = self.one_way(&asked);
        let reachable = matches!(self.host(host).doing, Doing::Up | Doing::Hung) && !self.host(host).unplugged;
        let refused = self.host(host).doing == Doing::DaemonDown && !self.host(host).unplugged;
        let of_host = matches!(asked, Asked::Call(_));
        let flight = Flight { host: host.to_owned(), asked, life: self.life, fault: fault.clone(), dead: false, answer: None };
        self.flights.insert(number, flight);
        if of_host && !reachable {
            // A host without power does not even refuse: its neighbours find out after some seconds.
            let (after, why) = if refused { (MS, "Connection refused") } else { (self.latency.between(1, 3) * S, "No route to host") };
            let why = format!("unable to connect to server at '{host}': {why}");
            self.schedule(after, Event::Told(number, End::Call(Err(CallError::Unreachable(why)))));
            return number;
        }
        match fault {
            Some(CallFault::RequestLost) => {}
            Some(CallFault::Fails(error)) => self.reply(number, Err(error)),
            Some(CallFault::Late { by_ns }) => self.schedule(by_ns + arrives, Event::Effect(number)),
            _ => self.schedule(arrives, Event::Effect(number)),
        }
        number
    }

    /// How long a call takes to its host, or its answer back.
    fn one_way(&mut self, asked: &Asked) -> u64 {
        match asked {
            Asked::Call(Call::Look | Call::Definition { .. }) => self.latency.between(1, 5) * MS,
            Asked::Call(Call::Start { .. }) => self.latency.between(100, 1_500) * MS,
            Asked::Call(_) => self.latency.between(5, 150) * MS,
            Asked::Switch(_) => self.latency.between(100, 2_000) * MS,
        }
    }

    pub(super) fn take_effect(&mut self, number: u64) {
        let Some(flight) = self.flights.get(&number).filter(|f| !f.dead) else { return };
        let (host, asked, life, fault) = (flight.host.clone(), flight.asked.clone(), flight.life, flight.fault.clone());
        let call = match asked {
            Asked::Switch(what) => return self.switch(number, &host, what),
            Asked::Call(call) => call,
        };
        match self.host(&host).doing {
            Doing::Hung => return self.host_mut(&host).stuck.push(Stuck::Effect(number)),
            Doing::Up if !self.host(&host).unplugged => {}
            // The request does not arrive.
            _ => return,
        }
        if matches!(&call, Call::Migrate { how, .. } if !how.peer_to_peer) && life != self.life {
            // Whoever was to drive it is dead.
            return;
        }
        let end = self.act(number, &host, &call);
        if call.acts() {
            let of = Asked::Call(call.clone()).guest().map_or_else(String::new, |g| self.name(g));
            let how = end.as_ref().map_or_else(|| "under way".into(), |e| e.as_ref().map_or_else(ToString::to_string, |_| "done".into()));
            self.note(format!("#{number} {} {of} on {host}: {how}", call.word()));
        }
        self.judge(&Cause::Call(number));
        if fault == Some(CallFault::ConnectionBreaks) {
            self.driver_lost(Some(number));
            if let Some(flight) = self.flights.get_mut(&number) {
                flight.dead = true;
            }
            let lost = CallError::Lost("End of file while reading data".into());
            return self.schedule(MS, Event::Told(number, End::Call(Err(lost))));
        }
        if let Some(end) = end {
            self.reply(number, end);
        }
    }

    /// What a call does; nothing, where its end comes later.
    fn act(&mut self, number: u64, host: &str, call: &Call) -> Option<Result<Reply, CallError>> {
        Some(match call {
            Call::Look => Ok(Reply::Seen(self.seen(host))),
            Call::Definition { guest } => self.known(host, *guest).map(|d| Reply::Definition(d.definition.clone())),
            Call::Define { definition } => self.define(host, definition),
            Call::Start { guest } => self.start_guest(host, *guest),
            Call::ShutDown { guest } => self.shut_down(host, *guest),
            Call::Destroy { guest } => self.active(host, *guest).map(|_| ()).map(|()| {
                self.guest_stops(host, *guest, "the guest was destroyed");
                Reply::Done
            }),
            Call::Undefine { guest } => self.undefine(host, *guest),
            Call::Migrate { guest, to, how } => return self.migrate(number, host, *guest, to, *how),
            Call::PostCopy { guest } => self.post_copy(host, *guest),
            Call::AbortJob { guest } => self.abort(host, *guest),
            Call::SetAutostart { guest, on } => self.set_autostart(host, *guest, *on),
            Call::MeasureDirtyRate { guest, seconds } => self.active(host, *guest).map(|d| d.run).map(|run| {
                self.schedule(u64::from(*seconds) * S, Event::Measured { guest: *guest, run });
                Reply::Done
            }),
        })
    }

    pub(super) fn known(&self, host: &str, guest: Uuid) -> Result<&Domain, CallError> {
        let no = || CallError::NoGuest(format!("Domain not found: no domain with matching uuid '{guest}'"));
        self.domain(host, guest).ok_or_else(no)
    }

    pub(super) fn active(&self, host: &str, guest: Uuid) -> Result<&Domain, CallError> {
        let domain = self.known(host, guest)?;
        if domain.state.is_active() { Ok(domain) } else { Err(CallError::State("domain is not running".into())) }
    }

    fn define(&mut self, host: &str, definition: &Definition) -> Result<Reply, CallError> {
        let made = definition::read(definition)?;
        for other in self.host(host).domains.values().map(|d| &d.definition) {
            if (other.uuid == definition.uuid) != (other.name == definition.name) {
                return Err(CallError::Refused(format!("domain '{}' already exists with uuid {}", other.name, other.uuid)));
            }
        }
        self.natures.entry(definition.uuid).or_insert_with(|| Nature::of(&definition.name));
        match self.domain_mut(host, definition.uuid) {
            Some(known) => {
                // What runs goes on with what it was started with.
                if !known.state.is_active() {
                    (known.memory_kib, known.vcpus) = (made.memory_kib, made.vcpus);
                }
                (known.definition, known.persistent) = (definition.clone(), true);
            }
            None => {
                let domain = Domain {
                    definition: definition.clone(),
                    state: GuestState::ShutOff,
                    persistent: true,
                    autostart: false,
                    memory_kib: made.memory_kib,
                    vcpus: made.vcpus,
                    run: 0,
                    since_ns: self.now_ns,
                    dirty_mib_per_s: None,
                };
                self.host_mut(host).domains.insert(definition.uuid, domain);
            }
        }
        Ok(Reply::Done)
    }

    fn start_guest(&mut self, host: &str, guest: Uuid) -> Result<Reply, CallError> {
        if self.known(host, guest)?.state.is_active() {
            return Err(CallError::State("domain is already running".into()));
        }
        if self.host(host).out_of_memory {
            return Err(CallError::Refused("cannot set up guest memory 'pc.ram': Cannot allocate memory".into()));
        }
        // Whether it runs on another host, nobody asks.
        self.run(host, guest);
        Ok(Reply::Done)
    }

    fn shut_down(&mut self, host: &str, guest: Uuid) -> Result<Reply, CallError> {
        let run = self.active(host, guest)?.run;
        self.not_while_it_leaves(guest)?;
        if !self.natures.get(&guest).is_some_and(|n| n.deaf) {
            let takes = self.habits.between(500, 20_000) * MS;
            self.schedule(takes, Event::PowersOff { guest, run });
        }
        Ok(Reply::Done)
    }

    fn undefine(&mut self, host: &str, guest: Uuid) -> Result<Reply, CallError> {
        let domain = self.known(host, guest)?;
        match (domain.state.is_active(), domain.persistent) {
            (true, false) => return Err(CallError::State("cannot undefine transient domain".into())),
            (false, _) => {
                self.host_mut(host).domains.remove(&guest);
            }
            (true, true) => {
                if let Some(domain) = self.domain_mut(host, guest) {
                    (domain.persistent, domain.autostart) = (false, false);
                }
            }
        }
        Ok(Reply::Done)
    }

    fn set_autostart(&mut self, host: &str, guest: Uuid, on: bool) -> Result<Reply, CallError> {
        if !self.known(host, guest)?.persistent {
            return Err(CallError::State("cannot set autostart for transient domain".into()));
        }
        self.not_while_it_leaves(guest)?;
        if let Some(domain) = self.domain_mut(host, guest) {
            domain.autostart = on;
        }
        Ok(Reply::Done)
    }

    fn not_while_it_leaves(&self, guest: Uuid) -> Result<(), CallError> {
        if self.migrations.values().any(|m| m.guest == guest) {
            return Err(CallError::Refused("Timed out during operation: cannot acquire state change lock (held by migration)".into()));
        }
        Ok(())
    }

    /// A host's power is switched, or read.
    fn switch(&mut self, number: u64, host: &str, what: Switch) {
        let answer = match what {
            Switch::Status if matches!(self.host(host).doing, Doing::Off | Doing::Dead) => PowerState::Off,
            Switch::Status => PowerState::On,
            Switch::On => {
                self.host_boots(host);
                PowerState::On
            }
            Switch::Off => {
                self.switch_off(number, host);
                PowerState::Off
            }
        };
        if self.flights.get(&number).is_some_and(|f| f.fault == Some(CallFault::ConnectionBreaks)) {
            let lost = CallError::Lost("the command was cut off".into());
            return self.schedule(MS, Event::Told(number, self.as_end(number, Err(lost))));
        }
        let fault = self.flights.get(&number).and_then(|f| f.fault.clone());
        let takes = self.latency.between(100, 2_000) * MS;
        match fault {
            Some(CallFault::ReplyLost) => {}
            Some(CallFault::AnswersError(error)) => self.schedule(takes, Event::Told(number, End::Switch(Err(error.to_string())))),
            _ => self.schedule(takes, Event::Told(number, End::Switch(Ok(answer)))),
        }
    }

    fn switch_off(&mut self, number: u64, host: &str) {
        if matches!(self.host(host).doing, Doing::Off | Doing::Dead | Doing::GoingDown) {
            return;
        }
        let active = self.host(host).domains.values().filter(|d| d.state.is_active());
        let guests: Vec<String> = active.map(|d| d.definition.name.clone()).collect();
        if !guests.is_empty() {
            let at_ns = self.now_ns;
            self.note(format!("VIOLATION: #{number} switches {host} off under {}", guests.join(", ")));
            self.violations.push(Violation::OffUnderGuests { host: host.to_owned(), at_ns, guests, call: number });
        }
        self.host_stops(host, Doing::GoingDown, "the host is going down");
        self.judge(&Cause::Call(number));
        let (takes, epoch) = (self.habits.between(2, 10) * S, self.host(host).epoch);
        self.schedule(takes, Event::Off { host: host.to_owned(), epoch });
    }

    fn as_end(&self, number: u64, end: Result<Reply, CallError>) -> End {
        match self.flights.get(&number).map(|f| &f.asked) {
            Some(Asked::Switch(_)) => End::Switch(Err(end.map_or_else(|e| e.to_string(), |_| "no power state".into()))),
            _ => End::Call(end),
        }
    }

    /// A host, or a power command that failed without effect, sends its answer.
    pub(super) fn reply(&mut self, number: u64, end: Result<Reply, CallError>) {
        let Some(flight) = self.flights.get(&number) else { return };
        let (asked, fault) = (flight.asked.clone(), flight.fault.clone());
        let end = match fault {
            Some(CallFault::ReplyLost) => return,
            Some(CallFault::AnswersError(error)) if end.is_ok() => Err(error),
            _ => end,
        };
        let takes = self.one_way(&asked);
        let end = self.as_end(number, end);
        let event = if matches!(asked, Asked::Call(_)) { Event::Answer(number, end) } else { Event::Told(number, end) };
        self.schedule(takes, event);
    }

    /// A host's answer arrives, if its host still sends it.
    pub(super) fn answer(&mut self, number: u64, end: End) {
        let Some(flight) = self.flights.get(&number).filter(|f| !f.dead) else { return };
        let host = flight.host.clone();
        if self.host(&host).doing == Doing::Hung {
            self.host_mut(&host).stuck.push(Stuck::Answer(number, end));
        } else if self.host(&host).answers() {
            self.told(number, end);
        }
    }

    pub(super) fn told(&mut self, number: u64, end: End) {
        if let Some(flight) = self.flights.get_mut(&number)
            && flight.answer.is_none()
        {
            flight.answer = Some(end);
        }
    }

    /// All calls that are under way at a host die with its daemon: at once where its kernel lives and closes their connections; where
    /// nobody closes them, they are found broken after half a minute, or never.
    pub(super) fn break_flights(&mut self, host: &str, closed: bool) {
        let here = |f: &Flight| f.host == host && matches!(f.asked, Asked::Call(_)) && !f.dead && f.answer.is_none();
        let numbers: Vec<u64> = self.flights.iter().filter(|(_, f)| here(f)).map(|(n, _)| *n).collect();
        for number in numbers {
            let silent = self.flights.get_mut(&number).is_some_and(|f| {
                f.dead = true;
                matches!(f.fault, Some(CallFault::RequestLost | CallFault::ReplyLost))
            });
            let told = !silent && (closed || self.fate.one_in(2));
            if told {
                let lost = CallError::Lost("End of file while reading data".into());
                self.schedule(if closed { MS } else { 30 * S }, Event::Told(number, End::Call(Err(lost))));
            }
        }
    }
}
