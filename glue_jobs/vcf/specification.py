"""Fields whose type and number VCF itself says (VCF 4.3, tables 1 and 2); they hold where a header is silent."""

from glue_jobs.vcf.header import FieldDefinition, define

_INFO = """
    AA 1 String        AC A Integer      AD R Integer      ADF R Integer     ADR R Integer     AF A Float
    AN 1 Integer       BQ 1 Float        CIGAR A String    DB 0 Flag         DP 1 Integer      END 1 Integer
    H2 0 Flag          H3 0 Flag         MQ 1 Float        MQ0 1 Integer     NS 1 Integer      SOMATIC 0 Flag
    VALIDATED 0 Flag   1000G 0 Flag
"""
_FORMAT = """
    GT 1 String        AD R Integer      ADF R Integer     ADR R Integer     DP 1 Integer      EC A Integer
    FT 1 String        GL G Float        GP G Float        GQ 1 Integer      HQ 2 Integer      MQ 1 Integer
    PL G Integer       PP G Integer      PQ 1 Integer      PS 1 Integer
"""


def _read(text: str) -> dict[str, FieldDefinition]:
    words = text.split()
    return {
        name: define(name, number, kind)
        for name, number, kind in zip(words[::3], words[1::3], words[2::3], strict=True)
    }


INFO = _read(_INFO)
FORMAT = _read(_FORMAT)
