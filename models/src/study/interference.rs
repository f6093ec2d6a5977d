//! What busy guests cost the others on their host: rival laws, each with one number fitted or none, and the price of a plan's placement.
//!
//! The benchmark is one guest that serves requests over a network, alone and beside others. Three laws are asked
//! ([`crate::law::interference`]); where they differ, the spread is the answer. A measured loss gives one number to each law that
//! can use it, and a figure says how many numbers went into it. What is given and unknown (the driver domain's work, what a
//! benchmark keeps busy) goes in with its range.

use serde::Serialize;

use super::{Answer, Study};
use crate::estimate::Estimate;
use crate::law::interference::latency::Loop;
use crate::law::interference::{Beside, Case, Host, Serving, latency, share, two_class};
use crate::law::network_cap::Answered;
use crate::quantity::{BytesPerSecond, Cores, Nanos, PerSecond, QuantityError};

/// The givens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Interference {
    /// Cores of the host.
    pub cores: u32,
    /// Virtual CPUs of its driver domain.
    pub driver_vcpus: u32,
    /// Weight of its driver domain.
    pub driver_weight: u32,
    /// The scheduler's slice.
    pub slice: Nanos,
    /// What clients and host are joined by.
    pub network: Network,
    /// Clients that ask at the same time.
    pub clients: u32,
    /// Requests of a run.
    pub requests: u32,
    /// The guest that serves them.
    pub guest: Guest,
    /// Kinds of other guests.
    pub kinds: Vec<KindOfGuest>,
    /// Several kinds together.
    pub mixes: Vec<Mix>,
}

/// The link and what a request puts on it. Bytes, whole numbers; ends of ranges that are not whole are cut off.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Network {
    /// Its rate.
    pub link: BytesPerSecond,
    /// Bytes of the page.
    pub page: Estimate,
    /// Bytes of the HTTP header.
    pub header: Estimate,
    /// Frames without payload for each request.
    pub bare_frames: Estimate,
    /// The largest content of a frame, bytes.
    pub mtu: u32,
    /// TCP options of a segment, bytes.
    pub options: Estimate,
}

/// The guest that serves requests.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Guest {
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Weight.
    pub weight: u32,
    /// Cores that it needs at its throughput alone: at most its virtual CPUs.
    pub needs: Estimate,
    /// Cores that the driver domain needs for it at that throughput.
    pub driver: Estimate,
    /// The share of native throughput that paravirtualisation costs: 0 to 1.
    pub paravirtual_cost: Estimate,
}

/// What a guest does for its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Devices {
    /// It hardly uses any.
    Unused,
    /// They are emulated for it.
    Emulated,
    /// It has paravirtual drivers for them.
    Paravirtual,
}

/// A kind of guest that runs beside.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KindOfGuest {
    /// Its name.
    pub name: String,
    /// Cores that each keeps busy.
    pub cores: Estimate,
    /// Cores that the driver domain would keep busy for each.
    pub driver: Estimate,
    /// Weight of each.
    pub weight: u32,
    /// What it does for its devices.
    pub devices: Devices,
    /// The counts that are asked about; none for a kind that is only part of mixes.
    pub counts: Vec<u32>,
    /// What was measured beside some of them.
    pub measured: Option<Measured>,
}

/// A loss that was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measured {
    /// Beside how many.
    pub count: u32,
    /// The share of throughput lost, above 0 and below 1: the number that laws are fitted to, and other readings of it.
    pub loss: Estimate,
}

/// Guests of several kinds on one host.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mix {
    /// Its name.
    pub name: String,
    /// Kind (its position) and count.
    pub beside: Vec<(usize, u32)>,
    /// Cores of this host that the machine was worth which the guest replaced.
    pub replaced: Option<Estimate>,
}

/// Fully virtual guests on the hosts of a placement.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// Hosts with such guests: name, cores, how many.
    pub stacks: Vec<(String, u32, u32)>,
    /// The most that the rule allows on a host, where it is asked.
    pub limit: Option<u32>,
}

/// An end of the ranges, or their value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pick {
    /// The one that costs the least.
    Least,
    /// The value.
    Value,
    /// The one that costs the most.
    Most,
}

impl Pick {
    const fn of(self, e: Estimate) -> f64 {
        match self {
            Self::Least => e.low,
            Self::Value => e.value,
            Self::Most => e.high,
        }
    }
}

/// What each law takes from what was measured: one number each, or nothing.
struct Fits {
    /// The kind whose loss the line and the dispatches come from.
    by_cpu: Option<usize>,
    /// Ends of the line of needs and driver's work, for fair sharing.
    line: Option<[(Cores, Cores); 2]>,
    /// Dispatches that a request waits for.
    dispatches: Option<f64>,
    /// The kind with emulated devices, and its count and measured share left, for the two classes.
    by_devices: Option<(usize, u32, f64)>,
}

/// A law's word on a loss, percent.
struct Rival {
    law: &'static str,
    loss: Estimate,
    how: String,
}

const SHARE: &str = "share";
const TWO_CLASS: &str = "two-class";
const LATENCY: &str = "latency";

impl Interference {
    /// Answers.
    ///
    /// # Errors
    /// Givens that do not go together: as the laws.
    pub fn answer(&self, study: &Study) -> Result<Answer, QuantityError> {
        let laws = ["network_cap", "share", "interference/share", "interference/two_class", "interference/latency"];
        let mut answer = Answer::to(study, &laws);
        self.throughput(&mut answer)?;
        let fits = self.fits()?;
        for k in 0..self.kinds.len() {
            self.beside_kind(k, &fits, &mut answer)?;
        }
        self.on_two_hosts(&fits, &mut answer)?;
        self.twice_the_clients(&fits, &mut answer)?;
        self.order(&mut answer)?;
        for mix in &self.mixes {
            self.mix(mix, &fits, &mut answer)?;
        }
        Ok(answer)
    }

    /// Adds what the fully virtual guests of a placement cost their neighbours, at most on any host, at the limit, at one more, and
    /// where all stood on one host.
    ///
    /// Each is taken as busy as the kinds of the benchmark; a guest that idles costs nothing.
    ///
    /// # Errors
    /// As [`Interference::answer`].
    pub fn beside_placed(&self, placed: &Placed, answer: &mut Answer) -> Result<(), QuantityError> {
        let all: u32 = placed.stacks.iter().map(|(_, _, n)| n).sum();
        // The fullest host; of equals the first.
        let fullest = placed.stacks.iter().max_by(|a, b| a.2.cmp(&b.2).then_with(|| b.0.cmp(&a.0)));
        let Some((host, cores, most)) = fullest.filter(|s| s.2 > 0) else { return Ok(()) };
        let fits = self.fits()?;
        answer.tell("plan: most on a host", Estimate::exactly(f64::from(*most)), "guests", "counted in the placement");
        let price = |n: u32| -> Result<Vec<(usize, Estimate, u32)>, QuantityError> {
            (self.busy()).map(|k| self.price(Cores::new(f64::from(*cores))?, &[(k, n)], &fits).map(|(e, fitted)| (k, e, fitted))).collect()
        };
        let mut asked = vec![("in the plan", *most)];
        asked.extend(placed.limit.filter(|l| l != most).map(|l| ("at the limit", l)));
        let more = placed.limit.unwrap_or(*most).max(*most).saturating_add(1);
        // Where the last case is one more or fewer, "all on one host" says it.
        if more < all {
            asked.push(("one more", more));
        }
        asked.push(("all on one", all));
        let mut said = Vec::new();
        for (what, n) in asked {
            let mut parts = Vec::new();
            for (k, loss, fitted) in price(n)? {
                let kind = &self.kinds[k].name;
                answer.tell_fitted(format!("{what}: {kind} x {n}"), loss, "% lost", fitted, "envelope of the laws");
                parts.push(format!("{} beside {kind} ones", percent(loss)));
            }
            said.push(match what {
                "in the plan" => {
                    format!(
                        "most fully virtual guests on a host in the plan: {n} ({host}); predicted loss of a neighbour: {}",
                        parts.join(", ")
                    )
                }
                "at the limit" => format!("at the limit of {n}: {}", parts.join(", ")),
                "one more" => format!("at one more, {n}: {}", parts.join(", ")),
                _ => format!("with all {n} on one host: {}", parts.join(", ")),
            });
        }
        answer.say(said.join("; "));
        Ok(())
    }

    /// Requests a second without a hypervisor and with one paravirtual guest, as far as the network says.
    fn throughput(&self, answer: &mut Answer) -> Result<(), QuantityError> {
        let native = self.throughput_most()?;
        answer.tell("native", native, "requests/s", "what the link carries, every byte counted");
        let one = self.alone()?;
        answer.tell("one paravirtual guest", one, "requests/s", "what the link carries, less the given cost");
        let run = f64::from(self.requests);
        let seconds = Estimate { value: run / one.value, low: run / one.high, high: run / one.low };
        answer.tell("length of a run", seconds, "s", "requests over throughput");
        answer.say(format!(
            "The link carries {:.0} to {:.0} requests/s: below that nothing can be seen of what a guest costs another, nor of what \
             paravirtualisation costs",
            native.low, native.high
        ));
        Ok(())
    }

    /// Requests a second that the link carries: nothing else limits a machine without a hypervisor here.
    ///
    /// # Errors
    /// As [`Answered::wire_bytes`].
    pub fn throughput_most(&self) -> Result<Estimate, QuantityError> {
        let most = |pick: Pick| {
            let of = |e: Estimate| pick.of(e) as u64;
            let n = &self.network;
            Answered { page: of(n.page), header: of(n.header), bare_frames: of(n.bare_frames), mtu: n.mtu.into(), options: of(n.options) }
                .most(n.link)
                .map(PerSecond::get)
        };
        Ok(Estimate { value: most(Pick::Value)?, low: most(Pick::Most)?, high: most(Pick::Least)? })
    }

    fn alone(&self) -> Result<Estimate, QuantityError> {
        let (native, cost) = (self.throughput_most()?, self.guest.paravirtual_cost);
        Ok(Estimate { value: native.value * (1.0 - cost.value), low: native.low * (1.0 - cost.high), high: native.high * (1.0 - cost.low) })
    }

    fn benchmark(&self, clients: u32) -> Result<Loop, QuantityError> {
        Ok(Loop { clients, slice: self.slice, alone: PerSecond::new(self.alone()?.value)? })
    }

    /// Kinds that keep a host busy and have no paravirtual drivers.
    fn busy(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.kinds.len()).filter(|k| !self.kinds[*k].counts.is_empty() && self.kinds[*k].devices != Devices::Paravirtual)
    }

    fn case(&self, cores: Cores, mix: &[(usize, u32)], needs: f64, driver: f64, pick: Pick) -> Result<Case, QuantityError> {
        let beside = |(k, count): &(usize, u32)| {
            let kind = &self.kinds[*k];
            Ok(Beside {
                count: *count,
                cores: Cores::new(pick.of(kind.cores))?,
                driver: Cores::new(pick.of(kind.driver))?,
                weight: kind.weight,
                emulated: kind.devices == Devices::Emulated,
            })
        };
        Ok(Case {
            host: Host { cores, driver_vcpus: Cores::new(f64::from(self.driver_vcpus))?, driver_weight: self.driver_weight },
            guest: Serving { needs: Cores::new(needs)?, driver: Cores::new(driver)?, weight: self.guest.weight },
            beside: mix.iter().map(beside).collect::<Result<_, QuantityError>>()?,
        })
    }

    fn bench_cores(&self) -> Result<Cores, QuantityError> {
        Cores::new(f64::from(self.cores))
    }

    fn vcpus(&self) -> f64 {
        f64::from(self.guest.vcpus)
    }

    /// Loss by fair sharing, nothing fitted, percent, of a guest that needs all its virtual CPUs.
    fn unfitted(&self, cores: Cores, mix: &[(usize, u32)]) -> Result<Estimate, QuantityError> {
        let at = |pick: Pick| share::left(&self.case(cores, mix, self.vcpus(), pick.of(self.guest.driver), pick)?).map(lost);
        Ok(Estimate { value: at(Pick::Value)?, low: at(Pick::Least)?, high: at(Pick::Most)? })
    }

    /// What each law takes from what was measured.
    fn fits(&self) -> Result<Fits, QuantityError> {
        let (cores, driver) = (self.bench_cores()?, self.guest.driver.value);
        let measured =
            |devices| self.kinds.iter().enumerate().find_map(|(k, kind)| Some((k, kind.measured.filter(|_| kind.devices == devices)?)));
        let mut fits = Fits { by_cpu: None, line: None, dispatches: None, by_devices: None };
        if let Some((k, m)) = measured(Devices::Unused) {
            let case = self.case(cores, &[(k, m.count)], self.vcpus(), driver, Pick::Value)?;
            fits.by_cpu = Some(k);
            fits.line = share::line(&case, Cores::new(self.vcpus())?, 1.0 - m.loss.value)?;
            fits.dispatches = latency::dispatches(&case, &self.benchmark(self.clients)?, 1.0 - m.loss.value)?;
        }
        fits.by_devices = measured(Devices::Emulated).map(|(k, m)| (k, m.count, 1.0 - m.loss.value));
        Ok(fits)
    }

    /// What the fitted laws say of a mix: each with one number.
    fn rivals(&self, cores: Cores, mix: &[(usize, u32)], clients: u32, fits: &Fits) -> Result<Vec<Rival>, QuantityError> {
        let mut all = Vec::new();
        let name = |k: usize| self.kinds[k].name.as_str();
        let emulated = mix.iter().any(|(k, n)| *n > 0 && self.kinds[*k].devices == Devices::Emulated);
        if let (Some(line), Some(k), false) = (fits.line, fits.by_cpu, emulated) {
            let at = |(d, delta): (Cores, Cores), pick| share::left(&self.case(cores, mix, d.get(), delta.get(), pick)?).map(lost);
            let at = |pick| Ok::<_, QuantityError>((at(line[0], pick)?, at(line[1], pick)?));
            let (least, value, most) = (at(Pick::Least)?, at(Pick::Value)?, at(Pick::Most)?);
            let loss = Estimate { value: f64::midpoint(value.0, value.1), low: least.0.min(least.1), high: most.0.max(most.1) };
            all.push(Rival { law: SHARE, loss, how: format!("a line of needs fitted beside {}", name(k)) });
        }
        if let (Some((k, count, left)), true) = (fits.by_devices, emulated) {
            // The driver domain's work is not known: each value of it has its own number, and says its own loss.
            let mut said: Vec<f64> = Vec::new();
            for pick in [Pick::Value, Pick::Least, Pick::Most] {
                let driver = pick.of(self.guest.driver);
                let fitted = self.case(self.bench_cores()?, &[(k, count)], self.vcpus(), driver, Pick::Value)?;
                if let Some(taken) = two_class::taken(&fitted, left)? {
                    said.push(lost(two_class::left(&self.case(cores, mix, self.vcpus(), driver, Pick::Value)?, taken)?));
                }
            }
            if let Some(loss) = envelope(said) {
                all.push(Rival { law: TWO_CLASS, loss, how: format!("what each takes first, fitted beside {}", name(k)) });
            }
        }
        if let (Some(dispatches), Some(k)) = (fits.dispatches, fits.by_cpu) {
            let of = self.benchmark(clients)?;
            let at = |pick| latency::left(&self.case(cores, mix, self.vcpus(), self.guest.driver.value, pick)?, &of, dispatches).map(lost);
            let loss = Estimate { value: at(Pick::Value)?, low: at(Pick::Least)?, high: at(Pick::Most)? };
            all.push(Rival { law: LATENCY, loss, how: format!("slices that a request waits for, fitted beside {}", name(k)) });
        }
        Ok(all)
    }

    /// The envelope of fair sharing without a fitted number and of the fitted laws, and how many numbers these took.
    fn price(&self, cores: Cores, mix: &[(usize, u32)], fits: &Fits) -> Result<(Estimate, u32), QuantityError> {
        let mut loss = self.unfitted(cores, mix)?;
        let rivals = self.rivals(cores, mix, self.clients, fits)?;
        for r in &rivals {
            (loss.low, loss.high) = (loss.low.min(r.loss.low), loss.high.max(r.loss.high));
        }
        // A law that was fitted to such guests knows more than one that was not.
        if let Some(first) = rivals.first() {
            loss.value = first.loss.value;
        }
        Ok((loss, rivals.len() as u32))
    }

    fn beside_kind(&self, k: usize, fits: &Fits, answer: &mut Answer) -> Result<(), QuantityError> {
        let (kind, cores) = (&self.kinds[k], self.bench_cores()?);
        let most = kind.counts.iter().max().copied().unwrap_or(0);
        for n in &kind.counts {
            let name = format!("{} x {n}", kind.name);
            let unfitted = self.unfitted(cores, &[(k, *n)])?;
            answer.tell(format!("{name}: {SHARE}"), unfitted, "% lost", "fair share of a guest that needs all its vCPUs");
            let rivals = self.rivals(cores, &[(k, *n)], self.clients, fits)?;
            if let Some(first) = rivals.first() {
                let ends = |pick: fn(Estimate) -> f64| rivals.iter().map(move |r| pick(r.loss));
                let low = ends(|e| e.low).fold(f64::INFINITY, f64::min);
                let high = ends(|e| e.high).fold(0.0, f64::max);
                let laws: Vec<&str> = rivals.iter().map(|r| r.law).collect();
                let how = format!("envelope of {}", laws.join(" and "));
                answer.tell_fitted(
                    format!("{name}: fitted"),
                    Estimate { low, high, value: first.loss.value },
                    "% lost",
                    rivals.len() as u32,
                    &how,
                );
            }
            // The laws one by one where they differ: at the largest count and the one before it.
            for r in rivals.iter().filter(|_| n.saturating_add(1) >= most) {
                // Fair sharing also has a figure without a fitted number.
                let name = if r.law == SHARE { format!("{name}: {SHARE}, fitted") } else { format!("{name}: {}", r.law) };
                answer.tell_fitted(name, r.loss, "% lost", 1, &r.how);
            }
            if *n == most {
                let least = share::left(&self.case(cores, &[(k, most)], self.guest.needs.low, self.guest.driver.low, Pick::Least)?)?;
                let value = share::left(&self.case(cores, &[(k, most)], self.guest.needs.value, self.guest.driver.value, Pick::Value)?)?;
                let most_of = share::left(&self.case(cores, &[(k, most)], self.guest.needs.high, self.guest.driver.high, Pick::Most)?)?;
                let unknown = Estimate { value: lost(value), low: lost(least).min(lost(value)), high: lost(most_of).max(lost(value)) };
                answer.tell(format!("{name}: need unknown"), unknown, "% lost", "fair share; the guest needs what is given");
            }
        }
        if let Some(m) = kind.measured {
            let (unfitted, measured) = (self.unfitted(cores, &[(k, m.count)])?, 100.0 * m.loss.value);
            let (low, high) = (unfitted.low, unfitted.high);
            let apart = (low - measured).max(measured - high);
            answer.say(if apart > 0.0 {
                format!(
                    "Beside {} {} {measured:.1} % was lost; fair sharing alone says {low:.1} to {high:.1} %: missed by {apart:.1} points, so it is not all there is",
                    m.count, kind.name
                )
            } else {
                format!("Beside {} {} {measured:.1} % was lost, within the {low:.1} to {high:.1} % of fair sharing", m.count, kind.name)
            });
            self.other_reading(k, m, answer)?;
        }
        Ok(())
    }

    /// Where the measured loss can be read in another way: what fair sharing says then of one guest fewer.
    fn other_reading(&self, k: usize, m: Measured, answer: &mut Answer) -> Result<(), QuantityError> {
        if self.kinds[k].devices != Devices::Unused || !m.loss.is_ranged() || m.count < 2 {
            return Ok(());
        }
        let other = if m.loss.low < m.loss.value { m.loss.low } else { m.loss.high };
        let mut read = self.clone();
        read.kinds[k].measured = Some(Measured { loss: Estimate::exactly(other), ..m });
        let rivals = read.rivals(self.bench_cores()?, &[(k, m.count - 1)], self.clients, &read.fits()?)?;
        if let Some(r) = rivals.iter().find(|r| r.law == SHARE) {
            let (n, name) = (m.count - 1, &self.kinds[k].name);
            answer.say(format!(
                "Read as a loss of {:.2} %, fair sharing with one number says {} beside {n} {name}",
                100.0 * other,
                percent(r.loss)
            ));
        }
        Ok(())
    }

    /// The measured kinds again, half of them on each of two hosts.
    fn on_two_hosts(&self, fits: &Fits, answer: &mut Answer) -> Result<(), QuantityError> {
        for (k, kind) in self.kinds.iter().enumerate() {
            if let Some(m) = kind.measured {
                let (loss, fitted) = self.price(self.bench_cores()?, &[(k, m.count.div_ceil(2))], fits)?;
                answer.tell_fitted(format!("{} x {} on two hosts", kind.name, m.count), loss, "% lost", fitted, "envelope of the laws");
            }
        }
        Ok(())
    }

    /// The experiment that tells the laws apart, and what it would show.
    fn twice_the_clients(&self, fits: &Fits, answer: &mut Answer) -> Result<(), QuantityError> {
        let Some((k, m)) = fits.by_cpu.and_then(|k| Some((k, self.kinds[k].measured?))) else { return Ok(()) };
        let clients = self.clients.saturating_mul(2);
        let name = format!("{} x {}", self.kinds[k].name, m.count);
        let mut said = Vec::new();
        for r in self.rivals(self.bench_cores()?, &[(k, m.count)], clients, fits)? {
            answer.tell_fitted(format!("twice the clients: {}", r.law), r.loss, "% lost", 1, &r.how);
            said.push(format!("{} {}", percent(r.loss), r.law));
        }
        if said.len() > 1 {
            answer.say(format!("To tell the laws apart, measure {name} again with {clients} clients: {}", said.join(", ")));
        }
        match fits.line {
            Some([low, high]) => answer.say(format!(
                "Or measure the guest's own CPU alone: fair sharing needs {:.2} to {:.2} cores of it, and {:.2} to {:.2} of the driver domain",
                low.0.get(),
                high.0.get(),
                high.1.get(),
                low.1.get()
            )),
            None => answer.say(format!("No need of the guest up to its virtual CPUs makes fair sharing lose what was lost beside {name}")),
        }
        Ok(())
    }

    /// Whether emulated devices cost neighbours at least as much as burning CPU does.
    fn order(&self, answer: &mut Answer) -> Result<(), QuantityError> {
        let of = |devices| self.kinds.iter().position(|k| k.devices == devices && !k.counts.is_empty());
        let (Some(io), Some(cpu)) = (of(Devices::Emulated), of(Devices::Unused)) else { return Ok(()) };
        let Some(n) = self.kinds[io].counts.iter().filter(|n| self.kinds[cpu].counts.contains(n)).max() else { return Ok(()) };
        let cores = self.bench_cores()?;
        let costs = |k: usize, driver: f64, pick| share::left(&self.case(cores, &[(k, *n)], self.vcpus(), driver, pick)?).map(lost);
        // `io_at` of what the kinds with devices keep busy, against the opposite end for those that burn CPU.
        let holds = |io_at, cpu_at| -> Result<bool, QuantityError> {
            let driver = self.guest.driver;
            for d in [driver.low, driver.value, driver.high] {
                if costs(io, d, io_at)? < costs(cpu, d, cpu_at)? - 1e-9 {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        let yes = |it: bool| f64::from(u8::from(it));
        let value = yes(holds(Pick::Value, Pick::Value)?);
        let order =
            Estimate { value, low: yes(holds(Pick::Least, Pick::Most)?).min(value), high: yes(holds(Pick::Most, Pick::Least)?).max(value) };
        let name = format!("order: {} over {}", self.kinds[io].name, self.kinds[cpu].name);
        answer.tell(name, order, "(1: yes)", &format!("{n} of each, fair share, any work of the driver domain"));
        Ok(())
    }

    fn mix(&self, mix: &Mix, fits: &Fits, answer: &mut Answer) -> Result<(), QuantityError> {
        let cores = self.bench_cores()?;
        let (loss, fitted) = self.price(cores, &mix.beside, fits)?;
        answer.tell_fitted(format!("{}: loss", mix.name), loss, "% lost", fitted, "envelope of the laws");
        let Some(replaced) = mix.replaced else { return Ok(()) };
        // By fair sharing: what the guest can keep busy, against the machine that it replaced.
        let unfitted = self.unfitted(cores, &mix.beside)?;
        let has = |loss: f64| self.vcpus() * (1.0 - loss / 100.0);
        let has = Estimate { value: has(unfitted.value), low: has(unfitted.high), high: has(unfitted.low) };
        answer.tell(format!("{}: cores", mix.name), has, "cores", "fair share of the guest that serves");
        let yes = |a: f64, b: f64| f64::from(u8::from(a >= b));
        let faster =
            Estimate { value: yes(has.value, replaced.value), low: yes(has.low, replaced.high), high: yes(has.high, replaced.low) };
        answer.tell(format!("{}: as fast", mix.name), faster, "(1: yes)", "fair share, against what the guest replaced");
        Ok(())
    }
}

/// Percent lost where this share is left, to nine digits: what rounding loses is no loss, and no range.
fn lost(left: f64) -> f64 {
    (1e11 * (1.0 - left)).round() / 1e9
}

/// The first, with the range of all.
fn envelope(all: Vec<f64>) -> Option<Estimate> {
    let value = *all.first()?;
    Some(Estimate { value, low: all.iter().copied().fold(value, f64::min), high: all.iter().copied().fold(value, f64::max) })
}

/// A range in words.
fn percent(e: Estimate) -> String {
    if e.high - e.low < 0.05 { format!("{:.1} %", e.value) } else { format!("{:.1} to {:.1} %", e.low, e.high) }
}
