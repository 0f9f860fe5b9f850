"""Coupon codes: what a cashier types wrong is noticed."""

from __future__ import annotations

import hashlib

import pytest

from schemas.codes import ALPHABET, code_of, read_code

CODES = [code_of(hashlib.sha256(bytes([n])).digest()) for n in range(50)]


def test_the_shape():
    assert all(len(code) == 14 and code[4] == code[9] == "-" for code in CODES)
    assert len(set(CODES)) == len(CODES)
    assert not set("".join(CODES)) - set(ALPHABET) - {"-"}


@pytest.mark.parametrize("code", CODES[:10])
def test_what_looks_alike_is_read_alike(code: str):
    assert read_code(code) == code
    typed = code.lower().replace("0", "o").replace("1", "l").replace("-", " ")
    assert read_code(typed) == code


@pytest.mark.parametrize("code", CODES[:10])
def test_one_wrong_symbol_or_two_swapped_neighbours_are_noticed(code: str):
    symbols = code.replace("-", "")
    for place, symbol in enumerate(symbols):
        for other in ALPHABET:
            if other != symbol:
                assert read_code(symbols[:place] + other + symbols[place + 1 :]) is None
        swapped = symbols[:place] + symbols[place : place + 2][::-1] + symbols[place + 2 :]
        assert swapped == symbols or read_code(swapped) is None


@pytest.mark.parametrize("typed", ["", "1234", "UUUU-UUUU-UUUU", "ABCD-EFGH-JKMN-PQ", "ÄBCD-EFGH-JKMN"])
def test_other_things_are_no_codes(typed: str):
    assert read_code(typed) is None
