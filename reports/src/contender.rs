//! A fleet as it is compared with others: the answer in a sentence, and the rows of the key table.
//!
//! The page and the terminal show the same rows; they differ in layout only. Nothing is judged here.

use std::collections::BTreeSet;

use models::Estimate;
use models::plan::Plan;
use models::rule::down::Headroom;
use models::rule::{Judgement, Verdict};
use serde::Serialize;
use sim::measure::Measures;

use crate::course;
use crate::run::{Fleet, Run};
use crate::say;

/// The fleets that charts and before/after tables show: today, and the one that is set against it.
pub(crate) struct Lineup<'a> {
    /// Today, or the baseline.
    pub today: Option<&'a Fleet>,
    /// The chosen plan; where nothing was chosen, the last fleet that was looked at.
    pub other: Option<&'a Fleet>,
}

impl<'a> Lineup<'a> {
    /// The lineup of a run.
    pub(crate) fn of(run: &'a Run) -> Self {
        let other = match run.chosen {
            Some(0) => None,
            Some(i) => run.fleets.get(i),
            None if run.fleets.len() > 1 => run.fleets.last(),
            None => None,
        };
        Self { today: run.fleets.first(), other }
    }

    /// One or both, today first.
    pub(crate) fn both(&self) -> impl Iterator<Item = &'a Fleet> + use<'a> {
        self.today.into_iter().chain(self.other)
    }
}

/// All fleets, today first, then the chosen one, then the others as they stand.
pub(crate) fn ordered(run: &Run) -> Vec<&Fleet> {
    let mut order: Vec<usize> = (0..run.fleets.len()).collect();
    order.sort_by_key(|i| (*i != 0, run.chosen != Some(*i), *i));
    order.into_iter().map(|i| &run.fleets[i]).collect()
}

/// The chosen fleet.
pub(crate) fn chosen(run: &Run) -> Option<&Fleet> {
    run.chosen.and_then(|i| run.fleets.get(i))
}

/// Hours that a replay covers.
pub(crate) fn hours(measures: &Measures) -> f64 {
    measures.step_ns as f64 * measures.steps as f64 / 3.6e12
}

/// What the run answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Answer {
    /// `fits`, `does not fit`, `not shown to fit`, or `replayed`.
    pub word: &'static str,
    /// Whether the word is good news: `good`, `bad` or `plain`.
    pub tone: &'static str,
    /// The sentence after it.
    pub sentence: String,
}

/// The verdict in a sentence.
pub(crate) fn answer(run: &Run, plan: Option<&Plan>) -> Answer {
    let verdicts = |f: &'_ Fleet| plan.map_or_else(|| f.verdicts.clone(), |p| p.verdicts.clone());
    if let Some(fleet) = chosen(run) {
        let verdicts = verdicts(fleet);
        let (word, tone) = if verdicts.iter().all(|j| j.verdict.holds()) { ("fits", "good") } else { ("not shown to fit", "bad") };
        let sentence = format!("{}{}; {}.", carry(fleet), draw(run, fleet), rules(&verdicts));
        if let Some(lost) = run.lost.as_ref().filter(|_| tone == "good") {
            let (word, tone) = if lost.every_rule { ("runs again", "good") } else { ("runs again, with a rule not kept", "bad") };
            return Answer {
                word,
                tone,
                sentence: format!(
                    "{} {}",
                    lost.says.join(" "),
                    if lost.every_rule { sentence } else { sentence.replace("every rule", "every other rule") }
                ),
            };
        }
        if let Some(evacuated) = run.evacuated.as_ref().filter(|_| tone == "good") {
            return Answer { word: "can be evacuated", tone, sentence: format!("{} {sentence}", evacuated.says.join(" ")) };
        }
        // Who signs for the rules signs for what users feel, too.
        let broken = run.requests.iter().find(|r| r.fleet == fleet.name).map(course::broken).unwrap_or_default();
        if tone == "good" && !broken.is_empty() {
            let sentence = format!("not kept at request level: {}. {sentence}", broken.join(", "));
            return Answer { word: "breaks promises", tone: "bad", sentence };
        }
        return Answer { word, tone, sentence };
    }
    if let Some(first) = run.conflicts.first() {
        return Answer { word: "does not fit", tone: "bad", sentence: sentence(first) };
    }
    let Some(fleet) = run.fleets.first() else {
        return Answer { word: "nothing replayed", tone: "plain", sentence: "The run holds no fleet.".into() };
    };
    let text = format!("{}{}; {}. Nothing was planned.", carry(fleet), draw(run, fleet), rules(&fleet.verdicts));
    Answer { word: "replayed", tone: "plain", sentence: text }
}

fn carry(fleet: &Fleet) -> String {
    let guests = fleet.placement.len() as u64;
    format!(
        "{} {} {}",
        say::some(u64::from(fleet.hosts_on), "host", "hosts"),
        if fleet.hosts_on == 1 { "carries" } else { "carry" },
        say::some(guests, "guest", "guests")
    )
}

fn draw(run: &Run, fleet: &Fleet) -> String {
    let site = &fleet.measures.site;
    let draw = if fleet.hosts_on == 1 { "draws" } else { "draw" };
    let (expected, plate) = (say::kilo(site.peak_va.get()), say::kilo(site.nameplate.va.value));
    match &run.ups {
        Some(ups) => {
            format!(
                " and {draw} at most {expected} kVA expected, {plate} kVA by nameplate, of {} kVA on {}",
                say::kilo(ups.rating_va),
                ups.name
            )
        }
        None => format!(" and {draw} at most {expected} kVA expected, {plate} kVA by nameplate"),
    }
}

/// How many rules hold, and the names of those that do not.
pub(crate) fn rules(verdicts: &[Judgement]) -> String {
    let names = |wanted: fn(&Verdict) -> bool| -> Vec<&str> {
        let mut seen = BTreeSet::new();
        verdicts.iter().filter(|j| wanted(&j.verdict)).map(|j| j.rule.words()).filter(|w| seen.insert(*w)).collect()
    };
    let broken = names(|v| matches!(v, Verdict::Broken { .. }));
    let undecided = names(|v| matches!(v, Verdict::Undecided { .. }));
    match (verdicts.len(), broken.is_empty(), undecided.is_empty()) {
        (0, ..) => "no rule was asked".into(),
        (_, true, true) => "every rule holds".into(),
        (_, false, true) => format!("broken: {}", broken.join(", ")),
        (_, true, false) => format!("not decided: {}", undecided.join(", ")),
        (_, false, false) => format!("broken: {}; not decided: {}", broken.join(", "), undecided.join(", ")),
    }
}

/// How many rules do not hold.
pub(crate) fn rules_brief(verdicts: &[Judgement]) -> String {
    let count = |w: &str| verdicts.iter().filter(|j| word(&j.verdict) == w).count();
    match (verdicts.len(), count("broken"), count("undecided")) {
        (0, ..) => "no rule was asked".into(),
        (_, 0, 0) => "every rule holds".into(),
        (n, b, 0) => format!("{b} of {n} BROKEN"),
        (n, 0, u) => format!("{u} of {n} UNDECIDED"),
        (n, b, u) => format!("{b} of {n} BROKEN, {u} UNDECIDED"),
    }
}

/// A sentence: a capital first, a full stop last.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut chars = text.chars();
    let mut out: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    out.push_str(chars.as_str());
    if !out.is_empty() && !out.ends_with(['.', '!', '?', '。']) {
        out.push('.');
    }
    out
}

/// The share of what is there that a loss needs, memory or CPU, whichever is more; more than 1 where it is short.
pub(crate) fn tightness(h: &Headroom) -> f64 {
    memory_share(h).max(cpu_share(h))
}

/// The share of the free memory that a loss needs.
pub(crate) fn memory_share(h: &Headroom) -> f64 {
    share(h.needed_mib as f64, h.free_mib as f64)
}

/// The share of the allowed CPU that a loss needs.
pub(crate) fn cpu_share(h: &Headroom) -> f64 {
    share(h.cpu_needed_mhz, h.cpu_available_mhz)
}

fn share(needed: f64, available: f64) -> f64 {
    if needed <= 0.0 {
        0.0
    } else if available <= 0.0 {
        f64::INFINITY
    } else {
        needed / available
    }
}

/// Losses, the worst first: broken, then undecided, then by the share that they need; ties by name.
pub(crate) fn worst_first(fleet: &Fleet) -> Vec<&Headroom> {
    let rank = |h: &Headroom| match h.verdict {
        Verdict::Broken { .. } => 0,
        Verdict::Undecided { .. } => 1,
        Verdict::Holds { .. } => 2,
    };
    let mut all: Vec<&Headroom> = fleet.headrooms.iter().collect();
    all.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| tightness(b).total_cmp(&tightness(a))).then_with(|| a.lost.cmp(&b.lost)));
    all
}

/// A verdict in one word.
pub(crate) const fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Holds { .. } => "holds",
        Verdict::Broken { .. } => "broken",
        Verdict::Undecided { .. } => "undecided",
    }
}

/// A cell of the key table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Cell {
    /// What it says.
    pub text: String,
    /// The same where there is little room; empty where the text is short enough.
    pub brief: String,
    /// What it says in small print.
    pub note: String,
    /// Whether a limit is exceeded or a rule broken; the text then says so in words too.
    pub bad: bool,
}

/// A row of the key table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    /// What is compared.
    pub name: String,
    /// What it may be at most.
    pub limit: String,
    /// By fleet.
    pub cells: Vec<Cell>,
}

/// The rows of the key table for some fleets.
pub(crate) fn rows(run: &Run, plan: Option<&Plan>, fleets: &[&Fleet]) -> Vec<Row> {
    let row = |name: &str, limit: String, cell: &dyn Fn(&Fleet) -> Cell| Row {
        name: name.to_owned(),
        limit,
        cells: fleets.iter().map(|f| cell(f)).collect(),
    };
    let plain = |text: String, note: String| Cell { text, note, ..Cell::default() };
    let va = run.ups.as_ref().map(|u| u.rating_va);
    let w = run.ups.as_ref().map(|u| u.limit_w);
    let limit = |x: Option<f64>, unit: &str| x.map_or_else(String::new, |x| format!("{} {unit}", say::kilo(x)));
    let chosen = chosen(run);
    let is_chosen = |f: &Fleet| chosen.is_some_and(|c| std::ptr::eq(c, f));
    let today = run.fleets.first();

    let mut rows = vec![
        row("hosts on", String::new(), &|f| plain(say::count(u64::from(f.hosts_on)), buys(f))),
        row("guests that run", String::new(), &|f| plain(say::count(f.placement.len() as u64), String::new())),
        row("peak kVA, expected", limit(va, "kVA"), &|f| {
            let s = &f.measures.site;
            let note = format!("{}; {} kVA as a vector sum", Measures::when(s.peak_va_at_ns), say::kilo(s.peak_va_vector.get()));
            against(Estimate::exactly(s.peak_va.get()), va, "kVA", note)
        }),
        row("peak kW, expected", limit(w, "kW"), &|f| {
            let s = &f.measures.site;
            against(Estimate::exactly(s.peak_w.get()), w, "kW", Measures::when(s.peak_w_at_ns))
        }),
        row("nameplate kVA", limit(va, "kVA"), &|f| against(f.measures.site.nameplate.va, va, "kVA", String::new())),
        row("nameplate kW", limit(w, "kW"), &|f| against(f.measures.site.nameplate.w, w, "kW", String::new())),
    ];
    if fleets.iter().any(|f| !f.headrooms.is_empty()) {
        rows.push(row("worst loss", String::new(), &|f| worst_loss(f)));
    }
    rows.push(row("CPU not served", String::new(), &|f| {
        let m = &f.measures;
        let share = if m.asked_ghz_h > 0.0 { m.unserved_ghz_h / m.asked_ghz_h } else { 0.0 };
        let note = if m.unserved.is_empty() && m.unserved_ghz_h == 0.0 {
            String::new()
        } else {
            format!(
                "{} of {}; {} in want",
                say::number(m.unserved_ghz_h),
                say::ghz_h(m.asked_ghz_h),
                say::some(m.unserved.len() as u64, "guest", "guests")
            )
        };
        plain(say::percent(share), note)
    }));
    rows.push(row("energy", String::new(), &|f| {
        let s = &f.measures.site;
        let mut note = format!("{} kW mean over {}", say::kilo(s.mean_w.get()), say::span(hours(&f.measures)));
        if let Some(loss) = f.measures.ups_loss_mean_w {
            note += &format!("; and {} kW lost in the CVCF", say::kilo(loss.get()));
        }
        plain(say::energy(s.energy_wh.get()), note)
    }));
    rows.push(row(&format!("cost over {}", say::years(run.years)), String::new(), &|f| {
        let total = f.cost.total();
        let brief = say::yen_range(total);
        let mut note = if total.is_ranged() { format!("{} to {}", say::yen(total.low), say::yen(total.high)) } else { String::new() };
        if let Some(today) = today.filter(|t| !std::ptr::eq(*t, f)) {
            let more = total.value - today.cost.total().value;
            let against = if more < 0.0 {
                format!("{} less than {}", say::yen(-more), today.name)
            } else {
                format!("{} more than {}", say::yen(more), today.name)
            };
            note = if note.is_empty() { against } else { format!("{note}; {against}") };
        }
        Cell { text: say::yen(total.value), brief, note, bad: false }
    }));
    if let Some(plan) = plan {
        rows.push(row("steps to it", String::new(), &|f| {
            if is_chosen(f) { plain(say::count(plan.steps.len() as u64), String::new()) } else { plain("–".into(), String::new()) }
        }));
    }
    rows.push(row("rules", String::new(), &|f| {
        let verdicts = match plan {
            Some(plan) if is_chosen(f) => &plan.verdicts,
            _ => &f.verdicts,
        };
        Cell { text: rules(verdicts), brief: rules_brief(verdicts), note: String::new(), bad: verdicts.iter().any(|j| !j.verdict.holds()) }
    }));
    rows.push(row("what binds", String::new(), &|f| {
        let lines: Vec<String> = if is_chosen(f) && !run.binds.is_empty() { run.binds.clone() } else { tightest(&f.verdicts) };
        plain(lines.first().cloned().unwrap_or_else(|| "–".into()), lines.get(1..).unwrap_or_default().join("; "))
    }));
    rows
}

/// The tightest margin among the rules that hold, in words.
fn tightest(verdicts: &[Judgement]) -> Vec<String> {
    let margins = verdicts.iter().filter_map(|j| match &j.verdict {
        Verdict::Holds { margin: Some(m) } if m.available > 0.0 => Some((j, m)),
        _ => None,
    });
    let found = margins.min_by(|a, b| a.1.share_free().total_cmp(&b.1.share_free()));
    found
        .map(|(j, m)| {
            let p = say::pair(m.needed, m.available, &m.unit);
            format!("{}: {} of {} {} on {}", j.rule.words(), p.needed, p.available, p.unit, m.place)
        })
        .into_iter()
        .collect()
}

/// A peak, or a sum of nameplates with its range, against its limit.
fn against(e: Estimate, limit: Option<f64>, unit: &str, note: String) -> Cell {
    let text = format!("{} {unit}", say::kilo(e.value));
    let range = if e.is_ranged() { format!("{} to {}", say::kilo(e.low), say::kilo(e.high)) } else { String::new() };
    let limit = limit.filter(|l| *l > 0.0);
    let bad = limit.is_some_and(|l| e.value > l);
    let share = limit.map_or_else(String::new, |l| format!(", {}", say::percent(e.value / l)));
    let brief = if e.is_ranged() { format!("{text} ({range})") } else { format!("{text}{share}") };
    let mut note = if e.is_ranged() { format!("{range} {unit}") } else { note };
    if !bad && e.is_ranged() && limit.is_some_and(|l| e.high > l) {
        note += ": over at the high end";
    }
    let over = if bad { ": over" } else { "" };
    Cell { text: format!("{text}{share}{over}"), brief: brief + if bad { " OVER" } else { "" }, note, bad }
}

/// What a fleet buys, in words.
pub(crate) fn buys(fleet: &Fleet) -> String {
    if fleet.buys.is_empty() {
        return "buys nothing".into();
    }
    let items: Vec<String> = fleet.buys.iter().map(|(class, n)| format!("{n} {class}")).collect();
    format!("buys {}", items.join(", "))
}

/// The worst loss in a cell.
pub(crate) fn worst_loss(fleet: &Fleet) -> Cell {
    let Some(worst) = worst_first(fleet).first().copied() else { return Cell { text: "–".into(), ..Cell::default() } };
    let memory = say::pair(worst.needed_mib as f64, worst.free_mib as f64, "MiB");
    let cpu = say::pair(worst.cpu_needed_mhz, worst.cpu_available_mhz, "MHz");
    let mut note = format!("needs {} of {} {}", memory.needed, memory.available, memory.unit);
    note += &format!(", {} of {} {} CPU", cpu.needed, cpu.available, cpu.unit);
    let used = tightness(worst);
    let used = if used.is_finite() { format!(", {}", say::percent(used)) } else { String::new() };
    match &worst.verdict {
        Verdict::Holds { .. } => Cell { text: format!("{}{used}", worst.lost), note, bad: false, ..Cell::default() },
        Verdict::Broken { .. } => {
            let broken = fleet.headrooms.iter().filter(|h| matches!(h.verdict, Verdict::Broken { .. })).count();
            let note = format!("{broken} of {} losses broken; {note}", fleet.headrooms.len());
            Cell { text: format!("{}{used}: broken", worst.lost), note, bad: true, ..Cell::default() }
        }
        Verdict::Undecided { .. } => Cell { text: format!("{}{used}: undecided", worst.lost), note, bad: true, ..Cell::default() },
    }
}

/// The gap between a cost and what no fleet can cost less than.
pub(crate) fn bound(run: &Run, plan: Option<&Plan>) -> Option<String> {
    let yen = run.lower_bound.as_ref().map(|b| b.cost_yen).or(plan.map(|p| p.cost_lower_bound_yen).filter(|y| *y > 0.0))?;
    let mut text = format!("no fleet that keeps the rules costs less than {}", say::yen(yen));
    if let Some(b) = &run.lower_bound {
        text += &format!(" ({}: {} at least)", b.because, say::some(u64::from(b.hosts), "host", "hosts"));
    }
    if let Some(cost) = chosen(run).map(|f| f.cost.total().value)
        && yen > 0.0
    {
        let gap = ((cost - yen) / yen).max(0.0);
        text += &if gap == 0.0 { "; the plan costs that".into() } else { format!("; the plan costs {} more", say::percent(gap)) };
    }
    Some(text)
}

/// What the two views of power say of the fleets, where there is a CVCF: which fit by nameplate, and which by curves.
pub(crate) fn views(run: &Run) -> Option<String> {
    let ups = run.ups.as_ref()?;
    let share = |va: f64, w: f64| f64::max(va / ups.rating_va, w / ups.limit_w);
    let say_of = |view: &str, shares: &[(&str, f64)]| {
        let over: Vec<String> = shares.iter().filter(|s| s.1 > 1.0).map(|(n, s)| format!("{n} ({})", say::percent(*s))).collect();
        let fullest = shares.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        match (over.is_empty(), fullest) {
            (true, Some((name, s))) => format!("by {view} all fit, the fullest ({name}) with {} of the limit", say::percent(*s)),
            (false, _) if over.len() == shares.len() => format!("by {view} none fits: {}", over.join(", ")),
            (false, _) => format!("by {view} all fit but {}", over.join(", ")),
            (true, None) => String::new(),
        }
    };
    if run.fleets.is_empty() {
        return None;
    }
    let of = |by: &dyn Fn(&Fleet) -> f64| run.fleets.iter().map(|f| (f.name.as_str(), by(f))).collect::<Vec<_>>();
    let nameplate = of(&|f| share(f.measures.site.nameplate.va.value, f.measures.site.nameplate.w.value));
    let expected = of(&|f| share(f.measures.site.peak_va.get(), f.measures.site.peak_w.get()));
    Some(format!("{}; {}", say_of("nameplate", &nameplate), say_of("measured curves", &expected)))
}

/// A fleet in one line: hosts, power, cost, rules.
pub(crate) fn line(run: &Run, fleet: &Fleet) -> String {
    let s = &fleet.measures.site;
    let mark = if chosen(run).is_some_and(|c| std::ptr::eq(c, fleet)) { "chosen: " } else { "" };
    format!(
        "{mark}{}, {} kVA expected, {} nameplate, {}, {}",
        say::some(u64::from(fleet.hosts_on), "host", "hosts"),
        say::kilo(s.peak_va.get()),
        say::kilo(s.nameplate.va.value),
        say::yen(fleet.cost.total().value),
        rules_brief(&fleet.verdicts)
    )
}
