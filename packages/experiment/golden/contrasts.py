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


# The baseline goes from an in-domain rate of 0 (EM 0) to 1, warm and half from 0 to 1/2: the target 1/2 lies halfway for the first.
matched = 0.5 * none.mean(1)
print(
    json.dumps(
        {
            "at_step": paired(warm.mean(1) - none.mean(1)),
            "half_at_step": paired(half.mean(1) - none.mean(1)),
            "at_rate": paired(warm.mean(1) - matched),
            "half_at_rate": paired(half.mean(1) - matched),
            "equivalence_p": equivalence(warm.mean(1) - half.mean(1), 0.6),
            "noise_removed": removed(warm, none),
        },
        indent=2,
    )
)
