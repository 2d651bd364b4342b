"""Texts of others, as they can be kept."""


def legible(text: str) -> str:
    """A text without NUL, and with `?` for lone surrogates: neither can be kept, and models may write both."""
    return text.replace("\x00", "").encode(errors="replace").decode()
