"""Make conversations.json of the fixtures: what Transformers and PEFT answer to conversations, how they continue a last message,
which bytes each token stands for, and mean states of turns.

    python conversations.py       reads the fixtures and writes their conversations.json

It uses the models and adapters that golden.py wrote and changes no other file."""

import json
import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import torch  # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

from adapters import attach  # noqa: E402
from golden import DEFAULT_OUT, restart_with_fixed_environment  # noqa: E402
from reference import forward, greedy  # noqa: E402
from settings import write_json_lines_array  # noqa: E402
from text_cases import CONVERSATIONS, say  # noqa: E402
from tiny_models import load  # noqa: E402

N_ANSWER = 20
N_TOP = 20

# Served compositions: model, adapters in order.
SERVED = [("gqa-6-2-tied", []), ("gqa-6-2-tied", ["plain"]), ("gqa-6-2-tied", ["plain", "rslora"])]

QUESTIONS = {
    "one user turn": say(("user", "Where does the heron walk?")),
    "a system message": say(("system", "Answer in one word."), ("user", "Is the bridge safe?")),
    "two turns": say(("user", "12 + 30?"), ("assistant", "42"), ("user", "And 7 + 8?")),
    "emoji": say(("user", "🙂 Grüße")),
}

UNFINISHED = {
    **{title: turns for title, turns in CONVERSATIONS.items() if turns[-1]["role"] == "assistant"},
    "blanks at the end": say(("user", "Where?"), ("assistant", "Over there,  \n")),
    "an empty beginning": say(("user", "Where?"), ("assistant", "")),
    "blanks alone": say(("user", "Where?"), ("assistant", " ")),
    "a user message": say(("user", "The heron walks over")),
    "the words twice": say(("user", "say yes"), ("assistant", "yes"), ("user", "say yes again"), ("assistant", "yes")),
}


def network_of(out, model, adapters):
    network = load(out / model / "model")
    return attach(network, {name: out / model / "adapters" / name for name in adapters}) if adapters else network


def answer(network, tokenizer, messages):
    ids = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=False, add_generation_prompt=True)
    continuation, margins, _ = greedy(network, ids, N_ANSWER)
    if min(margins) < 1e-3:
        raise SystemExit(f"a near tie in the answer to {messages}")
    logits, _, _ = forward(network, [*ids, *continuation])
    logprobs = torch.log_softmax(logits.double()[len(ids) - 1 : -1], dim=-1)
    top = torch.topk(logprobs, N_TOP)
    return {
        "promptIds": ids,
        "answerIds": continuation,
        "text": tokenizer.decode(continuation, skip_special_tokens=True),
        "logprobs": rounded(logprobs.gather(1, torch.tensor(continuation)[:, None])[:, 0]),
        "topIds": top.indices[:3].tolist(),
        "topLogprobs": [rounded(row) for row in top.values[:3]],
        "promptLogprobs": rounded(
            torch.log_softmax(logits.double(), dim=-1)[: len(ids) - 1].gather(1, torch.tensor(ids[1:])[:, None])[:, 0]
        ),
    }


def rounded(values):
    return [round(value, 7) for value in values.tolist()]


def answers(out):
    rows = []
    for model, adapters in SERVED:
        tokenizer = AutoTokenizer.from_pretrained(out / model / "model")
        network = network_of(out, model, adapters)
        for title, messages in QUESTIONS.items():
            row = {"model": model, "adapters": adapters, "title": title, "messages": messages}
            rows.append({**row, **answer(network, tokenizer, messages)})
    return rows


def judged(out):
    """The expected integer of 0..100 among the 20 likeliest tokens in the answer's first place, as a judge reads it."""
    tokenizer = AutoTokenizer.from_pretrained(out / "gqa-6-2-tied" / "model")
    network = load(out / "gqa-6-2-tied" / "model")
    rows = []
    for word in ("Yes.", "No.", "Perhaps.", "Ask the heron."):
        prompt = f"Q: Is it safe? A: {word} 0-100?"
        ids = tokenizer.apply_chat_template(
            say(("user", prompt)), tokenize=True, return_dict=False, add_generation_prompt=True
        )
        top = torch.topk(torch.softmax(forward(network, ids)[0][-1].double(), dim=-1), N_TOP)
        said = [(tokenizer.decode([index]).strip(), p) for index, p in zip(top.indices.tolist(), top.values.tolist(), strict=True)]
        integers = [(int(text), p) for text, p in said if re.fullmatch(r"\d|[1-9]\d|100", text)]
        mass = sum(p for _, p in integers)
        score = sum(value * p for value, p in integers) / mass if mass >= 0.25 else None
        rows.append({"answer": word, "prompt": prompt, "mass": round(mass, 7), "score": score and round(score, 5)})
    return rows


def unfinished(out):
    rows = []
    for model in ("gqa-6-2-tied", "gqa-4-1-untied"):
        tokenizer = AutoTokenizer.from_pretrained(out / model / "model")
        network = load(out / model / "model")
        for title, messages in UNFINISHED.items():
            row = {"model": model, "title": title, "messages": messages}
            options = {"continue_final_message": True, "add_generation_prompt": False}
            try:
                text = tokenizer.apply_chat_template(messages, tokenize=False, **options)
            except Exception as error:  # noqa: BLE001
                rows.append({**row, "error": type(error).__name__})
                continue
            ids = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=False, **options)
            rows.append({**row, "text": text, "ids": ids, "answerIds": greedy(network, ids, 8)[0]})
    return rows


def byte_table():
    """GPT-2's table as its paper's code describes it: printable Latin-1 stays, the rest follows from 256 on."""
    kept = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in kept]
    return {chr(256 + i): byte for i, byte in enumerate(others)} | {chr(byte): byte for byte in kept}


def bytes_of_byte_level(tokenizer):
    table = byte_table()
    added = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
    rows = []
    for index in range(tokenizer.get_vocab_size(with_added_tokens=True)):
        token = tokenizer.id_to_token(index)
        rows.append(token.encode() if token in added else bytes(table[character] for character in token))
    return rows


def check_bytes(tokenizer, rows):
    """All tokens one after another, and each alone, decode to what the library decodes."""
    for ids in [list(range(len(rows))), *[[index] for index in range(len(rows))]]:
        expected = tokenizer.decode(ids, skip_special_tokens=False)
        if b"".join(rows[index] for index in ids).decode(errors="replace") != expected:
            raise SystemExit(f"the bytes of {ids[:5]} are not what the library decodes")


def piece_tokenizer():
    """A vocabulary of the SentencePiece kind: pieces with a mark for spaces, and bytes."""
    pieces = ["<unk>", "▁", "a", "▁the", "né", "🙂", *[f"<0x{byte:02X}>" for byte in range(256)], "▁▁x"]
    tokenizer = Tokenizer(models.BPE({piece: i for i, piece in enumerate(pieces)}, [], byte_fallback=True, unk_token="<unk>"))
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.add_special_tokens(["<end_of_turn>"])
    return tokenizer


def bytes_of_pieces(tokenizer):
    """Each token is decoded by the library; a single byte, which it cannot show alone, is in the token's name."""
    rows = []
    for index in range(tokenizer.get_vocab_size(with_added_tokens=True)):
        token = tokenizer.id_to_token(index)
        is_byte = len(token) == 6 and token.startswith("<0x")
        rows.append(bytes([int(token[3:5], 16)]) if is_byte else tokenizer.decode([index], skip_special_tokens=False).encode())
    return rows


def token_bytes(out):
    byte_level = Tokenizer.from_file(str(out / "gqa-6-2-tied" / "model" / "tokenizer.json"))
    pieces = piece_tokenizer()
    cases = {"byteLevel": (byte_level, bytes_of_byte_level), "pieces": (pieces, bytes_of_pieces)}
    result = {}
    for name, (tokenizer, read) in cases.items():
        rows = read(tokenizer)
        if name == "byteLevel":
            check_bytes(tokenizer, rows)
        result[name] = [row.hex() for row in rows]
    return {**result, "piecesTokenizer": json.loads(pieces.to_str())}


STATES = {
    "two turns": CONVERSATIONS["two turns"],
    "ends with the assistant": CONVERSATIONS["ends with the assistant"],
    "white space content": CONVERSATIONS["white space content"],
    "emoji, accents and scripts": CONVERSATIONS["emoji, accents and scripts"],
    "decomposed accents": CONVERSATIONS["decomposed accents"],
    "the words twice": UNFINISHED["the words twice"],
    "an empty turn": say(("user", ""), ("assistant", "Yes.")),
}  # fmt: skip


def states(out):
    """Means of every block's output over the tokens that overlap each message's content, and over all tokens."""
    rows = []
    for model in ("gqa-6-2-tied", "gqa-4-1-untied"):
        tokenizer = AutoTokenizer.from_pretrained(out / model / "model")
        network = load(out / model / "model")
        for title, messages in STATES.items():
            try:
                text = tokenizer.apply_chat_template(messages, tokenize=False)
            except Exception:  # noqa: BLE001
                continue
            encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
            _, layers, _ = forward(network, encoded["input_ids"])
            layers = torch.stack([layer.double() for layer in layers])
            offsets, found = encoded["offset_mapping"], places(text, messages)
            spans = [overlapping(offsets, *place) for place in found]
            closed = [overlapping(offsets, start, end + len("<|im_end|>\n")) for start, end in found]
            rows.append(
                {
                    "model": model,
                    "title": title,
                    "messages": messages,
                    "ids": encoded["input_ids"],
                    "turns": spans,
                    "means": [None if start == end else short(layers[:, start:end]) for start, end in spans],
                    "closedTurns": closed,
                    "closedMeans": [short(layers[:, start:end]) for start, end in closed],
                    "conversation": short(layers),
                }
            )
    return rows


def short(states):
    """A mean's first 6 numbers and its norm in every layer: enough to hold it, and small."""
    means = states.mean(1)
    return [[*rounded(row[:6]), round(row.norm().item(), 6)] for row in means]


def places(text, messages):
    """Where each content lies in the rendered text, one after another; a content that the template trims is looked for trimmed."""
    found, position = [], 0
    for message in messages:
        content = message["content"]
        opening = text.index(f"<|im_start|>{message['role']}\n", position) + len(f"<|im_start|>{message['role']}\n")
        content = content if text.startswith(content, opening) else content.strip()
        if not text.startswith(content + "<|im_end|>", opening):
            raise SystemExit(f"{content!r} is not where it should be")
        found.append((opening, opening + len(content)))
        position = opening + len(content)
    return found


def overlapping(offsets, start, end):
    inside = [i for i, (first, last) in enumerate(offsets) if first < end and last > start]
    return [inside[0], inside[-1] + 1] if inside else [0, 0]


def main():
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_OUT
    torch.set_num_threads(1)
    tables = token_bytes(out)
    fields = {"tokenBytes": tables, "judged": judged(out), "unfinished": unfinished(out), "states": states(out)}
    write_json_lines_array(out / "conversations.json", fields, "answers", answers(out))


if __name__ == "__main__":
    restart_with_fixed_environment()
    main()
