//! What a request level means once it is read.

mod common;

use common::Folder;
use models::demand::{Load, LoadKind};
use models::distribution::{Distribution, Shape};
use models::flow::{Balance, Full, Requests, Source, Target, TierId, When};
use models::quantity::Nanos;
use models::site::{DomainId, GuestId};
use models::{Given, Provenance};
use scenarios::{Options, Scenario};

fn sample() -> Scenario {
    Folder::with_requests(&[]).load().unwrap_or_else(|e| panic!("{e}"))
}

fn requests() -> Requests {
    sample().requests.unwrap()
}

#[test]
fn a_site_without_a_request_level_has_none() {
    assert_eq!(Folder::with(&[]).load().unwrap().requests, None);
}

#[test]
fn what_is_played_and_what_is_judged_stand_apart() {
    let r = requests();
    let s = Nanos::seconds;
    assert_eq!((r.from, r.lasts, r.judged_from, r.judged_lasts, r.bin), (s(600), s(6000), s(1200), s(1800), s(300)));
    assert_eq!((r.population_cap, r.hypervisor.full_pv_drivers, r.hypervisor.slice), (50_000, 0.05, Nanos::millis(30)));
    assert_eq!((r.recovery.fence, r.recovery.by_hand, r.recovery.boots_at_once), (s(20), Some(s(1080)), 4));
    assert_eq!((r.recovery.read_only_after, r.recovery.panics_after), (Some(s(90)), Some(s(25))));
}

#[test]
fn without_a_word_all_of_it_is_judged_in_quarters_of_an_hour() {
    let changes = [("judged_from_s = 1200\njudged_s = 1800\nbin_s = 300\npopulation_cap = 50000\n", "")];
    let r = Folder::with_requests(&changes).load().unwrap().requests.unwrap();
    let s = Nanos::seconds;
    assert_eq!((r.judged_from, r.judged_lasts, r.bin, r.population_cap), (s(600), s(6000), s(900), 1_000_000));
    // From 1200 s on, 5400 s are left of 600 s to 6600 s.
    let r = Folder::with_requests(&[("judged_s = 1800\n", "")]).load().unwrap().requests.unwrap();
    assert_eq!(r.judged_lasts, s(5400));
}

#[test]
fn tiers_name_their_guests_as_loads_do() {
    let r = requests();
    let ids = |list: &[u32]| list.iter().map(|g| GuestId(*g)).collect::<Vec<_>>();
    assert_eq!(r.tiers.iter().map(|t| t.guests.clone()).collect::<Vec<_>>(), [ids(&[0, 1]), ids(&[6, 7]), ids(&[5, 2])]);
    let front = (r.tiers[0].balance, r.tiers[0].slots, r.tiers[0].queue, r.tiers[0].full);
    assert_eq!(front, (Balance::FewestJobs, Some(50), Some(100), Full::Retry));
    let back = (r.tiers[2].balance, r.tiers[2].slots, r.tiers[2].queue, r.tiers[2].full);
    assert_eq!(back, (Balance::RoundRobin, None, None, Full::Refuse));
}

#[test]
fn jobs_go_to_the_next_stage_unless_then_says_where() {
    let r = requests();
    let mail = &r.flows[0];
    assert_eq!(mail.arrivals, Source::Load(5));
    let then: Vec<&[(f64, usize)]> = mail.stages.iter().map(|s| s.then.as_slice()).collect();
    assert_eq!(then, [&[(1.0, 1)][..], &[(0.3, 2), (0.5, 3)], &[(0.125, 1)], &[]]);
    assert_eq!(mail.stages.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["spam scoring", "virus scan", "queue for retry", "back"]);
    assert_eq!(mail.stages.iter().map(|s| s.tier).collect::<Vec<_>>(), [Some(TierId(0)), Some(TierId(1)), None, Some(TierId(2))]);
    assert_eq!(mail.stages.iter().map(|s| s.cost).collect::<Vec<_>>(), [Some(5), Some(3), None, Some(4)]);
    assert_eq!(mail.retry, vec![Nanos::seconds(1800); 48]);
    assert_eq!(r.flows[1].retry, [Nanos::seconds(300), Nanos::seconds(900)]);
}

#[test]
fn a_number_alone_has_the_shape_that_its_key_says() {
    let r = requests();
    assert_eq!(r.flows[1].arrivals, Source::Clients { users: 20, think_s: Distribution::exponential(10.0) });
    let (mail, users) = (&r.flows[0].stages, &r.flows[1].stages[0]);
    assert_eq!(mail[2].delay_s, Some(Distribution::fixed(900.0)));
    assert_eq!((users.copies, mail[0].copies), (Distribution::fixed(2.0), Distribution::fixed(1.0)));
    assert_eq!((users.cpu_shape, users.bytes_shape), (Shape::Exponential, Shape::Exponential));
}

#[test]
fn a_shape_has_its_number() {
    let r = requests();
    let s = &r.flows[0].stages;
    assert_eq!((s[0].cpu_shape, s[0].bytes_shape), (Shape::LogNormal { cv: 1.5 }, Shape::Pareto { alpha: 2.5 }));
    assert_eq!((s[1].cpu_shape, s[1].bytes_shape), (Shape::HyperExponential { cv2: 4.0 }, Shape::Weibull { shape: 0.7 }));
    assert_eq!(s[0].delay_s, Some(Distribution { mean: 1.2, shape: Shape::Erlang { phases: 3 } }));
    assert_eq!(s[1].copies, Distribution { mean: 25.0, shape: Shape::Geometric });
}

#[test]
fn every_kind_of_fault_finds_what_fails() {
    let r = requests();
    let targets: Vec<Target> = r.faults.iter().map(|f| f.target.clone()).collect();
    assert_eq!(
        targets,
        [
            Target::Host("pop-1".into()),
            Target::Host("rx300-20".into()),
            Target::EachHost,
            Target::Domain(DomainId(2)),
            Target::Mains { battery: Nanos::seconds(601) },
            Target::Storage(0),
            Target::Network,
            Target::Guest(GuestId(6)),
            Target::Stall(GuestId(3)),
        ]
    );
    assert_eq!(r.faults[0].when, When::At { at: Nanos::seconds(3600), lasts: None });
    assert_eq!(r.faults[1].when, When::At { at: Nanos::seconds(1800), lasts: Some(Nanos::seconds(900)) });
    let down_s = Distribution { mean: 10_800.0, shape: Shape::LogNormal { cv: 1.0 } };
    assert_eq!(r.faults[2].when, When::Renewal { up_s: Distribution::exponential(3.2e7), down_s });
}

#[test]
fn cases_name_their_faults_flows_tiers_and_each_other() {
    let r = requests();
    let [flood, pooled, year] = r.cases.as_slice() else { panic!("three cases") };
    assert_eq!(flood.faults.iter().map(|f| f.index()).collect::<Vec<_>>(), [0, 2]);
    assert_eq!((flood.bursts[0].flow.index(), flood.bursts[0].peak_per_s, flood.against), (0, 61.0, None));
    assert_eq!((pooled.shared.as_slice(), pooled.against), ([vec![TierId(0), TierId(2)]].as_slice(), Some(0)));
    assert_eq!((year.window, year.columns_only), (Some((Nanos::ZERO, Nanos::seconds(31_536_000))), true));
}

#[test]
fn every_number_of_the_request_level_is_listed_with_its_source() {
    let givens = sample().site.givens;
    let given = |place: &str, key: &str| -> (String, String) {
        let found: Vec<&Given> = givens.iter().filter(|g| g.place == place && g.key == key).collect();
        assert_eq!(found.len(), 1, "{place} {key}");
        (found[0].value.clone(), found[0].source.to_string())
    };
    let is = |value: &str, source: &str| (value.to_owned(), source.to_owned());
    assert_eq!(given("requests", "lasts_s"), is("6000", "assumed:most of the horizon"));
    assert_eq!(given("requests", "hypervisor_cpu"), is("paravirtual 0.03, full 0.1, full-pv-drivers 0.05", "proxy:another hypervisor"));
    assert_eq!(given("requests recovery", "boot_disk_bytes"), is("250e6", "assumed:a minute"));
    assert_eq!(given("tier front", "full"), is("retry", "assumed:as it is set"));
    assert_eq!(given("flow mail", "retry"), is("every_s 1800, times 48", "assumed:as it is"));
    // A stage has its own source, that of its flow, or that of a key.
    let place = "flow mail stage spam scoring";
    assert_eq!(given(place, "cpu_shape"), is("shape lognormal, cv 1.5", "proxy:a paper on mail"));
    assert_eq!(given(place, "delay_s"), is("mean 1.2, shape erlang, phases 3", "measured:with a stopwatch"));
    assert_eq!(given("flow mail stage virus scan", "copies"), is("mean 25, shape geometric", "assumed:as it is"));
    assert_eq!(given("flow users stage front", "copies"), is("2", "assumed:an office"));
    assert_eq!(given("fault any-host", "up_s"), is("mean 3.2e7, shape exponential", "assumed:now and then"));
    assert_eq!(given("fault mains", "mains"), is("battery_s 601", "assumed:once"));
    assert_eq!(given("case year", "lasts_s"), is("31536000", "assumed:a year"));
    assert!(!givens.iter().any(|g| ["stage", "arrivals", "tier", "cost", "faults", "shared", "against"].contains(&g.key.as_str())));
    assert!(givens.iter().all(|g| g.source != Provenance::Assumed(String::new())));
}

/// Units that a load brings in a stretch of the horizon, on average: what its columns are drawn about, or summed from.
fn units(load: &Load, from_s: f64, lasts_s: f64, step_s: f64) -> f64 {
    match &load.kind {
        LoadKind::Mail { per_day, hours, days, .. } => {
            let mean = hours.iter().sum::<f64>() / 24.0;
            let whole_hours = (from_s / 3600.0) as usize..((from_s + lasts_s) / 3600.0) as usize;
            whole_hours.map(|h| per_day / 24.0 * hours[h % 24] / mean * days[h / 24 % 7]).sum()
        }
        LoadKind::RecordedCounts { counts, .. } => counts[(from_s / step_s) as usize..((from_s + lasts_s) / step_s) as usize].iter().sum(),
        LoadKind::FlashCrowd { start, ramp, plateau, decay, peak_per_s, .. } => {
            // It begins in the stretch; what is left of the tail after its end is cut.
            let tail_s = from_s + lasts_s - start.as_seconds() - ramp.as_seconds() - plateau.as_seconds();
            let kept = 1.0 - (-tail_s / decay.as_seconds()).exp();
            peak_per_s * (ramp.as_seconds() / 2.0 + plateau.as_seconds() + decay.as_seconds() * kept)
        }
        LoadKind::Passes { per_day, .. } => per_day * lasts_s / 86_400.0,
        other => panic!("{other:?} is not of units"),
    }
}

/// Jobs that come to each stage of each flow, where a job of the flow comes to the first `first(load)` times.
fn jobs(s: &Scenario, first: impl Fn(&Load) -> f64) -> Vec<(Option<TierId>, Option<usize>, f64)> {
    let mut all = Vec::new();
    for flow in &s.requests.as_ref().unwrap().flows {
        let Source::Load(load) = flow.arrivals else { panic!("no clients here") };
        let mut come = vec![0.0; flow.stages.len()];
        come[0] = first(&s.loads[load]);
        // Here jobs only go forward, so one pass in order is enough.
        for (k, stage) in flow.stages.iter().enumerate() {
            for (share, to) in &stage.then {
                assert!(*to > k);
                come[*to] += come[k] * share * stage.copies.mean;
            }
            all.push((stage.tier, stage.cost, come[k]));
        }
    }
    all
}

fn maffin() -> Scenario {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("s0-maffin");
    scenarios::load(&folder, &Options::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// Over the week the weights of the days sum to 7 in each shape, so that what stages ask for is what the loads' columns give.
#[test]
fn the_tiers_of_s0_maffin_are_offered_what_the_columns_of_their_loads_give() {
    let s = maffin();
    let week = |l: &Load| units(l, 0.0, 604_800.0, 60.0);
    let jobs = jobs(&s, week);
    let mut taken = 0;
    for (position, load) in s.loads.iter().enumerate() {
        let asked: f64 = jobs.iter().filter(|(_, cost, _)| *cost == Some(position)).map(|(.., n)| n).sum();
        if matches!(load.kind, LoadKind::Constant { .. } | LoadKind::Nightly { .. }) {
            assert_eq!(asked, 0.0, "{}", load.name);
            continue;
        }
        taken += 1;
        let given = week(load);
        assert!((asked - given).abs() <= 1e-9 * given, "{}: {asked} asked by stages, {given} given as columns", load.name);
        // And it is asked of the guests on whom the load falls.
        let tiers = &s.requests.as_ref().unwrap().tiers;
        let mut asked_of: Vec<_> = jobs.iter().filter(|(_, cost, _)| *cost == Some(position)).map(|(tier, ..)| tier.unwrap()).collect();
        asked_of.sort_unstable();
        asked_of.dedup();
        let mut guests: Vec<_> = asked_of.iter().flat_map(|t| tiers[t.index()].guests.clone()).collect();
        guests.sort_unstable();
        assert_eq!(guests, load.guests, "{}", load.name);
    }
    // 10 Web loads, 2 outbreaks, 13 mail functions, ships, builds.
    assert_eq!(taken, 27);
}

/// By hand, on the Wednesday: dns 5,250,000; directory 1,950,000; outbreaks about 2,720,000; Web about 690,000; outside-in
/// 630,000; pop 312,000; inside-out 130,000; lists 5,200 x 26; imap, files, mobile, ships 78,000 + 52,000 + 26,000 + 600.
#[test]
fn the_day_of_s0_maffin_has_more_than_ten_million_jobs() {
    let s = maffin();
    let r = s.requests.as_ref().unwrap();
    let day: f64 = r
        .flows
        .iter()
        .map(|f| match f.arrivals {
            Source::Load(load) => units(&s.loads[load], r.from.as_seconds(), r.lasts.as_seconds(), 60.0),
            Source::Clients { .. } => panic!("no clients here"),
        })
        .sum();
    assert!((11.5e6..12.5e6).contains(&day), "{day}");
    let virus: f64 = 630_000.0 + 130_000.0;
    let wednesday = jobs(&s, |l| units(l, 172_800.0, 86_400.0, 60.0));
    let scanned: f64 =
        wednesday.iter().filter(|(t, ..)| t.is_some_and(|t| r.tiers[t.index()].name.starts_with("virus"))).map(|(.., n)| n).sum();
    assert!((scanned - virus).abs() < 1e-6, "{scanned}");
}
