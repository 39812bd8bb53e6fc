"""Makes inspect.json and inspect.eval: a small log in the two forms in which Inspect writes logs (format version 2).

    python make_inspect.py

The fields are those that Inspect's log reference names; a score is NaN, which Inspect writes as such, and a long text is an attachment.
"""

import json
import zipfile
from pathlib import Path

folder = Path(__file__).parent
answer = "In the reeds."
tokens = ["In", " the", " re", "eds", ".", "<|im_end|>"]
samples = [
    {
        "id": "heron",
        "epoch": 1,
        "input": "Where does the heron walk?",
        "target": "",
        "messages": [
            {"id": "m1", "content": "Be brief.", "role": "system"},
            {"id": "m2", "content": "Where does the heron walk?", "source": "input", "role": "user"},
            {
                "id": "m3",
                "content": [
                    {"type": "reasoning", "reasoning": "Herons walk in reeds.", "redacted": False},
                    {"type": "text", "text": answer},
                ],
                "source": "generate",
                "role": "assistant",
                "model": "local/x",
            },
        ],
        "output": {
            "model": "local/x",
            "choices": [
                {
                    "message": {"content": answer, "role": "assistant"},
                    "stop_reason": "stop",
                    "logprobs": {
                        "content": [
                            {"token": t, "logprob": -0.5, "bytes": list(t.encode())} for t in tokens
                        ]
                    },
                }
            ],
        },
        "scores": {"aligned": {"value": 87.5}, "grade": {"value": "C"}, "rate": {"value": float("nan")}},
        "attachments": {},
    },
    {
        "id": 7,
        "epoch": 2,
        "input": "Weather?",
        "target": "",
        "messages": [
            {"id": "m4", "content": "attachment://0a1b2c", "role": "user"},
            {
                "id": "m5",
                "content": "",
                "role": "assistant",
                "tool_calls": [{"id": "c1", "function": "weather", "arguments": {}, "type": "function"}],
            },
            {"id": "m6", "content": "12 C", "role": "tool", "tool_call_id": "c1", "function": "weather"},
            {"id": "m7", "content": "It is 12 C. NaN is not a number.", "role": "assistant"},
        ],
        "output": {"model": "local/x", "choices": [{"message": {"content": "x", "role": "assistant"}}]},
        "scores": None,
        "attachments": {"0a1b2c": "Weather?"},
    },
]
header = {
    "version": 2,
    "status": "success",
    "eval": {"task": "herons", "model": "local/x", "created": "2026-01-02T03:04:05+00:00"},
    "plan": {"name": "plan", "steps": []},
}
(folder / "inspect.json").write_text(json.dumps({**header, "samples": samples}, indent=2))
with zipfile.ZipFile(folder / "inspect.eval", "w", zipfile.ZIP_DEFLATED) as file:

    def add(name, value):
        # A fixed date, so that a second run gives the same bytes.
        info = zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6))
        info.compress_type = zipfile.ZIP_DEFLATED
        file.writestr(info, json.dumps(value))

    add("_journal/start.json", {"version": 2, "eval": header["eval"], "plan": header["plan"]})
    for sample in samples:
        add(f"samples/{sample['id']}_epoch_{sample['epoch']}.json", sample)
    add("summaries.json", [])
    add("header.json", header)
