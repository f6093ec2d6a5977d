//! A site: hosts and their classes, guests and services, failure domains, the power chain, prices and the rules to keep.
//!
//! Everything is in vectors and referred to by small typed ids, in the order of the file. Nothing here changes over
//! time; what guests ask for over time is in [`crate::demand`], and who runs where is a [`Placement`].

use serde::{Deserialize, Serialize};

use crate::estimate::Estimate;
use crate::law::battery::Battery;
use crate::law::migration::{PreCopy, StopRule};
use crate::law::power::PowerModel;
use crate::provenance::Given;
use crate::quantity::{Amperes, BytesPerSecond, CrestFactor, Mhz, MiB, Nanos, PowerFactor, VoltAmperes, Watts};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);
        impl $name {
            /// The position in the site's vector.
            #[must_use]
            pub const fn index(self) -> usize { self.0 as usize }
            /// The id of a position.
            #[must_use]
            pub const fn at(index: usize) -> Self { Self(index as u32) }
        }
    };
}
pub(crate) use id;
id!(
    /// A class of hosts.
    ClassId
);
id!(
    /// A host.
    HostId
);
id!(
    /// A guest.
    GuestId
);
id!(
    /// A failure domain.
    DomainId
);
id!(
    /// A redundancy group.
    GroupId
);
id!(
    /// A service.
    ServiceId
);
id!(
    /// A pool of hosts that some guests must stay in.
    PoolId
);
id!(
    /// A kind of licence.
    LicenceId
);

/// A site and what is asked of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Site {
    /// Its short name, as in `out/NAME/`.
    pub name: String,
    /// A line for people.
    pub title: String,
    /// What the planner must not forget and nobody could tell: printed in the report as *not known*.
    pub unknowns: Vec<String>,
    /// Classes of hosts, standing or for sale.
    pub classes: Vec<HostClass>,
    /// Hosts that stand today (and, in a planned site, those bought, after them).
    pub hosts: Vec<Host>,
    /// Failure domains.
    pub domains: Vec<Domain>,
    /// Pools of hosts.
    pub pools: Vec<String>,
    /// Services.
    pub services: Vec<Service>,
    /// Redundancy groups, by name.
    pub groups: Vec<String>,
    /// Guests.
    pub guests: Vec<Guest>,
    /// Shared storage.
    pub storage: Vec<Storage>,
    /// Links to the outside or between parts of the site.
    pub links: Vec<Link>,
    /// What else draws power from the CVCF.
    pub devices: Vec<Device>,
    /// Kinds of licences.
    pub licences: Vec<Licence>,
    /// The CVCF (UPS), where there is one.
    pub ups: Option<Ups>,
    /// What switching hosts on draws. Absent: full load while a host boots, and nothing besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_on: Option<PowerOn>,
    /// Prices over the horizon of the purchase.
    pub prices: Prices,
    /// The rules that a plan must keep.
    pub rules: Rules,
    /// Who runs where today; `None` where nothing runs yet.
    pub today: Option<Placement>,
    /// Other fleets that the plan is compared with.
    pub alternatives: Vec<Alternative>,
    /// How guests are moved live; `None`: nobody said, and no move is refused for its dirty rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration: Option<LiveMigration>,
    /// How long the parts of a deployment take; `None`: nobody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deploy: Option<Deploy>,
    /// Every number as given, with its source.
    pub givens: Vec<Given>,
}

/// A kind of machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostClass {
    /// Its name.
    pub name: String,
    /// CPU sockets.
    pub sockets: u32,
    /// Cores in all.
    pub cores: u32,
    /// Clock of a core, or its equivalent in work.
    pub core_mhz: Mhz,
    /// Hardware threads a core (HT: 2).
    pub threads_per_core: u32,
    /// What hardware threads add to the capacity of a core: 0.0 nothing, 0.3 a third more.
    pub thread_gain: f64,
    /// Memory installed.
    pub memory: MiB,
    /// Memory that the hypervisor keeps for itself. `None`: no hypervisor, one workload a host, on the metal.
    pub hypervisor: Option<MiB>,
    /// Network capacity of all ports together.
    pub network: BytesPerSecond,
    /// Disk throughput of local disks and storage ports together.
    pub disk: BytesPerSecond,
    /// Power by load, power factor and nameplate.
    pub power: PowerModel,
    /// Time from power-on until guests can start.
    pub boot: Nanos,
    /// Licences that each host of the class needs.
    pub licences: Vec<LicenceId>,
    /// Price of one, where the class is for sale.
    pub sale: Option<Sale>,
    /// Maintenance of one, yen a year.
    pub maintenance_yen_per_year: Estimate,
    /// Whether its kernel panics when its soft-lockup watchdog cries; nothing: nobody looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub softlockup_panic: Option<bool>,
}

impl HostClass {
    /// CPU capacity of a host of the class: cores x clock, and what its hardware threads add.
    #[must_use]
    pub fn capacity(&self) -> Mhz {
        let gain = if self.threads_per_core > 1 { self.thread_gain } else { 0.0 };
        self.core_mhz.times(f64::from(self.cores) * (1.0 + gain))
    }

    /// Memory that guests can have.
    #[must_use]
    pub fn guest_memory(&self) -> MiB {
        self.memory.saturating_sub(self.hypervisor.unwrap_or(MiB(0)))
    }
}

/// What buying a host of a class means.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sale {
    /// Price of one, yen.
    pub price_yen: Estimate,
    /// The most that can be bought.
    pub max: u32,
    /// The domains that a bought host stands in: the first bought takes the first list, the next the next, and round
    /// again. Empty: a host of its own, in no shared domain.
    pub stands_in: Vec<Vec<DomainId>>,
    /// The pools that a bought host joins.
    pub pools: Vec<PoolId>,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Host {
    /// Its name: the inventory's key.
    pub name: String,
    /// Its class.
    pub class: ClassId,
    /// The failure domains it stands in.
    pub domains: Vec<DomainId>,
    /// The pools it belongs to.
    pub pools: Vec<PoolId>,
    /// Bought by the plan, not standing today.
    pub bought: bool,
    /// It is renewed: it must be off when the plan is done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub retires: bool,
}

/// Something whose failure takes several hosts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: DomainKind,
    /// What a feed's branch circuit may carry, already derated (80 % of the breaker, say).
    pub limit_va: Option<VoltAmperes>,
}

/// A kind of failure domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DomainKind {
    /// A blade chassis.
    Chassis,
    /// A rack.
    Rack,
    /// A power feed: PDU and branch circuit.
    Feed,
    /// A network domain or a cluster of its own.
    Network,
}

impl DomainKind {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Chassis => "chassis",
            Self::Rack => "rack",
            Self::Feed => "feed",
            Self::Network => "network",
        }
    }
}

/// A service that guests carry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// A line for people.
    pub title: String,
}

/// How a guest is virtualised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Not at all: a workload that must have a machine to itself.
    PhysicalOnly,
    /// Paravirtual.
    Paravirtual,
    /// Fully virtual, its devices emulated.
    Full,
    /// Fully virtual with paravirtual drivers.
    FullPvDrivers,
}

/// What is expected of a guest when its host dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnLoss {
    /// It is started again on a surviving host.
    Restart,
    /// The others of its redundancy group carry its load.
    Survivor,
    /// It stays down until the host is repaired, and that is accepted.
    Accept,
}

/// A guest: a workload that a host carries.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Guest {
    /// Its name: the inventory's key.
    pub name: String,
    /// The service it belongs to.
    pub service: Option<ServiceId>,
    /// Virtual CPUs (for a physical-only workload: cores that it can use).
    pub vcpus: u32,
    /// Memory.
    pub memory: MiB,
    /// The CPU that it is provisioned with, all vCPUs together, where its recorded load says so (`vcpu_mhz` of a
    /// `load.recorded-cpu`, the capacity of an OpenDC task). Only the placement *first fit at full speed* looks at it.
    pub full_speed: Option<Mhz>,
    /// How it is virtualised.
    pub mode: Mode,
    /// Its redundancy group.
    pub group: Option<GroupId>,
    /// The pool that it must stay in.
    pub pool: Option<PoolId>,
    /// The one host that it may run on.
    pub pinned: Option<HostId>,
    /// What is expected when its host dies.
    pub on_loss: OnLoss,
    /// Licences that it needs.
    pub licences: Vec<LicenceId>,
    /// How it writes to its memory; `None`: nobody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dirties: Option<Dirties>,
}

/// How a guest writes to its memory.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Dirties {
    /// The rate at which it dirties memory that was clean, bytes a second.
    pub bytes_per_s: Estimate,
    /// The part of its memory that it keeps writing to: at most its memory.
    pub working_set: MiB,
}

/// How guests are moved live.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LiveMigration {
    /// The link that they are moved over, by its name or in words.
    pub over: String,
    /// Its rate, bytes a second: above 0.
    pub bytes_per_s: Estimate,
    /// When copying while the guest runs comes to an end.
    pub stop: StopRule,
    /// The most at once: 1 or more.
    pub at_once: u32,
}

/// How long the parts of a deployment take. `None`: nobody said.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Deploy {
    /// Making a guest known to a host, s.
    pub define_s: Option<Estimate>,
    /// From the start of a guest until it serves, s.
    pub boot_s: Option<Estimate>,
    /// Shutting a guest down, s.
    pub stop_s: Option<Estimate>,
    /// Switching an empty host off, s.
    pub power_off_s: Option<Estimate>,
    /// How a guest's image comes to where it starts.
    pub images: Option<Images>,
    /// Steps at once at most: 1 or more.
    pub lanes: Option<u32>,
}

/// How a guest's image comes to where it starts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Images {
    /// It stands on shared storage: nothing is copied.
    Shared,
    /// It is copied first.
    Copied {
        /// Its size, MiB.
        mib: Estimate,
        /// The link that it is copied over, by its name or in words.
        over: String,
        /// The link's rate, bytes a second: above 0.
        bytes_per_s: Estimate,
    },
}

/// Shared storage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Storage {
    /// Its name.
    pub name: String,
    /// Whether one of its parts can fail without its service failing.
    pub redundant: bool,
    /// Its throughput.
    pub throughput: Option<BytesPerSecond>,
    /// The guests whose disks it holds, by service; empty: all.
    pub services: Vec<ServiceId>,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// Its rate.
    pub rate: BytesPerSecond,
    /// One-way delay.
    pub delay: Nanos,
}

/// Something that draws a steady power from the CVCF and is not a host.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// How many.
    pub count: u32,
    /// What one draws.
    pub expected: Watts,
    /// Its power factor.
    pub power_factor: PowerFactor,
    /// What one's nameplate says, VA.
    pub nameplate_va: Estimate,
    /// What one's nameplate says, W.
    pub nameplate_w: Estimate,
    /// The feed that carries it.
    pub feed: Option<DomainId>,
    /// Crest factor of its current, where the CVCF is asked about peak current.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crest_factor: Option<CrestFactor>,
}

/// A kind of licence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Licence {
    /// Its name.
    pub name: String,
    /// What one licence covers.
    pub per: LicencePer,
    /// How many are owned.
    pub owned: u32,
    /// The most there may be in all.
    pub max: Option<u32>,
    /// Price of one more, yen.
    pub price_yen: Estimate,
    /// Yearly fee of each in use, yen a year.
    pub yearly_yen: Estimate,
}

/// What a licence covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LicencePer {
    /// A guest.
    Guest,
    /// A host.
    Host,
    /// A CPU socket.
    Socket,
}

/// A CVCF (UPS).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ups {
    /// Its name.
    pub name: String,
    /// Its rating.
    pub rating: VoltAmperes,
    /// The power factor that its output is rated for: rating x factor is its limit in watts.
    pub output_power_factor: PowerFactor,
    /// Loss without load, as a share of the rating.
    pub loss_no_load: f64,
    /// Loss in proportion to the load.
    pub loss_proportional: f64,
    /// Loss with the square of the load.
    pub loss_square: f64,
    /// The crest factor of the load that it carries at its full rating; nothing: peak current is not asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crest_factor: Option<CrestFactor>,
    /// Its battery, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery: Option<Battery>,
}

/// What hosts draw besides their curve while they are switched on, and what the CVCF can give for a moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PowerOn {
    /// Peak current of the rush when a host is switched on, all its cords together.
    pub inrush: Amperes,
    /// How long the rush lasts.
    pub inrush_lasts: Nanos,
    /// What a host's disks draw more while they spin up.
    pub spin_up: Watts,
    /// How long they spin up.
    pub spin_up_lasts: Nanos,
    /// The peak current that the CVCF can give to hosts that are switched on, beside what it carries.
    pub ups_peak: Amperes,
}

/// Prices over the horizon of the purchase.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prices {
    /// Electricity, yen a kWh.
    pub yen_per_kwh: Estimate,
    /// Power of the site over power of its machines: cooling and, where it is not modelled, the UPS.
    pub pue: Estimate,
    /// Years until the next renewal.
    pub years: f64,
}

/// Which view of power a rule takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PowerView {
    /// Measured curves under the replayed load.
    Expected,
    /// The sum of what the nameplates say.
    Nameplate,
}

/// The rules that a plan must keep. `None` or empty: not asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rules {
    /// CPU of a host: this percentile of its load may be at most this share of its capacity.
    pub cpu: CpuRule,
    /// After the loss of any one host, CPU of each survivor at the same percentile may be at most this share.
    pub one_host_down: Option<DownRule>,
    /// The same after the loss of any one domain of these kinds.
    pub one_domain_down: Vec<(DomainKind, DownRule)>,
    /// Redundant guests stand on different hosts, and in different domains of these kinds.
    pub apart: Option<Vec<DomainKind>>,
    /// The most fully virtual guests (without PV drivers) on a host.
    pub full_virtual_per_host: Option<u32>,
    /// The CVCF holds, in this view, with this share of it kept free.
    pub ups: Option<UpsRule>,
    /// Each branch circuit holds in the same view.
    pub branches: Option<PowerView>,
    /// Guests that stand within one network domain, set by set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub one_network: Vec<Together>,
    /// What is preferred among placements that cost the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefer: Option<Prefer>,
    /// Guests that may stay down: only after a loss, see [`crate::loss`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excused: Vec<GuestId>,
    /// Hosts that are to carry nothing, and take nobody: only in a plan that evacuates them, see [`crate::evacuation`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evacuated: Vec<HostId>,
}

/// Guests that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Together {
    /// Those of a service.
    Service(ServiceId),
    /// Those of a redundancy group.
    Group(GroupId),
}

impl Together {
    /// What it is called: `service cluster`.
    #[must_use]
    pub fn name(self, site: &Site) -> String {
        match self {
            Self::Service(s) => format!("service {}", site.services[s.index()].name),
            Self::Group(g) => format!("group {}", site.groups[g.index()]),
        }
    }
}

/// See [`Rules::prefer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Prefer {
    /// Hosts that others load little (S4-5).
    Light,
}

/// See [`Rules::cpu`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CpuRule {
    /// The percentile of the load, above 0 and at most 100.
    pub percentile: f64,
    /// The share of the capacity, above 0.
    pub limit: f64,
}

/// See [`Rules::one_host_down`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DownRule {
    /// The share of a survivor's CPU capacity, above 0.
    pub cpu_limit: f64,
}

/// See [`Rules::ups`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpsRule {
    /// Which view binds. The report shows both.
    pub view: PowerView,
    /// The share of the rating kept free.
    #[serde(default)]
    pub reserve: f64,
}

/// Who runs where, and which hosts are on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// By host: is it on?
    pub on: Vec<bool>,
    /// By guest: the host it runs on; `None`: it does not run.
    pub host_of: Vec<Option<HostId>>,
}

impl Placement {
    /// Every host off, no guest running.
    #[must_use]
    pub fn empty(site: &Site) -> Self {
        Self { on: vec![false; site.hosts.len()], host_of: vec![None; site.guests.len()] }
    }

    /// The guests of each host, in order of id.
    #[must_use]
    pub fn guests_by_host(&self) -> Vec<Vec<GuestId>> {
        let mut by_host = vec![Vec::new(); self.on.len()];
        for (g, host) in self.host_of.iter().enumerate() {
            if let Some(h) = host {
                by_host[h.index()].push(GuestId::at(g));
            }
        }
        by_host
    }

    /// How many hosts are on.
    #[must_use]
    pub fn hosts_on(&self) -> usize {
        self.on.iter().filter(|on| **on).count()
    }
}

/// Another fleet, to compare the plan with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alternative {
    /// Its name.
    pub name: String,
    /// A line for people.
    pub title: String,
    /// The column *today* of the comparison.
    pub baseline: bool,
    /// What it buys.
    pub buys: Vec<(ClassId, u32)>,
    /// How its guests are placed.
    pub place: AlternativePlacement,
}

/// How an alternative places the guests that are not pinned.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum AlternativePlacement {
    /// One a host, in order of name list, on the hosts bought.
    OneAHost,
    /// First fit at full vCPU speed, in order of the file (the rule of CloudSim's power examples).
    FirstFitFull,
    /// Our planner, on exactly these hosts.
    Planner,
    /// As given: guest to host name (bought hosts are named `class-1`, `class-2` ...).
    Given(Vec<(GuestId, String)>),
}

impl Site {
    /// The class of a host.
    #[must_use]
    pub fn class_of(&self, host: HostId) -> &HostClass {
        &self.classes[self.hosts[host.index()].class.index()]
    }

    /// The same site with hosts bought: `class-1`, `class-2` ... after those that stand.
    ///
    /// Domains are dealt in turn from the class's list.
    ///
    /// # Panics
    /// Where a class is not for sale: the caller chooses from those that are.
    #[must_use]
    pub fn with_bought(&self, buys: &[(ClassId, u32)]) -> Self {
        let mut site = self.clone();
        for &(class, count) in buys {
            let kind = &self.classes[class.index()];
            let sale = kind.sale.as_ref().expect("only classes for sale are bought");
            for n in 0..count as usize {
                let domains = match sale.stands_in.len() {
                    0 => Vec::new(),
                    k => sale.stands_in[n % k].clone(),
                };
                site.hosts.push(Host {
                    name: format!("{}-{}", kind.name, n + 1),
                    class,
                    domains,
                    pools: sale.pools.clone(),
                    bought: true,
                    retires: false,
                });
            }
        }
        if let Some(today) = &mut site.today {
            today.on.resize(site.hosts.len(), false);
        }
        site
    }

    /// The pre-copy of a guest over the site's link, at the values of its givens; `None` where the link or the dirty rate is not given.
    #[must_use]
    pub fn pre_copy(&self, guest: GuestId) -> Option<(PreCopy, StopRule)> {
        let (way, guest) = (self.migration.as_ref()?, &self.guests[guest.index()]);
        let dirties = guest.dirties?;
        let rate = |x: f64| BytesPerSecond::new(x).ok();
        let (dirty, bandwidth) = (rate(dirties.bytes_per_s.value)?, rate(way.bytes_per_s.value)?);
        Some((PreCopy { memory: guest.memory, working_set: dirties.working_set, dirty, bandwidth }, way.stop))
    }

    /// The host of this name.
    #[must_use]
    pub fn host_named(&self, name: &str) -> Option<HostId> {
        self.hosts.iter().position(|h| h.name == name).map(HostId::at)
    }

    /// The guest of this name.
    #[must_use]
    pub fn guest_named(&self, name: &str) -> Option<GuestId> {
        self.guests.iter().position(|g| g.name == name).map(GuestId::at)
    }

    /// The guests of each redundancy group.
    #[must_use]
    pub fn guests_by_group(&self) -> Vec<Vec<GuestId>> {
        let mut by_group = vec![Vec::new(); self.groups.len()];
        for (g, guest) in self.guests.iter().enumerate() {
            if let Some(group) = guest.group {
                by_group[group.index()].push(GuestId::at(g));
            }
        }
        by_group
    }

    /// Whether the host may be given the guest: mode, pool, pin, and its memory alone; none is given to a host that is evacuated.
    ///
    /// A guest that can be virtual is not given to a host without a hypervisor (a virtual machine's image does not start
    /// there), though it may stand there today.
    #[must_use]
    pub fn admits(&self, host: HostId, guest: GuestId) -> bool {
        let (h, g) = (&self.hosts[host.index()], &self.guests[guest.index()]);
        let class = self.class_of(host);
        let mode_fits = g.mode == Mode::PhysicalOnly || class.hypervisor.is_some() || g.pinned == Some(host);
        let stays = !self.rules.evacuated.contains(&host);
        stays
            && mode_fits
            && g.pinned.is_none_or(|p| p == host)
            && g.pool.is_none_or(|p| h.pools.contains(&p))
            && g.memory <= class.guest_memory()
    }
}
