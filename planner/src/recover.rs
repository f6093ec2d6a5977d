//! What to do now that a host is down: its guests start again elsewhere, and as little else as possible is touched.
//!
//! In this order, and the first that every rule lets pass at its end and at each step is taken:
//! - the fallen guests start on hosts that are on; what runs stays where it is
//! - hosts that are off are booted for them
//! - guests that run are moved to make room
//!
//! First all of this is tried with every rule of the site. A site that has just lost a host may not be able to lose another: where
//! nothing is found, the rules on a further loss are not asked, and then the rule of one network neither; the answer names each
//! rule that was not asked and what it would say. Where rules on a further loss are asked, moves come before the guests
//! start, because every state on the way must keep them. A guest whose loss is accepted, or whose group carries on, is started
//! where there is room and stays down where there is none. Nothing is bought, and no host is switched off.

use std::cmp::Reverse;

use models::demand::Demand;
use models::law::cost;
use models::loss::{self, Left};
use models::plan::{NotAsked, Step};
use models::rule::{self, RuleName, Verdict, walk};
use models::site::{GuestId, HostId, Placement, Site};
use rayon::prelude::*;
use sim::replay::replay;

use crate::order::{self, Boots};
use crate::quick::{Quick, State};
use crate::search::Found;
use crate::{bound, explain, pack, prefer};

/// What came out.
pub enum Recovered {
    /// A plan: who can run runs.
    Runs(Box<Recovery>),
    /// Guests that must run find no place.
    DoesNotFit {
        /// Which, and why; a sentence each.
        conflicts: Vec<String>,
    },
}

/// A plan after a loss.
pub struct Recovery {
    /// The plan. The rules of its site are those that were asked, and name who may stay down.
    pub found: Found,
    /// Who stays down, and why that may be.
    pub down: Vec<(GuestId, &'static str)>,
    /// Rules that were not asked, and what they would say.
    pub not_asked: Vec<NotAsked>,
    /// The demand that it was judged under: loads of lost members fall on their survivors.
    pub demands: Vec<Demand>,
}

/// Rules that need not be asked after a loss.
pub const MAY_BE_LEFT_OUT: [RuleName; 3] = [RuleName::OneHostDown, RuleName::OneDomainDown, RuleName::OneNetwork];

/// The site without some of [`MAY_BE_LEFT_OUT`]; other rules stay.
#[must_use]
pub fn without(site: &Site, rules: &[RuleName]) -> Site {
    let mut site = site.clone();
    if rules.contains(&RuleName::OneHostDown) {
        site.rules.one_host_down = None;
    }
    if rules.contains(&RuleName::OneDomainDown) {
        site.rules.one_domain_down.clear();
    }
    if rules.contains(&RuleName::OneNetwork) {
        site.rules.one_network.clear();
    }
    site
}

/// Who may stay down in a placement after a loss, and why: guests that fell, or are pinned to what is lost, and do not run.
#[must_use]
pub fn who_stays_down(left: &Left, placement: &Placement) -> Vec<(GuestId, &'static str)> {
    let mut all: Vec<GuestId> = left.fallen.iter().chain(&left.stranded).copied().collect();
    all.sort_unstable();
    all.dedup();
    let down = all.into_iter().filter(|g| placement.host_of[g.index()].is_none());
    down.filter_map(|g| loss::may_stay_down(&left.site, placement, g).map(|why| (g, why))).collect()
}

/// The site and the demands that a placement after a loss is judged under.
#[must_use]
pub fn judged_under(left: &Left, demands: &[Demand], placement: &Placement, left_out: &[RuleName]) -> (Site, Vec<Demand>) {
    let mut site = without(&left.site, left_out);
    site.rules.excused = who_stays_down(left, placement).into_iter().map(|d| d.0).collect();
    let demands = demands.iter().map(|d| loss::carried(&site, d, placement, &site.rules.excused)).collect();
    (site, demands)
}

/// What the rules that are not asked would say of a placement.
#[must_use]
pub fn not_asked(left: &Left, demands: &[Demand], placement: &Placement, left_out: &[RuleName]) -> Vec<NotAsked> {
    let (site, demands) = judged_under(left, demands, placement, &[]);
    let words = crate::judge_all(&site, &demands, placement);
    let of = |j: rule::Judgement| {
        let why = match j.verdict {
            Verdict::Holds { .. } => "it would hold at the end".to_owned(),
            Verdict::Broken { breaches, .. } => breaches.first().map_or_else(String::new, ToString::to_string),
            Verdict::Undecided { why } => why,
        };
        NotAsked { rule: j.rule, why }
    };
    words.into_iter().filter(|j| left_out.contains(&j.rule)).map(of).collect()
}

/// Searches for a plan after a loss; `keep_spare` says whether the rules on a further loss are tried first.
///
/// # Panics
/// Where there is no demand.
#[must_use]
pub fn recover(left: &Left, demands: &[Demand], keep_spare: bool) -> Recovered {
    let asked = |rules: &[RuleName]| {
        let there = |r: &RuleName| match r {
            RuleName::OneHostDown => left.site.rules.one_host_down.is_some(),
            RuleName::OneDomainDown => !left.site.rules.one_domain_down.is_empty(),
            _ => !left.site.rules.one_network.is_empty(),
        };
        rules.iter().copied().filter(there).collect::<Vec<_>>()
    };
    let mut levels = vec![asked(&MAY_BE_LEFT_OUT[..2]), asked(&MAY_BE_LEFT_OUT)];
    if keep_spare {
        levels.insert(0, Vec::new());
    }
    levels.dedup();
    for left_out in &levels {
        if let Some(found) = at_level(left, demands, left_out) {
            let down = who_stays_down(left, &found.placement);
            let not_asked = not_asked(left, demands, &found.placement, left_out);
            let demands = judged_under(left, demands, &found.placement, left_out).1;
            return Recovered::Runs(Box::new(Recovery { found, down, not_asked, demands }));
        }
    }
    Recovered::DoesNotFit { conflicts: conflicts(left, demands) }
}

/// So many hosts are booted one by one in the search.
const MOST_BOOTS: usize = 8;

/// A plan without some rules.
fn at_level(left: &Left, demands: &[Demand], left_out: &[RuleName]) -> Option<Found> {
    let site = without(&left.site, left_out);
    let today = site.today.clone().unwrap_or_else(|| Placement::empty(&site));
    let mut quick = Quick::new(&site, &demands[0]);
    let mut tried: Vec<Placement> = Vec::new();
    // Starts alone, on more and more hosts.
    let mut closed: Vec<HostId> = (0..site.hosts.len()).map(HostId::at).filter(|h| !today.on[h.index()]).collect();
    closed.sort_by(|a, b| pack::keep_yen(&site, *a).total_cmp(&pack::keep_yen(&site, *b)).then(a.cmp(b)));
    let ways = prefer::within(&site);
    // One by one, then all at once: a plan that boots many is rare, and slow to look for.
    for boots in (0..closed.len().min(MOST_BOOTS)).chain([closed.len()]) {
        for way in &ways {
            quick.keep_within(way.clone());
            let mut state = quick.state(&today);
            for h in &closed[..boots] {
                state.placement.on[h.index()] = quick.may_open(&state, *h);
            }
            for choice in [Choice::Loose, Choice::Tight] {
                let Some(placement) = restart(&quick, left, state.clone(), choice) else { continue };
                if !tried.contains(&placement)
                    && let Some(found) = accept(left, demands, &placement, left_out)
                {
                    return Some(found);
                }
                tried.push(placement);
            }
        }
    }
    drop(quick);
    // Moves besides: first for all, then only for those who must run.
    let every: Vec<GuestId> = who_stays_down(left, &today).into_iter().map(|d| d.0).collect();
    let must_not: Vec<GuestId> = every.iter().copied().filter(|g| left.stranded.contains(g)).collect();
    for excused in [must_not, every] {
        let mut asked = site.clone();
        asked.rules.excused = excused;
        let mut quick = Quick::new(&asked, &demands[0]);
        let may = vec![true; asked.hosts.len()];
        let mut all: Vec<Found> = Vec::new();
        for way in &ways {
            quick.keep_within(way.clone());
            for state in [pack::keep_today(&quick, &today), pack::place(&quick, &may, &today.on)].into_iter().flatten() {
                // Hosts that were on stay on, whether or not they are needed.
                let mut placement = state.placement;
                placement.on.iter_mut().zip(&today.on).for_each(|(on, was)| *on |= was);
                if !tried.contains(&placement) {
                    all.extend(accept(left, demands, &placement, left_out));
                    tried.push(placement);
                }
            }
        }
        if let Some(best) = all.into_iter().min_by_key(|f| prefer::rank(f, &demands[0])) {
            return Some(best);
        }
    }
    None
}

/// How a host is chosen for a guest that starts again.
#[derive(Clone, Copy)]
enum Choice {
    /// The one with the most memory left: a survivor that is full is slow, and has no spare.
    Loose,
    /// The one with the least memory left that it fits in.
    Tight,
}

/// Guests that do not run are started where they fit, those who must run first; nothing where one of those finds no place.
fn restart(quick: &Quick, left: &Left, mut state: State, choice: Choice) -> Option<Placement> {
    let site = quick.site;
    let optional = who_stays_down(left, &state.placement);
    let optional = |g: GuestId| optional.iter().any(|d| d.0 == g);
    let mut homeless: Vec<GuestId> =
        (0..site.guests.len()).map(GuestId::at).filter(|g| state.placement.host_of[g.index()].is_none()).collect();
    homeless.sort_by_key(|g| (optional(*g), Reverse(site.guests[g.index()].memory), Reverse(quick.peak_khz(*g)), *g));
    let spare = site.rules.one_host_down.is_some() || !site.rules.one_domain_down.is_empty();
    let (must, may): (Vec<GuestId>, Vec<GuestId>) = homeless.into_iter().partition(|g| !optional(*g));
    let mut left_to_try = Tries { nodes: 2_000 + 10 * must.len(), ends: 64 };
    if !seat(quick, &mut state, &must, choice, spare, &mut left_to_try) {
        return None;
    }
    for g in may {
        let Some(h) = home(quick, &state, g, choice) else { continue };
        quick.put(&mut state, g, h);
        if spare && !quick.survives(&state) {
            quick.take(&mut state, g);
        }
    }
    Some(state.placement)
}

/// How much of the search for places is left.
struct Tries {
    nodes: usize,
    /// Whole seatings whose losses are looked at.
    ends: usize,
}

/// Finds a host for each guest, depth first; whether that came to an end.
fn seat(quick: &Quick, state: &mut State, guests: &[GuestId], choice: Choice, spare: bool, tries: &mut Tries) -> bool {
    let Some((g, others)) = guests.split_first() else {
        tries.ends = tries.ends.saturating_sub(1);
        return !spare || quick.survives(state);
    };
    let mut hosts: Vec<HostId> = (0..quick.site.hosts.len()).map(HostId::at).filter(|h| quick.fits(state, *g, *h)).collect();
    match choice {
        Choice::Loose => hosts.sort_by_key(|h| (Reverse(state.free_mib(*h)), *h)),
        Choice::Tight => hosts.sort_by_key(|h| (state.free_mib(*h), *h)),
    }
    for h in hosts {
        if tries.nodes == 0 || tries.ends == 0 {
            return false;
        }
        tries.nodes -= 1;
        quick.put(state, *g, h);
        if seat(quick, state, others, choice, spare, tries) {
            return true;
        }
        quick.take(state, *g);
    }
    false
}

/// The host that a guest starts on.
fn home(quick: &Quick, state: &State, g: GuestId, choice: Choice) -> Option<HostId> {
    let fit = (0..quick.site.hosts.len()).map(HostId::at).filter(|h| quick.fits(state, g, *h));
    match choice {
        Choice::Loose => fit.max_by_key(|h| (state.free_mib(*h), Reverse(*h))),
        Choice::Tight => fit.min_by_key(|h| (state.free_mib(*h), *h)),
    }
}

/// Judges a placement after a loss and its steps; nothing where a rule that is asked does not hold.
fn accept(left: &Left, demands: &[Demand], placement: &Placement, left_out: &[RuleName]) -> Option<Found> {
    let (site, demands) = judged_under(left, demands, placement, left_out);
    let verdicts = crate::judge_all(&site, &demands, placement);
    if !rule::all_hold(&verdicts) {
        return None;
    }
    let start = site.today.clone().unwrap_or_else(|| Placement::empty(&site));
    let quick = Quick::new(&site, &demands[0]);
    // Who fell starts as early as it fits; where a rule forbids that on the way, after the moves.
    let early = || early(&quick, &start, placement);
    let plain = |boots| order::steps(&quick, &start, placement, boots).ok();
    let orders: [&dyn Fn() -> Option<Vec<Step>>; 3] = [&early, &|| plain(Boots::First), &|| plain(Boots::WhenNeeded)];
    let (steps, walks) = orders.into_iter().find_map(|order| {
        let steps = order()?;
        let walks: Vec<walk::Walk> = demands.par_iter().map(|d| walk::walk(&site, d, &start, &steps)).collect();
        walks.iter().all(|w| w.faults.is_empty() && w.end == *placement).then_some((steps, walks))
    })?;
    let mut broken_before: Vec<RuleName> = walks.into_iter().flat_map(|w| w.broken_before).collect();
    broken_before.sort_unstable();
    broken_before.dedup();
    let cost = cost::of(&site, placement, replay(&site, &demands[0], placement).site.mean_w);
    let bound = bound::by_volume(&site, &demands[0]);
    Some(Found {
        site,
        buys: Vec::new(),
        placement: placement.clone(),
        steps,
        verdicts,
        broken_before,
        cost,
        bound,
        tried: 1,
        exhaustive: false,
        runners_up: Vec::new(),
    })
}

/// The steps in two parts: boots and the starts that fit at once, then the rest.
fn early(quick: &Quick, start: &Placement, end: &Placement) -> Option<Vec<Step>> {
    let mut on = start.on.clone();
    on.iter_mut().zip(&end.on).for_each(|(on, later)| *on |= later);
    let mut state = quick.state(&Placement { on, host_of: start.host_of.clone() });
    for g in (0..quick.site.guests.len()).map(GuestId::at) {
        if let (None, Some(h)) = (start.host_of[g.index()], end.host_of[g.index()])
            && quick.fits(&state, g, h)
        {
            quick.put(&mut state, g, h);
        }
    }
    let mut steps = order::steps(quick, start, &state.placement, Boots::First).ok()?;
    let more = order::steps(quick, &state.placement, end, Boots::First).ok()?;
    for step in more {
        steps.push(Step { number: steps.len() as u32 + 1, ..step });
    }
    Some(steps)
}

/// Which guests find no place, and why.
fn conflicts(left: &Left, demands: &[Demand]) -> Vec<String> {
    let site = without(&left.site, &MAY_BE_LEFT_OUT);
    let today = site.today.clone().unwrap_or_else(|| Placement::empty(&site));
    let quick = Quick::new(&site, &demands[0]);
    let mut state = quick.state(&today);
    for h in (0..site.hosts.len()).map(HostId::at).filter(|h| !today.on[h.index()]) {
        state.placement.on[h.index()] = quick.may_open(&state, h);
    }
    let optional = who_stays_down(left, &today);
    let mut must: Vec<GuestId> = (0..site.guests.len())
        .map(GuestId::at)
        .filter(|g| today.host_of[g.index()].is_none() && !optional.iter().any(|d| d.0 == *g))
        .collect();
    must.sort_by_key(|g| (Reverse(site.guests[g.index()].memory), *g));
    let (mut homeless, count) = (Vec::new(), must.len());
    for g in must {
        match home(&quick, &state, g, Choice::Tight) {
            Some(h) => quick.put(&mut state, g, h),
            None => homeless.push((g, why_not(left, &quick, &state, g))),
        }
    }
    if homeless.is_empty() {
        return explain::conflicts(&left.site, demands, None);
    }
    let names: Vec<&str> = homeless.iter().map(|(g, _)| site.guests[g.index()].name.as_str()).collect();
    let mut all = vec![format!("{} of {count} guests that must start again find no host: {}", names.len(), listed(&names))];
    all.extend(homeless.into_iter().take(8).map(|(_, why)| why));
    all
}

/// Names, the first eight of them.
fn listed(names: &[&str]) -> String {
    match names.len().saturating_sub(8) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names[..8].join(", ")),
    }
}

/// Why a guest finds no place beside those that run, with figures.
fn why_not(left: &Left, quick: &Quick, state: &State, g: GuestId) -> String {
    let site = quick.site;
    let guest = &site.guests[g.index()];
    if left.stranded.contains(&g) {
        return format!("guest {} is pinned to a host that is lost", guest.name);
    }
    let admit: Vec<HostId> = (0..site.hosts.len()).map(HostId::at).filter(|h| site.admits(*h, g)).collect();
    if admit.is_empty() {
        let pool = guest.pool.map_or_else(String::new, |p| format!(" of its pool {}", site.pools[p.index()]));
        return format!("guest {} ({}): no host{pool} that is left admits it", guest.name, guest.memory);
    }
    let Some(most) = admit.iter().copied().max_by_key(|h| (state.free_mib(*h), Reverse(*h))) else { return String::new() };
    let (free, name) = (state.free_mib(most), &site.hosts[most.index()].name);
    if free < guest.memory.0 as i64 {
        let hosts = admit.len();
        return format!("guest {} needs {}; of {hosts} hosts that admit it {name} has the most free, {free} MiB", guest.name, guest.memory);
    }
    format!(
        "guest {} ({}) has memory on {name} ({free} MiB free); CPU, apart, full-virtual or power rules keep it from every host that admits it",
        guest.name, guest.memory
    )
}
