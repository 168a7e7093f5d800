"""Numbers as VCF writes them: what they look like, and what they say."""

import numpy as np

from glue_jobs.vcf.columns.compiled import DOT, MINUS, NINE, PLUS, ZERO, Bytes, compiled

# The values of at most so many digits fit 64 bits; longer ones are left to the slow reader.
_MOST_DIGITS = 18
# A decimal of at most 15 digits times a power of ten up to 22 is exact in double precision (Clinger, 1990).
_EXACT_DIGITS = 15
_POWERS = 10.0 ** np.arange(23)
_EXACT_POWER = 22
_LETTER_E = 101
_HUGE = 1_000_000
_INFINITY = np.frombuffer(b"infinity", np.uint8)

NO_NUMBER, NUMBER, HARD_NUMBER = 0, 1, 2


@compiled
def is_integer(text: Bytes, start: int, end: int) -> bool:
    """An optional sign and 1 to 18 digits."""
    if start < end and (text[start] == MINUS or text[start] == PLUS):
        start += 1
    if not 0 < end - start <= _MOST_DIGITS:
        return False
    while start < end:
        if not ZERO <= text[start] <= NINE:
            return False
        start += 1
    return True


@compiled
def integer(text: Bytes, start: int, end: int) -> int:
    """The value of what `is_integer`."""
    negative = text[start] == MINUS
    if negative or text[start] == PLUS:
        start += 1
    value = 0
    while start < end:
        value = value * 10 + (text[start] - ZERO)
        start += 1
    return -value if negative else value


@compiled
def _is_word(text: Bytes, start: int, end: int) -> bool:
    """`inf`, `infinity` or `nan`, in letters of either case."""
    length = end - start
    if length == 3:
        a, b, c = text[start] | 32, text[start + 1] | 32, text[start + 2] | 32
        return bool((a == 105 and b == 110 and c == 102) or (a == 110 and b == 97 and c == 110))
    if length != 8:
        return False
    same = 0
    for i in range(8):
        same += text[start + i] | 32 == _INFINITY[i]
    return same == 8


@compiled
def _exponent(text: Bytes, start: int, end: int) -> tuple[bool, int]:
    """What follows a mantissa: whether it is nothing or an exponent, and the power of ten."""
    if start == end:
        return True, 0
    if text[start] | 32 != _LETTER_E:
        return False, 0
    start += 1
    below = start < end and text[start] == MINUS
    if below or (start < end and text[start] == PLUS):
        start += 1
    exponent, first = 0, start
    while start < end and ZERO <= text[start] <= NINE:
        exponent = min(exponent * 10 + (text[start] - ZERO), _HUGE)
        start += 1
    return start == end and start > first, -exponent if below else exponent


@compiled
def decimal(text: Bytes, start: int, end: int) -> tuple[int, float]:
    """Whether a number stands there, and its value; the value of a HARD_NUMBER must be found in another way."""
    negative = start < end and text[start] == MINUS
    if negative or (start < end and text[start] == PLUS):
        start += 1
    if _is_word(text, start, end):
        return HARD_NUMBER, 0.0
    mantissa, significant, seen, scale = 0, 0, 0, 0
    fraction = False
    while start < end:
        byte = text[start]
        if byte == DOT and not fraction:
            fraction = True
        elif ZERO <= byte <= NINE:
            seen += 1
            if significant < _EXACT_DIGITS:
                mantissa = mantissa * 10 + (byte - ZERO)
                scale -= fraction
            significant += mantissa > 0
        else:
            break
        start += 1
    good, exponent = _exponent(text, start, end)
    if seen == 0 or not good:
        return NO_NUMBER, 0.0
    scale += exponent
    if significant > _EXACT_DIGITS or not -_EXACT_POWER <= scale <= _EXACT_POWER:
        return HARD_NUMBER, 0.0
    value = mantissa / _POWERS[-scale] if scale < 0 else mantissa * _POWERS[scale]
    return NUMBER, -value if negative else value
