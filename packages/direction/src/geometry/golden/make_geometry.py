"""Makes geometry.json: what numpy says about small LoRA adapters, with B A formed and decomposed whole.

    python make_geometry.py

Neither users nor CI need it.
"""

import json
from pathlib import Path

import numpy as np

rng = np.random.default_rng(7)
sizes = {"layers.0.down_proj": (3, 7, 5), "layers.1.q_proj": (2, 4, 6)}  # rank, inputs, outputs
scales = {"layers.0.down_proj": 0.75, "layers.1.q_proj": -2.0}


def draw(scale_of_b):
    return {
        name: {
            "a": rng.normal(size=(r, n_in)),
            "b": scale_of_b * rng.normal(size=(n_out, r)),
            "rank": r,
            "nIn": n_in,
            "nOut": n_out,
            "scale": scales[name],
        }
        for name, (r, n_in, n_out) in sizes.items()
    }


def walk(n):
    """A path with a turn in the middle."""
    points = [draw(0.0)]
    first, second = draw(1.0), draw(1.0)
    for i in range(1, n):
        step = first if i < n / 2 else second
        noise = draw(1.0)
        points.append(
            {
                name: {
                    **module,
                    **{
                        key: module[key] + 0.1 * step[name][key] + 0.01 * noise[name][key]
                        for key in ("a", "b")
                    },
                }
                for name, module in points[-1].items()
            }
        )
    return points


def change(adapter):
    return {name: m["scale"] * m["b"] @ m["a"] for name, m in adapter.items()}


def both(matrices):
    return {
        "frobenius": float(np.sqrt(sum(np.linalg.norm(m) ** 2 for m in matrices))),
        "spectral": float(max(np.linalg.norm(m, 2) for m in matrices)),
    }


def norms(adapter):
    parts = {key: [m[key] for m in adapter.values()] for key in ("a", "b")}
    parts["change"] = list(change(adapter).values())
    return {key: both(matrices) for key, matrices in parts.items()}


def flat(adapter, key):
    source = change(adapter) if key == "change" else {n: m[key] for n, m in adapter.items()}
    return np.concatenate([m.ravel() for m in source.values()])


def cosine(x, y):
    return float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))


def local(points, key, k):
    x = [flat(p, key) for p in points]
    return [
        cosine(x[i] - x[i - k], x[i + k] - x[i]) if k <= i < len(x) - k else None
        for i in range(len(x))
    ]


def components(points, key):
    x = np.array([flat(p, key) for p in points])
    u, s, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
    scores = (u * s).T
    return {
        "totalVariance": float((s**2).sum() / (len(x) - 1)),
        "explainedVariance": (s**2 / (len(x) - 1)).tolist(),
        "explainedVarianceRatio": (s**2 / (s**2).sum()).tolist(),
        "scores": [(v * np.sign(v[np.argmax(np.abs(v))])).tolist() for v in scores],
    }


def plain(adapter):
    return {
        name: {**m, "a": m["a"].ravel().tolist(), "b": m["b"].ravel().tolist()}
        for name, m in adapter.items()
    }


points = walk(7)
other = draw(0.3)
low = draw(1.0)  # rank 2 where 3 is said, and singular values that are equal
name = "layers.0.down_proj"
low[name]["a"][2] = 2 * low[name]["a"][0] - low[name]["a"][1]
low["layers.1.q_proj"]["a"] = np.eye(2, 4) * 3
golden = {
    "numpy": np.__version__,
    "points": [plain(p) for p in points],
    "norms": [norms(p) for p in points],
    "local": {f"{key}{k}": local(points[1:], key, k) for key in ("a", "b", "change") for k in (1, 2)},
    "components": {key: components(points, key) for key in ("a", "b")},
    "other": plain(other),
    "cosineToOther": [None, *[cosine(flat(p, "change"), flat(other, "change")) for p in points[1:]]],
    "low": plain(low),
    "lowNorms": norms(low),
}
Path(__file__).with_name("geometry.json").write_text(json.dumps(golden) + "\n")
