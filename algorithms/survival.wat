;; Survival: what is needed for a Kaplan-Meier curve, one patient at a time.
;;
;; Table 0, the patient's first row: follow-up time (column 0), and 1 where it ended with the event, 0 where it was censored (column 1).
;; Parameters:  0  width of an interval, in the unit of time
;;              1  to T: anything; after the job, the share that survives each of T intervals
;; Vector, 2 T whole numbers: 1 at t where the event came in interval t, 1 at T + t where the patient was censored in it. One patient
;; moves one number by one: clip 1, norm l1. What lies beyond the last interval is censored in it, and a row in which something is
;; missing counts nowhere.
;;
;; At risk in an interval is whoever left in it or later, so that the curve comes from the released numbers alone:
;; S(t) = product over u <= t of (1 - events(u) / at risk(u)); Kaplan and Meier, "Nonparametric estimation from incomplete
;; observations" (1958). Whoever is censored in an interval counts as at risk in it.
(module
  (memory (export "memory") 1)
  (global $room i32 (i32.const 8192))

  ;; Room for a record behind everything else.
  (func (export "input") (param $bytes i32) (result i32)
    (local $pages i32)
    (local.set $pages
      (i32.sub
        (i32.shr_u (i32.add (i32.add (global.get $room) (local.get $bytes)) (i32.const 65535)) (i32.const 16))
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

  (func (export "run") (param $record i32) (param $bytes i32) (result i64)
    (local $table i32) (local $cells i32) (local $out i32) (local $intervals i32) (local $at i32)
    (local $time f64) (local $event f64) (local $interval f64)
    (local.set $table (call $table (local.get $record)))
    (local.set $intervals (i32.sub (i32.load offset=8 (local.get $record)) (i32.const 1)))
    ;; The vector follows the record; input made room for the record alone.
    (local.set $out (i32.and (i32.add (i32.add (local.get $record) (local.get $bytes)) (i32.const 7)) (i32.const -8)))
    (drop (call $reserve (i32.add (local.get $out) (i32.shl (local.get $intervals) (i32.const 4)))))
    (block $done
      (br_if $done (i32.eqz (i32.load (local.get $table))))
      (local.set $cells (i32.add (local.get $table) (i32.const 16)))
      (local.set $time (call $number (local.get $cells) (i32.load offset=8 (local.get $table))))
      (local.set $event
        (call $number (i32.add (local.get $cells) (i32.const 8)) (i32.load offset=12 (local.get $table))))
      ;; Comparisons with NaN are false: a missing time or event ends here.
      (br_if $done (i32.eqz (f64.ge (local.get $time) (f64.const 0))))
      (br_if $done (f64.ne (local.get $event) (local.get $event)))
      (local.set $interval
        (f64.min
          (f64.div (local.get $time) (f64.load offset=16 (local.get $record)))
          (f64.convert_i32_s (i32.sub (local.get $intervals) (i32.const 1)))))
      (br_if $done (i32.eqz (f64.ge (local.get $interval) (f64.const 0))))
      (local.set $at (i32.trunc_f64_u (local.get $interval)))
      ;; Beyond the last interval nothing is known but that the patient was there.
      (if (i32.or
            (f64.eq (local.get $event) (f64.const 0))
            (f64.ge (local.get $time)
              (f64.mul (f64.load offset=16 (local.get $record)) (f64.convert_i32_s (local.get $intervals)))))
        (then (local.set $at (i32.add (local.get $at) (local.get $intervals)))))
      (i64.store (i32.add (local.get $out) (i32.shl (local.get $at) (i32.const 3))) (i64.const 1)))
    (call $vector (local.get $out) (i32.shl (local.get $intervals) (i32.const 1))))

  ;; Grows the memory so that it reaches to an address.
  (func $reserve (param $end i32) (result i32)
    (local $pages i32)
    (local.set $pages
      (i32.sub (i32.shr_u (i32.add (local.get $end) (i32.const 65535)) (i32.const 16)) (memory.size)))
    (if (result i32) (i32.gt_s (local.get $pages) (i32.const 0))
      (then (memory.grow (local.get $pages)))
      (else (i32.const 0))))

  ;; The curve from the released numbers.
  (func (export "step") (param $record i32) (param $bytes i32) (result i64)
    (local $released i32) (local $out i32) (local $intervals i32) (local $at i32)
    (local $risk f64) (local $left f64) (local $share f64)
    (local.set $released (i32.add (call $table (local.get $record)) (i32.const 16)))
    (local.set $intervals (i32.sub (i32.load offset=8 (local.get $record)) (i32.const 1)))
    (local.set $out (i32.add (local.get $record) (i32.const 16)))
    ;; At risk in the first interval: all.
    (local.set $at (i32.const 0))
    (loop $all
      (local.set $risk
        (f64.add (local.get $risk)
          (f64.load (i32.add (local.get $released) (i32.shl (local.get $at) (i32.const 3))))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $all (i32.lt_u (local.get $at) (i32.shl (local.get $intervals) (i32.const 1)))))
    (local.set $share (f64.const 1))
    (local.set $at (i32.const 0))
    (loop $each
      (local.set $left (f64.load (i32.add (local.get $released) (i32.shl (local.get $at) (i32.const 3)))))
      ;; Noise can leave nobody at risk, and more or fewer events than people.
      (if (f64.ge (local.get $risk) (f64.const 1))
        (then
          (local.set $share
            (f64.mul (local.get $share)
              (f64.sub (f64.const 1)
                (f64.min (f64.const 1)
                  (f64.max (f64.const 0) (f64.div (local.get $left) (local.get $risk)))))))))
      (f64.store (i32.add (i32.add (local.get $out) (i32.const 8)) (i32.shl (local.get $at) (i32.const 3)))
        (local.get $share))
      (local.set $risk
        (f64.sub (local.get $risk)
          (f64.add (local.get $left)
            (f64.load
              (i32.add (local.get $released)
                (i32.shl (i32.add (local.get $at) (local.get $intervals)) (i32.const 3)))))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $each (i32.lt_u (local.get $at) (local.get $intervals))))
    ;; The width is a parameter as it was, and the curve was written behind it.
    (call $vector (local.get $out) (i32.add (local.get $intervals) (i32.const 1)))))
