//! Which parts of a resource a view can look at, so that no others are built.

use super::CompiledView;
use super::definition::{Focus, Select};
use super::path::{Expr, Function, Op, Step};
use crate::json::{Keep, Place};

impl CompiledView {
    /// Adds to `keep` what the view can look up in its resources.
    pub(crate) fn reads(&self, keep: &mut Keep) {
        let root = keep.resource(&self.resource);
        let mut reads = Reads { keep, root };
        for filter in &self.filters {
            reads.expr(&filter.path, &[root]);
        }
        reads.select(&self.root, &[root]);
    }
}

struct Reads<'k> {
    keep: &'k mut Keep,
    root: Place,
}

impl Reads<'_> {
    fn select(&mut self, select: &Select, from: &[Place]) {
        let inner = match &select.focus {
            Focus::Here => from.to_vec(),
            Focus::Each(path) | Focus::EachOrNull(path) => self.expr(path, from),
            Focus::Repeat(paths) => {
                let found: Vec<Place> =
                    paths.iter().flat_map(|path| self.expr(path, from)).collect();
                // What is found is searched again, to any depth.
                self.whole(found)
            }
        };
        for column in &select.columns {
            self.expr(&column.path, &inner);
        }
        for nested in select.selects.iter().chain(&select.unions) {
            self.select(nested, &inner);
        }
    }

    /// The elements of this name.
    fn child(&mut self, places: &[Place], name: &str) -> Vec<Place> {
        places.iter().map(|place| self.keep.child(*place, name)).collect()
    }

    /// Keeps all of what is compared or told apart as a whole.
    fn whole(&mut self, places: Vec<Place>) -> Vec<Place> {
        places.iter().for_each(|place| self.keep.whole(*place));
        places
    }

    /// Adds what the expression looks at, seen from `from`; returns where its values stand.
    fn expr(&mut self, expr: &Expr, from: &[Place]) -> Vec<Place> {
        match expr {
            Expr::Nothing | Expr::Literal(_) | Expr::Literals(_) | Expr::Index | Expr::RowIndex => {
                Vec::new()
            }
            Expr::This => from.to_vec(),
            Expr::Resource => vec![self.root],
            Expr::Path(base, steps) => {
                let base = self.expr(base, from);
                steps.iter().fold(base, |base, step| self.step(step, base))
            }
            Expr::At(base, index) => {
                self.expr(index, from);
                self.expr(base, from)
            }
            Expr::Call(base, function) => {
                let mut places = self.expr(base, from);
                if let Function::Extension(_) = function {
                    places = self.with_beside(places);
                }
                let outer = if **base == Expr::This { from } else { &places };
                self.call(function, places.clone(), from, outer)
            }
            Expr::Binary(op, left, right) => {
                let (mut left, right) = (self.expr(left, from), self.expr(right, from));
                left.extend(right);
                match op {
                    Op::Union => self.whole(left),
                    Op::And | Op::Or | Op::Xor | Op::Implies => Vec::new(),
                    _ => {
                        self.whole(left);
                        Vec::new()
                    }
                }
            }
            Expr::Negate(inner) => self.expr(inner, from),
        }
    }

    /// The places of values, and of what JSON writes beside those that are primitives: their ids and extensions.
    fn with_beside(&mut self, mut places: Vec<Place>) -> Vec<Place> {
        let beside = places.iter().flat_map(|place| self.keep.beside(*place)).collect::<Vec<_>>();
        places.extend(beside);
        places
    }

    /// As [`Reads::expr`] for a step from the values in `base`.
    fn step(&mut self, step: &Step, base: Vec<Place>) -> Vec<Place> {
        match step {
            Step::Member(name, _) => {
                let base = match &**name {
                    "extension" | "id" => self.with_beside(base),
                    _ => base,
                };
                let mut found = self.child(&base, name);
                // A type's name at the start of a path is the resource itself.
                if name.starts_with(|first: char| first.is_ascii_uppercase()) {
                    self.child(&base, "resourceType");
                    found.extend(base);
                }
                found
            }
            Step::OfType(_) => {
                self.child(&base, "resourceType");
                base
            }
            Step::First => base,
            Step::ResourceKey => {
                self.child(&base, "id");
                Vec::new()
            }
            Step::ReferenceKey(_) => {
                self.child(&base, "reference");
                self.child(&base, "type");
                Vec::new()
            }
        }
    }

    /// As [`Reads::expr`] for a function of the values in `base`; `iif` sees its arguments from `outer`.
    fn call(
        &mut self,
        function: &Function,
        base: Vec<Place>,
        from: &[Place],
        outer: &[Place],
    ) -> Vec<Place> {
        match function {
            Function::Where(criterion) => {
                self.expr(criterion, &base);
                base
            }
            Function::Exists(Some(criterion)) | Function::All(criterion) => {
                self.expr(criterion, &base);
                Vec::new()
            }
            Function::Select(projection) => self.expr(projection, &base),
            Function::Repeat(projection) => {
                let found = self.expr(projection, &base);
                self.whole(found)
            }
            Function::Last | Function::Tail | Function::Single => base,
            Function::Skip(count) | Function::Take(count) => {
                self.expr(count, from);
                base
            }
            Function::Distinct => self.whole(base),
            Function::IsDistinct => {
                self.whole(base);
                Vec::new()
            }
            Function::Combine(other) => [base, self.expr(other, from)].concat(),
            Function::Intersect(other) | Function::Exclude(other) => {
                let other = self.expr(other, from);
                self.whole(other);
                self.whole(base)
            }
            Function::Iif(condition, yes, no) => {
                self.expr(condition, outer);
                let mut found = self.expr(yes, outer);
                if let Some(no) = no {
                    found.extend(self.expr(no, outer));
                }
                found
            }
            Function::Extension(url) => {
                self.expr(url, from);
                let found = self.child(&base, "extension");
                self.child(&found, "url");
                found
            }
            Function::Is(_) => {
                self.child(&base, "resourceType");
                Vec::new()
            }
            Function::LowBoundary(digits) | Function::HighBoundary(digits) => {
                digits.iter().for_each(|digits| drop(self.expr(digits, from)));
                self.child(&base, "start");
                self.child(&base, "end");
                Vec::new()
            }
            Function::Join(one) | Function::Round(_, one) => {
                one.iter().for_each(|one| drop(self.expr(one, from)));
                Vec::new()
            }
            Function::Text(_, arguments) => {
                arguments.iter().for_each(|one| drop(self.expr(one, from)));
                Vec::new()
            }
            Function::Empty
            | Function::Not
            | Function::Exists(None)
            | Function::Count
            | Function::Flags { .. }
            | Function::Convert(_)
            | Function::HasValue => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use bumpalo::Bump;
    use proptest::prelude::*;
    use serde_json::json;

    use crate::json::{Keep, parse};
    use crate::view::{CompiledView, Surroundings};

    const PERSON: &str = r#"{"resourceType":"Patient","id":"p","active":true,"birthDate":"1970-06",
        "_birthDate":{"extension":[{"url":"u","valueString":"t"}]},
        "name":[{"use":"a","family":"F","given":["x","y"],
            "_given":[null,{"extension":[{"url":"u","valueCode":"q"}]}],"period":{"start":"2020"}},
            {"use":"b","family":"G","given":[null,"z"],"_given":[{"id":"g","extension":[{"url":"u","valueCode":"q"}]},null]}],
        "_gender":{"id":"n","extension":[{"url":"u","valueCode":"q"}]},
        "contact":[{"name":{"use":"a","family":"F","given":["x","y"],"period":{"start":"2020"}}}],
        "link":[{"other":{"reference":"Patient/q","type":"Patient"},"link":[{"link":[{"type":"z"}],"type":"y"}]}],
        "extension":[{"url":"u","valueQuantity":{"value":1.0,"unit":"mg"}},
            {"url":"u","valueString":"s","_valueString":{"extension":[{"url":"u","valueString":"v"}]}},
            {"url":"w","_valueString":{"extension":[{"url":"u","valueString":"x"}]}},
            {"url":"v","extension":[{"url":"u","valuePeriod":{"end":"2021"}}]}],
        "contained":[{"resourceType":"Patient","id":"c","name":[{"family":"H"}]}]}"#;

    /// The rows, or why there are none, where so much is kept of the record.
    fn seen(view: &CompiledView, keep: &Keep) -> String {
        let arena = Bump::new();
        let json = parse(PERSON, keep, &arena).unwrap();
        match view.rows(&json, Surroundings::default(), &arena) {
            Ok(rows) => rows.iter().map(|row| format!("{row:?}\n")).collect(),
            Err(error) => error.to_string(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn what_is_not_kept_is_never_missed(
            start in prop::sample::select(vec!["name", "contact", "contact.name", "extension", "link", "$this", "birthDate",
                "contained", "%resource", "extension('u')", "gender", "extension('v').extension('u')", "Patient.name", "link.other"]),
            steps in prop::collection::vec(prop::sample::select(vec![".given", ".family", ".name", ".period", ".start",
                ".value", ".first()", ".where(use = 'a')", ".where(value.exists())", ".ofType(Quantity)", ".ofType(Patient)",
                ".ofType(string)", ".ofType(Period)", ".repeat(link)", ".select(family | use)", ".extension('u')",
                ".distinct()", ".combine(contact.name)", ".union(name)", ".intersect(contact.name)", ".exclude(name)",
                "[0]", ".last()", ".iif(exists(), name, link)", ".other", ".all(use = 'a')", ".lowBoundary()",
                ".birthDate", ".ofType(code)", ".last().extension('u')", ".where($this = 'y')",
                ".getReferenceKey(Patient)", ".getResourceKey()", ".where($this is Patient)", ".unit", ".extension", ".id",
                ".url", ".gender", ".ofType(string).where(exists())", ".where(extension.exists())"]), 0..5),
            end in prop::sample::select(vec!["", ".count()", ".exists()", ".distinct().count()", " = name", " ~ contact.name",
                ".isDistinct()", ".first() in name", ".hasValue()", ".toString()", ".join(',')", ".family.join(',')"]),
            focus in prop::sample::select(vec!["$this", "name", "contact", "extension", "link"]),
        ) {
            let path = format!("{start}{}{end}", steps.concat());
            let columns = json!([{ "name": "v", "path": path, "type": "string", "collection": true }]);
            for key in ["forEach", "forEachOrNull"] {
                let view = json!({ "resource": "Patient", "select": [{ key: focus, "column": columns }] });
                let Ok(view) = CompiledView::parse(&view.to_string()) else { return Ok(()) };
                let mut keep = Keep::nothing();
                view.reads(&mut keep);
                keep.settle();
                prop_assert_eq!(seen(&view, &keep), seen(&view, &Keep::all()), "{}", path);
            }
        }
    }
}
