"""Reads every log in a folder with Inspect AI's own reader, and prints what it found as JSON.

    pip install inspect-ai
    python check_inspect.py FOLDER
"""

import json
import sys

from inspect_ai.log import list_eval_logs, read_eval_log

found = []
for info in list_eval_logs(sys.argv[1], descending=False):
    log = read_eval_log(info.name)
    found.append(
        {
            "model": log.eval.model,
            "status": log.status,
            "n": len(log.samples or []),
            "means": {s.name: s.metrics["mean"].value for s in log.results.scores},
            "unscored": {s.name: s.unscored_samples for s in log.results.scores},
            "first": log.samples[0].output.completion,
            "ids": sorted({s.id for s in log.samples}),
        }
    )
print(json.dumps(sorted(found, key=lambda log: log["model"])))
