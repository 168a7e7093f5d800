"""What each peer runs: a program of its own, in an environment of its own, that knows nothing of this project.

Arguments: a VCF, the Parquet file to write, and `sites` or `calls`. Of `sites` a row is a record with every INFO field
typed as the header says; of `calls` a call that is not homozygous reference, with every FORMAT field typed. The last
line printed is the number of rows.
"""
