"""Fails where a branch below a folder is taken by no test, from forge's coverage in lcov's format: `covered.py LCOV FOLDER`."""

import pathlib
import sys

report, folder = pathlib.Path(sys.argv[1]), sys.argv[2].rstrip("/") + "/"
branches, missed, files, source = 0, [], set(), ""
for line in report.read_text(encoding="utf-8").splitlines():
    kind, _, rest = line.partition(":")
    if kind == "SF":
        source = rest
        if source.startswith(folder):
            files.add(source)
    elif kind == "BRDA" and source.startswith(folder):
        number, _, _, taken = rest.split(",")
        branches += 1
        if taken in ("-", "0"):
            missed.append(f"{source}:{number}")
for place in missed:
    print(f"no test takes this branch: {place}")
if not branches:
    sys.exit(f"{report} knows no branch below {folder}")
verdict = "all taken" if not missed else f"{len(missed)} of them not taken"
print(f"== coverage: {branches} branches in {len(files)} files of {folder}, {verdict}")
sys.exit(1 if missed else 0)
