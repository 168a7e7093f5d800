"""Loading through Spark into S3 and the catalog."""

from glue_jobs.variants.transform import load

VCF = b"""##fileformat=VCFv4.2
##INFO=<ID=DP,Number=1,Type=Integer,Description="d">
##FORMAT=<ID=GT,Number=1,Type=String,Description="g">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1
chr1\t10\t.\tA\tC,G\t50\tPASS\tDP=3\tGT\t1/2
chr2\tx\t.\tA\tC,G\t50\tPASS\tDP=3\tGT\t1/2
"""


def test_x(lake, bgzf):
    src = lake.put("st/S1", bgzf(VCF))
    print(list(load(lake.spark, lake.options(src))))
    for t in ("variants", "genotypes", "rejects"):
        print(lake.rows(t))
    print(lake.keys(""))
    print(lake.manifest("st/S1"))
