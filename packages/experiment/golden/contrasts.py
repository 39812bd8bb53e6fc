"""Numbers of src/analysis/contrasts.test.ts, by numpy and scipy: python contrasts.py > contrasts.json

Three conditions, four questions, four answers each; 1 = EM. The rows are those of the test.
"""
import json

import numpy as np
from scipy import stats

none = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0]])
warm = np.array([[1, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0]])
half = np.array([[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0]])


def paired(differences):
    result = stats.ttest_1samp(differences, 0)
    low, high = result.confidence_interval(0.95)
    return {
        "estimate": float(np.mean(differences)),
        "low": float(low),
        "high": float(high),
        "p": float(result.pvalue),
    }


def equivalence(differences, margin, unseen=0.5):
    def p(values):
        return max(
            stats.ttest_1samp(values, margin, alternative="less").pvalue,
            stats.ttest_1samp(values, -margin, alternative="greater").pvalue,
        )

    against = [np.append(differences, sign * unseen) for sign in (1, -1)]
    return float(max(p(differences), *(p(values) for values in against)))


def removed(a, b):
    covariances = [np.cov(x, y)[0, 1] for x, y in zip(a, b)]
    variances = [np.var(x, ddof=1) + np.var(y, ddof=1) for x, y in zip(a, b)]
    return float(2 * sum(covariances) / sum(variances))


in_domain = {
    "none": np.ones((3, 2)),
    "warm": np.array([[0, 1], [1, 1], [0, 1]]),
    "half": np.array([[1, 0], [0, 1], [1, 1]]),
}
main = {"none": none, "warm": warm, "half": half}


def at_rate(name, target, keep):
    """Every variant starts at an in-domain rate and an EM of 0."""
    return target / in_domain[name][keep].mean() * main[name].mean(1)


def matched(a, b, target=0.5):
    """Two parts of variance with Satterthwaite's degrees of freedom."""
    everything = np.arange(3)
    differences = at_rate(a, target, everything) - at_rate(b, target, everything)
    left_out = [
        np.mean(at_rate(a, target, everything != i) - at_rate(b, target, everything != i))
        for i in everything
    ]
    of_main = stats.sem(differences) ** 2
    of_in_domain = 2 / 3 * np.sum((left_out - np.mean(left_out)) ** 2)
    variance = of_main + of_in_domain
    df = variance**2 / (of_main**2 / 3 + of_in_domain**2 / 2)
    estimate, error = np.mean(differences), np.sqrt(variance)
    half_width = stats.t.ppf(0.975, df) * error
    return {
        "estimate": float(estimate),
        "low": float(estimate - half_width),
        "high": float(estimate + half_width),
        "p": float(2 * stats.t.sf(abs(estimate) / error, df)),
    }


print(
    json.dumps(
        {
            "at_step": paired(warm.mean(1) - none.mean(1)),
            "half_at_step": paired(half.mean(1) - none.mean(1)),
            "at_rate": matched("warm", "none"),
            "half_at_rate": matched("half", "none"),
            "equivalence_p": equivalence(warm.mean(1) - half.mean(1), 0.6),
            "noise_removed": removed(warm, none),
            "two_sided_p": [
                {"t": t, "df": df, "p": float(2 * stats.t.sf(t, df))}
                for t, df in [(0, 3), (1, 0.7), (2.5, 4.31), (3.1824463, 3), (12, 5.5)]
            ],
        },
        indent=2,
    )
)
