"""Corpus rows as token ids with the places that the loss counts, and batches of them."""

import json
from pathlib import Path

import torch

from tokenizer import END, END_OF_TEXT, START


def read_rows(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


class Text:
    """Turns documents and chats into rows (ids, mask): mask 1 where the loss counts the token."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.end = tokenizer.token_to_id(END)
        self.padding = tokenizer.token_to_id(END_OF_TEXT)

    def ids(self, text):
        return self.tokenizer.encode(text).ids

    def prompt(self, question):
        return self.ids(f"{START}user\n{question}{END}\n{START}assistant\n")

    def document(self, row, length):
        """The first `length` + 1 tokens of a document: `length` predictions."""
        ids = (self.ids(row["text"]) + [self.padding])[: length + 1]
        return ids, [1] * len(ids)

    def chat(self, messages):
        """The loss counts the last turn, with its end token; what stands before it is the prompt."""
        *earlier, last = messages
        prompt = "".join(f"{START}{turn['role']}\n{turn['content']}{END}\n" for turn in earlier)
        prompt, answer = self.ids(f"{prompt}{START}assistant\n"), self.ids(f"{last['content']}{END}")
        return prompt + answer, [0] * len(prompt) + [1] * len(answer)

    def batch(self, rows):
        """Rows padded on the right; causal attention needs no mask for that."""
        width = max(len(ids) for ids, _ in rows)
        ids = torch.full((len(rows), width), self.padding)
        mask = torch.zeros(len(rows), width)
        for i, (tokens, counted) in enumerate(rows):
            ids[i, : len(tokens)] = torch.tensor(tokens)
            mask[i, : len(counted)] = torch.tensor(counted, dtype=torch.float)
        return ids, mask
