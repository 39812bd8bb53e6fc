"""Numbers that the tests of @cem/judge are held against. Run: python judge.py > judge.json"""

import json

import numpy as np
from scipy import stats

rng = np.random.default_rng(4)


def distribution(n):
    integers = rng.choice(101, size=n, replace=False)
    p = rng.dirichlet(np.ones(n)) * rng.uniform(0.3, 0.99)
    q = p / p.sum()
    return {
        "integers": integers.tolist(),
        "logprobs": np.log(p).tolist(),
        "mass": p.sum(),
        "score": float(q @ integers),
        "entropy": float(stats.entropy(q)),
    }


def drift(n, shift, noise):
    start = rng.uniform(10, 90, size=n)
    end = start + shift + noise * rng.standard_normal(n)
    test = stats.ttest_rel(end, start)
    low, high = test.confidence_interval(0.95)
    return {
        "start": start.tolist(),
        "end": end.tolist(),
        "mean": float(np.mean(end - start)),
        "lowest": float(low),
        "highest": float(high),
    }


print(
    json.dumps(
        {
            "studentT975": {str(n): float(stats.t.ppf(0.975, n)) for n in [*range(1, 41), 60, 100, 1000]},
            "distributions": [distribution(n) for n in (1, 2, 5, 20, 101)],
            "drifts": [drift(2, 1, 1), drift(8, 0, 1), drift(8, 6, 2), drift(40, 1, 5)],
        },
        indent=1,
    )
)
