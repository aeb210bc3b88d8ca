"""Fails where a symbolic check did not hold, did not end or did not run: `held.py HALMOS_JSON FOLDER`."""

import json
import pathlib
import re
import sys

written = set()
for path in pathlib.Path(sys.argv[2]).glob("*.sol"):
    written.update(re.findall(r"function (check_\w+)", path.read_text(encoding="utf-8")))
held, failed = {}, []
for results in json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))["test_results"].values():
    for result in results:
        name = result["name"].split("(")[0]
        if result["exitcode"] == 0:
            held[name] = result
        else:
            failed.append(name)
for name in failed:
    print(f"does not hold, or no solver could tell in time: {name}")
missing = sorted(written - set(held) - set(failed))
for name in missing:
    print(f"was not run: {name}")
print(f"== halmos: {len(written)} checks, {len(held)} hold, {len(failed)} do not, {len(missing)} not run")
sys.exit(1 if failed or missing or not held else 0)
