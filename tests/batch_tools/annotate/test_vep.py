"""VEP, which is not here: how it would be started, and what becomes of what it writes."""

import os
import re
import sys
from pathlib import Path
from typing import Any

import pysam
import pytest

from batch_tools.annotate import annotate
from batch_tools.annotate.consequences import worst_of_vep
from batch_tools.annotate.vep import FIELDS, VepCache, find_cache, vep
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.versions import tool_versions
from genomics.contracts.parameters import AnnotateParameters
from tests.batch_tools import known_consequences

# Ensembl VEP, "Options" (ensembl.org/info/docs/tools/vep/script/vep_options.html), of release 113: whether each takes a
# value.
DOCUMENTED = {
    "--offline": False,
    "--cache": False,
    "--dir_cache": True,
    "--species": True,
    "--assembly": True,
    "--fasta": True,
    "--format": True,
    "--vcf": False,
    "--output_file": True,
    "--no_stats": False,
    "--fork": True,
    "--symbol": False,
    "--biotype": False,
    "--numbers": False,
    "--canonical": False,
    "--mane": False,
    "--hgvs": False,
    "--protein": False,
    "--fields": True,
    "--allow_non_variant": False,
    "--dont_skip": False,
}
# What stands in its place on the PATH: each allele is a missense of one transcript, and downstream of another.
CSQ = "A|missense_variant&NMD_transcript_variant|G,A|downstream_gene_variant|H"
PROGRAM = f"""#!{sys.executable}
import sys
if sys.argv[1] == "--help":
    sys.exit("Versions:\\n  ensembl : 113.58650ec\\n  ensembl-vep : 113.4")
for line in sys.stdin:
    if line.startswith("#CHROM"):
        print('##VEP="v113" time="2026-01-01 12:00:00" cache="/mnt/references/vep/113"')
        print('##INFO=<ID=CSQ,Number=.,Type=String,Description="Format: Allele|Consequence|SYMBOL">')
    if not line.startswith("#"):
        columns = line.split("\\t")
        columns[7] = ";".join(each for each in (columns[7], "CSQ={CSQ}") if each != ".")
        line = "\\t".join(columns)
    print(line, end="")
"""


@pytest.fixture
def cache(tmp_path: Path) -> VepCache:
    (tmp_path / "references/vep/113/homo_sapiens/113_GRCh38").mkdir(parents=True)
    return find_cache(tmp_path / "references", AnnotateParameters(predictor="vep"))


@pytest.mark.parametrize("forks", [1, 4])
def test_every_option_is_one_that_vep_documents(cache: VepCache, forks: int) -> None:
    program, *words = vep(cache, fasta="prepared/genome.fa", forks=forks)
    assert program == "vep"
    given: dict[str, str | None] = {}
    while words:
        option = words.pop(0)
        given[option] = words.pop(0) if DOCUMENTED[option] else None
    assert given["--dir_cache"] == str(cache.directory)
    assert (given["--species"], given["--assembly"]) == ("homo_sapiens", "GRCh38")
    assert (given["--fasta"], given["--format"], given["--output_file"]) == ("prepared/genome.fa", "vcf", "STDOUT")
    assert given.get("--fork") == ("4" if forks == 4 else None)
    assert set(DOCUMENTED) - set(given) == (set() if forks == 4 else {"--fork"})
    # The page: `--fields` names the output's columns, of a VCF too. Consequences are counted by the second.
    assert given["--fields"] == ",".join(FIELDS)
    assert FIELDS[1] == "Consequence"


def test_a_cache_that_is_not_there_is_told_with_what_to_do(tmp_path: Path) -> None:
    parameters = AnnotateParameters(predictor="vep", vep_cache="vep/114", vep_assembly="GRCh37")
    with pytest.raises(
        ToolError, match=r"of homo_sapiens GRCh37 is not in .*/vep/114; unpack it there, or name another"
    ):
        find_cache(tmp_path, parameters)


def test_without_the_image_that_has_it_one_line_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError) as refused:
        tool_versions(["vep"])
    assert str(refused.value) == (
        "the program vep is not installed; only the image annotate_vep has it, for production:"
        " batch_tools/annotate_vep/README.md"
    )


@pytest.mark.parametrize(
    ("field", "worst"),
    [
        (".", "intergenic_variant"),
        ("T|intron_variant&NMD_transcript_variant|MODIFIER,T|stop_gained|HIGH", "stop_gained"),
        # A term of Ensembl's own is no worse than what it says more of.
        ("T|splice_polypyrimidine_tract_variant&intron_variant|LOW|A", "splice_region_variant"),
        ("T|intron_variant&NMD_transcript_variant|MODIFIER", "intron_variant"),
    ],
)
def test_the_worst_of_several_transcripts_counts(field: str, worst: str) -> None:
    assert worst_of_vep(field) == worst


def test_what_vep_says_stands_beside_what_clinvar_knows(
    cache: VepCache, gene_genome: Any, gene_reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "vep").write_text(PROGRAM)
    (programs / "vep").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    variants = tuple(gene_genome.variants())
    (missense,) = (variant for variant in variants if variant.name == "missense.FWD")
    clinvar = tmp_path / "clinvar.vcf"
    clinvar.write_text(
        f"##fileformat=VCFv4.1\n##contig=<ID={missense.chrom}>\n"
        '##INFO=<ID=CLNSIG,Number=.,Type=String,Description="Significance">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        f"{missense.chrom}\t{missense.pos}\t1\t{missense.ref}\t{missense.alt}\t.\t.\tCLNSIG=Pathogenic\n"
    )
    packed = pysam.tabix_index(str(clinvar), preset="vcf", force=True)
    vcf, directory = tmp_path / "calls.vcf", tmp_path / "work"
    directory.mkdir()
    known_consequences.write_vcf(vcf, variants, "S1")
    knowledge = annotate.Knowledge(clinvar=Path(packed), clinvar_index=Path(f"{packed}.tbi"), vep_cache=cache)
    made = annotate.run(
        sample="S1", vcf=vcf, knowledge=knowledge, reference=gene_reference, memory_mib=1024, directory=directory
    )

    with pysam.VariantFile(str(made.outputs["vcf"])) as file:
        header = str(file.header)
        records = list(file)
    assert all("missense_variant&NMD_transcript_variant" in record.info["CSQ"][0] for record in records)
    (known,) = [record for record in records if "CLNSIG" in record.info]
    assert (known.id, known.info["CLNSIG"]) == ("missense.FWD", ("Pathogenic",))
    assert "##annotated_with=VEP 113.4, ClinVar\n" in header
    assert not re.search("^##VEP", header, re.MULTILINE)
    assert made.metrics == {
        "records": len(records), "consequence_missense_variant": len(records), "in_clinvar": 1,
    }  # fmt: skip
