"""Makes golden.json: numbers of scipy, statsmodels and numpy that the tests hold this package to.

Made with Python 3, scipy 1.17.1, statsmodels 0.15.0, numpy 2.4.6, krippendorff 0.9.0, scikit-learn 1.9.1, ppi-python 0.2.3
(numba, which it imports, is not needed for means and is left out):

    python golden/make_golden.py && biome check --write golden

Neither users nor CI need it.
"""

import json
import sys
import types
from pathlib import Path

sys.modules["numba"] = types.SimpleNamespace(njit=lambda *given, **_: given[0] if given else lambda f: f)

import krippendorff
import numpy as np
import scipy
import scipy.integrate
import scipy.spatial
import statsmodels
import statsmodels.api as sm
from scipy import stats
from ppi_py import ppi_mean_ci, ppi_mean_pointestimate
from ppi_py.ppi import _calc_lam_glm
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa
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


# A generator of its own, so that the numbers above stay when something is added here.
later = np.random.default_rng(20261123)


def scale_cases():
    """chi2 quantiles, and the power of two one-sided t tests by quadrature over the chi density."""

    def tost(t, df, lower, upper):
        widest = (lower - upper) / (2 * t)
        inner = lambda u: (stats.norm.cdf(-t * u - upper) - stats.norm.cdf(t * u - lower)) * stats.chi.pdf(
            u * np.sqrt(df), df
        ) * np.sqrt(df)
        return scipy.integrate.quad(inner, 0, widest, epsabs=1e-13, epsrel=1e-12, limit=500, points=[min(1, widest / 2)])[0]

    tosts = []
    for df in (1, 2, 7, 29, 199):
        t = stats.t.ppf(0.95, df)
        for lower, upper in ((2.0, -2.0), (4.0, -4.0), (6.0, -2.0), (10.0, -9.0)):
            tosts.append([t, df, lower, upper, tost(t, df, lower, upper)])
    return {
        "chiSquareQuantile": [[p, d, stats.chi2.ppf(p, d)] for d in (1, 2, 7, 29, 399) for p in (0.01, 0.2, 0.5, 0.95)],
        "twoOneSidedPower": tosts,
    }


def jackknife(rows, questions, statistic, fisher=False):
    """Estimate, standard error and 95 % interval, leaving out one question at a time."""
    names = list(dict.fromkeys(questions))
    questions = np.array(questions)
    parts = np.array([statistic(rows[questions != name]) for name in names])
    g = len(names)
    spread = lambda x: np.sqrt((g - 1) / g * np.sum((x - x.mean()) ** 2))
    whole = statistic(rows)
    t = stats.t.ppf(0.975, g - 1)
    if fisher:
        half = t * spread(np.arctanh(parts))
        bounds = [np.tanh(np.arctanh(whole) - half), np.tanh(np.arctanh(whole) + half)]
    else:
        half = t * spread(parts)
        bounds = [whole - half, whole + half]
    return {"estimate": float(whole), "standardError": float(spread(parts)), "interval": [float(b) for b in bounds]}


def two_judges():
    """Two judges on the same rows of 9 questions, with ties, on 0..4."""
    questions = np.repeat(np.arange(9), 6)
    truth = later.normal(2, 1, 9)[questions] + later.normal(0, 0.7, 54)
    a = np.clip(np.round(truth + later.normal(0, 0.4, 54)), 0, 4)
    b = np.clip(np.round(truth + 0.3 + later.normal(0, 0.5, 54)), 0, 4)
    rows = np.stack([a, b], 1)
    names = [f"q{q}" for q in questions]
    alpha = lambda level: lambda r: krippendorff.alpha(reliability_data=r.T, level_of_measurement=level)

    def kappa(kind):
        table = lambda r: np.array([[np.sum((r[:, 0] == i) & (r[:, 1] == j)) for j in range(5)] for i in range(5)])
        value = float(cohens_kappa(table(rows), wt=kind).kappa)
        assert abs(value - cohen_kappa_score(a, b, weights=kind)) < 1e-12
        return jackknife(rows, names, lambda r: float(cohens_kappa(table(r), wt=kind).kappa))

    return {
        "a": a.tolist(),
        "b": b.tolist(),
        "questions": names,
        "spearman": jackknife(rows, names, lambda r: stats.spearmanr(r[:, 0], r[:, 1]).statistic, fisher=True),
        "kappa": {"none": kappa(None), "linear": kappa("linear"), "quadratic": kappa("quadratic")},
        "alpha": {level: jackknife(rows, names, alpha(level)) for level in ("nominal", "ordinal", "interval")},
    }


def tables():
    """Tables with missing cells: three judges on 20 rows, and Krippendorff's own example of four."""
    x = np.clip(np.round(later.normal(3, 1.5, 20)[None, :] + later.normal(0, 0.8, (3, 20))), 0, 6)
    x[later.random(x.shape) < 0.25] = np.nan
    star = np.nan
    own = np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, star, star, star],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, star, 3],
            [star, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, star],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, star],
        ]
    )
    cases = []
    for table in (own, x):
        columns = [[None if np.isnan(v) else float(v) for v in row] for row in table]
        alphas = {
            level: float(krippendorff.alpha(reliability_data=table, level_of_measurement=level))
            for level in ("nominal", "ordinal", "interval")
        }
        cases.append({"columns": columns, **alphas})
    return cases


def judged(n_questions, per_question, labelled_share, rate, flip_up, flip_down):
    """Rows with a judge's 0/1 (or score) and a human's 0/1 on a random part."""
    rows = []
    for q in range(n_questions):
        p = later.beta(2 * rate / 0.6, 2 * (1 - rate) / 0.6)
        for _ in range(per_question):
            y = int(later.random() < p)
            f = int(later.random() < (1 - flip_down if y else flip_up))
            rows.append({"question": f"q{q}", "judge": f, "human": y if later.random() < labelled_share else None})
    return rows


def influence(rows, lam):
    """Estimate, lambda and, by question, summed influence, with numpy from the formulas of arXiv:2311.01453."""
    q = np.array([r["question"] for r in rows])
    f = np.array([r["judge"] for r in rows], float)
    is_labelled = np.array([r["human"] is not None for r in rows])
    y = np.array([r["human"] for r in rows if r["human"] is not None], float)
    fl, fu = f[is_labelled], f[~is_labelled]
    n, m = len(fl), len(fu)
    if lam is None:
        lam = float(np.clip(np.cov(y, fl, ddof=0)[0, 1] / ((1 + n / m) * np.var(f, ddof=1)), 0, 1))
    estimate = y.mean() + lam * (fu.mean() - fl.mean())
    z = np.empty(len(rows))
    z[is_labelled] = (y - lam * fl - (y - lam * fl).mean()) / n
    z[~is_labelled] = lam * (fu - fu.mean()) / m
    return estimate, lam, {name: z[q == name].sum() for name in dict.fromkeys(q.tolist())}, (y, fl, fu)


def powered():
    cases = []
    for shape in ((12, 20, 0.25, 0.3, 0.1, 0.15), (30, 10, 0.2, 0.2, 0.05, 0.4), (8, 25, 0.4, 0.5, 0.2, 0.05)):
        rows = judged(*shape)
        estimate, lam, sums, (y, fl, fu) = influence(rows, None)
        n_labelled = len({r["question"] for r in rows if r["human"] is not None})
        se = float(np.sqrt(n_labelled / (n_labelled - 1) * np.sum(np.square(list(sums.values())))))
        half = stats.t.ppf(0.975, n_labelled - 1) * se
        # The authors' own code takes rows as independent: the estimate and, at each row its own question, the variance.
        theirs = float(ppi_mean_pointestimate(y, fl, fu, lam=lam)[0])
        low, high = ppi_mean_ci(y, fl, fu, alpha=0.05, lam=lam)
        tuned = _calc_lam_glm(
            (y - theirs).reshape(-1, 1), (fl - theirs).reshape(-1, 1), (fu - theirs).reshape(-1, 1), np.eye(1), clip=True
        )
        assert abs(theirs - estimate) < 1e-12 and abs(float(tuned) - lam) < 1e-9
        groups = np.array([int(r["question"][1:]) for r in rows if r["human"] is not None])
        fit = sm.OLS(y, np.ones_like(y)).fit()
        labels_se = float(np.sqrt(cov_cluster(fit, groups, use_correction=True).item()))
        cases.append(
            {
                "rows": [[r["question"], r["judge"], r["human"]] for r in rows],
                "estimate": float(estimate),
                "lambda": lam,
                "standardError": se,
                "interval": [float(estimate - half), float(estimate + half)],
                "independentStandardError": float((high - low).item() / 2 / stats.norm.ppf(0.975)),
                "labelsStandardError": labels_se,
            }
        )
    a, b = judged(14, 16, 0.3, 0.4, 0.05, 0.1), judged(14, 16, 0.3, 0.2, 0.25, 0.05)
    (ea, la, za, _), (eb, lb, zb, _) = influence(a, None), influence(b, None)
    z = np.array([za[name] - zb[name] for name in za])
    smaller = min(len({r["question"] for r in rows if r["human"] is not None}) for rows in (a, b))
    se = float(np.sqrt(smaller / (smaller - 1) * np.sum(z**2)))
    contrast = {
        "a": [[r["question"], r["judge"], r["human"]] for r in a],
        "b": [[r["question"], r["judge"], r["human"]] for r in b],
        "estimate": float(ea - eb),
        "standardError": se,
        "p": float(2 * stats.t.sf(abs(ea - eb) / se, smaller - 1)),
        "lambdas": [la, lb],
    }
    data = np.array([[r["judge"], -1 if r["human"] is None else r["human"]] for r in a], float)

    def corrected(x):
        known = x[x[:, 1] >= 0]
        sensitivity = known[known[:, 1] == 1, 0].mean()
        specificity = 1 - known[known[:, 1] == 0, 0].mean()
        return (x[:, 0].mean() + specificity - 1) / (sensitivity + specificity - 1)

    return {"rates": cases, "contrast": contrast, "roganGladen": jackknife(data, [r["question"] for r in a], corrected)}


def noise():
    """Pairs of 0/1 answers that share their noise in part; sizes differ."""
    draws, questions = [], []
    for q in range(10):
        p, d = later.beta(2, 3), later.uniform(-0.1, 0.1)
        for _ in range(int(later.integers(5, 15))):
            u = later.random()
            v = u if later.random() < 0.7 else later.random()
            draws.append([float(u < p), float(v < np.clip(p + d, 0, 1))])
            questions.append(f"q{q}")
    x, names = np.array(draws), np.array(questions)

    def sums(rows, of):
        paired = unpaired = 0.0
        for name in dict.fromkeys(of.tolist()):
            r = rows[of == name]
            unpaired += (np.var(r[:, 0], ddof=1) + np.var(r[:, 1], ddof=1)) / len(r)
            paired += np.var(r[:, 0] - r[:, 1], ddof=1) / len(r)
        return paired, unpaired

    paired, unpaired = sums(x, names)
    # jackknife() hands rows alone to the statistic, so the question travels as a third column.
    ids = np.array([int(n[1:]) for n in names], float)
    with_ids = np.column_stack([x, ids])
    removed = jackknife(with_ids, questions, lambda r: 1 - sums(r[:, :2], r[:, 2])[0] / sums(r[:, :2], r[:, 2])[1])
    d = np.array([(x[names == f"q{q}", 0] - x[names == f"q{q}", 1]).mean() for q in range(10)])
    return {
        "draws": [[q, a, b] for q, (a, b) in zip(questions, draws)],
        "removed": removed,
        "samplingVariance": [paired / 100, unpaired / 100],
        "standardError": [float(stats.sem(d)), float(np.sqrt(stats.sem(d) ** 2 + (unpaired - paired) / 100))],
    }


def questions_needed():
    solver = TTestPower()
    cases = []
    for effect in (0.2, 0.5, 0.9, 1.6):
        for alpha in (0.05, 0.01):
            # The smallest whole number whose power reaches 0.8, by going up one by one.
            g = 2
            while solver.power(effect, g, alpha, alternative="two-sided") < 0.8:
                g += 1
            cases.append({"effect": effect, "alpha": alpha, "nQuestions": g})
    return cases


golden = {
    "madeWith": {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "numpy": np.__version__, "krippendorff": "0.9.0", "sklearn": "1.9.1", "ppi_py": "0.2.3"},
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
    "scale": scale_cases(),
    "twoJudges": two_judges(),
    "tables": tables(),
    "powered": powered(),
    "noise": noise(),
    "questionsNeeded": questions_needed(),
}
path = Path(__file__).with_name("golden.json")
path.write_text(json.dumps(golden, indent=1) + "\n")
