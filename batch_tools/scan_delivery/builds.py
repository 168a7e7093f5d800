"""Reference builds, told apart by the lengths of their chromosomes."""

from collections.abc import Iterable

from batch_tools.scan_delivery.findings import Findings

# Assembly reports of GRCh37.p13 and GRCh38.p14, NCBI: lengths of chromosomes 1 to 22, X and Y in bases.
_NAMES = [*map(str, range(1, 23)), "X", "Y"]
_GRCH37 = (
    *(249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022, 141213431, 135534747),
    *(135006516, 133851895, 115169878, 107349540, 102531392, 90354753, 81195210, 78077248, 59128983, 63025520),
    *(48129895, 51304566, 155270560, 59373566),
)
_GRCH38 = (
    *(248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636, 138394717, 133797422),
    *(135086622, 133275309, 114364328, 107043718, 101991189, 90338345, 83257441, 80373285, 58617616, 64444167),
    *(46709983, 50818468, 156040895, 57227415),
)
_LENGTHS = {"GRCh37": dict(zip(_NAMES, _GRCH37, strict=True)), "GRCh38": dict(zip(_NAMES, _GRCH38, strict=True))}


def check_build(findings: Findings, build: str, contigs: Iterable[tuple[str, int, int | None]]) -> None:
    """Contigs (name, length, line of the header) must have the build's lengths; those of other names are left alone."""
    expected = _LENGTHS.get(build, {})
    for name, length, line in contigs:
        wanted = expected.get(name.removeprefix("chr"))
        if wanted is not None and wanted != length:
            other = next(
                (b for b, lengths in _LENGTHS.items() if lengths[name.removeprefix("chr")] == length), "another"
            )
            problem = f"{name} has {length} bases as in {other}, {build} was agreed, with {wanted}"
            findings.invalid(problem, line=line, field=f"contig {name}")
            return
