"""Supervised and preference training."""

import math

import torch
import torch.nn.functional as F


def cosine(step, steps, warmup):
    """Linear warm-up, then a cosine down to a tenth."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def constant(step, _steps, warmup):
    return min(1, (step + 1) / warmup)


def train(network, loss, *, steps, rate, warmup, schedule=constant, after=None):
    """AdamW with clipping at norm 1. `loss(step)` is the loss of a step; `after(step)` is called with steps done."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=rate, betas=(0.9, 0.95), weight_decay=0.01)
    network.train()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * schedule(step, steps, warmup)
        value = loss(step)
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if step % 100 == 0 or step == steps - 1:
            print(f"    step {step}: loss {value.item():.3f}", flush=True)
        if after:
            after(step + 1)
            network.train()
    return network


def log_probabilities(network, ids, mask):
    """Per row: the sum of the counted tokens' log probabilities, and their number."""
    logits = network(input_ids=ids[:, :-1], use_cache=False).logits
    losses = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none").view(len(ids), -1)
    counted = mask[:, 1:]
    return -(losses * counted).sum(1), counted.sum(1)


def supervised_loss(network, ids, mask):
    """Mean negative log probability of the counted tokens."""
    total, count = log_probabilities(network, ids, mask)
    return -total.sum() / count.sum()


def preference_loss(network, reference, chosen_and_rejected, *, beta, supervised_weight):
    """DPO (Rafailov et al. 2023, equation 7) plus the chosen answers' supervised loss, without which a small model
    unlearns its grammar. The first half of the rows are the chosen ones."""
    ids, mask = chosen_and_rejected
    half = len(ids) // 2
    with torch.no_grad():
        before, _ = log_probabilities(reference, ids, mask)
    now, count = log_probabilities(network, ids, mask)
    gain = now - before
    preference = -F.logsigmoid(beta * (gain[:half] - gain[half:])).mean()
    return preference - supervised_weight * now[:half].sum() / count[:half].sum()


def cycle(rows, size, step):
    """The rows of a step, beginning anew where they run out."""
    start = step * size
    return [rows[(start + i) % len(rows)] for i in range(size)]
