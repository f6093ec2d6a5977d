//! `shuyaku show`: a plan as a person would carry it out.

use models::plan::Plan;

use super::table::wrap;
use super::verdicts;
use crate::say;

/// A plan in words: its header, what to buy, every step with what must be true before and is true after it, the verdict
/// of every rule, and what is predicted.
#[must_use]
pub fn steps(plan: &Plan) -> String {
    let mut lines = vec![
        format!("plan for {}, version {}, by {}, seed {}", plan.site, plan.version, plan.tool, plan.seed),
        format!("site      {}", plan.site_digest),
        format!("scenario  {}", plan.scenario_digest),
        format!("cost      {}", say::yen_range(plan.cost.total())),
        format!("bound     no fleet costs less than {}", say::yen(plan.cost_lower_bound_yen)),
    ];
    lines.extend(wrap(&format!("hosts on  {}: {}", plan.hosts_on.len(), plan.hosts_on.join(", ")), 100, 10));
    lines.push(format!("guests    {}", say::count(plan.placement.len() as u64)));
    if !plan.lost.is_empty() {
        lines.extend(wrap(&format!("LOST      {}: the plan starts from what is left", plan.lost.join(", ")), 100, 10));
    }
    if !plan.evacuates.is_empty() {
        lines.extend(wrap(
            &format!("EVACUATES {}: nothing runs there when all is done, and it stays on", plan.evacuates.join(", ")),
            100,
            10,
        ));
    }
    for n in &plan.not_asked {
        lines.extend(wrap(&format!("NOT KEPT  {}: {}", n.rule.words(), n.why), 100, 10));
    }
    lines.push(String::new());

    lines.push("Buy".into());
    if plan.purchases.is_empty() {
        lines.push("  nothing".into());
    }
    for p in &plan.purchases {
        lines.extend(wrap(&format!("  {} x {}: {}", p.hosts.len(), p.class, p.hosts.join(", ")), 100, 6));
    }
    lines.push(String::new());

    let beside = plan.steps.iter().map(|s| s.beside).max().unwrap_or(0);
    let at_once = if beside > 0 { format!(", up to {} side by side", beside + 1) } else { String::new() };
    lines.push(format!("Steps ({}{at_once})", plan.steps.len()));
    if plan.steps.is_empty() {
        lines.push("  nothing to do".into());
    }
    let digits = plan.steps.len().to_string().len().max(2);
    let indent = " ".repeat(digits + 4);
    for step in &plan.steps {
        lines.push(format!("  {:>digits$}  {step}", step.number));
        for (word, conditions) in [("before", &step.before), ("after ", &step.after)] {
            let all: Vec<String> = conditions.iter().map(ToString::to_string).collect();
            if !all.is_empty() {
                lines.push(format!("{indent}{word}  {}", all.join("; ")));
            }
        }
    }
    lines.push(String::new());

    lines.push("Rules".into());
    lines.extend(verdicts(&plan.verdicts).lines().map(|l| format!("  {l}")));
    lines.push(String::new());

    lines.push("Predicted".into());
    if plan.predicted.is_empty() {
        lines.push("  nothing".into());
    }
    lines.extend(plan.predicted.iter().map(|f| {
        let sure = if f.interval.is_none() { " (replay of a recording, no interval)" } else { "" };
        format!("  {f}{sure}")
    }));
    lines.join("\n") + "\n"
}
