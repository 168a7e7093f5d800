import gzip
import tarfile

import pysam
import pytest

from batch_tools.prepare_annotation import prepare_annotation
from batch_tools.prepare_annotation.clinvar import prepare_clinvar
from batch_tools.prepare_annotation.contig_names import own_name
from batch_tools.prepare_annotation.gene_models import Interval, read_gene_models
from batch_tools.tool_runtime.errors import ToolError
from genomics.contracts.parameters import AnnotateParameters

CONTIGS = {"chr1": 12_000, "chr2": 3_000, "chrM": 3_000}
GENE = "chr1\t.\tgene\t100\t500\t.\t+\t.\tID=gene:G;Name=BRCA9;biotype=protein_coding"
MRNA = "chr1\t.\tmRNA\t100\t500\t.\t+\t.\tID=transcript:T;Parent=gene:G;biotype=protein_coding"


def part(kind, start, end, phase=".", strand="+", parent="transcript:T", chrom="chr1"):
    return f"{chrom}\t.\t{kind}\t{start}\t{end}\t.\t{strand}\t{phase}\tParent={parent}"


@pytest.fixture
def read(tmp_path):
    def read(*lines, contigs=None):
        path = tmp_path / "genes.gff3"
        path.write_text("##gff-version 3\n" + "".join(f"{line}\n" for line in lines))
        return read_gene_models(path, contigs or CONTIGS)

    return read


def test_a_transcript_is_what_exons_and_cds_have_as_parent(read):
    models = read(
        GENE, MRNA, part("exon", 100, 200), part("exon", 300, 500), part("CDS", 150, 200, 0), part("CDS", 300, 311, 0)
    )
    (transcript,) = models.transcripts
    assert (transcript.name, transcript.gene, transcript.gene_name) == ("T", "G", "BRCA9")
    assert transcript.exons == (Interval(100, 200), Interval(300, 500))
    assert transcript.cds == (Interval(150, 200, 0), Interval(300, 311, 0))
    assert models.counts == {
        "genes": 1,
        "transcripts": 1,
        "coding_transcripts": 1,
        "cds_not_multiple_of_3": 0,
        "features_elsewhere": 0,
        "transcripts_left_out": 0,
    }


def test_phases_follow_from_the_first_one_on_either_strand(read):
    forward = read(GENE, MRNA, part("CDS", 100, 109, 1), part("CDS", 200, 229, 2))
    assert [each.phase for each in forward.transcripts[0].cds] == [1, 0]
    backward = read(GENE, MRNA, part("CDS", 100, 109, 0, "-"), part("CDS", 200, 230, 0, "-"))
    assert [each.phase for each in backward.transcripts[0].cds] == [2, 0]
    assert forward.counts["cds_not_multiple_of_3"] == 0
    assert backward.counts["cds_not_multiple_of_3"] == 1


def test_genes_of_bacteria_are_their_cds(read):
    models = read("chr2\t.\tCDS\t10\t39\t.\t-\t0\tID=cds-1;Name=dnaA")
    (transcript,) = models.transcripts
    assert (transcript.name, transcript.gene, transcript.biotype) == ("cds-1.transcript", "cds-1", "protein_coding")


def test_biotypes_of_refseq_and_gencode_are_found(read):
    models = read(
        "chr1\t.\tgene\t1\t90\t.\t+\t.\tID=gene-A;Name=A;gene_biotype=lncRNA",
        "chr1\t.\tlnc_RNA\t1\t90\t.\t+\t.\tID=rna-A;Parent=gene-A",
        part("exon", 1, 90, parent="rna-A"),
        "chr1\t.\tgene\t200\t290\t.\t+\t.\tID=B;gene_name=B;gene_type=protein_coding",
        "chr1\t.\ttranscript\t200\t290\t.\t+\t.\tID=B.1;Parent=B;transcript_type=retained_intron",
        part("exon", 200, 290, parent="B.1"),
    )
    assert [each.biotype for each in models.transcripts] == ["lncRNA", "retained_intron"]


def test_names_that_info_cannot_hold_are_made_so_that_it_can(read):
    models = read(GENE.replace("BRCA9", "HLA%3BA%20x"), MRNA, part("exon", 100, 500))
    assert models.transcripts[0].gene_name == "HLA_A_x"


def test_what_contradicts_itself_is_left_out_and_counted(read):
    models = read(
        GENE,
        MRNA,
        part("exon", 100, 500),
        MRNA.replace("transcript:T", "transcript:U"),
        part("exon", 100, 200, parent="transcript:U"),
        part("CDS", 150, 250, 0, parent="transcript:U"),
        MRNA.replace("transcript:T", "transcript:V"),
        part("exon", 100, 200, parent="transcript:V"),
        part("exon", 300, 400, strand="-", parent="transcript:V"),
        MRNA.replace("transcript:T", "transcript:W"),
        part("exon", 100, 200, parent="transcript:W"),
        part("exon", 150, 400, parent="transcript:W"),
        part("exon", 1, 50, chrom="chrUn"),
    )
    assert [each.name for each in models.transcripts] == ["T"]
    assert models.counts["transcripts_left_out"] == 3
    assert models.counts["features_elsewhere"] == 1


def test_what_follows_the_sequence_is_not_read(read):
    assert len(read(GENE, MRNA, part("exon", 100, 500), "##FASTA", ">chr1", "ACGT").transcripts) == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (part("exon", 1, 90).replace("\t", " "), "line 4: 1 columns, GFF3 has 9"),
        (part("exon", 90, 1), "line 4: start '90' and end '1' must be numbers with 1 <= start <= end"),
        (part("exon", 1, 12_001), "line 4: ends at 12001, chr1 has 12000 bases: the genes are of another reference"),
        (part("exon", 1, 90, strand="."), "line 4: strand of exon is '.', it must be + or -"),
        (part("CDS", 1, 90, phase="x"), "line 4: phase is 'x', it must be 0, 1, 2 or ."),
        (part("exon", 1, 90, parent="X"), "line 4: Parent X is not in the file"),
        ('chr1\t.\texon\t1\t90\t.\t+\t.\tgene_id "G"; transcript_id "T";', "line 4: is GTF, not GFF3"),
        ("chr1\t.\texon\t1\t90\t.\t+\t.\t.", "line 4: exon has neither Parent nor ID"),
        ("chr1\t.\tregion\t1\t90\t.\t+\t.\tID", "line 4: attribute 'ID' is not name=value"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(read, line, words):
    with pytest.raises(ToolError) as refused:
        read(GENE, MRNA, line)
    assert f"genes.gff3 {words}" in str(refused.value)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            [GENE, MRNA],
            "no transcript that can be used: its feature types are gene, mRNA; transcripts are made of exon and CDS",
        ),
        ([GENE.replace("chr1", "NC_1")], "none of its contigs (NC_1) is in the reference (chr1, chr2, chrM)"),
        ([], "its feature types are none"),
        (
            [GENE, MRNA, part("exon", 1, 9), part("exon", 9, 20)],
            "no transcript that can be used: transcript:T (parts overlap)",
        ),
    ],
)
def test_genes_without_a_transcript_are_refused(read, lines, words):
    with pytest.raises(ToolError) as refused:
        read(*lines)
    assert words in str(refused.value)


def test_a_damaged_file_is_named(tmp_path):
    whole = gzip.compress(f"{GENE}\n{MRNA}\n".encode() * 50)
    path = tmp_path / "genes.gff3.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ToolError, match=r"genes.gff3.gz line \d+: the gzip data is damaged or ends early"):
        read_gene_models(path, CONTIGS)


@pytest.mark.parametrize(
    ("name", "own"), [("chr1", "chr1"), ("1", "chr1"), ("MT", "chrM"), ("chrM", "chrM"), ("chr9", None), ("NC_1", None)]
)
def test_contigs_of_other_makers_are_recognised(name, own):
    assert own_name(name, {"chr1": 1, "chrM": 1}) == own


def test_contigs_without_chr_are_recognised():
    assert own_name("chr1", {"1": 1, "MT": 1}) == "1"
    assert own_name("chrM", {"1": 1, "MT": 1}) == "MT"


@pytest.fixture
def prepare(gene_models, gene_reference, tmp_path):
    def prepare(predictor="both", genes=None):
        return prepare_annotation.run(
            genes=genes or gene_models,
            clinvar=None,
            reference=gene_reference,
            parameters=AnnotateParameters(predictor=predictor),
            memory_mib=1024,
            directory=tmp_path,
        )

    return prepare


def test_only_what_the_predictor_needs_is_prepared(prepare):
    made = prepare("csq")
    assert set(made.outputs) == {"csq_genes"}
    assert made.metrics["genes"] == 3
    with gzip.open(made.outputs["csq_genes"], "rt") as stream:
        kinds = [line.split("\t")[2] for line in stream if not line.startswith("#")]
    assert kinds.count("five_prime_UTR") == kinds.count("three_prime_UTR") == 2


def test_the_database_holds_what_snpeff_needs_and_nothing_else(prepare):
    made = prepare("snpeff")
    assert set(made.outputs) == {"snpeff_database"}
    with tarfile.open(made.outputs["snpeff_database"]) as tar:
        names = tar.getnames()
    assert set(names) == {
        "snpEff.config",
        "snpeff_data/genome/sequence.bin",
        "snpeff_data/genome/snpEffectPredictor.bin",
    }


def clinvar(path, *records, significance="CLNSIG"):
    header = f'##fileformat=VCFv4.1\n##INFO=<ID={significance},Number=.,Type=String,Description="x">\n'
    lines = "".join(f"1\t{pos}\t.\t{ref}\t{alt}\t.\t.\tCLNSIG=Benign\n" for pos, ref, alt in records)
    path.write_text(f"{header}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n{lines}")
    return path


@pytest.fixture
def join(gene_reference, tmp_path):
    def join(path):
        (tmp_path / "genome").symlink_to(gene_reference.parent)
        return prepare_clinvar(path, reference="genome/genome.fa", contigs=CONTIGS, directory=tmp_path)

    return join


def test_clinvar_of_another_genome_is_refused(gene_genome, join, tmp_path):
    wrong = [(pos, gene_genome.change("", "chr1", pos).alt, "N") for pos in range(100, 110)]
    with pytest.raises(ToolError, match="10 of 10 alleles do not have the reference's bases as REF"):
        join(clinvar(tmp_path / "c.vcf", *wrong))


def test_records_of_clinvar_with_another_ref_are_left_out_and_counted(gene_genome, join, tmp_path):
    right = [gene_genome.change("", "chr1", pos) for pos in range(100, 120)]
    wrong = right[0].alt
    counts = join(clinvar(tmp_path / "c.vcf", *((v.pos, v.ref, v.alt) for v in right), (100, wrong, right[0].ref)))
    assert counts == {"clinvar_alleles": 21, "clinvar_elsewhere": 0, "clinvar_misfits": 1, "clinvar_date": ""}
    with pysam.VariantFile(str(tmp_path / "clinvar.vcf.gz")) as file:
        assert [(r.chrom, r.pos) for r in file] == [("chr1", v.pos) for v in right]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "c.vcf: is empty"),
        ("chr1\t1\n", "c.vcf line 1: is not VCF"),
        ("##fileformat=VCFv4.1\n#CHROM\tPOS\n", "c.vcf line 2: no INFO CLNSIG above: is it ClinVar's?"),
        ("##fileformat=VCFv4.1\n", "c.vcf: has no line that begins with #CHROM"),
        ("##fileformat=VCFv4.1\n##INFO=<ID=CLNSIG,x>\n#CHROM\tPOS\n1\t1\n", "c.vcf line 4: 2 columns"),
        ("##fileformat=VCFv4.1\n##INFO=<ID=CLNSIG,x>\n#CHROM\tPOS\n", "none of its 0 records"),
    ],
)
def test_what_is_no_clinvar_is_refused(join, tmp_path, text, words):
    path = tmp_path / "c.vcf"
    path.write_text(text)
    with pytest.raises(ToolError) as refused:
        join(path)
    assert words in str(refused.value)
