"""Coupon codes: `XXXX-XXXX-XXXX` in Crockford's base32, eleven symbols of secret and one that catches typing errors.

The last symbol is a weighted sum over the field of 32 elements, so that any one wrong symbol and any two neighbours
swapped are noticed at the till before anyone is asked.
"""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {symbol: value for value, symbol in enumerate(ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_SYMBOLS = 11
_REDUCE = 0b100101  # x⁵ + x² + 1, irreducible: 2 generates the 31 non-zero elements
_DOUBLED = tuple([value << 1 ^ (_REDUCE if value & 16 else 0) for value in range(32)])
_PLACES = tuple(range(5 * (_SYMBOLS - 1), -1, -5))


def code_of(digest: bytes) -> str:
    """The code of a digest's first 55 bits; the digest has at least 7 bytes."""
    secret = int.from_bytes(digest[:7], "big") >> 1
    values = [secret >> place & 31 for place in _PLACES]
    text = "".join([ALPHABET[value] for value in values])
    return f"{text[:4]}-{text[4:8]}-{text[8:]}{ALPHABET[_check(values)]}"


def read_code(typed: str) -> str | None:
    """The code as we write it, from what somebody typed: case, spaces, dashes and O/0, I/L/1 do not matter.

    None when it cannot be a code of ours.
    """
    values = [_VALUES.get(symbol) for symbol in typed.upper() if symbol not in " -"]
    known = [value for value in values if value is not None]
    if len(known) != len(values) or len(known) != _SYMBOLS + 1 or _check(known[:-1]) != known[-1]:
        return None
    text = "".join(ALPHABET[value] for value in known)
    return f"{text[:4]}-{text[4:8]}-{text[8:]}"


def _check(values: list[int]) -> int:
    total = 0
    for value in values:
        total = _DOUBLED[total ^ value]
    return total
