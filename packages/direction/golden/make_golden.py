"""Makes golden.json: numbers of scipy, statsmodels and numpy that the tests hold this package to.

Made with Python 3, scipy 1.17.1, statsmodels 0.15.0, numpy 2.4.6:

    python golden/make_golden.py && biome check --write golden

Neither users nor CI need it.
"""

import json
from pathlib import Path

import numpy as np
import scipy
import scipy.spatial
import statsmodels
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.sandwich_covariance import cov_cluster, cov_cluster_2groups
from statsmodels.stats.weightstats import DescrStatsW

rng = np.random.default_rng(20250611)


def distributions():
    dfs = [1, 2, 3, 7, 29, 399, 1999, 1e5]
    ts = [0.0, 1e-6, 0.01, 0.3, 1.0, 2.0, 3.5, 6.0, 12.0, 40.0]
    ps = [1e-10, 1e-6, 0.001, 0.025, 0.1, 0.3, 0.499, 0.500001, 0.6, 0.9, 0.975, 0.995, 0.999999]
    xs = [-37.0, -20.0, -10.0, -8.0, -6.0, -4.0001, -3.9999, -2.0, -0.1, -1e-5, 0.0, 0.5, 1.0, 3.0, 5.0]
    return {
        "studentTwoSidedP": [[t, d, 2 * stats.t.sf(t, d)] for d in dfs for t in ts],
        "studentCdf": [[s * t, d, stats.t.cdf(s * t, d)] for d in dfs for t in ts for s in (-1, 1)],
        "studentQuantile": [[p, d, stats.t.ppf(p, d)] for d in dfs for p in ps],
        "normalCdf": [[x, stats.norm.cdf(x)] for x in xs],
        "normalQuantile": [[p, stats.norm.ppf(p)] for p in [1e-12, *ps]],
        "noncentralStudentCdf": [
            [t, d, c, stats.nct.cdf(t, d, c)]
            for d in [1, 2, 3, 7, 29, 399]
            for t in [-2.0, 0.5, 2.4, 12.7]
            for c in [0.0, 0.5, 2.0, 4.0]
        ],
    }


def beta_rows(sizes, mean, icc):
    """Rows of 0 and 1 with a rate per question, the questions of the given sizes."""
    s = 1 / icc - 1
    rows = []
    for index, size in enumerate(sizes):
        p = rng.beta(mean * s, (1 - mean) * s)
        rows += [{"question": f"q{index}", "value": int(v)} for v in rng.binomial(1, p, size)]
    return rows


def rate_case(sizes, mean, icc):
    rows = beta_rows(sizes, mean, icc)
    y = np.array([row["value"] for row in rows], float)
    groups = np.array([int(row["question"][1:]) for row in rows])
    fit = sm.OLS(y, np.ones_like(y)).fit()
    clustered = float(cov_cluster(fit, groups, use_correction=True).item())
    simple = float(fit.cov_params().item())
    deff = clustered / simple
    g = len(sizes)
    critical = stats.t.ppf(0.975, g - 1)

    def interval(design_effect):
        n = len(y) / design_effect
        alpha = 2 * stats.norm.sf(critical)
        low, high = proportion_confint(y.mean() * n, n, alpha=alpha, method="wilson")
        return [float(low), float(high)]

    prior = 1 + (np.sum(np.square(sizes)) / len(y) - 1) * 0.3
    used = max(1, ((g - 1) * deff + prior) / g)
    return {
        "ones": [int(y[groups == i].sum()) for i in range(g)],
        "sizes": list(sizes),
        "estimate": float(y.mean()),
        "estimatedDesignEffect": deff,
        "designEffect": used,
        "interval": interval(used),
        "intervalWithoutPrior": interval(max(1, deff)),
    }


def paired():
    cases = []
    for g in (5, 8, 12, 30):
        a = rng.binomial(50, rng.beta(2, 6, g)) / 50
        b = rng.binomial(50, rng.beta(2, 4, g)) / 50
        d = a - b
        test = stats.ttest_1samp(d, 0)
        ci = test.confidence_interval(0.95)
        case = {
            "a": a.tolist(),
            "b": b.tolist(),
            "t": float(test.statistic),
            "p": float(test.pvalue),
            "interval": [float(ci.low), float(ci.high)],
        }
        if g <= 12:
            case["signFlip"] = float(
                stats.permutation_test(
                    (d,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
                ).pvalue
            )
        tost = DescrStatsW(d).ttost_mean(-0.2, 0.2)
        case["equivalenceAtOneFifth"] = float(tost[0])
        cases.append(case)
    return cases


def crossed():
    cases = []
    for g, s, missing, seed_effect in ((8, 3, 0, 0.1), (8, 5, 3, 0.0), (30, 3, 0, 0.05), (4, 6, 2, 0.2)):
        values = 0.3 + 0.1 * rng.normal(size=(g, 1)) + seed_effect * rng.normal(size=(1, s)) + 0.05 * rng.normal(size=(g, s))
        cells = [(i, j, float(values[i, j])) for i in range(g) for j in range(s)]
        keep = sorted(rng.permutation(len(cells))[missing:])
        cells = [cells[k] for k in keep]
        y = np.array([c[2] for c in cells])
        q = np.array([c[0] for c in cells])
        r = np.array([c[1] for c in cells])
        fit = sm.OLS(y, np.ones_like(y)).fit()
        both, by_question, by_seed = cov_cluster_2groups(fit, q, r, use_correction=True)
        variances = [float(v.item()) for v in (both, by_question, by_seed)]
        df = min(g, s) - 1
        # the two-way variance where it is at least as large as both others, else the larger of those
        se = float(np.sqrt(max(variances)))
        half = stats.t.ppf(0.975, df) * se
        cases.append(
            {
                "cells": cells,
                "estimate": float(y.mean()),
                "twoWay": variances[0],
                "questions": variances[1],
                "seeds": variances[2],
                "degreesOfFreedom": df,
                "interval": [float(y.mean() - half), float(y.mean() + half)],
                "p": float(2 * stats.t.sf(abs(y.mean()) / se, df)),
            }
        )
    return cases


def families():
    ps = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216, 0.222, 0.251, 0.269, 0.275, 0.34, 0.341, 0.384, 0.569, 0.594, 0.696, 0.762, 0.94, 0.942, 0.975, 0.986]
    shuffled = list(rng.permutation(ps)) + [0.041]
    return {
        "p": [float(p) for p in shuffled],
        "benjaminiHochberg": multipletests(shuffled, method="fdr_bh")[1].tolist(),
        "holm": multipletests(shuffled, method="holm")[1].tolist(),
    }


def power():
    solver = TTestPower()
    cases = []
    for g in (3, 8, 30, 100):
        for target in (0.5, 0.8, 0.95):
            effect = solver.solve_power(nobs=g, alpha=0.05, power=target, alternative="two-sided")
            cases.append({"nQuestions": g, "power": target, "effect": float(np.squeeze(effect))})
    powers = [
        {"nQuestions": g, "effect": e, "power": float(solver.power(e, g, 0.05, alternative="two-sided"))}
        for g in (2, 8, 30)
        for e in (0.1, 0.5, 1.5)
    ]
    return {"minimum": cases, "power": powers}


def components():
    x = rng.normal(size=(6, 3)) @ rng.normal(size=(3, 10)) + 0.1 * rng.normal(size=(6, 10)) + 2
    x = x.round(4)
    centred = x - x.mean(0)
    _, s, vt = np.linalg.svd(centred, full_matrices=False)
    s, vt = s[:5], vt[:5]
    signs = np.sign(vt[np.arange(5), np.abs(vt).argmax(1)])
    vt = vt * signs[:, None]
    return {
        "vectors": x.tolist(),
        "explainedVariance": (s**2 / 5).tolist(),
        "explainedVarianceRatio": (s**2 / (s**2).sum()).tolist(),
        "components": vt.tolist(),
        "scores": (centred @ vt.T).T.tolist(),
    }


def directions():
    without = rng.normal(size=(7, 6)).astype(np.float32).round(3)
    with_em = (rng.normal(size=(5, 6)) + 0.7).astype(np.float32).round(3)
    checkpoint = (rng.normal(size=(4, 6)) + 0.4).astype(np.float32).round(3)
    d = with_em.astype(np.float64).mean(0) - without.astype(np.float64).mean(0)
    unit = d / np.linalg.norm(d)
    m, b = checkpoint.astype(np.float64).mean(0), without.astype(np.float64).mean(0)
    cosine = lambda u, v: 1 - scipy.spatial.distance.cosine(u, v)
    decimals = lambda x: [[float(f"{v:.3f}") for v in row] for row in x]
    return {
        "without": decimals(without),
        "with": decimals(with_em),
        "checkpoint": decimals(checkpoint),
        "vector": unit.tolist(),
        "displacementNorm": float(np.linalg.norm(d)),
        "rowProjections": (checkpoint.astype(np.float64) @ unit).tolist(),
        "projection": float(m @ unit),
        "rawCosine": float(cosine(m, unit)),
        "projectionFromBase": float((m - b) @ unit),
        "cosine": float(cosine(m - b, unit)),
        "checkpointDisplacementNorm": float(np.linalg.norm(m - b)),
        "relativeProjection": float((m - b) @ unit / np.linalg.norm(d)),
    }


def quantiles():
    x = np.sort(rng.normal(size=101)).round(5)
    return {"values": x.tolist(), "at": [[q, float(np.quantile(x, q))] for q in (0.0, 0.025, 0.333, 0.5, 0.975, 1.0)]}


golden = {
    "madeWith": {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "numpy": np.__version__},
    "distributions": distributions(),
    "rate": [
        rate_case([50] * 8, 0.2, 0.3),
        rate_case([50] * 30, 0.1, 0.1),
        rate_case([3, 50, 20, 7, 41, 12], 0.5, 0.5),
        rate_case([10] * 12, 0.3, 0.001),
    ],
    "meanByQuestion": {
        "values": (values := rng.normal(60, 20, 9).round(3).tolist()),
        "interval": [float(v) for v in stats.t.interval(0.9, 8, np.mean(values), stats.sem(values))],
    },
    "paired": paired(),
    "crossed": crossed(),
    "families": families(),
    "power": power(),
    "components": components(),
    "directions": directions(),
    "quantiles": quantiles(),
}
path = Path(__file__).with_name("golden.json")
path.write_text(json.dumps(golden, indent=1) + "\n")
