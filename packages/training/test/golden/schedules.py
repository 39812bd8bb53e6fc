"""Writes schedules.json: the learning rates that Transformers' get_scheduler gives.

    python schedules.py > schedules.json
"""

import json

import torch
from transformers import get_scheduler
from transformers.trainer_utils import SchedulerType

CASES = [
    {"schedule": "linear", "name": "linear", "nSteps": 12, "warmupSteps": 5},
    {"schedule": "linear", "name": "linear", "nSteps": 7, "warmupSteps": 0},
    {"schedule": "cosine", "name": "cosine", "nSteps": 11, "warmupSteps": 3},
    {"schedule": "cosine", "name": "cosine_with_min_lr", "nSteps": 9, "warmupSteps": 2, "minimumRatio": 0.1},
    {"schedule": "constant", "name": "constant_with_warmup", "nSteps": 6, "warmupSteps": 2},
    {"schedule": "constant", "name": "constant", "nSteps": 3, "warmupSteps": 0},
]

rows = []
for case in CASES:
    rate = 1e-5
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    extra = {"min_lr_rate": case["minimumRatio"]} if "minimumRatio" in case else {}
    scheduler = get_scheduler(
        SchedulerType(case["name"]),
        optimizer,
        num_warmup_steps=case["warmupSteps"],
        num_training_steps=case["nSteps"],
        scheduler_specific_kwargs=extra,
    )
    rates = []
    for _ in range(case["nSteps"]):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    rows.append({key: value for key, value in case.items() if key != "name"} | {"learningRate": rate, "rates": rates})

print(json.dumps(rows, indent=1))
