"""Text as the encoder sees it: normalisation, vocabulary and WordPiece.

The Go side repeats these rules, so they are few and every one is covered by
nlp/encoder/model/golden.json. Whoever changes a rule rebuilds the model.
"""

import re
import unicodedata

from tokenizers import BertWordPieceTokenizer

MAX_TOKENS = 64  # in training; position embeddings allow 512, the runtime uses 128

_MENTION = re.compile(r"(^|[^A-Za-z0-9_])@[A-Za-z0-9_]+")
_URL = re.compile(r"https?://\S+|www\.\S+")

# Emoji blocks that carry feeling: faces, hands, people, hearts, symbols.
_EMOJI_BLOCKS = ((0x1F600, 0x1F64F), (0x1F910, 0x1F92F), (0x1F970, 0x1F97A),
                 (0x1F440, 0x1F4AF), (0x1F3FB, 0x1F3FF), (0x1F9E1, 0x1F9E1),
                 (0x1F90D, 0x1F90F), (0x1FAE0, 0x1FAE8), (0x1FA75, 0x1FA77))


def is_symbol(ch):
    """Emoji and other pictures: Unicode category So, and the five skin tones."""
    return 0x1F3FB <= ord(ch) <= 0x1F3FF or (ord(ch) > 0x7F and unicodedata.category(ch) == "So")


def normalise(text):
    """Hides who is addressed and where a link leads, tames "soooo" to "soo",
    and sets emoji apart as words of their own."""
    text = _URL.sub("http", text)
    text = _MENTION.sub(r"\1@user", text)
    out, run, last = [], 0, ""
    for ch in text:
        run = run + 1 if ch.lower() == last else 1
        last = ch.lower()
        if run > 2 and ch.isalpha():
            continue
        out.append(f" {ch} " if is_symbol(ch) else ch)
    return "".join(out)


def with_emoji(vocab, texts):
    """Puts emoji into BERT's [unusedN] slots, so the vocabulary keeps its size.

    Returns the new vocabulary and, for each emoji put in, the words of its
    Unicode name: their vectors are its first vector."""
    seen = {ch for text in texts for ch in text if is_symbol(ch)}
    seen |= {chr(c) for a, b in _EMOJI_BLOCKS for c in range(a, b + 1)}
    wanted = sorted(ch for ch in seen if unicodedata.name(ch, "") and ch not in set(vocab))
    slots = [i for i, token in enumerate(vocab) if token.startswith("[unused")]
    vocab, names = list(vocab), {}
    for slot, ch in zip(slots, wanted):
        vocab[slot] = ch
        names[slot] = unicodedata.name(ch).lower().replace("-", " ")
    return vocab, names


def tokenizer(vocab_path, max_tokens=MAX_TOKENS):
    tok = BertWordPieceTokenizer(str(vocab_path), lowercase=True)
    tok.enable_truncation(max_tokens)
    return tok
