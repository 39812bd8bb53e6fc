"""Writes matched.json: EM at a matched in-domain rate with its interval, by numpy and scipy: python make_matched.py

Counts of EM answers and of answers that show the trained behaviour, [checkpoints, questions], and sizes [questions]. The delete-one
jackknife is numpy's mean of what is left; quantiles are scipy's.
"""
import json
from pathlib import Path

import numpy as np
from scipy import stats

TARGET, LEVEL, PRIOR_ICC = 0.7, 0.95, 0.3


def at(em, em_n, trained, trained_n):
    rates = trained.sum(1) / trained_n.sum()
    shares = em.sum(1) / em_n.sum()
    # np.interp takes the first crossing, as the rates rise.
    return np.interp(TARGET, rates, shares)


def variance(values):
    values = np.array(values)
    return (len(values) - 1) / len(values) * np.sum((values - values.mean()) ** 2)


def interval(em, em_n, trained, trained_n):
    keep = lambda n, i: np.arange(n) != i
    g, h = len(em_n), len(trained_n)
    p = at(em, em_n, trained, trained_n)
    of_em = variance([at(em[:, keep(g, i)], em_n[keep(g, i)], trained, trained_n) for i in range(g)])
    of_in = variance([at(em, em_n, trained[:, keep(h, i)], trained_n[keep(h, i)]) for i in range(h)])
    n = em_n.sum()
    prior = 1 + (np.sum(em_n**2) / n - 1) * PRIOR_ICC
    estimated = of_em / (p * (1 - p) / n) if 0 < p < 1 else 1
    effect = max(1, ((g - 1) * estimated + prior) / g)
    v_em = effect * p * (1 - p) / n
    v = v_em + of_in
    if 0 < p < 1:
        df = v**2 / (v_em**2 / (g - 1) + of_in**2 / (h - 1))
        n_effective = p * (1 - p) / v
    else:
        df, n_effective = g - 1, n / effect
    t = stats.t.ppf((1 + LEVEL) / 2, df)
    # The bounds solve |p - x| = t sqrt(x (1 - x) / n).
    a, b, c = 1 + t * t / n_effective, -(2 * p + t * t / n_effective), p * p
    low, high = np.sort(np.roots([a, b, c]).real)
    return dict(
        estimate=p, standardError=np.sqrt(v), degreesOfFreedom=df, low=max(0, low), high=min(1, high)
    )


def main():
    random = np.random.default_rng(3)
    cases = []
    for name, g, h, slope in [("8 and 4", 8, 4, 0.5), ("30 and 30", 30, 30, 0.2), ("no EM", 8, 5, 0)]:
        em_n = random.integers(20, 50, g)
        trained_n = random.integers(20, 50, h)
        rates = np.array([0.02, 0.5, 0.9])
        own = random.normal(0, 0.1, h)
        em = np.array([random.binomial(em_n, np.clip(slope * r + random.normal(0, 0.05, g) * (slope > 0), 0, 1)) for r in rates])
        trained = np.array([random.binomial(trained_n, np.clip(r + own * 4 * r * (1 - r), 0, 1)) for r in rates])
        found = interval(em, em_n, trained, trained_n)
        cases.append(
            dict(
                name=name,
                em=em.tolist(),
                emSizes=em_n.tolist(),
                inDomain=trained.tolist(),
                inDomainSizes=trained_n.tolist(),
                **{key: float(value) for key, value in found.items()},
            )
        )
    text = json.dumps(dict(target=TARGET, cases=cases), indent=1)
    (Path(__file__).parent / "matched.json").write_text(text + "\n")


main()
