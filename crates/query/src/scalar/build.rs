//! Expressions with what is known of their values, made from parts of which it is known.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};

use super::{
    Arithmetic, Bounds, Comparison, Key, Kind, Literal, NumberFunction, Scalar, Steps,
    TextFunction, Type, Typed, evaluate, steps,
};

/// The longest finite list of values that is followed through an expression.
pub(super) const MOST_VALUES: usize = 10_000;

impl Literal {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Null(kind) => *kind,
            Self::Flag(_) => Kind::Flag,
            Self::Integer(_) => Kind::Integer,
            Self::Decimal(_) => Kind::Decimal,
            Self::Text(_) => Kind::Text,
        }
    }

    fn key(&self) -> Option<Key> {
        match self {
            Self::Flag(flag) => Some(Key::Flag(*flag)),
            Self::Integer(number) => Some(Key::Integer(*number)),
            Self::Text(text) => Some(Key::Text(text.clone())),
            Self::Decimal(_) | Self::Null(_) => None,
        }
    }
}

impl Typed {
    pub fn literal(literal: Literal) -> Self {
        let bounds = match literal {
            Literal::Integer(number) => Some(Bounds::Integer(number, number)),
            Literal::Decimal(number) => Some(Bounds::Decimal(number, number)),
            _ => None,
        };
        let nullable = matches!(literal, Literal::Null(_));
        let domain = match nullable {
            true => Some(Vec::new()),
            false => literal.key().map(|key| vec![key]),
        };
        let known = Type {
            kind: literal.kind(),
            bounds,
            steps: literal.steps(),
            domain: domain.map(Arc::new),
            nullable,
            of_person: true,
        };
        Self { scalar: Scalar::Literal(literal), known }
    }

    /// As a decimal number, where it is a whole one.
    pub fn decimal(self) -> Self {
        if self.known.kind != Kind::Integer {
            return self;
        }
        if let Scalar::Literal(Literal::Integer(number)) = self.scalar {
            return Self::literal(Literal::Decimal(number as f64));
        }
        self.convert(Kind::Decimal)
    }

    /// In another kind.
    pub fn convert(self, kind: Kind) -> Self {
        let from = self.known.kind;
        let bounds = match (from, kind, self.known.bounds) {
            (Kind::Integer, Kind::Decimal, Some(bounds)) => {
                let (lower, upper) = bounds.decimal();
                Some(Bounds::Decimal(lower, upper))
            }
            // A conversion rounds towards zero and stops at 64 bits, as `as` does.
            (Kind::Decimal, Kind::Integer, Some(Bounds::Decimal(lower, upper))) => {
                Some(Bounds::Integer(lower as i64, upper as i64))
            }
            (Kind::Flag, Kind::Integer, _) => Some(Bounds::Integer(0, 1)),
            (Kind::Flag, Kind::Decimal, _) => Some(Bounds::Decimal(0.0, 1.0)),
            _ => None,
        };
        let domain = match (from, kind) {
            (Kind::Flag, Kind::Integer) => Some(Arc::new(vec![Key::Integer(0), Key::Integer(1)])),
            (_, Kind::Flag) => Type::flag(true, true).domain,
            _ => None,
        };
        // A text that is no number becomes NULL.
        let nullable = self.known.nullable || from == Kind::Text;
        let steps = if kind == Kind::Decimal { self.known.steps() } else { None };
        let known = Type { kind, bounds, steps, domain, nullable, of_person: self.known.of_person };
        Self { scalar: Scalar::Convert(Box::new(self.scalar), kind), known }
    }

    pub fn not(self) -> Self {
        let flipped = self.known.domain.as_ref().map(|domain| {
            let flip = |key: &Key| match key {
                Key::Flag(flag) => Key::Flag(!flag),
                other => other.clone(),
            };
            let mut keys: Vec<Key> = domain.iter().map(flip).collect();
            keys.sort();
            Arc::new(keys)
        });
        Self {
            scalar: Scalar::Not(Box::new(self.scalar)),
            known: Type { domain: flipped, ..self.known },
        }
    }

    /// All of these hold.
    pub fn all(parts: Vec<Self>) -> Self {
        let outcomes = |parts: &[Self]| {
            let can = parts.iter().all(|part| part.known.can_be_true());
            (can, parts.iter().any(|part| part.can_be_false()))
        };
        Self::logic(parts, outcomes, Scalar::All)
    }

    /// One of these holds.
    pub fn any(parts: Vec<Self>) -> Self {
        let outcomes = |parts: &[Self]| {
            let can = parts.iter().any(|part| part.known.can_be_true());
            (can, parts.iter().all(Self::can_be_false))
        };
        Self::logic(parts, outcomes, Scalar::Any)
    }

    fn can_be_false(&self) -> bool {
        self.known.domain.as_ref().is_none_or(|domain| domain.contains(&Key::Flag(false)))
    }

    fn logic(
        parts: Vec<Self>,
        outcomes: impl Fn(&[Self]) -> (bool, bool),
        make: impl Fn(Vec<Scalar>) -> Scalar,
    ) -> Self {
        let (can_hold, can_fail) = outcomes(&parts);
        let nullable = parts.iter().any(|part| part.known.nullable);
        let of_person = parts.iter().all(|part| part.known.of_person);
        let known = condition(can_hold, can_fail, nullable, of_person);
        Self { scalar: make(parts.into_iter().map(|part| part.scalar).collect()), known }
    }

    pub fn null(self) -> Self {
        let known = Type::flag(false, self.known.of_person);
        Self { scalar: Scalar::IsNull(Box::new(self.scalar)), known }
    }

    /// Whether a flag is this, where NULL is not.
    pub fn is(self, flag: bool) -> Self {
        let can = self.known.domain.as_ref().is_none_or(|domain| domain.contains(&Key::Flag(flag)));
        let known = condition(can, true, false, self.known.of_person);
        Self { scalar: Scalar::Is(Box::new(self.scalar), flag), known }
    }

    /// Compares two values of one kind.
    pub fn compare(self, op: Comparison, other: Self) -> Self {
        let (can_hold, can_fail) = self.outcomes(op, &other);
        let nullable = (self.known.nullable || other.known.nullable)
            && !matches!(op, Comparison::Distinct | Comparison::NotDistinct);
        let of_person = self.known.of_person && other.known.of_person;
        let known = condition(can_hold, can_fail, nullable, of_person);
        let scalar = Scalar::Compare(op, Box::new(self.scalar), Box::new(other.scalar));
        Self { scalar, known }
    }

    fn outcomes(&self, op: Comparison, other: &Self) -> (bool, bool) {
        // What NULL does where it counts as a value is not followed.
        if matches!(op, Comparison::Distinct | Comparison::NotDistinct) {
            return (true, true);
        }
        if let (Some(one), Some(other)) = (self.known.bounds, other.known.bounds) {
            return one.compare(op, other);
        }
        let (Some(one), Some(other)) = (&self.known.domain, &other.known.domain) else {
            return (true, true);
        };
        let common = one.iter().any(|key| other.contains(key));
        let same = one.len() == 1 && one == other;
        match op {
            Comparison::Equal => (common, !same),
            Comparison::NotEqual => (!same, common),
            _ => (true, true),
        }
    }

    /// Whether a value is one of these, all of its kind and none of them NULL.
    pub fn within(self, list: Vec<Literal>) -> Self {
        let published = |literal: &Literal| {
            let known = literal.key().zip(self.known.domain.as_ref());
            known.is_none_or(|(key, domain)| domain.contains(&key))
                && match (&Self::literal(literal.clone()).known.bounds, self.known.bounds) {
                    (Some(one), Some(all)) => all.compare(Comparison::Equal, *one).0,
                    _ => true,
                }
        };
        let can_hold = list.iter().any(published);
        let known = condition(can_hold, true, self.known.nullable, self.known.of_person);
        Self { scalar: Scalar::In(Box::new(self.scalar), list), known }
    }

    /// Arithmetic on two numbers of one kind.
    pub fn arithmetic(self, op: Arithmetic, other: Self) -> Self {
        let bounds = match (self.known.bounds, other.known.bounds) {
            (Some(one), Some(other)) => one.arithmetic(op, other),
            // LEAST and GREATEST with a bounded number are bounded on one side.
            (one, other) if self.known.kind == Kind::Decimal => {
                let open = Bounds::Decimal(f64::NEG_INFINITY, f64::INFINITY);
                half_open(one.unwrap_or(open), op, other.unwrap_or(open))
            }
            (one, other) => {
                let open = Bounds::Integer(i64::MIN, i64::MAX);
                half_open(one.unwrap_or(open), op, other.unwrap_or(open))
            }
        };
        let divides = matches!(op, Arithmetic::Divide | Arithmetic::Remainder);
        let undefined = divides && other.known.can_be_zero();
        let steps = match self.known.kind {
            Kind::Decimal => {
                let fixed = matches!(other.scalar, Scalar::Literal(_));
                steps::arithmetic(op, &self.known, &other.known, fixed)
            }
            _ => None,
        };
        let known = Type {
            kind: self.known.kind,
            bounds,
            steps,
            domain: self.known.results(op, &other.known).map(Arc::new),
            nullable: self.known.nullable || other.known.nullable || undefined,
            of_person: self.known.of_person && other.known.of_person,
        };
        let scalar = Scalar::Arithmetic(op, Box::new(self.scalar), Box::new(other.scalar));
        Self { scalar, known }
    }

    /// A function of a number; those that are not of whole numbers need a decimal one.
    pub fn number(self, function: NumberFunction) -> Self {
        let known = Type {
            bounds: self.known.bounds.and_then(|bounds| bounds.function(function)),
            steps: match self.known.kind {
                Kind::Decimal => steps::function(function, &self.known),
                _ => None,
            },
            domain: None,
            nullable: self.known.nullable
                || matches!(function, NumberFunction::Sqrt | NumberFunction::Ln),
            ..self.known
        };
        Self { scalar: Scalar::Number(function, Box::new(self.scalar)), known }
    }

    pub fn text(self, function: TextFunction) -> Self {
        let change = |key: &Key| match (key, function) {
            (Key::Text(text), TextFunction::Lower) => Key::Text(super::evaluate::lower(text)),
            (Key::Text(text), TextFunction::Upper) => Key::Text(super::evaluate::upper(text)),
            (Key::Text(text), TextFunction::Trim) => Key::Text(text.trim().to_owned()),
            (Key::Text(text), TextFunction::Length) => Key::Integer(text.chars().count() as i64),
            (other, _) => other.clone(),
        };
        let domain = self.known.domain.as_ref().map(|domain| distinct(domain.iter().map(change)));
        let whole = function == TextFunction::Length;
        let bounds = whole.then(|| {
            let keys = domain.iter().flatten().filter_map(|key| match key {
                Key::Integer(number) => Some(*number),
                _ => None,
            });
            Some(Bounds::Integer(keys.clone().min()?, keys.max()?))
        });
        let known = Type {
            kind: if whole { Kind::Integer } else { Kind::Text },
            bounds: bounds.flatten(),
            steps: None,
            domain: domain.map(Arc::new),
            ..self.known
        };
        Self { scalar: Scalar::Text(function, Box::new(self.scalar)), known }
    }

    pub fn like(self, pattern: String, ignore_case: bool) -> Self {
        let like = |inner| Scalar::Like(Box::new(inner), pattern.clone(), ignore_case);
        // Where the values are published, it is known which of them the pattern fits.
        let (can_hold, can_fail) = self.known.domain.as_ref().map_or((true, true), |domain| {
            let texts = domain.iter().filter_map(|key| match key {
                Key::Text(text) => Some(text.as_str()),
                _ => None,
            });
            let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
            let found =
                evaluate(&like(Scalar::Column(0)), std::slice::from_ref(&texts), texts.len());
            let found = found.as_boolean().values().clone();
            (found.count_set_bits() > 0, found.count_set_bits() < found.len())
        });
        let known = condition(can_hold, can_fail, self.known.nullable, self.known.of_person);
        Self { scalar: like(self.scalar), known }
    }

    /// The first value of one kind that is not NULL.
    pub fn coalesce(parts: Vec<Self>) -> Self {
        let known = merged(parts.iter().map(|part| &part.known));
        let nullable = parts.iter().all(|part| part.known.nullable);
        Self {
            scalar: Scalar::Coalesce(parts.into_iter().map(|part| part.scalar).collect()),
            known: Type { nullable, ..known },
        }
    }

    /// The value of the first condition that holds, else the last; values of one kind.
    pub fn case(branches: Vec<(Self, Self)>, otherwise: Self) -> Self {
        // A branch that cannot be taken adds nothing to what can come out.
        let taken = branches.iter().filter(|(condition, _)| condition.known.can_be_true());
        let values = taken.map(|(_, value)| &value.known).chain([&otherwise.known]);
        let known = merged(values);
        let decided = branches.iter().all(|(condition, _)| condition.known.of_person);
        let parts = branches.into_iter().map(|(condition, value)| (condition.scalar, value.scalar));
        Self {
            scalar: Scalar::Case(parts.collect(), Box::new(otherwise.scalar)),
            known: Type { of_person: known.of_person && decided, ..known },
        }
    }

    /// Held to bounds of its kind.
    pub fn clamp(self, bounds: Bounds) -> Self {
        let narrowed = match (self.known.bounds, bounds) {
            (Some(Bounds::Integer(a, b)), Bounds::Integer(c, d)) => {
                Bounds::Integer(a.clamp(c, d), b.clamp(c, d))
            }
            (Some(Bounds::Decimal(a, b)), Bounds::Decimal(c, d)) => {
                Bounds::Decimal(a.clamp(c, d), b.clamp(c, d))
            }
            _ => bounds,
        };
        let (low, high) = bounds.decimal();
        let ends = Steps::of(low).zip(Steps::of(high)).and_then(|(low, high)| low.common(high));
        // Held to one value it is that value.
        let own = if low == high { Some(ends) } else { self.known.steps.map(Some) };
        let steps = own.and_then(|own| own?.common(ends?));
        let known = Type { bounds: Some(narrowed), steps, domain: None, ..self.known };
        Self { scalar: Scalar::Clamp(Box::new(self.scalar), bounds), known }
    }

    /// How many of these ascending edges are at or below a decimal number.
    pub fn bucket(self, edges: Vec<f64>) -> Self {
        let last = edges.len() as i64;
        let place = |value: f64| edges.partition_point(|edge| *edge <= value) as i64;
        let places = self.known.bounds.map(Bounds::decimal);
        let places = places.map_or(0..=last, |(lower, upper)| place(lower)..=place(upper));
        let known = Type {
            kind: Kind::Integer,
            bounds: Some(Bounds::Integer(0, last)),
            steps: None,
            domain: Some(Arc::new(places.map(Key::Integer).collect())),
            ..self.known
        };
        Self { scalar: Scalar::Bucket(Box::new(self.scalar), edges), known }
    }

    /// The text at the place that a bucket's number gives.
    pub fn label(self, labels: Vec<String>) -> Self {
        let label = |key: &Key| match key {
            Key::Integer(place) => labels.get(usize::try_from(*place).ok()?).cloned(),
            _ => None,
        };
        let domain = self.known.domain.iter().flat_map(|domain| domain.iter()).filter_map(label);
        let known = Type {
            kind: Kind::Text,
            bounds: None,
            steps: None,
            domain: Some(Arc::new(domain.map(Key::Text).collect())),
            ..self.known
        };
        Self { scalar: Scalar::Label(Box::new(self.scalar), labels), known }
    }
}

impl Type {
    fn can_be_zero(&self) -> bool {
        let within = |bounds: Bounds| bounds.compare(Comparison::Equal, Bounds::Integer(0, 0)).0;
        self.domain.as_ref().is_none_or(|domain| domain.contains(&Key::Integer(0)))
            && self.bounds.is_none_or(within)
    }

    /// All that an operation makes of finite lists of whole numbers, ascending.
    fn results(&self, op: Arithmetic, other: &Self) -> Option<Vec<Key>> {
        let (one, other) = (self.domain.as_ref()?, other.domain.as_ref()?);
        if one.len().saturating_mul(other.len()) > MOST_VALUES {
            return None;
        }
        let pairs = one.iter().flat_map(|a| other.iter().map(move |b| (a, b)));
        let results = pairs.filter_map(|pair| match pair {
            (Key::Integer(a), Key::Integer(b)) => super::bounds::integer(op, *a, *b),
            _ => None,
        });
        let results: std::collections::BTreeSet<i64> = results.collect();
        Some(results.into_iter().map(Key::Integer).collect())
    }
}

fn condition(can_hold: bool, can_fail: bool, nullable: bool, of_person: bool) -> Type {
    let outcomes = [(can_fail, false), (can_hold, true)];
    let domain = outcomes.into_iter().filter(|(can, _)| *can).map(|(_, flag)| Key::Flag(flag));
    let domain = Some(Arc::new(domain.collect()));
    Type { kind: Kind::Flag, bounds: None, steps: None, domain, nullable, of_person }
}

/// LEAST and GREATEST where one side is open; anything else is then unbounded.
fn half_open(one: Bounds, op: Arithmetic, other: Bounds) -> Option<Bounds> {
    matches!(op, Arithmetic::Least | Arithmetic::Greatest)
        .then(|| one.arithmetic(op, other))
        .flatten()
}

/// What is known of a value that is one of these.
fn merged<'a>(types: impl Iterator<Item = &'a Type> + Clone) -> Type {
    let typed =
        || types.clone().filter(|known| known.domain.as_ref().is_none_or(|all| !all.is_empty()));
    let kind = types.clone().next().map_or(Kind::Text, |known| known.kind);
    let bounds = typed().map(|known| known.bounds).reduce(|one, other| Some(one?.union(other?)));
    let keys: Option<Vec<_>> = types.clone().map(|known| known.domain.clone()).collect();
    let domain = keys.map(|lists| distinct(lists.iter().flat_map(|list| list.iter().cloned())));
    let steps = typed().map(|known| known.steps).reduce(|one, other| one?.common(other?));
    Type {
        kind,
        bounds: bounds.flatten(),
        steps: steps.flatten(),
        domain: domain.filter(|all| all.len() <= MOST_VALUES).map(Arc::new),
        nullable: types.clone().any(|known| known.nullable),
        of_person: types.clone().all(|known| known.of_person),
    }
}

/// Each value once, in the order in which it comes first.
fn distinct(keys: impl Iterator<Item = Key>) -> Vec<Key> {
    let mut seen = std::collections::HashSet::new();
    keys.filter(|key| seen.insert(key.clone())).collect()
}
