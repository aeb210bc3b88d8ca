"""The solver of the symbolic checks: `solve.py SECONDS QUERY` answers a query of halmos in SMT-LIB as a solver would.

Solvers of bit vectors cannot multiply and divide numbers of 256 bits that are not known. Nearly all of ours are far from 2^256,
so that the same formula over the integers says the same, and there multiplication is easy. Two work on a query at a time:

- yices, as the query is;
- z3 on the same query over the integers. Where the bounds of a term show that it cannot leave its width, it is its integer;
  where they do not, it is taken modulo its width. A term that is not understood becomes an integer of which only the width is
  known. Each step keeps every solution or adds some, so that only the answer `unsat` is used.

The first answer counts. None in time is `unknown`, which fails the check.
"""

import subprocess
import sys
import threading

import z3


class Contradiction(Exception):
    """The comparisons of a query leave a term no value."""


class Integers:
    """The translation of one query."""

    # By which rounds of comparison bounds spread: a chain of as many terms.
    ROUNDS = 6

    def __init__(self, assertions):
        self.assertions = assertions
        self.facts = {}
        self.ranges = {}
        self.terms = {}
        self.sides = []
        self.count = 0
        self.kept = []

    def solve(self, milliseconds):
        solver = z3.Solver()
        solver.set("timeout", milliseconds)
        try:
            for _ in range(self.ROUNDS):
                self.ranges = {}
                for assertion in self.assertions:
                    self.learn(assertion, True)
            self.ranges = {}
            for assertion in self.assertions:
                solver.add(self.truth(assertion))
            for side in self.sides:
                solver.add(side)
        except Contradiction:
            return z3.unsat
        return solver.check()

    # ------------------------------------------------------------ bounds

    def learn(self, term, holds):
        """Takes bounds from what is known to hold."""
        kind = term.decl().kind()
        if kind == z3.Z3_OP_NOT:
            self.learn(term.arg(0), not holds)
        elif kind == (z3.Z3_OP_AND if holds else z3.Z3_OP_OR):
            for child in term.children():
                self.learn(child, holds)
        elif kind == z3.Z3_OP_EQ and holds and z3.is_bv(term.arg(0)):
            left, right = term.children()
            low = max(self.bounds(left)[0], self.bounds(right)[0])
            high = min(self.bounds(left)[1], self.bounds(right)[1])
            self.narrow(left, low, high)
            self.narrow(right, low, high)
        elif kind in COMPARISONS:
            swapped, strict = COMPARISONS[kind]
            left, right = term.children()
            if swapped:
                left, right = right, left
            if not holds:
                left, right, strict = right, left, not strict
            self.narrow(left, 0, self.bounds(right)[1] - strict)
            self.narrow(right, self.bounds(left)[0] + strict, None)
        elif kind == z3.Z3_OP_EQ and not holds and z3.is_bv(term.arg(0)):
            left, right = term.children()
            if z3.is_bv_value(left):
                left, right = right, left
            if z3.is_bv_value(right) and right.as_long() == self.bounds(left)[0]:
                self.narrow(left, right.as_long() + 1, None)

    def narrow(self, term, low, high):
        key = term.get_id()
        self.kept.append(term)
        known_low, known_high = self.facts.get(key, (0, 2 ** term.size() - 1))
        low = max(low, known_low)
        high = known_high if high is None else min(high, known_high)
        if low > high:
            raise Contradiction
        self.facts[key] = (low, high)
        self.ranges.pop(key, None)

    def bounds(self, term):
        """The least and the most that a bit vector can be, as a number without sign."""
        key = term.get_id()
        if key not in self.ranges:
            low, high = self.derived(term)
            known = self.facts.get(key, (0, 2 ** term.size() - 1))
            self.ranges[key] = (max(low, known[0]), min(high, known[1]))
            if self.ranges[key][0] > self.ranges[key][1]:
                raise Contradiction
        return self.ranges[key]

    def derived(self, term):
        width = term.size()
        everything = (0, 2**width - 1)
        kind, children = operation(term)
        if z3.is_bv_value(term):
            return (term.as_long(),) * 2
        if kind in (z3.Z3_OP_BADD, z3.Z3_OP_BSUB, z3.Z3_OP_BNEG):
            low, high = self.sum_bounds(term)
            return (low, high) if low >= 0 and high < 2**width else everything
        if kind == z3.Z3_OP_BMUL:
            low = high = 1
            for child in children:
                low, high = low * self.bounds(child)[0], high * self.bounds(child)[1]
            return (low, high) if high < 2**width else everything
        if kind in (z3.Z3_OP_BUDIV, z3.Z3_OP_BUDIV_I):
            (low, high), divisor = self.bounds(children[0]), self.bounds(children[1])
            if divisor[0] > 0:
                return low // divisor[1], high // divisor[0]
            # What is divided by zero is zero, or all ones where the query says so.
            return (0, high) if zero_by_zero(term) else everything
        if kind in (z3.Z3_OP_BUREM, z3.Z3_OP_BUREM_I):
            high, divisor = self.bounds(children[0])[1], self.bounds(children[1])
            return (0, min(high, divisor[1] - 1)) if divisor[0] > 0 else (0, high)
        if kind == z3.Z3_OP_CONCAT:
            low = high = 0
            for child in children:
                low = (low << child.size()) + self.bounds(child)[0]
                high = (high << child.size()) + self.bounds(child)[1]
            return low, high
        if kind == z3.Z3_OP_ZERO_EXT:
            return self.bounds(children[0])
        if kind == z3.Z3_OP_EXTRACT:
            last, first = term.params()
            low, high = self.bounds(children[0])
            if high >> first < 2 ** (last - first + 1):
                return low >> first, high >> first
            return everything
        if kind == z3.Z3_OP_ITE:
            left, right = self.bounds(children[1]), self.bounds(children[2])
            return min(left[0], right[0]), max(left[1], right[1])
        if kind == z3.Z3_OP_BAND:
            return 0, min(self.bounds(child)[1] for child in children)
        return everything

    def addends(self, term):
        """A sum as pairs of a factor, which may be negative, and a bit vector; a number has no bit vector."""
        width = term.size()
        kind, children = operation(term)
        if z3.is_bv_value(term):
            return [(signed(term.as_long(), width), None)]
        if kind == z3.Z3_OP_BADD:
            return [part for child in children for part in self.addends(child)]
        if kind == z3.Z3_OP_BSUB:
            return self.addends(children[0]) + [(-f, t) for f, t in self.addends(children[1])]
        if kind == z3.Z3_OP_BNEG:
            return [(-f, t) for f, t in self.addends(children[0])]
        if kind == z3.Z3_OP_BMUL and len(children) == 2 and z3.is_bv_value(children[0]):
            factor = signed(children[0].as_long(), width)
            if factor < 0:
                return [(factor * f, t) for f, t in self.addends(children[1])]
        return [(1, term)]

    def sum_bounds(self, term):
        low = high = 0
        for factor, part in self.addends(term):
            least, most = (1, 1) if part is None else self.bounds(part)
            low += min(factor * least, factor * most)
            high += max(factor * least, factor * most)
        return low, high

    # ------------------------------------------------------------ terms

    def number(self, term):
        key = term.get_id()
        if key not in self.terms:
            value = self.translated(term)
            self.kept.append(term)
            self.terms[key] = value
            if key in self.facts or z3.is_const(value):
                low, high = self.bounds(term)
                self.sides.append(z3.And(low <= value, value <= high))
        return self.terms[key]

    def unknown(self, low=None, high=None):
        self.count += 1
        value = z3.Int(f"n{self.count}")
        if low is not None:
            self.sides.append(z3.And(low <= value, value <= high))
        return value

    def translated(self, term):
        width = term.size()
        kind, children = operation(term)
        if z3.is_bv_value(term):
            return z3.IntVal(term.as_long())
        if kind in (z3.Z3_OP_BADD, z3.Z3_OP_BSUB, z3.Z3_OP_BNEG):
            total = z3.IntVal(0)
            for factor, part in self.addends(term):
                total = total + (factor if part is None else factor * self.number(part))
            return self.within(total, *self.sum_bounds(term), term)
        if kind == z3.Z3_OP_BMUL:
            product, low, high = z3.IntVal(1), 1, 1
            for child in children:
                product = product * self.number(child)
                low, high = low * self.bounds(child)[0], high * self.bounds(child)[1]
            return self.within(product, low, high, term)
        if kind in (z3.Z3_OP_BUDIV, z3.Z3_OP_BUDIV_I, z3.Z3_OP_BUREM, z3.Z3_OP_BUREM_I):
            return self.divided(term, kind, children)
        if kind == z3.Z3_OP_CONCAT:
            value = z3.IntVal(0)
            for child in children:
                value = value * 2 ** child.size() + self.number(child)
            return value
        if kind == z3.Z3_OP_ZERO_EXT:
            return self.number(children[0])
        if kind == z3.Z3_OP_EXTRACT:
            last, first = term.params()
            high, whole = self.bounds(children[0])[1], children[0].get_id()
            value, high = self.parted((whole, last), self.number(children[0]), high, last + 1)[1]
            return self.parted((whole, last, first), value, high, first)[0][0]
        if kind == z3.Z3_OP_ITE:
            return z3.If(self.truth(children[0]), self.number(children[1]), self.number(children[2]))
        return self.unknown(*self.bounds(term))

    def within(self, value, low, high, term):
        """A value that lies between the bounds, brought into the width of the term."""
        modulus = 2 ** term.size()
        if 0 <= low and high < modulus:
            return value
        known_low, known_high = self.bounds(term)
        # Only one number of turns may bring it to where the term is known to be.
        turns = [
            turn
            for turn in range(low // modulus, high // modulus + 1)
            if turn * modulus + known_low <= high and turn * modulus + known_high >= low
        ] if high // modulus - low // modulus < 8 else []
        if len(turns) == 1:
            brought = value - turns[0] * modulus
            self.sides.append(z3.And(known_low <= brought, brought <= known_high))
            return brought
        turn = self.unknown(low // modulus, high // modulus)
        brought = value - turn * modulus
        self.sides.append(z3.And(0 <= brought, brought < modulus))
        return brought

    def parted(self, key, value, high, bits):
        """What is above a number of low bits, and these, each with the most that it can be."""
        if bits == 0:
            return (value, high), (z3.IntVal(0), 0)
        if high < 2**bits:
            return (z3.IntVal(0), 0), (value, high)
        if (key, bits) not in self.terms:
            upper, lower = self.unknown(0, high >> bits), self.unknown(0, 2**bits - 1)
            self.sides.append(value == upper * 2**bits + lower)
            self.terms[key, bits] = (upper, high >> bits), (lower, 2**bits - 1)
        return self.terms[key, bits]

    def divided(self, term, kind, children):
        of, by = self.number(children[0]), self.number(children[1])
        high, divisor = self.bounds(children[0])[1], self.bounds(children[1])
        remainder_asked = kind in (z3.Z3_OP_BUREM, z3.Z3_OP_BUREM_I)
        if remainder_asked and divisor[0] > high:
            return of
        key = (children[0].get_id(), children[1].get_id(), "divided")
        if key not in self.terms:
            quotient = self.unknown(0, high)
            remainder = self.unknown(0, max(0, min(high, divisor[1] - 1)))
            self.sides.append(z3.Implies(by > 0, z3.And(of == quotient * by + remainder, remainder < by)))
            self.terms[key] = (quotient, remainder)
        quotient, remainder = self.terms[key]
        if divisor[0] > 0:
            return remainder if remainder_asked else quotient
        if zero_by_zero(term):
            by_zero = z3.IntVal(0)
        else:
            by_zero = of if remainder_asked else z3.IntVal(2 ** term.size() - 1)
        return z3.If(by == 0, by_zero, remainder if remainder_asked else quotient)

    def truth(self, term):
        key = term.get_id()
        if key not in self.terms:
            self.kept.append(term)
            self.terms[key] = self.judged(term)
        return self.terms[key]

    def judged(self, term):
        kind, children = term.decl().kind(), term.children()
        if kind in (z3.Z3_OP_TRUE, z3.Z3_OP_FALSE):
            return term
        if kind in CONNECTIVES:
            return CONNECTIVES[kind](*(self.truth(child) for child in children))
        if kind == z3.Z3_OP_EQ and z3.is_bool(children[0]):
            return self.truth(children[0]) == self.truth(children[1])
        if kind == z3.Z3_OP_EQ and z3.is_bv(children[0]):
            return self.number(children[0]) == self.number(children[1])
        if kind in COMPARISONS:
            swapped, strict = COMPARISONS[kind]
            left, right = (self.number(child) for child in children)
            if swapped:
                left, right = right, left
            return left < right if strict else left <= right
        self.count += 1
        return z3.Bool(f"b{self.count}")


# Which side of a comparison without sign comes first, and whether it is strict.
COMPARISONS = {
    z3.Z3_OP_ULEQ: (False, False),
    z3.Z3_OP_ULT: (False, True),
    z3.Z3_OP_UGEQ: (True, False),
    z3.Z3_OP_UGT: (True, True),
}

CONNECTIVES = {
    z3.Z3_OP_AND: z3.And,
    z3.Z3_OP_OR: z3.Or,
    z3.Z3_OP_NOT: z3.Not,
    z3.Z3_OP_IMPLIES: z3.Implies,
    z3.Z3_OP_ITE: z3.If,
    z3.Z3_OP_XOR: z3.Xor,
}

# What halmos leaves open at first stands for the EVM's operations.
OPEN = {
    "f_evm_bvmul": z3.Z3_OP_BMUL,
    "f_evm_bvudiv": z3.Z3_OP_BUDIV,
    "f_evm_bvurem": z3.Z3_OP_BUREM,
}


def operation(term):
    declaration = term.decl()
    name = declaration.name().rsplit("_", 1)[0] if declaration.kind() == z3.Z3_OP_UNINTERPRETED else None
    return OPEN.get(name, declaration.kind()), term.children()


def zero_by_zero(term):
    """Whether the EVM's division is meant, in which a division by zero gives zero."""
    return term.decl().kind() == z3.Z3_OP_UNINTERPRETED


def signed(value, width):
    return value - 2**width if value >= 2 ** (width - 1) else value


def main():
    seconds, query = float(sys.argv[1]), sys.argv[2]
    answers, done = [], threading.Event()

    def bits():
        answer = yices.communicate()[0].decode()
        if answer.startswith(("sat", "unsat")):
            answers.append(answer)
            done.set()

    def integers():
        if Integers(list(z3.parse_smt2_file(query))).solve(int(seconds * 1000)) == z3.unsat:
            answers.append("unsat\n")
            done.set()

    command = ["yices-smt2", "--smt2-model-format", "--bvconst-in-decimal", query]
    yices = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for work in (bits, integers):
        threading.Thread(target=work, daemon=True).start()
    done.wait(seconds)
    yices.kill()
    sys.stdout.write(answers[0] if answers else "unknown\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
