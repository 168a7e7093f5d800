"""Alleles in their normal form, by which the same one is always written the same way."""

_PLAIN = ("--no-version", "--output-type", "u")
_SMALLEST_SORT_MIB = 64


def normalising(
    reference: str,
    *,
    source: str | None = None,
    takes_apart: bool = True,
    drops_misfits: bool = False,
    memory_mib: int | None = None,
    output_type: str = "u",
    output: str | None = None,
) -> list[list[str]]:
    """Commands of a pipeline that left-align on the FASTA `reference`, sort, and keep of equal records the first.

    `source` is a file, else what is piped in; `output` is one, of bcftools' `output_type`, else it is piped on. Unless
    it `takes_apart`, records may have several alternate alleles. With `drops_misfits`, records whose REF is not the
    reference's go; without, they are an error. Sorting takes half of `memory_mib`, if given.
    """
    given = [source] if source else []
    align = ["bcftools", "norm", *_PLAIN, *(("--check-ref", "x") if drops_misfits else ()), "--fasta-ref", reference]
    # Left-aligning can carry a record past its neighbours.
    sort = ["bcftools", "sort", "--temp-dir", "sort_", "--output-type", "u"]
    if memory_mib is not None:
        sort += ["--max-mem", f"{max(_SMALLEST_SORT_MIB, memory_mib // 2)}M"]
    once = ["bcftools", "norm", "--no-version", "--rm-dup", "exact", "--output-type", output_type]
    once += ["--output", output] if output else []
    if takes_apart:
        return [["bcftools", "norm", *_PLAIN, "--multiallelics", "-any", *given], align, sort, once]
    return [[*align, *given], sort, once]
