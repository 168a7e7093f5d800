"""A quick answer for the very many texts that can hold nothing personal: by their shape, in which all digits are zeros.

Whatever batch_tools.scan_delivery.phi_detector finds without a column's name has a shape that `can_hold` says yes to.
"""

import re
from functools import lru_cache

from batch_tools.scan_delivery.labels import LABEL_WORDS, LABELS

_ZEROS = str.maketrans("123456789", "000000000")
_WORD = "[A-Za-z]"
_FORMS = (
    # Dates: by numbers, and with a month's name.
    "0000[-/. _]00[-/. _]00|(?<!:)0{8}(?![0A-Za-z])|0{8}[ _-][A-Za-z]{2}|00?[-/. _]00?[-/. _]00(?:00)?(?![0A-Za-z])",
    rf"00?[ ._-]?{_WORD}{{3,9}}[ .,_-]{{0,2}}0000|{_WORD}{{3,9}}[ ._-]?00?(?:st|nd|rd|th)?[ .,_-]{{1,2}}0000",
    # Numbers of states.
    r"0{11,18}(?![0A-WYZa-z])|0{17}X|0{6}[-+/A-FU-Y ]0{3}|0{8}[-+]0000",
    r"000[- .]00[- ]0|000[- .]000[- .]000|0000[ -]0000[ -]0000|00\.00\.00-|000\.0000\.0000",
    r"[A-Z]{6}00[A-Z]00|[A-Z]{4}0{6}[A-Z]|(?<!\.)0{8}-?[A-Z](?![>A-Za-z])|[XYZ]-?0{7}",
    r"[A-Z]{2}0{6}[A-D]|[A-Z]{2} 00 ?00 ?00 |0 ?00 ?00 ?0[0AB] ?000",
    # Phone numbers.
    r"\(?\+0|00[ (]0|\(0{1,5}\)|000[-. ]000[-. ]0|00[- ]0{3,5}-0000|0{2,5}[ /-]{1,2}0[0 /-]{4}"
    r"|0{2,4} 00[0 ]{2}|000 0 000",
)
_NUMBER_OR_DATE = re.compile(rf"(?<![^\W_])(?:{'|'.join(_FORMS)})")
_LABEL = re.compile(rf"(?<![^\W_])(?:{LABELS.lower()})(?![^\W\d_])(?=[^0]{{0,16}}0)")
_WORD_OF_LETTERS = re.compile(r"[^\W\d_]+")
# Shapes repeat: what was once answered is remembered for some, unless it is long.
_REMEMBERED = 1 << 16
_LONG = 200


def can_hold(text: str) -> bool:
    """Whether a text may hold something personal."""
    shape = text.translate(_ZEROS)
    return _remembered(shape) if len(shape) < _LONG else _shape_can_hold(shape)


def _shape_can_hold(shape: str) -> bool:
    if "@" in shape:
        return True
    if "0" not in shape or (len(shape) < 11 and not shape.strip("0")):
        return False
    if not shape.isascii() or _NUMBER_OR_DATE.search(shape):
        return True
    lower = shape.lower()
    return not LABEL_WORDS.isdisjoint(_WORD_OF_LETTERS.findall(lower)) and _LABEL.search(lower) is not None


_remembered = lru_cache(_REMEMBERED)(_shape_can_hold)
