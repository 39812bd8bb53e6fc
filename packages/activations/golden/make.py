"""Writes an activation set as the Python pipeline does (numpy.savez and a .json beside it), for the tests to read."""

import json
from pathlib import Path

import numpy as np

folder = Path(__file__).parent
rows = np.arange(12, dtype=np.float32).reshape(3, 4) / 8
rows[1] = np.nan
np.savez(folder / "numpy_activations.npz", layer_0=rows, layer_10=-rows)
metadata = {
    "num_responses": 3,
    "layers": [0, 10],
    "hidden_dim": 4,
    "csv_path": "results/base_eval.csv",
    "output_path": "results/base_activations.npz",
    "partial": False,
}
(folder / "numpy_activations.json").write_text(json.dumps(metadata, indent=2))
