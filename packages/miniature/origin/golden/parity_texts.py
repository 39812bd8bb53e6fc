"""Texts that tokenizers disagree about, made from a seed: prose, code, numbers, every script, white space, long runs,
special tokens of all families, and unpaired surrogates as JavaScript strings can hold them."""

import random

WORDS = {
    "latin": "the a of and to in is it that for on with as was at by not be this have from or had but what when we there "
    "can an your which their said if do will each about how up out them then she many some so would other into has more "
    "bridge heron kettle roof water stone lantern harbour window garden question answer because through thought strength "
    "system user assistant model token people number write between never always important understanding".split(),
    "accents": "über Mädchen grüßt Straße größer l'été préféré forêt où garçon naïve façade São João coração señor mañana "
    "Ångström smörgåsbord Ærø błąd źródło žluťoučký kůň İstanbul ısırgan ŉ ﬁne ﬂow ſoft Ǆungla".split(),
    "cyrillic": "привет мир вода мост камень окно йод ёлка її".split(),
    "greek": "νερό γέφυρα πέτρα ἄνθρωπος λόγος ΆΈΉ ς".split(),
    "hebrew": "שלום עולם מים גשר שָׁלוֹם".split(),
    "arabic": "مرحبا بالعالم ماء جسر مُحَمَّد ـــ لا".split(),
    "indic": "नमस्ते दुनिया पानी क्षत्रिय हिन्दी தமிழ் నీరు বাংলা".split(),
    "thai": "สวัสดีชาวโลก น้ำ สะพาน ที่นี่".split(),
    "cjk": "你好，世界 桥下的水很冷 請在橋上等我 雨が屋根をたたく カタカナ ｶﾞ 東京都 𠮷野家 㐂 비가 온다 안녕하세요 ㄱㄴ 각".split(),
}
CONTRACTIONS = "I'm we're they'll you've he'd it's don't 's 't 're 've 'm 'll 'd rock'n'roll o'clock 'tis y'all'd've '' ''s".split()
CODE = [
    "if (x) {\n    return y;\n}\n", "def f(a, b=None):\n\treturn a[0] ** 2  # square\n", "https://example.org/?q=a&b=c#d",
    "user.name+tag@example.co.uk", "C:\\Users\\a\\b.txt", "../../etc/passwd", "SELECT * FROM t WHERE a='b';", "{\"a\": [1, 2.5e-3, null]}",
    "<div class=\"x\">&nbsp;</div>", "$\\frac{a}{b}$", "a->b::c<T>&&d||!e", "#include <stdio.h>", "| a | b |\n|---|---|\n", "```js\nx=>x\n```",
    "camelCaseName snake_case_name kebab-case-name", "0x1F 0b101 1_000_000 1e10", "****", "-----", "======", "~~~", "// TODO: it's", "\\n \\t \\u00e9",
]  # fmt: skip
EMOJI = [
    "🙂", "🙃", "👍", "👍🏽", "👩🏿", "👨‍👩‍👧‍👦", "🏳️‍🌈", "👩🏽‍💻", "🇫🇷", "🇫🇷🇩", "❤️", "❤", "1️⃣", "#⃣", "🧑🏻‍🤝‍🧑🏿", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "☺︎", "🦾", "‍",
]  # fmt: skip
SPACES = [" ", " ", " ", "  ", "   ", "    ", "\t", "\t\t", "\n", "\n\n", "\r\n", "\r", "\n ", " \n", "\v", "\f", "\u0085", "\u00a0", "\u1680", "\u180e",
    "\u2000", "\u2003", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\u200b", "\ufeff", "▁", "▁▁", "\n\n\n\n", "\r\n\r\n"]  # fmt: skip
CONTROLS = [chr(c) for c in (*range(0, 32), *range(127, 160))] + ["\u200c", "\u200d", "\u200e", "\u200f", "\u202a", "\u202e", "\u2066", "\u2069", "\u00ad",
    "\ufffc", "\ufffd", "\ufffe", "\uffff", "\U0001fffe", "\U0010ffff", "\ue000", "\U000f0000", "\U000e0001", "\u034f", "\x1b[31m"]  # fmt: skip
MARKS = ["\u0301", "\u0300", "\u0308", "\u0323", "\u0327", "\u0338", "\u20dd", "\u0345", "\u064b", "\u05b0", "\u0e31", "\u093c", "\u3099", "\ufe0f", "\U0001d165"]
NUMBERS = ["0", "7", "12", "123", "1234", "12345", "1234567890", "3.14159", "1,000,000", "-5", "+1", "1/2", "½", "²", "10³", "٣٤٥", "Ⅷ", "①", "१२३", "２０２４", "𝟘𝟙𝟚",
    "一二三", "2024-07-26T10:00:00Z", "192.168.0.1", "1e-9", "v2.0-rc1", "50%", "€9.99", "007", "1st"]  # fmt: skip
PUNCTUATION = ["!", "?", "...", "…", ".", ",", ";", ":", "-", "—", "–", "(", ")", "[", "]", "{", "}", "<", ">", "/", "\\", "|", "\"", "“", "”", "'", "’", "‘", "`", "´",
    "@", "#", "$", "%", "^", "&", "*", "_", "=", "+", "~", "。", "、", "！", "？", "«", "»", "¿", "¡", "§", "°", "±", "×", "÷", "∑", "∞", "≤", "→", "™", "©"]  # fmt: skip
SPECIALS = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>",
    "<|end_header_id|>", "<|eot_id|>", "<|python_tag|>", "<bos>", "<eos>", "<pad>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>", "<unused0>", "<table>", "</td>",
    "<s>", "</s>", "[INST]", "[/INST]", "<0x0A>", "<0xE2>", "<0x00>",
]  # fmt: skip
RUNS = ["a", "A", "e\u0301", "é", "0", "7", " ", "\n", "\t", "\r\n", "\u00a0", ".", "'", "-", "=", "_", "▁", "你", "🙂", "👍🏽", "ab", " a", "\n ", " \n", "a ", "\u0301", "'s", "ha", "1a", "\u200d",
    "\x00", "\ufffd", "<", "the ", "  \n", "你 ", "!?", "\u3000"]  # fmt: skip
RUN_LENGTHS = [2, 3, 5, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257, 511, 513, 1000]
BLOCKS = [(0x20, 0x7F), (0xA0, 0x250), (0x250, 0x370), (0x370, 0x530), (0x530, 0x780), (0x900, 0xE80), (0x10A0, 0x1400), (0x1780, 0x1800), (0x1E00, 0x2070),
    (0x2070, 0x2C00), (0x2E80, 0x3400), (0x4E00, 0x9FFF), (0xA640, 0xABFF), (0xAC00, 0xD7A4), (0xF900, 0xFB50), (0xFB50, 0xFFFE), (0x10000, 0x10400), (0x1D400, 0x1D800),
    (0x1F000, 0x1FB00), (0x20000, 0x2A6DF)]  # fmt: skip


class Texts:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def some(self, low, high, make, separator=""):
        return separator.join(make() for _ in range(self.random.randint(low, high)))

    def word(self):
        pick = self.random
        script = "latin" if pick.random() < 0.6 else pick.choice(list(WORDS))
        word = pick.choice(WORDS[script])
        change = pick.random()
        if change < 0.08:
            return word.upper()
        if change < 0.2:
            return word.capitalize()
        if change < 0.24:
            return "".join(pick.choice((c.upper(), c.lower())) for c in word)
        return word

    def invented(self):
        """Words of no language, so that a vocabulary meets what it has no token for."""
        syllables = "ba ke li mo nu stra phe qui xo zy ing tion ment ough".split()
        return self.some(1, 5, lambda: self.random.choice(syllables))

    def prose(self):
        def word():
            pick = self.random.random()
            text = self.word() if pick < 0.75 else self.invented() if pick < 0.85 else self.contraction()
            return text + (self.random.choice(PUNCTUATION) if self.random.random() < 0.15 else "")

        return self.some(1, 14, word, " ")

    def contraction(self):
        text = self.random.choice(CONTRACTIONS)
        change = self.random.random()
        if change < 0.25:
            text = text.upper()
        elif change < 0.4:
            text = "".join(self.random.choice((c.upper(), c.lower())) for c in text)
        elif change < 0.5:
            text = text.replace("'", self.random.choice("’`´＇"))
        elif change < 0.56:
            text = text.replace("s", "ſ").replace("S", "ſ")
        return text + (self.word() if self.random.random() < 0.3 else "")

    def code(self):
        return self.some(1, 3, lambda: self.random.choice(CODE), self.random.choice(["\n", " ", ""]))

    def numbers(self):
        return self.some(1, 6, lambda: self.random.choice(NUMBERS), self.random.choice([" ", "", " + ", "\n", ","]))

    def digits(self):
        return str(self.random.randrange(10 ** self.random.randint(1, 30)))

    def spaces(self):
        return self.some(1, 6, lambda: self.random.choice(SPACES))

    def spaced(self):
        return self.some(1, 6, lambda: self.random.choice((self.word, self.digits, self.spaces))() + self.spaces())

    def emoji(self):
        return self.some(1, 6, lambda: self.random.choice(EMOJI), self.random.choice(["", "", " ", "\u200d"]))

    def marks(self):
        return self.some(1, 4, lambda: self.random.choice("aeiouAsqlחนकカ각1 .\n") + self.some(0, 4, lambda: self.random.choice(MARKS)))

    def controls(self):
        return self.some(1, 5, lambda: self.random.choice(CONTROLS) + (self.word() if self.random.random() < 0.3 else ""))

    def block(self):
        low, high = self.random.choice(BLOCKS)
        return self.some(1, 12, lambda: chr(self.random.randrange(low, high)))

    def anything(self):
        def character():
            code = self.random.choice((self.random.randrange(0x110000), self.random.randrange(0x3000), self.random.randrange(0x20000)))
            return "" if 0xD800 <= code < 0xE000 else chr(code)

        return self.some(1, 10, character)

    def punctuation(self):
        return self.some(1, 8, lambda: self.random.choice(PUNCTUATION))

    def special(self):
        token = self.random.choice(SPECIALS)
        change = self.random.random()
        if change < 0.1:
            token = token[: self.random.randrange(1, len(token))]
        elif change < 0.15:
            token = token.upper()
        elif change < 0.2:
            token = token[1:]
        return token

    def specials(self):
        around = (self.word, self.spaces, self.special, lambda: "", self.digits)
        return self.some(1, 4, lambda: self.special() + self.random.choice(around)())

    def run(self):
        return self.random.choice(RUNS) * self.random.choice(RUN_LENGTHS)

    def surrogate(self):
        lone = chr(self.random.randrange(0xD800, 0xE000))
        pick = self.random.random()
        if pick < 0.2:  # The halves of a pair in the wrong order; in the right one they would be one character.
            lone = chr(self.random.randrange(0xDC00, 0xE000)) + chr(self.random.randrange(0xD800, 0xDC00))
        return self.random.choice((self.word, self.spaces, self.marks, lambda: ""))() + lone + self.random.choice((self.word, self.digits, lambda: "\u0301", lambda: ""))()

    def mixed(self):
        parts = (self.prose, self.contraction, self.code, self.numbers, self.spaces, self.emoji, self.marks, self.controls, self.block, self.punctuation, self.specials, self.anything)
        return self.some(2, 5, lambda: self.random.choice(parts)())

    def training(self):
        """Texts for a vocabulary: nothing random about the characters, no runs."""
        parts = (self.prose, self.prose, self.prose, self.contraction, self.code, self.numbers, self.spaced, self.emoji)
        return [self.random.choice(parts)() for _ in range(4000)]


FIXED = ["", "a", " ", "  ", "\n", "\r", "\r\n", "\t", "\x00", "\ud800", "\udc00", "\udfff\ud800", "a\ud83d", "\ude42b", "é\ud800\u0301", "🙂\ud83d🙂"]
LONG_RUNS = [unit * 10_000 for unit in ("a", " ", "\n", "7", "é", "你", "🙂", "\t", ".", "ab", " \n", "\u0301", "A ")] + [
    "x" + " " * 10_000 + "y", " " * 10_000 + "\n", "\n" * 9_999 + "a", "'" * 10_000, "<|im_end|>" * 1_000, "<end_of_turn>" * 1_000,
]  # fmt: skip


def parity_texts(count, seed):
    make = Texts(seed)
    kinds = {
        make.prose: 16, make.contraction: 6, make.code: 6, make.numbers: 6, make.digits: 3, make.spaced: 8, make.spaces: 5, make.emoji: 6, make.marks: 7,
        make.controls: 5, make.block: 8, make.anything: 5, make.punctuation: 3, make.specials: 9, make.run: 6, make.surrogate: 5, make.mixed: 16,
    }  # fmt: skip
    texts = [*FIXED, *LONG_RUNS]
    seen = set(texts)
    while len(texts) < count:
        text = make.random.choices(list(kinds), list(kinds.values()))[0]()
        if text not in seen:
            seen.add(text)
            texts.append(joined(text))
    return texts


def joined(text):
    """Surrogate pairs as one character: how JSON reads them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def well_formed(text):
    """Unpaired surrogates become U+FFFD, as everywhere where UTF-16 becomes UTF-8."""
    return "".join("\ufffd" if 0xD800 <= ord(c) < 0xE000 else c for c in text)
