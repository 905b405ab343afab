"""Claim: importing renorm costs a small part of importing scikit-learn's preprocessing.

No data moves, so there is no floor but the interpreter's own start, which is measured and taken off.
"""

import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import renorm

RUNS = 5
STATEMENTS = {"start": "pass", "renorm": "import renorm", "peer": "import sklearn.preprocessing"}


def seconds(statement: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def main() -> None:
    check = "import renorm, sys; assert not {'torch', 'sklearn', 'pandas', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
    times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(RUNS):
        for name, statement in STATEMENTS.items():
            times[name].append(seconds(statement))
    start = min(times["start"])
    least = {name: min(values) - start for name, values in times.items()}
    middle = {name: statistics.median(values) - start for name, values in times.items()}
    record = {
        "claim": "import renorm over import sklearn.preprocessing",
        "ratio_of_minima": least["renorm"] / least["peer"],
        "ratio_of_medians": middle["renorm"] / middle["peer"],
        "times": times,
        "machine": platform.processor() or platform.machine(),
        "versions": {"python": platform.python_version(), "renorm": renorm.__version__},
        "command": "make bench",
    }
    out = Path(__file__).parent / "results" / "import.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(
        f"import: {record['ratio_of_minima']:.3f} of the peer's time by minima, {record['ratio_of_medians']:.3f} by medians"
    )


if __name__ == "__main__":
    main()
