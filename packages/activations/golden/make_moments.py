"""Makes moments.json: means and covariances (ddof=1) of rows, by numpy, and for hard rows by exact fractions.

    python make_moments.py
"""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np

rng = np.random.default_rng(11)


def exact(rows):
    x = [[Fraction(float(v)) for v in row] for row in rows]
    n, d = len(x), len(x[0])
    mean = [sum(row[i] for row in x) / n for i in range(d)]
    cov = [
        [float(sum((row[i] - mean[i]) * (row[j] - mean[j]) for row in x) / (n - 1)) for j in range(d)]
        for i in range(d)
    ]
    return {"mean": [float(m) for m in mean], "covariance": cov}


def case(name, rows, with_numpy=True):
    found = {"name": name, "rows": rows.tolist(), "exact": exact(rows)}
    if with_numpy:
        found["numpy"] = {
            "mean": rows.mean(0).tolist(),
            "covariance": np.atleast_2d(np.cov(rows, rowvar=False, ddof=1)).tolist(),
        }
    return found


mix = rng.normal(size=(4, 4))
plain = rng.normal(size=(75, 4)) @ mix + [1, -2, 0.5, 10]
cases = [
    case("plain", plain),
    case("float32", plain.astype(np.float32).astype(np.float64)),
    case("two rows", plain[:2]),
    case("exactly one block", plain[:15]),
    # Far from 0 beside their spread: the textbook formula, sum of squares less square of sums, has no digit left here.
    case("mean 1e9, spread 1", plain + 1e9),
    case("mean 1e12, spread 1e-3", plain * 1e-3 + 1e12),
    case("a first row far from the others", np.vstack([plain[:1] * 1e6, plain])),
    case("scales that differ by 1e8", plain * [1e-4, 1, 1e4, 1e-4]),
    case("a column that is constant", np.column_stack([plain[:, :2], np.full(75, 0.1)])),
]
path = Path(__file__).with_name("moments.json")
path.write_text(json.dumps({"numpy": np.__version__, "cases": cases}) + "\n")
