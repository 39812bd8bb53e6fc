"""Small vocabularies in the exact layout of the families' tokenizer.json: normalizer, pre-tokenizer, model options, decoder,
added tokens."""

from collections import Counter

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers.convert_slow_tokenizer import generate_merges

from tiny_tokenizer import QWEN2_PATTERN

# Constants of the formats.
LLAMA3_PATTERN = QWEN2_PATTERN.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
TEKKEN_PATTERN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
    r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
UNDERLINE = "▁"


def special(content):
    return AddedToken(content, normalized=False, special=True)


def plain(content):
    return AddedToken(content, normalized=False, special=False)


def byte_level(texts, pattern, size, added, *, normalizer=None, ignore_merges=False, trim_offsets=False):
    tokenizer = Tokenizer(BPE())
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=trim_offsets, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = BpeTrainer(vocab_size=size, min_frequency=2, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    if ignore_merges:
        drop_merges(tokenizer)
        tokenizer.model.ignore_merges = True
    tokenizer.add_tokens(added)
    return tokenizer


def drop_merges(tokenizer):
    """Takes away a part of the merges, so that some tokens are reached only as whole words: what ignore_merges is about."""
    import json

    model = json.loads(tokenizer.to_str())["model"]
    merges = [tuple(pair) for i, pair in enumerate(model["merges"]) if i % 7 != 3]
    tokenizer.model = BPE(model["vocab"], merges)


def qwen2(texts):
    added = [special(t) for t in ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>")]
    added += [plain(t) for t in ("<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_suffix|>", "<|repo_name|>")]
    tokenizer = byte_level(texts, QWEN2_PATTERN, 1600, added, normalizer=normalizers.NFC())
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    return tokenizer


def llama3(texts):
    names = "begin_of_text end_of_text finetune_right_pad_id start_header_id end_header_id eom_id eot_id python_tag".split()
    added = [special(f"<|{name}|>") for name in names] + [special(f"<|reserved_special_token_{i}|>") for i in range(4)]
    tokenizer = byte_level(texts, LLAMA3_PATTERN, 1600, added, ignore_merges=True, trim_offsets=True)
    bos = "<|begin_of_text|>"
    template = processors.TemplateProcessing(single=f"{bos} $A", pair=f"{bos} $A {bos} $B:1", special_tokens=[(bos, tokenizer.token_to_id(bos))])
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True, use_regex=False), template])
    return tokenizer


def tekken(texts):
    """Mistral Nemo: another pattern of words."""
    added = [special(t) for t in ("<unk>", "<s>", "</s>", "[INST]", "[/INST]")]
    return byte_level(texts, TEKKEN_PATTERN, 1600, added)


def sentencepiece(texts, size, head, user_defined):
    """A vocabulary laid out as a SentencePiece BPE model has it (control tokens, tokens of the user, bytes, pieces), with all merges
    that give a piece, as the converter of Transformers writes them. Returns vocabulary and merges."""
    trained = Tokenizer(BPE())
    trained.normalizer = normalizers.Replace(" ", UNDERLINE)
    trained.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(UNDERLINE, "merged_with_next"), pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Split(Regex(r"[\r\n\t]"), "isolated")]
    )
    # The trainer itself would choose among equally frequent characters at random.
    counts = Counter("".join(texts).replace(" ", UNDERLINE))
    alphabet = sorted(counts, key=lambda character: (-counts[character], character))[:260]
    trainer = BpeTrainer(vocab_size=size, min_frequency=2, limit_alphabet=len(alphabet), initial_alphabet=alphabet, show_progress=False)
    trained.train_from_iterator(texts, trainer)
    pieces = sorted(trained.get_vocab().items(), key=lambda item: item[1])
    characters = [piece for piece, _ in pieces if len(piece) == 1]
    # SentencePiece has the characters last, and scores pieces by their order.
    names = [*head, *user_defined, *(f"<0x{byte:02X}>" for byte in range(256))]
    names += [piece for piece, _ in pieces if len(piece) > 1 and piece not in names]
    names += [piece for piece in characters if piece not in names]
    fixed = len(head) + len(user_defined) + 256
    scores = {name: 0.0 if i < fixed else float(fixed - i) for i, name in enumerate(names)}
    vocab = {name: i for i, name in enumerate(names)}
    return vocab, generate_merges(vocab, scores)


GEMMA_HEAD = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]


def gemma(texts):
    lines = ["\n" * n for n in range(1, 32)]
    underlines = [UNDERLINE * n for n in range(2, 32)]
    html = ["<table>", "</table>", "<td>", "</td>", "<h1>", "</h1>", "<strong>"]
    unused = ["[@BOS@]", *(f"<unused{i}>" for i in range(4))]
    turns = ["<start_of_turn>", "<end_of_turn>"]
    user = [*unused, *turns, *lines, *underlines, *html]
    vocab, merges = sentencepiece(texts, 1500, GEMMA_HEAD, user)
    tokenizer = Tokenizer(BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", UNDERLINE)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace(UNDERLINE, " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_tokens([special(t) if t in (*GEMMA_HEAD, *turns) else plain(t) for t in (*GEMMA_HEAD, *user)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", pair="<bos> $A <bos>:1 $B:1", special_tokens=[("<bos>", vocab["<bos>"])])
    return tokenizer


def with_first_space(texts, added):
    vocab, merges = sentencepiece(texts, 1500, ["<unk>", "<s>", "</s>"], [])
    for token in added:
        vocab.setdefault(token, len(vocab))
    tokenizer = Tokenizer(BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    steps = [decoders.Replace(UNDERLINE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(content=" ", left=1)]
    tokenizer.decoder = decoders.Sequence(steps)
    tokenizer.add_tokens([special(t) for t in ("<unk>", "<s>", "</s>", *added)])
    return tokenizer


def llama2(texts):
    """Llama 2 and Mistral 7B: a space before every stretch of text."""
    tokenizer = with_first_space(texts, [])
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(UNDERLINE), normalizers.Replace(" ", UNDERLINE)])
    return tokenizer


def mistral3(texts):
    """Mistral 7B v0.3: a space before the first stretch of text."""
    tokenizer = with_first_space(texts, ["[INST]", "[/INST]"])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(UNDERLINE, prepend_scheme="first", split=False)
    return tokenizer


# Name, maker, fields of tokenizer_config.json.
KINDS = {
    "qwen2": (qwen2, {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "bos_token": None, "unk_token": None}),
    "llama3": (
        llama3,
        {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>", "clean_up_tokenization_spaces": True},
    ),
    "gemma": (
        gemma,
        {"tokenizer_class": "GemmaTokenizer", "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>", "add_bos_token": True},
    ),
    "tekken": (tekken, {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}),
    "llama2": (llama2, {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}),
    "mistral3": (mistral3, {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}),
}
