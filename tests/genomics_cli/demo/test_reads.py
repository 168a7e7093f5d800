import numpy as np
import pytest

from genomics_cli.demo.genome import make_genome, text
from genomics_cli.demo.reads import ADAPTERS, READ_LENGTH, Reads, fastq, sequence_pairs


@pytest.fixture(scope="module")
def sequence() -> np.ndarray:
    return make_genome(np.random.default_rng(1), {"c": 20_000})["c"]


@pytest.fixture(scope="module")
def mates(sequence: np.ndarray) -> tuple[Reads, Reads]:
    return sequence_pairs(np.random.default_rng(2), [sequence, sequence], depth=30.0)


def _reverse_complement(letters: str) -> str:
    return letters.translate(str.maketrans("ACGTN", "TGCAN"))[::-1]


def test_depth_is_as_asked(sequence: np.ndarray, mates: tuple[Reads, Reads]) -> None:
    assert sum(mate.bases.size for mate in mates) / len(sequence) == pytest.approx(30.0, rel=0.01)


def test_mates_face_each_other_on_one_fragment(sequence: np.ndarray, mates: tuple[Reads, Reads]) -> None:
    letters = text(sequence)
    exact = 0
    for first, second in zip(mates[0].bases[:200], mates[1].bases[:200], strict=True):
        one, two = first.tobytes().decode(), second.tobytes().decode()
        for forward, backward in ((one, two), (two, one)):
            start, end = letters.find(forward), letters.find(_reverse_complement(backward))
            if start >= 0 and end >= 0:
                assert 0 <= end + READ_LENGTH - start <= 700
                exact += 1
    assert exact > 60


def test_errors_are_as_frequent_as_the_qualities_promise() -> None:
    # Of one base only, so that every other letter is an error.
    sequence = np.zeros(20_000, dtype=np.uint8)
    first, second = sequence_pairs(np.random.default_rng(4), [sequence, sequence], depth=200.0)
    for quality, rate in ((25, 10**-2.5), (11, 10**-1.1)):
        letters = np.concatenate([mate.bases[mate.qualities == quality + 33] for mate in (first, second)])
        # Of forward and of reverse reads; the few adapters are other letters too.
        wrong = np.isin(letters, np.frombuffer(b"CG", dtype=np.uint8)).mean() * 3 / 2
        assert wrong == pytest.approx(rate, rel=0.25, abs=0.004)


def test_an_n_has_the_lowest_quality(mates: tuple[Reads, Reads]) -> None:
    is_n = mates[0].bases == ord("N")
    assert is_n.any()
    assert set(mates[0].qualities[is_n].tolist()) == {2 + 33}


def test_reads_of_short_fragments_run_into_the_adapter(mates: tuple[Reads, Reads]) -> None:
    for mate, adapter in zip(mates, ADAPTERS, strict=True):
        found = [read for read in mate.bases if adapter[:20].encode() in read.tobytes()]
        assert 0.001 < len(found) / len(mate) < 0.05


def test_some_fragments_are_read_twice(mates: tuple[Reads, Reads]) -> None:
    starts = [read.tobytes()[:40] for read in mates[0].bases]
    assert 0.005 < 1 - len(set(starts)) / len(starts) < 0.06


def test_fastq_has_four_lines_a_read_and_the_same_names_for_both_mates(mates: tuple[Reads, Reads]) -> None:
    texts = [fastq(mate.take(slice(0, 3)), mate=number, lane=2) for number, mate in enumerate(mates, 1)]
    lines = [text.decode().splitlines() for text in texts]
    assert [len(found) for found in lines] == [12, 12]
    assert lines[0][0] == "@DEMO:1:HDEMOXX:2:1101:0000:0001 1:N:0:1"
    assert lines[1][8] == "@DEMO:1:HDEMOXX:2:1101:0000:0003 2:N:0:1"
    assert lines[0][2] == "+"
    assert {len(line) for found in lines for line in (found[1], found[3])} == {READ_LENGTH}
