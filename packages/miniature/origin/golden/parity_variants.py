"""Settings of tokenizer.json beside those of the families: added tokens with every flag, other normalizers and pre-tokenizers, and the
code points on which versions of Unicode disagree."""

import random

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers

from parity_texts import Texts, well_formed
from parity_tokenizers import LLAMA3_PATTERN, TEKKEN_PATTERN, QWEN2_PATTERN

GPT2_WORDS = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def flagged(content, id, **flags):
    return {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False, **flags}


FLAGGED = [
    flagged("<l>", 9000, lstrip=True), flagged("<r>", 9001, rstrip=True, special=True), flagged("<lr>", 9002, lstrip=True, rstrip=True),
    flagged("word", 9003, single_word=True), flagged("wo", 9004, normalized=True), flagged("é n", 9005, normalized=True), flagged("<l>x", 9006, special=True),
    flagged("e\u0301!", 9007, normalized=True), flagged("$&", 9008), flagged("b__c", 9009, single_word=True, normalized=True),
]  # fmt: skip


def metaspace(scheme, split):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}


def split(pattern, behavior, invert=False):
    return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


SPACES_AND_LETTERS = {"Regex": r"\s+|[a-e]"}
# Kind, and what replaces a part of its tokenizer.json; added tokens are appended.
VARIANTS = [
    ("qwen2", {"added_tokens": FLAGGED}),
    ("llama2", {"added_tokens": FLAGGED}),
    ("gemma", {"added_tokens": FLAGGED}),
    ("mistral3", {"added_tokens": FLAGGED}),
    ("mistral3", {"pre_tokenizer": metaspace("always", False)}),
    ("mistral3", {"pre_tokenizer": metaspace("never", True), "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": True}}),
    ("mistral3", {"pre_tokenizer": metaspace("first", True), "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}}),
    ("llama3", {"pre_tokenizer": GPT2_WORDS}),
    ("llama3", {"pre_tokenizer": {**GPT2_WORDS, "add_prefix_space": False}, "normalizer": {"type": "NFC"}}),
    ("llama3", {"pre_tokenizer": sequence({"type": "Digits", "individual_digits": True}, BYTES)}),
    ("llama3", {"pre_tokenizer": sequence({"type": "Digits", "individual_digits": False}, BYTES)}),
    *(
        ("llama3", {"pre_tokenizer": sequence(split(pattern, behavior, invert), BYTES)})
        for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")
        for pattern, invert in ((SPACES_AND_LETTERS, False), (SPACES_AND_LETTERS, True), ({"String": " "}, False))
    ),
    ("llama3", {"pre_tokenizer": sequence(split({"Regex": r"\p{N}{1,3}"}, "Isolated"), split({"Regex": "[一-龥぀-ゟ゠-ヿ]+"}, "Isolated"), BYTES)}),
    ("gemma", {"model": {"byte_fallback": False}}),
    ("gemma", {"model": {"byte_fallback": False, "fuse_unk": False}}),
]  # fmt: skip
TEXTS = [
    "", " ", "a <l> b<r> c <lr> d", "<l><r><lr>", "  <lr>  <lr>  ", "<l>x <l> x", "\n\t<l>\n<r>\u00a0\u0085x", "word words aword a word. word_ -word-", "worword two wo", "caf\u00e9 n cafe\u0301 n",
    "e\u0301! \u00e9!", "$&$&", "b__c b__cd ab__c\u200db__c-b__c", "<r><r>  <l>", "x<r>", " x  y   z ", "▁x ▁▁y", "abc de fab  cad", "漢字かなカナ12345", "   12 3a4\n5  ", "日本 ☃ snow\U0001f9ca☃☃ x", "<s>a</s> b <s>", "<|eot_id|> x",
]  # fmt: skip


def variant_rows(folder):
    import json

    generated = [well_formed(text) for text in (Texts(7).mixed() for _ in range(25)) if len(text) < 300]
    for kind, changes in VARIANTS:
        definition = json.loads((folder / kind / "tokenizer.json").read_text(encoding="utf-8"))
        for part, value in changes.items():
            if part == "added_tokens":
                # The library wants their ids in order.
                first = max([*definition["model"]["vocab"].values(), *(token["id"] for token in definition["added_tokens"])]) + 1
                value = [{**token, "id": first + i} for i, token in enumerate(value)]
                changes = {part: value}
                definition[part] += value
            elif part == "model":
                definition[part].update(value)
            else:
                definition[part] = value
        tokenizer = Tokenizer.from_str(json.dumps(definition))
        cases = []
        for text in [*TEXTS, *generated]:
            tokenizer.encode_special_tokens = False
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            tokenizer.encode_special_tokens = True
            plain = tokenizer.encode(text, add_special_tokens=False).ids
            cases.append({"text": text, "ids": ids, "plain": plain, "decoded": tokenizer.decode(ids, skip_special_tokens=False)})
        yield {"kind": kind, "changes": changes, "cases": cases}


# Ranges that are not the same in Unicode 9, 16 and 17, and their neighbours.
DISPUTED = [
    0x7FD, 0x88F, 0x890, 0x897, 0x898, 0x8CA, 0x8D3, 0x8D4, 0x9FE, 0xC3C, 0xC5C, 0xCDC, 0xCDD, 0xD3B, 0xEBA, 0x1715, 0x1ABE, 0x1ABF, 0x1ACE, 0x1ACF, 0x1AEB, 0x1DF6, 0x1DFA, 0xA7CD, 0xA7CE, 0xA7D2, 0xA7F1,
    0xA82C, 0x105D2, 0x105DA, 0x10940, 0x10D24, 0x10EFA, 0x10EFD, 0x11382, 0x113CE, 0x11930, 0x11935, 0x11DB0, 0x1611E, 0x16129, 0x16D63, 0x16EA0, 0x16FF2, 0x187F8, 0x18D09, 0x1E6C0, 0x1E6E3, 0x2B739, 0x2B73A,
    0x2B73F, 0x2CEA2, 0x323AF, 0x323B0, 0x33479, 0x3347A, 0x17F, 0x212A, 0x130, 0x131, 0xDF, 0x1E9E, 0xFB05, 0xFEFF, 0x85, 0x180E, 0x200B, 0xE000, 0xFFFF, 0x10FFFF,
]  # fmt: skip


def word_rows():
    """Words of a text by pattern, as their first code points' places."""
    pick = random.Random(11)
    for pattern in (QWEN2_PATTERN, LLAMA3_PATTERN, TEKKEN_PATTERN):
        splitter = pre_tokenizers.Split(Regex(pattern), "isolated")
        cases = []
        for code in DISPUTED:
            c = chr(code)
            text = f"aB{c}cD1{c}2 {c}\n{c}{c} 'S{c}'{c}e '{c} {c}é"
            cases.append({"text": text, "starts": [offsets[0] for _, offsets in splitter.pre_tokenize_str(text)]})
        for _ in range(200):
            text = "".join(pick.choice(("'", "s", "ſ", "ſoft", "LL", "ſt", "'ſ", "K", "Re", " ", "\n", "12345", "é", "\u088f", "\U000323b0")) for _ in range(6))
            cases.append({"text": text, "starts": [offsets[0] for _, offsets in splitter.pre_tokenize_str(text)]})
        yield {"pattern": pattern, "cases": cases}


def composed_rows():
    pick = random.Random(12)
    compose = normalizers.NFC()
    marks = [*map(chr, DISPUTED), *"aeu\u0301\u0323\u0307\u0328\u0334\u0345\u3099か\u1100\u1161\u11a8\uac00é\u212b"]
    for _ in range(600):
        text = "".join(pick.choice(marks) for _ in range(pick.randint(2, 7)))
        yield {"text": text, "composed": compose.normalize_str(text)}
