"""Hail on two local cores: `import_vcf`, and Spark's own Parquet writer."""

import sys

import hail as hl

_HEAP = "6g"


def main() -> None:
    """Convert."""
    source, target, kind = sys.argv[1:4]
    conf = {
        "spark.driver.memory": _HEAP,
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.parquet.compression.codec": "zstd",
    }
    hl.init(master="local[2]", quiet=True, log=f"{target}.log", tmp_dir=f"{target}.tmp", spark_conf=conf)
    matrix = hl.import_vcf(source, force_bgz=True, reference_genome="GRCh38", array_elements_required=False)
    frame = matrix.rows().to_spark(flatten=True) if kind == "sites" else calls(matrix)
    frame.write.mode("overwrite").parquet(target)
    print(hl.utils.java.Env.spark_session().read.parquet(target).count())


def calls(matrix):
    """A frame of the calls that are not homozygous reference."""
    matrix = matrix.filter_entries(hl.is_missing(matrix.GT) | matrix.GT.is_non_ref())
    entries = matrix.entries().key_by()
    return entries.select(
        chrom=entries.locus.contig,
        pos=entries.locus.position,
        ref=entries.alleles[0],
        alts=entries.alleles[1:],
        sample=entries.s,
        GT=hl.str(entries.GT),
        AD=entries.AD,
        DP=entries.DP,
        GQ=entries.GQ,
        PL=entries.PL,
    ).to_spark(flatten=False)


if __name__ == "__main__":
    main()
