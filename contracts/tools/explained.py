"""Compares slither's findings (a JSON file) with those that tools/findings.txt explains; the exit code says whether they agree."""

import json
import pathlib
import sys

explained = []
for line in pathlib.Path(sys.argv[2]).read_text(encoding="utf-8").splitlines():
    if line.strip() and not line.startswith("#"):
        detector, where, reason = (part.strip() for part in line.split("|", 2))
        explained.append((detector, where, reason))

answer = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
if not answer["success"]:
    sys.exit(f"slither failed: {answer['error']}")

used, unexplained = set(), 0
findings = answer["results"].get("detectors", [])
for finding in findings:
    place = finding["description"].split("\n")[0].split("(")[0].split()[-1]
    matching = [e for e in explained if e[0] == finding["check"] and e[1] in ("*", place)]
    if matching:
        used.add(matching[0])
    else:
        unexplained += 1
        print(f"{finding['check']} ({finding['impact']}), {place}:\n{finding['description']}")
stale = [e for e in explained if e not in used]
for detector, where, _ in stale:
    print(f"tools/findings.txt explains {detector} in {where}, but it is not found any more")
verdict = "all explained" if not unexplained else f"{unexplained} unexplained"
print(f"== slither: {len(findings)} findings, {verdict}")
sys.exit(1 if unexplained or stale else 0)
