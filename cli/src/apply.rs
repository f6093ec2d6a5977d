//! `apply`, `resume`, `rollback`, `status`: what the executor is told, and what it says. It shows by default, and acts with `--yes`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use executor::carry::{Outcome, carry};
use executor::clock::Clock;
use executor::crew::{Crew, Policy, keep_definitions};
use executor::failure::Failure as Failed;
use executor::host::Host;
use executor::inventory::Inventory;
use executor::journal::{End, FileStore, History, Listed, NotAJournal, NotOpened, Record, Summary, journal_path, list, read_file};
use executor::lock::SiteLock;
use executor::log::{Log, Said};
use executor::preview::{Row, preview};
use executor::real::{CommandSwitch, StoredDefinitions, policy};
use executor::runs::{self, Asked, Ready};
use executor::whereabouts::HostLook;
use models::message::{lines, shown as shown_text};
use models::plan::Plan;

use crate::args::{Common, RunArgs};
use crate::diagnose::Failure;
use crate::{hosts, pipeline, write};

/// What a command came to.
pub struct Answer {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: serde_json::Value,
    /// Whether all is well: what was asked is done, or would be.
    pub good: bool,
}

/// What a run works with, held together.
struct Site {
    inventory: Inventory,
    hosts: BTreeMap<String, Box<dyn Host>>,
    policy: Policy,
    clock: Box<dyn Clock>,
}

impl Site {
    /// `acts`: the operator's wish to stop is caught, so that what is under way is finished; a dry run just ends.
    fn open(inventory: Inventory, fenced: &[String], acts: bool) -> Result<Self, Failure> {
        if let Some(host) = fenced.iter().find(|h| !inventory.hosts.contains_key(*h)) {
            let help = scenarios::help_for(host, "hosts", inventory.hosts.keys().map(String::as_str));
            return Err(Failure::Usage(format!("--fenced: the inventory has no host `{host}`; {help}")));
        }
        let policy = policy(&inventory, fenced.iter().cloned().collect());
        Ok(Self { hosts: hosts::connect(&inventory)?, policy, clock: hosts::clock(acts)?, inventory })
    }

    fn with<T>(&self, log: &dyn Log, then: impl FnOnce(&Crew<'_>) -> T) -> T {
        let switch = CommandSwitch::new(&self.inventory);
        let definitions = StoredDefinitions::new(&self.inventory);
        let crew = Crew { hosts: &self.hosts, switch: &switch, definitions: &definitions, clock: &*self.clock, log, policy: &self.policy };
        then(&crew)
    }

    fn lock(&self, what: &str) -> Result<SiteLock, Failure> {
        Ok(SiteLock::take(&self.inventory.state, &self.inventory.site, what)?)
    }
}

/// Says nothing.
struct Silent;
impl Log for Silent {
    fn say(&self, _: &Said) {}
}

/// A log for people and one for programs, beside the journal and on the terminal.
struct Logs {
    people: RefCell<File>,
    programs: RefCell<File>,
    json: bool,
}

impl Logs {
    fn beside(journal: &Path, json: bool) -> Result<Self, Failure> {
        let open = |ending: &str| {
            let path = journal.with_extension(ending);
            let file = File::options().create(true).append(true).open(&path);
            file.map(RefCell::new).map_err(|source| Failure::Io { path, doing: "write", source })
        };
        Ok(Self { people: open("log")?, programs: open("log.json")?, json })
    }
}

impl Log for Logs {
    fn say(&self, said: &Said) {
        let line = serde_json::to_string(said).unwrap_or_else(|e| format!("{{\"event\":\"note\",\"text\":\"{e}\"}}"));
        let person = lines(&format!("{} {said}", time(said.at_unix_ns))).into_owned();
        // A log that cannot be written is no reason to stop in the middle of a step: the journal is what counts.
        _ = writeln!(self.people.borrow_mut(), "{person}");
        _ = writeln!(self.programs.borrow_mut(), "{line}");
        eprintln!("{}", if self.json { &line } else { &person });
    }
}

/// A moment as people write it, to the second, in local time.
fn time(unix_ns: u64) -> String {
    let stamp = jiff::Timestamp::from_nanosecond(i128::from(unix_ns)).unwrap_or_default();
    stamp.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The moment that `--until` names: a time of day (the next one), a moment in full, or so long from now.
///
/// # Errors
/// What would be right.
pub fn until(text: &str, now_unix_ns: u64) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no time: give `05:30` (the next one), `2026-11-22T05:30:00+09:00` or `+90m`");
    let now = jiff::Timestamp::from_nanosecond(i128::from(now_unix_ns)).map_err(|_| wrong())?;
    let zone = jiff::tz::TimeZone::system();
    let at = if let Some(span) = text.strip_prefix('+') {
        let span: jiff::SignedDuration = span.parse().map_err(|_| wrong())?;
        now.checked_add(span).map_err(|_| wrong())?
    } else if let Ok(at) = text.parse::<jiff::Timestamp>() {
        at
    } else {
        let time: jiff::civil::Time = if text.len() == 5 { format!("{text}:00").parse() } else { text.parse() }.map_err(|_| wrong())?;
        let today = now.to_zoned(zone.clone()).date();
        let of = |day: jiff::civil::Date| day.to_datetime(time).to_zoned(zone.clone()).map(|z| z.timestamp());
        let at = of(today).map_err(|_| wrong())?;
        if at > now { at } else { of(today.tomorrow().map_err(|_| wrong())?).map_err(|_| wrong())? }
    };
    u64::try_from(at.as_nanosecond()).ok().filter(|t| *t > now_unix_ns).ok_or_else(|| format!("`{text}` is over already"))
}

/// What is found out before an observation: hosts that do not answer and are off by their power status; and the definitions of all guests
/// that are seen are kept, for the day on which their host is dead.
#[derive(Debug, Default)]
pub struct FoundOut {
    /// Hosts that are off.
    pub off: Vec<String>,
    /// What could not be kept.
    pub notes: Vec<String>,
}

/// See [`FoundOut`].
#[must_use]
pub fn find_out(inventory: &Inventory, hosts: &BTreeMap<String, Box<dyn Host>>, clock: &dyn Clock) -> FoundOut {
    let policy = policy(inventory, BTreeSet::new());
    let (switch, definitions) = (CommandSwitch::new(inventory), StoredDefinitions::new(inventory));
    let crew = Crew { hosts, switch: &switch, definitions: &definitions, clock, log: &Silent, policy: &policy };
    let survey = crew.look_around();
    let off = survey.hosts.iter().filter(|(_, look)| matches!(look, HostLook::Off(_))).map(|(name, _)| name.clone()).collect();
    FoundOut { off, notes: keep_definitions(&crew, &survey) }
}

/// `apply`.
///
/// # Errors
/// Files that cannot be used, hosts that cannot be asked, a lock that is held.
pub fn apply(plan: &Path, inventory: &Path, scenario: Option<&Path>, run: &RunArgs, common: &Common) -> Result<Answer, Failure> {
    let plan = pipeline::read_plan(plan)?;
    if let Some(folder) = scenario {
        // The whole way of the plan is judged again, by code that shares nothing with who made it.
        let checked = pipeline::check_plan(&plan, pipeline::load(folder, common)?)?;
        if !checked.holds {
            let text = format!("REFUSED: the plan does not hold\n{}", checked.text);
            return Ok(Answer {
                text,
                json: serde_json::json!({ "refused": "the plan does not hold", "check": checked.json }),
                good: false,
            });
        }
    }
    let inventory = Inventory::read(inventory)?;
    executor::names::check_plan_names(&plan, &inventory)?;
    let site = match Site::open(inventory, &run.fenced, run.yes) {
        Ok(site) => site,
        // Without libvirt the plan can still be read.
        Err(e @ Failure::NoLibvirt(_)) => {
            return Ok(Answer {
                text: format!("{}\n{e}\n", reports::steps(&plan)),
                json: serde_json::json!({ "plan": plan, "not_built_in": e.to_string() }),
                good: false,
            });
        }
        Err(e) => return Err(e),
    };
    let _lock = run.yes.then(|| site.lock(&format!("apply {}", plan.site))).transpose()?;
    let asked = asked(run, &site)?;
    let ready = match site.with(&Silent, |crew| runs::begin(crew, &plan, &site.inventory, &asked)) {
        Ok(ready) => ready,
        Err(refusal) => return Ok(refused(&refusal.to_string())),
    };
    let unfinished = unfinished(&site)?;
    if !run.yes {
        let mut answer = shown("apply", &ready, &site, &plan);
        for old in &unfinished {
            answer.text += &format!("note: an unfinished run could not be resumed after that: {}\n", old.display());
        }
        answer.json["takes_the_place_of"] = serde_json::json!(unfinished);
        return Ok(answer);
    }
    // What is not kept now is not there when a host dies in the middle.
    for note in site.with(&Silent, |crew| keep_definitions(crew, &ready.prepared.survey)) {
        eprintln!("note: {note}");
    }
    let path = journal_path(&site.inventory.state, &plan.site, site.clock.now_unix_ns(), "apply");
    // It takes the place of those before it, which cannot be resumed any more.
    let word = Record::Superseded { by: path.display().to_string() };
    let marks = unfinished.into_iter().map(|old| (old, word.clone())).collect();
    carry_new(&site, &ready, &path, None, marks, common.json)
}

/// `resume`.
///
/// # Errors
/// As [`apply`].
pub fn resume(journal: &Path, inventory: Option<&Path>, run: &RunArgs, common: &Common) -> Result<Answer, Failure> {
    let (site, history, _lock) = open_run(journal, inventory, run, "resume")?;
    let ready = match site.with(&Silent, |crew| runs::resume(crew, &history, &site.inventory, &asked(run, &site)?).map_err(not_ready)) {
        Ok(ready) => ready,
        Err(Failure::Refused(why)) => return Ok(refused(&why)),
        Err(e) => return Err(e),
    };
    if !run.yes {
        return Ok(shown("resume", &ready, &site, &history.begun().plan));
    }
    let (store, again) = FileStore::go_on(journal)?;
    if again != history {
        return Err(Failure::Usage(format!("{}: it changed while it was read", journal.display())));
    }
    let logs = Logs::beside(journal, common.json)?;
    let outcome = site.with(&logs, |crew| {
        let journal = runs::go_on(store, crew.clock, &history, &crew.policy.fenced)?;
        carry(crew, &ready.orders, journal)
    });
    ended(outcome, &ready, journal)
}

/// `rollback`.
///
/// # Errors
/// As [`apply`].
pub fn rollback(journal: &Path, inventory: Option<&Path>, run: &RunArgs, common: &Common) -> Result<Answer, Failure> {
    let (site, history, _lock) = open_run(journal, inventory, run, "rollback")?;
    let ready = match site.with(&Silent, |crew| runs::back(crew, &history, &site.inventory, &asked(run, &site)?).map_err(not_ready)) {
        Ok(ready) => ready,
        Err(Failure::Refused(why)) => return Ok(refused(&why)),
        Err(e) => return Err(e),
    };
    if !run.yes {
        return Ok(shown("rollback", &ready, &site, &ready.orders.plan));
    }
    let path = journal_path(&site.inventory.state, &site.inventory.site, site.clock.now_unix_ns(), "rollback");
    // The old run is over from here on, however far the way back comes: it goes on from its own journal.
    let marks = vec![(journal.to_owned(), Record::RolledBack { by: path.display().to_string() })];
    carry_new(&site, &ready, &path, Some(journal.display().to_string()), marks, common.json)
}

/// `status`.
///
/// # Errors
/// The inventory or the folder of journals cannot be read.
pub fn status(inventory: &Path) -> Result<Answer, Failure> {
    let inventory = Inventory::read(inventory)?;
    let holder = SiteLock::holder(&inventory.state, &inventory.site).map_err(|source| Failure::Io {
        path: inventory.state.clone(),
        doing: "read",
        source,
    })?;
    let all = list(&inventory.state, &inventory.site)?;
    let mut text = match &holder {
        Some(by) => format!("site {}: a run is at work: {}\n", inventory.site, by.trim()),
        None => format!("site {}: no run is at work\n", inventory.site),
    };
    if all.is_empty() {
        text += "no journal yet\n";
    }
    let mut rows = Vec::new();
    let mut good = true;
    for Listed { path, what } in &all {
        text += &format!("{}\n", path.display());
        match what {
            Ok(summary) => {
                let (line, next) = told(summary, path, holder.is_some());
                good &= next.is_none();
                text += &format!("    {line}\n");
                text += &next.iter().map(|n| format!("    next: {n}\n")).collect::<String>();
                rows.push(serde_json::json!({
                    "journal": path, "state": line, "next": next, "begun_unix_ns": summary.begun_unix_ns, "last_unix_ns": summary.last_unix_ns,
                    "done": summary.progress.done, "open": summary.progress.open, "failed": summary.progress.failed,
                    "steps": summary.begun.plan.steps.len(), "rolls_back": summary.begun.rolls_back,
                }));
            }
            Err(e) if nothing_was_done(e) => {
                text += "    cut off before its first line was whole: nothing was done\n";
                rows.push(serde_json::json!({ "journal": path, "state": "nothing was done" }));
            }
            Err(e) => {
                good = false;
                text += &format!("    cannot be read: {e}\n");
                rows.push(serde_json::json!({ "journal": path, "error": e.to_string() }));
            }
        }
    }
    Ok(Answer { text, json: serde_json::json!({ "site": inventory.site, "at_work": holder, "journals": rows }), good })
}

/// A journal in a line, and what to do about it.
fn told(s: &Summary, path: &Path, at_work: bool) -> (String, Option<String>) {
    let (done, of) = (s.progress.done.len(), s.begun.plan.steps.len());
    let kind = if s.begun.rolls_back.is_some() { "rollback" } else { "run" };
    let since = format!("{kind} of {}, last word {}", time(s.begun_unix_ns), time(s.last_unix_ns));
    let go_on = format!("`shuyaku resume {0}` or `shuyaku rollback {0}`", path.display());
    match &s.end {
        End::Finished => (format!("finished: {done} of {of} steps done ({since})"), None),
        End::RolledBack { by } => (format!("rolled back by {by} ({since})"), None),
        End::Superseded { by } => (format!("another run took its place: {by} ({since})"), None),
        End::Stopped { why } => {
            let why = shown_text(why, 500);
            let next = s
                .progress
                .failed
                .values()
                .next()
                .map_or_else(|| go_on.clone(), |f| if needs_a_new_plan(f) { f.next() } else { format!("{}; then {go_on}", f.next()) });
            (format!("stopped after {done} of {of} steps: {why} ({since})"), Some(next))
        }
        End::Open if at_work => (format!("under way or cut off: {done} of {of} steps done ({since})"), None),
        End::Open => (format!("cut off after {done} of {of} steps ({since})"), Some(go_on)),
    }
}

fn not_ready(e: runs::NotReady) -> Failure {
    Failure::Refused(e.to_string())
}

fn refused(why: &str) -> Answer {
    Answer { text: format!("REFUSED: {why}\nNothing was done.\n"), json: serde_json::json!({ "refused": why }), good: false }
}

fn asked(run: &RunArgs, site: &Site) -> Result<Asked, Failure> {
    let until_unix_ns = run
        .until
        .as_deref()
        .map(|t| until(t, site.clock.now_unix_ns()))
        .transpose()
        .map_err(|e| Failure::Usage(format!("--until: {e}")))?;
    Ok(Asked { only: run.only.iter().flat_map(|r| r.0.clone()).collect(), max_parallel: run.max_parallel, until_unix_ns })
}

fn inventory_of(history: &History, given: Option<&Path>) -> PathBuf {
    given.map_or_else(|| PathBuf::from(&history.begun().inventory), Path::to_path_buf)
}

/// The site of a journal, the journal itself and, where the run acts, the site's lock: what is read of the journal is read under it.
fn open_run(journal: &Path, inventory: Option<&Path>, run: &RunArgs, what: &str) -> Result<(Site, History, Option<SiteLock>), Failure> {
    let history = read_file(journal)?;
    let site = Site::open(Inventory::read(&inventory_of(&history, inventory))?, &run.fenced, run.yes)?;
    let real = |path: &Path| path.canonicalize().map_err(|source| Failure::Io { path: path.to_owned(), doing: "read", source });
    let folder = executor::journal::folder(&site.inventory.state, &site.inventory.site);
    // A copy elsewhere would go its own way: `status` does not see it, and the original would not know.
    if real(journal)?.parent() != Some(&real(&folder)?) {
        let why = format!("{} is not among the journals of site {} ({})", journal.display(), site.inventory.site, folder.display());
        return Err(Failure::Usage(format!("{why}: `shuyaku status` lists them")));
    }
    let lock = run.yes.then(|| site.lock(&format!("{what} {}", journal.display()))).transpose()?;
    let history = read_file(journal)?;
    Ok((site, history, lock))
}

/// Runs of the site that neither finished nor were given up.
fn unfinished(site: &Site) -> Result<Vec<PathBuf>, Failure> {
    let all = list(&site.inventory.state, &site.inventory.site)?;
    let mut unfinished = Vec::new();
    for Listed { path, what } in all {
        match what {
            Ok(Summary { end: End::Open | End::Stopped { .. }, .. }) => unfinished.push(path),
            Ok(_) => {}
            Err(e) if nothing_was_done(&e) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(unfinished)
}

/// A run that was cut off before its first line was whole did nothing.
fn nothing_was_done(e: &NotOpened) -> bool {
    matches!(e, NotOpened::Content { source: NotAJournal::NoBeginning(_), .. })
}

/// Writes a last word into the journal of a run that is over.
fn mark(site: &Site, journal: &Path, word: Record) -> Result<(), Failure> {
    let (store, history) = FileStore::go_on(journal)?;
    let mut open = executor::journal::Journal::after(store, &history);
    let written = open.write(site.clock.now_unix_ns(), word);
    written.map(|_| ()).map_err(|source| Failure::Io { path: journal.to_owned(), doing: "write", source })
}

/// Whether what comes next is, as a rule, another plan: to go on or back would be refused.
const fn needs_a_new_plan(why: &Failed) -> bool {
    matches!(why, Failed::HostGone { .. })
}

/// Begins a run with a journal of its own. `marks` are last words in the journals of runs that are over by this one.
fn carry_new(
    site: &Site,
    ready: &Ready,
    path: &Path,
    rolls_back: Option<String>,
    marks: Vec<(PathBuf, Record)>,
    json: bool,
) -> Result<Answer, Failure> {
    let store = FileStore::create(path)?;
    let logs = Logs::beside(path, json)?;
    let begun = runs::begun(ready, &site.inventory, &site.policy.fenced, rolls_back);
    if !json {
        eprintln!("journal: {}", path.display());
    }
    let outcome = site.with(&logs, |crew| {
        let journal = runs::open_journal(store, crew.clock, ready, begun)?;
        for (old, word) in marks {
            mark(site, &old, word).map_err(|e| std::io::Error::other(e.to_string()))?;
        }
        carry(crew, &ready.orders, journal)
    });
    ended(outcome, ready, path)
}

fn ended(outcome: std::io::Result<Outcome>, ready: &Ready, journal: &Path) -> Result<Answer, Failure> {
    let outcome = outcome.map_err(|source| {
        let (at, is) = (journal.display(), "nothing more is asked of any host, and what was under way goes on by itself");
        Failure::Usage(format!("cannot write {at}: {source}; {is}. Make room, look with `shuyaku status`, then `shuyaku resume {at}`"))
    })?;
    let (did, already) = (outcome.done.iter().filter(|(_, a)| !a).count(), outcome.done.iter().filter(|(_, a)| *a).count());
    let of = ready.orders.plan.steps.len();
    let before = ready.orders.done.len();
    let total = before + outcome.done.len();
    let mut text = match &outcome.stopped {
        None => format!("DONE: {total} of {of} steps are done ({did} now, {} before)\n", already + before),
        Some(why) => format!("STOPPED after {total} of {of} steps ({did} now): {why}\n"),
    };
    for (step, why) in &outcome.failed {
        text += &format!("step {step} FAILED ({}): {why}\n    next: {}\n", why.name(), why.next());
    }
    if outcome.stopped.is_some() && !outcome.failed.iter().any(|(_, f)| needs_a_new_plan(f)) {
        text += &format!("`shuyaku resume {0}` goes on, `shuyaku rollback {0}` takes it back\n", journal.display());
    }
    text += &format!("journal: {}\n", journal.display());
    let failed: Vec<_> = outcome
        .failed
        .iter()
        .map(|(step, f)| serde_json::json!({ "step": step, "failure": f.name(), "why": f.to_string(), "next": f.next() }))
        .collect();
    let json = serde_json::json!({
        "journal": journal, "done": outcome.done.iter().map(|d| d.0).collect::<Vec<_>>(), "failed": failed, "stopped": outcome.stopped,
    });
    Ok(Answer { text, json, good: outcome.stopped.is_none() })
}

/// A dry run, for people and for programs.
fn shown(command: &str, ready: &Ready, site: &Site, plan: &Plan) -> Answer {
    let rows = preview(&ready.orders.plan, &ready.prepared, &site.policy);
    let wanted = |r: &&Row| ready.orders.only.is_empty() || ready.orders.only.contains(&r.step);
    let done = |r: &Row| r.already || ready.orders.done.contains(&r.step);
    let rows: Vec<&Row> = rows.iter().filter(wanted).collect();
    let left = rows.iter().filter(|r| !done(r)).count();
    let mut text = format!(
        "{command} on site {}: {} hosts, {} guests; {} of {} steps are left to do\n",
        plan.site,
        site.inventory.hosts.len(),
        plan.start.as_ref().map_or(0, |s| s.guests.len()),
        left,
        ready.orders.plan.steps.len(),
    );
    if let Ok(Some(by)) = SiteLock::holder(&site.inventory.state, &site.inventory.site) {
        text += &format!("note: another run is at work: {}; what is shown here is the middle of it\n", by.trim());
    }
    text += "`ok` and NOT are looked up on the hosts for the first step, and follow from the steps before it for the others.\n";
    for (host, names) in &ready.prepared.strangers {
        text += &format!("note: {host} also carries {}, of which the plan knows nothing\n", names.join(", "));
    }
    for r in &rows {
        if done(r) {
            text += &format!("step {:>3}  {}: done already\n", r.step, r.action);
            continue;
        }
        let beside = match r.beside {
            0 => String::new(),
            1 => "  (may begin while the step before it is under way)".to_owned(),
            n => format!("  (may begin while the {n} steps before it are under way)"),
        };
        text += &format!("step {:>3}  {}{beside}\n          now   {}\n          then  {}\n", r.step, r.action, r.now, r.then);
        for c in &r.checks {
            text += &match &c.but {
                None => format!("          ok    {} it, {}\n", c.when, c.condition),
                Some(but) => format!("          NOT   {} it, {}: {but}\n", c.when, c.condition),
            };
        }
        text += &format!("          like  {}\n", r.like);
    }
    let bad: BTreeSet<u32> = rows.iter().filter(|r| !done(r) && r.checks.iter().any(|c| !c.holds)).map(|r| r.step).collect();
    if !bad.is_empty() {
        let list: Vec<String> = bad.iter().map(u32::to_string).collect();
        text += &format!("NOT READY: conditions of {} do not hold: {}\n", if bad.len() == 1 { "a step" } else { "steps" }, list.join(", "));
    }
    text += "Nothing was done: this is a dry run. `--yes` carries it out.\n";
    let json = serde_json::json!({ "dry_run": rows, "strangers": ready.prepared.strangers, "not_ready": bad });
    Answer { text, json, good: bad.is_empty() }
}

/// Prints an answer.
///
/// # Errors
/// Standard output cannot be written.
pub fn say(answer: &Answer, json: bool) -> Result<(), Failure> {
    let out =
        if json { serde_json::to_string_pretty(&answer.json).map_err(|e| Failure::Internal(e.to_string()))? } else { answer.text.clone() };
    write::stdout(&out)
}
