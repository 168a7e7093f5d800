import pysam
import pytest

from batch_tools.annotate import annotate
from batch_tools.annotate.consequences import INTERGENIC, worst_of_csq, worst_of_snpeff
from batch_tools.prepare_annotation import prepare_annotation
from batch_tools.tool_runtime.errors import ToolError
from batch_tools.tool_runtime.versions import tool_versions
from genomics.contracts.parameters import AnnotateParameters
from tests.batch_tools import known_consequences
from tests.batch_tools.known_consequences import EXPECTED, Variant

SAMPLE = "S1"
CLINVAR_HEADER = """\
##fileformat=VCFv4.1
##fileDate=2026-02-26
##INFO=<ID=ALLELEID,Number=1,Type=Integer,Description="the ClinVar Allele ID">
##INFO=<ID=CLNDN,Number=.,Type=String,Description="ClinVar's preferred disease name">
##INFO=<ID=CLNREVSTAT,Number=.,Type=String,Description="ClinVar review status">
##INFO=<ID=CLNSIG,Number=.,Type=String,Description="Aggregate germline classification">
##INFO=<ID=GENEINFO,Number=1,Type=String,Description="Gene(s) for the variant">
#CHROM	POS	ID	REF	ALT	QUAL	FILTER	INFO
"""


def clinvar_line(variant, allele, significance, alt=""):
    info = f"ALLELEID={allele};CLNDN=A_disease|not_provided;CLNREVSTAT=criteria_provided,_single_submitter"
    # ClinVar names chromosomes without chr.
    chrom = variant.chrom.removeprefix("chr")
    place = f"{chrom}\t{variant.pos}\t{allele}0\t{variant.ref}\t{alt or variant.alt}"
    return f"{place}\t.\t.\t{info};CLNSIG={significance};GENEINFO=G:1\n"


def third_base(variant):
    return next(base for base in "ACGT" if base not in (variant.ref, variant.alt))


def shifted_right(variant, letters):
    """The same deletion, written at its last base instead of its first."""
    deleted = variant.ref[1:]
    pos = variant.pos
    while letters[pos + len(deleted)] == deleted[0]:
        deleted = deleted[1:] + deleted[0]
        pos += 1
    return Variant(
        variant.name, variant.chrom, pos + 1, deleted + letters[pos + len(deleted)], letters[pos + len(deleted)]
    )


@pytest.fixture(scope="module")
def variants(gene_genome):
    """Known consequences, and a record of two alternate alleles of which ClinVar knows the second."""
    two = gene_genome.change("two.none", "chr2", 700)
    return {
        v.name: v
        for v in (*gene_genome.variants(), Variant("two.none", "chr2", 700, two.ref, f"{two.alt},{third_base(two)}"))
    }


@pytest.fixture(scope="module")
def knowledge(gene_genome, gene_models, gene_reference, variants, tmp_path_factory):
    directory = tmp_path_factory.mktemp("knowledge")
    missense, synonymous = variants["missense.FWD"], variants["synonymous.FWD"]
    frameshift, two = variants["frameshift.REV"], variants["two.none"]
    clinvar = directory / "clinvar_20260226.vcf"
    clinvar.write_text(
        CLINVAR_HEADER
        + clinvar_line(missense, 1, "Pathogenic/Likely_pathogenic|risk_factor")
        # another allele at the same place
        + clinvar_line(synonymous, 2, "Benign", alt=third_base(synonymous))
        + clinvar_line(shifted_right(frameshift, gene_genome.letters["chr1"]), 3, "Pathogenic")
        + clinvar_line(two, 4, "Uncertain_significance", alt=two.alt.split(",")[1])
        # no alternate allele, another contig, another REF
        + clinvar_line(missense, 5, "Benign", alt=".")
        + "NW_009646201.1\t83614\t6\tTC\tT\t.\t.\tALLELEID=6;CLNSIG=Benign\n"
    )
    made = prepare_annotation.run(
        genes=gene_models,
        clinvar=clinvar,
        reference=gene_reference,
        parameters=AnnotateParameters(),
        memory_mib=1024,
        directory=directory,
    )
    assert made.metrics["clinvar_alleles"] == 4
    assert made.metrics["clinvar_elsewhere"] == 1
    assert made.metrics["clinvar_date"] == "2026-02-26"
    return annotate.Knowledge(**made.outputs)


@pytest.fixture(scope="module")
def run(gene_reference, variants, tmp_path_factory):
    def run(knowledge):
        vcf = tmp_path_factory.mktemp("calls") / "calls.vcf"
        known_consequences.write_vcf(vcf, tuple(variants.values()), SAMPLE)
        return annotate.run(
            sample=SAMPLE,
            vcf=vcf,
            knowledge=knowledge,
            reference=gene_reference,
            memory_mib=1024,
            directory=tmp_path_factory.mktemp("annotate"),
        )

    return run


@pytest.fixture(scope="module")
def annotated(run, knowledge):
    return run(knowledge)


@pytest.fixture(scope="module")
def records(annotated):
    with pysam.VariantFile(str(annotated.outputs["vcf"])) as file:
        return {(record.id, record.alts[0]): record for record in file}


@pytest.fixture(scope="module")
def by_name(records):
    return {name: record for (name, _), record in records.items()}


@pytest.mark.parametrize("gene", ["FWD", "REV"])
@pytest.mark.parametrize("kind", EXPECTED)
def test_both_predictors_say_what_a_variant_does(by_name, kind, gene):
    info = by_name[f"{kind}.{gene}"].info
    assert worst_of_csq(",".join(info["BCSQ"])) == EXPECTED[kind]
    assert worst_of_snpeff(",".join(info["ANN"])) == EXPECTED[kind]
    assert all(each.split("|")[1] == gene for each in info["BCSQ"])
    # The gene's name, its identifier and the transcript's, without Ensembl's prefixes.
    assert any(each.split("|")[3:7:1] == [gene, gene, "transcript", f"{gene}.1"] for each in info["ANN"])


def test_a_variant_in_no_gene_is_intergenic(by_name):
    info = by_name["intergenic.none"].info
    assert "BCSQ" not in info
    assert info["ANN"][0].split("|")[1] == "intergenic_region"


def test_the_mitochondrion_has_a_code_of_its_own_which_csq_does_not_know(by_name):
    info = by_name["tryptophan.MIT"].info
    # TGA is tryptophan there, NCBI's table 2, and a stop elsewhere
    assert worst_of_snpeff(",".join(info["ANN"])) in ("missense_variant", "synonymous_variant")
    assert "BCSQ" not in info


def test_an_amino_acid_change_is_spelled_out(by_name, gene_genome, variants):
    variant = variants["missense.FWD"]
    positions = list(gene_genome.genes[0].coding_positions())
    codon = positions.index(variant.pos) // 3
    triplet = "".join(gene_genome.letters["chr1"][pos - 1] for pos in positions[3 * codon : 3 * codon + 3])
    changed = "".join(
        variant.alt if pos == variant.pos else gene_genome.letters["chr1"][pos - 1]
        for pos in positions[3 * codon : 3 * codon + 3]
    )
    before, after = known_consequences.CODE[triplet], known_consequences.CODE[changed]
    assert by_name["missense.FWD"].info["BCSQ"][0].split("|")[5] == f"{codon + 1}{before}>{codon + 1}{after}"


def test_clinvar_is_joined_by_the_very_allele(records, variants, by_name):
    missense = by_name["missense.FWD"].info
    assert missense["CLNSIG"] == ("Pathogenic/Likely_pathogenic|risk_factor",)
    assert missense["CLNREVSTAT"] == ("criteria_provided", "_single_submitter")
    assert missense["CLNDN"] == ("A_disease|not_provided",)
    assert missense["ALLELEID"] == 1
    assert "GENEINFO" not in missense
    assert "CLNSIG" not in by_name["synonymous.FWD"].info
    # ClinVar wrote the same deletion further to the right
    assert by_name["frameshift.REV"].info["ALLELEID"] == 3
    first, second = variants["two.none"].alt.split(",")
    assert "CLNSIG" not in records["two.none", first].info
    assert records["two.none", second].info["CLNSIG"] == ("Uncertain_significance",)


def test_alleles_of_one_record_are_taken_apart_with_their_depths(records, variants):
    first, second = variants["two.none"].alt.split(",")
    assert records["two.none", first].samples[SAMPLE]["AD"] == (1, 10)
    assert records["two.none", second].samples[SAMPLE]["AD"] == (1, 12)


def test_metrics_count_alleles_by_their_worst_consequence(annotated, variants):
    metrics = annotated.metrics
    assert metrics["records"] == len(variants) + 1
    assert metrics["consequence_stop_gained"] == 2
    assert metrics[f"consequence_{INTERGENIC}"] == 3
    assert metrics["in_clinvar"] == 3
    # the mitochondrion's
    assert metrics["predictors_differ"] == 1


def test_the_vcf_says_what_annotated_it_and_nothing_of_this_machine(annotated):
    with pysam.VariantFile(str(annotated.outputs["vcf"])) as file:
        header = str(file.header)
    versions = tool_versions(("bcftools", "snpeff"))
    assert f"##annotated_with=bcftools {versions['bcftools']} csq, snpEff {versions['snpeff']}, ClinVar\n" in header
    assert "/tmp" not in header
    assert "Date=" not in header
    assert annotated.outputs["index"].stat().st_size > 0


def test_each_kind_of_knowledge_serves_alone(run, knowledge, annotated):
    csq = run(annotate.Knowledge(csq_genes=knowledge.csq_genes))
    assert csq.metrics["consequence_missense_variant"] == 2
    assert "predictors_differ" not in csq.metrics
    clinvar = run(annotate.Knowledge(clinvar=knowledge.clinvar, clinvar_index=knowledge.clinvar_index))
    assert clinvar.metrics == {"records": annotated.metrics["records"], "in_clinvar": 3}
    with pytest.raises(ToolError, match="nothing to annotate with"):
        run(annotate.Knowledge())


@pytest.mark.parametrize(
    ("field", "worst"),
    [
        (".", INTERGENIC),
        ("intron|G||protein_coding,missense&splice_region|G|T|protein_coding|+|1A>1C|5G>T", "missense_variant"),
        # bcftools csq: a consequence behind a stop that another variant makes, and one told at another record
        ("*missense|G|T|protein_coding|+|9A>9C|29G>T", "missense_variant"),
        ("@1042", INTERGENIC),
    ],
)
def test_the_worst_of_several_csq_consequences_counts(field, worst):
    assert worst_of_csq(field) == worst


def test_the_worst_of_several_transcripts_counts():
    ann = "T|intron_variant|MODIFIER|A|A,T|stop_gained&splice_region_variant|HIGH|B|B"
    assert worst_of_snpeff(ann) == "stop_gained"
