"""Names of persons beside dates, as in `SMITH_JOHN_1964-02-11`, and dates behind a label that says birth."""

import re
from collections.abc import Iterator

from batch_tools.scan_delivery.labels import BETWEEN, BIRTH_LABEL
from batch_tools.scan_delivery.phi import Place

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_YEAR = r"(?:19|20)\d\d"
_DAY_OR_MONTH = r"(?:0?[1-9]|[12]\d|3[01])"
_DATES = (
    rf"{_YEAR}([-/. _]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])",
    rf"{_DAY_OR_MONTH}([-/. _]){_DAY_OR_MONTH}\2{_YEAR}",
    rf"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2]){_YEAR}",
    rf"{_DAY_OR_MONTH}[ ._-]?(?i:{_MONTH})[ .,_-]{{0,2}}{_YEAR}",
    rf"(?i:{_MONTH})[ ._-]?{_DAY_OR_MONTH}(?:st|nd|rd|th)?[ .,_-]{{1,2}}{_YEAR}",
    rf"{_YEAR}年\d{{1,2}}月\d{{1,2}}日",
)
# Not part of a longer number or word, and no time of day behind it, as a person's date of birth has none.
_DATE = re.compile(rf"(?<![^\W_])(?<!\d[-.:])(?:{'|'.join(_DATES)})(?![^\W_])(?![-.:]\d)(?!\s?T?\d\d:\d\d)")
# With a year of two digits.
_ANY_DATE = re.compile(rf"{_DATE.pattern}|(?<![^\W_])(?<!\d[-./])\d\d([./-])\d\d\3\d\d(?![^\W_])(?![-./]\d)")
_LABEL_AT_END = re.compile(rf"(?:{BIRTH_LABEL}|\*){BETWEEN}$")
_FIND_YEAR = re.compile(_YEAR)

# How far from its date a name may begin or end, in characters.
_REACH = 60
# Sequencers of today's kind came in 2005: an older date in a value dates no run.
_FIRST_RUNS = 2005
# What stands between words of one name; anything else ends it.
_NAME_BEFORE = re.compile(r"[^\d=\"<>:;/\\|#@{}\[\]]{2,60}$")
_NAME_AFTER = re.compile(r"[^\d=\"<>:;/\\|#@{}\[\]]{2,60}")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
# Whoever made a program or a file is named so.
_BY = re.compile(r"(?<![^\W_])by(?![^\W_])", re.IGNORECASE)
_NOT_LATIN = re.compile(r"[\u0370-\u1dff\u2e80-\uffff]")

# Words of laboratories and of files that stand beside dates without being names.
_OF_LABORATORIES = """
january feb february mar march apr jun jul july aug sep sept september oct october nov november dec december mon
monday tue tues tuesday wed wednesday thu thurs thursday fri friday sat saturday sun sunday date time created
updated modified release released version build phase final draft data file files set report log run runs sample
samples batch pool library lib lane plate well cell flowcell project study experiment panel exome genome genomes wgs
wes rna dna cdna chip seq sequencing sequence reads read barcode index indexed tumor tumour normal germline somatic
blood saliva tissue control case cases trio family proband mother father child sibling cohort reference ref variants
variant calls called filtered sorted merged raw annotated annotation annotations clinvar dbsnp gnomad exac illumina
hiseq miseq novaseq nextseq nanopore pacbio ion torrent gatk bwa samtools bcftools picard vep ensembl ncbi giab nist
broad sanger hapmap platinum integrated shapeit beagle impute genotype genotypes genotyping header comment comments
command source contact description type number integer float string flag character id program vcf bcf gvcf bam sam
cram fastq fasta bed gff gtf tsv csv txt json xml zip gz the of and for from with in on at by to all new old test
demo example truth high conf confidence snp snps snv snvs indel indels sv svs cnv cnvs mt chr chromosome utc gmt cet
cest est edt pst pdt am pm eur afr amr eas sas ceu yri chb jpt gbr fin ibs tsi lims order kit prep capture
sureselect truseq nimblegen agilent twist idt nextera amplicon method protocol
"""
_NO_NAMES = frozenset(_OF_LABORATORIES.split())


def find_birth_dates(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each date that follows a word that says birth."""
    for match in _ANY_DATE.finditer(text):
        if _LABEL_AT_END.search(text, max(0, match.start() - 40), match.start()):
            yield match.span()


def find_names_with_dates(text: str, place: Place) -> Iterator[tuple[int, int]]:
    """Start and end of each name together with the date beside it.

    Two words make a name; one of a script without letter case does, and in a value one beside a date before sequencers.
    In a sentence the words must be capitalised, and stand right beside the date or the word that announces it.
    """
    joining = "),; " if place is Place.VALUE else "), "
    for match in (_DATE if place is Place.SENTENCE else _ANY_DATE).finditer(text):
        label = _LABEL_AT_END.search(text, max(0, match.start() - 40), match.start())
        begin = label.start() if label else match.start()
        before = text[max(0, begin - _REACH) : begin].rstrip(joining + "(")
        after = text[match.end() : match.end() + _REACH]
        skipped = len(after) - len(after.lstrip(joining))
        name, is_old = _NAME_BEFORE.search(before), _is_old(match[0])
        if name and _is_name(name[0], is_old, place):
            yield max(0, begin - _REACH) + name.start(), match.end()
        elif (name := _NAME_AFTER.match(after, skipped)) and _is_name(name[0], is_old, place):
            yield match.start(), match.end() + name.end()


def _is_old(date: str) -> bool:
    year = _FIND_YEAR.search(date)
    return year is not None and int(year[0]) < _FIRST_RUNS


def _is_name(span: str, is_old: bool, place: Place) -> bool:
    if _BY.search(span):
        return False
    words = [word for word in _WORD.findall(span) if word.casefold() not in _NO_NAMES]
    if any(_NOT_LATIN.search(word) for word in words):
        return True
    if place is Place.VALUE and is_old:
        long = [word for word in words if len(word) >= 3]
        return len([word for word in words if len(word) >= 2]) >= 2 or any(word[0].isupper() for word in long)
    return len([word for word in words if len(word) >= 2 and word[0].isupper()]) >= 2
