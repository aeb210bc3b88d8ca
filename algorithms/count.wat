;; How many patients there are, and the sum of one decimal column over their rows.
;;
;; Record: no parameters, one table with one column of kind 1 (decimal).
;; Vector: 1, then the sum of the column's values; a missing value (NaN) adds nothing.
;;
;; In words of a higher language:
;;
;;   fn run(rows: &[f64]) -> [f64; 2] {
;;       [1.0, rows.iter().filter(|x| !x.is_nan()).sum()]
;;   }
(module
  (memory (export "memory") 17)

  ;; Records go behind the first kilobyte, which holds the vector. One that does not fit traps, and counts as zeros.
  (func (export "input") (param $bytes i32) (result i32)
    (i32.const 1024))

  (func (export "run") (param $record i32) (param $bytes i32) (result i64)
    (local $rows i32) (local $at i32) (local $x f64) (local $sum f64)
    ;; Behind the header of 16 bytes: rows, columns, the column's kind, four bytes of zeros, and then the cells.
    (local.set $rows (i32.load offset=16 (local.get $record)))
    (local.set $at (i32.add (local.get $record) (i32.const 32)))
    (block $done
      (loop $row
        (br_if $done (i32.eqz (local.get $rows)))
        (local.set $x (f64.load (local.get $at)))
        ;; Only NaN is not equal to itself.
        (if (f64.eq (local.get $x) (local.get $x))
          (then (local.set $sum (f64.add (local.get $sum) (local.get $x)))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
        (br $row)))
    (f64.store (i32.const 0) (f64.const 1))
    (f64.store (i32.const 8) (local.get $sum))
    ;; Two numbers, at address 0.
    (i64.const 0x2_0000_0000)))
