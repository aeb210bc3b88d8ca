//! Which parts of a resource a view can look at, so that no others are built.

use super::CompiledView;
use super::definition::{Focus, Select};
use super::path::{Expr, Function, Op};
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
            Expr::Nothing | Expr::Literal(_) | Expr::Index | Expr::RowIndex => Vec::new(),
            Expr::This => from.to_vec(),
            Expr::Resource => vec![self.root],
            Expr::Member(base, name, _) => {
                let base = self.expr(base, from);
                let mut found = self.child(&base, name);
                // A type's name at the start of a path is the resource itself.
                if name.starts_with(|first: char| first.is_ascii_uppercase()) {
                    self.child(&base, "resourceType");
                    found.extend(base);
                }
                found
            }
            Expr::At(base, index) => {
                self.expr(index, from);
                self.expr(base, from)
            }
            Expr::Call(base, function) => {
                let places = self.expr(base, from);
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
            Function::First | Function::Last | Function::Tail | Function::Single => base,
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
            // No element has parts if it is of a primitive type.
            Function::OfType(of) if of.starts_with(|c: char| c.is_ascii_lowercase()) => Vec::new(),
            Function::OfType(_) => {
                self.child(&base, "resourceType");
                base
            }
            Function::Is(_) => {
                self.child(&base, "resourceType");
                Vec::new()
            }
            Function::ResourceKey => {
                self.child(&base, "id");
                Vec::new()
            }
            Function::ReferenceKey(_) => {
                self.child(&base, "reference");
                self.child(&base, "type");
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
