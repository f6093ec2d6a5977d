//! The keys of site.toml, as they stand in the file. What they mean together is in [`crate::understand`].
//!
//! A number is checked here against its own range; what needs a second key is checked later. The comments are what an
//! editor shows: they become the descriptions of the JSON Schema.

pub(crate) mod deploy;
pub(crate) mod load;
pub(crate) mod number;
pub(crate) mod requests;
pub(crate) mod shape;

use std::collections::BTreeMap;

use models::quantity::{BytesPerSecond, CrestFactor, Mhz, MiB, PowerFactor, VoltAmperes, Watts};
use models::site::{DomainKind, LicencePer, Mode, OnLoss, PowerView, Prefer};
use models::{Estimate, Provenance};
use schemars::JsonSchema;
use serde::Deserialize;

use number::{Amount, Count, Dealt, PartShare, Percentile, Positive, Seconds, Share, SliceMs, StepSeconds, Steps, Year};

/// The sources of single keys, where they differ from the `source` of the table.
pub(crate) type Sources = BTreeMap<String, Provenance>;

/// A site, the loads on it, and the grid of time on which they are replayed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "site.toml")]
pub(crate) struct Site {
    /// Its short name, as in `out/NAME/`: 1 to 63 letters, digits, `.`, `_`, `-`.
    pub name: String,
    /// A line for people.
    pub title: String,
    /// What is not known, a sentence each: printed in the report.
    #[serde(default)]
    pub unknowns: Vec<String>,
    /// The grid of time.
    pub horizon: Horizon,
    /// Kinds of hosts, standing or for sale.
    #[serde(default)]
    pub class: Vec<Class>,
    /// What may fail and take several hosts with it.
    #[serde(default)]
    pub domain: Vec<Domain>,
    /// Sets of hosts that some guests must stay in.
    #[serde(default)]
    pub pool: Vec<Pool>,
    /// Hosts that stand today.
    #[serde(default)]
    pub host: Vec<Host>,
    /// Services that guests carry.
    #[serde(default)]
    pub service: Vec<Service>,
    /// Workloads that need a host.
    #[serde(default)]
    pub guest: Vec<Guest>,
    /// Shared storage.
    #[serde(default)]
    pub storage: Vec<Storage>,
    /// Links to the outside or between parts of the site.
    #[serde(default)]
    pub link: Vec<Link>,
    /// What draws a steady power from the CVCF and is not a host.
    #[serde(default)]
    pub device: Vec<Device>,
    /// Kinds of licences.
    #[serde(default)]
    pub licence: Vec<Licence>,
    /// The CVCF (UPS), where there is one.
    pub ups: Option<Ups>,
    /// What switching hosts on draws from the CVCF. Absent: full load while a host boots, and nothing besides.
    pub power_on: Option<PowerOn>,
    /// Prices over the years of the purchase.
    pub prices: Prices,
    /// The rules that a plan must keep.
    pub rules: Rules,
    /// Other fleets that the plan is compared with.
    #[serde(default)]
    pub alternative: Vec<Alternative>,
    /// What guests ask for, an array a kind of load.
    #[serde(default)]
    pub load: load::Loads,
    /// Present: loads are also played as jobs, one by one.
    pub requests: Option<requests::Requests>,
    /// Guests that serve stages behind a load balancer.
    #[serde(default)]
    pub tier: Vec<requests::Tier>,
    /// Streams of jobs.
    #[serde(default)]
    pub flow: Vec<requests::Flow>,
    /// What may fail.
    #[serde(default)]
    pub fault: Vec<requests::Fault>,
    /// What is played besides the ordinary course.
    #[serde(default)]
    pub case: Vec<requests::Case>,
    /// How guests are moved live. Absent: nothing is asked of moves but room.
    pub migration: Option<deploy::Migration>,
    /// How long the parts of a deployment take.
    pub deploy: Option<deploy::Deploy>,
    /// Questions to single laws, an array a kind.
    #[serde(default)]
    pub study: crate::studies::Studies,
}

/// A table of the file: its keys, and the two keys that say where its numbers come from.
///
/// The sources are collected from the tree of the file with all others ([`crate::givens`]); here they are only checked.
macro_rules! sourced {
    ($(#[$doc:meta])* struct $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $($(#[$field_doc])* pub $field: $kind,)*
            /// Where these numbers come from: `paper:ID`, `measured:WHAT`, `proxy:WHAT` or `assumed:WHY`.
            #[allow(dead_code, reason = "collected from the tree of the file")]
            pub source: models::Provenance,
            /// Sources of single keys, where they differ: `{ key = "paper:ID" }`.
            #[serde(default)]
            #[allow(dead_code, reason = "collected from the tree of the file")]
            pub sources: crate::file::Sources,
        }
    };
}
pub(crate) use sourced;

sourced!(
    /// The grid of time on which loads are replayed.
    struct Horizon {
        /// Length of a step, whole seconds.
        step_s: StepSeconds,
        /// How many steps.
        steps: Steps,
        /// Loads are replayed as grown until the start of this year of the purchase, counted from 1. Default 1: as today.
        #[serde(default)]
        judged_year: Year,
    }
);

sourced!(
    /// A kind of host.
    struct Class {
        /// Its name.
        name: String,
        /// CPU sockets.
        sockets: Count,
        /// Cores in all.
        cores: Count,
        /// Clock of a core, MHz (or its equivalent in work).
        core_mhz: Mhz,
        /// Hardware threads a core. Default 1.
        #[serde(default)]
        threads_per_core: Count,
        /// What hardware threads add to the capacity of a core, as a share: 0 to 1. Default 0.
        #[serde(default = "none")]
        thread_gain: Share,
        /// Memory installed, MiB.
        memory_mib: MiB,
        /// Memory that the hypervisor keeps, MiB. Absent: no hypervisor, one workload a host.
        hypervisor_mib: Option<MiB>,
        /// Network capacity of all ports together, bytes a second.
        network_bytes_per_s: BytesPerSecond,
        /// Disk throughput, bytes a second.
        disk_bytes_per_s: BytesPerSecond,
        /// Watts at evenly spaced loads from idle to full: at least 2 points, idle above 0, never falling.
        power_w: Vec<Watts>,
        /// Power factor at evenly spaced loads from idle to full, each above 0 and at most 1; one number: at every load. Either
        /// this or `supply`.
        power_factor: Option<Vec<PowerFactor>>,
        /// Its supplies, from which the power factor follows. Either this or `power_factor`.
        supply: Option<Supply>,
        /// Crest factor of the current of its supplies, at least 1: required where `[ups]` has one.
        crest_factor: Option<CrestFactor>,
        /// What the nameplate says, VA.
        nameplate_va: Estimate,
        /// What the nameplate says, W.
        nameplate_w: Estimate,
        /// From power-on until guests can start, seconds. Default 120.
        #[serde(default = "boot_s")]
        boot_s: Seconds,
        /// Maintenance of one, yen a year.
        maintenance_yen_per_year: Estimate,
        /// Licences that each host of the class needs: names of `[[licence]]`.
        #[serde(default)]
        licences: Vec<String>,
        /// Whether its kernel panics when its soft-lockup watchdog cries (`kernel.softlockup_panic`). Absent: nobody looked.
        softlockup_panic: Option<bool>,
        /// Present: the class is for sale.
        sale: Option<Sale>,
    }
);

fn none() -> Share {
    Share::try_from(0.0).expect("0 is a share")
}

fn boot_s() -> Seconds {
    Seconds::try_from(120.0).expect("120 s is a time")
}

sourced!(
    /// The supplies of a class of hosts: they are alike and share its power.
    struct Supply {
        /// How many share it.
        count: Count,
        /// What one delivers at full load, W.
        rating_w: Positive,
        /// Power factor of one at evenly spaced loads, from none to full: at least 2 points, each above 0 and at most 1.
        power_factor: Vec<PowerFactor>,
    }
);

sourced!(
    /// What buying a host of the class means.
    struct Sale {
        /// Price of one, yen.
        price_yen: Estimate,
        /// The most that a plan may buy.
        max: u32,
        /// Lists of domain names, dealt in turn to the hosts bought. Absent: in no shared domain.
        #[serde(default)]
        stands_in: Vec<Vec<String>>,
        /// Pools that a bought host joins.
        #[serde(default)]
        pools: Vec<String>,
    }
);

/// What may fail and take several hosts with it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Domain {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: DomainKind,
    /// What a feed's branch circuit may carry, VA, already derated. Only for feeds.
    pub limit_va: Option<VoltAmperes>,
    /// The circuit of a feed, instead of its limit in VA: breaker x volts x derating.
    pub circuit: Option<Circuit>,
    /// Where the limit comes from: required with `limit_va` and `circuit`.
    pub source: Option<Provenance>,
    /// Sources of single keys.
    #[serde(default)]
    #[allow(dead_code, reason = "collected from the tree of the file")]
    pub sources: Sources,
}

/// A branch circuit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Circuit {
    /// The breaker, A.
    pub amperes: Positive,
    /// The voltage, V.
    pub volts: Positive,
    /// The share of the breaker that a lasting load may take: above 0, at most 1.
    pub derate: Positive,
}

/// A set of hosts that some guests must stay in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pool {
    /// Its name.
    pub name: String,
}

sourced!(
    /// Hosts that stand today.
    struct Host {
        /// The name; with `{n}`, 1 to `count`, where there are several.
        name: String,
        /// How many. Default 1.
        #[serde(default)]
        count: Count,
        /// Its class, or a list of classes that is dealt in turn.
        class: Dealt<String>,
        /// The failure domains that each stands in.
        #[serde(default)]
        domains: Vec<String>,
        /// The pools that each belongs to.
        #[serde(default)]
        pools: Vec<String>,
        /// Whether they are on today. Default true. Written as true, it says so even where no guest runs on any host.
        on: Option<bool>,
        /// Whether they are renewed: off when the plan is done, their guests elsewhere. Default false.
        #[serde(default)]
        retires: bool,
    }
);

/// A service that guests carry.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Service {
    /// Its name.
    pub name: String,
    /// A line for people.
    pub title: String,
}

sourced!(
    /// Workloads that need a host.
    struct Guest {
        /// The name; with `{n}`, 1 to `count`, where there are several.
        name: String,
        /// How many. Default 1.
        #[serde(default)]
        count: Count,
        /// The service that they belong to.
        service: Option<String>,
        /// Virtual CPUs of each (physical-only: cores that it can use).
        vcpus: Count,
        /// Memory of each, MiB; a list is dealt in turn.
        memory_mib: Dealt<MiB>,
        /// How it is virtualised.
        mode: Mode,
        /// Redundancy group, with `{n}` or `{pair}` (1, 1, 2, 2, 3, 3 ...).
        group: Option<String>,
        /// The pool that they must stay in.
        pool: Option<String>,
        /// The one host that it may run on, with `{n}` or `{pair}`.
        pinned: Option<String>,
        /// What is expected when its host dies. Default: restart; physical-only: accept.
        on_loss: Option<OnLoss>,
        /// Licences that each needs: names of `[[licence]]`.
        #[serde(default)]
        licences: Vec<String>,
        /// Where it runs today, with `{n}` or `{pair}`; a list is dealt in turn.
        runs_on: Option<Dealt<String>>,
        /// How fast each dirties memory that was clean, bytes a second. With `working_set_mib`.
        dirty_bytes_per_s: Option<Estimate>,
        /// The part of its memory that each keeps writing to, MiB. With `dirty_bytes_per_s`.
        working_set_mib: Option<MiB>,
    }
);

sourced!(
    /// Shared storage.
    struct Storage {
        /// Its name.
        name: String,
        /// Whether one of its parts can fail without its service failing.
        redundant: bool,
        /// Its throughput, bytes a second.
        throughput_bytes_per_s: Option<BytesPerSecond>,
        /// The services whose disks it holds. Absent or empty: all.
        #[serde(default)]
        services: Vec<String>,
    }
);

sourced!(
    /// A link to the outside or between parts of the site.
    struct Link {
        /// Its name.
        name: String,
        /// Its rate, bytes a second.
        rate_bytes_per_s: Positive,
        /// One-way delay, milliseconds.
        delay_ms: Amount,
    }
);

sourced!(
    /// Something that draws a steady power from the CVCF and is not a host.
    struct Device {
        /// Its name.
        name: String,
        /// How many. Default 1.
        #[serde(default)]
        count: Count,
        /// What one draws, W.
        expected_w: Watts,
        /// Its power factor, above 0 and at most 1.
        power_factor: PowerFactor,
        /// What one's nameplate says, VA.
        nameplate_va: Estimate,
        /// What one's nameplate says, W.
        nameplate_w: Estimate,
        /// The feed that carries it: the name of a `[[domain]]` of kind feed.
        feed: Option<String>,
        /// Crest factor of its current, at least 1: required where `[ups]` has one.
        crest_factor: Option<CrestFactor>,
    }
);

sourced!(
    /// A kind of licence.
    struct Licence {
        /// Its name.
        name: String,
        /// What one covers.
        per: LicencePer,
        /// How many are owned. Default 0.
        #[serde(default)]
        owned: u32,
        /// The most that there may be in all.
        max: Option<u32>,
        /// Price of one more, yen.
        price_yen: Estimate,
        /// Yearly fee of each in use, yen.
        yearly_yen: Estimate,
    }
);

sourced!(
    /// The CVCF (UPS).
    struct Ups {
        /// Its name.
        name: String,
        /// Its rating, VA.
        rating_va: Positive,
        /// The power factor that its output is rated for: rating x factor is its limit in watts.
        output_power_factor: PowerFactor,
        /// Loss without load, as a share of the rating.
        loss_no_load: Share,
        /// Loss in proportion to the load.
        loss_proportional: Share,
        /// Loss with the square of the load, as a share of the rating.
        loss_square: Share,
        /// The crest factor of the load that it carries at its full rating (1.414, that of a sine, is the safe one where it is
        /// not known). Present: peak current is weighed too, and every class and device says its own.
        crest_factor: Option<CrestFactor>,
        /// Its battery.
        battery: Option<Battery>,
    }
);

sourced!(
    /// The battery of the CVCF.
    struct Battery {
        /// A load at the CVCF's output, W.
        rated_w: Positive,
        /// How long the battery carries that load when it is new, minutes.
        minutes: Positive,
        /// Peukert's exponent: 1 to 2.
        exponent: Estimate,
        /// The share of its capacity that its age has left: above 0, at most 1.
        left: Estimate,
    }
);

sourced!(
    /// What switching hosts on draws from the CVCF.
    struct PowerOn {
        /// Peak current of the rush when a host is switched on, all its cords together, A.
        inrush_a: Positive,
        /// How long the rush lasts, milliseconds: at most a minute.
        inrush_ms: SliceMs,
        /// What a host's disks draw more while they spin up, W.
        spin_up_w: Watts,
        /// How long they spin up, seconds.
        spin_up_s: Seconds,
        /// The peak current that the CVCF can give to hosts that are switched on, beside what it carries, A.
        ups_peak_a: Positive,
    }
);

sourced!(
    /// Prices over the years of the purchase.
    struct Prices {
        /// Electricity, yen a kWh.
        yen_per_kwh: Estimate,
        /// Power of the site over power of its machines: at least 1.
        pue: Estimate,
        /// Years until the next renewal.
        years: Positive,
    }
);

sourced!(
    /// The rules that a plan must keep.
    struct Rules {
        /// CPU of a host: this percentile of its load may be at most this share of its capacity.
        cpu: CpuRule,
        /// After the loss of any one host, CPU of each survivor is at most this share of its capacity.
        one_host_down: Option<DownRule>,
        /// The same after the loss of any one domain of a kind.
        #[serde(default)]
        one_domain_down: Vec<DomainDownRule>,
        /// Present (even empty): members of a redundancy group are on different hosts, and in different domains of these kinds.
        apart: Option<Vec<DomainKind>>,
        /// The most fully virtual guests (without PV drivers) on a host.
        full_virtual_per_host: Option<u32>,
        /// The CVCF holds in this view, with this share of it kept free.
        ups: Option<UpsRule>,
        /// Each branch circuit holds in this view.
        branches: Option<PowerView>,
        /// Services, or redundancy groups, whose guests stand within one network domain each.
        #[serde(default)]
        one_network: Vec<String>,
        /// What is preferred among placements that cost the same: `light`, hosts that others load little. Default nothing.
        prefer: Option<Prefer>,
    }
);

/// See `rules.cpu`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CpuRule {
    /// The percentile of the load, above 0 and at most 100.
    pub percentile: Percentile,
    /// The share of the capacity, above 0.
    pub limit: Positive,
}

/// See `rules.one_host_down`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DownRule {
    /// The share of a survivor's CPU capacity, above 0.
    pub cpu_limit: Positive,
}

/// See `rules.one_domain_down`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DomainDownRule {
    /// The kind of domain that is lost.
    pub kind: DomainKind,
    /// The share of a survivor's CPU capacity, above 0.
    pub cpu_limit: Positive,
}

/// See `rules.ups`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpsRule {
    /// Which view binds.
    pub view: PowerView,
    /// The share of the rating kept free, from 0 to below 1. Default 0.
    #[serde(default = "no_reserve")]
    pub reserve: PartShare,
}

fn no_reserve() -> PartShare {
    PartShare::try_from(0.0).expect("0 is a share")
}

/// Another fleet that the plan is compared with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alternative {
    /// Its name.
    pub name: String,
    /// A line for people.
    pub title: String,
    /// The column *today* of the report where nothing runs today. At most one. Default false.
    #[serde(default)]
    pub baseline: bool,
    /// What it buys: hosts are named `class-1`, `class-2` ...
    #[serde(default)]
    pub buys: Vec<Buy>,
    /// How its guests are placed.
    pub place: Place,
    /// Only with `place = "given"`: guest name or `prefix*` = host name, or a list of host names dealt in turn.
    pub given: Option<BTreeMap<String, Dealt<String>>>,
}

/// How many hosts of a class an alternative buys.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Buy {
    /// The class.
    pub class: String,
    /// How many.
    pub count: Count,
}

/// How an alternative places its guests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    /// One guest a host.
    OneAHost,
    /// First fit at full vCPU speed, in order of the file.
    FirstFitFull,
    /// The planner, on exactly these hosts.
    Planner,
    /// As `given` says.
    Given,
}
