//! Distributions: a word for the shape, with the one number that it needs and no other.

use models::distribution::{Distribution, Shape};

use crate::document::{At, Document};
use crate::error::Error;
use crate::file::shape::{Dist, DistTable, ShapeTable, Word};

/// What a distribution is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Time or work: any positive number.
    Amount,
    /// Whole things: 1, 2, 3 ...
    Count,
}

/// The most copies of a job.
const MOST_COPIES: f64 = 1e6;

/// A distribution; a number alone is the mean of this shape.
pub(super) fn distribution(doc: &Document<'_>, at: &At, it: &Dist, of: Of, bare: Shape) -> Result<Distribution, Error> {
    let found = match it {
        Dist::Number(mean) => Distribution { mean: mean.get(), shape: bare },
        Dist::Table(t) => table(doc, at, t, of)?,
    };
    let whole = found.mean.fract() == 0.0;
    if of == Of::Count && (!(1.0..=MOST_COPIES).contains(&found.mean) || (found.shape == Shape::Fixed && !whole)) {
        let at = if matches!(it, Dist::Table(_)) { at.key("mean") } else { at.clone() };
        return Err(doc
            .error(&at, format!("a job does not go on as {}", found.mean))
            .help("a mean of 1 to 1000000; `fixed`: a whole number"));
    }
    Ok(found)
}

/// A distribution that says its shape.
pub(super) fn table(doc: &Document<'_>, at: &At, it: &DistTable, of: Of) -> Result<Distribution, Error> {
    Ok(Distribution { mean: it.mean.get(), shape: shape(doc, at, &it.shape(), of)? })
}

/// A shape with the number that it needs.
pub(super) fn shape(doc: &Document<'_>, at: &At, it: &ShapeTable, of: Of) -> Result<Shape, Error> {
    let (word, needs) = match it.shape {
        Word::Fixed => ("fixed", None),
        Word::Exponential => ("exponential", None),
        Word::Erlang => ("erlang", Some("phases")),
        Word::Hyperexponential => ("hyperexponential", Some("cv2")),
        Word::Lognormal => ("lognormal", Some("cv")),
        Word::Pareto => ("pareto", Some("alpha")),
        Word::Weibull => ("weibull", Some("k")),
        Word::Uniform => ("uniform", None),
        Word::Geometric => ("geometric", None),
    };
    let there = [
        ("phases", it.phases.is_some()),
        ("cv2", it.cv2.is_some()),
        ("cv", it.cv.is_some()),
        ("alpha", it.alpha.is_some()),
        ("k", it.k.is_some()),
    ];
    if let Some((key, _)) = there.into_iter().find(|(key, there)| *there && needs != Some(key)) {
        let takes = needs.map_or("needs no number".to_owned(), |needs| format!("takes `{needs}`"));
        return Err(doc.error(&at.key(key), format!("the shape `{word}` has no `{key}`")).help(format!("`{word}` {takes}")));
    }
    let fits = match of {
        Of::Amount => it.shape != Word::Geometric,
        Of::Count => matches!(it.shape, Word::Fixed | Word::Geometric),
    };
    if !fits {
        let help = match of {
            Of::Amount => "`geometric` counts 1, 2, 3 ...: take `exponential`, `lognormal` or another",
            Of::Count => "a count is `fixed` or `geometric`",
        };
        return Err(doc.error(&at.key("shape"), format!("`{word}` is not a shape for this")).help(help));
    }
    let found = match it.shape {
        Word::Fixed => Some(Shape::Fixed),
        Word::Exponential => Some(Shape::Exponential),
        Word::Erlang => it.phases.map(|n| Shape::Erlang { phases: n.get() }),
        Word::Hyperexponential => it.cv2.map(|x| Shape::HyperExponential { cv2: x.get() }),
        Word::Lognormal => it.cv.map(|x| Shape::LogNormal { cv: x.get() }),
        Word::Pareto => it.alpha.map(|x| Shape::Pareto { alpha: x.get() }),
        Word::Weibull => it.k.map(|x| Shape::Weibull { shape: x.get() }),
        Word::Uniform => Some(Shape::Uniform),
        Word::Geometric => Some(Shape::Geometric),
    };
    found.ok_or_else(|| {
        let needs = needs.unwrap_or_default();
        doc.error(&at.key("shape"), format!("the key `{needs}` is missing")).help(format!("`{word}` takes `{needs} = ...`"))
    })
}
