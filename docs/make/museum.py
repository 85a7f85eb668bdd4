"""Writes docs/museum.md from the matrix that `lossproof selftest --json FILE` wrote.

python -m docs.make.museum FILE > docs/museum.md
"""

import json
import sys
from collections import Counter
from pathlib import Path

HEAD = """# The museum of wrong losses

Losses that went wrong in public: each row is a defect that somebody reported against a real loss function,
made again as one changed step of a sound one (`tests/mutants/museum`). `lossproof selftest` puts the laws to
all of them; `--json FILE` writes the whole matrix, and this page is made from it (`docs/make/museum.py`).

{killed} of {mutants} are refuted; without any oracle, by laws that hold a loss against itself,
{oracle_free_killed}. In the median the first refutation comes after {median_examples:g} examples and
{median_seconds:.2f} s, and its counterexample has this many elements: {median_elements:g}. {kinds}.

| | what is wrong | after | first refuted by | laws | without an oracle |
| --- | --- | --- | --- | --- | --- |"""


def main():
    plain = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    kinds = Counter(row["kind"] for row in plain["rows"])
    listed = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
    print(HEAD.format(**plain, kinds=f"By kind: {listed}"))
    for row in plain["rows"]:
        law = f"`{row['law']}`" if row["killed"] else f"nothing: {row['unseen']}"
        free = f"`{row['oracle_free'][0]}`" if row["oracle_free"] else ""
        what = row["what"].replace("|", "\\|") + (" (simulated)" if row["simulated"] else "")
        print(f"| {row['id']} | {what} | {row['reference']} | {law} | {len(row['killers']) or ''} | {free} |")


if __name__ == "__main__":
    main()
