"""What `bcftools norm -m-` and `bcftools query` say of a file, and where rows differ, over all columns and fields.

What bcftools does its own way: floats are printed in single precision with six digits, undeclared contigs stop it, GT
is only asked for when declared, Number=G is cut to each ALT (our rows keep it whole), a value that does not fit its
type is dropped with a warning (our rows keep it as text).
"""

import math
import re
import subprocess
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genomics.contracts.vcf_fields import STANDARD_INFO
from glue_jobs.vcf.values import percent_decoded

_COLUMNS = {
    "INFO": {"DP": "depth", "AC": "allele_count", "AN": "allele_number", "AF": "allele_frequency"},
    "FORMAT": {
        "DP": "depth",
        "GQ": "genotype_quality",
        "PS": "phase_set",
        "AD": "allele_depths",
        "PL": "genotype_likelihoods",
        "FT": "sample_filters",
    },
}
# Integers that bcftools cannot hold.
BEYOND_32_BITS = frozenset({"MPOS", "XPOS"})


_ERROR = "[E::"
_VALUELESS = re.compile(r"^(##INFO=<ID=[^,]+,Number=0,Type=)\w+")


class OracleError(RuntimeError):
    """bcftools does not read the file; its last line."""


@dataclass(frozen=True)
class Field:
    """An INFO or FORMAT field as the header declares it."""

    name: str
    number: str
    type: str


@dataclass(frozen=True)
class Oracle:
    """bcftools on a copy of the file whose header declares all that is used: without, bcftools cannot write it."""

    prepared: Path
    info: list[Field]
    format: list[Field]
    has_genotypes: bool

    @classmethod
    def of(cls, text: str, prepared: Path, ignored: Collection[str]) -> "Oracle":
        """Of a VCF's text, written to `prepared`; `ignored` fields are not compared."""
        # bcftools stops at a field that has no value, as its Number=0 says, where it has another Type than Flag.
        header = [_VALUELESS.sub(r"\1Flag", line) for line in text.splitlines() if line.startswith("##")]
        body = [line for line in text.splitlines() if not line.startswith("##")]
        header += _undeclared(header, [line.split("\t") for line in body[1:] if line])
        prepared.write_text("\n".join([*header, *body]) + "\n")
        fields = [_declared(kind, header, ignored) for kind in ("INFO", "FORMAT")]
        columns = body[0].split("\t")
        has_genotypes = len(columns) > 9 and any(field.name == "GT" for field in fields[1])
        return cls(prepared, *fields, has_genotypes)

    def complaint(self) -> str | None:
        """What bcftools says of records that it leaves out; None if it reads all."""
        done = subprocess.run(["bcftools", "view", str(self.prepared)], capture_output=True, check=False)
        lines = done.stderr.decode("utf-8", "replace").splitlines()
        return next((line for line in lines if line.startswith(_ERROR)), None)

    def differing_variants(self, rows: list[dict[str, Any]]) -> list[Any]:
        """Records of `bcftools norm -m-` without a row that says the same."""
        fields = [field for field in self.info if field.number != "G"]
        columns = ["%CHROM", "%POS", "%ID", "%REF", "%ALT", "%QUAL", "%FILTER", *(f"%INFO/{f.name}" for f in fields)]
        split = self.prepared.with_suffix(".split.vcf")
        _bcftools("norm", "-m-", "-o", str(split), str(self.prepared))
        by_place = defaultdict(list)
        for row in rows:
            alt = row["original_alts"][row["alt_index"] - 1] if row["alt_index"] else "."
            by_place[row["chrom"], str(row["original_pos"]), row["original_ref"].upper(), _upper(alt)].append(row)
        differing: list[Any] = []
        texts = list(_query(columns, split))
        for chrom, position, ids, ref, alt, quality, filters, *values in texts:
            place = chrom, position, ref.upper(), _upper(alt)
            found = [
                [
                    *([] if _same(ids, row["ids"], ";") else [("ID", ids, row["ids"])]),
                    *([] if _same(quality, row["qual"]) else [("QUAL", quality, row["qual"])]),
                    *([] if _same(filters, row["filters"], ";") else [("FILTER", filters, row["filters"])]),
                    *_differing_fields("INFO", zip(fields, values, strict=True), row),
                ]
                for row in by_place[place]
            ]
            if [] not in found:
                differing.append((place, found))
        return differing if len(texts) == len(rows) else [f"{len(texts)} split records, {len(rows)} rows", *differing]

    def differing_genotypes(self, rows: list[dict[str, Any]]) -> list[Any]:
        """Calls of `bcftools query` with a non-reference or missing allele, without a row that says the same."""
        if not self.has_genotypes:
            return []
        fields = [field for field in self.format if field.name != "GT"]
        columns = ["%CHROM", "%POS", "%REF", "%ALT", "%SAMPLE", "%GT", *(f"%{field.name}" for field in fields)]
        by_place = defaultdict(list)
        for row in rows:
            alts = ",".join(row["original_alts"] or ["."])
            key = (row["chrom"], str(row["original_pos"]), row["original_ref"], alts, row["sample"])
            by_place[*key, row["alt_index"] or 0].append(row)
        differing: list[Any] = []
        count = 0
        for chrom, position, ref, alts, sample, genotype, *values in _query(columns, self.prepared, per_sample=True):
            alleles = [None if text == "." else int(text) for text in re.split(r"[/|]", genotype)]
            for allele in range(1, alts.count(",") + 2) if alts != "." else [0]:
                if None not in alleles and (allele == 0 or allele not in alleles):
                    continue
                count += 1
                place = (chrom, position, ref, alts, sample, allele)
                found = [_differing_call(row, allele, genotype, alleles, fields, values) for row in by_place[place]]
                if [] not in found:
                    differing.append((place, genotype, found))
        return differing if count == len(rows) else [f"{count} calls, {len(rows)} rows", *differing]


def _differing_call(
    row: dict[str, Any], allele: int, genotype: str, alleles: list[int | None], fields: list[Field], values: list[str]
) -> list[Any]:
    expected = {
        "genotype": None if genotype == "." else genotype,
        "alleles": alleles if any(a is not None for a in alleles) else None,
        "dosage": None if None in alleles or not allele else alleles.count(allele),
        "phased": "/" not in genotype if len(alleles) > 1 else None,
    }
    cut = []
    for field, text in zip(fields, values, strict=True):
        parts = text.split(",")
        of_each = field.number == "R" or (field.name == "AD" and row["allele_depths"] is not None)
        if of_each and len(parts) > 1:
            parts = [parts[0], parts[allele]] if allele else parts[:1]
        elif field.number == "A" and len(parts) > 1:
            parts = [parts[allele - 1]]
        cut.append((field, ",".join(parts)))
    return [
        *((name, value, row[name]) for name, value in expected.items() if row[name] != value),
        *_differing_fields("FORMAT", cut, row),
    ]


def _differing_fields(kind: str, texts: Iterable[tuple[Field, str]], row: dict[str, Any]) -> list[Any]:
    prefix = kind.lower()
    maps = {**(row[f"{prefix}_integers"] or {}), **(row[f"{prefix}_floats"] or {}), **(row[f"{prefix}_strings"] or {})}
    differing = []
    for field, text in texts:
        if field.type == "Flag":
            value: Any = field.name in (row["info_flags"] or ())
            # `DB=0` is 0 to bcftools; a Flag with a value is there all the same.
            same = (text != ".") == value
        else:
            column = row.get(_COLUMNS[kind].get(field.name, ""))
            value = maps.get(field.name) if column is None else column
            own = text
            alts = len(row["original_alts"] or ())
            if field.name in ("AC", "AF") and field.number not in ("A", "R") and 1 < alts == text.count(",") + 1:
                # The specification gives each ALT its own; the header does not say so.
                own = text.split(",")[row["alt_index"] - 1]
            same = any(_same(own, value, separator) for separator in (",", "|", ";"))
        if not same:
            differing.append((field, text, value))
    return differing


def _same(text: str, value: Any, separator: str = ",") -> bool:
    """Whether bcftools' text is our value, or values."""
    values = value if isinstance(value, list) else [value]
    texts = text.split(separator) if len(values) > 1 else [text]
    if value is None:
        return set(text.split(separator)) == {"."}
    return len(texts) == len(values) and all(map(_same_element, texts, values))


def _same_element(text: str, value: Any) -> bool:
    if value is None or isinstance(value, str):
        # bcftools leaves VCF 4.3's escapes as they are.
        return (value or ".") in (text, percent_decoded(text))
    try:
        printed = float(text)
    except ValueError:
        return False
    with np.errstate(over="ignore"):
        single = float(np.float32(value))
    return (math.isnan(printed) and math.isnan(single)) or math.isclose(printed, single, rel_tol=1e-5, abs_tol=1e-44)


def _upper(allele: str) -> str:
    return allele.upper() if allele.isalpha() else allele


def _declared(kind: str, header: list[str], ignored: Collection[str]) -> list[Field]:
    pattern = re.compile(rf"##{kind}=<ID=([^,]+),Number=([^,]+),Type=([^,>]+)")
    fields = {match[1]: Field(*match.groups()) for line in header if (match := pattern.match(line))}
    # Names that bcftools' own expressions cannot hold are left out.
    return [field for name, field in fields.items() if name not in ignored and re.fullmatch(r"[A-Za-z_][\w.]*", name)]


def _undeclared(header: list[str], records: list[list[str]]) -> Iterable[str]:
    """Declarations of what the header lacks: INFO as VCF 4.3 has it; else what htslib takes a field for."""
    declared = {match[0] for line in header if (match := re.match(r"##\w+=<ID=[^,>]+", line))}
    wanted: dict[str, str] = {}
    for columns in records:
        wanted[f"##contig=<ID={columns[0]}"] = ""
        for name in columns[6].split(";") if columns[6] != "." else ():
            wanted[f"##FILTER=<ID={name}"] = ',Description=""'
        for entry in columns[7].split(";") if columns[7] != "." else ():
            name, assigned, _ = entry.partition("=")
            own = STANDARD_INFO.get(name) or Field(name, *(("1", "String") if assigned else ("0", "Flag")))
            wanted.setdefault(f"##INFO=<ID={name}", f',Number={own.number},Type={own.type},Description=""')
        for name in columns[8].split(":") if len(columns) > 8 else ():
            wanted[f"##FORMAT=<ID={name}"] = ',Number=1,Type=String,Description=""'
    return [f"{line}{rest}>" for line, rest in wanted.items() if line not in declared]


def _query(columns: list[str], path: Path, *, per_sample: bool = False) -> Iterable[list[str]]:
    line = "\\t".join(columns) + "\\n"
    output = _bcftools("query", "-f", f"[{line}]" if per_sample else line, str(path))
    return (row.split("\t") for row in output.split("\n")[:-1])


def _bcftools(*arguments: str) -> str:
    done = subprocess.run(
        ["bcftools", *arguments], capture_output=True, text=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["bcftools said nothing"]
        raise OracleError(next((line for line in lines if line.startswith(_ERROR)), lines[-1]))
    return done.stdout
