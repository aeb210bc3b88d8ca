;; K-means: each round assigns every patient to the nearest centre and adds up numbers and places; the step between two rounds moves each
;; centre to its noisy mean (Lloyd's algorithm with noisy sums: Blum, Dwork, McSherry and Nissim, "Practical privacy: the
;; SuLQ framework", 2005).
;;
;; Table 0, the patient's first row: d columns of numbers. A row in which something is missing counts nowhere.
;; Parameters, 2 d + k d:  0, 1     centre and scale of the first number; 2, 3 of the second; and so on
;;                         2 d ..   the k centres, d numbers each, of numbers less their centre, divided by their scale
;; Vector, k (d + 1) numbers: for each centre 1 and the scaled numbers where it is the nearest, else zeros.
;; With numbers between -1 and 1 after scaling a vector is at most sqrt(d + 1) long in norm l2: a clip of that loses nothing.
(module
  (memory (export "memory") 1)
  (global $room i32 (i32.const 8192))

  ;; Room for a record, and twice as much behind it.
  (func (export "input") (param $bytes i32) (result i32)
    (local $pages i32)
    (local.set $pages
      (i32.sub
        (i32.shr_u
          (i32.add (i32.add (global.get $room) (i32.mul (local.get $bytes) (i32.const 3))) (i32.const 65535))
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

  (func (export "run") (param $record i32) (param $bytes i32) (result i64)
    (local $table i32) (local $settings i32) (local $centres i32) (local $cells i32) (local $out i32)
    (local $numbers i32) (local $count i32) (local $at i32) (local $centre i32) (local $nearest i32)
    (local $x f64) (local $distance f64) (local $least f64)
    (local.set $table (call $table (local.get $record)))
    (local.set $settings (i32.add (local.get $record) (i32.const 16)))
    (local.set $numbers (i32.load offset=4 (local.get $table)))
    (local.set $centres (call $at (local.get $settings) (i32.shl (local.get $numbers) (i32.const 1))))
    (local.set $count
      (i32.div_u
        (i32.sub (i32.load offset=8 (local.get $record)) (i32.shl (local.get $numbers) (i32.const 1)))
        (local.get $numbers)))
    (local.set $out (i32.and (i32.add (i32.add (local.get $record) (local.get $bytes)) (i32.const 7)) (i32.const -8)))
    (local.set $cells
      (call $at (i32.add (local.get $table) (i32.const 8))
        (i32.shr_u (i32.add (local.get $numbers) (i32.const 1)) (i32.const 1))))
    (block $done
      (br_if $done (i32.eqz (i32.load (local.get $table))))
      ;; The numbers are scaled where they stand.
      (loop $each
        (local.set $x
          (f64.div
            (f64.sub
              (call $number
                (call $at (local.get $cells) (local.get $at))
                (i32.load offset=8 (i32.add (local.get $table) (i32.shl (local.get $at) (i32.const 2)))))
              (f64.load (call $at (local.get $settings) (i32.shl (local.get $at) (i32.const 1)))))
            (f64.load offset=8 (call $at (local.get $settings) (i32.shl (local.get $at) (i32.const 1))))))
        (br_if $done (f64.ne (local.get $x) (local.get $x)))
        (f64.store (call $at (local.get $cells) (local.get $at)) (local.get $x))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $each (i32.lt_u (local.get $at) (local.get $numbers))))
      (local.set $least (f64.const inf))
      (loop $centre
        (local.set $distance (f64.const 0))
        (local.set $at (i32.const 0))
        (loop $each
          (local.set $x
            (f64.sub
              (f64.load (call $at (local.get $cells) (local.get $at)))
              (f64.load
                (call $at (local.get $centres)
                  (i32.add (i32.mul (local.get $centre) (local.get $numbers)) (local.get $at))))))
          (local.set $distance (f64.add (local.get $distance) (f64.mul (local.get $x) (local.get $x))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br_if $each (i32.lt_u (local.get $at) (local.get $numbers))))
        (if (f64.lt (local.get $distance) (local.get $least))
          (then
            (local.set $least (local.get $distance))
            (local.set $nearest (local.get $centre))))
        (local.set $centre (i32.add (local.get $centre) (i32.const 1)))
        (br_if $centre (i32.lt_u (local.get $centre) (local.get $count))))
      (local.set $at
        (call $at (local.get $out) (i32.mul (local.get $nearest) (i32.add (local.get $numbers) (i32.const 1)))))
      (f64.store (local.get $at) (f64.const 1))
      (memory.copy (i32.add (local.get $at) (i32.const 8)) (local.get $cells) (i32.shl (local.get $numbers) (i32.const 3))))
    (call $vector (local.get $out) (i32.mul (local.get $count) (i32.add (local.get $numbers) (i32.const 1)))))

  ;; Moves the centres in place and returns all parameters.
  (func (export "step") (param $record i32) (param $bytes i32) (result i64)
    (local $released i32) (local $settings i32) (local $centres i32) (local $parameters i32)
    (local $numbers i32) (local $count i32) (local $at i32) (local $centre i32) (local $sums i32) (local $people f64)
    (local.set $released (i32.add (call $table (local.get $record)) (i32.const 16)))
    (local.set $settings (i32.add (local.get $record) (i32.const 16)))
    (local.set $parameters (i32.load offset=8 (local.get $record)))
    ;; Of 2 d + k d parameters and k d + k sums: k - 2 d = sums - parameters, tried for d = 1, 2, ... until it fits.
    (block $found
      (loop $try
        (local.set $numbers (i32.add (local.get $numbers) (i32.const 1)))
        (local.set $count
          (i32.add
            (i32.sub (i32.load (call $table (local.get $record))) (local.get $parameters))
            (i32.shl (local.get $numbers) (i32.const 1))))
        (br_if $found
          (i32.eq (i32.mul (i32.add (local.get $count) (i32.const 2)) (local.get $numbers)) (local.get $parameters)))
        (br_if $try (i32.lt_u (local.get $numbers) (local.get $parameters))))
      unreachable)
    (local.set $centres (call $at (local.get $settings) (i32.shl (local.get $numbers) (i32.const 1))))
    (loop $centre
      (local.set $sums
        (call $at (local.get $released) (i32.mul (local.get $centre) (i32.add (local.get $numbers) (i32.const 1)))))
      (local.set $people (f64.load (local.get $sums)))
      ;; A centre that noise says is nobody's stays where it is.
      (if (f64.ge (local.get $people) (f64.const 1))
        (then
          (local.set $at (i32.const 0))
          (loop $each
            (f64.store
              (call $at (local.get $centres)
                (i32.add (i32.mul (local.get $centre) (local.get $numbers)) (local.get $at)))
              (f64.max (f64.const -1)
                (f64.min (f64.const 1)
                  (f64.div (f64.load offset=8 (call $at (local.get $sums) (local.get $at))) (local.get $people)))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br_if $each (i32.lt_u (local.get $at) (local.get $numbers))))))
      (local.set $centre (i32.add (local.get $centre) (i32.const 1)))
      (br_if $centre (i32.lt_u (local.get $centre) (local.get $count))))
    (call $vector (local.get $settings) (local.get $parameters))))
