"""polars-bio: a lazy scan, streamed into Parquet; calls are the exploded lists of its column `genotypes`."""

import gzip
import sys

import polars as pl
import polars_bio as pb

_THREADS = "2"


def main() -> None:
    """Convert."""
    source, target, kind = sys.argv[1:4]
    pb.set_option("datafusion.execution.target_partitions", _THREADS)
    table = pb.scan_vcf(source)
    if kind == "calls":
        with gzip.open(source, "rt") as file:
            samples = next(line for line in file if line.startswith("#CHROM")).rstrip("\n").split("\t")[9:]
        fields = ["GT", "AD", "DP", "GQ", "PL"]
        table = (
            table.select("chrom", "start", "ref", "alt", "genotypes")
            .unnest("genotypes")
            .with_columns(sample=pl.lit(samples, dtype=pl.List(pl.String)))
            .explode("sample", *fields)
            .filter(~pl.col("GT").is_in(["0/0", "0|0"]))
        )
    table.sink_parquet(target, compression="zstd")
    print(pl.scan_parquet(target).select(pl.len()).collect().item())


if __name__ == "__main__":
    main()
