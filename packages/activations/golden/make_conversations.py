"""Makes conversations.json: token ids and the tokens of every message, by the `tokenizers` library's offsets; code blocks by markdown-it.

    python make_conversations.py

The model is the fixture ../../inference/fixtures/gqa-6-2-tied/model, whose template is rendered by jinja2. A token belongs to a
message, or to a code block, if their characters overlap.
"""

import json
from pathlib import Path

import jinja2
from markdown_it import MarkdownIt
from tokenizers import Tokenizer, processors

model = Path(__file__).parents[2] / "inference/fixtures/gqa-6-2-tied/model"
tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
source = json.loads((model / "tokenizer_config.json").read_text())["chat_template"]
template = jinja2.Environment(trim_blocks=True, lstrip_blocks=True).from_string(source)
closing = "<|im_end|>\n"

code = "Look:\n\n```python\nprint('heron')\n```\n\nand then\n\n~~~\nx = 1\n```\n~~~~\nDone."
conversations = {
    "two turns": ["user", "Where does the heron walk?", "assistant", "In the reeds."],
    "with a system message": ["system", "Be brief.", "user", "Hi", "assistant", "Hello to you."],
    "long, and back and forth": [
        part for i in range(30) for part in ("user", f"Question {i}?", "assistant", f"It is {i * i}.")
    ],
    "code between words": ["user", "Show me.", "assistant", code],
    "code alone": ["user", "Show me.", "assistant", "```\nlet x = 1\n```"],
    "code in the question": ["user", "Fix:\n```js\nx =\n```\nPlease.", "assistant", "x = 1"],
    "a fence that is never closed": ["user", "Go", "assistant", "So:\n```python\nwhile True:\n    pass\n"],
    "inline code is no block": ["user", "Go", "assistant", "Use ```x``` or `y`.\n``\nno\n``"],
    "indented fences": ["user", "Go", "assistant", "1. First\n   ```sh\n   ls\n   ```\n2. Then"],
    "an info string with a backtick": ["user", "Go", "assistant", "``` a`b\nno block\n"],
    "a longer fence around a shorter": ["user", "Go", "assistant", "````md\n```js\nx\n```\n````\nafter"],
    "carriage returns": ["user", "Go", "assistant", "a\r\n```\r\nb\r\n```\r\nc"],
    "accents and emoji": ["user", "Où est le héron ?", "assistant", "Dans l'été 🦩 : \n```\né = '🦩'\n```\n… là."],
    "empty answer": ["user", "Hi", "assistant", ""],
    "empty question": ["user", "", "assistant", "Hello?"],
    "white space": ["user", "  \n", "assistant", "\n\n  x  \n"],
    "a tool": ["user", "Weather?", "assistant", "Let me look.", "tool", "12 C", "assistant", "It is 12 C."],
}


def tokens_of(offsets, start, end):
    found = [i for i, (a, b) in enumerate(offsets) if a < end and b > start]
    return [found[0], found[-1] + 1] if found and end > start else [0, 0]


def code_of(text):
    """Character ranges of fences, without the line break at their end."""
    starts = [0]
    for i, character in enumerate(text):
        if character == "\n":
            starts.append(i + 1)
    starts.append(len(text) + 1)
    for token in MarkdownIt("commonmark").parse(text):
        if token.type == "fence":
            first, last = token.map
            end = min(starts[min(last, len(starts) - 1)] - 1, len(text))
            yield starts[first], len(text[:end].removesuffix("\r"))


def merged(ranges):
    out = []
    for start, end in sorted(ranges):
        if end <= start:
            continue
        if out and start <= out[-1][1]:
            out[-1][1] = max(out[-1][1], end)
        else:
            out.append([start, end])
    return out


cases = []
for name, parts in conversations.items():
    messages = [{"role": r, "content": c} for r, c in zip(parts[::2], parts[1::2])]
    text = template.render(messages=messages, add_generation_prompt=False)
    encoding = tokenizer.encode(text, add_special_tokens=False)
    at = 0
    turns = []
    for message in messages:
        header = f"<|im_start|>{message['role']}\n"
        start = text.index(header + message["content"] + closing, at) + len(header)
        end = start + len(message["content"])
        at = end
        content = tokens_of(encoding.offsets, start, end)
        is_empty = content == [0, 0]
        turns.append(
            {
                "role": message["role"],
                "content": content,
                "turn": content if is_empty else tokens_of(encoding.offsets, start, end + len(closing)),
                "code": merged(
                    tokens_of(encoding.offsets, start + a, start + b)
                    for a, b in code_of(message["content"])
                ),
            }
        )
    cases.append({"name": name, "messages": messages, "ids": encoding.ids, "turns": turns})
path = Path(__file__).with_name("conversations.json")
path.write_text(json.dumps(cases, ensure_ascii=False) + "\n")
