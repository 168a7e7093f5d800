"""The jobs of a run, by the rules that the platform plans by, and how much of the user's input each has to do with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from genomics.contracts.regions import Region, calling_jobs, job_part
from genomics.contracts.steps import OF_NO_SAMPLE, SCATTERED_BY, SHARED, Step

_ANNOTATING = (Step.PREPARE_ANNOTATION, Step.ANNOTATE)


@dataclass(frozen=True)
class PlannedJob:
    """One job; `sample` is empty for what all share. `size` is the bytes of FASTQ (or FASTA) that are its share."""

    sample: str
    step: Step
    part: str
    size: float


@dataclass(frozen=True)
class RunSize:
    """What a run is made of: bytes of FASTQ by sample and lane, of the reference, and the regions calling is cut into.

    Reads are taken to lie evenly where variants are called. `is_annotated` says whether variants are.
    """

    reference_bytes: int
    lanes: Mapping[str, Mapping[str, int]]
    regions: tuple[Region, ...]
    is_annotated: bool = False

    def sample_bytes(self, sample: str) -> int:
        """Of all lanes."""
        return sum(self.lanes[sample].values())

    @cached_property
    def _region_bases(self) -> dict[str, int]:
        """Bases of each job of calling."""
        return {job_part(regions): sum(r.length for r in regions) for regions in calling_jobs(self.regions)}

    def job(self, sample: str, step: Step, part: str) -> PlannedJob:
        """One job of the run. KeyError if the run has no such sample, lane or region."""
        return PlannedJob(sample, step, part, self._size(sample, step, part))

    def jobs(self) -> Iterator[PlannedJob]:
        """All of the run, if nothing is skipped: what all share, then each sample's in the order of the data."""
        steps = [step for step in Step if self.is_annotated or step not in _ANNOTATING]
        yield from (self.job("", step, "") for step in steps if step in SHARED)
        for sample in self.lanes:
            for step in steps:
                if step not in OF_NO_SAMPLE:
                    yield from (self.job(sample, step, part) for part in self._parts(sample, step))

    def _parts(self, sample: str, step: Step) -> tuple[str, ...]:
        match SCATTERED_BY.get(step):
            case "lane":
                return tuple(self.lanes[sample])
            case "region":
                return tuple(self._region_bases)
        return ("",)

    def _size(self, sample: str, step: Step, part: str) -> float:
        if step in SHARED:
            return self.reference_bytes
        match SCATTERED_BY.get(step):
            case "lane":
                return self.lanes[sample][part]
            case "region":
                bases = self._region_bases
                return self.sample_bytes(sample) * bases[part] / sum(bases.values())
        return self.sample_bytes(sample)
