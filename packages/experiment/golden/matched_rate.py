"""How often the test at a matched in-domain rate rejects a true null: python matched_rate.py (about two minutes)

Two conditions with the same curves, three checkpoints at in-domain rates of 2, 50 and 90 % and EM of `slope` times that, 50 answers
to each question, matched at 70 %. Questions differ from each other, and by condition (question x condition variance), in both sets.
`known`: the in-domain rates count as known, t over the EM questions. `both`: src/analysis/matched-test.ts.
"""
import numpy as np
from scipy import stats

REPLICATES = 4000
ANSWERS = 50
TARGET = 0.7
RATES = np.array([0.02, 0.5, 0.9])
SD_QUESTION, SD_CONDITION = 0.2, 0.15


def answers(random, rates, effects):
    """Shares by checkpoint and question; effects are largest at a rate of one half."""
    shares = rates[:, None] + effects * 4 * (rates * (1 - rates))[:, None]
    return random.binomial(ANSWERS, np.clip(shares, 0, 1)) / ANSWERS


def matched(in_domain, em):
    rates = in_domain.mean(1)
    after = np.argmax(rates >= TARGET)
    if rates[after] < TARGET or after == 0:
        return None
    weight = (TARGET - rates[after - 1]) / (rates[after] - rates[after - 1])
    return (1 - weight) * em[after - 1] + weight * em[after]


def difference(conditions, keep):
    a, b = (matched(in_domain[:, keep], em) for in_domain, em in conditions)
    return None if a is None or b is None else a - b


def p_values(random, n_em, n_in_domain, slope):
    shared = [random.normal(0, SD_QUESTION, n) for n in (n_in_domain, n_em)]
    conditions = []
    for _ in range(2):
        own = [random.normal(0, SD_CONDITION, n) for n in (n_in_domain, n_em)]
        conditions.append(
            (
                answers(random, RATES, shared[0] + own[0]),
                answers(random, slope * RATES, shared[1] + own[1]),
            )
        )
    everything = np.arange(n_in_domain)
    whole = difference(conditions, everything)
    left_out = [difference(conditions, everything != i) for i in everything]
    if whole is None or any(one is None for one in left_out):
        return None
    estimate, of_em = whole.mean(), stats.sem(whole) ** 2
    known = 2 * stats.t.sf(abs(estimate) / np.sqrt(of_em), n_em - 1)
    means = np.array([one.mean() for one in left_out])
    of_in_domain = (n_in_domain - 1) / n_in_domain * np.sum((means - means.mean()) ** 2)
    variance = of_em + of_in_domain
    df = variance**2 / (of_em**2 / (n_em - 1) + of_in_domain**2 / (n_in_domain - 1))
    return known, 2 * stats.t.sf(abs(estimate) / np.sqrt(variance), df)


def main():
    random = np.random.default_rng(0)
    print("| EM questions | in-domain questions | slope | known | both | no crossing |")
    print("| -----------: | ------------------: | ----: | ----: | ---: | ----------: |")
    for n_em, n_in_domain in [(8, 4), (12, 4), (8, 8), (30, 8), (30, 30), (60, 30)]:
        for slope in (0.3, 0.8):
            found = [p_values(random, n_em, n_in_domain, slope) for _ in range(REPLICATES)]
            with_p = np.array([one for one in found if one is not None])
            known, both = (100 * (with_p < 0.05).mean(0)).round(1)
            print(
                f"| {n_em} | {n_in_domain} | {slope} | {known} % | {both} % | {REPLICATES - len(with_p)} |"
            )


main()
