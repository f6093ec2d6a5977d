//! `shuyaku`: the pipeline, readable in one screen. What it says goes to stdout, how it goes to stderr.
//!
//! Exit codes: 0 done, 1 it does not fit (or a rule, a check or a target is not met), 2 bad input or usage.

use std::process::ExitCode;

use clap::Parser;
use cli::args::{Args, Command};
use cli::diagnose::{self, Failure};
use cli::{apply, deploy_time, evacuation, hosts, observe, pipeline, recovery, replan, scorecard, studies, validate, write};
use executor::inventory::Inventory;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        // Help and version are answers; a wrong word is a usage error, in JSON where that was asked for.
        Err(e) if e.use_stderr() && std::env::args_os().any(|a| a == "--json") => {
            return diagnose::report(&Failure::Usage(e.render().to_string().trim_end().to_owned()), true);
        }
        Err(e) => e.exit(),
    };
    if let Some(threads) = args.common.threads {
        // The global pool can be built once; nothing has used it yet.
        if let Err(e) = rayon::ThreadPoolBuilder::new().num_threads(threads as usize).build_global() {
            return diagnose::report(&Failure::Usage(format!("{threads} threads: {e}")), args.common.json);
        }
    }
    match run(&args) {
        Ok(code) => code,
        Err(failure) => diagnose::report(&failure, args.common.json),
    }
}

/// One command. `Err` is for a question that could not be asked.
fn run(args: &Args) -> Result<ExitCode, Failure> {
    let common = &args.common;
    let say = |text: String, json: &dyn Fn() -> Result<String, serde_json::Error>| -> Result<(), Failure> {
        let out = if common.json { json().map_err(|e| Failure::Internal(e.to_string()))? } else { text };
        write::stdout(&out)
    };
    match &args.command {
        Command::Plan { site, lost, lost_domain, without_one_down, evacuate, lanes, replan } => {
            let stale = replan.as_deref().map(replan::read).transpose()?;
            let common = &stale.as_ref().map_or_else(|| common.clone(), |s| s.common(common));
            let scenario = pipeline::load(site, common)?;
            let (kept, evacuate) = match &stale {
                Some(stale) if lost.is_empty() && lost_domain.is_empty() => stale.asked(&scenario.site, evacuate)?,
                _ => (lost.clone(), evacuate.clone()),
            };
            let asked = recovery::Asked { hosts: &kept, domains: lost_domain, without_one_down: *without_one_down };
            if *without_one_down && !asked.is_any() {
                return Err(Failure::Usage("--without-one-down is for --lost or --lost-domain: an ordinary plan keeps every rule".into()));
            }
            let changed = match &stale {
                Some(stale) => Some(stale.changed(&scenario.site, &recovery::names_of_lost(&scenario.site, &asked)?)?),
                None => None,
            };
            let mut folder = pipeline::out_folder(common, &scenario);
            let outcome = if asked.is_any() {
                // The ordinary plan of the site is not written over.
                if common.out.is_none() {
                    folder.set_file_name(format!("{}-lost", scenario.site.name));
                }
                recovery::plan(scenario, common, &asked, *lanes)?
            } else if !evacuate.is_empty() {
                if common.out.is_none() {
                    folder.set_file_name(format!("{}-evacuate", scenario.site.name));
                }
                evacuation::plan(scenario, common, &evacuate, *lanes)?
            } else {
                pipeline::plan(scenario, common, *lanes)?
            };
            let files = write::run(&folder, &outcome.run, outcome.plan.as_ref())?;
            let text = reports::summary(&outcome.run, outcome.plan.as_ref()) + &write::listing(&files);
            let before = changed.as_ref().map_or_else(String::new, replan::Changed::text);
            say(before + &text, &|| pipeline::summary_json(&outcome, &files, changed.as_ref()))?;
            Ok(exit(outcome.plan.is_some() && outcome.run.requests.iter().all(pipeline::promises_kept)))
        }
        Command::Observe { inventory, every, samples, dirty_rate, fenced, off, before } => {
            let inventory = Inventory::read(inventory)?;
            let (hosts, clock) = (hosts::connect(&inventory)?, hosts::clock(true)?);
            observe::admit(&inventory, fenced, off)?;
            let found = apply::find_out(&inventory, &hosts, &*clock);
            for note in &found.notes {
                eprintln!("note: {note}");
            }
            // The operator's word that a host stays off goes before what its power status says.
            let off: Vec<String> =
                off.iter().chain(found.off.iter().filter(|h| !fenced.contains(h) && !off.contains(h))).cloned().collect();
            let asked = observe::Asked {
                every_s: *every,
                samples: *samples,
                dirty_rate: *dirty_rate,
                fenced,
                off: &off,
                before: before.as_deref(),
                out: common.out.as_deref(),
            };
            let observed = observe::run(&hosts, &inventory, &*clock, &asked)?;
            say(observed.text(), &|| observed.json())?;
            Ok(exit(observed.observation.forbids_plan().next().is_none()))
        }
        Command::Apply { plan, inventory, scenario, run } => {
            let answer = apply::apply(plan, inventory, scenario.as_deref(), run, common)?;
            apply::say(&answer, common.json)?;
            Ok(exit(answer.good))
        }
        Command::Resume { journal, inventory, run } => {
            let answer = apply::resume(journal, inventory.as_deref(), run, common)?;
            apply::say(&answer, common.json)?;
            Ok(exit(answer.good))
        }
        Command::Rollback { journal, inventory, run } => {
            let answer = apply::rollback(journal, inventory.as_deref(), run, common)?;
            apply::say(&answer, common.json)?;
            Ok(exit(answer.good))
        }
        Command::Status { inventory } => {
            let answer = apply::status(inventory)?;
            apply::say(&answer, common.json)?;
            Ok(exit(answer.good))
        }
        Command::Simulate { site, placement, stream, requests, cases, precision } => {
            let run = if *stream {
                pipeline::simulate_stream(site, placement.as_deref(), common)?
            } else {
                let asked = requests.then_some(pipeline::Asked { cases, precision: *precision });
                pipeline::simulate(pipeline::load(site, common)?, placement.as_deref(), asked, common)?
            };
            let files = match &common.out {
                Some(folder) => write::run(folder, &run, None)?,
                None => Vec::new(),
            };
            let played: String = run.requests.iter().map(reports::requests).collect();
            say(reports::measures(&run) + &played + &write::listing(&files), &|| Ok(reports::json::to_text(&run)))?;
            Ok(exit(run.requests.iter().all(pipeline::promises_kept)))
        }
        Command::Check { what, scenario } => {
            let checked = pipeline::check(what, scenario.as_deref(), common)?;
            say(checked.text.clone(), &|| serde_json::to_string_pretty(&checked.json))?;
            Ok(exit(checked.holds))
        }
        Command::Show { plan } => {
            let plan = pipeline::read_plan(plan)?;
            let rehearsal = executor::rehearse(&plan);
            let mut text = reports::steps(&plan);
            for (step, why) in &rehearsal.contradictions {
                text += &format!("step {step} contradicts what stands before it: {why}\n");
            }
            say(text, &|| Ok(plan.to_text()))?;
            Ok(exit(rehearsal.contradictions.is_empty()))
        }
        Command::Report { run } => {
            let (found, plan) = pipeline::read_run(run)?;
            let file = write::report(run, &found, plan.as_ref())?;
            say(write::listing(std::slice::from_ref(&file)), &|| serde_json::to_string(&[&file]))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Validate { engine: true, .. } => {
            let (seed, rows) = validate::engine(common)?;
            let failed = rows.iter().any(|r| !r.passes);
            say(sim::proof::table(&rows, seed), &|| serde_json::to_string_pretty(&rows))?;
            Ok(exit(!failed))
        }
        Command::Validate { scenarios, .. } => {
            let card = validate::all(scenarios, common)?;
            let file = write::scorecard(&card, scenarios.is_empty(), common.out.as_deref())?;
            say(scorecard::text(&card) + &write::listing(file.as_slice()), &|| serde_json::to_string_pretty(&card))?;
            // A miss is shown, and is no failure of the command: the scorecard is done.
            Ok(ExitCode::SUCCESS)
        }
        Command::Study { site, names } => {
            let answers = studies::asked(site, names, common)?;
            say(reports::studies(&answers), &|| serde_json::to_string_pretty(&answers))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Laws { names } => {
            let pages = studies::laws(names)?;
            say(reports::laws(&pages, !names.is_empty()), &|| serde_json::to_string_pretty(&pages))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::DeployTime { plan, scenario } => {
            let timed = deploy_time::of(plan, scenario.as_deref(), common)?;
            say(reports::deploy_time(&timed.plan, &timed.found), &|| serde_json::to_string_pretty(&timed.found))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Schema { targets } => {
            write::stdout(&if *targets { scenarios::targets_schema() } else { scenarios::schema() })?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn exit(done: bool) -> ExitCode {
    if done { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
