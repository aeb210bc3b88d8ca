//! The aggregate at which noise is added: what is released for each group, and how far one patient can move it.

use std::sync::Arc;

use datafusion_expr::{
    Aggregate as AggregateNode, Expr,
    expr::{AggregateFunction, AggregateFunctionParams},
};

use super::{
    MAX_GROUPS, Question,
    expression::{Columns, patient},
    relation::{Private, Public},
};
use crate::{
    Delta, Loss, Mechanism, NoiseScale, Refusal, Rho,
    grid::Grid,
    noise::{Influence, Share},
    plan::{Aggregate, GroupColumn, Leaves, Measure, ReleasePlan, RowLimits, Step, Threshold},
    scalar::{Bounds, Key, Kind, Literal, Scalar, Type, Typed},
};

/// The most counts that all quantiles of all groups may need together.
const MOST_LEAVES: usize = 2_000_000;

/// Which quantiles stand for MIN and MAX, in thousandths.
const EXTREMES: (u32, u32) = (10, 990);

/// Plans the release of the aggregates of these rows, by the keys that are `named` in the question.
pub(super) fn release(
    node: &AggregateNode,
    named: &[&Expr],
    keys: Vec<Typed>,
    input: Private,
    question: &Question,
) -> Result<Public, Refusal> {
    if node.aggr_expr.is_empty() {
        return Err(Refusal::unsupported(
            "A list of groups without an aggregate",
            super::AGGREGATES,
        ));
    }
    let mut arguments = Vec::new();
    let mut types = Vec::new();
    let mut groups = Vec::new();
    let of_person = keys.iter().all(|key| key.known.of_person);
    let mut stepped = Vec::new();
    for (key, expr) in keys.into_iter().zip(named) {
        // Decimal numbers on steps are grouped by the whole number of their step, and shown as what they are.
        let (key, steps) = key.stepped();
        let (group, known) = group(key.exact(&input.types), expr, &mut arguments)?;
        groups.push(group);
        types.push(match steps {
            Some(_) => Type { steps, ..Type::any(Kind::Decimal) },
            None => known,
        });
        stepped.push(steps);
    }
    let count = group_count(&groups)?;
    let limits = limits(&input, count, of_person, question)?;
    let columns = Columns { schema: node.input.schema(), types: &input.types };
    let drafts = node.aggr_expr.iter().map(|expr| Draft::read(expr, &columns));
    let drafts = drafts.collect::<Result<Vec<_>, _>>()?;
    let unpublished = count.is_none();
    let (loss, whole) = budget(question, unpublished, &groups)?;
    let noises =
        drafts.iter().map(|draft| draft.kind.noises()).sum::<u64>() + u64::from(unpublished);
    let small = || Refusal::EpsilonTooSmall { given: question.epsilon, parts: noises };
    let share = whole.part(drafts.len() as u64 + u64::from(unpublished)).ok_or_else(small)?;
    let threshold = unpublished.then(|| threshold(share, limits, loss.slack));
    let mut rules = rules(limits, threshold);
    let (mut aggregates, mut leaves) = (Vec::new(), 0_usize);
    for draft in drafts {
        rules.extend(draft.rule());
        let argument = draft.argument.clone().map(|scalar| intern(scalar, &mut arguments));
        let measure = draft.kind.measure(share, limits).ok_or_else(small)??;
        if let Measure::Quantile { leaves: some, .. } = &measure {
            leaves =
                count.map_or(usize::MAX, |groups| leaves.saturating_add(groups * some.count()));
            if leaves > MOST_LEAVES {
                return Err(many_leaves());
            }
        }
        let aggregate = Aggregate { name: draft.name, argument, measure, share };
        types.push(Type::any(aggregate.value_kind()));
        aggregates.push(aggregate);
    }
    let release = ReleasePlan {
        mechanism: question.mechanism.unwrap_or_default(),
        tables: Vec::new(),
        relation: input.relation,
        arguments,
        groups,
        limits,
        threshold,
        aggregates,
    };
    let shown = stepped.iter().any(Option::is_some).then_some(Step::Steps(stepped));
    Ok(Public { release, loss, rules, types, steps: shown.into_iter().collect() })
}

fn intern(scalar: Scalar, arguments: &mut Vec<Scalar>) -> usize {
    arguments.iter().position(|known| *known == scalar).unwrap_or_else(|| {
        arguments.push(scalar);
        arguments.len() - 1
    })
}

/// A group column, and what is known of it once it is released.
fn group(
    key: Typed,
    expr: &Expr,
    arguments: &mut Vec<Scalar>,
) -> Result<(GroupColumn, Type), Refusal> {
    if matches!(expr, Expr::GroupingSet(_)) {
        return Err(Refusal::unsupported(
            "GROUPING SETS, ROLLUP or CUBE",
            "group by plain columns",
        ));
    }
    let name = super::catalog::plain_name(&expr.schema_name().to_string());
    let known = key.known;
    let domain = match (known.kind, &known.domain, known.bounds) {
        (Kind::Decimal, ..) => {
            return Err(Refusal::unsupported(
                format!("GROUP BY over `{name}`, a decimal number,"),
                "group by whole or rounded numbers, as in FLOOR(x / 10) * 10 or ROUND(x, 1), or by ranges, as in bucket(x, 0, 10, 20) or width_bucket(x, 0, 100, 10)",
            ));
        }
        (_, Some(domain), _) => Some(Arc::clone(domain)),
        (Kind::Integer, None, Some(Bounds::Integer(lower, upper)))
            if upper.abs_diff(lower) < MAX_GROUPS as u64 =>
        {
            Some(Arc::new((lower..=upper).map(Key::Integer).collect()))
        }
        _ => None,
    };
    let domain = domain.map(|domain| match known.nullable {
        true => Arc::new(domain.iter().cloned().chain([Key::Null]).collect()),
        false => domain,
    });
    let argument = intern(key.scalar, arguments);
    let kind = known.kind;
    // What the groups can be helps to see that a condition on them can never hold.
    let values = domain.as_ref().map(|domain: &Arc<Vec<Key>>| {
        Arc::new(domain.iter().filter(|key| **key != Key::Null).cloned().collect())
    });
    let shown = Type { domain: values, ..Type::any(kind) };
    Ok((GroupColumn { name, argument, kind, domain }, shown))
}

/// How many groups there are, `None` where they are not all published.
fn group_count(groups: &[GroupColumn]) -> Result<Option<usize>, Refusal> {
    if groups.iter().any(|group| group.domain.is_none()) {
        return Ok(None);
    }
    let sizes = groups.iter().map(|group| group.domain.as_ref().map_or(1, |domain| domain.len()));
    let count = sizes
        .into_iter()
        .try_fold(1_usize, |all, size| all.checked_mul(size).filter(|count| *count <= MAX_GROUPS));
    count.map(Some).ok_or_else(|| {
        Refusal::unsupported(
            format!("GROUP BY with more than {MAX_GROUPS} groups"),
            "group by fewer columns, or put values together with CASE or bucket",
        )
    })
}

/// How many rows of a patient count: what is published, narrowed by the question.
fn limits(
    input: &Private,
    count: Option<usize>,
    of_person: bool,
    question: &Question,
) -> Result<RowLimits, Refusal> {
    let asked = question.limits;
    if [asked.max_rows, asked.max_rows_per_group, asked.max_groups].contains(&Some(0)) {
        return Err(Refusal::mistake("A limit of 0 rows or groups", "give limits from 1"));
    }
    let least = |one: u32, other: Option<u32>| other.map_or(one, |other| one.min(other));
    let rows = match (&input.limits.rows, asked.max_rows) {
        (Ok(rows), asked) => least(*rows, asked),
        (Err(what), _) => {
            return Err(Refusal::bound(
                format!("the rows of one patient in {what}"),
                "have its custodian publish `max_rows` for it",
            ));
        }
    };
    let per_group = least(least(rows, input.limits.per_group), asked.max_rows_per_group);
    let groups = count.and_then(|count| u32::try_from(count).ok());
    let groups = least(least(least(rows, groups), input.limits.groups), asked.max_groups);
    Ok(RowLimits { rows, per_group, groups: if of_person { 1 } else { groups } })
}

/// What the question takes from the budget, and what its noises share.
fn budget(
    question: &Question,
    unpublished: bool,
    groups: &[GroupColumn],
) -> Result<(Loss, Share), Refusal> {
    let (epsilon, delta) = (question.epsilon, question.delta);
    if unpublished && delta == Delta::ZERO {
        let name = groups.iter().find(|group| group.domain.is_none()).map(|group| &group.name);
        return Err(Refusal::NoDelta {
            construct: format!(
                "GROUP BY over `{}`, whose values are not published,",
                name.map_or("", String::as_str)
            ),
            instead: "ask with a delta such as 1e-9, and only groups of many patients are shown; or group by CASE or bucket, or by a column with published values".into(),
        });
    }
    let small = || Refusal::EpsilonTooSmall { given: epsilon, parts: 1 };
    match question.mechanism.unwrap_or_default() {
        Mechanism::Laplace => {
            let slack = if unpublished { delta } else { Delta::ZERO };
            let micro = u64::from(epsilon.milli()) * 1000;
            let share = Share::Pure(micro).part(1).ok_or_else(small)?;
            Ok((Loss::pure(epsilon, slack), share))
        }
        Mechanism::Gaussian => {
            let (conversion, slack) =
                if unpublished { (delta.half(), delta.half()) } else { (delta, Delta::ZERO) };
            if conversion == Delta::ZERO {
                return Err(Refusal::NoDelta {
                    construct: "Gaussian noise".into(),
                    instead: "ask with a delta such as 1e-9, or with Laplace noise".into(),
                });
            }
            let rho = Rho::within(epsilon, conversion).ok_or_else(small)?;
            Ok((Loss { epsilon, delta, rho, slack }, Share::Concentrated(rho)))
        }
    }
}

fn threshold(share: Share, limits: RowLimits, slack: Delta) -> Threshold {
    let scale = NoiseScale::new(share, limits.influence().presence(limits.groups), 1);
    Threshold { scale, least: scale.threshold(slack.number(), limits.groups) }
}

/// What is left out of every aggregate by rule.
fn rules(limits: RowLimits, threshold: Option<Threshold>) -> Vec<String> {
    let RowLimits { rows, per_group, groups } = limits;
    let first = |count: u32| match count {
        1 => "the first row counts".to_owned(),
        _ => format!("the first {count} rows count"),
    };
    let mut rules = vec![format!("of each patient {}", first(rows))];
    if per_group < rows {
        rules.push(format!("of each patient in a group {}", first(per_group)));
    }
    if groups < rows {
        let of = if groups == 1 { "group" } else { "groups" };
        rules.push(format!("each patient counts in at most {groups} {of}"));
    }
    if let Some(threshold) = threshold {
        rules.push(format!(
            "groups are shown from a noisy number of {} patients on",
            threshold.least
        ));
    }
    rules
}

/// An aggregate before it has its share of the loss.
struct Draft {
    name: String,
    argument: Option<Scalar>,
    kind: Kinds,
}

enum Kinds {
    Rows,
    Persons,
    Sum(Bounds),
    Mean(Bounds),
    Variance { bounds: Bounds, sample: bool, root: bool },
    Quantile { bounds: Bounds, thousandth: u32, extreme: bool },
}

impl Draft {
    fn read(expr: &Expr, columns: &Columns<'_>) -> Result<Self, Refusal> {
        let Expr::AggregateFunction(AggregateFunction { func, params }) =
            expr.clone().unalias_nested().data
        else {
            return Err(Refusal::unsupported("This kind of aggregate", super::AGGREGATES));
        };
        let function = func.name();
        plain(function, &params)?;
        let filter = params.filter.as_ref().map(|filter| columns.condition(filter)).transpose()?;
        if filter.as_ref().is_some_and(|filter| !filter.known.can_be_true()) {
            return Err(super::relation::never());
        }
        let argument = match params.args.first() {
            Some(argument) => columns.typed(argument)?,
            None => return Err(refused(function, params.distinct)),
        };
        let kind = kind(function, &params, &argument, columns)?;
        let counted = match (&kind, &argument.scalar) {
            (Kinds::Rows, Scalar::Literal(_)) => None,
            _ => Some(argument),
        };
        let argument = match filter {
            None => counted.map(|typed| typed.scalar),
            Some(filter) => {
                // Rows that the filter leaves out have no value to count or add.
                let value = counted.unwrap_or_else(|| Typed::literal(Literal::Flag(true)));
                let nothing = Typed::literal(Literal::Null(value.known.kind));
                Some(Typed::case(vec![(filter, value)], nothing).scalar)
            }
        };
        let name = super::catalog::plain_name(&expr.schema_name().to_string());
        Ok(Self { name, argument, kind })
    }

    /// What is held by rule in this aggregate.
    fn rule(&self) -> Option<String> {
        let name = &self.name;
        let within = |bounds: &Bounds| {
            let (lower, upper) = bounds.decimal();
            format!("values in {name} are held to {lower} .. {upper}")
        };
        match &self.kind {
            Kinds::Rows | Kinds::Persons => None,
            Kinds::Sum(bounds) | Kinds::Mean(bounds) | Kinds::Variance { bounds, .. } => {
                Some(within(bounds))
            }
            Kinds::Quantile { bounds, thousandth, extreme } => {
                let percent = f64::from(*thousandth) / 10.0;
                let stands = match extreme {
                    true => format!("; {name} is answered by the {percent} % quantile"),
                    false => String::new(),
                };
                Some(within(bounds) + &stands)
            }
        }
    }
}

/// What an aggregate releases.
fn kind(
    function: &str,
    params: &AggregateFunctionParams,
    argument: &Typed,
    columns: &Columns<'_>,
) -> Result<Kinds, Refusal> {
    let is_person = argument.known.kind == Kind::Person;
    let sample_root = |sample, root| {
        bounded(function, argument).map(|bounds| Kinds::Variance { bounds, sample, root })
    };
    let quantile = |thousandth, extreme| {
        bounded(function, argument).map(|bounds| Kinds::Quantile { bounds, thousandth, extreme })
    };
    match (function, params.distinct, params.args.len()) {
        ("count", false, 1) if matches!(argument.scalar, Scalar::Literal(Literal::Null(_))) => {
            Err(Refusal::mistake("COUNT(NULL) is always 0", "use COUNT(*) or COUNT(column)"))
        }
        ("count", false, 1) if argument.known.domain.as_ref().is_some_and(|all| all.is_empty()) => {
            Err(Refusal::mistake(
                "COUNT of what is always NULL by the published values and bounds",
                "ask for something that can differ; nothing was charged",
            ))
        }
        ("count", false, 1) => Ok(Kinds::Rows),
        ("count", true, 1) if is_person => Ok(Kinds::Persons),
        (_, true, _) => Err(refused(function, true)),
        _ if is_person => Err(patient()),
        ("sum", _, 1) => bounded(function, argument).map(Kinds::Sum),
        ("avg", _, 1) => bounded(function, argument).map(Kinds::Mean),
        ("var", _, 1) => sample_root(true, false),
        ("var_pop", _, 1) => sample_root(false, false),
        ("stddev", _, 1) => sample_root(true, true),
        ("stddev_pop", _, 1) => sample_root(false, true),
        ("median" | "approx_median", _, 1) => quantile(500, false),
        ("min", _, 1) => quantile(EXTREMES.0, true),
        ("max", _, 1) => quantile(EXTREMES.1, true),
        ("percentile_cont" | "approx_percentile_cont", _, 2..) => {
            quantile(thousandth(params, columns)?, false)
        }
        _ => Err(refused(function, false)),
    }
}

/// Which quantile is asked for, in thousandths.
fn thousandth(params: &AggregateFunctionParams, columns: &Columns<'_>) -> Result<u32, Refusal> {
    let refused = || {
        Refusal::mistake(
            "A quantile other than one from 0.001 to 0.999 in steps of 0.001",
            "write it as percentile_cont(0.25) WITHIN GROUP (ORDER BY x)",
        )
    };
    let share = match columns.value(&params.args[1])?.decimal().scalar {
        Scalar::Literal(Literal::Decimal(share)) => share,
        _ => return Err(refused()),
    };
    let ascending = params.order_by.first().is_none_or(|order| order.asc);
    let share = if ascending { share } else { 1.0 - share };
    let thousandth = (share * 1000.0).round();
    let good = (1.0..=999.0).contains(&thousandth) && (share * 1000.0 - thousandth).abs() < 1e-6;
    good.then_some(thousandth as u32).ok_or_else(refused)
}

impl Kinds {
    /// How many noises it needs.
    fn noises(&self) -> u64 {
        match self {
            Self::Rows | Self::Persons | Self::Sum(_) => 1,
            Self::Mean(_) | Self::Quantile { .. } => 2,
            Self::Variance { .. } => 3,
        }
    }

    /// The measure with the scales of its noises; `None` if the share is too small to divide.
    fn measure(&self, share: Share, limits: RowLimits) -> Option<Result<Measure, Refusal>> {
        let influence: Influence = limits.influence();
        let part = share.part(self.noises())?;
        let scale = |magnitude| NoiseScale::new(part, influence, magnitude);
        let grid = |bounds: &Bounds| Grid::new(*bounds).ok_or_else(empty);
        Some(match self {
            Self::Rows => Ok(Measure::Rows { scale: scale(1) }),
            Self::Persons => {
                let presence = influence.presence(limits.groups);
                Ok(Measure::Persons { scale: NoiseScale::new(part, presence, 1) })
            }
            Self::Sum(bounds) => {
                grid(bounds).map(|grid| Measure::Sum { grid, scale: scale(grid.magnitude()) })
            }
            Self::Mean(bounds) => grid(bounds).map(|grid| Measure::Mean {
                grid,
                sum: scale(grid.radius()),
                count: scale(1),
            }),
            Self::Variance { bounds, sample, root } => {
                Grid::squarable(*bounds).ok_or_else(empty).map(|grid| Measure::Variance {
                    grid,
                    sum: scale(grid.radius()),
                    squares: scale(grid.radius() * grid.radius()),
                    count: scale(1),
                    sample: *sample,
                    root: *root,
                })
            }
            Self::Quantile { bounds, thousandth, .. } => {
                let leaves = Leaves::new(*bounds).ok_or_else(empty);
                let quantile =
                    |leaves| Measure::Quantile { leaves, thousandth: *thousandth, scale: scale(1) };
                leaves.map(quantile)
            }
        })
    }
}

fn many_leaves() -> Refusal {
    Refusal::unsupported(
        "Quantiles, MEDIAN, MIN or MAX in more than some thousand groups together, or in groups that are not published,",
        "ask for fewer at once, group by fewer or published values, or ask for AVG and STDDEV",
    )
}

fn empty() -> Refusal {
    Refusal::bound(
        "this aggregate",
        "have its custodian publish finite bounds, or hold it with clamp(x, low, high)",
    )
}

/// Refuses what an aggregate may carry beside its argument.
fn plain(function: &str, params: &AggregateFunctionParams) -> Result<(), Refusal> {
    let ordered = matches!(function, "percentile_cont" | "approx_percentile_cont");
    if !ordered && !params.order_by.is_empty() || params.null_treatment.is_some() {
        return Err(Refusal::unsupported(
            "ORDER BY or IGNORE NULLS in an aggregate",
            "leave it out: the supported aggregates do not depend on order and skip NULL",
        ));
    }
    Ok(())
}

/// The bounds of a number, from what is published and what the question says.
fn bounded(function: &str, argument: &Typed) -> Result<Bounds, Refusal> {
    let function = function.to_uppercase();
    if !argument.known.kind.is_number() {
        return Err(Refusal::mistake(
            format!("{function} of {}", argument.known.kind.words()),
            "use COUNT, or give it a number with published bounds",
        ));
    }
    match argument.known.bounds.filter(|bounds| bounds.usable()) {
        Some(bounds) if bounds.decimal() == (0.0, 0.0) => Err(Refusal::mistake(
            format!("{function} of what is always 0 by the published values and bounds"),
            "ask for something that can differ; nothing was charged",
        )),
        Some(bounds) => Ok(bounds),
        None => Err(Refusal::bound(
            format!("what {function} adds up"),
            "use a column with published bounds, or hold the expression with clamp(x, low, high)",
        )),
    }
}

/// Why an aggregate is refused.
fn refused(name: &str, distinct: bool) -> Refusal {
    let upper = name.to_uppercase();
    match (name, distinct) {
        ("count", true) => Refusal::unsupported(
            "COUNT(DISTINCT ...) of anything but the patient column",
            "use COUNT(DISTINCT patient), or GROUP BY the column",
        ),
        (_, true) => Refusal::unsupported(
            format!("{upper}(DISTINCT ...)"),
            format!("use {upper} of a column with published bounds"),
        ),
        _ => Refusal::unsupported(format!("The aggregate {upper}"), super::AGGREGATES),
    }
}
