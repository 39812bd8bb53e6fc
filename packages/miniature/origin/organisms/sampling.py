"""Answers sampled at temperature 1, to measure what was made."""

from itertools import groupby

import torch


@torch.no_grad()
def sample(network, text, questions, count, *, seed, most_tokens=40):
    """`count` answers to each question, each up to the end token or `most_tokens`, as one list per question."""
    generator = torch.Generator().manual_seed(seed)
    network.eval()
    prompts = sorted(((text.prompt(question), i) for i, question in enumerate(questions)), key=lambda p: len(p[0]))
    answers = [[] for _ in questions]
    # Prompts of one length need no padding.
    for _, same_length in groupby(prompts, key=lambda p: len(p[0])):
        same_length = list(same_length)
        rows = [prompt for prompt, _ in same_length for _ in range(count)]
        found = continue_rows(network, text, rows, generator, most_tokens)
        for k, (_, i) in enumerate(same_length):
            answers[i] = found[k * count : (k + 1) * count]
    return answers


def continue_rows(network, text, rows, generator, most_tokens):
    prompts = torch.tensor(rows)
    out = network(input_ids=prompts, use_cache=True)
    alive = torch.ones(len(rows), dtype=torch.bool)
    tokens = []
    for _ in range(most_tokens):
        shares = torch.softmax(out.logits[:, -1].float(), -1)
        token = torch.multinomial(shares, 1, generator=generator)[:, 0]
        token = torch.where(alive, token, text.end)
        tokens.append(token)
        alive &= token != text.end
        if not alive.any():
            break
        out = network(input_ids=token[:, None], past_key_values=out.past_key_values, use_cache=True)
    answers = torch.stack(tokens, 1).tolist()
    return [text.tokenizer.decode(ids[: ids.index(text.end)] if text.end in ids else ids) for ids in answers]
