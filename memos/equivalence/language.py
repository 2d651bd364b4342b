"""Whether a text is English, which is what the rules know."""

from collections.abc import Sequence

from memos.equivalence.tokens import Token
from memos.lexical.english import STOP_WORDS

FEW = 3
"""Words that may be English without a small word among them."""

_FOREIGN = """
    der die das und ist nicht ein eine einen wie ich sie wir mit auf warum wo wer
    le les des est pas une dans pour que qui quoi comment pourquoi quel quelle je vous nous sont avec
    el los las como por para cual donde cuando porque una es son con del il che non sono come perche della quanto
    os nao uma com mais onde qual de het een niet hoe waarom wat co jak nie jest dlaczego gdzie
    kya hai hain kaise kyon mein nahi kahan
"""
FOREIGN = frozenset(_FOREIGN.split()) - STOP_WORDS
"""Small words of other languages."""


def is_english(tokens: Sequence[Token]) -> bool:
    """Whether more of the small words are English than of other languages; a few words alone pass for English."""
    small = [token.word.lower() for token in tokens]
    english = sum(word in STOP_WORDS for word in small)
    foreign = sum(word in FOREIGN for word in small)
    if any(map(is_far, small)):
        return english * FEW >= len(small)
    return english > foreign or (not foreign and len(small) <= FEW)


def is_far(word: str) -> bool:
    """Whether a word has letters beyond those of Latin alphabets."""
    return not word.isascii() and any(character > "\u024f" and character.isalpha() for character in word)
