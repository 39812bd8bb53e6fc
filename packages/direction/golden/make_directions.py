"""Makes directions.json: numbers of numpy and scipy that the tests of directions, controls and resistance are held to.

Made with Python 3, scipy 1.17.1, numpy 2.4.6:

    python golden/make_directions.py

The formulas are written here from their definitions (covariances as whole matrices, regressions by scipy's minimisers, AUROC by
counting pairs, DeLong by its kernel matrix), so that they share no shortcut with the package. Neither users nor CI need it.
"""

import json
from pathlib import Path

import numpy as np
import scipy
from scipy import optimize
from scipy.special import expit

rng = np.random.default_rng(20250612)


def contrast(n_without, n_with, d, n_questions, shift):
    """float32 rows of two sides, with questions, a strong shared direction and a shift between the sides."""
    scale = np.exp(rng.normal(size=d))
    offset = rng.normal(size=d) * 3
    def side(n, moved):
        questions = np.arange(n) % n_questions
        effect = rng.normal(size=(n_questions, d))[questions] * 0.5
        rows = (rng.normal(size=(n, d)) + effect + moved) * scale + offset
        return {"rows": rows.astype(np.float32).tolist(), "questions": [f"q{q}" for q in questions]}
    delta = rng.normal(size=d) * shift
    return {"without": side(n_without, 0), "with": side(n_with, delta)}


def arrays(data):
    x0 = np.array(data["without"]["rows"], np.float64)
    x1 = np.array(data["with"]["rows"], np.float64)
    return x0, x1


def logistic(data, penalty):
    """Weights for rows as they are, by a trust-region minimiser on centred and scaled rows."""
    x0, x1 = arrays(data)
    x = np.vstack([x0, x1])
    y = np.r_[np.zeros(len(x0)), np.ones(len(x1))]
    mean = x.mean(0)
    scale = np.sqrt(((x - mean) ** 2).sum(1).mean())
    z = (x - mean) / scale
    d = x.shape[1]

    def objective(v):
        f = z @ v[:d] + v[d]
        p = expit(f)
        value = np.logaddexp(0, np.where(y == 1, -f, f)).sum() + penalty / 2 * v[:d] @ v[:d]
        return value, np.r_[z.T @ (p - y) + penalty * v[:d], (p - y).sum()]

    def hessian(v):
        f = z @ v[:d] + v[d]
        w = expit(f) * expit(-f)
        zi = np.c_[z, np.ones(len(z))]
        return (zi * w[:, None]).T @ zi + np.diag(np.r_[np.full(d, penalty), 0.0])

    start = optimize.minimize(objective, np.zeros(d + 1), jac=True, hess=hessian, method="trust-exact",
                              options={"gtol": 1e-12, "maxiter": 10_000})
    v = start.x
    for _ in range(5):
        v = v - np.linalg.solve(hessian(v), objective(v)[1])
    weights = v[:d] / scale
    return {
        "penalty": penalty,
        "penaltyOnActivations": float(penalty * scale**2),
        "norm": float(np.linalg.norm(weights)),
        "vector": (weights / np.linalg.norm(weights)).tolist(),
        "intercept": float(v[d] - weights @ mean),
        "objective": float(objective(v)[0]),
    }


def ledoit_wolf(centred):
    """Their estimator as the paper defines it, on whole matrices."""
    n, d = centred.shape
    s = centred.T @ centred / n
    m = np.trace(s) / d
    distance = ((s - m * np.eye(d)) ** 2).sum() / d
    error = sum(((np.outer(row, row) - s) ** 2).sum() / d for row in centred) / n**2
    return min(error, distance) / distance


def discriminant(data, shrinkage):
    x0, x1 = arrays(data)
    centred = np.vstack([x0 - x0.mean(0), x1 - x1.mean(0)])
    n, d = centred.shape
    s = centred.T @ centred / n
    share = ledoit_wolf(centred) if shrinkage is None else shrinkage
    sigma = (1 - share) * s + share * np.trace(s) / d * np.eye(d)
    weights = np.linalg.solve(sigma, x1.mean(0) - x0.mean(0))
    return {
        "given": shrinkage,
        "shrinkage": float(share),
        "norm": float(np.linalg.norm(weights)),
        "vector": (weights / np.linalg.norm(weights)).tolist(),
    }


def difference_component(data, component):
    x0, x1 = arrays(data)
    q0, q1 = (np.array(data[s]["questions"]) for s in ("without", "with"))
    names = sorted(set(q0) & set(q1))
    differences = np.array([x1[q1 == q].mean(0) - x0[q0 == q].mean(0) for q in names])
    _, singular, vectors = np.linalg.svd(differences, full_matrices=False)
    vector = vectors[component - 1]
    vector = vector * np.sign(vector @ (x1.mean(0) - x0.mean(0)))
    return {
        "component": component,
        "vector": vector.tolist(),
        "explainedShare": float(singular[component - 1] ** 2 / (singular**2).sum()),
        "nDifferences": len(names),
    }


def mean_difference(data):
    x0, x1 = arrays(data)
    displacement = x1.mean(0) - x0.mean(0)
    length = np.linalg.norm(displacement)
    return {"vector": (displacement / length).tolist(), "norm": float(length)}


def direction_case(n_without, n_with, d, n_questions, shift, penalties, shrinkages):
    data = contrast(n_without, n_with, d, n_questions, shift)
    return {
        **data,
        "meanDifference": mean_difference(data),
        "logistic": [logistic(data, penalty) for penalty in penalties],
        "discriminant": [discriminant(data, share) for share in shrinkages],
        "components": [difference_component(data, component) for component in (1, 2)],
    }


def delong(without, with_em):
    """Kernel matrix of all pairs and its structural components."""
    a, b = np.array(with_em), np.array(without)
    kernel = (a[:, None] > b[None, :]) + (a[:, None] == b[None, :]) / 2
    variance = kernel.mean(1).var(ddof=1) / len(a) + kernel.mean(0).var(ddof=1) / len(b)
    z = scipy.stats.norm.ppf(0.975)
    estimate, error = kernel.mean(), np.sqrt(variance)
    return {
        "without": without,
        "with": with_em,
        "estimate": float(estimate),
        "standardError": float(error),
        "interval": [float(max(0, estimate - z * error)), float(min(1, estimate + z * error))],
    }


def auroc_cases():
    return [
        delong(rng.normal(size=30).tolist(), rng.normal(0.8, 1.3, size=41).tolist()),
        delong(rng.integers(0, 5, 25).tolist(), rng.integers(1, 6, 20).tolist()),
        delong(rng.normal(size=8).tolist(), rng.normal(1.2, 0.7, size=6).tolist()),
    ]


def adapter_case():
    rank, n_in, n_out, scale = 4, 9, 7, 2.5
    a = rng.normal(size=(rank, n_in)).astype(np.float32)
    b = (rng.normal(size=(n_out, rank)) * np.array([1, 0.3, 0.05, 0.001])).astype(np.float32)
    change = scale * b.astype(np.float64) @ a.astype(np.float64)
    return {
        "rank": rank, "nIn": n_in, "nOut": n_out, "scale": scale,
        "a": a.ravel().tolist(), "b": b.ravel().tolist(),
        "singularValues": np.linalg.svd(change, compute_uv=False)[:rank].tolist(),
    }


def curve_case():
    steps = np.array([0, 10, 25, 50, 100, 150, 300], float)
    values = 0.2 + 1.7 * (1 - np.exp(-steps / 70)) + 0.02 * rng.normal(size=len(steps))
    target = (values[0] + values[-1]) / 2
    half = optimize.brentq(lambda s: np.interp(s, steps, values) - target, steps[0], steps[-1])
    late = values[-1] - np.interp(200, steps, values)
    return {
        "steps": steps.tolist(),
        "values": values.tolist(),
        "area": float(np.trapezoid(values - values[0], steps) / 300),
        "slope": float(np.polyfit(steps, values, 1)[0]),
        "rise": float(values[-1] - values[0]),
        "halfRiseStep": float(half),
        "saturation": float(1 - (late / 100) / ((values[-1] - values[0]) / 300)),
    }


def eigen_case():
    factor = rng.normal(size=(12, 5)) * np.array([10, 3, 1, 0.1, 0.01])
    matrix = factor @ factor.T
    values, vectors = np.linalg.eigh(matrix)
    return {
        "matrix": matrix.ravel().tolist(),
        "values": values[::-1][:5].tolist(),
        "vectors": vectors.T[::-1][:5].tolist(),
    }


golden = {
    "madeWith": {"scipy": scipy.__version__, "numpy": np.__version__},
    "directions": {
        "tall": direction_case(30, 25, 6, 7, 0.6, [1, 0.01], [None, 0.2, 0]),
        "wide": direction_case(12, 9, 40, 5, 0.5, [1, 0.01], [None, 0.2]),
        "separable": direction_case(10, 14, 8, 4, 4.0, [1, 0.001], [None]),
    },
    "auroc": auroc_cases(),
    "adapter": adapter_case(),
    "curve": curve_case(),
    "eigen": eigen_case(),
}
Path(__file__).with_name("directions.json").write_text(json.dumps(golden, indent=1) + "\n")
