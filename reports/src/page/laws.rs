//! What single laws answer to the site's questions, and the pages of the laws that the run rests on.

use models::law::page::{self, Page};
use serde::Serialize;

use super::FOLD;
use crate::run::Run;
use crate::say;

#[derive(Serialize)]
pub(super) struct Laws {
    answers: Vec<Answer>,
    pages: Vec<Page>,
}

/// A study's answer.
#[derive(Serialize)]
struct Answer {
    name: String,
    title: String,
    rows: Vec<Row>,
    says: Vec<String>,
    cannot_say: Vec<(String, String)>,
    laws: String,
    fold: bool,
}

/// A figure.
#[derive(Serialize)]
struct Row {
    name: String,
    value: String,
    range: String,
    fitted: u32,
    how: String,
}

pub(super) fn view(run: &Run) -> Laws {
    let answers = run
        .studies
        .iter()
        .map(|a| Answer {
            name: a.study.clone(),
            title: a.title.clone(),
            rows: a
                .figures
                .iter()
                .map(|f| Row {
                    name: f.name.clone(),
                    value: if f.unit.is_empty() {
                        say::figure(f.value.value)
                    } else {
                        format!("{} {}", say::figure(f.value.value), f.unit)
                    },
                    range: say::range(f.value, f.count),
                    fitted: f.fitted,
                    how: f.how.clone(),
                })
                .collect(),
            says: a.says.clone(),
            cannot_say: a.cannot_say.clone(),
            laws: a.laws.join(", "),
            fold: a.figures.len() > FOLD,
        })
        .collect();
    Laws { answers, pages: run.laws.iter().filter_map(|n| page::named(n)).collect() }
}
