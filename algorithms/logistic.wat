;; Logistic regression by private gradient steps: each round adds up the gradients of all patients at the present weights, and the step
;; between two rounds moves the weights by the noisy mean gradient (Song, Chaudhuri and Sarwate, "Stochastic gradient descent with
;; differentially private updates", 2013).
;;
;; Table 0, the patient's first row: d columns of numbers, then the outcome, 1 or 0. A row in which something is missing counts nowhere.
;; Parameters, 3 d + 2:  0           learning rate
;;                       1, 2        centre and scale of the first number; 3, 4 of the second; and so on
;;                       2 d + 1     bias
;;                       2 d + 2 ..  weights, of numbers less their centre, divided by their scale
;; Vector, d + 2 numbers: the gradient for the bias, the gradients for the weights, and 1 for having been counted.
;; With numbers between -1 and 1 after scaling a vector is at most sqrt(d + 2) long in norm l2: a clip of that loses nothing.
(module
  (memory (export "memory") 1)
  (global $room i32 (i32.const 8192))

  ;; Room for a record, and for a vector of as many numbers behind it.
  (func (export "input") (param $bytes i32) (result i32)
    (local $pages i32)
    (local.set $pages
      (i32.sub
        (i32.shr_u
          (i32.add (i32.add (global.get $room) (i32.shl (local.get $bytes) (i32.const 1))) (i32.const 65535))
          (i32.const 16))
        (memory.size)))
    (if (i32.gt_s (local.get $pages) (i32.const 0)) (then (drop (memory.grow (local.get $pages)))))
    (global.get $room))

  ;; A cell as a number; NaN where it is missing.
  (func $number (param $cell i32) (param $kind i32) (result f64)
    (local $whole i64)
    (if (i32.eq (local.get $kind) (i32.const 1)) (then (return (f64.load (local.get $cell)))))
    (local.set $whole (i64.load (local.get $cell)))
    (if (i32.eqz (local.get $kind))
      (then (if (i64.eq (local.get $whole) (i64.const 0x8000000000000000)) (then (return (f64.const nan)))))
      (else (if (i64.lt_s (local.get $whole) (i64.const 0)) (then (return (f64.const nan))))))
    (f64.convert_i64_s (local.get $whole)))

  ;; Where the first table begins.
  (func $table (param $record i32) (result i32)
    (i32.add (local.get $record)
      (i32.add (i32.const 16) (i32.shl (i32.load offset=8 (local.get $record)) (i32.const 3)))))

  ;; Pointer and count, as a result wants them.
  (func $vector (param $place i32) (param $count i32) (result i64)
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $count)) (i64.const 32))
      (i64.extend_i32_u (local.get $place))))

  ;; The n-th of a list of numbers.
  (func $at (param $list i32) (param $n i32) (result i32)
    (i32.add (local.get $list) (i32.shl (local.get $n) (i32.const 3))))

  ;; e^x for |x| <= 40: x = n ln 2 + r, the series of e^r up to r^13 (error below 1e-16 for |r| <= 0.35), and 2^n by its exponent.
  (func $exp (param $x f64) (result f64)
    (local $n f64) (local $r f64) (local $sum f64) (local $k f64)
    (local.set $n (f64.nearest (f64.mul (local.get $x) (f64.const 1.4426950408889634))))
    (local.set $r (f64.sub (local.get $x) (f64.mul (local.get $n) (f64.const 0.6931471805599453))))
    (local.set $sum (f64.const 1))
    (local.set $k (f64.const 13))
    (loop $terms
      (local.set $sum
        (f64.add (f64.const 1) (f64.div (f64.mul (local.get $r) (local.get $sum)) (local.get $k))))
      (local.set $k (f64.sub (local.get $k) (f64.const 1)))
      (br_if $terms (f64.ge (local.get $k) (f64.const 1))))
    (f64.mul (local.get $sum)
      (f64.reinterpret_i64
        (i64.shl (i64.add (i64.trunc_f64_s (local.get $n)) (i64.const 1023)) (i64.const 52)))))

  (func $sigmoid (param $x f64) (result f64)
    (f64.div (f64.const 1)
      (f64.add (f64.const 1)
        (call $exp (f64.max (f64.const -40) (f64.min (f64.const 40) (f64.neg (local.get $x))))))))

  (func (export "run") (param $record i32) (param $bytes i32) (result i64)
    (local $table i32) (local $settings i32) (local $weights i32) (local $cells i32) (local $out i32)
    (local $numbers i32) (local $at i32) (local $sum f64) (local $x f64) (local $rest f64)
    (local.set $table (call $table (local.get $record)))
    (local.set $settings (i32.add (local.get $record) (i32.const 16)))
    (local.set $numbers (i32.sub (i32.load offset=4 (local.get $table)) (i32.const 1)))
    (local.set $weights
      (call $at (local.get $settings) (i32.add (i32.shl (local.get $numbers) (i32.const 1)) (i32.const 1))))
    (local.set $out (i32.and (i32.add (i32.add (local.get $record) (local.get $bytes)) (i32.const 7)) (i32.const -8)))
    (block $done
      (br_if $done (i32.eqz (i32.load (local.get $table))))
      ;; Cells follow the kinds of d + 1 columns, four bytes each, in whole pairs.
      (local.set $cells
        (call $at (i32.add (local.get $table) (i32.const 8))
          (i32.shr_u (i32.add (local.get $numbers) (i32.const 2)) (i32.const 1))))
      (local.set $sum (f64.load (local.get $weights)))
      (block $scaled
        (loop $each
          (br_if $scaled (i32.ge_u (local.get $at) (local.get $numbers)))
          (local.set $x
            (f64.div
              (f64.sub
                (call $number
                  (call $at (local.get $cells) (local.get $at))
                  (i32.load offset=8 (i32.add (local.get $table) (i32.shl (local.get $at) (i32.const 2)))))
                (f64.load offset=8 (call $at (local.get $settings) (i32.shl (local.get $at) (i32.const 1)))))
              (f64.load offset=16 (call $at (local.get $settings) (i32.shl (local.get $at) (i32.const 1))))))
          (f64.store offset=8 (call $at (local.get $out) (local.get $at)) (local.get $x))
          (local.set $sum
            (f64.add (local.get $sum)
              (f64.mul (local.get $x) (f64.load offset=8 (call $at (local.get $weights) (local.get $at))))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $each)))
      (local.set $rest
        (f64.sub
          (call $number
            (call $at (local.get $cells) (local.get $numbers))
            (i32.load offset=8 (i32.add (local.get $table) (i32.shl (local.get $numbers) (i32.const 2)))))
          ;; A sum that is no number would not survive the steps of exp.
          (if (result f64) (f64.eq (local.get $sum) (local.get $sum))
            (then (call $sigmoid (local.get $sum)))
            (else (f64.const nan)))))
      (if (f64.ne (local.get $rest) (local.get $rest))
        (then
          ;; Something is missing: what was written is taken back.
          (memory.fill (local.get $out) (i32.const 0) (i32.shl (i32.add (local.get $numbers) (i32.const 2)) (i32.const 3)))
          (br $done)))
      (f64.store (local.get $out) (local.get $rest))
      (local.set $at (i32.const 0))
      (block $ended
        (loop $each
          (br_if $ended (i32.ge_u (local.get $at) (local.get $numbers)))
          (f64.store offset=8 (call $at (local.get $out) (local.get $at))
            (f64.mul (local.get $rest) (f64.load offset=8 (call $at (local.get $out) (local.get $at)))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $each)))
      (f64.store offset=8 (call $at (local.get $out) (local.get $numbers)) (f64.const 1)))
    (call $vector (local.get $out) (i32.add (local.get $numbers) (i32.const 2))))

  ;; Moves bias and weights in place and returns all parameters.
  (func (export "step") (param $record i32) (param $bytes i32) (result i64)
    (local $table i32) (local $released i32) (local $settings i32) (local $weights i32)
    (local $numbers i32) (local $at i32) (local $rate f64)
    (local.set $table (call $table (local.get $record)))
    (local.set $released (i32.add (local.get $table) (i32.const 16)))
    (local.set $settings (i32.add (local.get $record) (i32.const 16)))
    (local.set $numbers (i32.sub (i32.load (local.get $table)) (i32.const 2)))
    (local.set $weights
      (call $at (local.get $settings) (i32.add (i32.shl (local.get $numbers) (i32.const 1)) (i32.const 1))))
    ;; The learning rate, divided by the noisy number of patients.
    (local.set $rate
      (f64.div (f64.load (local.get $settings))
        (f64.max (f64.const 1) (f64.load offset=8 (call $at (local.get $released) (local.get $numbers))))))
    (loop $each
      (f64.store (call $at (local.get $weights) (local.get $at))
        (f64.add
          (f64.load (call $at (local.get $weights) (local.get $at)))
          (f64.mul (local.get $rate) (f64.load (call $at (local.get $released) (local.get $at))))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $each (i32.le_u (local.get $at) (local.get $numbers))))
    (call $vector (local.get $settings) (i32.load offset=8 (local.get $record)))))
