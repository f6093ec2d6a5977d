//! Findings made by hand and by arithmetic: an hour of a centre's mail and Web servers, and two flows to work out by hand.

use models::plan::Figure;
use sim::experiment::{
    CaseFindings, Comparison, Findings, FlowFindings, FlowPoint, GuestFindings, HostFindings, Kept, LogLine, ORDINARY, Promise,
};
use sim::measure::PowerPoint;

/// A figure of ten replications whose interval is this wide on either side.
pub fn figure(name: &str, unit: &str, value: f64, half: f64) -> Figure {
    Figure { name: name.into(), value, unit: unit.into(), interval: Some((value - half, value + half)), count: 10 }
}

fn count(name: &str, value: f64) -> Figure {
    figure(name, "", value, 0.012 * value)
}

/// A flow of so many jobs an hour with a 95th percentile of so many seconds.
fn flow(name: &str, title: &str, jobs: f64, p95: f64, promise: Option<(f64, f64)>) -> FlowFindings {
    let delay = |q: f64, times: f64| (q, figure(&format!("delay, {} %", q * 100.0), "s", p95 * times, p95 * times * (0.01 + 0.05 * q * q)));
    let mut quantiles = vec![delay(0.5, 0.31), delay(0.95, 1.0), delay(0.99, 1.9)];
    if jobs > 5_000.0 {
        quantiles.push(delay(0.999, 3.7));
    }
    let mut f = FlowFindings {
        name: name.into(),
        title: title.into(),
        arrived: count("jobs arrived", jobs),
        served: count("jobs served", jobs),
        lost: figure("jobs lost", "", 0.0, 0.0),
        retried: figure("attempts put off", "", 0.0, 0.0),
        left: figure("jobs left at the end", "", 3.0, 1.0),
        late: None,
        mean: Some(figure("mean delay", "s", 0.4 * p95, 0.008 * p95)),
        quantiles,
        present: count("jobs present", jobs * 0.4 * p95 / 3600.0),
        dispatch_ms: figure("wait for a core", "ms", 3.1, 0.2),
        objective: None,
        series: Vec::new(),
    };
    course(&mut f, |_| (1.0, 1.0, 0.0));
    if let Some((percentile, within_s)) = promise {
        let reached = f.quantiles.iter().find(|q| (100.0 * q.0 - percentile).abs() < 1e-9).map(|q| q.1.clone());
        f.objective = Some(Promise { percentile, within_s, kept: Kept::Undecided, reached, missed: None });
        judge(&mut f);
    }
    f
}

fn judge(f: &mut FlowFindings) {
    let Some(p) = &mut f.objective else { return };
    p.reached = f.quantiles.iter().find(|q| (100.0 * q.0 - p.percentile).abs() < 1e-9).map(|q| q.1.clone());
    p.kept = match p.reached.as_ref().and_then(|r| r.interval) {
        Some((_, high)) if high <= p.within_s => Kept::Yes,
        Some((low, _)) if low > p.within_s => Kept::No,
        _ => Kept::Undecided,
    };
}

/// Fills a flow's series: by minute, how much more arrives, how much later it is served, and which share is lost.
fn course(f: &mut FlowFindings, of: impl Fn(f64) -> (f64, f64, f64)) {
    let (a_minute, p95) = (f.arrived.value / 60.0, f.quantiles[1].1.value);
    f.series = (0..60)
        .map(|i| {
            let minute = f64::from(i);
            let (more, later, lost) = of(minute);
            let ripple = 1.0 + 0.07 * (minute * 1.7 + p95).sin() + 0.05 * (minute * 0.61 + 3.0 * p95).cos();
            let arrived = a_minute * more * ripple;
            let p95_s = (arrived * (1.0 - lost) > 0.4).then_some(p95 * later * ripple * ripple);
            FlowPoint {
                hour: 10.0 + minute / 60.0,
                arrived,
                served: arrived * (1.0 - lost),
                lost: arrived * lost,
                mean_s: p95_s.map(|x| 0.4 * x),
                p95_s,
            }
        })
        .collect();
}

fn power(from: impl Fn(f64) -> f64) -> (Vec<Figure>, Vec<PowerPoint>) {
    let series: Vec<PowerPoint> = (0..60)
        .map(|i| {
            let w = from(f64::from(i)) * (1.0 + 0.01 * (f64::from(i) * 1.3).sin());
            PowerPoint { hour: f64::from(i) / 60.0, mean_w: w, max_w: w, max_va: w / 0.95 }
        })
        .collect();
    let peak = series.iter().map(|p| p.max_w).fold(0.0, f64::max) / 1000.0;
    let mean = series.iter().map(|p| p.mean_w).sum::<f64>() / 60_000.0;
    let figures = [
        ("peak apparent power", peak / 0.95, "kVA"),
        ("peak real power", peak, "kW"),
        ("mean real power", mean, "kW"),
        ("energy", mean, "kWh"),
    ];
    (figures.into_iter().map(|(name, v, unit)| figure(name, unit, v, 0.004 * v)).collect(), series)
}

fn host(name: &str, busy: f64, short: f64, down: f64) -> HostFindings {
    HostFindings {
        host: name.into(),
        busy: figure("CPU given", "%", busy, 0.4),
        short: figure("time short of CPU", "%", short, 0.2 * short),
        down: figure("time down", "min", down, 0.1 * down),
    }
}

fn guest(name: &str, steal: f64, down: f64, outages: f64) -> GuestFindings {
    GuestFindings {
        guest: name.into(),
        steal: Some(figure("steal", "%", steal, 0.15 * steal)),
        own_ghz_h: Some(figure("own CPU", "GHz h", 0.84, 0.012)),
        hypervisor_ghz_h: Some(figure("the hypervisor's CPU for it", "GHz h", 0.11, 0.002)),
        down: figure("time down", "min", down, 0.0),
        outages: figure("outages", "", outages, 0.0),
    }
}

fn log(lines: &[(f64, &str)]) -> Vec<LogLine> {
    lines.iter().map(|(minute, what)| LogLine { at_ns: 36_000_000_000_000 + (minute * 6e10) as u64, what: (*what).into() }).collect()
}

/// Each flow less the same in another case; moved where so said.
fn held_against(case: &mut CaseFindings, other: &CaseFindings, moved: &[&str]) {
    case.against = Some(other.name.clone());
    case.comparisons = case
        .flows
        .iter()
        .zip(&other.flows)
        .enumerate()
        .map(|(i, (a, b))| {
            let moved = moved.contains(&a.name.as_str());
            let still = 0.004 * b.quantiles[1].1.value * (i as f64 * 2.3).sin();
            let value = if moved { a.quantiles[1].1.value - b.quantiles[1].1.value } else { still };
            let half = if moved { 0.12 * value.abs() } else { 2.5 * still.abs() };
            Comparison {
                flow: a.name.clone(),
                difference: figure("change of mean delay", "s", value, half),
                of_p95: Some(figure("change of delay, 95 %", "s", 2.0 * value, 2.0 * half)),
                together: Some((value - 1.6 * half, value + 1.6 * half)),
                moved,
                variance_reduction: moved.then_some(3.4 + i as f64),
            }
        })
        .collect();
}

/// An hour of fourteen flows on a fleet, 10:00 to 11:00, ten replications; a host that fails, a burst that is too much, a pool that
/// changes nothing, a power cut with a long log, and twenty years of columns.
pub fn hour(fleet: &str) -> Findings {
    let flows = vec![
        flow("imap", "IMAP: a mailbox is read", 182_000.0, 0.912, Some((95.0, 0.8))),
        flow("pop", "POP3: a mailbox is fetched", 64_000.0, 0.31, Some((95.0, 0.8))),
        flow("smtp-in", "mail from outside", 21_400.0, 4.2, Some((95.0, 30.0))),
        flow("smtp-out", "mail to outside", 9_800.0, 2.7, Some((95.0, 30.0))),
        flow("scan", "virus and spam check of a mail", 31_000.0, 1.9, Some((95.0, 10.0))),
        flow("web", "pages of the centre's Web servers", 412_000.0, 0.184, Some((99.0, 0.35))),
        flow("webmail", "pages of Web mail", 38_000.0, 0.62, Some((95.0, 1.0))),
        flow("mobile", "pages of mobile Web mail", 2_900.0, 0.71, Some((95.0, 1.0))),
        flow("ml", "a mail to a mailing list", 410.0, 22.0, Some((95.0, 60.0))),
        flow("dns", "a name is asked for", 1_240_000.0, 0.0021, Some((99.0, 0.02))),
        flow("ldap", "a user is looked up", 300_000.0, 0.0063, Some((99.0, 0.05))),
        flow("proxy", "a page through the proxy", 96_000.0, 0.44, Some((95.0, 1.0))),
        flow("backup", "a mailbox is copied", 120.0, 95.0, None),
        flow("monitor", "a service is checked", 7_200.0, 0.052, None),
    ];
    let (figures, power_series) = power(|_| 11_900.0);
    let ordinary = CaseFindings {
        name: ORDINARY.into(),
        title: "the ordinary course".into(),
        against: None,
        from_h: 10.0,
        lasts_h: 1.0,
        replications: 10,
        unstable: None,
        jobs: count("jobs", 2_405_000.0),
        events: count("events", 19_870_000.0),
        flows,
        hosts: (1..=11).map(|i| host(&format!("vm{i:02}"), 21.0 + 4.0 * f64::from(i % 6), if i == 3 { 1.4 } else { 0.0 }, 0.0)).collect(),
        guests: vec![guest("imap01a", 2.3, 0.0, 0.0)],
        power: figures,
        power_series,
        log: Vec::new(),
        comparisons: Vec::new(),
    };

    let named = |name: &str, title: &str| CaseFindings { name: name.into(), title: title.into(), ..ordinary.clone() };
    // Makes a flow's delays so many times as long, and loses this share of its jobs.
    let worsen = |case: &mut CaseFindings, name: &str, times: f64, lost: f64, of: &dyn Fn(f64) -> (f64, f64, f64)| {
        let f = case.flows.iter_mut().find(|f| f.name == name).unwrap();
        course(f, of);
        f.lost = count("jobs lost", lost * f.arrived.value);
        for (q, figure_of) in &mut f.quantiles {
            *figure_of = figure(&figure_of.name, "s", figure_of.value * times, figure_of.value * times * 0.06 * *q);
        }
        judge(f);
    };

    let mut down = named("host-down", "vm03 fails at 10:20 and is repaired after the hour");
    for (name, times) in [("imap", 3.4), ("webmail", 2.1), ("ldap", 1.4), ("mobile", 1.9), ("smtp-in", 1.6)] {
        worsen(&mut down, name, times, if name == "imap" { 0.004 } else { 0.0 }, &|m| match m {
            m if m < 20.0 => (1.0, 1.0, 0.0),
            m if m < 26.0 => (1.0, 6.0 * times, if name == "imap" { 0.04 } else { 0.0 }),
            m => (1.0, 1.0 + 4.0 * times * (-(m - 26.0) / 6.0).exp(), 0.0),
        });
    }
    down.guests = vec![guest("imap01a", 7.9, 4.1, 1.0), guest("ml01a", 0.0, 6.3, 1.0), guest("pop02b", 0.0, 7.75, 1.0)];
    down.hosts[2] = host("vm03", 9.1, 0.0, 40.0);
    down.hosts[5] = host("vm06", 71.0, 8.2, 0.0);
    (down.power, down.power_series) = power(|m| if m < 20.0 { 11_900.0 } else { 11_350.0 + if m < 30.0 { 400.0 } else { 0.0 } });
    down.log = log(&[
        (20.0, "vm03 fails"),
        (24.1, "imap01a is up again on vm06"),
        (26.3, "ml01a is up again on vm01"),
        (27.75, "pop02b is up again on vm09"),
    ]);
    held_against(&mut down, &ordinary, &["imap", "webmail", "ldap", "mobile", "smtp-in"]);

    let mut burst = named("burst", "six times as many pages from 10:10 on, for 20 minutes");
    burst.unstable = Some((
        "unstable: web after day 1 00:24:10: 1000000 jobs present, the most of them of web; offered 14.20 cores, capacity 12.00".into(),
        3,
    ));
    let more = |m: f64| if (10.0..30.0).contains(&m) { 6.0 } else { 1.0 };
    worsen(&mut burst, "web", 60.0, 0.31, &|m| {
        (more(m), if m < 10.0 { 1.0 } else { 90.0 }, if (14.0..34.0).contains(&m) { 0.5 } else { 0.0 })
    });
    worsen(&mut burst, "webmail", 9.0, 0.0, &|m| (1.0, if m < 12.0 { 1.0 } else { 11.0 }, 0.0));
    let web = burst.flows.iter_mut().find(|f| f.name == "web").unwrap();
    web.arrived = count("jobs arrived", 1_100_000.0);
    (burst.power, burst.power_series) = power(|m| 11_900.0 + 900.0 * (more(m) - 1.0) / 5.0);
    held_against(&mut burst, &ordinary, &["web", "webmail"]);

    let mut pool = named("pool", "POP and IMAP share their servers");
    held_against(&mut pool, &ordinary, &[]);

    let mut cut = named("power-cut", "mains fail at 10:05 for half an hour; the battery holds ten minutes");
    for f in 0..cut.flows.len() {
        let name = cut.flows[f].name.clone();
        worsen(&mut cut, &name, 1.0 + 0.4 * f as f64, 0.42, &|m| {
            if (15.0..40.0).contains(&m) { (1.0, 1.0, 1.0) } else { (1.0, 1.3, 0.02) }
        });
    }
    let names: Vec<String> = (1..=11).map(|i| format!("vm{i:02} is up again")).collect();
    let mut lines = vec![(5.0, "mains fails"), (15.0, "the battery is empty"), (35.0, "mains is repaired")];
    lines.extend(names.iter().enumerate().map(|(i, n)| (37.0 + 0.2 * i as f64, n.as_str())));
    cut.log = log(&lines);
    cut.guests = (1..=16).map(|i| guest(&format!("mail{i:02}a"), 0.4, 24.5, 1.0)).collect();
    (cut.power, cut.power_series) = power(|m| if (15.0..37.0).contains(&m) { 150.0 } else { 12_400.0 });
    let all: Vec<String> = cut.flows.iter().skip(1).map(|f| f.name.clone()).collect();
    held_against(&mut cut, &down, &all.iter().map(String::as_str).collect::<Vec<_>>());

    let mut years = named("years", "twenty years of hosts and disks that fail");
    years.flows.clear();
    years.against = Some(ORDINARY.into());
    (years.from_h, years.lasts_h) = (0.0, 20.0 * 8766.0);
    years.power_series = (0..672)
        .map(|i| PowerPoint {
            hour: 20.0 * 8766.0 * f64::from(i) / 672.0,
            mean_w: 9.0e3,
            max_w: 9.5e3,
            max_va: 1.0e4 + 50.0 * f64::from(i % 7),
        })
        .collect();
    years.log = (0..400).map(|i| LogLine { at_ns: i * 1_500_000_000_000_000, what: format!("vm{:02} fails", i % 11 + 1) }).collect();

    Findings { fleet: fleet.into(), seed: 42, cases: vec![ordinary, down, burst, pool, cut, years], notes: Vec::new() }
}

/// Two flows and two cases, small enough to read: `a` promises and breaks, `b` has too few jobs for its 99th percentile. In `down`
/// only `a` moves; `flood` is unstable, and its log is empty.
pub fn two_flows() -> Findings {
    let mut a = flow("a", "flow a", 1000.0, 0.9, Some((95.0, 0.8)));
    a.quantiles = vec![
        (0.5, figure("delay, 50 %", "s", 0.3, 0.02)),
        (0.95, figure("delay, 95 %", "s", 0.912, 0.035)),
        (0.99, figure("delay, 99 %", "s", 1.7, 0.2)),
        (0.999, figure("delay, 99.9 %", "s", 2.9, 0.6)),
    ];
    judge(&mut a);
    let mut b = flow("b", "flow b", 40.0, 0.05, Some((95.0, 0.06)));
    b.quantiles = vec![(0.5, figure("delay, 50 %", "s", 0.02, 0.001)), (0.95, figure("delay, 95 %", "s", 0.05, 0.02))];
    judge(&mut b);
    let mut ordinary = hour("plan").cases.swap_remove(0);
    ordinary.flows = vec![a, b];
    ordinary.jobs = figure("jobs", "", 1040.0, 0.0);
    ordinary.events = figure("events", "", 9000.0, 0.0);
    ordinary.hosts.clear();
    ordinary.guests.clear();
    ordinary.power.clear();
    ordinary.power_series.clear();

    let mut down = CaseFindings { name: "down".into(), title: "h1 fails at 10:20".into(), ..ordinary.clone() };
    down.flows[0].mean = Some(figure("mean delay", "s", 1.548, 0.2));
    down.flows[0].quantiles[1].1 = figure("delay, 95 %", "s", 2.1, 0.2);
    down.flows[0].lost = figure("jobs lost", "", 12.0, 3.0);
    judge(&mut down.flows[0]);
    down.guests = vec![guest("g1", 0.0, 5.2, 1.0)];
    down.log = log(&[(20.0, "h1 fails"), (25.2, "g1 is up again on h2")]);
    let compare = |flow: &str, value: f64, half: f64, moved: bool| Comparison {
        flow: flow.into(),
        difference: figure("change of mean delay", "s", value, half),
        of_p95: Some(figure("change of delay, 95 %", "s", 2.0 * value, 2.0 * half)),
        together: Some((value - 1.5 * half, value + 1.5 * half)),
        moved,
        variance_reduction: moved.then_some(4.0),
    };
    down.against = Some(ORDINARY.into());
    down.comparisons = vec![compare("a", 1.188, 0.2, true), compare("b", 0.001, 0.01, false)];

    let mut flood = CaseFindings { name: "flood".into(), title: "ten times as many jobs of b".into(), ..ordinary.clone() };
    flood.unstable =
        Some(("unstable: t1 after day 1 00:10:00: 1000 jobs present, the most of them of b; offered 3.00 cores, capacity 2.00".into(), 4));
    flood.against = Some(ORDINARY.into());
    flood.comparisons = vec![compare("a", 0.0, 0.1, false), compare("b", 30.0, 2.0, true)];
    Findings { fleet: "plan".into(), seed: 42, cases: vec![ordinary, down, flood], notes: Vec::new() }
}
