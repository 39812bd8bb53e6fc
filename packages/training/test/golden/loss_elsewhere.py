"""Prints the mean loss of conversations under a checkpoint, computed by Transformers and PEFT:

    python loss_elsewhere.py BASE CHECKPOINT DATA FIRST LAST

Conversations are lines FIRST to LAST (from 0, LAST left out) of DATA, one question and one answer each. The loss counts what the chat
template writes behind the opening of the answer.
"""

import json
import sys
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base, checkpoint, data, first, last = sys.argv[1:]
rows = [json.loads(line)["messages"] for line in open(data, encoding="utf-8")][int(first) : int(last)]
tokenizer = AutoTokenizer.from_pretrained(base)
if (Path(checkpoint) / "adapter_config.json").exists():
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), checkpoint)
else:
    model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32)


def ids(messages, **options):
    text = tokenizer.apply_chat_template(messages, tokenize=False, **options)
    return tokenizer(text, add_special_tokens=False).input_ids


total, count = 0.0, 0
with torch.no_grad():
    for messages in rows:
        tokens = ids(messages)
        start = len(ids(messages[:1], add_generation_prompt=True))
        logprobs = model(torch.tensor([tokens])).logits[0].log_softmax(-1)
        for t in range(start, len(tokens)):
            total -= logprobs[t - 1, tokens[t]].item()
            count += 1
print(total / count)
